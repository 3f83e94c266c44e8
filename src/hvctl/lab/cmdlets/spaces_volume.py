"""Disks as Windows sees them, partitions and volumes."""

from __future__ import annotations

from collections.abc import Iterator

from hvctl.lab import cim, faulty, paths
from hvctl.lab.cim import Disk
from hvctl.lab.context import Args, Context, Handlers, Output, simulates
from hvctl.lab.entities import MIB, File
from hvctl.lab.kinds.spaces import DISK, PARTITION, VIRTUAL_DISK, VOLUME
from hvctl.lab.live import Live, lives
from hvctl.lab.problems import Problem
from hvctl.lab.spaces import Partition, PhysicalDisk, VirtualDisk

HANDLERS: Handlers = {}
_FIRST = 16 * MIB
"""Where the first partition begins: before it lies the reserved one of a GPT disk."""
_END = MIB
_REFS_LEAST = 1200 * MIB


@simulates(HANDLERS, "Get-Disk", DISK, "Number UniqueId FriendlyName VirtualDisk Partition")
def get_disk(context: Context, args: Args) -> Iterator[Output]:
    """The disks that Windows sees."""
    found = cim.disks(context)
    if "VirtualDisk" in args:
        space = cim.one(args, "VirtualDisk", VIRTUAL_DISK)
        found = [disk for disk in found if disk.id == space.id]
    if "Partition" in args:
        found = [disk for disk in found if disk.id == cim.one(args, "Partition", PARTITION).disk]
    named = {"Number": "number", "UniqueId": "id", "FriendlyName": "name"}
    yield from lives(context.world, DISK, cim.kept(context, found, args, DISK, named))


def _disks(context: Context, args: Args) -> list[Disk]:
    if "InputObject" in args:
        return cim.objects(args, "InputObject", DISK)
    if "VirtualDisk" in args:
        return cim.objects(args, "VirtualDisk", VIRTUAL_DISK)
    named = {"Number": args["Number"] if "Number" in args else args["DiskNumber"]}
    return cim.kept(context, cim.disks(context), named, DISK, {"Number": "number"})


def _save(context: Context, disk: Disk) -> None:
    context.world.save(disk)


@simulates(HANDLERS, "Initialize-Disk", DISK, "InputObject VirtualDisk Number PartitionStyle")
def initialize_disk(context: Context, args: Args) -> Iterator[Output]:
    """Give disks a partition table."""
    for disk in _disks(context, args):
        _require_online(context, disk)
        if disk.style != "RAW":
            raise Problem("storage-initialized")
        disk.style = args.get("PartitionStyle", "GPT")
        _save(context, disk)
    yield from ()


def _require_online(context: Context, disk: Disk) -> None:
    if isinstance(disk, VirtualDisk) and faulty.is_offline(context.world, disk):
        raise Problem("storage-offline")


@simulates(HANDLERS, "Get-Partition", PARTITION, "Disk DiskNumber DriveLetter Volume")
def get_partition(context: Context, args: Args) -> Iterator[Output]:
    """The partitions of the host, or of a disk."""
    found = context.world.find(Partition, host=context.host.name)
    if "Disk" in args:
        found = cim.partitions_of(context, cim.one(args, "Disk", DISK))
    if "DiskNumber" in args:
        numbers = {disk.id: disk.number for disk in cim.disks(context)}
        found = [each for each in found if numbers.get(each.disk) in args["DiskNumber"]]
    if "Volume" in args:
        found = [each for each in found if each.id == cim.one(args, "Volume", VOLUME).id]
    yield from lives(context.world, PARTITION, cim.kept(context, found, args, PARTITION, {"DriveLetter": "letter"}))


