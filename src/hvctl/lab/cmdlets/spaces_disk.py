"""Virtual disks of pools, how large they can be, and the pools' jobs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hvctl.lab import allocation, cim, faulty
from hvctl.lab.context import Args, Context, Handlers, Output, Wait, simulates
from hvctl.lab.entities import GIB, MIB
from hvctl.lab.kinds.spaces import DISK, JOB, PHYSICAL_DISK, POOL, SUPPORTED_SIZE, VIRTUAL_DISK
from hvctl.lab.live import Live, lives
from hvctl.lab.problems import Problem
from hvctl.lab.spaces import Partition, PhysicalDisk, Pool, StorageJob, VirtualDisk

HANDLERS: Handlers = {}
_NAMED = {"FriendlyName": "name", "UniqueId": "id"}
_REPAIR_SPEED = 512 * MIB
"""Bytes that a repair copies in a second of the lab's clock."""
_LOOKS = 4
"""How often a job is looked at before it is done, on a clock that stands still otherwise."""


@simulates(HANDLERS, "Get-VirtualDisk", VIRTUAL_DISK, "FriendlyName UniqueId StoragePool PhysicalDisk Disk")
def get_virtual_disk(context: Context, args: Args) -> Iterator[Output]:
    """The virtual disks of the host, of a pool, on a physical disk, or behind a disk."""
    world = context.world
    found = world.find(VirtualDisk, host=context.host.name)
    if "StoragePool" in args:
        pool = cim.one(args, "StoragePool", POOL)
        found = [space for space in found if space.pool == pool.id]
    if "PhysicalDisk" in args:
        disk = cim.one(args, "PhysicalDisk", PHYSICAL_DISK)
        found = [space for space in found if disk.id in faulty.extents(world, space)]
    if "Disk" in args:
        found = [space for space in found if space.id == cim.one(args, "Disk", DISK).id]
    yield from lives(world, VIRTUAL_DISK, cim.kept(context, found, args, VIRTUAL_DISK, _NAMED))


@simulates(
    HANDLERS,
    "New-VirtualDisk",
    VIRTUAL_DISK,
    "InputObject StoragePoolFriendlyName FriendlyName ResiliencySettingName Size UseMaximumSize ProvisioningType"
    " PhysicalDiskRedundancy NumberOfDataCopies NumberOfColumns",
)
def new_virtual_disk(context: Context, args: Args) -> Iterator[Output]:
    """Make a virtual disk: mirrored and thin unless told otherwise; the data goes to the disks that have room."""
    for pool in _pools(context, args):
        yield Live(context.world, VIRTUAL_DISK, _make(context, pool, args))


def _pools(context: Context, args: Args) -> list[Pool]:
    if "InputObject" in args:
        return [pool for pool in cim.objects(args, "InputObject", POOL) if isinstance(pool, Pool)]
    named = {"FriendlyName": args["StoragePoolFriendlyName"]}
    return cim.kept(context, cim.pools(context), named, POOL, {"FriendlyName": "name"})


def _make(context: Context, pool: Pool, args: Args) -> VirtualDisk:
    world = context.world
    free = _writable(context, pool)
    resiliency, redundancy = _resiliency(args)
    thin = args.get("ProvisioningType", "Fixed") == "Thin"
    columns = args.get("NumberOfColumns") or allocation.columns_for(resiliency, redundancy, len(free))
    spread = allocation.layout(resiliency, redundancy, columns)
    most = allocation.largest(free, spread)
    enough = len(free) >= max(allocation.MINIMUM_DISKS[resiliency, redundancy], spread.width) and spread.data > 0
    if not enough or most == 0:
        raise Problem("storage-resources")
    if thin and (redundancy == 2 and resiliency == "Parity"):
        raise Problem("storage-provisioning")
    size = _size(args, most, thin=thin)
    extents = allocation.place(free, spread, min(size, most))
    if extents is None or (size > most and not thin):
        raise Problem("storage-resources")
    space = VirtualDisk(
        id=world.new_id("space").replace("-", "").upper(),
        host=context.host.name,
        name=args["FriendlyName"],
        pool=pool.id,
        number=_next_number(context),
        size=size,
        extents=extents,
        resiliency=resiliency,
        copies=redundancy + 1 if resiliency == "Mirror" else 1,
        redundancy=redundancy,
        columns=columns,
        provisioning="Thin" if thin else "Fixed",
        created=world.now(),
    )
    world.add(space)
    return space


