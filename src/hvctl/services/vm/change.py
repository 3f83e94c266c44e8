"""Changing settings and names of virtual machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from hvctl.errors import ConflictError
from hvctl.models.vm import VmChange
from hvctl.powershell.batch import Call, Ref, Step, Value
from hvctl.services.names import folded
from hvctl.services.plan import Part, Plan, checked
from hvctl.services.selection import Stateful
from hvctl.services.vm.power import plain, with_states
from hvctl.services.vm.read import VmSettings
from hvctl.units import format_size

_PARAMETERS = {
    "processors": "ProcessorCount",
    "memory": "MemoryStartupBytes",
    "memory_minimum": "MemoryMinimumBytes",
    "memory_maximum": "MemoryMaximumBytes",
    "notes": "Notes",
    "automatic_start_action": "AutomaticStartAction",
    "automatic_start_delay": "AutomaticStartDelay",
    "automatic_stop_action": "AutomaticStopAction",
    "checkpoint_type": "CheckpointType",
}

_SIZES = {"memory_minimum": "minimum memory", "memory": "startup memory", "memory_maximum": "maximum memory"}

_NEEDS_OFF = {
    "processors": "the number of processors",
    "memory": "startup memory",
    "dynamic_memory": "dynamic memory on or off",
}


def memory_parameters(*, dynamic: bool | None) -> dict[str, Value]:
    """The switch of Set-VM that turns dynamic memory on or off; None leaves it alone."""
    if dynamic is None:
        return {}
    return {"DynamicMemory": True} if dynamic else {"StaticMemory": True}


def plan_set(vms: Sequence[VmSettings], change: VmChange, host: str) -> Plan:
    """Change settings, one Set-VM a virtual machine; what a VM has already is not sent.

    What only an Off machine can change is refused before anything is sent.
    """
    parts: list[Part] = []
    steps: list[Step] = []
    for number, vm in enumerate(vms):
        wanted = _differences(vm, change)
        blocked = [words for name, words in _NEEDS_OFF.items() if name in wanted]
        if not wanted:
            parts.append(Part(vm.id, vm.name, vm.state))
        elif blocked and plain(vm.state) != "Off":
            words = f"'{vm.name}' is {vm.state}; {' and '.join(blocked)} can be changed only while it is off."
            parts.append(checked(vm, host, words, "Shut it down first: hvctl vm stop"))
        elif (misfit := _misfit(vm, wanted)) is not None:
            parts.append(checked(vm, host, f"'{vm.name}': {misfit}.", "Give the other one too."))
        else:
            step = Step(f"set_{number}", Call("Set-VM", _set_parameters(vm, wanted)), on_error="continue")
            steps.append(step)
            messages = {step.id: f"'{vm.name}' was not changed"}
            parts.append(Part(vm.id, vm.name, vm.state, (step.id,), messages=messages))
    return with_states("vm set", parts, steps)


def plan_rename(vm: Stateful, new_name: str, everyone: Iterable[Stateful], host: str) -> Plan:
    """Give a virtual machine another name.

    Raises:
        ConflictError: Another one has that name; Hyper-V itself would allow it.
    """
    for other in everyone:
        if folded(other.name) == folded(new_name) and other.id != vm.id:
            raise ConflictError(
                f"Another virtual machine on {host} is called '{other.name}'.", host=host, object_name=other.name
            )
    if vm.name == new_name:
        return with_states("vm rename", [Part(vm.id, vm.name, vm.state)], [])
    call = Call("Rename-VM", {"VM": Ref("vms", where={"Id": vm.id}), "NewName": new_name})
    messages = {"rename": f"'{vm.name}' was not renamed"}
    part = Part(vm.id, vm.name, vm.state, ("rename",), messages=messages, new_name=new_name)
    return with_states("vm rename", [part], [Step("rename", call, on_error="continue")])


def _differences(vm: VmSettings, change: VmChange) -> dict[str, Value]:
    asked = {name: value for name, value in change if value is not None}
    wants_dynamic = change.dynamic_memory is None and (change.memory_minimum or change.memory_maximum)
    if wants_dynamic:
        asked["dynamic_memory"] = True
    return {name: value for name, value in asked.items() if getattr(vm, name) != value}


def _misfit(vm: VmSettings, wanted: Mapping[str, Any]) -> str | None:
    """Which sizes of dynamic memory would contradict each other, with those that stay as they are."""
    if not wanted.get("dynamic_memory", vm.dynamic_memory) or not wanted.keys() & {"dynamic_memory", *_SIZES}:
        return None
    sizes = [(words, wanted.get(name, getattr(vm, name))) for name, words in _SIZES.items()]
    for (lower, small), (upper, large) in pairwise((words, size) for words, size in sizes if size is not None):
        if small > large:
            return f"its {lower} of {format_size(small)} would exceed its {upper} of {format_size(large)}"
    return None


def _set_parameters(vm: VmSettings, wanted: dict[str, Value]) -> dict[str, Value]:
    parameters: dict[str, Value] = {"VM": Ref("vms", where={"Id": vm.id})}
    dynamic = wanted.get("dynamic_memory")
    parameters |= memory_parameters(dynamic=None if dynamic is None else bool(dynamic))
    parameters |= {_PARAMETERS[name]: value for name, value in wanted.items() if name in _PARAMETERS}
    return parameters
