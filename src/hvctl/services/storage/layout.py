"""Which disks a pool is made of, and about how much it will hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hvctl.errors import ConflictError, NotFoundError
from hvctl.models.storage import PhysicalDisk
from hvctl.models.storage_create import LAYOUTS, LEAST_DISK, Layout
from hvctl.services.names import folded
from hvctl.units import format_size

_UNIT = 1 << 30
_OVERHEAD = 2 * _UNIT
"""About what a pool keeps of each disk for itself and for logs."""
_MOST_COLUMNS = 8
_SHARED_BUSES = ("iSCSI", "Fibre Channel")


def choose_disks(wanted: Sequence[str], layout: Layout, disks: Sequence[PhysicalDisk], host: str) -> list[PhysicalDisk]:
    """The disks of a new pool.

    Args:
        wanted: Ids, numbers, serial numbers or names; none, or `auto`, for all that can be pooled, of the one type
            that gives most.
        layout: What they are to be used for.
        disks: Every disk of the host.
        host: The host, for errors.

    Raises:
        NotFoundError: A disk that was named is not there.
        ConflictError: One cannot be pooled, or they are too few.
    """
    automatic = not wanted or [folded(text) for text in wanted] == ["AUTO"]
    chosen = _automatic(layout, disks, host) if automatic else _named(wanted, disks, host)
    if len(chosen) < layout.disks:
        raise ConflictError(
            f"{_name(layout)} needs at least {layout.disks} disks, and {len(chosen)} "
            f"{'are' if len(chosen) != 1 else 'is'} there for it on {host}.",
            host=host,
            hint="Name more disks, or choose another resiliency. What can be pooled: hvctl storage disk list",
        )
    shared = [disk for disk in chosen if disk.bus in _SHARED_BUSES]
    if shared and layout.redundancy:
        raise ConflictError(
            f"{described(shared)} is reached over {shared[0].bus}: such disks take no resiliency but simple.",
            host=host,
            hint="Leave the resiliency to what is behind them: --resiliency simple",
        )
    return chosen


def find_disks(wanted: Sequence[str], disks: Sequence[PhysicalDisk], host: str) -> list[PhysicalDisk]:
    """The disks of these ids, numbers, serial numbers or names, each once.

    Raises:
        NotFoundError: One is not there.
        ConflictError: A name is that of several disks.
    """
    found: dict[str, PhysicalDisk] = {}
    for text in wanted:
        disk = _one(text, disks, host)
        found[disk.id] = disk
    return list(found.values())


def capacity(disks: Iterable[PhysicalDisk], layout: Layout, columns: int | None = None) -> int:
    """About how many bytes a virtual disk on these disks can have; the host decides.

    It keeps parts of one stripe on different disks, rounds each column up, and puts logs beside them.
    """
    units = [max(0, disk.size - _OVERHEAD) // _UNIT for disk in disks]
    width, data = _stripe(len(units), layout, columns)
    low, high = 0, sum(units) // width
    while low < high:
        middle = (low + high + 1) // 2
        if sum(min(each, middle) for each in units) >= width * middle:
            low = middle
        else:
            high = middle - 1
    return low * data * _UNIT


def ceiling(disks: Iterable[PhysicalDisk], layout: Layout) -> int:
    """More than this fits in no case: all bytes of the disks, over the copies of each."""
    found = list(disks)
    total = sum(disk.size for disk in found)
    if layout.setting == "Mirror":
        return total // (layout.redundancy + 1)
    return total * (len(found) - layout.redundancy) // len(found)


def described(disks: Sequence[PhysicalDisk]) -> str:
    """Disks in words: how many of which name."""
    counts: dict[str, int] = {}
    for disk in disks:
        counts[disk.name] = counts.get(disk.name, 0) + 1
    return ", ".join(name if count == 1 else f"{count} x {name}" for name, count in counts.items())


def _name(layout: Layout) -> str:
    return next(name for name, known in LAYOUTS.items() if known == layout)


def _stripe(disks: int, layout: Layout, columns: int | None) -> tuple[int, int]:
    """How many disks a stripe is wide, and how many of them hold data once."""
    copies = layout.redundancy + 1 if layout.setting == "Mirror" else 1
    count = columns or max(1, min(_MOST_COLUMNS, disks // copies))
    return count * copies, count - (layout.redundancy if layout.setting == "Parity" else 0)


def _automatic(layout: Layout, disks: Sequence[PhysicalDisk], host: str) -> list[PhysicalDisk]:
    free = [disk for disk in disks if disk.can_pool and disk.size >= LEAST_DISK]
    groups: dict[str | None, list[PhysicalDisk]] = {}
    for disk in free:
        groups.setdefault(disk.type, []).append(disk)
    enough = [group for group in groups.values() if len(group) >= layout.disks]
    if not free:
        raise ConflictError(f"No disk of {host} can be pooled.", host=host, hint="Why: hvctl storage disk list")
    return max(enough, key=lambda group: capacity(group, layout), default=free)


def _named(wanted: Sequence[str], disks: Sequence[PhysicalDisk], host: str) -> list[PhysicalDisk]:
    chosen = find_disks(wanted, disks, host)
    for disk in chosen:
        label = f"Disk {disk.number} ({disk.name})"
        if not disk.can_pool:
            why = ", ".join(disk.cannot_pool) or "the host does not say why"
            raise ConflictError(f"{label} cannot be pooled: {why}.", host=host, object_name=disk.name)
        if disk.size < LEAST_DISK:
            raise ConflictError(
                f"{label} has {format_size(disk.size)}: a pool takes disks of {format_size(LEAST_DISK)} and more.",
                host=host,
                object_name=disk.name,
            )
    return chosen


def _one(text: str, disks: Sequence[PhysicalDisk], host: str) -> PhysicalDisk:
    wanted = folded(text)
    exact = [disk for disk in disks if wanted in (folded(disk.id), folded(disk.serial or ""), disk.number)]
    named = exact or [disk for disk in disks if folded(disk.name) == wanted]
    if not named:
        raise NotFoundError(
            f"No physical disk '{text}' on {host}.",
            host=host,
            object_name=text,
            hint="List them: hvctl storage disk list",
        )
    if len(named) > 1:
        numbers = ", ".join(disk.number or disk.id for disk in named)
        raise ConflictError(
            f"{len(named)} physical disks on {host} are called '{text}'.",
            host=host,
            object_name=text,
            hint=f"Use a number: {numbers}",
        )
    return named[0]
