"""What is known of an endpoint before anybody logs in."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.support.rawhttp import RawServer, reply
from tests.support.remote import remote

from hvctl.errors import AccessError, UsageError
from hvctl.transports import endpoint as places
from hvctl.transports import probe
from hvctl.transports.endpoint import Endpoint, parse
from hvctl.transports.wsman_faults import Failure

pytestmark = pytest.mark.winrm

HOST = replace(parse("hv01", "127.0.0.1"), user="admin")


def listener(stack: ExitStack) -> int:
    """A port that takes connections."""
    return stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]


def closed(stack: ExitStack) -> int:
    """A port where nothing listens, and nothing else will."""
    sock = stack.enter_context(socket.socket())
    sock.bind(("127.0.0.1", 0))
    return sock.getsockname()[1]


def silent(stack: ExitStack) -> int:
    """A port that drops what knocks, as a firewall does: its queue is full."""
    sock = stack.enter_context(socket.socket())
    sock.bind(("127.0.0.1", 0))
    sock.listen(0)
    for _ in range(4):
        client = stack.enter_context(socket.socket())
        client.setblocking(False)
        client.connect_ex(sock.getsockname())
    return sock.getsockname()[1]


@pytest.mark.parametrize(
    ("https", "http", "chosen"),
    [
        (listener, listener, "https"),
        (closed, listener, "http"),
        (listener, closed, "https"),
        (silent, listener, "http"),
        (listener, silent, "https"),
    ],
)
def test_tls_is_preferred_where_both_are_open(https, http, chosen, monkeypatch):
    with ExitStack() as stack:
        ports = {"https": https(stack), "http": http(stack)}
        monkeypatch.setattr(places, "PORTS", ports)
        assert probe.connect(HOST) == (chosen, ports[chosen])


@pytest.mark.parametrize(
    ("https", "http", "words"),
    [(closed, closed, "Nothing listens"), (silent, closed, "No answer"), (silent, silent, "No answer")],
)
def test_no_port_is_open(https, http, words, monkeypatch):
    with ExitStack() as stack:
        monkeypatch.setattr(places, "PORTS", {"https": https(stack), "http": http(stack)})
        with pytest.raises(Failure, match=words) as caught:
            probe.connect(HOST, 0.3)
        assert caught.value.kind == "unreachable"
        assert "https://127.0.0.1" in caught.value.message
        assert "http://127.0.0.1" in caught.value.message


def test_basic_is_never_looked_for_without_tls(monkeypatch):
    with ExitStack() as stack:
        monkeypatch.setattr(places, "PORTS", {"https": closed(stack), "http": listener(stack)})
        with pytest.raises(Failure):
            probe.connect(replace(HOST, auth="basic"), 0.5)


def test_a_name_that_nobody_knows():
    with pytest.raises(Failure, match="cannot be resolved"):
        probe.resolve(parse("x", "no-such-host.invalid"))
    with pytest.raises(Failure, match="cannot be resolved"):
        probe.resolve(parse("x", "x" * 80 + ".invalid"))


def test_addresses_of_a_name():
    assert probe.resolve(parse("x", "127.0.0.1")) == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("headers", "methods"),
    [
        ({"WWW-Authenticate": "Negotiate"}, ("Negotiate",)),
        ({"WWW-Authenticate": 'Negotiate, Basic realm="WSMAN, or so", CredSSP'}, ("Negotiate", "Basic", "CredSSP")),
        ({"WWW-Authenticate": "Negotiate\r\nWWW-Authenticate: Kerberos"}, ("Negotiate", "Kerberos")),
        ({}, ()),
    ],
)
def test_what_a_server_offers(headers, methods):
    with RawServer(lambda _: reply(401, **headers)) as server:
        assert probe.offered(replace(HOST, scheme="http", port=server.port)) == methods
        assert [heard.body for heard in server.heard] == [b""]
        assert "Authorization" not in server.heard[0].head


OVER_TLS = replace(HOST, scheme="https", port=5986)
OVER_HTTP = replace(HOST, scheme="http", port=5985)


@pytest.mark.parametrize(
    ("endpoint", "methods", "auth"),
    [
        (OVER_TLS, ["Negotiate", "Basic"], "ntlm"),
        (OVER_TLS, ["NTLM"], "ntlm"),
        (OVER_TLS, ["Basic"], "basic"),
        (OVER_HTTP, ["Negotiate", "Kerberos"], "ntlm"),
    ],
)
def test_a_method_is_chosen(endpoint, methods, auth):
    assert probe.choose(endpoint, methods) == auth


@pytest.mark.parametrize(
    ("endpoint", "methods", "kind"),
    [
        (OVER_HTTP, ["Basic"], AccessError),
        (OVER_TLS, ["CredSSP"], AccessError),
        (OVER_TLS, [], AccessError),
        (replace(OVER_TLS, user=None), ["Negotiate"], UsageError),
        (replace(OVER_TLS, verify=False), ["Basic"], UsageError),
    ],
)
def test_no_method_can_be_chosen(endpoint, methods, kind, monkeypatch):
    monkeypatch.setattr(probe, "missing_extra", lambda _: UsageError("not installed"))
    with pytest.raises(kind):
        probe.choose(endpoint, methods)


def test_kerberos_is_chosen_where_there_is_a_ticket_in_place_of_a_user(monkeypatch):
    monkeypatch.setattr(probe, "missing_extra", lambda _: None)
    assert probe.choose(replace(OVER_TLS, user=None), ["Negotiate"]) == "kerberos"
    assert probe.choose(OVER_HTTP, ["Kerberos"]) == "kerberos"


def test_nobody_is_contacted_without_a_user(monkeypatch):
    monkeypatch.setattr(probe, "missing_extra", lambda _: UsageError("not installed"))
    monkeypatch.setattr(probe, "resolve", lambda *_: pytest.fail("a name was looked up"))
    with pytest.raises(UsageError, match="needs a user"):
        probe.settle(parse("hv01", "hv01"), pytest.fail)


def test_what_is_said_is_kept_and_nothing_is_asked(monkeypatch):
    monkeypatch.setattr(probe, "offered", lambda _: pytest.fail("it was asked"))
    known = Endpoint("hv01", "127.0.0.1", "https", 5986, user="admin", auth="ntlm")
    assert probe.settle(known, pytest.fail) == known


def test_a_handshake_of_tls(tmp_path):
    with remote(tmp_path, "basic") as served:
        shown = probe.handshake(served.endpoint)
        assert shown.version.startswith("TLSv1.")
        assert shown.expires > datetime.now(UTC)
        assert probe.handshake(replace(served.endpoint, ca_file=None, verify=False)).expires is None
        with pytest.raises(Failure, match="certificate"):
            probe.handshake(replace(served.endpoint, ca_file=None))


def test_a_refused_login_says_what_to_look_at_the_likeliest_first():
    failure = Failure("login", "no")
    with RawServer(lambda _: reply(401, WWW_Authenticate="Negotiate")) as server:
        here = replace(OVER_HTTP, port=server.port)
        ntlm = probe.refused_login(replace(here, auth="ntlm"), failure)
        credssp = probe.refused_login(replace(here, auth="credssp"), failure)
        kerberos = probe.refused_login(replace(here, auth="kerberos"), failure)
    assert str(ntlm.hint).startswith("The user name or the password is wrong")
    assert "LocalAccountTokenFilterPolicy" in str(ntlm.hint)
    assert "credssp is not enabled" in str(credssp.hint)
    assert "klist" in str(kerberos.hint)
    gone = probe.refused_login(replace(here, auth="certificate"), failure)
    assert "mapping" in str(gone.hint)
    assert "offers" not in gone.message
