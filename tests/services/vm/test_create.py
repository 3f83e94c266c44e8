"""The batch that creates a virtual machine, compared as data."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.support.plans import DISK_FOLDER, calls, vm_creates, whole_vm_create

from hvctl.models.vm import MIB, VirtualMachine, VmCreate
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.powershell.cmdlets import CMDLETS
from hvctl.services.vm.create import disk_path, file_name, plan_create, plan_look

pytestmark = pytest.mark.unit

VM = Ref("vm")
DETAILS = Ref("details", all=True)
TAIL = (
    Step(
        "details",
        Call("Get-VM", {"Id": Ref("vm", property="Id")}),
        select=VirtualMachine.properties(),
        expect="one",
    ),
    Step(
        "adapters",
        Call("Get-VMNetworkAdapter", {"VM": DETAILS}),
        select=(
            "VMId",
            "Id",
            "Name",
            "SwitchName",
            "Connected",
            "MacAddress",
            "DynamicMacAddressEnabled",
            "IsLegacy",
            "IPAddresses",
        ),
        on_error="continue",
    ),
    Step(
        "vlans",
        Call("Get-VMNetworkAdapterVlan", {"VM": DETAILS}),
        select=("ParentAdapter.Id", "OperationMode", "AccessVlanId"),
        on_error="continue",
    ),
    Step(
        "disks",
        Call("Get-VMHardDiskDrive", {"VM": DETAILS}),
        select=("VMId", "ControllerType", "ControllerNumber", "ControllerLocation", "Path"),
        on_error="continue",
    ),
    Step(
        "dvds",
        Call("Get-VMDvdDrive", {"VM": DETAILS}),
        select=("VMId", "ControllerType", "ControllerNumber", "ControllerLocation", "Path"),
        on_error="continue",
    ),
    Step(
        "firmware",
        Call("Get-VMFirmware", {"VM": Ref("details", where={"Generation": "2"}, all=True)}),
        select=("VMId", "SecureBoot", "SecureBootTemplate", "BootOrder.Description", "BootOrder.Device.Path"),
        on_error="continue",
    ),
)


def new_vm(**parameters) -> Step:
    return Step("vm", Call("New-VM", parameters), expect="one", undo=Call("Remove-VM", {"VM": VM, "Force": True}))


def absent(name: str) -> Step:
    return Step("absent", Call("Get-VM"), where={"Name": name}, expect="none")


def batch(**fields) -> Batch:
    return plan_create(VmCreate.model_validate({"name": "web1"} | fields), DISK_FOLDER).batch


def test_the_least_machine():
    assert batch() == Batch(
        (absent("web1"), new_vm(Name="web1", Generation=2, MemoryStartupBytes=1024 * MIB, NoVHD=True), *TAIL)
    )


NEW_DISK = Step(
    "disk",
    Call("New-VHD", {"Path": r"D:\Disks\web1.vhdx", "SizeBytes": 60 << 30, "Dynamic": True}),
    expect="one",
    undo=Call("Remove-Item", {"LiteralPath": Ref("disk", property="Path"), "Force": True}),
)
SETTINGS = {
    "VM": VM,
    "DynamicMemory": True,
    "MemoryMinimumBytes": 512 * MIB,
    "MemoryMaximumBytes": 4096 * MIB,
    "ProcessorCount": 4,
    "Notes": "web server",
}
CHECKS = (
    absent("web1"),
    Step("switch", Call("Get-VMSwitch"), where={"Name": "lan"}, expect="one"),
    Step(
        "iso_file",
        Call("Test-Path", {"LiteralPath": r"C:\ISO\setup.iso", "PathType": "Leaf"}),
        where={".": "True"},
        expect="one",
    ),
)
PATHS = tuple(
    Step(step, Call("Test-Path", {"LiteralPath": path} | kind), where={".": "True"}, expect=expect)
    for step, path, kind, expect in (
        ("root", "D:\\", {"PathType": "Container"}, "one"),
        ("disk_folder", r"D:\Disks", {"PathType": "Container"}, "one"),
        ("disk_free", r"D:\Disks\web1.vhdx", {}, "none"),
    )
)
DRIVE = Step("drive", Call("Add-VMHardDiskDrive", {"VM": VM, "Path": Ref("disk", property="Path"), "Passthru": True}))
NETWORK = (
    Step("adapter", Call("Get-VMNetworkAdapter", {"VM": VM}), expect="one"),
    Step("connect", Call("Connect-VMNetworkAdapter", {"VMNetworkAdapter": Ref("adapter"), "VMSwitch": Ref("switch")})),
    Step("vlan", Call("Set-VMNetworkAdapterVlan", {"VMNetworkAdapter": Ref("adapter"), "Access": True, "VlanId": 7})),
)
START = Step("start", Call("Start-VM", {"VM": VM}), undo=Call("Stop-VM", {"VM": VM, "TurnOff": True, "Force": True}))


def test_a_machine_of_generation_2_with_everything():
    firmware = {"VM": VM, "SecureBootTemplate": "MicrosoftUEFICertificateAuthority", "FirstBootDevice": Ref("dvd")}
    assert plan_create(whole_vm_create(2), DISK_FOLDER).batch == Batch(
        (
            *CHECKS,
            *PATHS,
            new_vm(Name="web1", Generation=2, MemoryStartupBytes=2048 * MIB, NoVHD=True, Path=r"D:\VMs"),
            Step("settings", Call("Set-VM", SETTINGS)),
            NEW_DISK,
            DRIVE,
            Step("dvd", Call("Add-VMDvdDrive", {"VM": VM, "Path": r"C:\ISO\setup.iso", "Passthru": True})),
            Step("boot", Call("Set-VMFirmware", firmware)),
            *NETWORK,
            START,
            *TAIL,
        )
    )


def test_a_machine_of_generation_1_with_everything():
    """It has a DVD drive from the start, and boots by kinds of devices."""
    order = ("CD", "IDE", "LegacyNetworkAdapter", "Floppy")
    assert plan_create(whole_vm_create(1), DISK_FOLDER).batch == Batch(
        (
            *CHECKS,
            *PATHS,
            new_vm(Name="web1", Generation=1, MemoryStartupBytes=2048 * MIB, NoVHD=True, Path=r"D:\VMs"),
            Step("settings", Call("Set-VM", SETTINGS)),
            NEW_DISK,
            DRIVE,
            Step("dvd", Call("Get-VMDvdDrive", {"VM": VM}), expect="one"),
            Step("insert", Call("Set-VMDvdDrive", {"VMDvdDrive": Ref("dvd"), "Path": r"C:\ISO\setup.iso"})),
            Step("bios", Call("Set-VMBios", {"VM": VM, "StartupOrder": order})),
            *NETWORK,
            START,
            *TAIL,
        )
    )


def test_a_disk_that_is_there_is_attached_and_boots():
    path = r"C:\VMs\old.vhdx"
    steps = batch(attach=path).steps
    assert steps[1] == Step(
        "attach_file",
        Call("Test-Path", {"LiteralPath": path, "PathType": "Leaf"}),
        where={".": "True"},
        expect="one",
    )
    assert steps[3:5] == (
        Step("drive", Call("Add-VMHardDiskDrive", {"VM": VM, "Path": path, "Passthru": True})),
        Step("boot", Call("Set-VMFirmware", {"VM": VM, "FirstBootDevice": Ref("drive")})),
    )


@pytest.mark.parametrize(
    ("fields", "parameters"),
    [
        ({}, None),
        ({"dynamic_memory": False}, {"StaticMemory": True}),
        ({"dynamic_memory": True}, {"DynamicMemory": True}),
        ({"memory_maximum": 2048 * MIB}, {"DynamicMemory": True, "MemoryMaximumBytes": 2048 * MIB}),
        ({"memory_minimum": 512 * MIB}, {"DynamicMemory": True, "MemoryMinimumBytes": 512 * MIB}),
        ({"memory": 256 * MIB}, None),
        ({"memory": 256 * MIB, "dynamic_memory": True}, {"DynamicMemory": True, "MemoryMinimumBytes": 256 * MIB}),
        ({"memory": 2 << 40, "dynamic_memory": True}, {"DynamicMemory": True, "MemoryMaximumBytes": 2 << 40}),
        (
            {"memory": 256 * MIB, "memory_minimum": 64 * MIB},
            {"DynamicMemory": True, "MemoryMinimumBytes": 64 * MIB},
        ),
        ({"notes": ""}, {"Notes": ""}),
        ({"processors": 2}, {"ProcessorCount": 2}),
    ],
)
def test_settings(fields, parameters):
    found = [step for step in batch(**fields).steps if step.id == "settings"]
    expected = [] if parameters is None else [Step("settings", Call("Set-VM", {"VM": VM, **parameters}))]
    assert found == expected


def test_startup_memory_is_always_said():
    """What a host takes where nothing is said differs between versions."""
    assert batch().steps[1].call.parameters["MemoryStartupBytes"] == 1024 * MIB


def test_the_template_alone():
    steps = batch(secure_boot_template="OpenSourceShieldedVM").steps
    assert steps[2] == Step("boot", Call("Set-VMFirmware", {"VM": VM, "SecureBootTemplate": "OpenSourceShieldedVM"}))


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({}, r"C:\VMs\Virtual Hard Disks\web1.vhdx"),
        ({"path": r"D:\VMs"}, r"D:\VMs\web1.vhdx"),
        ({"disk_path": r"E:\Disks"}, r"E:\Disks\web1.vhdx"),
        ({"disk_path": r"E:\Disks", "path": r"D:\VMs"}, r"E:\Disks\web1.vhdx"),
        ({"disk_path": "E:\\"}, r"E:\web1.vhdx"),
        ({"disk_path": "E:/Disks/"}, r"E:/Disks\web1.vhdx"),
        ({"disk_path": r"E:\Disks\system.vhdx"}, r"E:\Disks\system.vhdx"),
        ({"disk_path": r"E:\Disks\system.VHDX"}, r"E:\Disks\system.VHDX"),
        ({"disk_path": r"E:\Disks\system.vhd", "generation": 1}, r"E:\Disks\system.vhd"),
        ({"disk_path": r"E:\Disks.v2"}, r"E:\Disks.v2\web1.vhdx"),
        ({"disk_path": "\\\\srv\\share"}, r"\\srv\share\web1.vhdx"),
        ({"name": "a/b:c"}, r"C:\VMs\Virtual Hard Disks\a_b_c.vhdx"),
    ],
)
def test_where_a_new_disk_goes(fields, path):
    spec = VmCreate.model_validate({"name": "web1", "disk": 1 << 30} | fields)
    assert disk_path(spec, DISK_FOLDER) == path


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("web1", "web1"),
        ("Müller 🙂", "Müller 🙂"),
        (r'<>:"/\|?*', "_________"),
        ("a. ", "a"),
        ("...", "_"),
        ("con", "_con"),
        ("COM1", "_COM1"),
        ("nul.txt", "_nul.txt"),
        ("aux .x", "_aux .x"),
        ("LPT\u00b2", "_LPT\u00b2"),
        ("CONOUT$", "_CONOUT$"),
        ("console", "console"),
        ("it's", "it's"),
    ],
)
def test_names_as_file_names(name, file):
    assert file_name(name) == file


@given(st.text(min_size=1, max_size=100))
@example("CON ")
@example("aux .x")
def test_a_file_name_is_always_one(name):
    file = file_name(name)
    assert file
    assert not set(file) & set('<>:"/\\|?*[]')
    assert file[-1] not in " ."
    assert file.split(".")[0].rstrip().upper() not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT9"}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(vm_creates())
def test_whatever_is_made_has_its_undo(spec):
    creation = plan_create(spec, DISK_FOLDER)
    steps = creation.batch.steps
    undone = {step.id: step.undo.cmdlet for step in steps if step.undo is not None}
    expected = {"vm": "Remove-VM"}
    if spec.disk is not None:
        expected["disk"] = "Remove-Item"
    if spec.start:
        expected["start"] = "Stop-VM"
    assert undone == expected
    made = {step.call.cmdlet: step.id for step in steps if step.call.cmdlet.startswith("New-")}
    assert set(made.values()) <= set(undone)
    assert set(creation.messages) >= set(undone)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(vm_creates())
def test_checks_come_before_changes_and_the_name_is_checked_first(spec):
    steps = plan_create(spec, DISK_FOLDER).batch.steps
    assert (steps[0].id, steps[0].expect) == ("absent", "none")
    assert steps[0].where == {"Name": spec.name}
    first_change = next(number for number, step in enumerate(steps) if step.changes)
    assert all(step.expect in ("one", "none") and step.on_error == "stop" for step in steps[:first_change])
    last_change = max(number for number, step in enumerate(steps) if step.changes)
    assert all(step.on_error == "stop" for step in steps[first_change : last_change + 1])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(vm_creates())
def test_a_name_is_never_a_selector(spec):
    """A name may hold wildcard characters, or be another's too: after New-VM the machine is addressed by object."""
    for call in calls(plan_create(spec, DISK_FOLDER).batch):
        if call.cmdlet != "New-VM":
            assert not {"Name", "VMName", "SwitchName"} & call.parameters.keys()
        if CMDLETS[call.cmdlet].effect != "read" and call.cmdlet not in ("New-VM", "New-VHD", "Remove-Item"):
            assert any(isinstance(value, Ref) for value in call.parameters.values())


def test_what_is_looked_at_first():
    assert plan_look() == Batch(
        (
            Step("vms", Call("Get-VM"), select=("Id", "Name", "State")),
            Step("host", Call("Get-VMHost"), select=("VirtualHardDiskPath",), expect="one"),
        )
    )


def test_what_is_said_when_a_step_fails():
    messages = plan_create(whole_vm_create(2), DISK_FOLDER).messages
    assert messages["absent"] == "A virtual machine called 'web1' exists already."
    assert messages["switch"] == "There is no virtual switch 'lan', or more than one."
    assert messages["iso_file"] == r"The host has no file 'C:\ISO\setup.iso'."
