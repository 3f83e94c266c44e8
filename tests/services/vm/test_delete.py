"""Deleting: what is refused, what stays, and what is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from tests.support.scripted import Said, ScriptedTransport, error, record

from hvctl.errors import ConflictError, HvctlError, TimedOutError
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.services.vm.delete import (
    Disks,
    clustered_ids,
    plan_delete,
    plan_disks,
    plan_owners,
    plan_parents,
    read_disks,
)
from hvctl.services.vm.read import VmState
from hvctl.transports.session import Session

pytestmark = pytest.mark.unit

NONE: frozenset[str] = frozenset()
A, B, C = r"C:\VMs\a.vhdx", r"C:\VMs\b.vhdx", r"C:\VMs\base.vhdx"


def vm(state: str = "Off", number: int = 1) -> VmState:
    return VmState(id=f"id{number}", name=f"web{number}", host="hv01", state=state)


def states_step(step_id: str, *ids: str) -> Step:
    return Step(step_id, Call("Get-VM"), select=("Id", "Name", "State"), where={"Id": ids})


def deletion(*vms: VmState, clustered=NONE, disks=None, turn_off=False):
    return plan_delete(vms, clustered, disks, "hv01", turn_off=turn_off)


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


def test_disks_of_a_machine_with_checkpoints_are_not_taken():
    disks = Disks({"id1": [r"C:\VMs\a_0.AVHDX"]}, {})
    assert refused(vm(), disks=disks).message == "'web1' has checkpoints."


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
    call = Step("chosen", Call("Get-VM"), select=("Id", "IsClustered"), where={"Id": ("id1", "id2")})
    assert plan_owners(["id1", "id2"]) == Batch((call,))


# ---- who uses which disk


class DiskHost:
    """A host's drives, checkpoints and disk files, as an engine answers for them."""

    def __init__(
        self,
        drives: Mapping[str, Sequence[str]],
        parents: Mapping[str, str | None],
        *,
        checkpoints: Mapping[str, Sequence[str]] | None = None,
        unreadable: Sequence[str] = (),
        passed_through: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.drives, self.parents = drives, {path.upper(): parent for path, parent in parents.items()}
        self.checkpoints = checkpoints or {}
        self.unreadable = [path.upper() for path in unreadable]
        self.passed_through = passed_through
        self.names = {path.upper(): path for path in parents}

    def __call__(self, steps: Sequence[Mapping[str, Any]]) -> list[Said]:
        answers = {
            "Get-VM": self._vms,
            "Get-VMHardDiskDrive": self._drives,
            "Get-VMSnapshot": self._snapshots,
            "Get-VHD": self._parents,
            "Test-Path": self._files,
        }
        said: list[Said] = []
        for step in steps:
            said += answers[step["cmdlet"]](step)
        return said

    def _vms(self, step: Mapping[str, Any]) -> list[Said]:
        return [record("every", Id=vm_id, Name=f"machine {vm_id}") for vm_id in self.drives]

    def _drives(self, step: Mapping[str, Any]) -> list[Said]:
        own = [(vm_id, path, None) for vm_id, paths in self.drives.items() for path in paths]
        whole = [(vm_id, path, 2) for vm_id, path in self.passed_through]
        return [record("drives", VMId=vm_id, Path=path, DiskNumber=number) for vm_id, path, number in own + whole]

    def _snapshots(self, step: Mapping[str, Any]) -> list[Said]:
        return [
            record("snapshots", **{"VMId": vm_id, "HardDrives.Path": list(paths) or None})
            for vm_id, paths in self.checkpoints.items()
        ]

    def _parents(self, step: Mapping[str, Any]) -> list[Said]:
        wanted = step["parameters"]["Path"]
        if isinstance(wanted, dict):
            wanted = [path for paths in self.drives.values() for path in paths]
        said: list[Said] = []
        for path in wanted:
            if path.upper() in self.parents and path.upper() not in self.unreadable:
                said.append(record("parents", Path=self.names[path.upper()], ParentPath=self.parents[path.upper()]))
            else:
                said.append(error("parents", "InvalidParameter,Microsoft.Vhd.PowerShell.Cmdlets.GetVHD"))
        return said

    def _files(self, step: Mapping[str, Any]) -> list[Said]:
        return [record(step["id"], **{".": step["parameters"]["LiteralPath"].upper() in self.parents})]


def disks_of(host: DiskHost) -> tuple[Disks, int]:
    transport = ScriptedTransport(host)
    disks = read_disks(Session(transport, clock=transport.clock), timeout=60)
    return disks, len(transport.log.executed)


def test_disks_of_a_plain_host_take_one_question():
    disks, questions = disks_of(DiskHost({"id1": [A], "id2": [B]}, {A: None, B: ""}))
    names = {"id1": "machine id1", "id2": "machine id2"}
    assert disks == Disks({"id1": [A], "id2": [B]}, {A.upper(): {"id1"}, B.upper(): {"id2"}}, names=names)
    assert questions == 1


def test_a_parent_is_needed_by_its_child_s_machine():
    disks, _ = disks_of(DiskHost({"id1": [C], "id2": [B]}, {B: C.upper(), C: None}))
    assert disks.users[C.upper()] == {"id1", "id2"}


def test_a_chain_is_followed_to_its_end():
    links = [rf"C:\VMs\{number}.vhdx" for number in range(5)]
    parents = dict(zip(links, [*links[1:], None], strict=True))
    disks, questions = disks_of(DiskHost({"id1": [links[0]], "id2": [links[4]]}, parents))
    assert disks.users == {link.upper(): {"id1"} for link in links[:4]} | {links[4].upper(): {"id1", "id2"}}
    assert questions == 4
    assert disks.unclear == ()


def test_a_chain_that_bites_its_tail_ends():
    disks, _ = disks_of(DiskHost({"id1": [A]}, {A: B, B: A}))
    assert disks.users == {A.upper(): {"id1"}, B.upper(): {"id1"}}


def test_what_a_checkpoint_holds_is_needed():
    disks, _ = disks_of(DiskHost({"id1": [B]}, {A: None, B: None}, checkpoints={"id2": [A], "id3": []}))
    assert disks.users[A.upper()] == {"id2"}
    assert disks.of_vm == {"id1": [B]}


def test_a_file_that_is_gone():
    disks, _ = disks_of(DiskHost({"id1": [A, B]}, {B: None}))
    assert (disks.gone, disks.unclear) == (frozenset({A.upper()}), (A,))


def test_a_file_that_nothing_can_be_said_of_is_not_gone():
    class Closed(DiskHost):
        def _files(self, step: Mapping[str, Any]) -> list[Said]:
            return [error(step["id"], "ItemExistsUnauthorizedAccessError,X")]

    disks, _ = disks_of(Closed({"id1": [A, B]}, {B: None}))
    assert (disks.gone, disks.unclear) == (NONE, (A,))


def test_files_that_were_not_asked_for_in_time_are_not_gone():
    class Slow(DiskHost):
        def _files(self, step: Mapping[str, Any]) -> list[Said]:
            return [
                (
                    "error",
                    {"step": None, "message": "late", "category": "OperationTimeout", "error_id": "Hvctl.Deadline"},
                ),
                ("done", {"ok": False, "undone": [], "not_undone": []}),
            ]

    with pytest.raises(TimedOutError, match="The host's disks could not be read"):
        disks_of(Slow({"id1": [A]}, {}))


def test_a_file_that_cannot_be_read():
    disks, _ = disks_of(DiskHost({"id1": [A, B]}, {A: None, B: None}, unreadable=[B]))
    assert (disks.gone, disks.unclear) == (NONE, (B,))


def test_a_parent_that_cannot_be_read():
    disks, _ = disks_of(DiskHost({"id1": [A]}, {A: C, C: None}, unreadable=[C]))
    assert disks.unclear == (C,)


def test_a_whole_disk_is_no_file():
    disks, _ = disks_of(DiskHost({"id1": [A]}, {A: None}, passed_through=[("id1", "Disk 2 1.00 TB Bus 0")]))
    assert disks.of_vm == {"id1": [A]}


def test_drives_that_cannot_be_read():
    def answer(_: Any) -> list[Said]:
        return [error("drives", "AccessDenied,X"), ("done", {"ok": False, "undone": [], "not_undone": []})]

    transport = ScriptedTransport(answer)
    with pytest.raises(HvctlError, match="The host's disks could not be read"):
        read_disks(Session(transport, clock=transport.clock), timeout=60)


def test_the_batches_of_the_question():
    every = Ref("every", all=True)
    parents = {"select": ("Path", "ParentPath"), "on_error": "continue"}
    assert plan_disks() == Batch(
        (
            Step("every", Call("Get-VM"), select=("Id", "Name")),
            Step("drives", Call("Get-VMHardDiskDrive", {"VM": every}), select=("VMId", "Path", "DiskNumber")),
            Step("snapshots", Call("Get-VMSnapshot", {"VM": every}), select=("VMId", "HardDrives.Path")),
            Step("parents", Call("Get-VHD", {"Path": Ref("drives", property="Path", all=True)}), **parents),
        )
    )
    there = {"select": (".",), "on_error": "continue"}
    assert plan_parents([A, B]) == Batch(
        (
            Step("parents", Call("Get-VHD", {"Path": (A, B)}), **parents),
            Step("file_0", Call("Test-Path", {"LiteralPath": A}), **there),
            Step("file_1", Call("Test-Path", {"LiteralPath": B}), **there),
        )
    )


def test_clustered_ones():
    transport = ScriptedTransport(
        lambda _: [record("chosen", Id="id1", IsClustered=True), record("chosen", Id="id2", IsClustered=None)]
    )
    result = Session(transport, clock=transport.clock).run(plan_owners(["id1", "id2"]))
    assert clustered_ids(result) == {"id1"}
