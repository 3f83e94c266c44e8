"""Taking checkpoints: names from a template, and another type than the machine's own for this once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hvctl.errors import ConflictError, HvctlError, UsageError
from hvctl.models.checkpoint import CheckpointCreate, CheckpointNode, NewCheckpoint
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.services.failures import failure_of
from hvctl.services.vm.power import plain
from hvctl.services.vm.read import VmSettings, states_step
from hvctl.transports.result import Result

LONGEST_NAME = 100
_WHILE_ON = ("Running", "Paused")
_POSSIBLE = (*_WHILE_ON, "Off", "Saved", "FastSaved", "Hibernated")
_PARTS = re.compile(r"\{(vm|date|time)\}")


@dataclass(frozen=True, slots=True)
class Taking:
    """One checkpoint that is to be taken: of which machine, called what, and by which step."""

    vm: VmSettings
    name: str
    asked: str | None
    step: str


@dataclass(frozen=True, slots=True)
class Creation:
    """Batches, each with what it takes; and the machines that were refused before anything is sent."""

    groups: tuple[tuple[Batch, tuple[Taking, ...]], ...]
    refused: tuple[HvctlError, ...] = ()

    @property
    def batch(self) -> Batch:
        """All batches as one, to be shown."""
        return Batch(tuple(step for batch, _ in self.groups for step in batch.steps))


def name_of(template: str, vm: str, now: datetime) -> str:
    """The name that a template makes for a virtual machine at a time; the machine's name is cut where it is too long.

    Raises:
        UsageError: It has more than 100 characters all the same.
    """
    values = {"vm": vm, "date": f"{now:%Y-%m-%d}", "time": f"{now:%H:%M:%S}"}
    name = _filled(template, values)
    if len(name) > LONGEST_NAME and "{vm}" in template:
        excess = -(-(len(name) - LONGEST_NAME) // template.count("{vm}"))
        name = _filled(template, values | {"vm": vm[: max(0, len(vm) - excess)]})
    if len(name) > LONGEST_NAME:
        raise UsageError(f"'{name}' has {len(name)} characters; a checkpoint's name has at most {LONGEST_NAME}.")
    return name


def _filled(template: str, values: Mapping[str, str]) -> str:
    return _PARTS.sub(lambda match: values[match[1]], template)


def plan_create(vms: Sequence[VmSettings], spec: CheckpointCreate, host: str, now: datetime) -> Creation:
    """Take a checkpoint of each virtual machine.

    Those whose own type will do are worked on side by side, in one batch. Where another type is asked for, the
    machine's setting is changed for this once, in a batch of its own, whose undo sets it back whatever happens.
    """
    refused: list[HvctlError] = []
    together: list[tuple[Taking, Step]] = []
    alone: list[tuple[Batch, tuple[Taking, ...]]] = []
    for number, vm in enumerate(vms):
        obstacle = _obstacle(vm, spec.type, host)
        if obstacle is not None:
            refused.append(obstacle)
            continue
        asked = spec.type or vm.checkpoint_type
        taking = Taking(vm, name_of(spec.name, vm.name, now), asked, f"take_{number}")
        if asked == vm.checkpoint_type:
            together.append((taking, _take(taking, "vms")))
        else:
            alone.append((_with_type(taking, number), (taking,)))
    groups = alone
    if together:
        vms_step = states_step("vms", [taking.vm.id for taking, _ in together])
        batch = Batch((vms_step, *(step for _, step in together)))
        groups = [(batch, tuple(taking for taking, _ in together)), *alone]
    return Creation(tuple(groups), tuple(refused))


def _obstacle(vm: VmSettings, wanted: str | None, host: str) -> HvctlError | None:
    if vm.checkpoint_type is None and wanted is not None:
        words = f"The checkpoint type of '{vm.name}' cannot be read, so it could not be set back."
        return ConflictError(words, hint="Leave --type out.", host=host, object_name=vm.name)
    if vm.checkpoint_type == "Disabled":
        words, hint = "Checkpoints of '{}' are disabled.", "Allow them: hvctl vm set NAME --checkpoint-type Production"
        return ConflictError(words.format(vm.name), hint=hint, host=host, object_name=vm.name)
    if plain(vm.state) not in _POSSIBLE:
        words = f"'{vm.name}' is {vm.state}: a checkpoint is not possible."
        return ConflictError(words, hint="Wait until it is at rest, then try again.", host=host, object_name=vm.name)
    return None


def take_call(vm: Ref, name: str) -> Call:
    """The call that takes a checkpoint."""
    return Call("Checkpoint-VM", {"VM": vm, "SnapshotName": name, "Passthru": True})


def _take(taking: Taking, vms: str) -> Step:
    call = take_call(Ref(vms, where={"Id": taking.vm.id}), taking.name)
    return Step(taking.step, call, select=CheckpointNode.properties(), on_error="continue", group="take")


def _with_type(taking: Taking, number: int) -> Batch:
    vms = states_step(f"vms_{number}", [taking.vm.id])
    vm = Ref(vms.id, where={"Id": taking.vm.id})
    back = Call("Set-VM", {"VM": vm, "CheckpointType": taking.vm.checkpoint_type})
    return Batch(
        (
            vms,
            Step(f"type_{number}", Call("Set-VM", {"VM": vm, "CheckpointType": taking.asked}), undo=back),
            Step(taking.step, take_call(vm, taking.name), select=CheckpointNode.properties()),
            Step(f"back_{number}", back),
        )
    )


def taken(takings: Sequence[Taking], result: Result, host: str) -> tuple[list[NewCheckpoint], list[HvctlError]]:
    """What a batch took, and what failed; a checkpoint can be there although its machine's type was not set back."""
    made: list[NewCheckpoint] = []
    failures: list[HvctlError] = []
    for taking in takings:
        found = CheckpointNode.read(host, result.of(taking.step))
        for node in found:
            became = _became(taking, node)
            fields = {**dict(node), "asked": taking.asked, "became": became, "current": True}
            made.append(NewCheckpoint.model_validate(fields))
        failure = _failure(taking, result, host, is_there=bool(found))
        if failure is not None:
            failures.append(failure)
    return made, failures


def _became(taking: Taking, node: CheckpointNode) -> str | None:
    """What a checkpoint of a machine that was on has become: memory is in a standard one only."""
    if plain(taking.vm.state) not in _WHILE_ON:
        return None
    return "Standard" if node.has_memory else "Production"


def _failure(taking: Taking, result: Result, host: str, *, is_there: bool) -> HvctlError | None:
    own = [each for each in result.errors if not each.undo and each.step in (taking.step, None)]
    if not own and not result.ok and result.failure is not None:
        own = [result.failure]
    if not own:
        return None
    words = f"No checkpoint of '{taking.vm.name}' was taken"
    if is_there:
        words = f"'{taking.vm.name}' has its checkpoint, but its checkpoint type was not set back at once"
    return failure_of(own[0], result, host=host, object_name=taking.vm.name, message=words)
