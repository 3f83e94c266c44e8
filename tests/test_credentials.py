"""Where a password comes from, in which order, and what is said when there is none."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator

import keyring
import keyring.backends.fail
import pytest
from tests.support.keystores import KeyStore, Silent, Talkative

from hvctl import credentials
from hvctl.errors import AccessError, CancelledError, UsageError

pytestmark = pytest.mark.unit


class Stream(io.StringIO):
    """A standard stream that may claim to be a terminal."""

    def __init__(self, text: str = "", *, terminal: bool = False) -> None:
        super().__init__(text)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home whose host hv01 has a password in the key store, and nobody at the terminal."""
    monkeypatch.setenv("HVCTL_HOME", str(tmp_path))
    for name in ("HVCTL_PASSWORD", "HVCTL_PASSWORD_HV01", "TEST_KEY_STORE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config.toml").write_text("[hosts.hv01]\nuser = 'admin'\nkeyring = true\n[hosts.hv02]\n")
    monkeypatch.setattr(sys, "stdin", Stream())
    monkeypatch.setattr(sys, "stderr", Stream())
    return tmp_path


@pytest.fixture(autouse=True)
def key_store() -> Iterator[dict[str, str]]:
    """What the key store holds."""
    before = keyring.get_keyring()
    keyring.set_keyring(KeyStore())
    Silent.over.clear()
    KeyStore.kept.clear()
    yield KeyStore.kept
    Silent.over.set()
    KeyStore.kept.clear()
    keyring.set_keyring(before)


@pytest.fixture
def terminal(monkeypatch):
    """Somebody at the terminal, who answers."""

    def sit_down(answer: str | BaseException) -> list[str]:
        asked: list[str] = []

        def getpass(question: str) -> str:
            asked.append(question)
            if isinstance(answer, BaseException):
                raise answer
            return answer

        monkeypatch.setattr(sys, "stdin", Stream(terminal=True))
        monkeypatch.setattr(sys, "stderr", Stream(terminal=True))
        monkeypatch.setattr("getpass.getpass", getpass)
        return asked

    return sit_down


def test_the_order(monkeypatch, key_store, terminal):
    """Each place is asked only where those before it have nothing."""
    asked = terminal("prompted")
    assert credentials.password("hv01", "admin") == "prompted"
    assert asked == ["Password of admin on hv01: "]
    credentials.store("hv01", "admin", "kept")
    assert credentials.password("HV01", "admin") == "kept"
    monkeypatch.setenv("HVCTL_PASSWORD", "general")
    assert credentials.password("hv01", "admin") == "general"
    monkeypatch.setenv("HVCTL_PASSWORD_HV01", "particular")
    assert credentials.password("hv01", "admin") == "particular"
    assert credentials.password("hv02", "admin") == "general"
    assert credentials.password("hv01", "admin", typed="typed") == "typed"
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("host", "variable"),
    [
        ("hv01", "HVCTL_PASSWORD_HV01"),
        ("hv-01.example.com", "HVCTL_PASSWORD_HV_01_EXAMPLE_COM"),
        ("https://[::1]:5986/", "HVCTL_PASSWORD_HTTPS______1__5986_"),
        ("Büro 1", "HVCTL_PASSWORD_B_RO_1"),
    ],
)
def test_the_variable_of_a_host(host, variable):
    assert credentials.variable(host) == variable


def test_an_empty_variable_is_none(monkeypatch, terminal):
    terminal("prompted")
    monkeypatch.setenv("HVCTL_PASSWORD", "")
    assert credentials.password("hv02", "admin") == "prompted"


def test_a_host_without_a_kept_password_does_not_open_the_key_store(terminal):
    terminal("prompted")
    keyring.set_keyring(Talkative())
    assert credentials.password("hv02", "admin") == "prompted"
    assert credentials.password("not.configured", "admin") == "prompted"


def test_another_user_s_password_is_not_taken(terminal):
    credentials.store("hv01", "admin", "kept")
    terminal("prompted")
    assert credentials.password("hv01", "somebody") == "prompted"


