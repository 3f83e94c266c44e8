"""The endpoint over real sockets: who gets in, what came in clear, how it begins and ends."""

from __future__ import annotations

import socket
import ssl

import pytest
import requests
from requests_ntlm import HttpNtlmAuth
from tests.support.endpoints import PASSWORD, USER, Served, served
from winrm.exceptions import InvalidCredentialsError, WinRMTransportError
from winrm.protocol import Protocol

from hvctl.errors import ConflictError, NotFoundError, UsageError
from hvctl.lab.endpoint.server import Settings, open_endpoint

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


# ---- logins


def test_basic_over_tls(endpoint):
    assert endpoint.post(MESSAGE).content == MESSAGE
    assert endpoint.service.handled == [("hv01", USER, MESSAGE)]


def test_ntlm_over_http_with_sealed_messages(endpoint):
    protocol = endpoint.protocol()
    assert protocol.transport.send_message(MESSAGE) == MESSAGE
    assert protocol.transport.send_message(MESSAGE * 2) == MESSAGE * 2
    assert endpoint.service.handled == [("hv01", USER, MESSAGE), ("hv01", USER, MESSAGE * 2)]
    counts = endpoint.counts
    assert (counts["connections"], counts["requests"]) == (2, 5)  # one of the connections asks for the counts
    assert (counts["authentications"], counts["plaintext_bodies"]) == (1, 0)


def test_ntlm_over_tls_needs_no_sealing(endpoint):
    answer = endpoint.post(MESSAGE, auth=HttpNtlmAuth(USER, PASSWORD))
    assert (answer.status_code, answer.content) == (200, MESSAGE)


@pytest.mark.parametrize(("transport", "auth"), [("basic", "basic"), ("ntlm", "ntlm")])
def test_a_wrong_password_is_401(tmp_path, transport, auth):
    with served(tmp_path, auth=auth) as endpoint:
        with pytest.raises(InvalidCredentialsError):
            endpoint.protocol(transport, password="wrong").transport.send_message(MESSAGE)
        assert endpoint.service.handled == []
        assert endpoint.counts["authentications"] == 0


@pytest.mark.parametrize(
    ("auth", "tls", "offered"),
    [
        ("basic", True, 'Negotiate, Basic realm="WSMAN"'),
        ("basic", False, "Negotiate"),
        ("ntlm", True, "Negotiate"),
        ("ntlm", False, "Negotiate"),
    ],
)
def test_an_empty_post_learns_what_is_offered(tmp_path, auth, tls, offered):
    with served(tmp_path, auth=auth) as endpoint:
        url = endpoint.tls_url if tls else endpoint.url
        answer = requests.post(url, verify=str(endpoint.ca_file), timeout=10)
        assert (answer.status_code, answer.headers["WWW-Authenticate"], answer.content) == (401, offered, b"")


def test_an_empty_post_after_the_login_is_an_empty_200(endpoint):
    answer = endpoint.post(b"")
    assert (answer.status_code, answer.content) == (200, b"")
    assert endpoint.service.handled == []


@pytest.mark.parametrize(("auth", "tls"), [("basic", False), ("ntlm", True)])
def test_basic_is_refused_where_it_is_not_offered(tmp_path, auth, tls):
    with served(tmp_path, auth=auth) as endpoint:
        url = endpoint.tls_url if tls else endpoint.url
        login = (USER, PASSWORD.encode())
        assert requests.post(url, auth=login, verify=str(endpoint.ca_file), timeout=10).status_code == 401


def test_the_certificate_is_good_for_loopback_and_by_its_authority_only(endpoint, tmp_path):
    port = endpoint.endpoint.tls_port
    assert requests.get(f"https://localhost:{port}/stats", verify=str(endpoint.ca_file), timeout=10).ok
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"https://127.0.0.1:{port}/stats", timeout=10)
    (tmp_path / "other").mkdir()
    with served(tmp_path / "other") as other, pytest.raises(requests.exceptions.SSLError):
        requests.get(f"https://127.0.0.1:{port}/stats", verify=str(other.ca_file), timeout=10)


def test_the_certificate_passes_the_strictest_check(endpoint):
    context = ssl.create_default_context(cafile=endpoint.ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection(("127.0.0.1", endpoint.endpoint.tls_port), timeout=10) as sock,
        context.wrap_socket(sock, server_hostname="127.0.0.1") as secured,
    ):
        assert secured.version() in ("TLSv1.2", "TLSv1.3")


