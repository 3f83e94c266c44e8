"""Virtual hard disks as files of the world: made, found, checked, written, and merged along their chains."""

from __future__ import annotations

from typing import NamedTuple

from hvctl.lab import paths
from hvctl.lab.entities import GIB, MIB, TIB, File
from hvctl.lab.problems import Problem
from hvctl.lab.world import World

EXTENSIONS = {".vhd": "VHD", ".vhdx": "VHDX", ".avhd": "VHD", ".avhdx": "VHDX"}
_SMALLEST = 3 * MIB
_LARGEST = {"VHD": 2040 * GIB, "VHDX": 64 * TIB}
_BLOCK = {"VHD": 2 * MIB, "VHDX": 32 * MIB}
EMPTY_FILE = 4 * MIB
"""What a disk's file takes before anything is written."""
_SYSTEM = 512 * MIB
"""What a guest writes at its first start."""
_PER_SECOND = 512 * MIB


class NewDisk(NamedTuple):
    """A virtual hard disk to be made; sizes in bytes."""

    path: str
    type: str
    size: int | None
    parent: str | None = None
    block: int | None = None
    logical_sector: int | None = None
    physical_sector: int | None = None


def make(world: World, host: str, disk: NewDisk) -> File:
    """Make a virtual hard disk file.

    Raises:
        Problem: The path, the size or the parent will not do.
    """
    path = paths.normalize(disk.path)
    disk_format = EXTENSIONS.get(paths.suffix(path))
    if disk_format is None:
        raise Problem("vhd-extension", path=disk.path)
    if not paths.is_valid(path):
        raise Problem("vhd-name", path=disk.path)
    parent = None if disk.parent is None else find(world, host, disk.parent)
    if parent is not None:
        _check_parent(world, path, parent)
    size = disk.size if disk.size is not None or parent is None else int(parent.disk["size"])
    check_size(path, disk_format, size, disk.logical_sector or 512)
    _check_place(world, host, path)
    fixed = disk.type == "Fixed"
    content = {
        "format": disk_format,
        "type": disk.type,
        "size": size,
        "block": disk.block or (0 if fixed else _block(disk_format, parent)),
        "logical_sector": disk.logical_sector or 512,
        "physical_sector": disk.physical_sector or (512 if disk_format == "VHD" else 4096),
        "parent": parent.path if parent else None,
        "parent_stamp": parent.disk.get("stamp") if parent else None,
        "id": world.new_id("disk").upper(),
    }
    file_size = (size or 0) + EMPTY_FILE if fixed else EMPTY_FILE
    file = File(host=host, key=paths.key(path), path=path, kind="vhd", size=file_size, disk=content)
    world.add(file)
    return file


def _block(disk_format: str, parent: File | None) -> int:
    return int(parent.disk["block"]) if parent and parent.disk["block"] else _BLOCK[disk_format]


def _check_place(world: World, host: str, path: str) -> None:
    if world.file(host, path) is not None:
        raise Problem("vhd-exists", path=path)
    if not folder_exists(world, host, paths.parent(path)):
        if not world.setting("new_vhd_creates_folder"):
            raise Problem("vhd-folder", path=path)
        make_folder(world, host, paths.parent(path))


def _check_parent(world: World, path: str, parent: File) -> None:
    if EXTENSIONS.get(paths.suffix(path)) != parent.disk["format"]:
        raise Problem("vhd-parent-format", path=path, parent=parent.path)
    chain(world, parent)


def check_size(path: str, disk_format: str, size: int | None, sector: int = 512) -> None:
    """Make sure that a disk can have a size, in bytes.

    Raises:
        Problem: It is too small, too large, or no multiple of the sector size.
    """
    reason = None
    if size is None or size < _SMALLEST:
        reason = "a virtual hard disk has at least 3 MB"
    elif size > _LARGEST[disk_format]:
        reason = f"a {disk_format} has at most {_LARGEST[disk_format] // GIB} GB"
    elif size % sector:
        reason = f"it is not a multiple of {sector} bytes"
    if reason is not None:
        raise Problem("vhd-size", path=path, size=size, reason=reason)


def make_child(world: World, host: str, path: str, parent: str) -> File:
    """Make a differencing disk: what is written goes into it, and its parent stays as it is.

    Raises:
        Problem: The path is taken, or the parent's chain is broken.
    """
    return make(world, host, NewDisk(path, "Differencing", None, parent=parent))


