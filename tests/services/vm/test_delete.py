"""Deleting: what is refused, what stays, and what is sent."""

from __future__ import annotations

import pytest
from tests.support.scripted import ScriptedTransport, record

from hvctl.errors import ConflictError
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.services.disks import Disks, Use
from hvctl.services.vm.delete import Owners, owners_of, plan_delete, plan_owners
from hvctl.services.vm.read import VmState
from hvctl.transports.session import Session

pytestmark = pytest.mark.unit

NONE: frozenset[str] = frozenset()
A, B, C = r"C:\VMs\a.vhdx", r"C:\VMs\b.vhdx", r"C:\VMs\base.vhdx"


def vm(state: str = "Off", number: int = 1) -> VmState:
    return VmState(id=f"id{number}", name=f"web{number}", host="hv01", state=state)


def states_step(step_id: str, *ids: str) -> Step:
    return Step(step_id, Call("Get-VM"), select=("Id", "Name", "State"), where={"Id": ids})


def deletion(*vms: VmState, clustered=NONE, checkpointed=NONE, disks=None, turn_off=False):
    return plan_delete(vms, Owners(clustered, checkpointed), disks, "hv01", turn_off=turn_off)


def refused(*vms: VmState, **options) -> ConflictError:
    made = deletion(*vms, **options)
    assert made.plan.batch == Batch(())
    assert made.losses == ()
    failure = made.plan.parts[0].failure
    assert isinstance(failure, ConflictError)
    assert failure.hint
    return failure


def test_disks_stay():
    made = deletion(vm("Off", 1), vm("Saved", 2))

    def remove(number: int) -> Step:
        target = Ref("vms", where={"Id": f"id{number}"})
        return Step(f"remove_{number - 1}", Call("Remove-VM", {"VM": target, "Force": True}), on_error="continue")

    ids = ("id1", "id2")
    assert made.plan.batch == Batch((states_step("vms", *ids), remove(1), remove(2), states_step("after", *ids)))
    assert made.losses == ("'web1'", "'web2' (its saved state is lost)")
    assert made.notes == ()
    assert all(part.goes for part in made.plan.parts)


def test_turning_off_and_disks_too():
    made = deletion(vm("Running"), disks=Disks({"id1": [A]}, {A.upper(): {"id1"}}), turn_off=True)
    target = Ref("vms", where={"Id": "id1"})
    file = Ref("files", where={"Path": A}, property="Path")
    assert made.plan.batch == Batch(
        (
            states_step("vms", "id1"),
            Step("files", Call("Get-VHD", {"Path": (A,)}), on_error="continue"),
            Step("off_0", Call("Stop-VM", {"VM": target, "TurnOff": True, "Force": True}), on_error="continue"),
            Step("remove_0", Call("Remove-VM", {"VM": target, "Force": True}), on_error="continue", needs=("off_0",)),
            Step(
                "file_0_0",
                Call("Remove-Item", {"LiteralPath": file, "Force": True}),
                on_error="continue",
                needs=("remove_0",),
            ),
            states_step("after", "id1"),
        )
    )
    assert made.losses == (f"'web1' (Running; its power is cut) with {A}",)
    assert made.plan.parts[0].messages == {
        "off_0": "'web1' was not deleted",
        "remove_0": "'web1' was not deleted",
        "file_0_0": "'web1' is gone, but a disk of it could not be deleted",
    }


@pytest.mark.parametrize("state", ["Running", "Paused", "Starting", "RunningCritical", "SomethingNew"])
def test_a_machine_that_is_not_at_rest_is_refused(state):
    assert refused(vm(state)).message == f"'web1' is {state}."


@pytest.mark.parametrize("state", ["Off", "Saved", "FastSaved", "Hibernated", "OffCritical", "SavedCritical"])
def test_a_machine_at_rest_needs_no_power_cut(state):
    made = deletion(vm(state), turn_off=True)
    assert [step.call.cmdlet for step in made.plan.batch.steps if step.changes] == ["Remove-VM"]


@pytest.mark.parametrize("turn_off", [False, True])
def test_a_clustered_machine_is_refused(turn_off):
    assert refused(vm(), clustered=frozenset({"id1"}), turn_off=turn_off).message == "'web1' belongs to a cluster."


