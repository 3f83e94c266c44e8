"""Get-VHD, New-VHD and Test-VHD."""

from __future__ import annotations

from collections.abc import Iterator

from hvctl.lab import disks, lookup
from hvctl.lab.cmdlets.convert import work
from hvctl.lab.context import Args, Context, Handlers, Output, simulates
from hvctl.lab.entities import Drive, Vm
from hvctl.lab.kinds.storage import VIRTUAL_HARD_DISK, slot
from hvctl.lab.live import PLAIN, Live
from hvctl.lab.problems import Problem

HANDLERS: Handlers = {}


@simulates(HANDLERS, "Get-VHD", VIRTUAL_HARD_DISK, "Path VMId")
def get_vhd(context: Context, args: Args) -> Iterator[Output]:
    """Virtual hard disks by path, or those of VMs by id; one whose chain is broken is an error."""

    def get(path: str) -> Iterator[Output]:
        file = disks.find(context.world, context.host.name, path)
        disks.chain(context.world, file)
        yield Live(context.world, VIRTUAL_HARD_DISK, file)

    yield from context.each(args["Path"] if "Path" in args else _paths_of_vms(context, args), get)


@simulates(HANDLERS, "Test-VHD", PLAIN, "Path")
def test_vhd(context: Context, args: Args) -> Iterator[Output]:
    """Whether virtual hard disks and their chains are whole: true, or false and an error."""

    def test(path: str) -> Iterator[Output]:
        try:
            disks.chain(context.world, disks.find(context.world, context.host.name, path))
        except Problem:
            yield False
            raise
        yield True

    yield from context.each(args["Path"], test)


def _paths_of_vms(context: Context, args: Args) -> Iterator[str]:
    for vm_id in args["VMId"]:
        vm = context.world.get(Vm, vm_id)
        if vm is None or vm.host != context.host.name:
            context.fail(Problem("vm-missing-id", id=vm_id))
            continue
        drives = [drive for drive in context.world.find(Drive, vm=vm.id) if drive.kind == "disk"]
        yield from (drive.path for drive in sorted(drives, key=slot) if drive.path is not None)


@simulates(
    HANDLERS,
    "New-VHD",
    VIRTUAL_HARD_DISK,
    "Path SizeBytes Dynamic Fixed Differencing ParentPath BlockSizeBytes LogicalSectorSizeBytes"
    " PhysicalSectorSizeBytes",
)
def new_vhd(context: Context, args: Args) -> Iterator[Output]:
    """Create virtual hard disks: dynamic unless told otherwise, in the format of their extension."""
    differs = "ParentPath" in args
    disk_type = "Differencing" if differs else "Fixed" if args.get("Fixed") else "Dynamic"

    def make(path: str) -> Iterator[Output]:
        if lookup.has_wildcards(path):
            raise Problem("vhd-name", path=path)
        new = disks.NewDisk(
            path=path,
            type=disk_type,
            size=args.get("SizeBytes"),
            parent=args.get("ParentPath"),
            block=args.get("BlockSizeBytes"),
            logical_sector=args.get("LogicalSectorSizeBytes"),
            physical_sector=args.get("PhysicalSectorSizeBytes"),
        )
        made = disks.make(context.world, context.host.name, new)
        if disk_type == "Fixed":
            yield from work(context, f"Creating {made.path}", made.size)
        yield Live(context.world, VIRTUAL_HARD_DISK, made)

    yield from context.each(args["Path"], make)