@simulates(
    HANDLERS, "New-Partition", PARTITION, "InputObject DiskNumber Size UseMaximumSize DriveLetter AssignDriveLetter"
)
def new_partition(context: Context, args: Args) -> Iterator[Output]:
    """Make a partition on a disk that is initialised."""
    world = context.world
    for disk in _disks(context, args):
        _require_online(context, disk)
        if disk.style == "RAW":
            raise Problem("storage-not-initialized")
        others = cim.partitions_of(context, disk)
        offset = max((each.offset + each.size for each in others), default=_FIRST)
        room = disk.size - offset - _END
        if bool(args.get("UseMaximumSize")) == ("Size" in args):
            raise Problem("storage-which-size")
        size = room if args.get("UseMaximumSize") else int(args["Size"])
        if room <= 0 or not 0 < size <= room:
            raise Problem("storage-capacity")
        partition = Partition(
            id=world.new_id("partition"),
            host=context.host.name,
            disk=disk.id,
            number=max((each.number for each in others), default=1) + 1,
            offset=offset,
            size=size // MIB * MIB,
            letter=_letter(context, args),
        )
        world.add(partition)
        yield Live(world, PARTITION, partition)


def _letter(context: Context, args: Args) -> str | None:
    taken = {each.letter for each in context.world.find(Partition, host=context.host.name)}
    if args.get("AssignDriveLetter"):
        return next(letter for letter in "DEFGHIJKLMNOPQRSTUVWXYZ" if letter not in taken)
    letter = str(args["DriveLetter"]).upper() if "DriveLetter" in args else None
    if letter in taken and letter is not None:
        raise Problem("storage-letter", letter=letter)
    return letter


@simulates(HANDLERS, "Remove-Partition", PARTITION, "InputObject DriveLetter")
def remove_partition(context: Context, args: Args) -> Iterator[Output]:
    """Delete partitions, with the volumes and files on them."""
    cim.require_answer(args)
    if "InputObject" in args:
        found = cim.objects(args, "InputObject", PARTITION)
    else:
        everything = context.world.find(Partition, host=context.host.name)
        found = cim.kept(context, everything, args, PARTITION, {"DriveLetter": "letter"})
    for partition in found:
        for file in faulty.on_volume(context.world, partition):
            context.world.remove(file)
        context.world.remove(partition)
    yield from ()


@simulates(HANDLERS, "Get-Volume", VOLUME, "DriveLetter FileSystemLabel UniqueId Partition")
def get_volume(context: Context, args: Args) -> Iterator[Output]:
    """The volumes of the host, those without a file system as well."""
    found = context.world.find(Partition, host=context.host.name)
    if "Partition" in args:
        found = [each for each in found if each.id == cim.one(args, "Partition", PARTITION).id]
    found = [each for each in found if not _is_offline(context, each)]
    yield from lives(context.world, VOLUME, cim.kept(context, found, args, VOLUME, {"DriveLetter": "letter"}))


def _is_offline(context: Context, partition: Partition) -> bool:
    space = context.world.get(VirtualDisk, partition.disk)
    return space is not None and faulty.is_offline(context.world, space)


@simulates(
    HANDLERS,
    "Format-Volume",
    VOLUME,
    "Partition InputObject DriveLetter FileSystem NewFileSystemLabel AllocationUnitSize Force",
)
def format_volume(context: Context, args: Args) -> Iterator[Output]:
    """Format a volume; what was on it is gone, and with a drive letter there is a folder to put things in."""
    cim.require_answer(args)
    world = context.world
    for partition in _volumes(context, args):
        disk = world.get(VirtualDisk, partition.disk) or world.get(PhysicalDisk, partition.disk)
        if disk is None or (isinstance(disk, PhysicalDisk) and disk.system):
            raise Problem("storage-parameter", reason="Windows runs from this volume.")
        file_system = args.get("FileSystem", "NTFS")
        if file_system == "ReFS" and partition.size < _REFS_LEAST:
            raise Problem("storage-size")
        for file in faulty.on_volume(world, partition):
            world.remove(file)
        partition.file_system = file_system
        partition.label = args.get("NewFileSystemLabel", "")
        partition.unit = args.get("AllocationUnitSize", 4096)
        world.save(partition)
        if partition.letter is not None:
            root = f"{partition.letter}:\\"
            world.add(File(host=partition.host, key=paths.key(root), path=root, kind="folder", disk={}))
        yield Live(world, VOLUME, partition)


def _volumes(context: Context, args: Args) -> list[Partition]:
    if "Partition" in args:
        return cim.objects(args, "Partition", PARTITION)
    if "InputObject" in args:
        return cim.objects(args, "InputObject", VOLUME)
    everything = context.world.find(Partition, host=context.host.name)
    return cim.kept(context, everything, args, VOLUME, {"DriveLetter": "letter"})
