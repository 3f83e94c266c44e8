"""Get-ChildItem, Test-Path and Remove-Item on the files of a host."""

from __future__ import annotations

from collections.abc import Iterator

from hvctl.lab import lookup, paths
from hvctl.lab.cmdlets.vm import config_files
from hvctl.lab.context import Args, Context, Handlers, Output, simulates
from hvctl.lab.entities import File, Merge, Vm
from hvctl.lab.kinds.storage import FILE_SYSTEM_ITEM, holders
from hvctl.lab.live import PLAIN, Live
from hvctl.lab.problems import Problem
from hvctl.lab.steps import not_simulated

HANDLERS: Handlers = {}


@simulates(HANDLERS, "Test-Path", PLAIN, "LiteralPath Path PathType")
def test_path(context: Context, args: Args) -> Iterator[Output]:
    """Whether there is something at each path: anything, a folder (Container), or a file (Leaf)."""
    for path in _paths(args):
        file = context.world.file(context.host.name, path)
        wanted = {"Container": ("folder",), "Leaf": ("vhd", "iso", "config")}.get(args.get("PathType", "Any"))
        yield file is not None and (wanted is None or file.kind in wanted)


@simulates(HANDLERS, "Remove-Item", PLAIN, "LiteralPath Path Force Recurse")
def remove_item(context: Context, args: Args) -> Iterator[Output]:
    """Delete files and folders; a file that a VM holds open stays."""

    def remove(path: str) -> Iterator[Output]:
        world = context.world
        file = world.file(context.host.name, path)
        if file is None:
            raise Problem("item-missing", path=path, target=path)
        within = _below(context, file)
        if within and not args.get("Recurse"):
            raise Problem("prompt")
        for each in (*within, file):
            if _is_busy(context, each):
                raise Problem("item-busy", path=each.path, target=each.path)
            world.remove(each)
        yield from ()

    yield from context.each(_paths(args), remove)


@simulates(HANDLERS, "Get-ChildItem", FILE_SYSTEM_ITEM, "LiteralPath Path File Directory Recurse Force")
def get_child_item(context: Context, args: Args) -> Iterator[Output]:
    """What is in folders, and with -Recurse in those below; a file stands for itself."""

    def children(path: str) -> Iterator[Output]:
        item = context.world.file(context.host.name, path)
        if item is None:
            raise Problem("item-missing", path=path, target=path)
        found = _below(context, item) if item.kind == "folder" else [item]
        for file in sorted(found, key=lambda each: each.key):
            direct = file is item or paths.key(paths.parent(file.path)) == item.key
            unwanted = args.get("File") if file.kind == "folder" else args.get("Directory")
            if not unwanted and (direct or args.get("Recurse")):
                yield Live(context.world, FILE_SYSTEM_ITEM, file)

    if "LiteralPath" not in args and "Path" not in args:
        raise not_simulated("The lab has no current folder; name one.")
    yield from context.each(_paths(args), children)


def _paths(args: Args) -> list[str]:
    if "LiteralPath" in args:
        return list(args["LiteralPath"])
    for path in args["Path"]:
        if lookup.has_wildcards(path):
            raise not_simulated("The lab does not simulate wildcards in -Path; use -LiteralPath.")
    return list(args["Path"])


def _below(context: Context, folder: File) -> list[File]:
    if folder.kind != "folder":
        return []
    start = folder.key.rstrip("\\") + "\\"
    files = context.world.find(File, host=folder.host)
    return [file for file in files if file.key.startswith(start) and file.key != folder.key]


def _is_busy(context: Context, file: File) -> bool:
    world = context.world
    if file.kind == "config":
        vms = world.find(Vm, host=file.host)
        return any(file.key == paths.key(path) for vm in vms for path in config_files(vm))
    is_being_merged = any(file.key == paths.key(each.path) for each in world.find(Merge, host=file.host))
    return is_being_merged or bool(holders(world, file))
