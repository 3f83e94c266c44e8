"""VMSnapshot, with the properties that the lab simulates."""

from __future__ import annotations

from hvctl.lab.entities import Drive, Snapshot, Vm
from hvctl.lab.kinds.storage import HARD_DISK_DRIVE, slot
from hvctl.lab.live import Kind, Live, Property, Read, constants, fields, moment, table

_FROZEN = {
    "Generation": "generation",
    "Version": "version",
    "Notes": "notes",
    "ProcessorCount": "processors",
    "MemoryStartup": "memory_startup",
    "MemoryMinimum": "memory_minimum",
    "MemoryMaximum": "memory_maximum",
    "DynamicMemoryEnabled": "dynamic_memory",
    "AutomaticStartAction": "start_action",
    "AutomaticStartDelay": "start_delay",
    "AutomaticStopAction": "stop_action",
    "AutomaticCheckpointsEnabled": "automatic_checkpoints",
    "CheckpointType": "checkpoint_type",
}


def _frozen(attribute: str) -> Read:
    return lambda live: live.entity.frozen[attribute]


def _of_vm(attribute: str) -> Read:
    def read(live: Live) -> str | None:
        vm = live.world.get(Vm, live.entity.vm)
        return None if vm is None else str(getattr(vm, attribute))

    return read


def parent_name(live: Live) -> str | None:
    """The name of the checkpoint that a VM or a checkpoint is based on."""
    entity = live.entity
    parent_id = entity.parent if isinstance(entity, Snapshot) else entity.snapshot
    parent = live.world.get(Snapshot, parent_id) if parent_id else None
    return parent.name if parent else None


def _drives(live: Live) -> list[Live]:
    drives = [Drive(**fields) for fields in live.entity.drives if fields["kind"] == "disk"]
    return [Live(live.world, HARD_DISK_DRIVE, drive) for drive in sorted(drives, key=slot)]


SNAPSHOT = Kind(
    "VMSnapshot",
    table(
        fields(
            Id="id",
            Name="name",
            VMId="vm",
            State="state",
            SnapshotType="type",
            IsAutomaticCheckpoint="automatic",
            ParentSnapshotId="parent",
            ParentCheckpointId="parent",
        ),
        constants(IsDeleted=False, IsClustered=False),
        {name: _frozen(attribute) for name, attribute in _FROZEN.items()},
        {
            "VMName": _of_vm("name"),
            "Path": _of_vm("snapshot_location"),
            "ComputerName": lambda live: live.entity.host.upper(),
            "CreationTime": lambda live: moment(live.entity.created),
            "ParentSnapshotName": parent_name,
            "ParentCheckpointName": parent_name,
            "HardDrives": Property(_drives, HARD_DISK_DRIVE),
        },
    ),
    text=lambda live: f"VMSnapshot (Name = '{live.entity.name}')",
    reload=lambda world, snapshot: world.get(Snapshot, snapshot.id),
    bases=("VirtualMachineBase",),
)
