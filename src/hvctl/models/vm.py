"""Virtual machines: what a host returns, and what a user asks for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from hvctl.models.base import Bytes, HostName, Model, Record, Seconds, TextList

MIB = 1 << 20

STATES = (
    "Other",
    "Running",
    "Off",
    "Stopping",
    "Saved",
    "Paused",
    "Starting",
    "Reset",
    "Saving",
    "Pausing",
    "Resuming",
    "FastSaved",
    "FastSaving",
    "ForceShutdown",
    "ForceReboot",
    "Hibernated",
    "ComponentServicing",
    "RunningCritical",
    "OffCritical",
    "StoppingCritical",
    "SavedCritical",
    "PausedCritical",
    "StartingCritical",
    "ResetCritical",
    "SavingCritical",
    "PausingCritical",
    "ResumingCritical",
    "FastSavedCritical",
    "FastSavingCritical",
)
"""The names of VMState in module Hyper-V 2.0; a host may report others."""

StartAction = Literal["Nothing", "StartIfRunning", "Start"]
StopAction = Literal["TurnOff", "Save", "ShutDown"]
CheckpointType = Literal["Disabled", "Production", "ProductionOnly", "Standard"]
SecureBootTemplate = Literal["MicrosoftWindows", "MicrosoftUEFICertificateAuthority", "OpenSourceShieldedVM"]

VmName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
MemorySize = Annotated[
    int, Field(ge=32 * MIB, le=1 << 50, multiple_of=2 * MIB, description="bytes, a multiple of 2 MiB")
]
WindowsPath = Annotated[str, Field(pattern=r"^([A-Za-z]:[\\/]|\\\\[^\\/]+[\\/][^\\/]+)[^\x00-\x1f\"<>|?*]*$")]


class VmSummary(Record):
    """A virtual machine as `vm list` shows it: only what costs the host nothing extra per VM."""

    noun: ClassVar[str] = "virtual machine"

    id: str = Field(validation_alias="Id")
    name: str = Field(validation_alias="Name")
    host: HostName
    state: str = Field(validation_alias="State", description="VMState, such as Running, Off, Saved, Paused")
    generation: int | None = Field(validation_alias="Generation")
    processors: int | None = Field(validation_alias="ProcessorCount")
    cpu_usage: int | None = Field(validation_alias="CPUUsage", description="percent of the VM's processors")
    memory_assigned: Bytes | None = Field(validation_alias="MemoryAssigned")
    memory_demand: Bytes | None = Field(validation_alias="MemoryDemand")
    memory_startup: Bytes | None = Field(validation_alias="MemoryStartup")
    dynamic_memory: bool | None = Field(validation_alias="DynamicMemoryEnabled")
    uptime: Seconds | None = Field(validation_alias="Uptime")
    heartbeat: str | None = Field(validation_alias="Heartbeat", description="VMHeartbeatStatus, null when off")
    status: str | None = Field(validation_alias="Status", description="in the host's language")
    version: str | None = Field(validation_alias="Version", description="the configuration version")
    created: datetime | None = Field(validation_alias="CreationTime")


class NetworkAdapter(Record):
    """A virtual machine's network adapter."""

    noun: ClassVar[str] = "network adapter"

    vm_id: str = Field(validation_alias="VMId", exclude=True)
    id: str = Field(validation_alias="Id")
    name: str = Field(validation_alias="Name")
    switch: str | None = Field(validation_alias="SwitchName")
    connected: bool | None = Field(validation_alias="Connected")
    mac_address: str | None = Field(validation_alias="MacAddress")
    dynamic_mac: bool | None = Field(validation_alias="DynamicMacAddressEnabled")
    legacy: bool | None = Field(validation_alias="IsLegacy")
    addresses: TextList = Field(validation_alias="IPAddresses")
    host: str = Field(exclude=True)
    vlan_mode: str | None = Field(default=None, description="Untagged, Access, Trunk or Private")
    vlan: int | None = Field(default=None, description="the VLAN id in Access mode")


class Drive(Record):
    """A hard disk or DVD drive of a virtual machine."""

    noun: ClassVar[str] = "drive"

    vm_id: str = Field(validation_alias="VMId", exclude=True)
    host: str = Field(exclude=True)
    controller: str | None = Field(validation_alias="ControllerType")
    number: int | None = Field(validation_alias="ControllerNumber")
    location: int | None = Field(validation_alias="ControllerLocation")
    path: str | None = Field(validation_alias="Path")


