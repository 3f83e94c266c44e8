"""Deleting virtual machines, and their disks where nothing else needs them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from hvctl.models.checkpoint import NO_ID
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.services.disks import Disks, key
from hvctl.services.plan import Part, Prepared, checked, make_plan
from hvctl.services.selection import Stateful
from hvctl.services.vm.files import Files, Late, delete_late, files_of, is_broken
from hvctl.services.vm.power import AT_REST, plain
from hvctl.services.vm.read import states_step
from hvctl.transports.result import Result


@dataclass(frozen=True, slots=True)
class Owners:
    """The ids of virtual machines that a cluster owns, and of those that have checkpoints."""

    clustered: frozenset[str] = frozenset()
    checkpointed: frozenset[str] = frozenset()


def plan_owners(ids: Sequence[str]) -> Batch:
    """Which of the virtual machines a cluster owns, and which have checkpoints."""
    selected = ("Id", "IsClustered", "ParentSnapshotId")
    return Batch((Step("chosen", Call("Get-VM"), select=selected, where={"Id": tuple(ids)}),))


def plan_delete(vms: Sequence[Stateful], owners: Owners, disks: Disks | None, host: str, *, turn_off: bool) -> Prepared:
    """Delete virtual machines.

    Args:
        vms: The VMs that were selected.
        owners: What a cluster owns, which is refused, and what has checkpoints, which are lost.
        disks: Who uses which disk, when the disks go too; None when they stay.
        host: The host, for errors.
        turn_off: Cut the power of those that are not at rest.
    """
    parts: list[Part] = []
    steps: list[Step] = []
    named: list[str] = []
    late: list[Late] = []
    losses: list[str] = []
    notes: list[str] = []
    for number, vm in enumerate(vms):
        refused = _refusal(vm, owners.clustered, disks, host, turn_off=turn_off)
        if refused is not None:
            parts.append(refused)
            continue
        files = files_of(vm, disks) if disks else Files()
        notes += files.leaves
        if files.late and files.takes:
            late.append(Late(vm.id, vm.name, files.takes))
            words = ", ".join(files.disks)
            notes.append(f"Deleted after '{vm.name}', once the host has let go of its checkpoints: {words}.")
        now = () if files.late else files.takes
        named += now
        own = _steps(vm, number, now, turn_off=plain(vm.state) not in AT_REST)
        steps += own
        losses.append(_loss(vm, files.disks, has_checkpoints=files.late or vm.id in owners.checkpointed))
        messages = {step.id: f"'{vm.name}' is gone, but a disk of it could not be deleted" for step in own[1:]}
        messages |= {step.id: f"'{vm.name}' was not deleted" for step in own if not step.id.startswith("file_")}
        parts.append(Part(vm.id, vm.name, vm.state, tuple(step.id for step in own), goes=True, messages=messages))
    ids = [part.id for part in parts if part.steps]
    before = [states_step("vms", ids)]
    if named:
        before.append(Step("files", Call("Get-VHD", {"Path": tuple(named)}), on_error="continue"))
    plan = make_plan("vm delete", parts, steps, before=before, after=states_step("after", ids))
    if late:
        plan = replace(plan, finish=delete_late(late))
    return Prepared(plan, tuple(losses), tuple(notes))


def _refusal(vm: Stateful, clustered: frozenset[str], disks: Disks | None, host: str, *, turn_off: bool) -> Part | None:
    if vm.id in clustered:
        return checked(vm, host, f"'{vm.name}' belongs to a cluster.", "Remove its role from the cluster first.")
    if plain(vm.state) not in AT_REST and not turn_off:
        return checked(
            vm, host, f"'{vm.name}' is {vm.state}.", "Shut it down first (hvctl vm stop), or add --turn-off."
        )
    if disks is None:
        return None
    own = disks.of_vm.get(vm.id, [])
    unclear = [path for path in disks.unclear if disks.users.get(key(path), set()) - {vm.id}]
    broken = next((path for path in own if is_broken(path, disks)), None)
    if broken is not None:
        words = f"Which disk of '{vm.name}' its {broken} belongs to cannot be told: its chain cannot be read."
        return checked(vm, host, words, "Delete it without --with-disks.")
    if own and unclear:
        words = (
            f"Whether another machine needs the disks of '{vm.name}' cannot be told: its {unclear[0]} cannot be read."
        )
        return checked(vm, host, words, "Delete it without --with-disks.")
    return None


def _steps(vm: Stateful, number: int, files: Iterable[str], *, turn_off: bool) -> list[Step]:
    target = Ref("vms", where={"Id": vm.id})
    steps: list[Step] = []
    if turn_off:
        call = Call("Stop-VM", {"VM": target, "TurnOff": True, "Force": True})
        steps.append(Step(f"off_{number}", call, on_error="continue"))
    needs = tuple(step.id for step in steps)
    remove = Call("Remove-VM", {"VM": target, "Force": True})
    steps.append(Step(f"remove_{number}", remove, on_error="continue", needs=needs))
    for index, path in enumerate(files):
        named = Ref("files", where={"Path": path}, property="Path")
        call = Call("Remove-Item", {"LiteralPath": named, "Force": True})
        steps.append(Step(f"file_{number}_{index}", call, on_error="continue", needs=(f"remove_{number}",)))
    return steps


def _loss(vm: Stateful, files: Sequence[str], *, has_checkpoints: bool) -> str:
    words = f"'{vm.name}'"
    if has_checkpoints:
        words += " (its checkpoints are lost)"
    if plain(vm.state) not in AT_REST:
        words += f" ({vm.state}; its power is cut)"
    elif plain(vm.state) != "Off":
        words += " (its saved state is lost)"
    if files:
        words += f" with {', '.join(files)}"
    return words


def owners_of(result: Result) -> Owners:
    """What the answers of `plan_owners` say."""
    chosen = result.of("chosen")
    return Owners(
        frozenset(str(record["Id"]) for record in chosen if record["IsClustered"]),
        frozenset(str(record["Id"]) for record in chosen if record["ParentSnapshotId"] not in (None, NO_ID)),
    )
