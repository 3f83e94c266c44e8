"""The WinRM transport over real sockets, on the lab's endpoint: plain work, and every fault on demand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.rawhttp import RawServer
from tests.support.remote import PASSWORD, remote

from hvctl.errors import AccessError, HvctlError, UnreachableError, UsageError
from hvctl.powershell.batch import Batch, Call, Step
from hvctl.transports import winrm
from hvctl.transports.base import TransportLost
from hvctl.transports.endpoint import Endpoint
from hvctl.transports.session import Session
from hvctl.transports.winrm import WinRMTransport

pytestmark = pytest.mark.winrm

READ = Batch((Step("vms", Call("Get-VM"), select=("Name",)),))
AUTHS = ("basic", "ntlm")


@pytest.fixture(params=AUTHS)
def served(request, tmp_path):
    with remote(tmp_path, request.param) as made:
        yield made


@pytest.fixture
def ntlm(tmp_path):
    with remote(tmp_path, "ntlm") as made:
        yield made


@pytest.fixture
def basic(tmp_path):
    with remote(tmp_path, "basic") as made:
        yield made


# ---- plain work


def test_what_works_in_the_lab_works_over_winrm(served):
    name = 'wéb\'s "1" 🚀'
    with served.connect() as host:
        made = host.vms.create(name, memory="1G", disk="10G", start=True)
        assert (made.name, made.state, made.host) == (name, "Running", "hv01")
        assert [vm.name for vm in host.vms.list()] == [name]
        host.vms.delete(name, turn_off=True, with_disks=True)
        assert host.vms.list() == []
    assert served.stats["plaintext_bodies"] == 0
    assert served.stats["powershell_starts"] == 1


@pytest.mark.parametrize(("auth", "login"), [("basic", 0), ("ntlm", 3)])
def test_a_cold_read_costs_few_requests(auth, login, tmp_path):
    with remote(tmp_path, auth) as served:
        with served.connect() as host:
            host.vms.list()
        counts = served.stats
    actions = counts["actions"]
    assert {action: actions[action] for action in ("Create", "Command", "Send", "Delete")} == {
        "Create": 1,
        "Command": 1,
        "Send": 1,
        "Delete": 1,
    }
    assert counts["requests"] - login - sum(actions.values()) in (0, 1)  # the last one asks for these numbers


def test_a_request_larger_than_an_envelope_goes_in_pieces(served):
    batch = Batch((Step("vms", Call("Get-VM", {"Name": [f"no such machine {n:06}" for n in range(20_000)]})),))
    with served.connect() as host:
        result = host._session.run(batch, timeout=60.0)
    assert result.errors
    assert served.stats["actions"]["Send"] > 4


def test_an_open_method_is_asked_for_and_said(served):
    said: list[str] = []
    transport = WinRMTransport(replace(served.endpoint, auth=None), say=said.append)
    with Session(transport) as session:
        assert session.run(READ).ok
    assert said == [
        f"hv01 offers {'Negotiate, Basic' if served.endpoint.scheme == 'https' else 'Negotiate'}; chosen: ntlm"
    ]


def test_a_wrong_password_names_what_is_offered_and_what_to_do(served):
    with served.connect(password=lambda: "wrong") as host, pytest.raises(AccessError) as caught:
        host.vms.list()
    assert "offers Negotiate" in caught.value.message
    assert "password is wrong" in str(caught.value.hint)
    assert PASSWORD not in str(caught.value.as_dict())
    assert caught.value.cmdlet_error["error_id"] == "HTTP 401"


def test_a_method_that_is_not_enabled_is_named(ntlm):
    tls = replace(ntlm.endpoint, scheme="https", port=ntlm.server.tls_port, auth="basic", verify=False)
    with Session(WinRMTransport(tls)) as session, pytest.raises(AccessError) as caught:
        session.run(READ)
    assert "basic is not enabled there" in str(caught.value.hint)


def test_a_certificate_of_a_stranger_is_refused(basic):
    with basic.connect(ca_file=None) as host, pytest.raises(UnreachableError, match="certificate") as caught:
        host.vms.list()
    assert "--ca-file" in str(caught.value.hint)
    assert basic.stats["authentications"] == 0


def test_a_check_of_certificates_that_is_skipped_warns_nobody_else(basic, recwarn):
    with basic.connect(ca_file=None, verify=False) as host:
        assert host.vms.list() == []
    with basic.connect(ca_file=None, verify=False, auth=None) as host:
        assert host.vms.list() == []
    assert [str(warning.message) for warning in recwarn] == []


def test_no_password_goes_to_a_server_that_nobody_has_checked():
    from hvctl.transports.endpoint import parse
    from hvctl.transports.probe import choose

    endpoint = replace(parse("h", "https://h"), user="admin", verify=False)
    with pytest.raises(UsageError, match="hands the password over"):
        choose(endpoint, ["Basic"])
    assert choose(replace(endpoint, verify=True), ["Basic"]) == "basic"


@pytest.mark.parametrize("auth", ["kerberos", "credssp"])
def test_a_missing_extra_is_told_before_any_host_is_contacted(auth, monkeypatch):
    from hvctl.transports.endpoint import parse

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("hvctl.transports.probe.resolve", lambda *_: pytest.fail("a host was contacted"))
    endpoint = replace(parse("hv01.invalid", "hv01.invalid"), user="admin", auth=auth, password=lambda: "-")
    with pytest.raises(HvctlError) as caught:
        WinRMTransport(endpoint).open("0" * 32)
    assert caught.value.hint == f"pip install 'hvctl[{auth}]'"


# ---- time


def test_an_idle_connection_is_not_trusted(ntlm, monkeypatch):
    with ntlm.connect() as host:
        host.vms.list()
        before = ntlm.stats["authentications"]
        monkeypatch.setattr("hvctl.transports.winrm_protocol._IDLE", 0.0)
        host.vms.list()
        assert ntlm.stats["authentications"] > before


def test_receive_returns_within_its_time(served):
    transport = WinRMTransport(served.endpoint)
    transport.open("0" * 32)
    try:
        while transport.receive(1.0):
            pass
        before = served.stats["actions"]["Receive"]
        assert transport.receive(1.0) == b""
        assert served.stats["actions"]["Receive"] <= before + 2
    finally:
        transport.close()
        transport.close()


def test_a_powershell_that_ends_tells_its_exit_code(served):
    transport = WinRMTransport(served.endpoint)
    transport.open("0" * 32)
    transport.send(b'\n{"type":"exit","id":""}\n')
    with pytest.raises(TransportLost, match="exit code 0"):
        all(transport.receive(1.0) is not None for _ in range(100))
    transport.close()


def test_a_transport_that_is_not_open_is_lost():
    from hvctl.transports.endpoint import parse

    transport = WinRMTransport(parse("h", "h"))
    with pytest.raises(TransportLost):
        transport.send(b"x")
    with pytest.raises(TransportLost):
        transport.receive(0.1)
    transport.reset()
    transport.close()
    transport.leave()


def test_leaving_lets_powershell_end_by_itself(served):
    transport = WinRMTransport(served.endpoint)
    transport.open("0" * 32)
    transport.receive(5.0)
    transport.leave()
    actions = served.stats["actions"]
    assert (actions.get("Delete"), actions["Send"]) == (None, 2)


def test_an_interrupt_while_receiving_leaves_the_transport_usable(served, monkeypatch):
    with served.connect() as host:
        host.vms.list()
        link = host._session._transport._link
        receive = link.receive
        raised: list[int] = []

        def interrupted(*words):
            if not raised:
                raised.append(1)
                link.drop()
                raise KeyboardInterrupt
            return receive(*words)

        monkeypatch.setattr(link, "receive", interrupted)
        with pytest.raises(HvctlError, match="Interrupted"):
            host.vms.list()
        assert host.vms.list() == []
    assert served.stats["powershell_starts"] == 1


def test_a_piece_fits_the_smallest_envelope():
    assert winrm.PIECE * 4 // 3 + 1745 < 153_600


def test_a_host_that_hangs_costs_no_more_than_the_time_that_there_is():
    with RawServer(lambda _: b"") as server:
        endpoint = Endpoint("hv01", "127.0.0.1", "http", server.port, user="a", auth="ntlm", password=lambda: "-")
        transport = WinRMTransport(endpoint, timeout=1.0)
        with pytest.raises(UnreachableError, match="did not answer in time"):
            transport.open("0" * 32)
        assert len(server.heard) == 1