# ---- bodies in clear


@pytest.mark.parametrize("logged_in", [False, True])
def test_a_body_in_clear_is_refused_and_each_copy_counted(endpoint, logged_in):
    auth = HttpNtlmAuth(USER, PASSWORD) if logged_in else None
    answer = requests.post(endpoint.url, data=MESSAGE, auth=auth, timeout=10)
    assert answer.status_code == 401
    assert endpoint.service.handled == []
    assert endpoint.counts["plaintext_bodies"] == (3 if logged_in else 1)


def test_over_tls_no_body_is_in_clear(endpoint):
    endpoint.post(MESSAGE)
    assert endpoint.counts["plaintext_bodies"] == 0


def test_a_sealed_body_on_a_connection_without_a_login_is_400(endpoint):
    protocol = endpoint.protocol()
    protocol.transport.send_message(MESSAGE)
    protocol.transport.session.close()  # the next message goes out on a new connection, sealed for the old one
    with pytest.raises(WinRMTransportError) as raised:
        protocol.transport.send_message(MESSAGE)
    assert (raised.value.code, raised.value.response_text) == (400, "")
    assert len(endpoint.service.handled) == 1


# ---- beginning and end


def test_closing_ends_open_connections_and_frees_the_port(tmp_path):
    endpoint = Served(tmp_path)
    port = endpoint.endpoint.port
    with socket.create_connection(("127.0.0.1", port), timeout=10) as idle:
        assert endpoint.post(MESSAGE).ok
        endpoint.endpoint.close()
        endpoint.endpoint.close()
        assert idle.recv(1) == b""
    assert endpoint.service.closed == 1
    (tmp_path / "again").mkdir()
    with served(tmp_path / "again", port=port) as again:
        assert again.endpoint.port == port


def test_a_port_that_is_taken(endpoint, tmp_path):
    (tmp_path / "other").mkdir()
    with pytest.raises(ConflictError, match=f"Port {endpoint.endpoint.port} of 127.0.0.1"):
        Served(tmp_path / "other", port=endpoint.endpoint.port)


def test_a_ca_file_that_cannot_be_written(tmp_path):
    with pytest.raises(UsageError, match="cannot be written"):
        Served(tmp_path, ca_file=tmp_path / "missing" / "ca.pem")


def test_its_own_files_go_with_it(tmp_path):
    with served(tmp_path, ca_file=None) as endpoint:
        own = endpoint.endpoint.ca_file
        assert own.read_text(encoding="ascii").startswith("-----BEGIN CERTIFICATE-----")
        assert [path.name for path in own.parent.iterdir() if "KEY" in path.read_text(encoding="utf-8")] == []
    assert not own.parent.exists()


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
def test_it_tells_what_a_client_must_know(tmp_path, auth):
    with served(tmp_path, auth=auth) as endpoint:
        first = endpoint.endpoint.describe()[0]
        base = endpoint.tls_url if auth == "basic" else endpoint.url
        assert first == {
            "name": "hv01",
            "url": f"{base}/hv01",
            "user": USER,
            "password": PASSWORD,
            "auth": auth,
            "ca_file": str(endpoint.ca_file),
        }


# ---- in front of a world


@pytest.mark.parametrize("transport", ["basic", "ntlm"])
def test_pywinrm_runs_a_command_in_a_shell_of_a_lab_host(world_file, transport):
    with open_endpoint(world_file, Settings(USER, PASSWORD, transport)) as endpoint:
        protocol = Protocol(
            endpoint.url("hv01"),
            transport=transport,
            username=USER,
            password=PASSWORD,
            ca_trust_path=str(endpoint.ca_file),
            proxy=None,
        )
        shell = protocol.open_shell(codepage=65001)
        command = protocol.run_command(shell, "dir", console_mode_stdin=False)
        stdout, stderr, code = protocol.get_command_output(shell, command)
        assert (stdout, code) == (b"", 1)
        assert stderr.startswith(b"'dir' is not recognized")
        protocol.cleanup_command(shell, command)
        protocol.close_shell(shell)


def test_only_some_hosts_of_a_world(world_file):
    settings = Settings(USER, PASSWORD)
    with open_endpoint(world_file, settings, only=["HV01", "hv01"]) as endpoint:
        assert [host["name"] for host in endpoint.describe()] == ["hv01"]
    with pytest.raises(NotFoundError, match="no host 'hv09'"):
        open_endpoint(world_file, settings, only=["hv09"])
