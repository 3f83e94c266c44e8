from __future__ import annotations

from typing import Any

import pytest
from tests.support.simulated import GIB, CallFailed, SimulatedHost

from hvctl.lab.world import World

pytestmark = pytest.mark.lab
DISK = r"C:\VMs\disk.vhdx"


def refused(lab: SimulatedHost, cmdlet: str, **parameters: Any) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        lab.call(cmdlet, **parameters)
    return caught.value


def test_new_vhd(lab: SimulatedHost) -> None:
    names = [
        "Path",
        "VhdFormat",
        "VhdType",
        "Size",
        "BlockSize",
        "LogicalSectorSize",
        "PhysicalSectorSize",
        "ParentPath",
    ]
    assert lab.call("New-VHD", Path="c:/vms/disk.vhdx", SizeBytes=10 * GIB, select=[*names, "Attached"]) == [
        {
            "Path": r"c:\vms\disk.vhdx",
            "VhdFormat": "VHDX",
            "VhdType": "Dynamic",
            "Size": 10 * GIB,
            "BlockSize": 32 << 20,
            "LogicalSectorSize": 512,
            "PhysicalSectorSize": 4096,
            "ParentPath": None,
            "Attached": False,
        }
    ]
    assert lab.value("Get-VHD", "Size", Path=DISK) == 10 * GIB


def test_kinds_of_disks(lab: SimulatedHost) -> None:
    lab.new_disk(DISK, Fixed=True)
    assert lab.value("Get-VHD", "FileSize", Path=DISK) > 10 * GIB
    lab.call("New-VHD", Path=r"C:\VMs\child.vhdx", ParentPath=DISK, Differencing=True)
    assert lab.value("Get-VHD", "ParentPath", Path=r"C:\VMs\child.vhdx") == DISK
    assert lab.value("Get-VHD", "Size", Path=r"C:\VMs\child.vhdx") == 10 * GIB
    lab.new_disk(r"C:\VMs\old.vhd")
    assert lab.value("Get-VHD", "VhdFormat", Path=r"C:\VMs\old.vhd") == "VHD"


@pytest.mark.parametrize(
    ("parameters", "error_id", "hresult"),
    [
        ({"Path": DISK}, "OperationFailed", 0x80070050),
        ({"Path": r"C:\nope\x.vhdx"}, "OperationFailed", 0x80070003),
        ({"Path": r"X:\x.vhdx"}, "OperationFailed", 0x80070003),
        ({"Path": r"C:\VMs\a?b.vhdx"}, "OperationFailed", 0x8007007B),
        ({"Path": r"C:\VMs\x.img"}, "InvalidParameter", None),
        ({"Path": r"C:\VMs\x.vhdx", "SizeBytes": 2_000_000_001}, "InvalidParameter", 0x80070057),
        ({"Path": r"C:\VMs\x.vhdx", "SizeBytes": 4096}, "InvalidParameter", 0x80070057),
        ({"Path": r"C:\VMs\x.vhdx", "SizeBytes": (64 << 40) + 4096}, "InvalidParameter", 0x80070057),
        ({"Path": r"C:\VMs\x.vhd", "SizeBytes": 2041 * GIB}, "InvalidParameter", 0x80070057),
    ],
)
def test_what_new_vhd_refuses(
    lab: SimulatedHost, parameters: dict[str, Any], error_id: str, hresult: int | None
) -> None:
    lab.new_disk()
    error = refused(lab, "New-VHD", **{"SizeBytes": GIB, **parameters})
    assert (error.id, error.fields["hresult"]) == (error_id, hresult)
    assert error.fields["error_id"].endswith(",Microsoft.Vhd.PowerShell.Cmdlets.NewVhd")


def test_a_missing_parent(lab: SimulatedHost) -> None:
    error = refused(lab, "New-VHD", Path=r"C:\VMs\child.vhdx", ParentPath=DISK, Differencing=True)
    assert error.id == "InvalidParameter"