def chain(world: World, file: File) -> list[File]:
    """A disk and its parents, itself first and the root last.

    Raises:
        Problem: A parent is not there, or was written to since its child was made.
    """
    links = [file]
    while links[-1].disk.get("parent"):
        child = links[-1]
        parent = world.file(child.host, child.disk["parent"])
        if parent is None or parent.kind != "vhd":
            raise Problem("vhd-missing", path=child.disk["parent"])
        if parent.disk.get("stamp") != child.disk.get("parent_stamp") or any(each.key == parent.key for each in links):
            raise Problem("vhd-chain", path=file.path)
        links.append(parent)
    return links


def children(world: World, file: File) -> list[File]:
    """The disks that differ from a disk, of whatever VM or of none."""
    return world.find(File, host=file.host, parent=file.key)


def write(world: World, file: File, **what: str) -> None:
    """Let a guest write to a disk: `what` is kept under its names, in this disk alone.

    Every disk that differs from it is broken from now on, as on Windows.
    """
    first = "minimum" not in file.disk
    file.disk["written"] = file.disk.get("written", {}) | what
    file.disk["stamp"] = file.disk.get("stamp", 0) + 1
    if first:
        # A guest's partitions reach to the end of the disk as it is when they are made.
        file.disk["minimum"] = minimum(world, file) or file.disk["size"]
        _grow(file, _SYSTEM)
    world.save(file)


def contents(world: World, file: File) -> dict[str, str]:
    """What a guest would read from a disk: what was written to it, and below that what its parents have.

    Raises:
        Problem: Its chain is broken.
    """
    found: dict[str, str] = {}
    for link in reversed(chain(world, file)):
        found |= link.disk.get("written", {})
    return found


def minimum(world: World, file: File) -> int | None:
    """The size in bytes below which a disk cannot shrink: where its partitions end; None where it has none."""
    try:
        links = chain(world, file)
    except Problem:
        return None
    return next((int(link.disk["minimum"]) for link in links if link.disk.get("minimum") is not None), None)


def resize(world: World, file: File, size: int) -> None:
    """Give a disk another size, in bytes."""
    file.disk["size"] = size
    if file.disk["type"] == "Fixed":
        file.size = size + EMPTY_FILE
    world.save(file)


def merge(world: World, child: File, *, adopts: bool = True) -> File:
    """Merge a differencing disk into its parent, and return that; the child's file is gone.

    What differs from the child differs from the parent from now on, unless the parent adopts none: then it is broken,
    as other children of the parent are.

    Raises:
        Problem: The child has no parent, or its chain is broken.
    """
    if not child.disk.get("parent"):
        raise Problem("vhd-not-differencing", path=child.path)
    parent = chain(world, child)[1]
    grandchildren = children(world, child) if adopts else []
    parent.disk["written"] = parent.disk.get("written", {}) | child.disk.get("written", {})
    parent.disk["stamp"] = parent.disk.get("stamp", 0) + 1
    parent.disk["size"] = child.disk["size"]
    if child.disk.get("minimum") is not None:
        parent.disk["minimum"] = child.disk["minimum"]
    _grow(parent, child.size - EMPTY_FILE)
    world.remove(child)
    world.save(parent)
    for each in grandchildren:
        each.disk["parent"], each.disk["parent_stamp"] = parent.path, parent.disk["stamp"]
        world.save(each)
    return parent


def seconds(size: int) -> float:
    """How long the host takes to write so many bytes."""
    return size / _PER_SECOND


def _grow(file: File, by: int) -> None:
    file.size = (
        file.disk["size"] + EMPTY_FILE
        if file.disk["type"] == "Fixed"
        else min(file.size + by, file.disk["size"] + EMPTY_FILE)
    )


def find(world: World, host: str, path: str) -> File:
    """The virtual hard disk at a path.

    Raises:
        Problem: There is none.
    """
    file = world.file(host, path)
    if file is None or file.kind != "vhd":
        raise Problem("vhd-missing", path=path)
    return file


def folder_exists(world: World, host: str, path: str) -> bool:
    """Whether there is a folder at a path."""
    file = world.file(host, path)
    return file is not None and file.kind == "folder"


def make_folder(world: World, host: str, path: str) -> None:
    """Make a folder and those above it; one on a drive that the host lacks fails.

    Raises:
        LookupError: The path is on no drive of the host.
    """
    missing = []
    current = paths.normalize(path)
    while world.file(host, current) is None:
        missing.append(current)
        above = paths.parent(current)
        if above == current:
            raise LookupError(path)
        current = above
    for folder in reversed(missing):
        world.add(File(host=host, key=paths.key(folder), path=folder, kind="folder", disk={}))
