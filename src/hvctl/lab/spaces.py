"""What Storage Spaces is made of, as records: disks, pools, virtual disks, partitions with their volumes, and jobs.

Ids are what the Storage module calls UniqueId; sizes are bytes.
"""

from __future__ import annotations

from typing import Any

from hvctl.lab.entities import Record


class PhysicalDisk(Record):
    """A disk of a host; `pool` is the pool that has it, `system` that Windows runs from it."""

    id: str
    host: str
    name: str
    number: int
    serial: str
    size: int
    media: str
    bus: str
    pool: str | None = None
    style: str = "RAW"
    system: bool = False


class Pool(Record):
    """A pool of physical disks; every host has a primordial one besides, of the disks that no pool has."""

    id: str
    host: str
    name: str
    primordial: bool = False
    created: float = 0


class VirtualDisk(Record):
    """A space in a pool.

    `extents` says how many bytes of each physical disk it takes; `number` and `style` are those of the disk that
    Windows sees.
    """

    id: str
    host: str
    name: str
    pool: str
    number: int
    size: int
    extents: dict[str, int]
    resiliency: str = "Mirror"
    copies: int = 2
    redundancy: int = 1
    columns: int = 1
    provisioning: str = "Fixed"
    style: str = "RAW"
    created: float = 0


class Partition(Record):
    """A partition of a disk, with the volume on it; without a file system it is not formatted."""

    id: str
    host: str
    disk: str
    number: int
    offset: int
    size: int
    letter: str | None = None
    file_system: str | None = None
    label: str = ""
    unit: int = 4096


class StorageJob(Record):
    """Work of the pool's own on a virtual disk: it goes on with the lab's clock, and is over after `seconds`.

    `extents` is where the virtual disk's data is once the job is done.
    """

    id: str
    host: str
    name: str
    disk: str
    started: float
    seconds: float
    bytes: int
    extents: dict[str, Any]