def test_get_vhd_of_what_is_no_disk(lab: SimulatedHost) -> None:
    for path in (DISK, r"C:\ISO\ubuntu.iso", r"C:\VMs"):
        error = refused(lab, "Get-VHD", Path=path)
        assert (error.id, error.category) == ("InvalidParameter", "InvalidArgument")
        assert error.fields["error_id"].endswith(",Microsoft.Vhd.PowerShell.Cmdlets.GetVHD")


def test_get_vhd_of_a_vm(lab: SimulatedHost) -> None:
    lab.new_running_vm()
    vm_id = lab.value("Get-VM", "Id", Name="web1")
    assert lab.call("Get-VHD", VMId=vm_id, select=["Path", "Attached"]) == [
        {"Path": r"C:\VMs\web1.vhdx", "Attached": True}
    ]
    assert refused(lab, "Get-VHD", VMId="c4a2a2d3-1b5e-4a57-8a52-2f6f1c1d3f11").id == "ObjectNotFound"


def test_missing_folders_can_be_made(lab: SimulatedHost) -> None:
    with World.open(lab.path) as world:
        world.configure("new_vhd_creates_folder", value=True)
    lab.new_disk(r"C:\a\b\c.vhdx")
    assert lab.value("Test-Path", ".", LiteralPath=r"c:\A\B", PathType="Container") is True


def test_drives_take_the_first_free_place(lab: SimulatedHost) -> None:
    lab.new_vm("one", Generation=1)
    lab.new_vm("two")
    places: dict[str, list[tuple[str, int, int]]] = {"one": [], "two": []}
    for number in range(5):
        for name, taken in places.items():
            path = lab.new_disk(rf"C:\VMs\{name}{number}.vhdx")
            select = ["ControllerType", "ControllerNumber", "ControllerLocation"]
            (drive,) = lab.call("Add-VMHardDiskDrive", VMName=name, Path=path, Passthru=True, select=select)
            taken.append(tuple(drive.values()))
    assert places["one"] == [("IDE", 0, 0), ("IDE", 0, 1), ("IDE", 1, 1), ("SCSI", 0, 0), ("SCSI", 0, 1)]
    assert places["two"] == [("SCSI", 0, number) for number in range(5)]


@pytest.mark.parametrize(
    ("parameters", "error_id"),
    [
        ({"Path": r"C:\VMs\nope.vhdx"}, "ObjectNotFound"),
        ({"Path": r"C:\ISO\ubuntu.iso"}, "OperationFailed"),
        ({"Path": DISK, "ControllerType": "IDE"}, "ObjectNotFound"),
        ({"Path": DISK, "ControllerNumber": 1}, "ObjectNotFound"),
        ({"Path": DISK, "ControllerNumber": 0, "ControllerLocation": 64}, "ObjectNotFound"),
        ({"Path": r"C:\VMs\first.vhdx"}, "ObjectInUse"),
        ({"Path": DISK, "ControllerNumber": 0, "ControllerLocation": 0}, "InvalidParameter"),
    ],
)
def test_what_add_hard_disk_refuses(lab: SimulatedHost, parameters: dict[str, Any], error_id: str) -> None:
    lab.new_disk(DISK)
    lab.new_vm(VHDPath=lab.new_disk(r"C:\VMs\first.vhdx"))
    assert refused(lab, "Add-VMHardDiskDrive", VMName="web1", **parameters).id == error_id
    assert len(lab.call("Get-VMHardDiskDrive", VMName="web1", select=["Path"])) == 1


def test_hot_adding_a_disk_works_on_scsi_only(lab: SimulatedHost) -> None:
    lab.new_disk(DISK)
    lab.new_vm("one", Generation=1)
    lab.call("Start-VM", Name="one")
    assert refused(lab, "Add-VMHardDiskDrive", VMName="one", Path=DISK).id == "InvalidState"
    lab.call("Add-VMHardDiskDrive", VMName="one", Path=DISK, ControllerType="SCSI")
    assert lab.value("Get-VHD", "Attached", Path=DISK) is True
    lab.new_vm("two")
    lab.call("Start-VM", Name="two")
    assert refused(lab, "Add-VMHardDiskDrive", VMName="two", Path=DISK).id == "ObjectInUse"


