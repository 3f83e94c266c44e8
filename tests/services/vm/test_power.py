"""Which state allows which change, and what is sent for it."""

from __future__ import annotations

import pytest
from tests.support.plans import VERBS

from hvctl.errors import ConflictError
from hvctl.models.vm import STATES
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.services.vm.power import (
    RESET,
    RESUME,
    SAVE,
    START,
    STOP,
    SUSPEND,
    TURN_OFF,
    Verb,
    plain,
    plan_power,
    plan_restart,
)
from hvctl.services.vm.read import VmState

pytestmark = pytest.mark.unit

TRANSITIONS = [
    # What each verb does in each state at rest or running: a cmdlet, nothing because it is so already, or a refusal.
    (START, {"Off": "Start-VM", "Saved": "Start-VM", "Running": "already", "Paused": "Resume-VM"}),
    (STOP, {"Off": "already", "Saved": "already", "Running": "Stop-VM", "Paused": "refused"}),
    (TURN_OFF, {"Off": "already", "Saved": "already", "Running": "Stop-VM", "Paused": "Stop-VM"}),
    (SAVE, {"Off": "refused", "Saved": "already", "Running": "Save-VM", "Paused": "Save-VM"}),
    (SUSPEND, {"Off": "refused", "Saved": "refused", "Running": "Suspend-VM", "Paused": "already"}),
    (RESUME, {"Off": "refused", "Saved": "refused", "Running": "already", "Paused": "Resume-VM"}),
    (RESET, {"Off": "refused", "Saved": "refused", "Running": "Restart-VM", "Paused": "refused"}),
]
CASES = [(verb, state, does) for verb, states in TRANSITIONS for state, does in states.items()]


def vm(state: str, number: int = 1) -> VmState:
    return VmState(id=f"id{number}", name=f"web{number}", host="hv01", state=state)


def states_step(step_id: str, *ids: str) -> Step:
    return Step(step_id, Call("Get-VM"), select=("Id", "Name", "State"), where={"Id": ids})


def test_the_table_has_every_verb():
    assert [verb for verb, _ in TRANSITIONS] == list(VERBS)


@pytest.mark.parametrize("critical", ["", "Critical"])
@pytest.mark.parametrize(("verb", "state", "does"), CASES)
def test_transitions(verb: Verb, state: str, does: str, critical: str):
    plan = plan_power(verb, [vm(state + critical)], "hv01")
    (part,) = plan.parts
    cmdlets = [step.call.cmdlet for step in plan.batch.steps if step.changes]
    if does == "already":
        assert (cmdlets, part.steps, part.failure) == ([], (), None)
    elif does == "refused":
        assert (cmdlets, part.steps) == ([], ())
        assert isinstance(part.failure, ConflictError)
        assert part.failure.message == f"'web1' is {state}{critical}: {verb.name.split()[1]} is not possible."
        assert part.failure.hint
        assert (part.failure.host, part.failure.object_name) == ("hv01", "web1")
    else:
        assert (cmdlets, part.wanted, part.failure) == ([does], verb.ends_in, None)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: f"{verb.name} {verb.parameters}")
@pytest.mark.parametrize("state", [*STATES, "SomethingNew"])
def test_every_state_has_an_answer(verb, state):
    (part,) = plan_power(verb, [vm(state)], "hv01").parts
    assert bool(part.steps) + bool(part.failure) + (plain(state) in verb.already) == 1


def test_the_whole_batch():
    running = vm("Running", 1)
    plan = plan_power(STOP, [running, vm("Off", 2), vm("Running", 3)], "hv01", timeout=90.0)

    def stop(number: int) -> Step:
        call = Call("Stop-VM", {"VM": Ref("vms", where={"Id": f"id{number}"})})
        return Step(f"stop_{number - 1}", call, on_error="continue", group="stop", timeout=90.0)

    after = states_step("after", "id1", "id3")
    assert plan.batch == Batch((states_step("vms", "id1", "id3"), stop(1), stop(3), after))
    assert (plan.verb, plan.after, plan.look) == ("vm stop", "after", Batch((after,)))
    assert [part.steps for part in plan.parts] == [("stop_0",), (), ("stop_2",)]
    assert plan.parts[0].messages == {"stop_0": "'web1' was not shut down"}


def test_nothing_to_do_is_nothing_to_send():
    plan = plan_power(START, [vm("Running")], "hv01")
    assert plan.batch == Batch(())
    assert plan.look is None


@pytest.mark.parametrize(
    ("verb", "parameters"),
    [
        (START, {}),
        (STOP, {}),
        (TURN_OFF, {"TurnOff": True, "Force": True}),
        (SAVE, {}),
        (SUSPEND, {}),
        (RESET, {"Force": True}),
    ],
)
def test_what_the_cmdlet_gets(verb, parameters):
    state = "Off" if verb is START else "Running"
    (step,) = [step for step in plan_power(verb, [vm(state)], "hv01").batch.steps if step.changes]
    assert step.call.parameters == {"VM": Ref("vms", where={"Id": "id1"}), **parameters}


@pytest.mark.parametrize(("verb", "together"), [(STOP, True), (TURN_OFF, True), (SAVE, True), (START, False)])
def test_what_takes_time_is_done_side_by_side(verb, together):
    states = ["Off", "Off"] if verb is START else ["Running", "Running"]
    steps = plan_power(verb, [vm(state, n) for n, state in enumerate(states)], "hv01").batch.steps
    assert [step.group is not None for step in steps if step.changes] == [together, together]


def test_restart_starts_only_what_went_down():
    plan = plan_restart([vm("Running", 1), vm("Off", 2), vm("Running", 3)], "hv01", timeout=60.0)

    def stop(number: int) -> Step:
        call = Call("Stop-VM", {"VM": Ref("vms", where={"Id": f"id{number}"})})
        return Step(f"stop_{number - 1}", call, on_error="continue", group="restart", timeout=60.0)

    def start(number: int) -> Step:
        call = Call("Start-VM", {"VM": Ref("vms", where={"Id": f"id{number}"})})
        return Step(f"start_{number - 1}", call, on_error="continue", needs=(f"stop_{number - 1}",))

    ids = ("id1", "id3")
    assert plan.batch == Batch(
        (states_step("vms", *ids), stop(1), stop(3), start(1), start(3), states_step("after", *ids))
    )
    assert plan.parts[0].wanted == "Running"
    assert plan.parts[0].messages == {
        "stop_0": "'web1' was not shut down",
        "start_0": "'web1' is off and did not start again",
    }
    assert isinstance(plan.parts[1].failure, ConflictError)


@pytest.mark.parametrize("state", ["Off", "Saved", "Paused", "Starting", "SomethingNew"])
def test_restart_needs_a_running_guest(state):
    (part,) = plan_restart([vm(state)], "hv01").parts
    assert isinstance(part.failure, ConflictError)
    assert "restart is not possible" in part.failure.message


@pytest.mark.parametrize(("guests", "deadline"), [(1, 160), (16, 160), (17, 260), (33, 360)])
def test_every_guest_has_its_own_time(guests, deadline):
    vms = [VmState(id=f"id{number}", name=f"web{number}", host="hv01", state="Running") for number in range(guests)]
    assert plan_power(STOP, vms, "hv01", timeout=100).deadline == deadline
    assert plan_restart(vms, "hv01", timeout=100).deadline == deadline + 100
    assert plan_power(SUSPEND, vms, "hv01").deadline is None
