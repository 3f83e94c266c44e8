"""The objects of the Storage module: CIM instances, with the texts that the module's types make of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hvctl.lab import faulty
from hvctl.lab.entities import MIB
from hvctl.lab.live import Kind, Live, Read, constants, fields, table
from hvctl.lab.settings import guid
from hvctl.lab.spaces import Partition, PhysicalDisk, Pool, StorageJob, VirtualDisk
from hvctl.lab.world import World

_CIM = ("CimInstance",)
_SECTORS = constants(LogicalSectorSize=512, PhysicalSectorSize=4096)
_OBJECT_ID = '{{1}}\\\\{host}\\root/Microsoft/Windows/Storage/Providers_v2\\{kind}.ObjectId="{id}"'


def primordial(host: str) -> Pool:
    """The pool of all disks that no other pool has; every host has it."""
    return Pool(id=f"{{{guid(f'primordial/{host}')}}}", host=host, name="Primordial", primordial=True)


def _said(live: Live) -> str:
    return f'{live.kind.name} (ObjectId = "{_object_id(live)}")'


def _object_id(live: Live) -> str:
    return _OBJECT_ID.format(host=live.entity.host.upper(), kind=live.kind.name, id=live.entity.id)


def _again(world: World, entity: Any) -> Any:  # noqa: ANN401 - each kind has its own entity
    if isinstance(entity, Pool) and entity.primordial:
        return entity
    return world.get(type(entity), entity.id)


def _of(read: Callable[[World, Any], Any]) -> Read:
    return lambda live: read(live.world, live.entity)


def _words(health: Callable[[World, Any], faulty.Health]) -> Read:
    """A single word is no list: so the module's types return it."""

    def read(live: Live) -> object:
        words = health(live.world, live.entity).words
        return words[0] if len(words) == 1 else list(words)

    return read


def _status(health: Callable[[World, Any], faulty.Health]) -> Read:
    return lambda live: health(live.world, live.entity).status


def _disk_allocated(world: World, disk: PhysicalDisk) -> int:
    if disk.pool is None:
        return disk.size if faulty.cannot_pool(world, disk) else 0
    pool = world.get(Pool, disk.pool)
    return faulty.allocated(world, pool).get(disk.id, 0) if pool else 0


PHYSICAL_DISK = Kind(
    "MSFT_PhysicalDisk",
    table(
        fields(UniqueId="id", FriendlyName="name", SerialNumber="serial", Size="size"),
        fields(MediaType="media", BusType="bus"),
        _SECTORS,
        constants(Manufacturer="", EnclosureNumber=None, SlotNumber=None, PhysicalLocation=None),
        {
            "ObjectId": _object_id,
            "DeviceId": lambda live: str(live.entity.number),
            "Usage": _of(faulty.usage),
            "Model": lambda live: live.entity.name,
            "SpindleSpeed": lambda live: 0 if live.entity.media == "SSD" else 4294967295,
            "AllocatedSize": _of(_disk_allocated),
            "CanPool": _of(lambda world, disk: faulty.cannot_pool(world, disk) is None),
            "CannotPoolReason": _of(faulty.cannot_pool),
            "HealthStatus": _status(faulty.disk_health),
            "OperationalStatus": _words(faulty.disk_health),
        },
    ),
    text=_said,
    reload=_again,
    bases=_CIM,
)

POOL = Kind(
    "MSFT_StoragePool",
    table(
        fields(UniqueId="id", FriendlyName="name", IsPrimordial="primordial"),
        _SECTORS,
        {
            "ObjectId": _object_id,
            "Size": _of(lambda world, pool: sum(disk.size for disk in faulty.members(world, pool))),
            "AllocatedSize": _of(
                lambda world, pool: 0 if pool.primordial else sum(faulty.allocated(world, pool).values())
            ),
            "HealthStatus": _status(faulty.pool_health),
            "OperationalStatus": _words(faulty.pool_health),
            "IsReadOnly": _of(lambda world, pool: faulty.pool_health(world, pool).words == ("Read-only",)),
            "ReadOnlyReason": _of(
                lambda world, pool: "Incomplete" if "Read-only" in faulty.pool_health(world, pool).words else "None"
            ),
        },
    ),
    text=_said,
    reload=_again,
    bases=_CIM,
)

VIRTUAL_DISK = Kind(
    "MSFT_VirtualDisk",
    table(
        fields(UniqueId="id", FriendlyName="name", Size="size", ResiliencySettingName="resiliency"),
        fields(NumberOfDataCopies="copies", PhysicalDiskRedundancy="redundancy", NumberOfColumns="columns"),
        fields(ProvisioningType="provisioning"),
        _SECTORS,
        constants(Interleave=262144, Usage="Other", MediaType=None, IsTiered=False, IsManualAttach=False),
        {
            "ObjectId": _object_id,
            "FootprintOnPool": _of(lambda world, space: sum(faulty.extents(world, space).values())),
            "AllocatedSize": _of(
                lambda world, space: space.size if space.provisioning == "Fixed" else faulty.written(world, space)
            ),
            "HealthStatus": _status(faulty.space_health),
            "OperationalStatus": _words(faulty.space_health),
            "DetachedReason": _of(faulty.detached_reason),
        },
    ),
    text=_said,
    reload=_again,
    bases=_CIM,
)


