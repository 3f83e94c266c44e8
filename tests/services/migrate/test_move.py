"""The plans of moves: what is sent for each machine."""

from __future__ import annotations

import pytest

from hvctl.errors import ConflictError
from hvctl.models.migrate import MigrationChange, MigrationHost, Move, StorageMove
from hvctl.powershell.batch import Ref
from hvctl.services.migrate.look import Parts, VmToMove
from hvctl.services.migrate.move import plan_clear, plan_cleared, plan_move, plan_storage
from hvctl.services.migrate.settings import plan_disable, plan_enable

pytestmark = pytest.mark.unit

ALONG = Move(storage_path="D:\\VMs", switches={"lan": "net"})


def vm(name: str, state: str = "Running") -> VmToMove:
    return VmToMove(id=f"id-{name}", name=name, host="hv01", state=state, clustered=False, status=("Ok",))


def sent(plan) -> list[tuple[str, str]]:
    return [(step.id, step.call.cmdlet) for step in plan.batch.steps if step.changes]


def test_each_machine_is_moved_by_itself():
    plan = plan_move([vm("a"), vm("b", "Off")], {}, "HV02", ALONG, {})
    assert sent(plan) == [("move_0", "Move-VM"), ("move_1", "Move-VM")]
    first = plan.batch.steps[1].call.parameters
    assert first == {
        "VM": Ref("vms", where={"Id": "id-a"}),
        "DestinationHost": "HV02",
        "IncludeStorage": True,
        "DestinationStoragePath": "D:\\VMs",
    }
    assert [(part.wanted, part.goes) for part in plan.parts] == [("Running", True), ("Off", True)]
    assert all(step.on_error == "continue" for step in plan.batch.steps if step.changes)


def test_a_mapped_adapter_is_plugged_in_the_report():
    parts = {"id-a": Parts(adapters={"nic1": "LAN", "nic2": "dmz", "nic3": ""})}
    plan = plan_move([vm("a")], parts, "HV02", ALONG, {})
    assert sent(plan) == [("plug_0_0", "Connect-VMNetworkAdapter"), ("move_0", "Move-VM")]
    plug, move = (step for step in plan.batch.steps if step.changes)
    assert plug.call.parameters == {
        "VMNetworkAdapter": (Ref("adapters_0", where={"Id": "nic1"}),),
        "SwitchName": "net",
    }
    assert move.call.parameters == {"CompatibilityReport": Ref("report_0")}
    assert move.needs == ("report_0", "adapters_0", "plug_0_0")


def test_one_that_is_refused_keeps_the_others_from_nothing():
    refused = ConflictError("no")
    plan = plan_move([vm("a"), vm("b")], {}, "HV02", ALONG, {"id-a": refused})
    assert sent(plan) == [("move_1", "Move-VM")]
    assert plan.parts[0].failure is refused


def test_without_storage_the_disks_stay():
    plan = plan_move([vm("a")], {}, "HV02", Move(shared=True), {})
    assert plan.batch.steps[1].call.parameters["IncludeStorage"] is False


def test_what_was_left_is_destroyed_by_its_id_and_looked_for_again():
    batch = plan_clear(["one", "two"])
    destroyed = [step.call.parameters["Arguments"] for step in batch.steps if step.changes]
    assert destroyed == [{"AffectedSystem": Ref("planned", where={"Name": name})} for name in ("one", "two")]
    assert all(step.on_error == "stop" for step in batch.steps)
    (gone,) = plan_cleared(["one", "two"]).steps
    assert (gone.where, gone.expect) == ({"Name": ("one", "two")}, "none")


def test_storage_moves_where_the_state_allows_it():
    plan = plan_storage([vm("a"), vm("b", "Starting")], StorageMove(path="D:\\VMs"), "hv01")
    assert sent(plan) == [("move_0", "Move-VMStorage")]
    assert isinstance(plan.parts[1].failure, ConflictError)


HOST = MigrationHost(
    host="hv01",
    enabled=False,
    authentication="CredSSP",
    performance="Compression",
    any_network=False,
    maximum=2,
    maximum_storage=2,
)


def test_only_what_changes_is_sent():
    change = MigrationChange(authentication="CredSSP", performance="SMB", maximum=2)
    plan = plan_enable(change, HOST)
    assert sent(plan) == [("settings", "Set-VMHost"), ("enable", "Enable-VMMigration")]
    assert plan.batch.steps[0].call.parameters == {"VirtualMachineMigrationPerformanceOption": "SMB"}
    enabled = HOST.model_copy(update={"enabled": True})
    assert sent(plan_enable(MigrationChange(), enabled)) == []
    assert sent(plan_disable(enabled)) == [("disable", "Disable-VMMigration")]
    assert sent(plan_disable(HOST)) == []