def _next_number(context: Context) -> int:
    physical = [disk.number for disk in context.world.find(PhysicalDisk, host=context.host.name)]
    return 1 + max([*physical, *(space.number for space in _spaces(context))])


def _spaces(context: Context) -> list[VirtualDisk]:
    return context.world.find(VirtualDisk, host=context.host.name)


def _writable(context: Context, pool: Pool) -> dict[str, int]:
    if pool.primordial:
        raise Problem("storage-primordial")
    if "Read-only" in faulty.pool_health(context.world, pool).words:
        raise Problem("storage-read-only", name=pool.name)
    return faulty.free(context.world, pool)


def _resiliency(args: Args) -> tuple[str, int]:
    wanted = args.get("ResiliencySettingName", "Mirror")
    name = next((each for each in ("Simple", "Mirror", "Parity") if each.lower() == str(wanted).lower()), None)
    if name is None:
        raise Problem("storage-resiliency", name=wanted)
    default = 0 if name == "Simple" else 1
    copies = args.get("NumberOfDataCopies")
    redundancy = args.get("PhysicalDiskRedundancy", default if copies is None or name != "Mirror" else copies - 1)
    if (name, redundancy) not in allocation.MINIMUM_DISKS:
        raise Problem("storage-redundancy", name=name, redundancy=redundancy)
    return name, redundancy


