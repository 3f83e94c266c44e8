"""How well disks, pools and virtual disks are, computed from what is wrong with the disks below them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from hvctl.lab import allocation, paths
from hvctl.lab.entities import GIB, File
from hvctl.lab.spaces import Partition, PhysicalDisk, Pool, StorageJob, VirtualDisk
from hvctl.lab.world import World

SHOWN_AFTERWARDS = 600.0
"""Seconds for which a finished job is still listed."""


class Health(NamedTuple):
    """A HealthStatus, and the words of OperationalStatus that go with it."""

    status: str
    words: tuple[str, ...]


class Fault(NamedTuple):
    """What a disk with this fault says, and whether its data cannot be reached."""

    health: Health
    away: bool = False
    usage: str = "Auto-Select"


GOOD = Health("Healthy", ("OK",))
FAULTS: Mapping[str, Fault] = {
    "predictive-failure": Fault(Health("Warning", ("Predictive Failure",))),
    "io-error": Fault(Health("Warning", ("IO Error",))),
    "lost": Fault(Health("Warning", ("Lost Communication",)), away=True),
    "failed": Fault(Health("Unhealthy", ("Failed Media",)), away=True),
    "retired": Fault(GOOD, usage="Retired"),
}
"""What can be wrong with a physical disk, for the world's setting `disk_faults`."""


def fault_of(world: World, disk: PhysicalDisk) -> Fault | None:
    """What is wrong with a disk."""
    return FAULTS.get(world.setting("disk_faults").get(disk.serial))


def disk_health(world: World, disk: PhysicalDisk) -> Health:
    """How well a physical disk is."""
    fault = fault_of(world, disk)
    return fault.health if fault else GOOD


def usage(world: World, disk: PhysicalDisk) -> str:
    """What a pool may use a disk for; a retired one takes no new data, and a repair empties it."""
    fault = fault_of(world, disk)
    return fault.usage if fault else "Auto-Select"


def cannot_pool(world: World, disk: PhysicalDisk) -> str | None:
    """Why a disk cannot be put into a pool; None where it can."""
    fault = fault_of(world, disk)
    if disk.pool is not None:
        return "In a Pool"
    if fault is not None and fault.away:
        return "Not Healthy"
    used = disk.system or disk.style != "RAW" or disk.size < 4 * GIB
    return "Insufficient Capacity" if used else None


def members(world: World, pool: Pool) -> list[PhysicalDisk]:
    """The disks of a pool; of the primordial one, those that no other has."""
    disks = world.find(PhysicalDisk, host=pool.host)
    return [disk for disk in disks if disk.pool == (None if pool.primordial else pool.id)]


def extents(world: World, space: VirtualDisk) -> dict[str, int]:
    """Where the data of a virtual disk is, after the jobs that are done; a thin one has what is written alone."""
    found = space.extents
    for job in world.find(StorageJob, disk=space.id):
        if world.now() >= job.started + job.seconds:
            found = job.extents
    if space.provisioning == "Fixed":
        return found
    return _scaled(found, written(world, space), space)


def _scaled(found: Mapping[str, int], size: int, space: VirtualDisk) -> dict[str, int]:
    spread = allocation.layout(space.resiliency, space.redundancy, space.columns)
    units = spread.footprint(size) // allocation.UNIT
    disks = sorted(found)
    return {disk: (units // len(disks) + (n < units % len(disks))) * allocation.UNIT for n, disk in enumerate(disks)}


def written(world: World, space: VirtualDisk) -> int:
    """Bytes of a virtual disk that are in use: what its volumes hold, and something for themselves."""
    used = GIB
    for partition in world.find(Partition, disk=space.id):
        used += sum(file.size for file in on_volume(world, partition))
    return min(space.size, used)


def on_volume(world: World, partition: Partition) -> list[File]:
    """The files and folders of a volume, itself included."""
    if partition.letter is None:
        return []
    root = paths.key(f"{partition.letter}:\\")
    return [file for file in world.find(File, host=partition.host) if file.key.startswith(root)]


def running_job(world: World, space: VirtualDisk) -> StorageJob | None:
    """The job that is at work on a virtual disk."""
    jobs = world.find(StorageJob, disk=space.id)
    return next((job for job in jobs if world.now() < job.started + job.seconds), None)


def space_health(world: World, space: VirtualDisk) -> Health:
    """How well a virtual disk is: it bears the loss of as many disks as it has redundancy."""
    away = _away(world, space)
    if not away:
        return Health("Warning", ("In Service",)) if running_job(world, space) else GOOD
    lost = all(fault is FAULTS["lost"] for fault in away)
    if len(away) <= space.redundancy:
        working = ("In Service",) if running_job(world, space) else ()
        return Health("Warning", ("Incomplete" if lost else "Degraded", *working))
    return Health("Unknown", ("Detached",)) if lost else Health("Unhealthy", ("No Redundancy",))


def detached_reason(world: World, space: VirtualDisk) -> str:
    """Why a virtual disk is detached."""
    return "Majority Disks Unhealthy" if is_detached(world, space) else "None"


def _away(world: World, space: VirtualDisk) -> list[Fault]:
    found = []
    for disk in world.find(PhysicalDisk, host=space.host):
        fault = fault_of(world, disk)
        if fault is not None and fault.away and disk.id in extents(world, space):
            found.append(fault)
    return found


def pool_health(world: World, pool: Pool) -> Health:
    """How well a pool is: with most of its disks away it cannot be written."""
    disks = members(world, pool)
    away = [disk for disk in disks if (fault := fault_of(world, disk)) is not None and fault.away]
    if pool.primordial or not away:
        return GOOD
    if 2 * len(away) > len(disks):
        return Health("Unhealthy", ("Read-only",))
    return Health("Warning", ("Degraded",))


def allocated(world: World, pool: Pool) -> dict[str, int]:
    """Bytes in use on each disk of a pool."""
    used = {disk.id: allocation.METADATA for disk in members(world, pool)}
    for space in world.find(VirtualDisk, pool=pool.id):
        for disk, size in extents(world, space).items():
            used[disk] = used.get(disk, 0) + size
    return used


def is_overfull(world: World, pool: Pool) -> bool:
    """Whether more was written to thin disks than the pool has."""
    return sum(allocated(world, pool).values()) > sum(disk.size for disk in members(world, pool))


def is_offline(world: World, space: VirtualDisk) -> bool:
    """Whether the disk that Windows sees is offline: too many disks away, or a thin one in a pool that is full."""
    return space_health(world, space).status in ("Unknown", "Unhealthy") or is_starved(world, space)


def is_starved(world: World, space: VirtualDisk) -> bool:
    """Whether a thin virtual disk is in a pool that is full."""
    pool = world.get(Pool, space.pool)
    return space.provisioning == "Thin" and pool is not None and is_overfull(world, pool)


def is_detached(world: World, space: VirtualDisk) -> bool:
    """Whether Windows has no disk for a virtual disk."""
    return "Detached" in space_health(world, space).words


def free(world: World, pool: Pool) -> dict[str, int]:
    """What is free on each disk of a pool that takes new data."""
    used = allocated(world, pool)
    return {disk.id: disk.size - used[disk.id] for disk in members(world, pool) if _takes_data(world, disk)}


def _takes_data(world: World, disk: PhysicalDisk) -> bool:
    fault = fault_of(world, disk)
    return fault is None or not (fault.away or fault.usage == "Retired")
