"""Drives, virtual hard disks, files and folders as live objects."""

from __future__ import annotations

from hvctl.lab import disks, paths
from hvctl.lab.entities import Drive, File, Vm
from hvctl.lab.live import Kind, Live, Read, constants, fields, table
from hvctl.lab.world import World


def slot(drive: Drive) -> tuple[str, int, int]:
    """Where a drive is plugged in, for sorting."""
    return drive.controller, drive.number, drive.location


def _reload(world: World, drive: Drive) -> Drive | None:
    return world.get(Drive, drive.id)


def _vm_name(live: Live) -> str | None:
    vm = live.world.get(Vm, live.entity.vm)
    return vm.name if vm else None


def _label(what: str) -> Read:
    def read(live: Live) -> str:
        drive: Drive = live.entity
        return f"{what} Drive on {drive.controller} controller number {drive.number} at location {drive.location}"

    return read


def _wire_id(live: Live) -> str:
    drive: Drive = live.entity
    return f"Microsoft:{drive.vm.upper()}\\{drive.id.upper()}\\{drive.number}\\{drive.location}\\D"


_DRIVE = table(
    fields(
        VMId="vm",
        Path="path",
        ControllerType="controller",
        ControllerNumber="number",
        ControllerLocation="location",
    ),
    constants(PoolName="Primordial", IsDeleted=False, VMSnapshotName=None),
    {
        "Id": _wire_id,
        "VMName": _vm_name,
        "ComputerName": lambda live: live.entity.host.upper(),
    },
)
HARD_DISK_DRIVE = Kind(
    "HardDiskDrive",
    table(_DRIVE, constants(DiskNumber=None, SupportPersistentReservations=False), {"Name": _label("Hard")}),
    text=lambda live: f"HardDiskDrive (Path = '{live.entity.path}')",
    reload=_reload,
    bases=("VMComponentObject",),
)
DVD_DRIVE = Kind(
    "DvdDrive",
    table(
        _DRIVE,
        {
            "Name": _label("DVD"),
            "DvdMediaType": lambda live: "None" if live.entity.path is None else "ISO",
        },
    ),
    text=lambda live: f"DvdDrive (Path = '{live.entity.path}')",
    reload=_reload,
    bases=("VMComponentObject",),
)


def holders(world: World, file: File) -> list[Vm]:
    """The VMs that have a file open: those that are on and have it, or a disk above it, in a drive."""
    found: dict[str, Vm] = {}
    keys, seen = [file.key], set[str]()
    while keys:
        key = keys.pop()
        seen.add(key)
        for drive in world.find(Drive, host=file.host, key=key):
            vm = world.get(Vm, drive.vm)
            if vm is not None and vm.state not in ("Off", "Saved"):
                found[vm.id] = vm
        keys += [each.key for each in world.find(File, host=file.host, parent=key) if each.key not in seen]
    return list(found.values())


def _disk(name: str) -> Read:
    return lambda live: live.entity.disk.get(name)


VIRTUAL_HARD_DISK = Kind(
    "VirtualHardDisk",
    table(
        fields(Path="path", FileSize="size"),
        {
            "ComputerName": lambda live: live.entity.host.upper(),
            "VhdFormat": _disk("format"),
            "VhdType": _disk("type"),
            "Size": _disk("size"),
            "BlockSize": _disk("block"),
            "LogicalSectorSize": _disk("logical_sector"),
            "PhysicalSectorSize": _disk("physical_sector"),
            "ParentPath": _disk("parent"),
            "DiskIdentifier": _disk("id"),
            "Attached": lambda live: bool(holders(live.world, live.entity)),
            "MinimumSize": lambda live: disks.minimum(live.world, live.entity),
        },
        constants(FragmentationPercentage=0, Alignment=1, DiskNumber=None, Number=None),
    ),
    text=lambda live: f"VirtualHardDisk (Path = '{live.entity.path}')",
    reload=lambda world, file: world.file(file.host, file.path),
)

FILE_SYSTEM_ITEM = Kind(
    "FileSystemInfo",
    table(
        fields(FullName="path"),
        {
            "Name": lambda live: paths.name(live.entity.path),
            "Extension": lambda live: _extension(live.entity),
            "Length": lambda live: None if live.entity.kind == "folder" else live.entity.size,
        },
    ),
    text=lambda live: str(live.entity.path),
    reload=lambda world, file: world.file(file.host, file.path),
)


def _extension(file: File) -> str:
    name = paths.name(file.path)
    return name[name.rindex(".") :] if "." in name else ""
