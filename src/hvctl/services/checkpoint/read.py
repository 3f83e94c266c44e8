"""Lists and trees of checkpoints, and everything there is to know of one."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from hvctl.models.base import Record
from hvctl.models.checkpoint import Checkpoint, CheckpointNode, CheckpointSummary, ParentId
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.services.vm.read import VmState
from hvctl.transports.result import Result


class VmPosition(VmState):
    """A virtual machine, and the checkpoint that its present state is based on."""

    position: ParentId = Field(validation_alias="ParentSnapshotId")


def plan_list(model: type[CheckpointSummary] = CheckpointSummary, vm_model: type[Record] = VmState) -> Batch:
    """Every checkpoint of the host, with the properties that `model` is made of."""
    return Batch((Step("vms", Call("Get-VM"), select=vm_model.properties()), _checkpoints(model)))


def plan_of_vms(
    ids: Sequence[str], model: type[CheckpointSummary] = CheckpointSummary, vm_model: type[Record] = VmState
) -> Batch:
    """The checkpoints of some virtual machines."""
    vms = Step("vms", Call("Get-VM"), select=vm_model.properties(), where={"Id": tuple(ids)})
    return Batch((vms, _checkpoints(model)))


def checkpoints_step(step_id: str, ids: Sequence[str]) -> Step:
    """A step that reads id, name and state of some checkpoints of the virtual machines of a step `vms`."""
    call = Call("Get-VMSnapshot", {"VM": Ref("vms", all=True)})
    return Step(step_id, call, select=("Id", "Name", "State"), where={"Id": tuple(ids)})


def _checkpoints(model: type[CheckpointSummary]) -> Step:
    # A reference to all is skipped where there is none: a host without virtual machines has no checkpoints.
    return Step("checkpoints", Call("Get-VMSnapshot", {"VM": Ref("vms", all=True)}), select=model.properties())


def nodes(host: str, result: Result) -> tuple[list[VmPosition], list[CheckpointNode]]:
    """The virtual machines of a batch, and their checkpoints with the present ones marked."""
    machines = VmPosition.read(host, result.of("vms"))
    positions = {machine.position for machine in machines}
    found = CheckpointNode.read(host, result.of("checkpoints"))
    return machines, [each.model_copy(update={"current": each.id in positions}) for each in found]


def details(host: str, result: Result) -> list[Checkpoint]:
    """Everything about the checkpoints of a batch."""
    positions = {machine.position for machine in VmPosition.read(host, result.of("vms"))}
    found = Checkpoint.read(host, result.of("checkpoints"))
    children: dict[str | None, list[str]] = {}
    for each in found:
        children.setdefault(each.parent_id, []).append(each.name)
    return [
        each.model_copy(update={"current": each.id in positions, "children": tuple(children.get(each.id, ()))})
        for each in found
    ]


def descendants(chosen: Sequence[CheckpointNode], every: Sequence[CheckpointNode]) -> list[CheckpointNode]:
    """Checkpoints and all that are based on them, each once; a parent before its children unless those were chosen."""
    below: dict[str | None, list[CheckpointNode]] = {}
    for each in every:
        below.setdefault(each.parent_id, []).append(each)
    found: dict[str, CheckpointNode] = {}
    for start in chosen:
        queue = [start]
        for each in queue:
            if each.id not in found:
                found[each.id] = each
                queue += below.get(each.id, [])
    return list(found.values())