def test_disks_of_a_machine_with_checkpoints_go_after_it():
    leaf = r"C:\VMs\a_0.AVHDX"
    records = {path.upper(): {"Path": path, "ParentPath": parent} for path, parent in ((leaf, A), (A, None))}
    made = deletion(vm(), disks=Disks({"id1": [leaf, B]}, {}, records=records, uses=(Use("id1", A, "before"),)))
    assert [step.id for step in made.plan.batch.steps] == ["vms", "remove_0", "after"]
    assert made.plan.finish is not None
    assert made.losses == (f"'web1' (its checkpoints are lost) with {A}, {B}",)
    assert made.notes == (f"Deleted after 'web1', once the host has let go of its checkpoints: {A}, {B}.",)


def test_a_checkpoint_s_disk_that_does_not_tell_its_own_is_not_taken():
    leaf = r"C:\VMs\a_0.avhdx"
    failure = refused(vm(), disks=Disks({"id1": [leaf]}, {}))
    assert failure.message == f"Which disk of 'web1' its {leaf} belongs to cannot be told: its chain cannot be read."


def test_disks_whose_chain_cannot_be_read_are_not_taken():
    failure = refused(vm(), disks=Disks({"id1": [A]}, {C.upper(): {"id1", "other"}}, unclear=(C,)))
    assert (
        failure.message == f"Whether another machine needs the disks of 'web1' cannot be told: its {C} cannot be read."
    )
    assert deletion(vm(), disks=Disks({}, {C.upper(): {"other"}}, unclear=(C,))).plan.batch.changes


def test_a_disk_of_its_own_that_cannot_be_read_is_no_obstacle():
    assert deletion(vm(), disks=Disks({"id1": [A]}, {A.upper(): {"id1"}}, unclear=(A,))).losses == (f"'web1' with {A}",)


@pytest.mark.parametrize("path", [A, A.upper(), A.lower()])
def test_a_disk_that_another_machine_needs_stays(path):
    disks = Disks({"id1": [path]}, {A.upper(): {"id1", "id7"}}, names={"id1": "web1", "id7": "other"})
    made = deletion(vm(), disks=disks)
    assert made.notes == (f"{path} stays: it is needed by other.",)
    assert made.losses == ("'web1'",)
    assert [step.id for step in made.plan.batch.steps] == ["vms", "remove_0", "after"]


def test_a_disk_that_two_deleted_machines_share_stays():
    shared = Disks({"id1": [A], "id2": [A]}, {A.upper(): {"id1", "id2"}}, names={"id1": "web1", "id2": "web2"})
    made = deletion(vm("Off", 1), vm("Off", 2), disks=shared)
    assert made.notes == (f"{A} stays: it is needed by web2.", f"{A} stays: it is needed by web1.")
    assert "Remove-Item" not in [step.call.cmdlet for step in made.plan.batch.steps]


def test_a_disk_that_is_gone_is_no_failure():
    made = deletion(vm(), disks=Disks({"id1": [A, B]}, {}, gone=frozenset({A.upper()})))
    assert made.notes == (f"{A} is not there any more.",)
    assert made.losses == (f"'web1' with {B}",)


def test_refused_ones_stand_beside_others():
    made = deletion(vm("Off", 1), vm("Running", 2), vm("Off", 3))
    assert [bool(part.failure) for part in made.plan.parts] == [False, True, False]
    assert [step.id for step in made.plan.batch.steps] == ["vms", "remove_0", "remove_2", "after"]


def test_owners():
    selected = ("Id", "IsClustered", "ParentSnapshotId")
    call = Step("chosen", Call("Get-VM"), select=selected, where={"Id": ("id1", "id2")})
    assert plan_owners(["id1", "id2"]) == Batch((call,))


# ---- who uses which disk


def test_who_is_clustered_and_who_has_checkpoints():
    def row(vm_id, clustered, checkpoint):
        return record("chosen", Id=vm_id, IsClustered=clustered, ParentSnapshotId=checkpoint)

    zeros = "00000000-0000-0000-0000-000000000000"
    rows = [row("id1", True, None), row("id2", None, "cp1"), row("id3", False, zeros)]
    transport = ScriptedTransport(lambda _: rows)
    result = Session(transport, clock=transport.clock).run(plan_owners(["id1", "id2", "id3"]))
    assert owners_of(result) == Owners(frozenset({"id1"}), frozenset({"id2"}))


def test_checkpoints_that_are_lost_are_named():
    assert deletion(vm(), checkpointed=frozenset({"id1"})).losses == ("'web1' (its checkpoints are lost)",)