def _offline(world: World, disk: PhysicalDisk | VirtualDisk) -> bool:
    return isinstance(disk, VirtualDisk) and faulty.is_offline(world, disk)


def _offline_reason(world: World, disk: PhysicalDisk | VirtualDisk) -> str | None:
    return "Resource Exhaustion" if isinstance(disk, VirtualDisk) and faulty.is_starved(world, disk) else None


DISK = Kind(
    "MSFT_Disk",
    table(
        fields(UniqueId="id", FriendlyName="name", Number="number", Size="size", PartitionStyle="style"),
        _SECTORS,
        {
            "ObjectId": _object_id,
            "BusType": lambda live: "Spaces" if isinstance(live.entity, VirtualDisk) else live.entity.bus,
            "OperationalStatus": _of(lambda world, disk: "Offline" if _offline(world, disk) else "Online"),
            "IsOffline": _of(_offline),
            "OfflineReason": _of(_offline_reason),
            "HealthStatus": _of(
                lambda world, disk: (
                    faulty.space_health if isinstance(disk, VirtualDisk) else faulty.disk_health
                )(world, disk).status
            ),
            "IsSystem": lambda live: isinstance(live.entity, PhysicalDisk) and live.entity.system,
            "IsBoot": lambda live: isinstance(live.entity, PhysicalDisk) and live.entity.system,
        },
    ),
    text=_said,
    reload=_again,
    bases=_CIM,
)  # fmt: skip


def _disk_number(world: World, partition: Partition) -> int | None:
    disk = world.get(VirtualDisk, partition.disk) or world.get(PhysicalDisk, partition.disk)
    return disk.number if disk else None


def _volume_path(live: Live) -> str:
    return f"\\\\?\\Volume{{{live.entity.id}}}\\"


def _access_paths(live: Live) -> list[str]:
    letter = live.entity.letter
    return [*([f"{letter}:\\"] if letter else []), _volume_path(live)]


PARTITION = Kind(
    "MSFT_Partition",
    table(
        fields(DiskId="disk", PartitionNumber="number", Offset="offset", Size="size", Guid="id"),
        constants(Type="Basic", GptType="{ebd0a0a2-b9e5-4433-87c0-68b6b72699c7}", IsHidden=False),
        {
            "DiskNumber": _of(_disk_number),
            "DriveLetter": lambda live: live.entity.letter or "\0",
            "AccessPaths": _access_paths,
            "UniqueId": lambda live: f"{{{live.entity.id}}}",
        },
    ),
    text=_said,
    reload=_again,
    bases=_CIM,
)


def _remaining(world: World, partition: Partition) -> int:
    if partition.file_system is None:
        return 0
    used = sum(file.size for file in faulty.on_volume(world, partition)) + 128 * MIB
    return max(0, partition.size - used)


VOLUME = Kind(
    "MSFT_Volume",
    table(
        fields(DriveLetter="letter", FileSystemLabel="label", AllocationUnitSize="unit"),
        constants(DriveType="Fixed", HealthStatus="Healthy", OperationalStatus="OK", DedupMode="Disabled"),
        {
            "UniqueId": _volume_path,
            "Path": _volume_path,
            "ObjectId": _object_id,
            "FileSystem": lambda live: live.entity.file_system or "",
            "FileSystemType": lambda live: live.entity.file_system or "Unknown",
            "Size": lambda live: live.entity.size if live.entity.file_system else 0,
            "SizeRemaining": _of(_remaining),
        },
    ),
    text=_said,
    reload=_again,
    bases=_CIM,
)


def _passed(world: World, job: StorageJob) -> float:
    return min(job.seconds, world.now() - job.started)


def _percent(world: World, job: StorageJob) -> int:
    return int(100 * _passed(world, job) / job.seconds)


JOB = Kind(
    "MSFT_StorageJob",
    table(
        fields(UniqueId="id", Name="name", BytesTotal="bytes"),
        constants(IsBackgroundTask=True),
        {
            "JobState": _of(lambda world, job: "Completed" if _percent(world, job) >= 100 else "Running"),
            "PercentComplete": _of(_percent),
            "BytesProcessed": _of(lambda world, job: int(job.bytes * _passed(world, job) / job.seconds)),
            "ElapsedTime": _of(_passed),
        },
    ),
    text=_said,
    reload=_again,
    bases=_CIM,
)

SUBSYSTEM = Kind(
    "MSFT_StorageSubSystem",
    table(
        {
            "UniqueId": lambda live: f"{{{guid(f'subsystem/{live.entity.name}')}}}",
            "FriendlyName": lambda live: f"Windows Storage on {live.entity.computer_name}",
        },
        constants(
            Model="Windows Storage",
            Manufacturer="Microsoft Corporation",
            HealthStatus="Healthy",
            OperationalStatus="OK",
        ),
    ),
    text=lambda live: f"MSFT_StorageSubSystem (Windows Storage on {live.entity.computer_name})",
    reload=lambda _world, host: host,
    bases=_CIM,
)

SUPPORTED_SIZE = Kind(
    "PSCustomObject",
    table(
        constants(SupportedSizes=()),
        {
            "VirtualDiskSizeMin": lambda live: live.entity["least"],
            "VirtualDiskSizeMax": lambda live: live.entity["most"],
            "VirtualDiskSizeDivisor": lambda live: live.entity["step"],
        },
    ),
    text=lambda _live: "",
    reload=lambda _world, entity: entity,
)
