"""What leaves this machine: never an unencrypted message, never to another place, never a password to a stranger."""

from __future__ import annotations

import socket
import time
from dataclasses import replace

import pytest
from tests.support.rawhttp import Heard, RawServer, reply
from tests.support.remote import PASSWORD, remote

from hvctl.errors import AccessError, HvctlError, UnreachableError
from hvctl.lab.endpoint.faults import clear
from hvctl.transports.base import TransportDoubt, TransportLost
from hvctl.transports.endpoint import Endpoint
from hvctl.transports.winrm import WinRMTransport
from hvctl.transports.winrm_protocol import Link
from hvctl.transports.wsman_faults import Failure

pytestmark = pytest.mark.winrm

SECRET = "a secret in a batch"
CHALLENGE = (
    "Negotiate TlRMTVNTUAACAAAABgAGADgAAAA1gopi7r0fwLH4sN4AAAAAAAAAAEAAQAA+AAAABgGxHQAAAA9IAFYAMQACAAYASABWADEAAQAGAEgA"
    "VgAxAAQABgBIAFYAMQADAAYASABWADEABwAIAAAAAAAAAAAABgAEAAIAAAAAAAAA"
)
"""The second leg of an NTLM handshake, of a host named HV1."""


def endpoint_of(server: RawServer, auth="ntlm") -> Endpoint:
    return Endpoint(
        "hv01", "127.0.0.1", "http", server.port, user="Administrator", auth=auth, password=lambda: "pass-word"
    )


def leg(heard: Heard) -> int:
    """Which leg of a handshake a request is: 0 has no token, 1 begins, 2 proves."""
    token = heard.header("Authorization")
    if not token:
        return 0
    import base64

    return 1 if base64.b64decode(token.split()[1])[8] == 1 else 2


def handshake(dies_at: int, how):
    """A server whose NTLM handshake dies at a leg."""

    def answer(heard: Heard) -> bytes | None:
        at = leg(heard)
        if at == dies_at:
            return how(heard)
        return reply(401, WWW_Authenticate=CHALLENGE if at == 1 else "Negotiate")

    return answer


DEATHS = {
    "reset": lambda _: None,
    "unavailable": lambda _: reply(503),
    "not found": lambda _: reply(404, b"<html/>"),
    "no challenge": lambda _: reply(401),
    "spoilt challenge": lambda _: reply(401, WWW_Authenticate="Negotiate TlRMTVNTUAAC"),
    "in clear": lambda _: reply(200),
}


def assert_nothing_in_clear(server: RawServer) -> None:
    for heard in server.heard:
        assert heard.body == b"" or heard.header("Content-Type").startswith("multipart/encrypted")
    for word in (b"Envelope", b"powershell", SECRET.encode(), b"pass-word"):
        assert word not in server.everything


@pytest.mark.parametrize("dies_at", [0, 1, 2])
@pytest.mark.parametrize("how", DEATHS)
def test_no_message_leaves_in_clear_when_a_handshake_dies(how, dies_at):
    with RawServer(handshake(dies_at, DEATHS[how])) as server:
        link = Link(endpoint_of(server), "pass-word")
        for _ in range(3):  # the second attempt is the one that pywinrm would make in clear
            with pytest.raises(Failure):
                link.run("shell", "powershell.exe", [SECRET])
            with pytest.raises(Failure):
                link.send("shell", "command", SECRET.encode())
        link.drop()
        assert server.heard
        assert_nothing_in_clear(server)


@pytest.mark.parametrize("dies_at", [0, 1, 2])
@pytest.mark.parametrize("how", DEATHS)
def test_a_transport_ends_in_an_error_of_ours_when_a_handshake_dies(how, dies_at):
    with RawServer(handshake(dies_at, DEATHS[how])) as server:
        transport = WinRMTransport(endpoint_of(server), timeout=1.0)
        with pytest.raises(HvctlError):
            transport.open("0" * 32)
        transport.close()
        assert_nothing_in_clear(server)


