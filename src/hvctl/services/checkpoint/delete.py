"""Renaming and deleting checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hvctl.models.checkpoint import CheckpointNode
from hvctl.powershell.batch import Call, Ref, Step, Value
from hvctl.services.checkpoint.merge import await_merge
from hvctl.services.checkpoint.read import VmPosition, checkpoints_step, descendants
from hvctl.services.plan import Part, Plan, Prepared, make_plan
from hvctl.services.vm.read import states_step


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whether to wait until the disks are merged, and how long in seconds; None for as long as it takes."""

    wanted: bool = True
    limit: float | None = None


def plan_delete(
    vm: VmPosition,
    chosen: Sequence[CheckpointNode],
    every: Sequence[CheckpointNode],
    *,
    subtree: bool,
    waiting: Waiting | None = None,
) -> Prepared:
    """Delete checkpoints of a virtual machine; its present state stays, and so do the checkpoints based on them.

    Args:
        vm: The virtual machine.
        chosen: The checkpoints.
        every: All checkpoints of the machine.
        subtree: Delete all that are based on them too.
        waiting: Whether and how long to wait for the merge of its disks.
    """
    going = descendants(chosen, every) if subtree else list(chosen)
    ids = {each.id for each in going}
    if subtree:
        going = descendants([each for each in going if each.parent_id not in ids], every)
    parts: list[Part] = []
    steps: dict[str, Step] = {}
    for number, each in enumerate(going):
        # Whatever is based on one that goes with its subtree goes in the same step.
        if subtree and each.parent_id in ids:
            step = steps[each.parent_id]
        else:
            call = Call("Remove-VMSnapshot", _parameters(each, subtree=subtree))
            step = Step(f"remove_{number}", call, on_error="continue")
        steps[each.id] = step
        messages = {step.id: f"The checkpoint '{each.name}' was not deleted"}
        parts.append(Part(each.id, each.name, each.state, (step.id,), goes=True, messages=messages))
    plan = _plan("checkpoint delete", vm, parts, list({step.id: step for step in steps.values()}.values()))
    waiting = waiting or Waiting()
    if waiting.wanted and parts:
        plan = replace(plan, finish=await_merge(vm, waiting.limit))
    return Prepared(plan, tuple(_loss(vm, each) for each in going))


def plan_rename(vm: VmPosition, checkpoint: CheckpointNode, new_name: str) -> Plan:
    """Give a checkpoint another name; Hyper-V lets several have the same."""
    if checkpoint.name == new_name:
        return make_plan("checkpoint rename", [Part(checkpoint.id, checkpoint.name, checkpoint.state)], [])
    this = Ref("checkpoints", where={"Id": checkpoint.id})
    call = Call("Rename-VMSnapshot", {"VMSnapshot": this, "NewName": new_name})
    step = Step("rename", call, on_error="continue")
    messages = {"rename": f"The checkpoint '{checkpoint.name}' was not renamed"}
    part = Part(checkpoint.id, checkpoint.name, checkpoint.state, ("rename",), messages=messages, new_name=new_name)
    return _plan("checkpoint rename", vm, [part], [step])


def _plan(verb: str, vm: VmPosition, parts: Sequence[Part], steps: Sequence[Step]) -> Plan:
    ids = [part.id for part in parts]
    before = (states_step("vms", [vm.id]), checkpoints_step("checkpoints", ids))
    after = checkpoints_step("after", ids)
    return make_plan(verb, parts, steps, before=before, after=after)


def _parameters(checkpoint: CheckpointNode, *, subtree: bool) -> dict[str, Value]:
    parameters: dict[str, Value] = {"VMSnapshot": Ref("checkpoints", where={"Id": checkpoint.id})}
    return parameters | {"IncludeAllChildSnapshots": True} if subtree else parameters


def _loss(vm: VmPosition, checkpoint: CheckpointNode) -> str:
    words = f"checkpoint '{checkpoint.name}' of '{vm.name}'"
    if checkpoint.type not in (None, "Standard"):
        words += f" (its type is {checkpoint.type}: other software may need it)"
    elif checkpoint.has_memory:
        words += " (with the memory in it)"
    return words
