"""The legs of the way to a host that need no login: what each says when it is as it should be, and when not."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.remote import remote

from hvctl.errors import UsageError
from hvctl.transports import legs
from hvctl.transports.endpoint import parse
from hvctl.transports.legs import NAMES, Leg, walk
from hvctl.transports.probe import Tls

pytestmark = pytest.mark.winrm

CONNECT = legs.connect


@pytest.fixture(scope="module")
def basic(tmp_path_factory):
    with remote(tmp_path_factory.mktemp("basic"), "basic") as made:
        yield made


@pytest.fixture(scope="module")
def ntlm(tmp_path_factory):
    with remote(tmp_path_factory.mktemp("ntlm"), "ntlm") as made:
        yield made


def walked(endpoint, **options) -> dict[str, Leg]:
    found = {leg.name: leg for leg in walk(endpoint, **options)}
    assert tuple(found) == NAMES
    return found


def broken(endpoint, **options) -> Leg:
    """The one leg that fails; those before it are as they should be, those after it are skipped."""
    found = list(walked(endpoint, **options).values())
    (index,) = [number for number, leg in enumerate(found) if leg.status == "failed"]
    assert {leg.status for leg in found[:index]} <= {"ok"}
    assert [leg.message for leg in found[index + 1 :]] == [f"not tried: {found[index].name} failed"] * (3 - index)
    assert {leg.status for leg in found[index + 1 :]} <= {"skipped"}
    return found[index]


def test_all_is_well_over_tls(basic):
    found = walked(basic.endpoint)
    assert [leg.status for leg in found.values()] == ["ok"] * 4
    assert found["name"].message == "127.0.0.1 is an address"
    assert found["port"].message == f"port {basic.endpoint.port} (https) is open"
    assert found["tls"].message.startswith("TLSv1.")
    assert "good until 20" in found["tls"].message
    assert found["authentication"].message == "the host offers Negotiate, Basic; basic is used"


def test_all_is_well_over_http(ntlm):
    found = walked(ntlm.endpoint)
    assert [leg.status for leg in found.values()] == ["ok"] * 4
    assert "the login itself encrypts" in found["tls"].message


def test_a_name_has_addresses(basic):
    found = walked(replace(basic.endpoint, address="localhost", verify=False))
    assert "127.0.0.1" in found["name"].message


def test_what_is_open_is_chosen_and_said(basic):
    endpoint = replace(basic.endpoint, auth=None)
    assert walked(endpoint)["authentication"].message == "the host offers Negotiate, Basic; chosen: ntlm"


def test_a_certificate_that_is_not_checked_is_a_warning(basic):
    leg = walked(replace(basic.endpoint, ca_file=None, verify=False))["tls"]
    assert (leg.status, leg.command) == ("warning", None)
    assert "not checked" in leg.message


def test_a_certificate_that_ends_soon_is_a_warning(basic, monkeypatch):
    for left, status in ((timedelta(days=29), "warning"), (timedelta(days=31), "ok")):
        monkeypatch.setattr(legs, "handshake", lambda _, left=left: Tls("TLSv1.3", datetime.now(UTC) + left))
        leg = walked(basic.endpoint)["tls"]
        assert leg.status == status
        assert ("Set-WSManInstance" in (leg.command or "")) is (status == "warning")


# ---- what can be wrong


@pytest.mark.parametrize(
    ("configured", "command"),
    [
        (False, "hvctl config host add hv01.invalid --address ADDRESS"),
        (True, "hvctl config host set hv01 --address ADDRESS"),
    ],
)
def test_a_name_that_nobody_knows(configured, command):
    leg = broken(replace(parse("hv01", "hv01.invalid"), user="a"), configured=configured)
    assert (leg.name, leg.command) == ("name", command)
    assert "cannot be resolved" in leg.message


@pytest.mark.parametrize(
    ("scheme", "command"), [("https", "winrm quickconfig -transport:https"), ("http", "Enable-PSRemoting -Force")]
)
def test_a_port_where_nothing_listens(scheme, command):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        leg = broken(parse("hv01", f"{scheme}://127.0.0.1:{sock.getsockname()[1]}"))
    assert (leg.name, leg.command) == ("port", command)
    assert "Nothing listens" in leg.message


def test_a_port_that_a_firewall_drops(monkeypatch):
    monkeypatch.setattr(legs, "connect", lambda endpoint: CONNECT(endpoint, 0.2))
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        port = full.getsockname()[1]
        leg = broken(parse("hv01", f"https://127.0.0.1:{port}"))
    assert leg.name == "port"
    assert leg.command == (
        "New-NetFirewallRule -DisplayName 'WinRM over HTTPS' -Direction Inbound -Protocol TCP "
        f"-LocalPort {port} -Action Allow"
    )


def test_an_authority_that_is_not_trusted(basic):
    endpoint = replace(basic.endpoint, ca_file=None)
    assert broken(endpoint).name == "tls"
    assert broken(endpoint).command == "hvctl host check hv01 --ca-file FILE"
    assert broken(endpoint, configured=True).command == "hvctl config host set hv01 --ca-file FILE"


def test_a_certificate_of_another_name(basic):
    leg = broken(replace(basic.endpoint, address="127.1"))
    assert leg.name == "tls"
    assert "-DnsName '127.1'" in leg.command


def test_https_where_http_is_spoken(ntlm):
    leg = broken(replace(ntlm.endpoint, scheme="https", ca_file=None))
    assert (leg.name, leg.command) == ("tls", f"hvctl host check {ntlm.endpoint.url} --auth ntlm")


def test_http_where_tls_is_spoken(basic):
    leg = broken(replace(basic.endpoint, scheme="http", auth="ntlm"))
    assert (leg.name, leg.command) == ("authentication", f"hvctl host check {basic.endpoint.url}")
    assert "speaks TLS" in leg.meaning


def test_a_method_that_is_not_offered(ntlm, basic):
    leg = broken(replace(basic.endpoint, auth="credssp"))
    assert (leg.name, leg.command) == ("authentication", "Enable-WSManCredSSP -Role Server")
    assert leg.message == "the host offers Negotiate, Basic, not credssp"


@pytest.mark.parametrize("auth", [None, "basic", "ntlm"])
def test_nobody_is_named(basic, auth):
    leg = broken(replace(basic.endpoint, user=None, auth=auth))
    assert (leg.name, leg.command) == ("authentication", "hvctl host check hv01 --user USER")


@pytest.mark.parametrize("resets", [False, True])
def test_something_that_is_not_winrm(resets):
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = replace(parse("hv01", f"https://127.0.0.1:{server.getsockname()[1]}"), user="a")
        server.settimeout(10)

        def hang_up() -> None:
            with server.accept()[0]:
                pass  # looks whether the port is open
            with server.accept()[0] as connection:
                connection.recv(65536)
                if resets:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        thread = threading.Thread(target=hang_up)
        thread.start()
        leg = broken(endpoint)
        thread.join()
    assert leg.name == "tls"
    assert "Something else" in leg.meaning


def test_what_does_not_fit_together_contacts_nobody():
    with pytest.raises(UsageError, match="plain HTTP is refused"):
        list(walk(replace(parse("hv01", "http://hv01.invalid"), auth="basic")))