def test_nobody_to_ask():
    with pytest.raises(AccessError, match="There is no password for admin on hv-2") as caught:
        credentials.password("hv-2", "admin")
    assert caught.value.code == 4
    for way in ("HVCTL_PASSWORD_HV_2", "HVCTL_PASSWORD,", "--password-stdin", "hvctl config login hv-2", "terminal"):
        assert way in str(caught.value.hint) + ","


def test_only_a_whole_terminal_is_asked(monkeypatch, terminal):
    terminal("prompted")
    monkeypatch.setattr(sys, "stderr", Stream())
    with pytest.raises(AccessError):
        credentials.password("hv02", "admin")


@pytest.mark.parametrize(("answer", "error"), [(EOFError(), CancelledError), ("", AccessError)])
def test_no_answer(terminal, answer, error):
    terminal(answer)
    with pytest.raises(error):
        credentials.password("hv02", "admin")


def test_a_terminal_that_would_show_the_answer(terminal):
    import getpass

    terminal(getpass.GetPassWarning("Can not control echo on the terminal."))
    with pytest.raises(AccessError, match="would show the password"):
        credentials.password("hv02", "admin")


def test_a_user_cannot_write_to_the_terminal(terminal):
    asked = terminal("prompted")
    credentials.password("hv02", "ad\x1b[2Jmin")
    assert asked == ["Password of ad?[2Jmin on hv02: "]


@pytest.mark.parametrize("text", ["hunter2\n", "hunter2\r\n", "hunter2", "\ufeffhunter2\nmore\n"])
def test_a_password_from_stdin(monkeypatch, text):
    monkeypatch.setattr(sys, "stdin", Stream(text))
    assert credentials.read_stdin() == "hunter2"


def test_blanks_belong_to_a_password(monkeypatch):
    monkeypatch.setattr(sys, "stdin", Stream("  hunter 2 \n"))
    assert credentials.read_stdin() == "  hunter 2 "


@pytest.mark.parametrize("stream", [Stream(""), Stream("\n"), Stream("x\n", terminal=True)])
def test_no_password_from_stdin(monkeypatch, stream):
    monkeypatch.setattr(sys, "stdin", stream)
    with pytest.raises(UsageError, match="--password-stdin"):
        credentials.read_stdin()


def test_what_was_kept_can_be_forgotten(key_store):
    credentials.store("hv01", "admin", "kept")
    assert key_store == {"hvctl/hv01 admin": "kept"}
    assert credentials.forget("HV01", "admin") is True
    assert credentials.forget("hv01", "admin") is False
    assert key_store == {}


def test_a_key_store_that_does_not_answer(monkeypatch, terminal):
    """Nobody is asked then: a script that worked yesterday shall not wait for a person today."""
    asked = terminal("prompted")
    monkeypatch.setattr(credentials, "KEYRING_SECONDS", 0.05)
    keyring.set_keyring(Silent())
    with pytest.raises(AccessError, match=r"key store gave no answer in 0\.05 s") as caught:
        credentials.password("hv01", "admin")
    assert "HVCTL_PASSWORD_HV01" in str(caught.value.hint)
    assert asked == []


def test_a_key_store_that_fails_is_not_quoted(key_store):
    key_store["hvctl/hv01 admin"] = "hunter2"
    keyring.set_keyring(Talkative())
    with pytest.raises(AccessError, match=r"key store failed \(RuntimeError\)") as caught:
        credentials.password("hv01", "admin")
    with pytest.raises(AccessError) as refused:
        credentials.store("hv01", "admin", "hunter2")
    for error in (caught.value, refused.value):
        assert error.__cause__ is None
        assert error.__context__ is None
        assert "hunter2" not in str(error.as_dict())


def test_a_platform_without_a_key_store():
    keyring.set_keyring(keyring.backends.fail.Keyring())
    with pytest.raises(AccessError, match="no key store"):
        credentials.password("hv01", "admin")


