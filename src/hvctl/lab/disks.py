"""Virtual hard disks as files of the world: made, found, checked."""

from __future__ import annotations

from typing import NamedTuple

from hvctl.lab import paths
from hvctl.lab.entities import GIB, MIB, TIB, File
from hvctl.lab.problems import Problem
from hvctl.lab.world import World

EXTENSIONS = {".vhd": "VHD", ".vhdx": "VHDX", ".avhd": "VHD", ".avhdx": "VHDX"}
_SMALLEST = 3 * MIB
_LARGEST = {"VHD": 2040 * GIB, "VHDX": 64 * TIB}
_SECTOR = 4096
_BLOCK = {"VHD": 2 * MIB, "VHDX": 32 * MIB}
_EMPTY_FILE = 4 * MIB


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
    size = disk.size if disk.size is not None or parent is None else int(parent.disk["size"])
    _check_size(path, disk_format, size)
    if world.file(host, path) is not None:
        raise Problem("vhd-exists", path=path)
    if not folder_exists(world, host, paths.parent(path)):
        if not world.setting("new_vhd_creates_folder"):
            raise Problem("vhd-folder", path=path)
        make_folder(world, host, paths.parent(path))
    fixed = disk.type == "Fixed"
    content = {
        "format": disk_format,
        "type": disk.type,
        "size": size,
        "block": disk.block or (0 if fixed else _block(disk_format, parent)),
        "logical_sector": disk.logical_sector or 512,
        "physical_sector": disk.physical_sector or (512 if disk_format == "VHD" else 4096),
        "parent": parent.path if parent else None,
        "id": world.new_id("disk").upper(),
    }
    file_size = (size or 0) + _EMPTY_FILE if fixed else _EMPTY_FILE
    file = File(host=host, key=paths.key(path), path=path, kind="vhd", size=file_size, disk=content)
    world.add(file)
    return file


def _block(disk_format: str, parent: File | None) -> int:
    return int(parent.disk["block"]) if parent and parent.disk["block"] else _BLOCK[disk_format]


def _check_size(path: str, disk_format: str, size: int | None) -> None:
    reason = None
    if size is None or size < _SMALLEST:
        reason = "a virtual hard disk has at least 3 MB"
    elif size > _LARGEST[disk_format]:
        reason = f"a {disk_format} has at most {_LARGEST[disk_format] // GIB} GB"
    elif size % _SECTOR:
        reason = f"it is not a multiple of {_SECTOR} bytes"
    if reason is not None:
        raise Problem("vhd-size", path=path, size=size, reason=reason)


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
