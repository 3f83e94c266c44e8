from __future__ import annotations

from typing import Any

import pytest
from tests.support.simulated import GIB, CallFailed, SimulatedHost

from hvctl.lab import seeds
from hvctl.lab.world import World

pytestmark = pytest.mark.lab


def test_new_vm_s_defaults(lab: SimulatedHost) -> None:
    names = [
        "Generation",
        "ProcessorCount",
        "MemoryStartup",
        "DynamicMemoryEnabled",
        "MemoryMinimum",
        "MemoryMaximum",
        "AutomaticStartAction",
        "AutomaticStopAction",
        "CheckpointType",
        "AutomaticCheckpointsEnabled",
        "State",
        "Uptime",
        "Heartbeat",
        "Version",
        "Path",
        "IsClustered",
        "Notes",
    ]
    (vm,) = lab.call("New-VM", Name="old", select=names)
    assert vm == {
        "Generation": 1,
        "ProcessorCount": 1,
        "MemoryStartup": 512 << 20,
        "DynamicMemoryEnabled": False,
        "MemoryMinimum": 512 << 20,
        "MemoryMaximum": 1 << 40,
        "AutomaticStartAction": "StartIfRunning",
        "AutomaticStopAction": "Save",
        "CheckpointType": "Production",
        "AutomaticCheckpointsEnabled": False,
        "State": "Off",
        "Uptime": 0,
        "Heartbeat": None,
        "Version": "12.0",
        "Path": r"C:\VMs",
        "IsClustered": False,
        "Notes": "",
    }


def test_the_name_defaults(lab: SimulatedHost) -> None:
    lab.call("New-VM")
    assert lab.names() == ["New Virtual Machine"]


def test_generation_1_has_a_dvd_drive_and_generation_2_has_none(lab: SimulatedHost) -> None:
    lab.new_vm("one", Generation=1)
    lab.new_vm("two", Generation=2)
    slot = ["ControllerType", "ControllerNumber", "ControllerLocation", "Path"]
    assert lab.call("Get-VMDvdDrive", VMName="one", select=slot) == [
        {"ControllerType": "IDE", "ControllerNumber": 1, "ControllerLocation": 0, "Path": None}
    ]
    assert lab.call("Get-VMDvdDrive", VMName="two", select=slot) == []


def test_the_one_adapter_is_connected_only_with_a_switch_name(lab: SimulatedHost) -> None:
    lab.call("New-VMSwitch", Name="lan", SwitchType="Private")
    lab.new_vm("a")
    lab.new_vm("b", SwitchName="LAN")
    select = ["Name", "Connected", "SwitchName", "MacAddress"]
    unplugged = {"Name": "Network Adapter", "Connected": False, "SwitchName": "", "MacAddress": "000000000000"}
    assert lab.call("Get-VMNetworkAdapter", VMName="a", select=select) == [unplugged]
    assert lab.call("Get-VMNetworkAdapter", VMName="b", select=select) == [
        {**unplugged, "Connected": True, "SwitchName": "lan"}
    ]


def test_a_wrong_switch_leaves_nothing_behind(lab: SimulatedHost) -> None:
    with pytest.raises(CallFailed) as caught:
        lab.new_vm("a", SwitchName="nope", Path=r"C:\VMs", NewVHDPath="a.vhdx", NewVHDSizeBytes=GIB)
    assert caught.value.id == "InvalidParameter"
    assert lab.names() == []
    with World.open(lab.path) as world:
        assert world.file("hv01", r"C:\VMs\a") is None


def test_two_vms_may_have_one_name(lab: SimulatedHost) -> None:
    lab.new_vm("same")
    lab.new_vm("same")
    assert lab.names() == ["same", "same"]


def test_a_new_disk_lies_where_hyper_v_puts_it(lab: SimulatedHost) -> None:
    lab.new_vm("a", NewVHDPath="a.vhdx", NewVHDSizeBytes=GIB)
    lab.new_vm("b", NewVHDPath="b.vhdx", NewVHDSizeBytes=GIB, Path=r"C:\Other")
    lab.new_vm("c", NewVHDPath=r"C:\Disks\c.vhdx", NewVHDSizeBytes=GIB, Generation=1)
    assert lab.value("Get-VMHardDiskDrive", "Path", VMName="a") == r"C:\VMs\Virtual Hard Disks\a.vhdx"
    assert lab.value("Get-VMHardDiskDrive", "Path", VMName="b") == r"C:\Other\b\Virtual Hard Disks\b.vhdx"
    assert lab.value("Get-VMHardDiskDrive", "ControllerType", VMName="c") == "IDE"
    assert lab.value("Get-VM", "Path", Name="b") == r"C:\Other\b"


