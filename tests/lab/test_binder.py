from __future__ import annotations

from typing import Any

import pytest

from hvctl.lab import binder, reference
from hvctl.lab.conversion import Tagged
from hvctl.lab.live import Kind, Live

pytestmark = pytest.mark.contract


def an_object(kind: str, *bases: str) -> Any:
    return Live(None, Kind(kind, {}, str, lambda _world, entity: entity, bases), kind)  # type: ignore[arg-type]


VM, SWITCH, NIC = an_object("VirtualMachine"), an_object("VMSwitch"), an_object("VMNetworkAdapter", "VMComponentObject")


def bind(cmdlet: str, windows: str = "2025", **parameters: Any) -> binder.Bound:
    facts = reference.load(cmdlet, windows)
    assert facts is not None
    return binder.bind(facts, parameters)


def refused(cmdlet: str, windows: str = "2025", **parameters: Any) -> str:
    with pytest.raises(binder.BindError) as caught:
        bind(cmdlet, windows, **parameters)
    # Which of the two it is depends on whether .NET has a text to say why.
    return caught.value.error_id.removesuffix("NoMessage")


@pytest.mark.parametrize(
    ("cmdlet", "parameters", "parameter_set"),
    [
        ("Get-VM", {}, "Name"),
        ("Get-VM", {"Id": "c4a2a2d3-1b5e-4a57-8a52-2f6f1c1d3f11"}, "Id"),
        ("Start-VM", {"VM": [VM]}, "VMObject"),
        ("Start-VM", {"Name": "web1", "Passthru": True}, "Name"),
        ("New-VM", {"Name": "x"}, "No VHD"),
        ("New-VM", {"VHDPath": r"C:\x.vhdx"}, "Existing VHD"),
        ("New-VHD", {"Path": "x", "SizeBytes": 5}, "DynamicWithoutSource"),
        ("New-VHD", {"Path": "x", "SizeBytes": 5, "Fixed": True}, "FixedWithoutSource"),
        ("New-VHD", {"Path": "x", "ParentPath": "y"}, "Differencing"),
        ("New-VMSwitch", {"Name": "x", "SwitchType": "Private"}, "SwitchType"),
        ("Restart-VM", {"Name": "x", "Force": True}, "Name"),
        ("Restart-VM", {"Name": "x", "Wait": True}, "NameWait"),
        ("Test-Path", {"LiteralPath": "x"}, "LiteralPath"),
        ("Set-VMFirmware", {"VM": VM, "FirstBootDevice": NIC}, "VMObject"),
    ],
)
def test_the_set_is_chosen(cmdlet: str, parameters: dict[str, Any], parameter_set: str) -> None:
    assert bind(cmdlet, **parameters).parameter_set == parameter_set


@pytest.mark.parametrize(
    ("cmdlet", "parameters", "error_id"),
    [
        ("Start-VM", {"Id": "x"}, "NamedParameterNotFound"),
        ("Get-VM", {"Confirm": False}, "NamedParameterNotFound"),
        ("Start-VM", {"Force": True, "Name": "x"}, "NamedParameterNotFound"),
        ("Start-VM", {}, "MissingMandatoryParameter"),
        ("Rename-VM", {"Name": "x"}, "MissingMandatoryParameter"),
        ("New-VMSwitch", {"Name": "x"}, "MissingMandatoryParameter"),
        ("Start-VM", {"Name": "x", "VM": VM}, "AmbiguousParameterSet"),
        ("New-VHD", {"Path": "x", "SourceDisk": 1}, "AmbiguousParameterSet"),
        ("Set-VM", {"Name": "x", "Memory": 5}, "AmbiguousParameter"),
        ("Start-VM", {"Name": "x", "VMName": "y"}, "ParameterAlreadyBound"),
        ("Start-VM", {"Name": ""}, "ParameterArgumentValidationErrorEmptyStringNotAllowed"),
        ("Start-VM", {"Name": ["x", ""]}, "ParameterArgumentValidationErrorEmptyStringNotAllowed"),
        ("Start-VM", {"Name": None}, "ParameterArgumentValidationErrorNullNotAllowed"),
        ("Start-VM", {"VM": [VM, None]}, "ParameterArgumentValidationErrorNullNotAllowed"),
        ("Start-VM", {"Name": []}, "ParameterArgumentValidationErrorEmptyArrayNotAllowed"),
        ("Start-VM", {"VM": SWITCH}, "CannotConvertArgument"),
        ("Start-VM", {"VM": "web1"}, "CannotConvertArgument"),
        ("New-VM", {"Generation": 3}, "ParameterArgumentValidationError"),
        ("New-VMSwitch", {"Name": "x", "SwitchType": "External"}, "ParameterArgumentValidationError"),
        ("New-VMSwitch", {"Name": "x", "SwitchType": "Purple"}, "CannotConvertArgument"),
        ("New-VHD", {"Path": "x", "SizeBytes": -1}, "CannotConvertArgument"),
        ("Start-VM", {"Name": "x", "Passthru": "false"}, "CannotConvertArgument"),
        ("Start-VM", {"Name": "x", "Confirm": "no"}, "CannotConvertArgument"),
        ("Start-VM", {"Name": "x", "ErrorAction": "Purple"}, "CannotConvertArgument"),
    ],
)
def test_a_call_is_refused(cmdlet: str, parameters: dict[str, Any], error_id: str) -> None:
    assert refused(cmdlet, **parameters) == error_id


