"""Physical disks, pools, and the subsystem they are in."""

from __future__ import annotations

from collections.abc import Iterator

from hvctl.lab import cim, faulty, lookup
from hvctl.lab.context import Args, Context, Handlers, Output, simulates
from hvctl.lab.kinds.spaces import PHYSICAL_DISK, POOL, SUBSYSTEM, VIRTUAL_DISK
from hvctl.lab.live import Live, lives
from hvctl.lab.problems import Problem
from hvctl.lab.spaces import PhysicalDisk, Pool, VirtualDisk

HANDLERS: Handlers = {}


@simulates(HANDLERS, "Get-StorageSubSystem", SUBSYSTEM, "FriendlyName")
def get_subsystem(context: Context, args: Args) -> Iterator[Output]:
    """The subsystem of the host's own storage."""
    live = Live(context.world, SUBSYSTEM, context.host)
    for name in args.get("FriendlyName", ["*"]):
        if lookup.matches(name, live.get("FriendlyName")):
            yield live
            return
        context.fail(Problem("storage-missing-FriendlyName", kind="MSFT_StorageSubSystem", value=name))


@simulates(
    HANDLERS,
    "Get-PhysicalDisk",
    PHYSICAL_DISK,
    "FriendlyName SerialNumber UniqueId CanPool HealthStatus StoragePool VirtualDisk",
)
def get_physical_disk(context: Context, args: Args) -> Iterator[Output]:
    """The physical disks of the host, of a pool or below a virtual disk."""
    world = context.world
    found = world.find(PhysicalDisk, host=context.host.name)
    if "StoragePool" in args:
        found = faulty.members(world, cim.one(args, "StoragePool", POOL))
    if "VirtualDisk" in args:
        used = faulty.extents(world, cim.one(args, "VirtualDisk", VIRTUAL_DISK))
        found = [disk for disk in found if disk.id in used]
    named = {"FriendlyName": "name", "UniqueId": "id", "SerialNumber": "serial"}
    found = cim.kept(context, found, args, PHYSICAL_DISK, named)
    if "CanPool" in args:
        found = [disk for disk in found if (faulty.cannot_pool(world, disk) is None) is args["CanPool"]]
    if "HealthStatus" in args:
        found = [disk for disk in found if faulty.disk_health(world, disk).status == args["HealthStatus"]]
    yield from lives(world, PHYSICAL_DISK, found)


@simulates(HANDLERS, "Get-StoragePool", POOL, "FriendlyName UniqueId IsPrimordial PhysicalDisk VirtualDisk")
def get_pool(context: Context, args: Args) -> Iterator[Output]:
    """The pools of the host, the primordial one among them."""
    found = cim.pools(context)
    if "PhysicalDisk" in args:
        disk = cim.one(args, "PhysicalDisk", PHYSICAL_DISK)
        found = [pool for pool in found if pool.id == disk.pool or (pool.primordial and disk.pool is None)]
    if "VirtualDisk" in args:
        found = [pool for pool in found if pool.id == cim.one(args, "VirtualDisk", VIRTUAL_DISK).pool]
    if "IsPrimordial" in args:
        found = [pool for pool in found if pool.primordial in args["IsPrimordial"]]
    yield from lives(
        context.world, POOL, cim.kept(context, found, args, POOL, {"FriendlyName": "name", "UniqueId": "id"})
    )


@simulates(HANDLERS, "New-StoragePool", POOL, "InputObject StorageSubSystemFriendlyName FriendlyName PhysicalDisks")
def new_pool(context: Context, args: Args) -> Iterator[Output]:
    """Make a pool of disks that can be pooled; other pools may have its name."""
    world = context.world
    for name in args.get("StorageSubSystemFriendlyName", []):
        if not lookup.matches(name, f"Windows Storage on {context.host.computer_name}"):
            raise Problem("storage-missing-FriendlyName", kind="MSFT_StorageSubSystem", value=name)
    if "InputObject" in args:
        cim.objects(args, "InputObject", SUBSYSTEM)
    pool = Pool(
        id=f"{{{world.new_id('pool')}}}", host=context.host.name, name=args["FriendlyName"], created=world.now()
    )
    for disk in cim.objects(args, "PhysicalDisks", PHYSICAL_DISK):
        reason = faulty.cannot_pool(world, disk)
        if reason is not None:
            raise Problem("storage-disk", reason=f"{disk.name} ({disk.serial}): {reason}.")
        disk.pool = pool.id
        world.save(disk)
    world.add(pool)
    yield Live(world, POOL, pool)


@simulates(HANDLERS, "Remove-StoragePool", POOL, "InputObject FriendlyName UniqueId")
def remove_pool(context: Context, args: Args) -> Iterator[Output]:
    """Delete pools that have no virtual disk; their disks can be pooled again."""
    cim.require_answer(args)
    if "InputObject" in args:
        found = cim.objects(args, "InputObject", POOL)
    else:
        found = cim.kept(context, cim.pools(context), args, POOL, {"FriendlyName": "name", "UniqueId": "id"})

    def remove(pool: Pool) -> Iterator[Output]:
        if pool.primordial:
            raise Problem("storage-primordial")
        if context.world.find(VirtualDisk, pool=pool.id):
            raise Problem("storage-in-use", name=pool.name)
        if "Read-only" in faulty.pool_health(context.world, pool).words:
            raise Problem("storage-read-only", name=pool.name)
        for disk in faulty.members(context.world, pool):
            disk.pool = None
            context.world.save(disk)
        context.world.remove(pool)
        yield from ()

    yield from context.each(found, remove)
