"""Where the data of a virtual disk goes: columns, footprints, and how much a pool has room for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from hvctl.lab.entities import GIB, MIB

UNIT = GIB
METADATA = 256 * MIB
"""What a pool keeps of each of its disks for itself."""
MOST_COLUMNS = 8
_LOG_UNITS = 2
MINIMUM_DISKS: Mapping[tuple[str, int], int] = {
    ("Simple", 0): 1,
    ("Mirror", 1): 2,
    ("Mirror", 2): 5,
    ("Parity", 1): 3,
    ("Parity", 2): 7,
}
"""How many disks a resiliency and a redundancy need at least."""


class Layout(NamedTuple):
    """How data is spread: how many disks a stripe is wide, and how many of those hold data once."""

    width: int
    data: int
    log: int

    def units(self, size: int) -> int:
        """Allocation units on each disk of a stripe."""
        return -(-size // (self.data * UNIT))

    def footprint(self, size: int) -> int:
        """Bytes that a size takes in the pool: every column is rounded up, and resilient ones have a log."""
        return (self.width * self.units(size) + self.log) * UNIT


def columns_for(resiliency: str, redundancy: int, disks: int) -> int:
    """The columns that a virtual disk has where none are asked for."""
    copies = redundancy + 1 if resiliency == "Mirror" else 1
    return max(1, min(MOST_COLUMNS, disks // copies))


def layout(resiliency: str, redundancy: int, columns: int) -> Layout:
    """The layout of a resiliency with so many columns."""
    if resiliency == "Mirror":
        return Layout(columns * (redundancy + 1), columns, _LOG_UNITS)
    if resiliency == "Parity":
        return Layout(columns, columns - redundancy, _LOG_UNITS)
    return Layout(columns, columns, 0)


def largest(free: Mapping[str, int], spread: Layout) -> int:
    """The largest size that fits into what is free on each disk, in bytes."""
    units = {disk: size // UNIT for disk, size in free.items()}
    low, high = 0, sum(units.values()) // spread.width
    while low < high:
        middle = (low + high + 1) // 2
        if _fits(units, spread, middle):
            low = middle
        else:
            high = middle - 1
    return low * spread.data * UNIT


def place(free: Mapping[str, int], spread: Layout, size: int) -> dict[str, int] | None:
    """Bytes on each disk for a size; None where there is no room: no disk may hold two parts of one stripe."""
    units = {disk: each // UNIT for disk, each in free.items()}
    tall = spread.units(size)
    if not _fits(units, spread, tall):
        return None
    needed = spread.width * tall + spread.log
    most = {disk: min(each, tall + (1 if spread.log else 0)) for disk, each in units.items()}
    total = sum(most.values())
    taken = {disk: each * needed // total for disk, each in most.items()}
    for disk in sorted(most, key=lambda each: units[each], reverse=True):
        more = min(most[disk] - taken[disk], needed - sum(taken.values()))
        taken[disk] += more
    return {disk: each * UNIT for disk, each in taken.items() if each}


def _fits(units: Mapping[str, int], spread: Layout, tall: int) -> bool:
    """Whether stripes of so many units on each of their disks fit, and the log beside them."""
    stripes = spread.width * tall
    with_log = _room(units, tall + 1) >= stripes + spread.log if spread.log else True
    return _room(units, tall) >= stripes and with_log


def _room(units: Mapping[str, int], tall: int) -> int:
    return sum(min(each, tall) for each in units.values())