def test_the_extra_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(AccessError) as caught:
        credentials.password("hv01", "admin")
    assert "pip install hvctl[keyring]" in caught.value.message
    assert "HVCTL_PASSWORD_HV01" in str(caught.value.hint)


# ---- many hosts


MANY = [("hv02", "admin"), ("hv03", "admin"), ("hv04", "other")]


def test_one_question_for_each_user(terminal):
    asked = terminal("from the prompt")
    told: list[str] = []
    passwords = credentials.Passwords(before_asking=lambda: told.append("asking"))
    passwords.gather(MANY)
    assert asked == ["Password of admin on hv02, hv03: ", "Password of other on hv04: "]
    assert [passwords.of(*login) for login in MANY] == ["from the prompt"] * 3
    passwords.gather(MANY)
    assert (len(asked), len(told)) == (2, 2)


def test_a_question_for_many_names_some(terminal):
    asked = terminal("from the prompt")
    credentials.Passwords().gather([(f"hv{n}", "admin") for n in range(20, 40)])
    assert asked == ["Password of admin on hv20, hv21, hv22, hv23, hv24 and 15 more: "]


def test_only_those_without_a_password_are_asked_for(monkeypatch, terminal, key_store):
    asked = terminal("from the prompt")
    key_store["hvctl/hv01 admin"] = "kept"
    monkeypatch.setenv("HVCTL_PASSWORD_HV02", "from the environment")
    passwords = credentials.Passwords()
    passwords.gather([("hv01", "admin"), ("hv02", "admin"), ("hv03", "admin")])
    assert asked == ["Password of admin on hv03: "]
    found = [passwords.of(host, "admin") for host in ("hv01", "hv02", "hv03")]
    assert found == ["kept", "from the environment", "from the prompt"]


def test_a_host_nobody_has_a_password_for_is_the_only_one_that_fails(monkeypatch):
    monkeypatch.setenv("HVCTL_PASSWORD_HV02", "from the environment")
    passwords = credentials.Passwords()
    passwords.gather(MANY)
    assert passwords.of("hv02", "admin") == "from the environment"
    for host, user in MANY[1:]:
        with pytest.raises(AccessError, match=f"no password for {user} on {host}"):
            passwords.of(host, user)


def test_what_was_typed_is_for_all(terminal):
    asked = terminal("from the prompt")
    passwords = credentials.Passwords("typed")
    passwords.gather(MANY)
    assert {passwords.of(*login) for login in MANY} == {"typed"}
    assert asked == []


def test_leaving_the_question_leaves_all(terminal):
    terminal(EOFError())
    with pytest.raises(CancelledError):
        credentials.Passwords().gather(MANY)


def test_a_key_store_that_does_not_answer_is_waited_for_once(monkeypatch, home):
    hosts = [f"hv{number}" for number in range(10, 20)]
    entries = [f"[hosts.{host}]\nuser = 'admin'\nkeyring = true\n" for host in hosts]
    (home / "config.toml").write_text("".join(entries))
    tried: list[str] = []

    class Counting(Silent):
        def get_password(self, service: str, username: str) -> str | None:
            tried.append(service)
            return super().get_password(service, username)

    monkeypatch.setattr(credentials, "KEYRING_SECONDS", 0.05)
    keyring.set_keyring(Counting())
    passwords = credentials.Passwords()
    passwords.gather([(host, "admin") for host in hosts])
    for host in hosts:
        with pytest.raises(AccessError, match="gave no answer") as caught:
            passwords.of(host, "admin")
        assert caught.value.host == host
        assert credentials.variable(host) in str(caught.value.hint)
    assert tried == ["hvctl/hv10"]


def test_a_single_host_is_looked_up_when_it_is_needed(terminal):
    asked = terminal("from the prompt")
    passwords = credentials.Passwords()
    assert asked == []
    assert [passwords.of("hv02", "admin") for _ in range(2)] == ["from the prompt"] * 2
    assert asked == ["Password of admin on hv02: "]
