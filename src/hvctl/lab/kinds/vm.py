"""VirtualMachine and its settings objects, with the properties that the lab simulates."""

from __future__ import annotations

from typing import Any

from hvctl.lab import guests
from hvctl.lab.entities import MIB, Drive, Nic, Planned, Vm
from hvctl.lab.kinds.network import NETWORK_ADAPTER
from hvctl.lab.kinds.snapshot import parent_name
from hvctl.lab.kinds.storage import DVD_DRIVE, HARD_DISK_DRIVE, slot
from hvctl.lab.live import Kind, Live, Property, constants, fields, moment, table
from hvctl.lab.owners import is_moving
from hvctl.lab.world import World

TEMPLATES = {
    "MicrosoftWindows": "1734c6e8-3154-4dda-ba5f-a874cc483422",
    "MicrosoftUEFICertificateAuthority": "272e7447-90a4-4563-a4b9-8e4ab00526ce",
    "OpenSourceShieldedVM": "4292ae2b-ee2c-42b5-a969-dd8f8689f6f3",
}
"""The Secure Boot templates by name, with their ids."""


def reload(world: World, vm: Vm) -> Vm | None:
    """The VM as the world has it now."""
    return world.get(Vm, vm.id)


def uptime(live: Live) -> float:
    """Seconds that the VM has run, without those it was paused or saved; 0 while it is off."""
    vm: Vm = live.entity
    running = live.world.now() - vm.started if vm.started is not None and vm.state != "Paused" else 0.0
    return vm.uptime + max(0.0, running)


def _demand(live: Live) -> int:
    vm: Vm = live.entity
    if not guests.is_up(live.world, vm):
        return 0
    return vm.memory_assigned * 6 // 10 // (2 * MIB) * (2 * MIB)


def _memory_status(live: Live) -> str:
    vm: Vm = live.entity
    return "OK" if vm.dynamic_memory and vm.state == "Running" else ""


def _drives(kind: Kind, name: str) -> Property:
    def read(live: Live) -> list[Live]:
        drives = [drive for drive in live.world.find(Drive, vm=live.entity.id) if drive.kind == name]
        return [Live(live.world, kind, drive) for drive in sorted(drives, key=slot)]

    return Property(read, kind)


def _adapters(live: Live) -> list[Live]:
    return [Live(live.world, NETWORK_ADAPTER, nic) for nic in live.world.find(Nic, vm=live.entity.id)]


_SETTINGS = fields(
    Id="id",
    VMId="id",
    Name="name",
    VMName="name",
    State="state",
    Generation="generation",
    Version="version",
    Path="path",
    ConfigurationLocation="path",
    Notes="notes",
    ProcessorCount="processors",
    MemoryStartup="memory_startup",
    MemoryMinimum="memory_minimum",
    MemoryMaximum="memory_maximum",
    MemoryAssigned="memory_assigned",
    DynamicMemoryEnabled="dynamic_memory",
    AutomaticStartAction="start_action",
    AutomaticStartDelay="start_delay",
    AutomaticStopAction="stop_action",
    AutomaticCriticalErrorAction="critical_error_action",
    AutomaticCriticalErrorActionTimeout="critical_error_timeout",
    AutomaticCheckpointsEnabled="automatic_checkpoints",
    CheckpointType="checkpoint_type",
    LockOnDisconnect="lock_on_disconnect",
    GuestControlledCacheTypes="guest_controlled_cache_types",
    LowMemoryMappedIoSpace="low_mmio",
    HighMemoryMappedIoSpace="high_mmio",
    SnapshotFileLocation="snapshot_location",
    CheckpointFileLocation="snapshot_location",
    SmartPagingFilePath="smart_paging_path",
    ParentSnapshotId="snapshot",
    ParentCheckpointId="snapshot",
)
_SAME = constants(
    IsClustered=False,
    IsDeleted=False,
    CPUUsage=0,
    SmartPagingFileInUse=False,
    ResourceMeteringEnabled=False,
    ReplicationHealth="NotApplicable",
    ReplicationMode="None",
    ReplicationState="Disabled",
    IntegrationServicesState="",
    IntegrationServicesVersion="0.0",
    VirtualMachineType="RealizedVirtualMachine",
)


def _status(live: Live) -> list[str]:
    if live.entity.merging:
        return ["InService", "MergingDisks"]
    planned = live.world.find(Planned, id=live.entity.id)
    return ["InService", "MigratingVirtualMachine"] if any(is_moving(live.world, each) for each in planned) else ["Ok"]


def _status_text(live: Live) -> str:
    return "Merging disks" if live.entity.merging else "Operating normally"


