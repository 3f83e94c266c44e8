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
    "Compare-VM": "migration",
    "Connect-VMNetworkAdapter": "network",
    "Convert-VHD": "convert",
    "Disable-VMMigration": "host",
    "Enable-VMMigration": "host",
    "Format-Volume": "spaces_volume",
    "Get-ChildItem": "file",
    "Get-CimInstance": "cim",
    "Get-Disk": "spaces_volume",
    "Get-Partition": "spaces_volume",
    "Get-PhysicalDisk": "spaces_pool",
    "Get-StorageJob": "spaces_disk",
    "Get-StoragePool": "spaces_pool",
    "Get-StorageSubSystem": "spaces_pool",
    "Get-VHD": "vhd",
    "Get-VM": "vm",
    "Get-VMDvdDrive": "drive",
    "Get-VMFirmware": "firmware",
    "Get-VMHardDiskDrive": "drive",
    "Get-VMHost": "host",
    "Get-VMMigrationNetwork": "host",
    "Get-VMNetworkAdapter": "network",
    "Get-VMNetworkAdapterVlan": "network",
    "Get-VMSnapshot": "snapshot",
    "Get-VMSwitch": "switch",
    "Get-VirtualDisk": "spaces_disk",
    "Get-VirtualDiskSupportedSize": "spaces_disk",
    "Get-Volume": "spaces_volume",
    "Initialize-Disk": "spaces_volume",
    "Invoke-CimMethod": "cim",
    "Merge-VHD": "convert",
    "Move-VM": "migration",
    "Move-VMStorage": "migration",
    "New-Partition": "spaces_volume",
    "New-StoragePool": "spaces_pool",
    "New-VHD": "vhd",
    "New-VM": "create",
    "New-VMSwitch": "switch",
    "New-VirtualDisk": "spaces_disk",
    "Remove-Item": "file",
    "Remove-Partition": "spaces_volume",
    "Remove-StoragePool": "spaces_pool",
    "Remove-VM": "vm",
    "Remove-VMSnapshot": "snapshot",
    "Remove-VMSwitch": "switch",
    "Remove-VirtualDisk": "spaces_disk",
    "Rename-VM": "change",
    "Rename-VMSnapshot": "snapshot",
    "Repair-VirtualDisk": "spaces_disk",
    "Resize-VHD": "convert",
    "Resize-VirtualDisk": "spaces_disk",
    "Restart-VM": "power",
    "Restore-VMSnapshot": "snapshot",
    "Resume-VM": "power",
    "Save-VM": "power",
    "Set-VM": "change",
    "Set-VMBios": "firmware",
    "Set-VMDvdDrive": "drive",
    "Set-VMFirmware": "firmware",
    "Set-VMHardDiskDrive": "drive",
    "Set-VMHost": "host",
    "Set-VMNetworkAdapterVlan": "network",
    "Start-VM": "power",
    "Stop-VM": "power",
    "Suspend-VM": "power",
    "Test-Path": "file",
    "Test-VHD": "vhd",
}
"""The module of each simulated cmdlet."""


def handler(cmdlet: str) -> Handler | None:
    """The simulation of a cmdlet; None when there is none."""
    area = AREAS.get(cmdlet)
    if area is None:
        return None
    handlers: dict[str, Handler] = import_module(f"hvctl.lab.cmdlets.{area}").HANDLERS
    return handlers.get(cmdlet)
