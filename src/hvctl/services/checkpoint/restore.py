"""Bringing a virtual machine back to a checkpoint, and into the state that it is to be in then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from hvctl.errors import ConflictError, HvctlError
from hvctl.models.checkpoint import CheckpointNode
from hvctl.powershell.batch import Call, Ref, Step, Where
from hvctl.services.checkpoint.create import LONGEST_NAME, take_call
from hvctl.services.checkpoint.read import VmPosition, checkpoints_step, descendants
from hvctl.services.plan import Done, Part, Prepared, make_plan, run_plan
from hvctl.services.vm.power import AT_REST, SAVE, START, TURN_OFF, Verb, plain, plan_power
from hvctl.services.vm.read import states_step
from hvctl.transports.session import Session

_ON = ("Running", "Paused")
_MEMORY = ("Saved", "FastSaved", "Hibernated")


def plan_restore(
    vm: VmPosition, target: CheckpointNode, every: Sequence[CheckpointNode], *, keep_as: str | None, start: bool
) -> Prepared:
    """Bring a virtual machine back to a checkpoint.

    One that is on is saved first, so that a restore that fails loses nothing: it runs on then, or is saved if it was
    paused. Hyper-V may leave it in this state or that one afterwards: what it is to be in is said explicitly. It runs
    if it ran and its memory is in the checkpoint, or if `start` says so; else it is in the checkpoint's own state.

    Args:
        vm: The virtual machine.
        target: The checkpoint.
        every: All checkpoints of the machine.
        keep_as: The name of a checkpoint of its present state that is taken first; None for none.
        start: Start it afterwards in any case.

    Raises:
        ConflictError: The machine is on its way from one state to another.
    """
    state = plain(vm.state)
    if state not in (*_ON, *AT_REST):
        words = f"'{vm.name}' is {vm.state}: a restore is not possible."
        hint = "Wait until it is at rest, then try again."
        raise ConflictError(words, hint=hint, host=vm.host, object_name=vm.name)
    steps = _steps(vm, target, keep_as)
    failed = f"'{vm.name}' was not restored"
    part = Part(
        vm.id,
        vm.name,
        vm.state,
        tuple(step.id for step in steps),
        messages={step.id: failed for step in steps}
        | {"take": f"{failed}: its present state could not be kept"}
        | ({"restore": f"{failed}, and has the checkpoint '{keep_as}'"} if keep_as is not None else {}),
    )
    before = (states_step("vms", [vm.id]), checkpoints_step("checkpoints", [target.id]))
    plan = make_plan("checkpoint restore", [part], steps, before=before, after=states_step("after", [vm.id]))
    wanted = "Running" if start or (state == "Running" and target.has_memory) else target.state or "Off"
    plan = replace(plan, finish=_bring_to(wanted, target.name))
    losses = () if keep_as is not None else (_loss(vm, target, every),)
    return Prepared(plan, losses, (*_notes(target, every), *_afterwards(vm, wanted, start=start)))


def _steps(vm: VmPosition, target: CheckpointNode, keep_as: str | None) -> list[Step]:
    this = Ref("vms", where={"Id": vm.id})
    steps: list[Step] = []
    if plain(vm.state) in _ON:
        # A paused one must not run on when a later step fails: it stays saved.
        back = Call("Start-VM", {"VM": this}) if plain(vm.state) == "Running" else None
        steps.append(Step("save", Call("Save-VM", {"VM": this}), undo=back))
    if keep_as is not None:
        steps.append(Step("take", take_call(this, keep_as)))
    if keep_as is not None and plain(vm.state) != "Off":
        # A checkpoint without the memory would keep the state in part only: then nothing is restored.
        kept = Call("Get-VMSnapshot", {"VM": Ref("vms", all=True)})
        where: Where = {"Name": keep_as, "State": _MEMORY}
        steps.append(Step("kept", kept, where=where, expect="one", needs=("take",)))
    snapshot = Ref("checkpoints", where={"Id": target.id})
    steps.append(Step("restore", Call("Restore-VMSnapshot", {"VMSnapshot": snapshot, "Confirm": False})))
    return steps


def name_before(target: str, now: str) -> str:
    """The name of the checkpoint that keeps the present state."""
    words = f"Before the restore of {target}"
    return f"{words[: LONGEST_NAME - len(now) - 3]} ({now})"


def _loss(vm: VmPosition, target: CheckpointNode, every: Sequence[CheckpointNode]) -> str:
    base = next((each for each in every if each.id == vm.position), None)
    words = f"the present state of '{vm.name}'"
    if base is not None:
        since = f" ({base.created:%Y-%m-%d %H:%M:%S}Z)" if base.created else ""
        words = f"what '{vm.name}' did since '{base.name}'{since}"
    if plain(vm.state) in _ON:
        words += f", with its memory (it is {vm.state}),"
    elif plain(vm.state) in _MEMORY:
        words += ", with its saved state,"
    return f"{words} and go back to '{target.name}'"


def _notes(target: CheckpointNode, every: Sequence[CheckpointNode]) -> list[str]:
    below = len(descendants([target], every)) - 1
    if not below:
        return []
    return [
        f"{below} checkpoint{'s are' if below > 1 else ' is'} based on '{target.name}' and stay{'s' * (below == 1)}."
    ]


def _afterwards(vm: VmPosition, wanted: str, *, start: bool) -> list[str]:
    """In which state the machine will be, where that is not the one it is in."""
    if wanted == plain(vm.state):
        return []
    was_on = plain(vm.state) in _ON and not start
    return [f"'{vm.name}' will be {wanted}{'; --start starts it' if was_on else ''}."]


def _bring_to(wanted: str, target: str) -> Callable[[Session, Done, float | None], Done]:
    def finish(session: Session, done: Done, timeout: float | None) -> Done:
        (outcome,) = done.outcomes
        verb = _verb(outcome.state, wanted)
        if outcome.outcome != "changed" or outcome.id is None or outcome.state is None or verb is None:
            return done
        vm = VmPosition.model_validate(
            {**outcome.model_dump(include={"id", "name", "host", "state"}), "position": None}
        )
        ended = run_plan(session, plan_power(verb, [vm], session.host, timeout=timeout), timeout=timeout)
        if not ended.failures:
            return replace(done, outcomes=(outcome.model_copy(update={"state": ended.outcomes[0].state}),))
        failure = _after_restore(ended.failures[0], vm.name, target)
        failed = {"outcome": "failed", "state": ended.outcomes[0].state, "error": failure.as_dict()}
        return Done((outcome.model_copy(update=failed),), (failure,))

    return finish


def _verb(state: str | None, wanted: str) -> Verb | None:
    """What leads from the state after the restore to the one that is wanted; None where it is there."""
    now = plain(state) if state else None
    if wanted == "Running":
        return None if now == "Running" else START
    if now in _ON:
        return TURN_OFF if wanted == "Off" else SAVE
    return None


def _after_restore(failure: HvctlError, vm: str, target: str) -> HvctlError:
    return type(failure)(
        f"'{vm}' is back at '{target}', but: {failure.message}",
        hint=failure.hint,
        host=failure.host,
        object_name=vm,
        cmdlet_error=failure.cmdlet_error,
    )