def test_no_message_leaves_in_clear_when_a_handshake_hangs(monkeypatch):
    monkeypatch.setattr("hvctl.transports.winrm_protocol._NETWORK", -0.8)
    with RawServer(handshake(1, lambda _: b"")) as server:
        link = Link(endpoint_of(server), "pass-word")
        for _ in range(2):
            with pytest.raises(Failure) as caught:
                link._call(lambda protocol: protocol.send_message(SECRET), 1)
            assert caught.value.kind == "silence"
        link.drop()
        assert_nothing_in_clear(server)


@pytest.mark.parametrize("kind", ["reset-handshake", "refuse", "stale", "unauthorized", "close-idle", "drop-reply"])
def test_no_message_leaves_in_clear_after_a_fault_in_the_middle(kind, tmp_path):
    """A real endpoint counts what comes in clear; the link is used on, as a careless caller would."""
    with remote(tmp_path, "ntlm") as served:
        link = Link(served.endpoint, served.endpoint.password())
        shell = link.create(None, 65001)
        served.fail(kind, times=3)
        for _ in range(6):
            try:
                link.run(shell, "powershell.exe", [SECRET])
            except Failure:
                assert (link._transport.session, link._transport.encryption) == (None, None)
        link.drop()
        clear(served.world_file)  # what is left would strike the question
        assert served.stats["plaintext_bodies"] == 0


def test_a_dropped_link_logs_in_anew(tmp_path):
    with remote(tmp_path, "ntlm") as served:
        link = Link(served.endpoint, served.endpoint.password())
        shell = link.create(None, 65001)
        link.drop()
        link.drop()
        link.delete(shell, 5)
        link.drop()
        assert served.stats["authentications"] == 2


def test_an_answer_that_nobody_has_encrypted_is_not_taken(tmp_path):
    """Somebody between could make one up."""
    with remote(tmp_path, "ntlm") as served:
        link = Link(served.endpoint, served.endpoint.password())
        link.create(None, 65001)
        session = link._transport.session
        real = session.send

        def forged(request, **options):
            answer = real(request, **options)
            answer._content, answer.status_code = b"<made-up/>", 200
            answer.headers["Content-Type"] = "application/soap+xml;charset=UTF-8"
            return answer

        session.send = forged
        with pytest.raises(Failure) as caught:
            link.receive("shell", "command", 1)
        assert caught.value.kind == "doubt"
        assert "not encrypted" in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nothing_follows_a_redirect(status):
    with RawServer(lambda _: reply(200)) as other:
        with RawServer(lambda _: reply(status, Location=other.url)) as server:
            with pytest.raises(HvctlError):
                WinRMTransport(endpoint_of(server)).open("0" * 32)
            with pytest.raises(HvctlError):
                WinRMTransport(replace(endpoint_of(server), auth=None)).open("0" * 32)
        assert other.heard == []


def test_proxies_netrc_and_bundles_of_the_environment_are_nobody_s_business(tmp_path, monkeypatch, recwarn):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n", encoding="ascii")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    with RawServer(lambda _: reply(407)) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        for auth in ("ntlm", "basic"):
            with remote(tmp_path, auth) as served, served.connect(auth=None) as host:
                assert host.vms.list() == []
        assert proxy.heard == []
    assert list(recwarn) == []


def test_a_password_of_any_alphabet_goes_as_utf_8(tmp_path):
    with remote(tmp_path, "basic") as served:
        link = Link(replace(served.endpoint, user="Jürgen"), "пароль")
        session = link._transport.build_session()
        assert (session.auth.username, session.auth.password) == ("Jürgen".encode(), "пароль".encode())
        link.drop()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "does not speak HTTP"),
        (reply(200, b"<html>hello</html>"), "not WinRM"),
        (reply(404), "not WinRM"),
        (reply(405), "not WinRM"),
        (reply(403), "forbids"),
        (reply(407), "proxy"),
        (reply(500, b"oops"), "status 500"),
        (None, "closed"),
    ],
)
@pytest.mark.parametrize("auth", ["ntlm", None])
def test_what_is_not_winrm_is_told(answer, words, auth):
    with RawServer(lambda _: answer) as server:
        transport = WinRMTransport(endpoint_of(server, auth))
        with pytest.raises(HvctlError, match=words) as caught:
            transport.open("0" * 32)
        assert caught.value.host == "hv01"


