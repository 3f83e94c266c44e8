"""Creating a virtual machine: one batch that leaves nothing behind when any step of it fails."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PureWindowsPath

from hvctl.models.vm import VirtualMachine, VmCreate
from hvctl.powershell.batch import SELF, Batch, Call, Ref, Step, Value
from hvctl.services.vm.change import memory_parameters
from hvctl.services.vm.read import VmState, detail_steps

_NEW = Ref("vm")
_ADAPTER = Ref("adapter")
_NOT_IN_FILE_NAMES = re.compile(r'[<>:"/\\|?*\[\]\x00-\x1f]')
_DEVICE_NAMES = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9\xb9\xb2\xb3]) *(\..*)?", re.IGNORECASE)
_DISK_FILES = (".vhdx", ".vhd")
_NEW_MINIMUM, _NEW_MAXIMUM = 512 << 20, 1 << 40
"""The limits of dynamic memory that a new machine has."""


@dataclass(frozen=True, slots=True)
class Creation:
    """The batch that creates a virtual machine, and what to say when a step of it fails.

    Attributes:
        batch: What is sent; the step `details` holds the new machine.
        messages: What failed, by step id; the cmdlet's own words follow.
    """

    batch: Batch
    messages: dict[str, str] = field(default_factory=dict)


def plan_look() -> Batch:
    """What must be known before a virtual machine can be planned: the names taken, and where disks go."""
    return Batch(
        (
            Step("vms", Call("Get-VM"), select=VmState.properties()),
            Step("host", Call("Get-VMHost"), select=("VirtualHardDiskPath",), expect="one"),
        )
    )


def plan_create(spec: VmCreate, default_disk_folder: str) -> Creation:
    """The batch for a new virtual machine.

    Checks come first, then the machine, then what belongs to it; each made thing has its undo.

    Args:
        spec: What was asked for.
        default_disk_folder: The host's folder for new disks, from Get-VMHost.
    """
    steps = [
        *_checks(spec, default_disk_folder),
        *_machine(spec),
        *_disk(spec, default_disk_folder),
        *_dvd(spec),
        *_firmware(spec),
    ]
    steps += _network(spec)
    if spec.start:
        turn_off = Call("Stop-VM", {"VM": _NEW, "TurnOff": True, "Force": True})
        steps.append(Step("start", Call("Start-VM", {"VM": _NEW}), undo=turn_off))
    details = Call("Get-VM", {"Id": Ref("vm", property="Id")})
    steps.append(Step("details", details, select=VirtualMachine.properties(), expect="one"))
    steps += detail_steps("details")
    return Creation(Batch(tuple(steps)), _messages(spec, disk_path(spec, default_disk_folder)))


def disk_path(spec: VmCreate, default_folder: str) -> str:
    """Where the new disk goes: `--disk-path` as a file or a folder, else `--path`, else the host's folder for disks."""
    if spec.disk_path is not None and spec.disk_path.lower().endswith(_DISK_FILES):
        return spec.disk_path
    folder = spec.disk_path or spec.path or default_folder
    return f"{folder.rstrip(chr(92) + '/')}\\{file_name(spec.name)}.vhdx"


def file_name(name: str) -> str:
    """A virtual machine's name as a Windows file name: what such a name may not hold becomes an underscore.

    Brackets go too: a file name may hold them, but some cmdlets take them for wildcards.
    """
    safe = _NOT_IN_FILE_NAMES.sub("_", name).rstrip(" .") or "_"
    return f"_{safe}" if _DEVICE_NAMES.fullmatch(safe) else safe


def _checks(spec: VmCreate, default_folder: str) -> list[Step]:
    """What must hold before anything is made, so that a dry run finds it too."""
    steps = [Step("absent", Call("Get-VM"), where={"Name": spec.name}, expect="none")]
    if spec.switch is not None:
        steps.append(Step("switch", Call("Get-VMSwitch"), where={"Name": spec.switch}, expect="one"))
    for step_id, file in (("iso", spec.iso), ("attach", spec.attach)):
        if file is not None:
            steps.append(_path_step(f"{step_id}_file", file, "Leaf"))
    if spec.path is not None:
        steps.append(_path_step("root", PureWindowsPath(spec.path).anchor, "Container"))
    if spec.disk is not None:
        path = PureWindowsPath(disk_path(spec, default_folder))
        # New-VM makes the folder of --path; nothing makes the others.
        if spec.disk_path is not None or spec.path is None:
            steps.append(_path_step("disk_folder", str(path.parent), "Container"))
        taken = Call("Test-Path", {"LiteralPath": str(path)})
        steps.append(Step("disk_free", taken, where={SELF: "True"}, expect="none"))
    return steps


def _path_step(step_id: str, path: str, kind: str) -> Step:
    call = Call("Test-Path", {"LiteralPath": path, "PathType": kind})
    return Step(step_id, call, where={SELF: "True"}, expect="one")


def _machine(spec: VmCreate) -> list[Step]:
    new: dict[str, Value] = {
        "Name": spec.name,
        "Generation": spec.generation,
        "MemoryStartupBytes": spec.memory,
        "NoVHD": True,
    }
    if spec.path is not None:
        new["Path"] = spec.path
    remove = Call("Remove-VM", {"VM": _NEW, "Force": True})
    steps = [Step("vm", Call("New-VM", new), expect="one", undo=remove)]
    settings = _settings(spec)
    if settings:
        steps.append(Step("settings", Call("Set-VM", {"VM": _NEW, **settings})))
    return steps


