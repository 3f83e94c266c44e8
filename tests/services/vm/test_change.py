"""Changing settings and names: only what differs is sent, and only what is allowed."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from tests.support.plans import vm_changes, vm_settings

from hvctl.errors import ConflictError
from hvctl.models.vm import MIB, STATES, VmChange
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.services.vm.change import plan_rename, plan_set
from hvctl.services.vm.read import VmSettings, VmState

pytestmark = pytest.mark.unit

VM = Ref("vms", where={"Id": "id1"})


def vm(state: str = "Off", number: int = 1, **changes) -> VmSettings:
    fields = {
        "id": f"id{number}",
        "name": f"web{number}",
        "host": "hv01",
        "state": state,
        "processors": 2,
        "memory": 1024 * MIB,
        "memory_minimum": 512 * MIB,
        "memory_maximum": 2048 * MIB,
        "dynamic_memory": True,
        "notes": "old",
        "automatic_start_action": "StartIfRunning",
        "automatic_start_delay": 0.0,
        "automatic_stop_action": "Save",
        "checkpoint_type": "Production",
    }
    return VmSettings.model_validate(fields | changes)


def sent(machine: VmSettings, **changes) -> dict | None:
    """The parameters of the one Set-VM, or None where nothing is sent."""
    plan = plan_set([machine], VmChange.model_validate(changes), "hv01")
    calls = [step.call for step in plan.batch.steps if step.changes]
    if not calls:
        return None
    (call,) = calls
    assert call.cmdlet == "Set-VM"
    assert call.parameters["VM"] == VM
    return {name: value for name, value in call.parameters.items() if name != "VM"}


@pytest.mark.parametrize(
    ("changes", "parameters"),
    [
        ({"processors": 4}, {"ProcessorCount": 4}),
        ({"memory": 768 * MIB}, {"MemoryStartupBytes": 768 * MIB}),
        ({"memory_minimum": 256 * MIB}, {"MemoryMinimumBytes": 256 * MIB}),
        ({"memory_maximum": 4096 * MIB}, {"MemoryMaximumBytes": 4096 * MIB}),
        ({"dynamic_memory": False}, {"StaticMemory": True}),
        ({"notes": ""}, {"Notes": ""}),
        ({"notes": "it's"}, {"Notes": "it's"}),
        ({"automatic_start_action": "Nothing"}, {"AutomaticStartAction": "Nothing"}),
        ({"automatic_start_delay": 30}, {"AutomaticStartDelay": 30}),
        ({"automatic_stop_action": "ShutDown"}, {"AutomaticStopAction": "ShutDown"}),
        ({"checkpoint_type": "Disabled"}, {"CheckpointType": "Disabled"}),
        ({"processors": 4, "notes": "old"}, {"ProcessorCount": 4}),
    ],
)
def test_what_is_sent(changes, parameters):
    assert sent(vm(), **changes) == parameters


@pytest.mark.parametrize(
    "changes",
    [
        {"processors": 2},
        {"notes": "old"},
        {"memory": 1024 * MIB, "dynamic_memory": True},
        {"memory_minimum": 512 * MIB},
        {"automatic_start_delay": 0},
    ],
)
def test_what_is_so_already_is_not_sent(changes):
    assert sent(vm("Running"), **changes) is None


def test_limits_turn_dynamic_memory_on():
    assert sent(vm(dynamic_memory=False), memory_maximum=4096 * MIB) == {
        "DynamicMemory": True,
        "MemoryMaximumBytes": 4096 * MIB,
    }


def test_the_whole_batch():
    machines = [vm("Running", 1), vm("Off", 2, notes="new"), vm("Off", 3)]
    plan = plan_set(machines, VmChange(notes="new"), "hv01")
    ids = ("id1", "id3")

    def change(number: int) -> Step:
        call = Call("Set-VM", {"VM": Ref("vms", where={"Id": f"id{number}"}), "Notes": "new"})
        return Step(f"set_{number - 1}", call, on_error="continue")

    read = {"call": Call("Get-VM"), "select": ("Id", "Name", "State"), "where": {"Id": ids}}
    assert plan.batch == Batch((Step("vms", **read), change(1), change(3), Step("after", **read)))
    assert [part.steps for part in plan.parts] == [("set_0",), (), ("set_2",)]
    assert plan.parts[0].messages == {"set_0": "'web1' was not changed"}
    assert {part.wanted for part in plan.parts} == {None}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"processors": 4}, "the number of processors"),
        ({"memory": 768 * MIB}, "startup memory"),
        ({"dynamic_memory": False}, "dynamic memory on or off"),
        ({"processors": 4, "memory": 768 * MIB}, "the number of processors and startup memory"),
    ],
)
@pytest.mark.parametrize("state", [state for state in STATES if state not in ("Off", "OffCritical")])
def test_what_only_an_off_machine_can_change(state, changes, words):
    plan = plan_set([vm(state)], VmChange.model_validate(changes), "hv01")
    failure = plan.parts[0].failure
    assert plan.batch == Batch(())
    assert isinstance(failure, ConflictError)
    assert failure.message == f"'web1' is {state}; {words} can be changed only while it is off."
    assert failure.hint == "Shut it down first: hvctl vm stop"


def test_a_limit_may_turn_on_what_a_running_machine_cannot():
    plan = plan_set([vm("Running", dynamic_memory=False)], VmChange(memory_maximum=4096 * MIB), "hv01")
    assert "dynamic memory on or off" in str(plan.parts[0].failure)


def test_a_running_machine_takes_the_rest():
    parameters = sent(vm("Running"), notes="new", checkpoint_type="Standard", memory_maximum=4096 * MIB)
    assert parameters == {"Notes": "new", "CheckpointType": "Standard", "MemoryMaximumBytes": 4096 * MIB}


@pytest.mark.parametrize(
    ("machine", "changes", "words"),
    [
        (
            vm(),
            {"memory": 256 * MIB},
            "'web1': its minimum memory of 512 MiB would exceed its startup memory of 256 MiB.",
        ),
        (
            vm(),
            {"memory": 4096 * MIB},
            "'web1': its startup memory of 4 GiB would exceed its maximum memory of 2 GiB.",
        ),
        (
            vm(dynamic_memory=False, memory=256 * MIB),
            {"dynamic_memory": True},
            "'web1': its minimum memory of 512 MiB would exceed its startup memory of 256 MiB.",
        ),
    ],
)
def test_sizes_that_would_contradict_each_other(machine, changes, words):
    plan = plan_set([machine], VmChange.model_validate(changes), "hv01")
    failure = plan.parts[0].failure
    assert isinstance(failure, ConflictError)
    assert failure.message == words
    assert failure.hint
    assert plan.batch == Batch(())


@pytest.mark.parametrize(
    ("machine", "changes"),
    [
        (vm(dynamic_memory=False), {"memory": 256 * MIB}),
        (vm(memory_minimum=None), {"memory": 256 * MIB}),
        (vm(), {"memory": 256 * MIB, "memory_minimum": 256 * MIB}),
        (vm(memory=256 * MIB), {"notes": "contradictory already, and not touched"}),
    ],
)
def test_sizes_that_are_left_to_the_host(machine, changes):
    assert sent(machine, **changes)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(vm_settings(), vm_changes())
def test_a_machine_is_changed_refused_or_left_alone(machine, change):
    (part,) = plan_set([machine], change, "hv01").parts
    asked = {name for name, value in change if value is not None}
    differs = {name for name in asked if getattr(machine, name) != getattr(change, name)}
    if not differs:
        assert part.failure is None
    assert not (part.steps and part.failure)


def state(name: str, number: int) -> VmState:
    return VmState(id=f"id{number}", name=name, host="hv01", state="Running")


def test_a_new_name():
    machine = state("web1", 1)
    plan = plan_rename(machine, "web2", [machine, state("db", 2)], "hv01")
    read = {"call": Call("Get-VM"), "select": ("Id", "Name", "State"), "where": {"Id": ("id1",)}}
    rename = Step("rename", Call("Rename-VM", {"VM": VM, "NewName": "web2"}), on_error="continue")
    assert plan.batch == Batch((Step("vms", **read), rename, Step("after", **read)))
    assert (plan.parts[0].name, plan.parts[0].new_name) == ("web1", "web2")


def test_the_name_it_has_already():
    machine = state("web1", 1)
    assert plan_rename(machine, "web1", [machine], "hv01").batch == Batch(())


def test_only_the_case_of_a_name():
    machine = state("web1", 1)
    assert plan_rename(machine, "WEB1", [machine], "hv01").parts[0].steps == ("rename",)


@pytest.mark.parametrize("taken", ["web2", "WEB2"])
def test_a_name_that_another_one_has(taken):
    machine = state("web1", 1)
    with pytest.raises(ConflictError, match=f"Another virtual machine on hv01 is called '{taken}'"):
        plan_rename(machine, "web2", [machine, state(taken, 2)], "hv01")
