from __future__ import annotations

from typing import Any

import pytest
from tests.support.simulated import CallFailed, SimulatedHost

from hvctl.powershell.batch import Call, Ref, Step

pytestmark = pytest.mark.lab


def refused(lab: SimulatedHost, cmdlet: str, **parameters: Any) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        lab.call(cmdlet, **parameters)
    return caught.value


def test_firmware_of_a_new_vm(lab: SimulatedHost) -> None:
    lab.new_vm()
    names = ["SecureBoot", "SecureBootTemplate", "SecureBootTemplateId", "BootOrder.Description", "BootOrder.BootType"]
    assert lab.call("Get-VMFirmware", VMName="web1", select=names) == [
        {
            "SecureBoot": "On",
            "SecureBootTemplate": "MicrosoftWindows",
            "SecureBootTemplateId": "1734c6e8-3154-4dda-ba5f-a874cc483422",
            "BootOrder.Description": ["EFI Network"],
            "BootOrder.BootType": ["Network"],
        }
    ]


def test_each_generation_has_its_own_cmdlets(lab: SimulatedHost) -> None:
    lab.new_vm("one", Generation=1)
    lab.new_vm("two")
    assert refused(lab, "Get-VMFirmware", VMName="one").id == "InvalidParameter"
    assert refused(lab, "Set-VMFirmware", VMName="one", EnableSecureBoot="Off").id == "InvalidParameter"
    assert refused(lab, "Set-VMBios", VMName="two", EnableNumLock=True).id == "InvalidParameter"


def test_the_first_boot_device(lab: SimulatedHost) -> None:
    lab.new_vm(VHDPath=lab.new_disk())
    dvd = Step("dvd", Call("Add-VMDvdDrive", {"VMName": "web1", "Path": r"C:\ISO\ubuntu.iso", "Passthru": True}))
    first = Step("first", Call("Set-VMFirmware", {"VMName": "web1", "FirstBootDevice": Ref("dvd")}))
    assert lab.run(dvd, first).error_ids == []
    paths = lab.value("Get-VMFirmware", "BootOrder.Device.Path", VMName="web1")
    assert paths == [r"C:\ISO\ubuntu.iso", r"C:\VMs\disk.vhdx", None]


def test_the_boot_order_takes_what_get_firmware_gave(lab: SimulatedHost) -> None:
    lab.new_vm(VHDPath=lab.new_disk())
    lab.new_vm("other")
    order = Ref("firmware", property="BootOrder", all=True)
    read = Step("firmware", Call("Get-VMFirmware", {"VMName": "web1"}))
    assert lab.run(read, Step("set", Call("Set-VMFirmware", {"VMName": "web1", "BootOrder": order}))).error_ids == []
    foreign = lab.run(read, Step("set", Call("Set-VMFirmware", {"VMName": "other", "BootOrder": order})))
    assert foreign.error_ids == ["InvalidParameter"]


def test_secure_boot_changes_only_while_off(lab: SimulatedHost) -> None:
    lab.new_vm()
    lab.call("Set-VMFirmware", VMName="web1", EnableSecureBoot="Off", SecureBootTemplate="opensourceshieldedvm")
    assert lab.value("Get-VMFirmware", "SecureBootTemplate", VMName="web1") == "OpenSourceShieldedVM"
    assert refused(lab, "Set-VMFirmware", VMName="web1", SecureBootTemplate="Purple").id == "ObjectNotFound"
    lab.call("Start-VM", Name="web1")
    assert refused(lab, "Set-VMFirmware", VMName="web1", EnableSecureBoot="On").id == "InvalidState"


def test_the_startup_order_of_generation_1(lab: SimulatedHost) -> None:
    lab.new_vm(Generation=1)
    order = ("Floppy", "CD", "VHD", "NetworkAdapter")
    (bios,) = lab.call("Set-VMBios", VMName="web1", StartupOrder=order, Passthru=True, select=["StartupOrder"])
    assert bios["StartupOrder"] == ["Floppy", "CD", "IDE", "LegacyNetworkAdapter"]
    assert refused(lab, "Set-VMBios", VMName="web1", StartupOrder=("CD", "IDE")).id == "InvalidParameter"
