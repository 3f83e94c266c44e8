"""The allow list: every cmdlet hvctl may run, the module it lives in, and what it does to the host.

The engine keeps the same list, for the host trusts only its own copy; a test compares the two.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Effect = Literal["read", "change", "destroy"]

HYPER_V = "Hyper-V"
MANAGEMENT = "Microsoft.PowerShell.Management"


class Cmdlet(NamedTuple):
    """The module a cmdlet lives in, and whether it reads, changes or destroys."""

    module: str
    effect: Effect


CMDLETS: dict[str, Cmdlet] = {
    "Add-VMDvdDrive": Cmdlet(HYPER_V, "change"),
    "Add-VMHardDiskDrive": Cmdlet(HYPER_V, "change"),
    "Connect-VMNetworkAdapter": Cmdlet(HYPER_V, "change"),
    "Checkpoint-VM": Cmdlet(HYPER_V, "change"),
    "Convert-VHD": Cmdlet(HYPER_V, "change"),
    "Get-ChildItem": Cmdlet(MANAGEMENT, "read"),
    "Get-VHD": Cmdlet(HYPER_V, "read"),
    "Get-VM": Cmdlet(HYPER_V, "read"),
    "Get-VMDvdDrive": Cmdlet(HYPER_V, "read"),
    "Get-VMFirmware": Cmdlet(HYPER_V, "read"),
    "Get-VMHardDiskDrive": Cmdlet(HYPER_V, "read"),
    "Get-VMHost": Cmdlet(HYPER_V, "read"),
    "Get-VMNetworkAdapter": Cmdlet(HYPER_V, "read"),
    "Get-VMNetworkAdapterVlan": Cmdlet(HYPER_V, "read"),
    "Get-VMSnapshot": Cmdlet(HYPER_V, "read"),
    "Get-VMSwitch": Cmdlet(HYPER_V, "read"),
    "Merge-VHD": Cmdlet(HYPER_V, "destroy"),
    "New-VHD": Cmdlet(HYPER_V, "change"),
    "New-VM": Cmdlet(HYPER_V, "change"),
    "New-VMSwitch": Cmdlet(HYPER_V, "change"),
    "Remove-Item": Cmdlet(MANAGEMENT, "destroy"),
    "Remove-VM": Cmdlet(HYPER_V, "destroy"),
    "Remove-VMSwitch": Cmdlet(HYPER_V, "destroy"),
    "Rename-VM": Cmdlet(HYPER_V, "change"),
    "Resize-VHD": Cmdlet(HYPER_V, "change"),
    "Restart-VM": Cmdlet(HYPER_V, "destroy"),
    "Resume-VM": Cmdlet(HYPER_V, "change"),
    "Save-VM": Cmdlet(HYPER_V, "change"),
    "Set-VM": Cmdlet(HYPER_V, "change"),
    "Set-VMBios": Cmdlet(HYPER_V, "change"),
    "Set-VMDvdDrive": Cmdlet(HYPER_V, "change"),
    "Set-VMFirmware": Cmdlet(HYPER_V, "change"),
    "Set-VMNetworkAdapterVlan": Cmdlet(HYPER_V, "change"),
    "Start-VM": Cmdlet(HYPER_V, "change"),
    "Stop-VM": Cmdlet(HYPER_V, "destroy"),
    "Suspend-VM": Cmdlet(HYPER_V, "change"),
    "Test-Path": Cmdlet(MANAGEMENT, "read"),
    "Test-VHD": Cmdlet(HYPER_V, "read"),
    "Remove-VMSnapshot": Cmdlet(HYPER_V, "destroy"),
}
    "Resize-VirtualDisk": Cmdlet(STORAGE, "change"),
    "Rename-VMSnapshot": Cmdlet(HYPER_V, "change"),
    "Restore-VMSnapshot": Cmdlet(HYPER_V, "destroy"),