@pytest.mark.parametrize("name", ["Name", "name", "NAME", "Nam", "VMName", "vmn"])
def test_names_match_by_case_prefix_and_alias(name: str) -> None:
    assert bind("Start-VM", **{name: "web1"}).values == {"Name": ["web1"]}


def test_conversion_comes_before_unknown_names_and_those_before_missing_ones() -> None:
    assert refused("New-VHD", SizeBytes="x", Zzz=1) == "CannotConvertArgument"
    assert refused("New-VHD", SizeBytes=5, Zzz=1) == "NamedParameterNotFound"
    assert refused("New-VHD", SizeBytes=5) == "MissingMandatoryParameter"


def test_parameters_of_a_newer_windows_are_unknown_to_an_older_one() -> None:
    assert bind("New-VM", GuestStateIsolationType="VBS").values == {"GuestStateIsolationType": "VBS"}
    assert refused("New-VM", "2022", GuestStateIsolationType="VBS") == "NamedParameterNotFound"


@pytest.mark.parametrize(
    ("cmdlet", "name", "given", "value"),
    [
        ("New-VHD", "SizeBytes", "10GB", 10 << 30),
        ("New-VHD", "SizeBytes", "1e3", 1000),
        ("New-VHD", "SizeBytes", 2.5, 2),
        ("New-VHD", "SizeBytes", "0x10", 16),
        ("New-VM", "MemoryStartupBytes", None, None),
        ("New-VM", "Name", 5, "5"),
        ("New-VM", "Name", "a,b", "a,b"),
        ("New-VM", "Version", "9.0", "9.0"),
        ("New-VM", "BootDevice", "cd", "CD"),
        ("Set-VM", "AutomaticStartAction", "No", "Nothing"),
        ("Set-VM", "AutomaticStartAction", 4, "Start"),
        ("Set-VM", "AutomaticCheckpointsEnabled", 1, True),
        ("Set-VM", "Notes", True, "True"),
        ("Set-VMBios", "StartupOrder", ["cd", "IDE"], ["CD", "IDE"]),
        ("Set-VMBios", "StartupOrder", "floppy", ["Floppy"]),
        ("Get-VM", "Id", "{C4A2A2D3-1B5E-4A57-8A52-2F6F1C1D3F11}", "c4a2a2d3-1b5e-4a57-8a52-2f6f1c1d3f11"),
        ("Get-VM", "ComputerName", "x", ["x"]),
        ("Start-VM", "Passthru", False, False),
    ],
)
def test_values_become_the_parameter_s_type(cmdlet: str, name: str, given: Any, value: Any) -> None:
    others: dict[str, Any] = {"New-VHD": {"Path": "x"}, "Set-VMBios": {"VMName": "x"}}.get(cmdlet, {})
    others = others or ({"Name": "x"} if cmdlet in ("Set-VM", "Start-VM") else {})
    assert bind(cmdlet, **others, **{name: given}).values[name] == value


@pytest.mark.parametrize(
    "value",
    ["a", "1.2.3", "5x", "- 5", "1 000", 1 << 64, [1], VM, Tagged("TimeSpan", 5), "1e400", "٣"],
)
def test_what_is_no_number(value: Any) -> None:
    assert refused("New-VHD", Path="x", SizeBytes=value) == "CannotConvertArgument"


def test_a_text_that_looks_like_a_command_is_a_text() -> None:
    name = "'; Remove-VM * -Force #$(1)`n\u2019\x1e"
    assert bind("Rename-VM", Name="x", NewName=name).values["NewName"] == name


def test_the_error_record_is_the_binder_s() -> None:
    with pytest.raises(binder.BindError) as caught:
        bind("Start-VM", Name="x", Zzz=1)
    assert caught.value.category == "InvalidArgument"
    assert caught.value.exception == "System.Management.Automation.ParameterBindingException"
    assert caught.value.message == "A parameter cannot be found that matches parameter name 'Zzz'."
    with pytest.raises(binder.BindError) as caught:
        bind("Start-VM", Name="")
    assert caught.value.category == "InvalidData"
    assert caught.value.exception == "System.Management.Automation.ParameterBindingValidationException"
