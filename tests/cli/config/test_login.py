"""`hvctl config login` and `logout`."""

from __future__ import annotations

import keyring
import pytest
from tests.support.keystores import Silent, Talkative

from hvctl import credentials
from hvctl.config import hosts

pytestmark = pytest.mark.lab


@pytest.fixture(autouse=True)
def one_host(hvctl, key_store):
    hvctl.ok("config", "host", "add", "hv01", "--user", "admin")


def test_a_password_is_kept_by_the_key_store_alone(hvctl, key_store):
    done = hvctl.ok("config", "login", "HV01", "--password-stdin", stdin="hunter2\n")
    assert done.err == "The password of admin on hv01 is in the key store.\n"
    assert key_store == {"hvctl/hv01 admin": "hunter2"}
    assert hosts()["hv01"].keyring is True
    assert credentials.password("hv01", "admin") == "hunter2"
    assert "hunter2" not in (hvctl.home / "config.toml").read_text()


def test_a_password_is_asked_for(hvctl, key_store, monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda question: f"[{question}]")
    hvctl.ok("config", "login", "hv01", terminal=True)
    assert key_store == {"hvctl/hv01 admin": "[Password of admin on hv01: ]"}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["hv01"], 2, "There is no terminal to ask for the password on."),
        (["hv01", "--password-stdin"], 2, "--password-stdin has read no password"),
        (["hv02", "--password-stdin"], 3, "The configuration has no host 'hv02'."),
        (["nobody", "--password-stdin"], 2, "The configuration does not say who logs in to 'nobody'."),
    ],
    ids=str,
)
def test_no_login(hvctl, key_store, words, code, message):
    hvctl.ok("config", "host", "add", "nobody")
    refused = hvctl("config", "login", *words)
    assert refused.code == code
    assert refused.err.startswith(f"error: {message}")
    assert key_store == {}
    assert not hosts()["hv01"].keyring


@pytest.mark.parametrize(("store", "said"), [(Silent(), "gave no answer"), (Talkative(), "failed (RuntimeError)")])
def test_a_key_store_that_cannot(hvctl, monkeypatch, store, said):
    monkeypatch.setattr(credentials, "KEYRING_SECONDS", 0.05)
    keyring.set_keyring(store)
    refused = hvctl("config", "login", "hv01", "--password-stdin", stdin="hunter2")
    assert refused.code == 4
    assert said in refused.err
    assert not hosts()["hv01"].keyring


def test_logging_out(hvctl, key_store):
    hvctl.ok("config", "login", "hv01", "--password-stdin", stdin="hunter2")
    assert hvctl.json("config", "logout", "hv01") == [{"name": "hv01", "outcome": "changed", "also": []}]
    assert key_store == {}
    assert not hosts()["hv01"].keyring
    again = hvctl.ok("config", "logout", "hv01")
    assert again.err == "The key store has no password for 'hv01'; nothing was changed.\n"


def test_a_removed_host_s_password_goes(hvctl, key_store):
    hvctl.ok("config", "login", "hv01", "--password-stdin", stdin="hunter2")
    assert hvctl.json("config", "host", "remove", "hv01")[0]["also"] == ["key store"]
    assert key_store == {}


def test_a_host_is_removed_though_the_key_store_fails(hvctl):
    hvctl.ok("config", "login", "hv01", "--password-stdin", stdin="hunter2")
    keyring.set_keyring(Talkative())
    removed = hvctl.ok("config", "host", "remove", "hv01")
    assert removed.err.startswith("warning: the password of 'hv01' may still be in the key store")
    assert hosts() == {}


def test_another_user_has_to_log_in(hvctl, key_store):
    hvctl.ok("config", "login", "hv01", "--password-stdin", stdin="hunter2")
    done = hvctl.ok("config", "host", "set", "hv01", "--user", "other")
    assert "hvctl config login hv01" in done.err
    assert not hosts()["hv01"].keyring
    assert key_store == {}
    hvctl.ok("config", "login", "hv01", "--password-stdin", stdin="hunter3")
    hvctl.ok("config", "host", "add", "hv01", "--user", "other", "--auth", "ntlm", "--replace")
    assert hosts()["hv01"].keyring
    hvctl.ok("config", "host", "add", "hv01", "--user", "third", "--replace")
    assert not hosts()["hv01"].keyring
    assert key_store == {}
