"""One connection: which host is meant, HTTP as clients speak it and as they should not, and faults on demand."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from tests.support.endpoints import PASSWORD, USER, served
from winrm.exceptions import WinRMTransportError

from hvctl.lab.endpoint import http1
from hvctl.lab.endpoint.faults import Fault

pytestmark = pytest.mark.winrm

MESSAGE = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
    b' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"><s:Header>'
    b"<a:Action>http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Send</a:Action></s:Header><s:Body/></s:Envelope>"
)


@pytest.fixture
def endpoint(tmp_path):
    with served(tmp_path) as made:
        yield made


# ---- hosts and paths


@pytest.mark.parametrize(
    ("path", "host"), [("", "hv01"), ("/", "hv01"), ("/hv02", "hv02"), ("/HV02/", "hv02"), ("/hv0%32", "hv02")]
)
def test_the_path_says_which_host(endpoint, path, host):
    assert endpoint.post(MESSAGE, path).ok
    assert endpoint.service.handled[0][0] == host


@pytest.mark.parametrize("path", ["/hv03", "/hv01/x", "x", "/../stats"])
def test_other_paths_are_404(endpoint, path):
    assert endpoint.post(MESSAGE, path).status_code == 404


def test_other_methods_are_405(endpoint):
    assert requests.get(endpoint.url, timeout=10).status_code == 405


def test_the_counts(endpoint):
    endpoint.post(MESSAGE)
    endpoint.stats.powershell_started()
    assert endpoint.counts == {
        "requests": 1,
        "connections": 2,
        "bytes_in": len(MESSAGE),
        "bytes_out": len(MESSAGE),
        "authentications": 1,
        "plaintext_bodies": 0,
        "powershell_starts": 1,
        "actions": {"Send": 1},
    }


# ---- HTTP


def test_a_chunked_body(endpoint):
    assert endpoint.post(iter([MESSAGE[:7], MESSAGE[7:100], MESSAGE[100:]])).content == MESSAGE


@pytest.mark.parametrize("chunked", [False, True])
def test_an_envelope_that_is_too_large_is_413(endpoint, chunked):
    pieces = [b"x" * 50_000] * 20
    with endpoint.session() as session:
        answer = session.post(endpoint.tls_url, data=iter(pieces) if chunked else b"".join(pieces), timeout=10)
        assert answer.status_code == 413
        assert session.post(endpoint.tls_url, data=MESSAGE, timeout=10).ok
    assert len(endpoint.service.handled) == 1


def test_the_largest_envelope_passes(endpoint):
    assert endpoint.post(b"x" * 512_000).ok


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET\r\n\r\n",
        b"POST /wsman HTTP/2\r\n\r\n",
        b"POST /wsman HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /wsman HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /wsman HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST /wsman HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST /wsman HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"POST /wsman HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabcde\r\n",
        b"POST /wsman HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcde\r\n0\r\n\r\n",
        b"x" * (http1.LARGEST_HEAD + 70_000),
    ],
)
def test_garbage_ends_its_own_connection_only(endpoint, data):
    answer = endpoint.raw(data)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert endpoint.post(MESSAGE).ok
    assert len(endpoint.service.handled) == 1


@pytest.mark.parametrize("data", [b"", b"POST /wsm", b"POST /wsman HTTP/1.1\r\nContent-Length: 5\r\n\r\nab"])
def test_half_a_request_is_no_request(endpoint, data):
    assert endpoint.raw(data) == b""
    assert endpoint.counts["requests"] == 0


def test_a_client_that_says_nothing_keeps_nobody_waiting(endpoint):
    ports = (endpoint.endpoint.port, endpoint.endpoint.tls_port)
    silent = [socket.create_connection(("127.0.0.1", port)) for port in ports]
    assert endpoint.post(MESSAGE).ok
    for sock in silent:
        sock.close()


def test_plain_http_on_the_tls_port(endpoint):
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.post(f"http://127.0.0.1:{endpoint.endpoint.tls_port}/wsman", timeout=10)


def test_tls_on_the_plain_port_is_answered_at_once(endpoint):
    with pytest.raises(requests.exceptions.SSLError, match=r"(?i)wrong version number|record layer failure"):
        requests.post(f"https://127.0.0.1:{endpoint.endpoint.port}/wsman", timeout=30)


@pytest.mark.parametrize(
    ("version", "header", "ends"),
    [("1.1", "close", True), ("1.1", "keep-alive", False), ("1.0", "x", True), ("1.0", "keep-alive", False)],
)
def test_how_long_a_connection_lasts_is_the_client_s_wish(endpoint, version, header, ends):
    request = f"POST /wsman HTTP/{version}\r\nConnection: {header}\r\n\r\n".encode()
    assert endpoint.raw(request * 2).count(b"HTTP/1.1 401 ") == (1 if ends else 2)


def test_a_client_that_asks_may_send_its_body(endpoint):
    answer = endpoint.raw(b"POST /wsman HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 Unauthorized\r\n")


def test_a_failure_of_the_service_is_an_empty_500(endpoint, caplog):
    endpoint.service.fails = True
    answer = endpoint.post(MESSAGE)
    assert (answer.status_code, answer.content) == (500, b"")
    assert "an operation of the lab's endpoint failed: ValueError: a fault of the service itself" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_hundred_connections_at_once(endpoint):
    gate = threading.Barrier(100)

    def ask(number: int) -> bytes:
        with endpoint.session() as session:
            first = session.post(endpoint.tls_url, timeout=60)
            gate.wait(60)
            return first.content + session.post(endpoint.tls_url, data=b"%d" % number, timeout=60).content

    with ThreadPoolExecutor(100) as pool:
        assert list(pool.map(ask, range(100))) == [b"%d" % number for number in range(100)]
    assert len(endpoint.service.handled) == 100


# ---- faults


@pytest.mark.parametrize("tls", [False, True])
def test_refused_is_reset_before_a_byte_is_read(tmp_path, tls):
    with served(tmp_path, ("connect", Fault("refuse")), hosts=("hv01",)) as endpoint:
        url = endpoint.tls_url if tls else endpoint.url
        with pytest.raises(requests.exceptions.ConnectionError, match=r"[Rr]eset|10054"):
            requests.post(url, verify=str(endpoint.ca_file), timeout=10)
        assert endpoint.faults.asked == [("hv01", "connect", None)]
        assert endpoint.counts["requests"] == 0


def test_of_several_hosts_one_is_refused_once_its_name_is_known(tmp_path):
    with served(tmp_path) as endpoint:
        endpoint.post(b"", "/hv02")
        assert [host for host, point, _ in endpoint.faults.asked if point == "connect"] == ["", "hv02"]


def test_a_handshake_is_reset_at_any_leg(tmp_path):
    with served(tmp_path, *[("handshake", Fault("reset-handshake"))] * 2) as endpoint:
        for _ in range(2):
            with pytest.raises(requests.exceptions.ConnectionError):
                endpoint.protocol().transport.send_message(MESSAGE)
        assert endpoint.protocol().transport.send_message(MESSAGE) == MESSAGE
        assert endpoint.counts["plaintext_bodies"] == 0


def test_stale_is_an_empty_400_and_the_key_is_gone(tmp_path):
    with served(tmp_path, ("request", Fault("stale"))) as endpoint:
        protocol = endpoint.protocol()
        for _ in range(2):
            with pytest.raises(WinRMTransportError) as raised:
                protocol.transport.send_message(MESSAGE)
            assert (raised.value.code, raised.value.response_text) == (400, "")
        assert endpoint.service.handled == []
        assert ("hv01", "request", "Send") in endpoint.faults.asked


def test_unauthorized_midway(tmp_path):
    with served(tmp_path, ("request", Fault("unauthorized"))) as endpoint:
        assert endpoint.post(MESSAGE).status_code == 401
        assert endpoint.post(MESSAGE).ok
        assert len(endpoint.service.handled) == 1


def test_a_reply_is_dropped_after_the_operation(tmp_path):
    with served(tmp_path, ("reply", Fault("drop-reply"))) as endpoint:
        with pytest.raises(requests.exceptions.ConnectionError):
            endpoint.post(MESSAGE)
        assert len(endpoint.service.handled) == 1
        assert endpoint.post(MESSAGE).ok


def test_a_slow_reply_comes_all_the_same(tmp_path):
    with served(tmp_path, ("reply", Fault("slow", 0.1))) as endpoint:
        start = time.monotonic()
        assert endpoint.post(MESSAGE).content == MESSAGE
        assert time.monotonic() - start >= 0.1


def test_an_idle_connection_is_closed_after_its_reply(tmp_path):
    with served(tmp_path, ("idle", Fault("close-idle"))) as endpoint:
        request = b"POST /wsman HTTP/1.1\r\n\r\n"
        assert endpoint.raw(request * 2).count(b"HTTP/1.1 401 ") == 2  # only a login has something to lose
        protocol = endpoint.protocol()
        protocol.transport.build_session()
        # Sealed for a connection that is gone, or sent on it just as it goes.
        with pytest.raises((WinRMTransportError, requests.exceptions.ConnectionError)):
            protocol.transport.send_message(MESSAGE)
        assert endpoint.service.handled == []


def test_an_idle_connection_may_be_closed_later(tmp_path):
    with served(tmp_path, ("idle", Fault("close-idle", 30.0)), ("idle", Fault("close-idle", 0.05))) as endpoint:
        context = ssl.create_default_context(cafile=endpoint.ca_file)
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode())
        with (
            socket.create_connection(("127.0.0.1", endpoint.endpoint.tls_port), timeout=10) as sock,
            context.wrap_socket(sock, server_hostname="127.0.0.1", suppress_ragged_eofs=True) as secured,
        ):
            for _ in range(2):
                secured.sendall(b"POST /wsman HTTP/1.1\r\nAuthorization: Basic " + login + b"\r\n\r\n")
                assert secured.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
            assert secured.recv(65536) == b""


def test_each_request_takes_its_round_trip(tmp_path):
    with served(tmp_path, delay=0.05) as endpoint:
        start = time.monotonic()
        endpoint.post(b"")
        assert time.monotonic() - start >= 0.05
