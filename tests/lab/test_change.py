from __future__ import annotations

from typing import Any

import pytest
from tests.support.simulated import GIB, CallFailed, SimulatedHost

from hvctl.lab import seeds

pytestmark = pytest.mark.lab
MIB = 1 << 20


@pytest.fixture
def vm(lab: SimulatedHost) -> SimulatedHost:
    lab.new_vm()
    return lab


def refused(lab: SimulatedHost, cmdlet: str, **parameters: Any) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        lab.call(cmdlet, **parameters)
    return caught.value


@pytest.mark.parametrize(
    ("parameter", "value", "property_name"),
    [
        ("ProcessorCount", 4, "ProcessorCount"),
        ("Notes", "Zürich; 'x' $(y)\n", "Notes"),
        ("AutomaticStartAction", "Nothing", "AutomaticStartAction"),
        ("AutomaticStartDelay", 30, "AutomaticStartDelay"),
        ("AutomaticStopAction", "ShutDown", "AutomaticStopAction"),
        ("CheckpointType", "Disabled", "CheckpointType"),
        ("AutomaticCheckpointsEnabled", True, "AutomaticCheckpointsEnabled"),
        ("MemoryStartupBytes", 3 * GIB, "MemoryStartup"),
        ("NewVMName", "web2", "Name"),
        ("SnapshotFileLocation", r"C:\Snap", "SnapshotFileLocation"),
    ],
)
def test_set_vm(vm: SimulatedHost, parameter: str, value: Any, property_name: str) -> None:
    assert vm.call("Set-VM", Name="web1", Passthru=True, select=[property_name], **{parameter: value}) == [
        {property_name: value}
    ]


@pytest.mark.parametrize(
    "parameters",
    [{"ProcessorCount": 2}, {"MemoryStartupBytes": 2 * GIB}, {"DynamicMemory": True}, {"MemoryMinimumBytes": GIB}],
)
def test_what_needs_an_off_vm(vm: SimulatedHost, parameters: dict[str, Any]) -> None:
    vm.call("Start-VM", Name="web1")
    error = refused(vm, "Set-VM", Name="web1", Notes="x", **parameters)
    assert (error.id, error.category) == ("InvalidState", "InvalidOperation")
    assert vm.value("Get-VM", "Notes", Name="web1") == ""


def test_a_running_vm_takes_other_limits_of_its_dynamic_memory(vm: SimulatedHost) -> None:
    limits = {"MemoryMinimumBytes": GIB // 2, "MemoryMaximumBytes": 2 * GIB}
    vm.call("Set-VM", Name="web1", DynamicMemory=True, **limits)
    vm.call("Start-VM", Name="web1")
    vm.call("Set-VM", Name="web1", MemoryMaximumBytes=4 * GIB, MemoryMinimumBytes=256 * MIB)
    assert refused(vm, "Set-VM", Name="web1", MemoryMaximumBytes=GIB).id == "InvalidState"
    assert vm.value("Get-VM", "MemoryMaximum", Name="web1") == 4 * GIB


@pytest.mark.parametrize(
    ("parameters", "error_id"),
    [
        ({"MemoryStartupBytes": GIB + MIB}, "InvalidParameter"),
        ({"MemoryStartupBytes": 30 * MIB}, "InvalidParameter"),
        ({"DynamicMemory": True, "MemoryMinimumBytes": 2 * GIB}, "InvalidParameter"),
        ({"DynamicMemory": True, "MemoryMaximumBytes": GIB // 2}, "InvalidParameter"),
        ({"DynamicMemory": True, "StaticMemory": True}, "InvalidParameter"),
        ({"StaticMemory": True, "MemoryMinimumBytes": GIB}, "InvalidParameter"),
        ({"ProcessorCount": 17}, "InvalidParameter"),
        ({"ProcessorCount": 0}, "InvalidParameter"),
        ({"NewVMName": "x" * 101}, "InvalidParameter"),
    ],
)
def test_what_set_vm_refuses(vm: SimulatedHost, parameters: dict[str, Any], error_id: str) -> None:
    assert refused(vm, "Set-VM", Name="web1", **parameters).id == error_id
    assert vm.value("Get-VM", "MemoryStartup", Name="web1") == GIB


def test_startup_memory_may_fall_outside_the_limits_that_are_set(vm: SimulatedHost) -> None:
    vm.call("Set-VM", Name="web1", DynamicMemory=True, MemoryMaximumBytes=2 * GIB)
    assert refused(vm, "Set-VM", Name="web1", MemoryStartupBytes=3 * GIB).id == "InvalidParameter"
    vm.call("Set-VM", Name="web1", MemoryStartupBytes=3 * GIB, MemoryMaximumBytes=3 * GIB)


def test_generation_1_has_at_most_64_processors_and_a_host_as_many_as_it_has(lab: SimulatedHost) -> None:
    lab.new_vm("one", Generation=1)
    assert refused(lab, "Set-VM", Name="one", ProcessorCount=65).id == "InvalidParameter"
    lab.call("Set-VM", Name="one", ProcessorCount=16)


def test_rename(vm: SimulatedHost) -> None:
    vm.call("Rename-VM", Name="web1", NewName="web[1]")
    assert vm.names() == ["web[1]"]
    assert refused(vm, "Rename-VM", Name="web1", NewName="x").id == "ObjectNotFound"


def test_a_null_value_leaves_the_setting_alone(vm: SimulatedHost) -> None:
    vm.call("Set-VM", Name="web1", AutomaticStartAction=None, MemoryStartupBytes=None)
    assert vm.value("Get-VM", "MemoryStartup", Name="web1") == GIB


def test_an_old_windows_allows_less_memory(lab: SimulatedHost) -> None:
    seeds.reset(lab.path, windows="2019")
    lab.new_vm()
    assert refused(lab, "Set-VM", Name="web1", MemoryStartupBytes=13 << 40).id == "InvalidParameter"
    lab.call("Set-VM", Name="web1", MemoryStartupBytes=12 << 40)
