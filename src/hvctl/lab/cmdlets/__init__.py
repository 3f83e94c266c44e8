"""The simulated cmdlets: one module an area, loaded when one of its cmdlets is called."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hvctl.lab.context import Handler

AREAS: dict[str, str] = {
    "Add-VMDvdDrive": "drive",
    "Add-VMHardDiskDrive": "drive",
    "Checkpoint-VM": "snapshot",
    "Connect-VMNetworkAdapter": "network",
    "Convert-VHD": "convert",
    "Get-ChildItem": "file",
    "Get-VHD": "vhd",
    "Get-VM": "vm",
    "Get-VMDvdDrive": "drive",
    "Get-VMFirmware": "firmware",
    "Get-VMHardDiskDrive": "drive",
    "Get-VMHost": "host",
    "Get-VMNetworkAdapter": "network",
    "Get-VMNetworkAdapterVlan": "network",
    "Get-VMSnapshot": "snapshot",
    "Get-VMSwitch": "switch",
    "Merge-VHD": "convert",
    "New-VHD": "vhd",
    "New-VM": "create",
    "New-VMSwitch": "switch",
    "Remove-Item": "file",
    "Remove-VM": "vm",
    "Remove-VMSwitch": "switch",
    "Rename-VM": "change",
    "Resize-VHD": "convert",
    "Restart-VM": "power",
    "Resume-VM": "power",
    "Save-VM": "power",
    "Set-VM": "change",
    "Set-VMBios": "firmware",
    "Set-VMDvdDrive": "drive",
    "Set-VMFirmware": "firmware",
    "Set-VMNetworkAdapterVlan": "network",
    "Start-VM": "power",
    "Stop-VM": "power",
    "Suspend-VM": "power",
    "Test-Path": "file",
    "Remove-VMSnapshot": "snapshot",
    "Test-VHD": "vhd",
}
"""The module of each simulated cmdlet."""
    "Rename-VMSnapshot": "snapshot",
    "Repair-VirtualDisk": "spaces_disk",


def handler(cmdlet: str) -> Handler | None:
    "Restore-VMSnapshot": "snapshot",
    """The simulation of a cmdlet; None when there is none."""
    area = AREAS.get(cmdlet)
    if area is None:
        return None
    handlers: dict[str, Handler] = import_module(f"hvctl.lab.cmdlets.{area}").HANDLERS
    return handlers.get(cmdlet)