def test_images_go_in_and_out_of_dvd_drives(lab: SimulatedHost) -> None:
    lab.new_vm("one", Generation=1)
    lab.call("Set-VMDvdDrive", VMName="one", Path=r"c:\iso\UBUNTU.iso")
    assert lab.value("Get-VMDvdDrive", "Path", VMName="one") == r"C:\ISO\ubuntu.iso"
    assert lab.value("Get-VMDvdDrive", "DvdMediaType", VMName="one") == "ISO"
    lab.call("Set-VMDvdDrive", VMName="one", Path=None)
    assert lab.value("Get-VMDvdDrive", "Path", VMName="one") is None
    assert refused(lab, "Set-VMDvdDrive", VMName="one", Path=r"C:\ISO\nope.iso").id == "ObjectNotFound"
    lab.new_vm("two")
    assert refused(lab, "Set-VMDvdDrive", VMName="two", Path=r"C:\ISO\ubuntu.iso").id == "ObjectNotFound"


class TestFiles:
    @pytest.mark.parametrize(
        ("path", "path_type", "there"),
        [
            (r"C:\VMs", "Any", True),
            (r"c:/vms/", "Container", True),
            (r"C:\VMs", "Leaf", False),
            (r"C:\ISO\ubuntu.iso", "Leaf", True),
            (r"C:\ISO\ubuntu.iso", "Container", False),
            (r"C:\nope", "Any", False),
            ("C:\\", "Container", True),
        ],
    )
    def test_test_path(self, lab: SimulatedHost, path: str, path_type: str, there: bool) -> None:
        assert lab.value("Test-Path", ".", LiteralPath=path, PathType=path_type) is there

    def test_remove_item(self, lab: SimulatedHost) -> None:
        lab.new_disk(DISK)
        lab.call("Remove-Item", LiteralPath=DISK.upper(), Force=True)
        error = refused(lab, "Remove-Item", LiteralPath=DISK, Force=True)
        assert (error.id, error.category, error.fields["target"]) == ("PathNotFound", "ObjectNotFound", DISK)

    def test_what_a_vm_holds_stays(self, lab: SimulatedHost) -> None:
        lab.new_running_vm()
        lab.call("Add-VMDvdDrive", VMName="web1", Path=r"C:\ISO\ubuntu.iso")
        vm_id = lab.value("Get-VM", "Id", Name="web1").upper()
        for path in (
            r"C:\VMs\web1.vhdx",
            r"C:\ISO\ubuntu.iso",
            rf"C:\VMs\Virtual Machines\{vm_id}.vmcx",
        ):
            error = refused(lab, "Remove-Item", LiteralPath=path, Force=True)
            assert (error.id, error.category) == ("RemoveFileSystemItemIOError", "WriteError")
        lab.call("Stop-VM", Name="web1")
        lab.call("Remove-Item", LiteralPath=r"C:\VMs\web1.vhdx")

    def test_a_folder_with_something_in_it_needs_recurse(self, lab: SimulatedHost) -> None:
        lab.new_disk(r"C:\VMs\Virtual Hard Disks\a.vhdx")
        error = refused(lab, "Remove-Item", LiteralPath=r"C:\VMs\Virtual Hard Disks")
        assert error.id == "InvalidOperation"
        lab.call("Remove-Item", LiteralPath=r"C:\VMs\Virtual Hard Disks", Recurse=True)
        assert lab.value("Test-Path", ".", LiteralPath=r"C:\VMs\Virtual Hard Disks\a.vhdx") is False

    def test_wildcards_are_not_simulated(self, lab: SimulatedHost) -> None:
        assert refused(lab, "Remove-Item", Path=r"C:\VMs\*").id == "Hvctl.NotSimulated"
