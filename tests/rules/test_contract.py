"""Every call that a service can make, held against the published reference of every Windows version."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.support.plans import (
    DISK_FOLDER,
    FIELD_VALUES,
    HOST,
    PLANS,
    calls,
    specs,
    switch_creates,
    vm_changes,
    vm_creates,
    whole_vm_create,
)

import hvctl.services
from hvctl.lab.reference import EVERY_VERSION, Facts, Parameter, load
from hvctl.models.switch import SwitchCreate
from hvctl.models.vm import VmChange, VmCreate, VmRename
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.powershell.cmdlets import CMDLETS, STORAGE
from hvctl.powershell.protocol import encode_step
from hvctl.services.switch import plan_create as plan_create_switch
from hvctl.services.vm.change import plan_rename, plan_set
from hvctl.services.vm.create import plan_create
from hvctl.services.vm.read import VmSettings, VmState

pytestmark = pytest.mark.contract

OBJECTS: Mapping[str, tuple[str, ...]] = {
    "VirtualMachine": ("Get-VM", "New-VM"),
    "CimInstance": (
        "Get-CimInstance",
        *(name for name, cmdlet in CMDLETS.items() if cmdlet.module == STORAGE),
    ),
    "VMCompatibilityReport": ("Compare-VM",),
    "VMSnapshot": ("Get-VMSnapshot",),
    "VMSwitch": ("Get-VMSwitch", "New-VMSwitch"),
    "VMNetworkAdapter": ("Get-VMNetworkAdapter",),
    "VMNetworkAdapterBase": ("Get-VMNetworkAdapter",),
    "DvdDrive": ("Get-VMDvdDrive", "Add-VMDvdDrive"),
    "HardDiskDrive": ("Get-VMHardDiskDrive", "Add-VMHardDiskDrive"),
    "VMComponentObject": ("Add-VMDvdDrive", "Add-VMHardDiskDrive", "Get-VMDvdDrive", "Get-VMNetworkAdapter"),
}
"""Which cmdlets return what a parameter of that type takes."""

PROPERTIES: Mapping[str, str] = {
    "FullName": "String",
    "Id": "Guid",
    "Path": "String",
    "VM": "VirtualMachine",
    "UniqueId": "String",
}
"""The type of a property that a call takes over."""

BYTES = {"Int16": 2, "UInt16": 2, "Int32": 4, "UInt32": 4, "Int64": 8, "UInt64": 8}


def problems(batch: Batch, windows: str) -> Iterator[str]:
    """What the reference has against a batch."""
    returned = {step.id: step.call for step in batch.steps}
    for call in calls(batch):
        facts = load(call.cmdlet, windows)
        if facts is None:
            yield f"{call.cmdlet} is not in Windows Server {windows}"
            continue
        yield from (f"{call.cmdlet}: {problem}" for problem in _problems_of(call, facts, returned))


def _problems_of(call: Call, facts: Facts, returned: Mapping[str, Call]) -> Iterator[str]:
    given_ = dict(call.parameters)
    for common in ("Confirm", "WhatIf"):
        if common in given_ and not facts.supports_should_process:
            yield f"has no -{common}"
        given_.pop(common, None)
    unknown = given_.keys() - facts.parameters.keys()
    if unknown:
        yield f"has no parameter {sorted(unknown)}"
        return
    known = [facts.parameters[name] for name in given_]
    if not _resolves(known, facts):
        yield f"no parameter set takes {sorted(given_)}"
    for parameter in known:
        if not _fits(given_[parameter.name], parameter, returned):
            yield f"-{parameter.name} ({parameter.type}) does not take {given_[parameter.name]!r}"


def _resolves(known: list[Parameter], facts: Facts) -> bool:
    """Whether exactly one set, or the default one among several, has these parameters and needs no other."""
    given_names = {parameter.name for parameter in known}
    fitting = [
        each
        for each in facts.sets or ("__AllParameterSets",)
        if all(parameter.everywhere or each in parameter.sets for parameter in known)
        and all(p.name in given_names for p in facts.parameters.values() if each in p.mandatory)
    ]
    return len(fitting) == 1 or facts.default_set in fitting


def _fits(value: Any, parameter: Parameter, returned: Mapping[str, Call]) -> bool:
    if isinstance(value, tuple):
        return parameter.is_array and bool(value) and all(_fits(item, parameter, returned) for item in value)
    if isinstance(value, Ref):
        return _ref_fits(value, parameter, returned)
    if parameter.values:
        return str(value) in parameter.values
    simple = _SIMPLE.get(parameter.element)
    return _fits_number(value, parameter.element) if simple is None else simple(value)


_SIMPLE: Mapping[str, Callable[[Any], bool]] = {
    "SwitchParameter": lambda value: isinstance(value, bool),
    "Boolean": lambda value: isinstance(value, bool),
    "String": lambda value: isinstance(value, str),
    "Char": lambda value: isinstance(value, str) and len(value) == 1,
    "IDictionary": lambda value: isinstance(value, Mapping),
}


def _fits_number(value: Any, element: str) -> bool:
    signed = not element.startswith("U")
    limit = 1 << (8 * BYTES[element] - signed)
    return isinstance(value, int) and not isinstance(value, bool) and -limit * signed <= value < limit


def _ref_fits(ref: Ref, parameter: Parameter, returned: Mapping[str, Call]) -> bool:
    if ref.all and not parameter.is_array:
        return False
    if ref.property is not None:
        return PROPERTIES[ref.property] == parameter.element
    return returned[ref.step].cmdlet in OBJECTS[parameter.element]


def has_problems(batch: Batch) -> list[str]:
    return [f"{windows}: {problem}" for windows in EVERY_VERSION for problem in problems(batch, windows)]


def test_the_judge_refuses_what_the_reference_refuses():
    """A judge that lets everything pass would prove nothing."""
    vm = Ref("vms")
    wrong = [
        Call("Start-VM", {"VM": vm, "Force": True}),
        Call("Start-VM", {}),
        Call("Start-VM", {"VM": vm, "Name": "x"}),
        Call("Get-VM", {"Confirm": False}),
        Call("Set-VM", {"VM": vm, "CheckpointType": "Never"}),
        Call("Set-VM", {"VM": vm, "ProcessorCount": "4"}),
        Call("Set-VM", {"VM": vm, "ProcessorCount": 1 << 63}),
        Call("Set-VM", {"VM": vm, "StaticMemory": "true"}),
        Call("Set-VMFirmware", {"VM": vm, "FirstBootDevice": vm}),
        Call("Remove-Item", {"LiteralPath": ()}),
        Call("New-VM", {"NoVHD": True, "VHDPath": "x"}),
        Call("Connect-VMNetworkAdapter", {"VMNetworkAdapter": vm, "SwitchName": "lan"}),
    ]
    for call in wrong:
        batch = Batch((Step("vms", Call("Get-VM")), Step("wrong", call)))
        assert len(has_problems(batch)) == len(EVERY_VERSION), call


def test_every_plan_function_is_collected():
    found = set()
    for module in walk_packages(hvctl.services.__path__, "hvctl.services."):
        imported = import_module(module.name)
        for name, function in inspect.getmembers(imported, inspect.isfunction):
            if name.startswith("plan_") and function.__module__ == module.name:
                found.add(f"{module.name.removeprefix('hvctl.services.')}.{name}")
    assert found == set(PLANS)


@pytest.mark.parametrize("name", PLANS)
def test_every_plan(name):
    """It keeps to the reference, its dry run changes nothing, and it can be sent."""

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(PLANS[name])
    def judge(batch: Batch) -> None:
        assert has_problems(batch) == []
        part = batch.reading()
        assert not part.changes
        assert all(CMDLETS[call.cmdlet].effect == "read" for call in calls(part))
        assert json.loads(json.dumps([encode_step(step) for step in batch.steps], allow_nan=False)) is not None

    judge()


@pytest.mark.parametrize("generation", [1, 2])
def test_a_creation_with_every_option_keeps_to_the_reference(generation):
    for changes in ({}, {"disk": None, "disk_path": None, "attach": r"C:\VMs\old.vhdx"}):
        assert has_problems(plan_create(whole_vm_create(generation, **changes), DISK_FOLDER).batch) == []


def test_every_cmdlet_of_the_allow_list_is_in_the_reference():
    assert [cmdlet for cmdlet in CMDLETS for windows in EVERY_VERSION if load(cmdlet, windows) is None] == []


VM = VmState(id="7cca7664-0000-0000-0000-000000000000", name="base", host=HOST, state="Off")
SETTINGS = VmSettings(
    **VM.model_dump(),
    processors=3,
    memory=1 << 29,
    memory_minimum=1 << 28,
    memory_maximum=1 << 31,
    dynamic_memory=None,
    notes="old",
    automatic_start_action=None,
    automatic_start_delay=7,
    automatic_stop_action=None,
    checkpoint_type=None,
)


def planned(spec: Any) -> Batch:
    match spec:
        case VmCreate():
            return plan_create(spec, DISK_FOLDER).batch
        case VmChange():
            return plan_set([SETTINGS], spec, HOST).batch
        case VmRename():
            return plan_rename(VM, spec.new_name, [], HOST).batch
    return plan_create_switch(spec)


@pytest.mark.parametrize("model", FIELD_VALUES, ids=lambda model: model.__name__)
def test_every_field_of_a_spec_has_values(model):
    assert set(FIELD_VALUES[model]) == set(model.model_fields)


@pytest.mark.parametrize("model", FIELD_VALUES, ids=lambda model: model.__name__)
def test_every_value_of_every_field_keeps_to_the_reference(model):
    for field, spec in specs(model):
        assert has_problems(planned(spec)) == [], field


@pytest.mark.parametrize("model", FIELD_VALUES, ids=lambda model: model.__name__)
def test_every_field_of_a_spec_reaches_a_plan(model):
    """Two specs that differ in one field make two batches."""
    made: dict[str, set[str]] = {}
    for field, spec in specs(model):
        made.setdefault(field, set()).add(repr(planned(spec)))
    silent = [field for field, values in FIELD_VALUES[model].items() if len(made[field]) < len(values)]
    assert silent == []


@pytest.mark.parametrize(
    ("strategy", "model"),
    [(vm_creates(), VmCreate), (vm_changes(), VmChange), (switch_creates(), SwitchCreate)],
    ids=["VmCreate", "VmChange", "SwitchCreate"],
)
def test_the_strategies_reach_every_field(strategy, model):
    """What Hypothesis draws sets each field at some time, and leaves out each that may be left out."""
    drawn: list[Any] = []

    @settings(max_examples=80, deadline=None, derandomize=True, database=None)
    @given(strategy)
    def draw(spec: Any) -> None:
        drawn.append(spec)

    draw()
    for name, field in model.model_fields.items():
        values = {getattr(spec, name) for spec in drawn}
        assert values - {None}, name
        assert len(values) > 1, name
        assert field.default is not None or None in values, name