class VirtualMachine(VmSummary):
    """A virtual machine as `vm show` shows it."""

    notes: str | None = Field(validation_alias="Notes")
    path: str | None = Field(validation_alias="Path")
    memory_minimum: Bytes | None = Field(validation_alias="MemoryMinimum")
    memory_maximum: Bytes | None = Field(validation_alias="MemoryMaximum")
    automatic_start_action: str | None = Field(validation_alias="AutomaticStartAction")
    automatic_start_delay: Seconds | None = Field(validation_alias="AutomaticStartDelay")
    automatic_stop_action: str | None = Field(validation_alias="AutomaticStopAction")
    checkpoint_type: str | None = Field(validation_alias="CheckpointType")
    automatic_checkpoints: bool | None = Field(validation_alias="AutomaticCheckpointsEnabled")
    clustered: bool | None = Field(validation_alias="IsClustered")
    addresses: tuple[str, ...] = Field(default=(), description="of all adapters; none unless a guest reports them")
    adapters: tuple[NetworkAdapter, ...] = ()
    disks: tuple[Drive, ...] = ()
    dvds: tuple[Drive, ...] = ()
    secure_boot: str | None = Field(default=None, description="On or Off; null for generation 1")
    secure_boot_template: str | None = None
    boot_order: tuple[str, ...] = Field(default=(), description="what the firmware tries, in order; generation 2 only")


class VmCreate(Model):
    """What `vm create` is asked for."""

    name: VmName
    generation: Literal[1, 2] = 2
    memory: MemorySize = 1024 * MIB
    memory_minimum: MemorySize | None = None
    memory_maximum: MemorySize | None = None
    dynamic_memory: bool | None = None
    processors: Annotated[int, Field(ge=1, le=2048)] | None = None
    disk: Annotated[int, Field(ge=3 * MIB, le=64 << 40, multiple_of=4096)] | None = None
    disk_path: WindowsPath | None = None
    attach: WindowsPath | None = None
    iso: WindowsPath | None = None
    switch: Annotated[str, Field(min_length=1)] | None = None
    vlan: Annotated[int, Field(ge=1, le=4094)] | None = None
    secure_boot_template: SecureBootTemplate | None = None
    path: WindowsPath | None = None
    notes: str | None = None
    start: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _check_memory(self.memory, self.memory_minimum, self.memory_maximum, dynamic=self.dynamic_memory)
        _require(
            not (self.disk and self.attach), "--disk makes a new disk and --attach takes one that exists: choose one"
        )
        _require(self.disk is not None or self.disk_path is None, "--disk-path says where --disk goes: give --disk too")
        _require(self.generation == 2 or not self.secure_boot_template, "generation 1 has no secure boot")
        _require(self.vlan is None or self.switch is not None, "--vlan needs --switch")
        for option, path in (("--attach", self.attach), ("--disk-path", self.disk_path)):
            is_vhd = path is not None and path.lower().endswith((".vhd", ".avhd"))
            _require(self.generation == 1 or not is_vhd, f"{option}: generation 2 does not support .vhd files")
        if self.disk and self.disk_path and self.disk_path.lower().endswith(".vhd"):
            _require(self.disk <= 2040 << 30, "a .vhd file holds at most 2040 GiB")
        if self.attach is not None:
            _require(
                self.attach.lower().endswith((".vhd", ".vhdx", ".avhd", ".avhdx", ".vhds")),
                "--attach takes a .vhdx or .vhd file",
            )
        if self.iso is not None:
            _require(self.iso.lower().endswith(".iso"), "--iso takes an .iso file")
        return self


class VmChange(Model):
    """What `vm set` is asked to change; None leaves a setting as it is."""

    memory: MemorySize | None = None
    memory_minimum: MemorySize | None = None
    memory_maximum: MemorySize | None = None
    dynamic_memory: bool | None = None
    processors: Annotated[int, Field(ge=1, le=2048)] | None = None
    notes: str | None = None
    automatic_start_action: StartAction | None = None
    automatic_start_delay: Annotated[int, Field(ge=0, le=2147483647)] | None = None
    automatic_stop_action: StopAction | None = None
    checkpoint_type: CheckpointType | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        _require(any(value is not None for value in self.__dict__.values()), "nothing to change was given")
        _check_memory(self.memory, self.memory_minimum, self.memory_maximum, dynamic=self.dynamic_memory)
        return self


class VmRename(Model):
    """What `vm rename` is asked for."""

    new_name: VmName


def _check_memory(startup: int | None, minimum: int | None, maximum: int | None, *, dynamic: bool | None) -> None:
    _require(dynamic is not False or (minimum is None and maximum is None), "a minimum or maximum needs dynamic memory")
    order = [size for size in (minimum, startup, maximum) if size is not None]
    _require(order == sorted(order), "memory must satisfy minimum <= startup <= maximum")


def _require(condition: object, otherwise: str) -> None:
    if not condition:
        raise ValueError(otherwise)