VIRTUAL_MACHINE = Kind(
    "VirtualMachine",
    table(
        _SETTINGS,
        _SAME,
        {
            "ComputerName": lambda live: live.entity.host.upper(),
            "CreationTime": lambda live: moment(live.entity.created),
            "Uptime": uptime,
            "OperationalStatus": _status,
            "PrimaryOperationalStatus": lambda live: _status(live)[0],
            "SecondaryOperationalStatus": lambda live: (*_status(live), None)[1],
            "StatusDescriptions": lambda live: [_status_text(live)],
            "PrimaryStatusDescription": _status_text,
            "SecondaryStatusDescription": lambda live: _status_text(live) if live.entity.merging else None,
            "Status": _status_text,
            "ParentSnapshotName": parent_name,
            "ParentCheckpointName": parent_name,
            "Heartbeat": lambda live: guests.heartbeat(live.world, live.entity),
            "MemoryDemand": _demand,
            "MemoryStatus": _memory_status,
            "VirtualMachineSubType": lambda live: f"Generation{live.entity.generation}",
            "HardDrives": _drives(HARD_DISK_DRIVE, "disk"),
            "DVDDrives": _drives(DVD_DRIVE, "dvd"),
            "NetworkAdapters": Property(_adapters, NETWORK_ADAPTER),
        },
    ),
    text=lambda live: f"VirtualMachine (Name = '{live.entity.name}') [Id = '{live.entity.id}']",
    reload=reload,
    bases=("VirtualMachineBase",),
)

_OWNER = {
    "VMId": lambda live: live.entity.id,
    "VMName": lambda live: live.entity.name,
    "ComputerName": lambda live: live.entity.host.upper(),
}
BIOS = Kind(
    "VMBios",
    table(_OWNER, fields(NumLockEnabled="num_lock", StartupOrder="startup_order")),
    text=lambda live: f"VMBios (VMName = '{live.entity.name}')",
    reload=reload,
)


def boot_device(world: World, device: str) -> Any:  # noqa: ANN401 - a drive, an adapter, or None when it is gone
    """The drive or network adapter behind an entry of a boot order."""
    return world.get(Drive, device) or world.get(Nic, device)


def device_kind(device: Drive | Nic) -> Kind:
    """The kind of live object that a boot device is."""
    if isinstance(device, Nic):
        return NETWORK_ADAPTER
    return DVD_DRIVE if device.kind == "dvd" else HARD_DISK_DRIVE


def _source_device(live: Live) -> Live | None:
    device = boot_device(live.world, live.entity[1])
    return None if device is None else Live(live.world, device_kind(device), device)


def _is_network(live: Live) -> bool:
    return isinstance(boot_device(live.world, live.entity[1]), Nic)


_DEVICE = Kind(
    "VMComponentObject",
    # What every device has; a record names its class by the properties only some have.
    {name: NETWORK_ADAPTER.properties[name] for name in ("id", "name", "vmid", "vmname")}
    | {name: HARD_DISK_DRIVE.properties[name] for name in ("path", "controllertype", "controllernumber")}
    | {"controllerlocation": HARD_DISK_DRIVE.properties["controllerlocation"]},
    text=str,
    reload=lambda _world, entity: entity,
)
BOOT_SOURCE = Kind(
    "VMBootSource",
    table(
        {
            "BootType": lambda live: "Network" if _is_network(live) else "Drive",
            "Description": lambda live: "EFI Network" if _is_network(live) else "EFI SCSI Device",
            "Device": Property(_source_device, _DEVICE),
            "VMName": lambda live: live.entity[0].name,
            "VMId": lambda live: live.entity[0].id,
        }
    ),
    text=lambda live: f"VMBootSource (VMName = '{live.entity[0].name}')",
    reload=lambda _world, entity: entity,
    bases=("VMComponentObject",),
)


def _boot_order(live: Live) -> list[Live]:
    vm: Vm = live.entity
    return [Live(live.world, BOOT_SOURCE, (vm, device)) for device in vm.boot_order]


FIRMWARE = Kind(
    "VMFirmware",
    table(
        _OWNER,
        fields(
            SecureBoot="secure_boot",
            SecureBootTemplate="secure_boot_template",
            PreferredNetworkBootProtocol="network_boot_protocol",
            ConsoleMode="console_mode",
            PauseAfterBootFailure="pause_after_boot_failure",
        ),
        {
            "BootOrder": Property(_boot_order, BOOT_SOURCE),
            "SecureBootTemplateId": lambda live: TEMPLATES.get(live.entity.secure_boot_template),
        },
    ),
    text=lambda live: f"VMFirmware (VMName = '{live.entity.name}')",
    reload=reload,
)
