"""The allow list: every cmdlet hvctl may run, the module it lives in, and what it does to the host.

The engine keeps the same list, for the host trusts only its own copy; a test compares the two.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Effect = Literal["read", "change", "destroy"]

CIM = "CimCmdlets"
HYPER_V = "Hyper-V"
MANAGEMENT = "Microsoft.PowerShell.Management"
STORAGE = "Storage"


class Cmdlet(NamedTuple):
    """The module a cmdlet lives in, and whether it reads, changes or destroys."""

    module: str
    effect: Effect


CMDLETS: dict[str, Cmdlet] = {
    "Add-VMDvdDrive": Cmdlet(HYPER_V, "change"),
    "Add-VMHardDiskDrive": Cmdlet(HYPER_V, "change"),
    "Checkpoint-VM": Cmdlet(HYPER_V, "change"),
    "Compare-VM": Cmdlet(HYPER_V, "read"),
    "Connect-VMNetworkAdapter": Cmdlet(HYPER_V, "change"),
    "Convert-VHD": Cmdlet(HYPER_V, "change"),
    "Disable-VMMigration": Cmdlet(HYPER_V, "change"),
    "Enable-VMMigration": Cmdlet(HYPER_V, "change"),
    "Format-Volume": Cmdlet(STORAGE, "destroy"),
    "Get-ChildItem": Cmdlet(MANAGEMENT, "read"),
    "Get-CimInstance": Cmdlet(CIM, "read"),
    "Get-Disk": Cmdlet(STORAGE, "read"),
    "Get-Partition": Cmdlet(STORAGE, "read"),
    "Get-PhysicalDisk": Cmdlet(STORAGE, "read"),
    "Get-StorageJob": Cmdlet(STORAGE, "read"),
    "Get-StoragePool": Cmdlet(STORAGE, "read"),
    "Get-StorageSubSystem": Cmdlet(STORAGE, "read"),
    "Get-VHD": Cmdlet(HYPER_V, "read"),
    "Get-VM": Cmdlet(HYPER_V, "read"),
    "Get-VMDvdDrive": Cmdlet(HYPER_V, "read"),
    "Get-VMFirmware": Cmdlet(HYPER_V, "read"),
    "Get-VMHardDiskDrive": Cmdlet(HYPER_V, "read"),
    "Get-VMHost": Cmdlet(HYPER_V, "read"),
    "Get-VMMigrationNetwork": Cmdlet(HYPER_V, "read"),
    "Get-VMNetworkAdapter": Cmdlet(HYPER_V, "read"),
    "Get-VMNetworkAdapterVlan": Cmdlet(HYPER_V, "read"),
    "Get-VMSnapshot": Cmdlet(HYPER_V, "read"),
    "Get-VMSwitch": Cmdlet(HYPER_V, "read"),
    "Get-VirtualDisk": Cmdlet(STORAGE, "read"),
    "Get-VirtualDiskSupportedSize": Cmdlet(STORAGE, "read"),
    "Get-Volume": Cmdlet(STORAGE, "read"),
    "Initialize-Disk": Cmdlet(STORAGE, "change"),
    "Invoke-CimMethod": Cmdlet(CIM, "destroy"),
    "Merge-VHD": Cmdlet(HYPER_V, "destroy"),
    "Move-VM": Cmdlet(HYPER_V, "change"),
    "Move-VMStorage": Cmdlet(HYPER_V, "change"),
    "New-Partition": Cmdlet(STORAGE, "change"),
    "New-StoragePool": Cmdlet(STORAGE, "change"),
    "New-VHD": Cmdlet(HYPER_V, "change"),
    "New-VM": Cmdlet(HYPER_V, "change"),
    "New-VMSwitch": Cmdlet(HYPER_V, "change"),
    "New-VirtualDisk": Cmdlet(STORAGE, "change"),
    "Remove-Item": Cmdlet(MANAGEMENT, "destroy"),
    "Remove-Partition": Cmdlet(STORAGE, "destroy"),
    "Remove-StoragePool": Cmdlet(STORAGE, "destroy"),
    "Remove-VM": Cmdlet(HYPER_V, "destroy"),
    "Remove-VMSnapshot": Cmdlet(HYPER_V, "destroy"),
    "Remove-VMSwitch": Cmdlet(HYPER_V, "destroy"),
    "Remove-VirtualDisk": Cmdlet(STORAGE, "destroy"),
    "Rename-VM": Cmdlet(HYPER_V, "change"),
    "Rename-VMSnapshot": Cmdlet(HYPER_V, "change"),
    "Repair-VirtualDisk": Cmdlet(STORAGE, "change"),
    "Resize-VHD": Cmdlet(HYPER_V, "change"),
    "Resize-VirtualDisk": Cmdlet(STORAGE, "change"),
    "Restart-VM": Cmdlet(HYPER_V, "destroy"),
    "Restore-VMSnapshot": Cmdlet(HYPER_V, "destroy"),
    "Resume-VM": Cmdlet(HYPER_V, "change"),
    "Save-VM": Cmdlet(HYPER_V, "change"),
    "Set-VM": Cmdlet(HYPER_V, "change"),
    "Set-VMBios": Cmdlet(HYPER_V, "change"),
    "Set-VMDvdDrive": Cmdlet(HYPER_V, "change"),
    "Set-VMFirmware": Cmdlet(HYPER_V, "change"),
    "Set-VMHardDiskDrive": Cmdlet(HYPER_V, "change"),
    "Set-VMHost": Cmdlet(HYPER_V, "change"),
    "Set-VMNetworkAdapterVlan": Cmdlet(HYPER_V, "change"),
    "Start-VM": Cmdlet(HYPER_V, "change"),
    "Stop-VM": Cmdlet(HYPER_V, "destroy"),
    "Suspend-VM": Cmdlet(HYPER_V, "change"),
    "Test-Path": Cmdlet(MANAGEMENT, "read"),
    "Test-VHD": Cmdlet(HYPER_V, "read"),
}
