"""Resize-VHD, Convert-VHD and Merge-VHD."""

from __future__ import annotations

from collections.abc import Iterator

from hvctl.lab import disks, paths
from hvctl.lab.context import Args, Context, Handlers, Output, Wait, simulates
from hvctl.lab.entities import Drive, File
from hvctl.lab.kinds.storage import VIRTUAL_HARD_DISK, holders
from hvctl.lab.live import Live
from hvctl.lab.problems import Problem
from hvctl.lab.steps import not_simulated

HANDLERS: Handlers = {}
_PORTION = 20
"""Percent of a long job that pass between two words on its progress."""


def work(context: Context, status: str, size: int) -> Iterator[Output]:
    """Take the time that writing so many bytes takes, and tell how far it is."""
    total = disks.seconds(size)
    if total < 1:
        return
    start = context.world.now()
    for percent in range(0, 100, _PORTION):
        context.sink.progress(context.cmdlet, status, percent, total * (100 - percent) / 100)
        yield Wait(start + total * (percent + _PORTION) / 100)


@simulates(HANDLERS, "Resize-VHD", VIRTUAL_HARD_DISK, "Path SizeBytes ToMinimumSize Passthru")
def resize_vhd(context: Context, args: Args) -> Iterator[Output]:
    """Change the size of virtual hard disks: of any that is offline, and of a VHDX on SCSI while its VM runs."""

    def resize(path: str) -> Iterator[Output]:
        file = disks.find(context.world, context.host.name, path)
        size = disks.minimum(context.world, file) if args.get("ToMinimumSize") else args["SizeBytes"]
        size = _checked_size(context, file, size)
        if file.disk["type"] == "Fixed":
            yield from work(context, f"Resizing {file.path}", max(0, size - file.disk["size"]))
            file = disks.find(context.world, context.host.name, path)
        disks.resize(context.world, file, size)
        if args.get("Passthru"):
            yield Live(context.world, VIRTUAL_HARD_DISK, file)

    yield from context.each(args["Path"], resize)


def _checked_size(context: Context, file: File, size: int | None) -> int:
    world, least = context.world, disks.minimum(context.world, file)
    disks.chain(world, file)
    if disks.children(world, file):
        raise Problem("vhd-resize", path=file.path, reason="other virtual hard disks differ from it")
    if not _may_resize_online(context, file):
        raise Problem("vhd-resize-online", path=file.path)
    is_vhd, now = file.disk["format"] == "VHD", int(file.disk["size"])
    if size is None or size < now:
        if is_vhd:
            raise Problem("vhd-resize", path=file.path, reason="a VHD cannot be made smaller")
        if size is None or least is None or size < least:
            raise Problem("vhd-resize", path=file.path, reason="its partitions reach beyond that size")
    elif is_vhd and file.disk["type"] == "Differencing":
        raise Problem("vhd-resize", path=file.path, reason="a differencing VHD has the size of its parent")
    disks.check_size(file.path, file.disk["format"], size, file.disk["logical_sector"])
    return size


def _may_resize_online(context: Context, file: File) -> bool:
    held = {vm.id for vm in holders(context.world, file)}
    drives = [drive for drive in context.world.find(Drive, host=file.host, key=file.key) if drive.vm in held]
    return not held or (file.disk["format"] == "VHDX" and all(drive.controller == "SCSI" for drive in drives))


@simulates(
    HANDLERS,
    "Convert-VHD",
    VIRTUAL_HARD_DISK,
    "Path DestinationPath VHDType ParentPath BlockSizeBytes DeleteSource Passthru",
)
def convert_vhd(context: Context, args: Args) -> Iterator[Output]:
    """Copy a virtual hard disk that is offline into a new one of another format or type."""
    yield from context.each([args["Path"]], lambda path: _convert(context, args, path))


def _convert(context: Context, args: Args, path: str) -> Iterator[Output]:
    world, host = context.world, context.host.name
    source = disks.find(world, host, path)
    _require_offline(context, source)
    contents = disks.contents(world, source)
    kind = args.get("VHDType") or source.disk["type"]
    if (kind == "Differencing") is not ("ParentPath" in args):
        raise Problem("vhd-convert-parent", path=path)
    new = disks.NewDisk(
        args["DestinationPath"], kind, source.disk["size"], args.get("ParentPath"), args.get("BlockSizeBytes")
    )
    made = disks.make(world, host, new)
    yield from work(context, f"Converting {source.path}", made.size if kind == "Fixed" else source.size)
    made.disk["written"] = contents
    made.disk["minimum"] = disks.minimum(world, source)
    made.size = max(made.size, min(sum(link.size for link in disks.chain(world, source)), made.disk["size"]))
    world.save(made)
    if args.get("DeleteSource"):
        world.remove(source)
    if args.get("Passthru"):
        yield Live(world, VIRTUAL_HARD_DISK, made)


@simulates(HANDLERS, "Merge-VHD", VIRTUAL_HARD_DISK, "Path DestinationPath Force Passthru")
def merge_vhd(context: Context, args: Args) -> Iterator[Output]:
    """Merge a differencing disk into its parent while both are offline; the differencing file is deleted."""
    yield from context.each([args["Path"]], lambda path: _merge(context, args, path))


def _merge(context: Context, args: Args, path: str) -> Iterator[Output]:
    world, host = context.world, context.host.name
    child = disks.find(world, host, path)
    if not child.disk.get("parent"):
        raise Problem("vhd-not-differencing", path=child.path)
    parent = disks.chain(world, child)[1]
    if paths.key(args.get("DestinationPath", parent.path)) != parent.key:
        raise not_simulated("The lab merges a disk into its own parent only.")
    _require_offline(context, parent)
    if not args.get("Force"):
        raise Problem("prompt")
    yield from work(context, f"Merging {child.path}", child.size)
    parent = disks.merge(world, disks.find(world, host, path), adopts=False)
    if args.get("Passthru"):
        yield Live(world, VIRTUAL_HARD_DISK, parent)


def _require_offline(context: Context, file: File) -> None:
    if holders(context.world, file):
        raise Problem("vhd-busy", path=file.path)