def test_a_host_that_vanishes_leaves_doubt_and_never_another_exception(tmp_path):
    with remote(tmp_path, "ntlm") as served:
        transport = WinRMTransport(served.endpoint)
        transport.open("0" * 32)
        transport.receive(5.0)
    for _ in range(3):
        with pytest.raises((TransportDoubt, TransportLost)):
            transport.send(b"\n{}\n")
        with pytest.raises((TransportDoubt, TransportLost)):
            transport.receive(1.0)
        transport.reset()
    transport.close()


@pytest.mark.parametrize("auth", ["ntlm", None])
def test_a_wrong_password_is_tried_once_so_that_no_account_is_locked(auth):
    with RawServer(handshake(2, lambda _: reply(401, WWW_Authenticate="Negotiate"))) as server:
        transport = WinRMTransport(endpoint_of(server, auth))
        with pytest.raises(AccessError, match="hv01 refuses the login of Administrator by ntlm"):
            transport.open("0" * 32)
        transport.close()
        assert [leg(heard) for heard in server.heard].count(2) == 1


def test_a_wrong_password_of_basic_is_tried_once(tmp_path):
    with remote(tmp_path, "basic") as served:
        transport = WinRMTransport(replace(served.endpoint, password=lambda: "wrong"))
        with pytest.raises(AccessError):
            transport.open("0" * 32)
        # The other one asks without a login what is offered.
        assert served.stats["requests"] == 2


TRICKLES = {
    "head": b"HTTP/1.1 401 Unauthorized\r\nX-Slow: ",
    "body": b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 100000\r\n\r\n",
}


def trickle(begin):
    """An answer that never ends, though each next byte of it comes soon."""

    def answer(_: Heard):
        yield begin
        while True:
            time.sleep(0.05)
            yield b"a"

    return answer


@pytest.mark.parametrize("begin", TRICKLES)
@pytest.mark.parametrize("auth", ["ntlm", None])
def test_a_host_that_trickles_is_given_up(begin, auth, monkeypatch):
    monkeypatch.setattr("hvctl.transports.winrm_protocol._TRANSFER", -5.5)
    monkeypatch.setattr("hvctl.transports.probe._WHOLE", 0.5)
    with RawServer(trickle(TRICKLES[begin])) as server:
        transport = WinRMTransport(endpoint_of(server, auth), timeout=1.0)
        with pytest.raises(UnreachableError, match="hv01 did not answer in time") as caught:
            transport.open("0" * 32)
        assert "Restart-Service WinRM" in caught.value.hint


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
def test_an_answer_that_takes_too_long_in_all_is_cut_and_the_next_one_comes(auth, tmp_path, monkeypatch):
    with remote(tmp_path, auth) as served:
        link = Link(served.endpoint, PASSWORD)
        shell = link.create(60, 65001)
        with monkeypatch.context() as patched:
            patched.setattr("hvctl.transports.winrm_protocol._TRANSFER", -5.5)
            served.fail("slow", action="Delete", seconds=5.0)
            with pytest.raises(Failure) as caught:
                link.delete(shell, 1)
        assert caught.value.kind == "silence"
        assert link.create(60, 65001)
        link.drop()


def test_a_port_where_nothing_listens_is_known_at_once():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        endpoint = Endpoint("hv01", "127.0.0.1", "http", port, user="a", auth="ntlm", password=lambda: "-")
        with pytest.raises(HvctlError, match="Nothing listens"):
            WinRMTransport(endpoint).open("0" * 32)