@pytest.mark.parametrize(
    ("parameters", "error_id"),
    [
        ({"MemoryStartupBytes": GIB + (1 << 20)}, "InvalidParameter"),
        ({"MemoryStartupBytes": 16 << 20}, "InvalidParameter"),
        ({"MemoryStartupBytes": 2 << 40, "Generation": 1}, "InvalidParameter"),
        ({"Name": "x" * 101}, "InvalidParameter"),
        ({"Name": ""}, "InvalidParameter"),
        ({"Version": "5.0"}, "InvalidParameter"),
        ({"Path": r"X:\nope"}, "ObjectNotFound"),
        ({"NewVHDPath": "a.vhd", "NewVHDSizeBytes": GIB}, "InvalidParameter"),
        ({"VHDPath": r"C:\nope.vhdx"}, "ObjectNotFound"),
        ({"BootDevice": "Floppy"}, "InvalidParameter"),
        ({"BootDevice": "IDE"}, "InvalidParameter"),
    ],
)
def test_what_new_vm_refuses(lab: SimulatedHost, parameters: dict[str, Any], error_id: str) -> None:
    with pytest.raises(CallFailed) as caught:
        lab.new_vm(**parameters)
    assert caught.value.id == error_id
    assert lab.names() == []


def test_a_vhd_is_for_generation_1(lab: SimulatedHost) -> None:
    path = lab.new_disk(r"C:\VMs\old.vhd")
    lab.new_vm("one", VHDPath=path, Generation=1)
    with pytest.raises(CallFailed, match=r"do not support \.vhd"):
        lab.new_vm("two", VHDPath=path)


def test_an_existing_disk_boots_first_on_generation_2(lab: SimulatedHost) -> None:
    lab.new_vm(VHDPath=lab.new_disk())
    paths = lab.value("Get-VMFirmware", "BootOrder.Device.Path", VMName="web1")
    assert paths == [r"C:\VMs\disk.vhdx", None]


def test_the_cd_boots_first_if_told_so(lab: SimulatedHost) -> None:
    lab.new_vm(BootDevice="CD", VHDPath=lab.new_disk())
    drives = lab.call("Get-VMDvdDrive", VMName="web1", select=["ControllerType", "ControllerLocation"])
    assert drives == [{"ControllerType": "SCSI", "ControllerLocation": 1}]


@pytest.mark.parametrize(("windows", "version"), [("2016", "8.0"), ("2019", "9.0"), ("2022", "10.0"), ("2025", "12.0")])
def test_the_version_is_that_of_the_windows(lab: SimulatedHost, windows: str, version: str) -> None:
    seeds.reset(lab.path, windows=windows)
    lab.new_vm()
    assert lab.value("Get-VM", "Version", Name="web1") == version


def test_the_default_memory_can_be_set(lab: SimulatedHost) -> None:
    with World.open(lab.path) as world:
        world.configure("default_startup_memory", GIB)
    lab.call("New-VM", Name="a")
    assert lab.value("Get-VM", "MemoryStartup", Name="a") == GIB


def test_removing_a_vm_leaves_its_disks_and_no_configuration(lab: SimulatedHost) -> None:
    lab.new_vm(VHDPath=lab.new_disk())
    vmcx = rf"C:\VMs\Virtual Machines\{lab.value('Get-VM', 'Id', Name='web1').upper()}.vmcx"
    assert lab.value("Test-Path", ".", LiteralPath=vmcx) is True
    lab.call("Remove-VM", Name="web1", Force=True)
    assert lab.value("Test-Path", ".", LiteralPath=vmcx) is False
    assert lab.value("Test-Path", ".", LiteralPath=r"C:\VMs\disk.vhdx") is True
    assert lab.call("Get-VMHardDiskDrive", VMName="*", select=["Path"]) == []
