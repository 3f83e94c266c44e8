"""What stands against a move, in words with what mends it."""

from __future__ import annotations

from typing import Any

import pytest

from hvctl.errors import AccessError, ConflictError
from hvctl.models.migrate import Finding, MigrationHost, Move
from hvctl.services.migrate.check import MISSING_SWITCH, Route, host_findings, local_disks, refusal, vm_findings
from hvctl.services.migrate.look import MOVING, Parts, VmToMove, objections_of

pytestmark = pytest.mark.unit

ALONG = Move(storage_path="D:\\VMs")


def host(name: str, **changes: Any) -> MigrationHost:
    fields = {
        "enabled": True,
        "authentication": "CredSSP",
        "performance": "Compression",
        "any_network": True,
        "maximum": 2,
        "maximum_storage": 2,
    }
    return MigrationHost(host=name, **(fields | changes))


def vm(**changes: Any) -> VmToMove:
    fields = {"id": "7cca", "name": "web1", "host": "hv01", "state": "Running", "clustered": False, "status": ("Ok",)}
    return VmToMove(**(fields | changes))


def route(**changes: Any) -> Route:
    return Route(host("hv01"), host("hv02"), **changes)


NOTHING = Parts()


def found(machine: VmToMove, parts: Parts = NOTHING, move: Move = ALONG, **changes: Any) -> list[Finding]:
    return list(vm_findings(machine, parts, route(**changes), move))


def test_hosts_that_are_ready_have_nothing_against_a_move():
    assert list(host_findings(route())) == []
    assert refusal([], "hv01") is None


@pytest.mark.parametrize("which", ["source", "target"])
@pytest.mark.parametrize(
    ("changes", "option"), [({"enabled": False}, ""), ({"any_network": False, "networks": ()}, "--any-network ")]
)
def test_a_host_s_setting_is_named_with_the_command_that_mends_it(which, changes, option):
    name = {"source": "hv01", "target": "hv02"}[which]
    hosts = {"source": host("hv01"), "target": host("hv02")} | {which: host(name, **changes)}
    (finding,) = host_findings(Route(**hosts))
    assert (finding.name, finding.blocks) == (name, True)
    assert finding.mend == f"hvctl migrate enable {option}--host {name}"
    error = refusal([finding], "hv01")
    assert isinstance(error, ConflictError)
    assert error.hint == finding.mend


def test_a_listed_network_will_do():
    listed = host("hv02", any_network=False, networks=("10.0.0.0/24",))
    assert list(host_findings(Route(host("hv01"), listed))) == []


@pytest.mark.parametrize(
    ("authentication", "delegates", "refused"),
    [
        ("CredSSP", True, False),
        ("CredSSP", False, True),
        ("CredSSP", None, False),
        ("Kerberos", False, False),
        ("Kerberos", True, False),
    ],
)
def test_a_login_that_goes_no_further_is_refused_where_it_matters(authentication, delegates, refused):
    both = [host(name, authentication=authentication) for name in ("hv01", "hv02")]
    error = refusal(list(host_findings(Route(*both, delegates=delegates))), "hv01")
    assert isinstance(error, AccessError) is refused
    if refused:
        for way in ("run hvctl on hv01 itself", "--auth credssp", "--authentication kerberos", "--skip-login-check"):
            assert way in error.hint


def test_settings_that_differ_are_told_and_do_not_block():
    (finding,) = host_findings(Route(host("hv01"), host("hv02", authentication="Kerberos")))
    assert not finding.blocks
    assert finding.mend == "hvctl migrate enable --authentication credssp --host hv02"


def test_a_machine_that_fits():
    assert found(vm(), Parts(disks=(r"C:\a.vhdx",), adapters={"1": "lan"}), switches={"LAN": "lan"}) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"clustered": True}, "a cluster owns it"),
        *(({"status": ("InService", word)}, "being moved at this moment") for word in sorted(MOVING)),
        ({"status": ("InService",)}, "something else is being done with it"),
        ({"status": ("InService", "BackingUpVirtualMachine")}, "is being done with it (BackingUpVirtualMachine)"),
        ({"state": "Starting"}, "it is Starting"),
    ],
)
def test_a_machine_that_cannot_move_now(changes, words):
    (finding,) = found(vm(**changes))
    assert finding.blocks
    assert words in finding.finding


@pytest.mark.parametrize("state", ["Running", "RunningCritical", "Off", "Saved", "Paused"])
def test_a_machine_at_rest_or_running_can(state):
    assert found(vm(state=state)) == []


def test_what_a_broken_move_left_does_not_block():
    (finding,) = found(vm(), leftover=frozenset({"7CCA"}))
    assert not finding.blocks


@pytest.mark.parametrize(
    ("switches", "told"),
    [
        ({}, "its switch 'lan' is not on hv02"),
        ({"LAN": "net"}, None),
        ({"lan": "other"}, "the switch 'other' that 'lan' is mapped to is not on hv02"),
    ],
)
def test_switches_and_their_mapping(switches, told):
    parts = Parts(adapters={"1": "lan", "2": "lan", "3": ""}, objections=((MISSING_SWITCH, "in any language"),))
    move = Move(storage_path="D:\\VMs", switches=switches)
    findings = found(vm(), parts, move, switches={"NET": "net"})
    assert [finding.finding for finding in findings] == ([told] if told else [])


def test_what_is_there_is_offered():
    (finding,) = found(vm(), Parts(adapters={"1": "lan"}), switches={"NET": "net", "DMZ": "dmz"})
    assert finding.mend == (
        "--map-switch 'lan=NAME', where NAME is one of: net, dmz; or hvctl switch create 'lan' --host hv02"
    )


def test_an_objection_is_told_in_hyper_v_s_words():
    (finding,) = found(vm(), Parts(objections=((4711, "Geht nicht.\r\n\r\nMehr dazu."),)))
    assert (finding.finding, finding.message_id, finding.blocks) == ("Geht nicht.", 4711, True)


def test_local_disks_need_an_answer():
    parts = Parts(disks=(r"C:\a.vhdx", r"\\server\share\b.vhdx", None))
    assert local_disks(parts) == [r"C:\a.vhdx", "a physical disk"]
    (finding,) = found(vm(), parts, Move())
    assert "--storage-path" in finding.mend
    assert found(vm(), parts, Move(shared=True)) == []


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"Incompatibilities.MessageId": None, "Incompatibilities.Message": None}, ()),
        ({"Incompatibilities.MessageId": [1, None], "Incompatibilities.Message": ["a", "b"]}, ((1, "a"), (None, "b"))),
    ],
)
def test_a_report_is_read(record, expected):
    assert objections_of([record]) == expected
