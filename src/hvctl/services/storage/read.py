"""Lists of what Storage Spaces has, and everything there is to know of one thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import Field

from hvctl.models.base import HostName, Record
from hvctl.models.storage import (
    HealthWord,
    PhysicalDisk,
    PhysicalDiskDetails,
    StorageJob,
    StoragePool,
    StoragePoolDetails,
    StorageVirtualDisk,
    StorageVirtualDiskDetails,
    Volume,
)
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.transports.result import Result

CONCRETE: Mapping[str, str] = {"IsPrimordial": "False"}
"""Every host has a primordial pool of the disks that no pool has: it is never meant."""
SIZES = ("VirtualDiskSizeMin", "VirtualDiskSizeMax", "VirtualDiskSizeDivisor")


class PoolState(Record):
    """As much of a pool as it takes to choose it; its health stands in for a state."""

    noun: ClassVar[str] = "storage pool"

    id: str = Field(validation_alias="UniqueId")
    name: str = Field(validation_alias="FriendlyName")
    host: HostName
    state: HealthWord = Field(validation_alias="HealthStatus")


class VirtualDiskState(PoolState):
    """As much of a virtual disk as it takes to choose it, and its size."""

    noun: ClassVar[str] = "virtual disk"

    size: int | None = Field(validation_alias="Size")


def disks_step(model: type[Record] = PhysicalDisk, step_id: str = "disks") -> Step:
    """A step that reads every physical disk."""
    return Step(step_id, Call("Get-PhysicalDisk"), select=model.properties())


def pools_step(model: type[Record] = PoolState, step_id: str = "pools") -> Step:
    """A step that reads every pool but the primordial one."""
    return Step(step_id, Call("Get-StoragePool"), select=model.properties(), where=CONCRETE)


def virtual_disks_step(model: type[Record] = VirtualDiskState, step_id: str = "virtual_disks") -> Step:
    """A step that reads every virtual disk."""
    return Step(step_id, Call("Get-VirtualDisk"), select=model.properties())


def plan_disks(model: type[Record] = PhysicalDisk) -> Batch:
    """Every physical disk, with the properties that `model` is made of."""
    return Batch((disks_step(model),))


def plan_pools(model: type[Record] = StoragePool) -> Batch:
    """Every pool, with the properties that `model` is made of."""
    return Batch((pools_step(model),))


def plan_virtual_disks(model: type[Record] = StorageVirtualDisk) -> Batch:
    """Every virtual disk, with the properties that `model` is made of."""
    return Batch((virtual_disks_step(model),))


def plan_volumes() -> Batch:
    """Every volume."""
    return Batch((Step("volumes", Call("Get-Volume"), select=Volume.properties()),))


def plan_jobs() -> Batch:
    """Every job."""
    return Batch((Step("jobs", Call("Get-StorageJob"), select=StorageJob.properties()),))


def plan_disk_details(ids: Sequence[str]) -> Batch:
    """Some physical disks, with the pool that has each, and the virtual disks that use it."""
    steps = [_only(disks_step(PhysicalDiskDetails), ids)]
    for number, disk_id in enumerate(ids):
        disk = {"PhysicalDisk": Ref("disks", where={"UniqueId": disk_id})}
        pool = Step(f"pool_{number}", Call("Get-StoragePool", disk), select=("FriendlyName",), where=CONCRETE)
        steps += [_aside(pool), _names(f"virtual_disks_{number}", Call("Get-VirtualDisk", disk))]
    return Batch(tuple(steps))


def plan_pool_details(ids: Sequence[str]) -> Batch:
    """Some pools, with the disks and the virtual disks of each."""
    steps = [_only(pools_step(StoragePoolDetails), ids)]
    for number, pool_id in enumerate(ids):
        pool = {"StoragePool": Ref("pools", where={"UniqueId": pool_id})}
        disks = Step(f"disks_{number}", Call("Get-PhysicalDisk", pool), select=PhysicalDisk.properties())
        steps += [_aside(disks), _names(f"virtual_disks_{number}", Call("Get-VirtualDisk", pool))]
    return Batch(tuple(steps))


def plan_virtual_disk_details(ids: Sequence[str]) -> Batch:
    """Some virtual disks, with the pool of each, the disks below it and what Windows has on it."""
    steps = [_only(virtual_disks_step(StorageVirtualDiskDetails), ids)]
    for number, space_id in enumerate(ids):
        space = {"VirtualDisk": Ref("virtual_disks", where={"UniqueId": space_id})}
        below = Step(f"disks_{number}", Call("Get-PhysicalDisk", space), select=PhysicalDisk.properties())
        steps += [_names(f"pool_{number}", Call("Get-StoragePool", space)), _aside(below)]
        steps += content_steps(space_id, number)
    return Batch((*steps, *plan_volumes().steps))


def content_steps(space_id: str, number: int) -> tuple[Step, Step]:
    """The disk that Windows sees of a virtual disk, and the partitions on it; none where it is detached."""
    space = Ref("virtual_disks", where={"UniqueId": space_id})
    disk = Step(f"disk_{number}", Call("Get-Disk", {"VirtualDisk": space}), select=("Number", "PartitionStyle"))
    partitions = Step(
        f"partitions_{number}",
        Call("Get-Partition", {"Disk": Ref(disk.id)}),
        select=("AccessPaths", "DriveLetter"),
        needs=(disk.id,),
    )
    return _aside(disk), _aside(partitions)


def disk_details(host: str, ids: Sequence[str], result: Result) -> list[PhysicalDiskDetails]:
    """Put the answers to `plan_disk_details` together."""
    found = []
    for disk in PhysicalDiskDetails.read(host, result.of("disks")):
        number = ids.index(disk.id)
        pools = _friendly(result, f"pool_{number}")
        spaces = tuple(_friendly(result, f"virtual_disks_{number}"))
        found.append(disk.model_copy(update={"pool": pools[0] if pools else None, "virtual_disks": spaces}))
    return found


def pool_details(host: str, ids: Sequence[str], result: Result) -> list[StoragePoolDetails]:
    """Put the answers to `plan_pool_details` together."""
    found = []
    for pool in StoragePoolDetails.read(host, result.of("pools")):
        number = ids.index(pool.id)
        disks = tuple(PhysicalDisk.read(host, result.of(f"disks_{number}")))
        spaces = tuple(_friendly(result, f"virtual_disks_{number}"))
        found.append(pool.model_copy(update={"physical_disks": disks, "virtual_disks": spaces}))
    return found


def virtual_disk_details(host: str, ids: Sequence[str], result: Result) -> list[StorageVirtualDiskDetails]:
    """Put the answers to `plan_virtual_disk_details` together."""
    volumes = Volume.read(host, result.of("volumes"))
    found = []
    for space in StorageVirtualDiskDetails.read(host, result.of("virtual_disks")):
        number = ids.index(space.id)
        pools = _friendly(result, f"pool_{number}")
        seen = [record["Number"] for record in result.of(f"disk_{number}")]
        paths = access_paths(result.of(f"partitions_{number}"))
        extra: dict[str, Any] = {
            "pool": pools[0] if pools else None,
            "disk_number": seen[0] if seen else None,
            "physical_disks": tuple(PhysicalDisk.read(host, result.of(f"disks_{number}"))),
            "volumes": tuple(volume for volume in volumes if volume.path in paths),
        }
        found.append(space.model_copy(update=extra))
    return found


def access_paths(partitions: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The paths by which partitions are reached: roots of drive letters, folders, and the volume's own name."""
    return tuple(path for record in partitions for path in record["AccessPaths"] or () if path)


def _only(step: Step, ids: Sequence[str]) -> Step:
    return replace(step, where={**step.where, "UniqueId": tuple(ids)})


def _aside(step: Step) -> Step:
    """A step whose failure leaves a part of the answer empty."""
    return replace(step, on_error="continue")


def _names(step_id: str, call: Call) -> Step:
    return Step(step_id, call, select=("FriendlyName",), on_error="continue")


def _friendly(result: Result, step: str) -> list[str]:
    return [record["FriendlyName"] for record in result.of(step)]