def _settings(spec: VmCreate) -> dict[str, Value]:
    has_limits = spec.memory_minimum is not None or spec.memory_maximum is not None
    dynamic = True if spec.dynamic_memory is None and has_limits else spec.dynamic_memory
    settings = memory_parameters(dynamic=dynamic)
    minimum, maximum = spec.memory_minimum, spec.memory_maximum
    if dynamic:
        # A new machine's own limits would refuse what lies beyond them.
        minimum = spec.memory if minimum is None and spec.memory < _NEW_MINIMUM else minimum
        maximum = spec.memory if maximum is None and spec.memory > _NEW_MAXIMUM else maximum
    optional = {
        "MemoryMinimumBytes": minimum,
        "MemoryMaximumBytes": maximum,
        "ProcessorCount": spec.processors,
        "Notes": spec.notes,
    }
    settings |= {name: value for name, value in optional.items() if value is not None}
    return settings


def _disk(spec: VmCreate, default_folder: str) -> list[Step]:
    if spec.disk is None and spec.attach is None:
        return []
    steps: list[Step] = []
    path: Value = spec.attach
    if spec.disk is not None:
        new = Call("New-VHD", {"Path": disk_path(spec, default_folder), "SizeBytes": spec.disk, "Dynamic": True})
        remove = Call("Remove-Item", {"LiteralPath": Ref("disk", property="Path"), "Force": True})
        steps.append(Step("disk", new, expect="one", undo=remove))
        path = Ref("disk", property="Path")
    steps.append(Step("drive", Call("Add-VMHardDiskDrive", {"VM": _NEW, "Path": path, "Passthru": True})))
    return steps


def _dvd(spec: VmCreate) -> list[Step]:
    if spec.iso is None:
        return []
    if spec.generation == 2:
        return [Step("dvd", Call("Add-VMDvdDrive", {"VM": _NEW, "Path": spec.iso, "Passthru": True}))]
    find = Step("dvd", Call("Get-VMDvdDrive", {"VM": _NEW}), expect="one")
    return [find, Step("insert", Call("Set-VMDvdDrive", {"VMDvdDrive": Ref("dvd"), "Path": spec.iso}))]


def _firmware(spec: VmCreate) -> list[Step]:
    """What boots first: the ISO, else the disk. Generation 1 knows kinds of devices only, not the device itself."""
    if spec.generation == 1:
        if spec.iso is None:
            return []
        order = ("CD", "IDE", "LegacyNetworkAdapter", "Floppy")
        return [Step("bios", Call("Set-VMBios", {"VM": _NEW, "StartupOrder": order}))]
    settings: dict[str, Value] = {}
    if spec.secure_boot_template is not None:
        settings["SecureBootTemplate"] = spec.secure_boot_template
    if spec.iso is not None:
        settings["FirstBootDevice"] = Ref("dvd")
    elif spec.disk is not None or spec.attach is not None:
        settings["FirstBootDevice"] = Ref("drive")
    return [Step("boot", Call("Set-VMFirmware", {"VM": _NEW, **settings}))] if settings else []


def _network(spec: VmCreate) -> list[Step]:
    """Connect by object: a switch's name may hold wildcard characters."""
    if spec.switch is None:
        return []
    connect = Call("Connect-VMNetworkAdapter", {"VMNetworkAdapter": _ADAPTER, "VMSwitch": Ref("switch")})
    steps = [Step("adapter", Call("Get-VMNetworkAdapter", {"VM": _NEW}), expect="one"), Step("connect", connect)]
    if spec.vlan is not None:
        vlan = Call("Set-VMNetworkAdapterVlan", {"VMNetworkAdapter": _ADAPTER, "Access": True, "VlanId": spec.vlan})
        steps.append(Step("vlan", vlan))
    return steps


def _messages(spec: VmCreate, disk: str) -> dict[str, str]:
    failed = f"'{spec.name}' was not created"
    return {
        "absent": f"A virtual machine called '{spec.name}' exists already.",
        "switch": f"There is no virtual switch '{spec.switch}', or more than one.",
        "iso_file": f"The host has no file '{spec.iso}'.",
        "attach_file": f"The host has no file '{spec.attach}'.",
        "root": f"The host has no '{PureWindowsPath(spec.path or '').anchor}'.",
        "disk_folder": f"The host has no folder '{PureWindowsPath(disk).parent}'.",
        "disk_free": f"The host has a file '{disk}' already.",
        "vm": failed,
        "settings": f"{failed}, its settings were refused",
        "disk": f"{failed}, its disk could not be made",
        "drive": f"{failed}, its disk could not be attached",
        "dvd": f"{failed}, it has no drive for the ISO",
        "insert": f"{failed}, the ISO could not be put in",
        "bios": f"{failed}, its boot order could not be set",
        "boot": f"{failed}, its firmware could not be set",
        "adapter": f"{failed}, it has no network adapter",
        "connect": f"{failed}, it could not be connected to '{spec.switch}'",
        "vlan": f"{failed}, its VLAN could not be set",
        "start": f"{failed}, it could not be started",
    }
