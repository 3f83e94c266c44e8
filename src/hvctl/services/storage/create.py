"""Making pools, virtual disks and volumes: batches that leave nothing behind when a step of them fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hvctl.models.storage import PhysicalDisk, StoragePool, StorageVirtualDisk, Volume
from hvctl.models.storage_create import Layout, PoolCreate, StorageCreate, VirtualDiskCreate, VolumeCreate
from hvctl.powershell.batch import Batch, Call, Ref, Step, Value
from hvctl.services.storage.read import (
    CONCRETE,
    SIZES,
    PoolState,
    disks_step,
    pools_step,
    virtual_disks_step,
)


@dataclass(frozen=True, slots=True)
class Making:
    """A batch that makes something, and what to say about it.

    Attributes:
        batch: What is sent.
        messages: What failed, by step id; the cmdlet's own words follow.
        notes: What there is to know before it runs: what is used, and about how much it gives.
    """

    batch: Batch
    messages: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def plan_look() -> Batch:
    """What must be known before a pool can be planned: disks, subsystems, and the names and letters that are taken."""
    systems = Step("subsystems", Call("Get-StorageSubSystem"), select=("UniqueId", "FriendlyName"))
    letters = Step("volumes", Call("Get-Volume"), select=("DriveLetter", "FileSystemLabel"))
    return Batch((disks_step(), systems, pools_step(), virtual_disks_step(), letters))


def plan_pool_look(pool_id: str, setting: str) -> Batch:
    """How large a virtual disk a pool has room for, as the host computes it."""
    pool = Step("pool", Call("Get-StoragePool"), where={"UniqueId": pool_id}, expect="one")
    size = Call("Get-VirtualDiskSupportedSize", {"InputObject": (Ref("pool"),), "ResiliencySettingName": setting})
    return Batch((pool, Step("sizes", size, select=SIZES, on_error="continue")))


def plan_pool(spec: PoolCreate, disks: Sequence[PhysicalDisk], subsystem: str) -> Batch:
    """The batch for a new pool; the step `pool` holds it."""
    return Batch(_pool_steps(spec.name, disks, subsystem))


def plan_virtual_disk(spec: VirtualDiskCreate, pool: PoolState) -> Batch:
    """The batch for a new virtual disk in a pool; the step `virtual_disk` holds it."""
    found = Step("pool", Call("Get-StoragePool"), where={"UniqueId": pool.id}, expect="one")
    return Batch((found, _absent("Get-VirtualDisk", spec.name, {}), _space_step(spec.name, spec)))


def plan_volume_look(disk_id: str) -> Batch:
    """What Windows sees of a virtual disk, what is on it, and the letters that are taken."""
    space = Step("virtual_disks", Call("Get-VirtualDisk"), where={"UniqueId": disk_id}, expect="one")
    disk = Step(
        "disk", Call("Get-Disk", {"VirtualDisk": Ref(space.id)}), select=("PartitionStyle", "OperationalStatus")
    )
    partitions = Call("Get-Partition", {"Disk": Ref(disk.id)})
    return Batch(
        (
            space,
            disk,
            Step("partitions", partitions, select=("Type", "DriveLetter"), on_error="continue"),
            Step("volumes", Call("Get-Volume"), select=("DriveLetter",)),
        )
    )


def plan_volume(spec: VolumeCreate, disk_id: str, *, raw: bool) -> Batch:
    """The batch for a volume that takes all of a virtual disk; the step `details` holds it.

    Args:
        spec: What was asked for.
        disk_id: The virtual disk.
        raw: Whether the disk has no partition table yet.
    """
    space = Step("virtual_disk", Call("Get-VirtualDisk"), where={"UniqueId": disk_id}, expect="one")
    return Batch((_letter_free(spec.letter), space, *_volume_steps(spec, raw=raw, alone=True)))


def plan_storage(spec: StorageCreate, disks: Sequence[PhysicalDisk], subsystem: str) -> Batch:
    """The batch for a pool, a virtual disk and a volume in one; `pool_now`, `disk_now` and `details` hold them."""
    label = spec.name[:32] if spec.label is None else spec.label
    volume = VolumeCreate(virtual_disk=spec.name, letter=spec.volume, file_system=spec.file_system, label=label)
    steps = [
        _letter_free(spec.volume),
        _absent("Get-VirtualDisk", spec.name, {}),
        *_pool_steps(spec.name, disks, subsystem),
        _space_step(spec.name, spec),
        *_volume_steps(volume, raw=True, alone=False),
        _again("pool_now", "Get-StoragePool", "pool", StoragePool.properties()),
        _again("disk_now", "Get-VirtualDisk", "virtual_disk", StorageVirtualDisk.properties()),
    ]
    return Batch(tuple(steps))


def _pool_steps(name: str, disks: Sequence[PhysicalDisk], subsystem: str) -> tuple[Step, ...]:
    # Each is named by itself: one that is gone, or is not free any more, ends the batch before anything is made.
    members = tuple(Ref("disks", where={"UniqueId": disk.id}) for disk in disks)
    parameters: dict[str, Value] = {
        "InputObject": (Ref("subsystem"),),
        "FriendlyName": name,
        "PhysicalDisks": members,
    }
    return (
        _absent("Get-StoragePool", name, CONCRETE),
        Step("subsystem", Call("Get-StorageSubSystem"), where={"UniqueId": subsystem}, expect="one"),
        Step("disks", Call("Get-PhysicalDisk", {"CanPool": True})),
        Step(
            "pool",
            Call("New-StoragePool", parameters),
            select=StoragePool.properties(),
            expect="one",
            undo=_remove("Remove-StoragePool", "pool"),
        ),
    )


def _space_step(name: str, spec: StorageCreate | VirtualDiskCreate) -> Step:
    layout: Layout = spec.layout
    parameters: dict[str, Value] = {
        "InputObject": (Ref("pool"),),
        "FriendlyName": name,
        "ResiliencySettingName": layout.setting,
        "ProvisioningType": spec.provisioning,
    }
    if layout.redundancy:
        parameters["PhysicalDiskRedundancy"] = layout.redundancy
    if spec.columns is not None:
        parameters["NumberOfColumns"] = spec.columns
    if spec.size is None:
        parameters["UseMaximumSize"] = True
    else:
        parameters["Size"] = spec.size
    return Step(
        "virtual_disk",
        Call("New-VirtualDisk", parameters),
        select=StorageVirtualDisk.properties(),
        expect="one",
        undo=_remove("Remove-VirtualDisk", "virtual_disk"),
    )


def _volume_steps(spec: VolumeCreate, *, raw: bool, alone: bool) -> list[Step]:
    """What makes a volume of the virtual disk of an earlier step; `alone` has the partition taken back by itself."""
    disk: dict[str, Value] = {"InputObject": (Ref("disk"),)}
    steps = [Step("disk", Call("Get-Disk", {"VirtualDisk": Ref("virtual_disk")}), expect="one")]
    if raw:
        style: dict[str, Value] = {"PartitionStyle": "GPT", "Confirm": False}
        steps.append(Step("initialize", Call("Initialize-Disk", disk | style)))
    new = Call("New-Partition", {**disk, "UseMaximumSize": True, "DriveLetter": spec.letter})
    undo = _remove("Remove-Partition", "partition") if alone else None
    steps.append(Step("partition", new, expect="one", undo=undo))
    formatting: dict[str, Value] = {
        "Partition": Ref("partition"),
        "FileSystem": spec.file_system,
        "NewFileSystemLabel": spec.label or "",
        "Confirm": False,
    }
    steps.append(Step("format", Call("Format-Volume", formatting), expect="one"))
    volume = Call("Get-Volume", {"Partition": Ref("partition")})
    steps.append(Step("details", volume, select=Volume.properties(), expect="one"))
    return steps


def _remove(cmdlet: str, step: str) -> Call:
    return Call(cmdlet, {"InputObject": (Ref(step),), "Confirm": False})


def _absent(cmdlet: str, name: str, where: Mapping[str, str]) -> Step:
    step_id = "pool_absent" if cmdlet == "Get-StoragePool" else "disk_absent"
    return Step(step_id, Call(cmdlet), where={**where, "FriendlyName": name}, expect="none")


def _letter_free(letter: str) -> Step:
    return Step("letter_free", Call("Get-Volume"), where={"DriveLetter": letter}, expect="none")


def _again(step_id: str, cmdlet: str, step: str, select: tuple[str, ...]) -> Step:
    return Step(
        step_id,
        Call(cmdlet, {"UniqueId": Ref(step, property="UniqueId")}),
        select=select,
        expect="one",
    )
