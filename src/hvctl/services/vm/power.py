"""Starting, stopping and what lies between: which state allows what, and what it ends in.

The states are those of Hyper-V's state machine; a *Critical* twin counts as its plain state, as the cmdlets see it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hvctl.powershell.batch import SIDE_BY_SIDE, Call, Ref, Step
from hvctl.services.plan import Part, Plan, checked, make_plan
from hvctl.services.selection import Stateful
from hvctl.services.vm.read import states_step

_MARGIN = 60.0
"""Seconds that a batch has beyond what its guests have to shut down."""

RUNNING = ("Running",)
AT_REST = ("Off", "Saved", "FastSaved", "Hibernated")


@dataclass(frozen=True, slots=True)
class Verb:
    """A change of power state.

    Attributes:
        name: The command.
        calls: The cmdlets that lead on, by the state they are legal in.
        already: States in which there is nothing to do.
        ends_in: The state afterwards.
        parameters: What the cmdlets get besides the VM.
        hints: What to do in a state that forbids it.
        failed: What to say when the cmdlet fails.
        side_by_side: Whether several VMs are worked on at once.
    """

    name: str
    calls: Mapping[str, tuple[str, ...]]
    already: tuple[str, ...]
    ends_in: str
    failed: str
    parameters: Mapping[str, bool]
    hints: Mapping[str, str]
    side_by_side: bool = False


_RESUME = {"Paused": "It is paused: hvctl vm resume, or --turn-off to cut its power."}
_NOT_RUNNING = dict.fromkeys(AT_REST, "It is not running: hvctl vm start")

START = Verb(
    "vm start",
    {"Start-VM": AT_REST, "Resume-VM": ("Paused",)},
    ("Running", "Starting"),
    "Running",
    "'{}' did not start",
    {},
    {},
)
STOP = Verb("vm stop", {"Stop-VM": RUNNING}, AT_REST, "Off", "'{}' was not shut down", {}, _RESUME, side_by_side=True)
TURN_OFF = Verb(
    "vm stop",
    {"Stop-VM": ("Running", "Paused", "Starting", "Stopping", "Saving", "Pausing", "Resuming", "Other")},
    AT_REST,
    "Off",
    "'{}' was not turned off",
    {"TurnOff": True, "Force": True},
    {},
    side_by_side=True,
)
SAVE = Verb(
    "vm save",
    {"Save-VM": ("Running", "Paused")},
    ("Saved", "FastSaved", "Hibernated"),
    "Saved",
    "'{}' was not saved",
    {},
    {"Off": "It is off: there is no state to save."},
    side_by_side=True,
)
SUSPEND = Verb("vm suspend", {"Suspend-VM": RUNNING}, ("Paused",), "Paused", "'{}' was not suspended", {}, _NOT_RUNNING)
RESUME = Verb("vm resume", {"Resume-VM": ("Paused",)}, RUNNING, "Running", "'{}' was not resumed", {}, _NOT_RUNNING)
RESET = Verb(
    "vm restart",
    {"Restart-VM": RUNNING},
    (),
    "Running",
    "'{}' was not reset",
    {"Force": True},
    {**_NOT_RUNNING, "Paused": "It is paused: hvctl vm resume"},
)


def plain(state: str) -> str:
    """The state without the mark of an unhealthy VM."""
    return state.removesuffix("Critical")


def plan_power(verb: Verb, vms: Sequence[Stateful], host: str, *, timeout: float | None = None) -> Plan:
    """Bring virtual machines into the state that a verb ends in.

    Args:
        verb: Which change.
        vms: The VMs that were selected, in any state.
        host: The host they are on, for errors.
        timeout: Seconds that each may take; only guests that shut down need one.
    """
    parts: list[Part] = []
    steps: list[Step] = []
    for number, vm in enumerate(vms):
        step = _power_step(verb, vm, f"{verb.name.split()[1]}_{number}", timeout)
        if step is not None:
            steps.append(step)
            parts.append(_part(verb, vm, (step.id,)))
        else:
            parts.append(_unchanged_or_refused(verb, vm, host))
    return with_states(verb.name, parts, steps, deadline=_deadline(len(steps), timeout))


def plan_restart(vms: Sequence[Stateful], host: str, *, timeout: float | None = None) -> Plan:
    """Shut guests down side by side, and start again each one that went down."""
    stop = Verb("vm restart", STOP.calls, (), "Off", STOP.failed, {}, RESET.hints, side_by_side=True)
    parts: list[Part] = []
    stops: list[Step] = []
    starts: list[Step] = []
    for number, vm in enumerate(vms):
        step = _power_step(stop, vm, f"stop_{number}", timeout)
        if step is None:
            parts.append(_unchanged_or_refused(stop, vm, host))
            continue
        stops.append(step)
        start = Call("Start-VM", {"VM": Ref("vms", where={"Id": vm.id})})
        starts.append(Step(f"start_{number}", start, on_error="continue", needs=(step.id,)))
        messages = {
            step.id: stop.failed.format(vm.name),
            f"start_{number}": f"'{vm.name}' is off and did not start again",
        }
        parts.append(Part(vm.id, vm.name, vm.state, (step.id, f"start_{number}"), wanted="Running", messages=messages))
    # The starts follow one after the other and have as long together as one guest has to shut down.
    deadline = None if timeout is None else (_deadline(len(stops), timeout) or 0) + timeout
    return with_states("vm restart", parts, [*stops, *starts], deadline=deadline)


def _power_step(verb: Verb, vm: Stateful, step_id: str, timeout: float | None) -> Step | None:
    cmdlet = next((name for name, states in verb.calls.items() if plain(vm.state) in states), None)
    if cmdlet is None:
        return None
    call = Call(cmdlet, {"VM": Ref("vms", where={"Id": vm.id}), **verb.parameters})
    group = verb.name.split()[1] if verb.side_by_side else None
    return Step(step_id, call, on_error="continue", group=group, timeout=timeout)


def _part(verb: Verb, vm: Stateful, steps: tuple[str, ...]) -> Part:
    messages = dict.fromkeys(steps, verb.failed.format(vm.name))
    return Part(vm.id, vm.name, vm.state, steps, wanted=verb.ends_in, messages=messages)


def _unchanged_or_refused(verb: Verb, vm: Stateful, host: str) -> Part:
    state = plain(vm.state)
    if state in verb.already:
        return Part(vm.id, vm.name, vm.state)
    word = verb.name.split()[1]
    hint = verb.hints.get(state, "Wait until it is at rest, then try again.")
    return checked(vm, host, f"'{vm.name}' is {vm.state}: {word} is not possible.", hint)


def _deadline(guests: int, timeout: float | None) -> float | None:
    """Seconds for a batch in which each guest has its own time, however many wait for a place beside the others."""
    return None if timeout is None else math.ceil(guests / SIDE_BY_SIDE) * timeout + _MARGIN


def with_states(name: str, parts: list[Part], steps: list[Step], *, deadline: float | None = None) -> Plan:
    """A plan whose steps refer to the virtual machines as `vms`, and that reads their states before and after."""
    ids = [part.id for part in parts if part.steps]
    before = (states_step("vms", ids),)
    return make_plan(name, parts, steps, before=before, after=states_step("after", ids), deadline=deadline)