def _size(args: Args, most: int, *, thin: bool) -> int:
    if ("Size" in args) == bool(args.get("UseMaximumSize")):
        raise Problem("storage-which-size")
    if args.get("UseMaximumSize"):
        if thin:
            raise Problem("storage-parameter", reason="-UseMaximumSize is for fixed provisioning.")
        return most
    size = int(args["Size"])
    if size < GIB:
        raise Problem("storage-size")
    return -(-size // (256 * MIB)) * (256 * MIB)


@simulates(
    HANDLERS,
    "Get-VirtualDiskSupportedSize",
    SUPPORTED_SIZE,
    "InputObject StoragePoolFriendlyName ResiliencySettingName",
)
def get_supported_size(context: Context, args: Args) -> Iterator[Output]:
    """The smallest and the largest size that a pool has room for."""
    for pool in _pools(context, args):
        free = _writable(context, pool)
        resiliency, redundancy = _resiliency({"ResiliencySettingName": args.get("ResiliencySettingName", "Mirror")})
        columns = allocation.columns_for(resiliency, redundancy, len(free))
        spread = allocation.layout(resiliency, redundancy, columns)
        fits = len(free) >= allocation.MINIMUM_DISKS[resiliency, redundancy]
        most = allocation.largest(free, spread) if fits else 0
        yield Live(context.world, SUPPORTED_SIZE, {"least": GIB if most else 0, "most": most, "step": 256 * MIB})


def _chosen(context: Context, args: Args) -> list[Any]:
    if "InputObject" in args:
        return cim.objects(args, "InputObject", VIRTUAL_DISK)
    return cim.kept(context, _spaces(context), args, VIRTUAL_DISK, _NAMED)


@simulates(HANDLERS, "Resize-VirtualDisk", VIRTUAL_DISK, "InputObject FriendlyName UniqueId Size")
def resize_virtual_disk(context: Context, args: Args) -> Iterator[Output]:
    """Make virtual disks larger; the partitions on them stay as they are."""

    def resize(space: VirtualDisk) -> Iterator[Output]:
        pool = context.world.get(Pool, space.pool)
        size = int(args.get("Size", 0))
        if pool is None or size <= space.size:
            raise Problem("storage-size")
        spread = allocation.layout(space.resiliency, space.redundancy, space.columns)
        held = faulty.extents(context.world, space) if space.provisioning == "Fixed" else {}
        free = {disk: left + held.get(disk, 0) for disk, left in _writable(context, pool).items()}
        most = allocation.largest(free, spread)
        extents = allocation.place(free, spread, min(size, most))
        if extents is None or (size > most and space.provisioning == "Fixed"):
            raise Problem("storage-capacity")
        space.size, space.extents = size, extents
        _forget_jobs(context, space)
        context.world.save(space)
        yield from ()

    yield from context.each(_chosen(context, args), resize)


@simulates(HANDLERS, "Remove-VirtualDisk", VIRTUAL_DISK, "InputObject FriendlyName UniqueId")
def remove_virtual_disk(context: Context, args: Args) -> Iterator[Output]:
    """Delete virtual disks, with the disks, partitions, volumes and files on them."""
    cim.require_answer(args)

    def remove(space: VirtualDisk) -> Iterator[Output]:
        for partition in context.world.find(Partition, disk=space.id):
            for file in faulty.on_volume(context.world, partition):
                context.world.remove(file)
            context.world.remove(partition)
        _forget_jobs(context, space)
        context.world.remove(space)
        yield from ()

    yield from context.each(_chosen(context, args), remove)


def _forget_jobs(context: Context, space: VirtualDisk) -> None:
    for job in context.world.find(StorageJob, disk=space.id):
        context.world.remove(job)


@simulates(HANDLERS, "Repair-VirtualDisk", VIRTUAL_DISK, "InputObject FriendlyName UniqueId")
def repair_virtual_disk(context: Context, args: Args) -> Iterator[Output]:
    """Begin to copy what was on disks that are away to others of the pool; a job does it, on the lab's clock."""

    def repair(space: VirtualDisk) -> Iterator[Output]:
        world = context.world
        pool = world.get(Pool, space.pool)
        held = faulty.extents(world, space)
        usable = {} if pool is None else _writable(context, pool)
        gone = sum(size for disk, size in held.items() if disk not in usable)
        if gone == 0 or faulty.running_job(world, space):
            return
        if faulty.space_health(world, space).status not in ("Healthy", "Warning"):
            raise Problem("storage-redundancy-lost")
        free = {disk: left + held.get(disk, 0) for disk, left in usable.items()}
        spread = allocation.layout(space.resiliency, space.redundancy, space.columns)
        extents = allocation.place(free, spread, space.size) if len(free) >= spread.width else None
        if extents is None:
            raise Problem("storage-resources")
        world.add(
            StorageJob(
                id=world.new_id("job"),
                host=space.host,
                name=f"{space.name}-Repair" if context.host.windows != "2016" else "Repair",
                disk=space.id,
                started=world.now(),
                seconds=max(1.0, gone / _REPAIR_SPEED),
                bytes=gone,
                extents=extents,
            )
        )
        yield from ()

    yield from context.each(_chosen(context, args), repair)


@simulates(HANDLERS, "Get-StorageJob", JOB, "UniqueId")
def get_job(context: Context, args: Args) -> Iterator[Output]:
    """The jobs that are at work, and those that were a moment ago."""
    world = context.world
    jobs = world.find(StorageJob, host=context.host.name)
    active = [job for job in jobs if world.now() < job.started + job.seconds]
    if active and not world.setting("pace"):
        # On a clock that stands still between steps nobody could wait for a job: looking at one takes its time.
        yield Wait(world.now() + max(job.seconds for job in active) / _LOOKS)
        jobs = world.find(StorageJob, host=context.host.name)
    shown = [job for job in jobs if world.now() < job.started + job.seconds + faulty.SHOWN_AFTERWARDS]
    yield from lives(world, JOB, cim.kept(context, shown, args, JOB, {"UniqueId": "id"}))
