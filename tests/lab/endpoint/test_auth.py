"""Logins: Basic and NTLM by the same accounts, names as Windows takes them, and nothing that leaks."""

from __future__ import annotations

import base64
import os
import stat
import sys

import pytest
import spnego

from hvctl.errors import UsageError
from hvctl.lab.endpoint.auth import Accounts, Login, RefusedError
from hvctl.lab.endpoint.sealing import UnsealError

pytestmark = pytest.mark.unit

NAMES = ["Administrator", "ADMINISTRATOR", "HV01\\administrator", ".\\Administrator"]
STRANGERS = ["Guest", "", "OTHER\\Administrator", "Administrator@hv01"]


@pytest.fixture
def accounts(tmp_path):
    return Accounts({"Administrator": "pä$$ wörd", "Ops": "x"}, tmp_path, ["hv01", "hv02"])


def basic(text: str, encoding: str = "utf-8") -> str:
    return base64.b64encode(text.encode(encoding)).decode()


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("name", NAMES)
def test_basic_takes_the_account_by_any_of_its_names(accounts, name, encoding):
    assert accounts.by_password(basic(f"{name}:pä$$ wörd", encoding)) == "Administrator"


@pytest.mark.parametrize(
    "credentials",
    [
        *(basic(f"{name}:pä$$ wörd") for name in STRANGERS),
        basic("Administrator:x"),
        basic("Administrator:"),
        basic("Administrator"),
        basic("Ops:pä$$ wörd"),
        "",
        "no base64 !",
        "ÄÖ",
    ],
)
def test_basic_refuses_everything_else(accounts, credentials):
    with pytest.raises(RefusedError):
        accounts.by_password(credentials)


def handshake(login: Login, user: str, password: str, protocol: str = "ntlm"):
    """A client that logs in; its context."""
    options = spnego.NegotiateOptions.use_ntlm if protocol == "ntlm" else spnego.NegotiateOptions.use_negotiate
    client = spnego.client(user, password, hostname="127.0.0.1", service="http", protocol=protocol, options=options)
    answer = None
    while not client.complete:
        token = client.step(answer)
        if token is None:
            break
        answer, done = login.step(base64.b64encode(token).decode())
        if done and answer is None:
            break
    return client


@pytest.mark.parametrize("protocol", ["ntlm", "negotiate"])
@pytest.mark.parametrize("name", NAMES)
def test_a_handshake_ends_in_a_shared_key(accounts, name, protocol):
    login = Login(accounts)
    client = handshake(login, name, "pä$$ wörd", protocol)
    assert login.user == "Administrator"
    sealed = client.wrap_winrm(b"<question/>")
    assert login.unseal(sealed.header, sealed.data) == b"<question/>"
    assert client.unwrap_winrm(*login.seal(b"<answer/>")) == b"<answer/>"


@pytest.mark.parametrize("protocol", ["ntlm", "negotiate"])
@pytest.mark.parametrize(("name", "password"), [("Administrator", "wrong"), ("Guest", "x"), ("Ops", "pä$$ wörd")])
def test_a_handshake_without_the_right_password_is_refused(accounts, name, password, protocol):
    login = Login(accounts)
    with pytest.raises(RefusedError):
        handshake(login, name, password, protocol)
    assert login.user is None
    assert not login.can_seal


@pytest.mark.parametrize("token", ["", "!", "TlRMTVNTUAA=", base64.b64encode(bytes(range(256))).decode()])
def test_a_token_of_no_sense_is_refused_and_the_next_handshake_works(accounts, token):
    login = Login(accounts)
    with pytest.raises(RefusedError):
        login.step(token)
    handshake(login, "Ops", "x")
    assert login.user == "Ops"


def test_a_new_handshake_forgets_the_old_key(accounts):
    login = Login(accounts)
    old = handshake(login, "Ops", "x")
    handshake(login, "Administrator", "pä$$ wörd")
    assert login.user == "Administrator"
    sealed = old.wrap_winrm(b"<x/>")
    with pytest.raises(UnsealError):
        login.unseal(sealed.header, sealed.data)


def test_two_endpoints_in_one_process_know_their_own_accounts_only(accounts, tmp_path):
    (tmp_path / "other").mkdir()
    other = Accounts({"Administrator": "another"}, tmp_path / "other")
    handshake(Login(other), "Administrator", "another")
    with pytest.raises(RefusedError):
        handshake(Login(accounts), "Administrator", "another")


def test_the_accounts_are_nobody_else_s_to_read(accounts, tmp_path):
    handshake(Login(accounts), "Ops", "x")
    assert "NTLM_USER_FILE" not in os.environ
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "accounts").stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "a:b", "a\nb", "a\u2028b", "a\x00b"])
def test_what_has_no_place_in_a_login_is_refused(tmp_path, text):
    with pytest.raises(UsageError):
        Accounts({"x": text}, tmp_path)
    with pytest.raises(UsageError):
        Accounts({text: "x"}, tmp_path)
