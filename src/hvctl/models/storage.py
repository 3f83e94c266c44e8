"""Storage Spaces: what a host returns of disks, pools, virtual disks, volumes and jobs.

A host gives enums as the words of the Storage module's types, or as bare numbers where those types are not loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from hvctl.models.base import Bytes, HostName, Model, Record, Seconds

_HEALTH = {0: "Healthy", 1: "Warning", 2: "Unhealthy", 5: "Unknown"}
_STATUS_IN_ORDER = (
    "Unknown,Other,OK,Degraded,Stressed,Predictive Failure,Error,Non-Recoverable Error,Starting,Stopping,Stopped,"
    "In Service,No Contact,Lost Communication,Aborted,Dormant,Supporting Entity in Error,Completed,Power Mode,"
    "Relocating"
)
_STATUS = dict(enumerate(_STATUS_IN_ORDER.split(","))) | {
    0x8000: "Majority Disks Unhealthy",
    0x8001: "Minority Disks Unhealthy",
    0xD002: "Detached",
    0xD003: "Incomplete",
    0xD00D: "Scan Needed",
    0xD00E: "Spot Fix Needed",
    0xD00F: "Full Repair Needed",
    0xD010: "Online",
    0xD011: "Not Ready",
    0xD012: "No Media",
    0xD013: "Offline",
    0xD014: "Failed",
}
_MEDIA = {0: "Unspecified", 3: "HDD", 4: "SSD", 5: "SCM"}
_USAGE = {0: "Unknown", 1: "Auto-Select", 2: "Manual-Select", 3: "Hot Spare", 4: "Retired", 5: "Journal"}
_BUSES = (
    "Unknown,SCSI,ATAPI,ATA,1394,SSA,Fibre Channel,USB,RAID,iSCSI,SAS,SATA,SD,MMC,MAX,File Backed Virtual,Spaces,NVMe"
)
_REASONS_IN_ORDER = (
    "Unknown,Other,In a Pool,Not Healthy,Removable Media,In Use by Cluster,Offline,Insufficient Capacity,Spare Disk,"
    "Reserved by Subsystem,Starting"
)
_BUS = dict(enumerate(_BUSES.split(",")))
_REASONS = dict(enumerate(_REASONS_IN_ORDER.split(",")))
_PROVISIONING = {0: "Unknown", 1: "Thin", 2: "Fixed"}
_DETACHED = {0: "Unknown", 1: "None", 2: "By Policy", 3: "Majority Disks Unhealthy", 4: "Incomplete"}
_READ_ONLY = {0: "Unknown", 1: "None", 2: "By Policy", 3: "Majority Disks Unhealthy"}
_OFFLINE_IN_ORDER = (
    "Policy,Redundant Path,Snapshot,Collision,Resource Exhaustion,Critical Write Failures,Data Integrity Scan Required"
)
_OFFLINE = dict(enumerate(_OFFLINE_IN_ORDER.split(","), 1))
_JOBS = {
    2: "New",
    3: "Starting",
    4: "Running",
    5: "Suspended",
    6: "Shutting Down",
    7: "Completed",
    8: "Terminated",
    9: "Killed",
    10: "Exception",
    11: "Service",
    12: "Query Pending",
}


def _word(names: Mapping[int, str]) -> Callable[[object], object]:
    """A number as its word; one that this version does not know is kept, as text."""

    def name(value: object) -> object:
        if isinstance(value, str) and value.isdigit():
            value = int(value)
        return names.get(value, str(value)) if isinstance(value, int) else value

    return name


def _words(names: Mapping[int, str]) -> Callable[[object], object]:
    one = _word(names)

    def convert(value: object) -> object:
        if value is None or value == "":
            return ()
        return tuple(one(each) for each in value) if isinstance(value, list | tuple) else (one(value),)

    return convert


def _letter(value: object) -> object:
    """A drive letter; a volume without one has null, an empty text, or the character zero."""
    return None if value in (None, "", "\0", 0) else value


HealthWord = Annotated[str | None, BeforeValidator(_word(_HEALTH)), Field(description="Healthy, Warning, Unhealthy")]
StatusWords = Annotated[tuple[str, ...], BeforeValidator(_words(_STATUS)), Field(description="can be several")]
Letter = Annotated[str | None, BeforeValidator(_letter)]


class PhysicalDisk(Record):
    """A physical disk."""

    noun: ClassVar[str] = "physical disk"

    id: str = Field(validation_alias="UniqueId")
    number: str | None = Field(validation_alias="DeviceId", description="the disk's number on this host")
    name: str = Field(validation_alias="FriendlyName", description="often that of its model, and not unique")
    host: HostName
    serial: str | None = Field(validation_alias="SerialNumber")
    type: Annotated[str | None, BeforeValidator(_word(_MEDIA))] = Field(validation_alias="MediaType")
    bus: Annotated[str | None, BeforeValidator(_word(_BUS))] = Field(validation_alias="BusType")
    size: Bytes = Field(validation_alias="Size")
    used: Bytes | None = Field(validation_alias="AllocatedSize")
    usage: Annotated[str | None, BeforeValidator(_word(_USAGE))] = Field(validation_alias="Usage")
    can_pool: bool | None = Field(validation_alias="CanPool")
    cannot_pool: Annotated[tuple[str, ...], BeforeValidator(_words(_REASONS))] = Field(
        validation_alias="CannotPoolReason", description="why it cannot be pooled"
    )
    health: HealthWord = Field(validation_alias="HealthStatus")
    status: StatusWords = Field(validation_alias="OperationalStatus")


class PhysicalDiskDetails(PhysicalDisk):
    """A physical disk as `storage disk show` shows it, with the pool that has it."""

    model: str | None = Field(validation_alias="Model")
    manufacturer: str | None = Field(validation_alias="Manufacturer")
    location: str | None = Field(validation_alias="PhysicalLocation")
    pool: str | None = Field(default=None, description="the pool's name")
    virtual_disks: tuple[str, ...] = Field(default=(), description="names of those with data on it")


class StoragePool(Record):
    """A storage pool; the primordial one is left out."""

    noun: ClassVar[str] = "storage pool"

    id: str = Field(validation_alias="UniqueId")
    name: str = Field(validation_alias="FriendlyName", description="the host does not keep names unique")
    host: HostName
    size: Bytes | None = Field(validation_alias="Size")
    used: Bytes | None = Field(validation_alias="AllocatedSize")
    read_only: bool | None = Field(validation_alias="IsReadOnly")
    read_only_reason: Annotated[str | None, BeforeValidator(_word(_READ_ONLY))] = Field(
        validation_alias="ReadOnlyReason", description="why, where it is read-only"
    )
    health: HealthWord = Field(validation_alias="HealthStatus")
    status: StatusWords = Field(validation_alias="OperationalStatus")


class StoragePoolDetails(StoragePool):
    """A storage pool as `storage pool show` shows it, with what is in it."""

    physical_disks: tuple[PhysicalDisk, ...] = ()
    virtual_disks: tuple[str, ...] = Field(default=(), description="their names")


class StorageVirtualDisk(Record):
    """A virtual disk of a pool, which Storage Spaces calls a space."""

    noun: ClassVar[str] = "virtual disk"

    id: str = Field(validation_alias="UniqueId")
    name: str = Field(validation_alias="FriendlyName", description="the host does not keep names unique")
    host: HostName
    resiliency: str | None = Field(validation_alias="ResiliencySettingName")
    copies: int | None = Field(validation_alias="NumberOfDataCopies")
    redundancy: int | None = Field(validation_alias="PhysicalDiskRedundancy", description="disks that may fail")
    columns: int | None = Field(validation_alias="NumberOfColumns")
    provisioning: Annotated[str | None, BeforeValidator(_word(_PROVISIONING))] = Field(
        validation_alias="ProvisioningType"
    )
    size: Bytes | None = Field(validation_alias="Size")
    footprint: Bytes | None = Field(validation_alias="FootprintOnPool", description="bytes it takes in the pool")
    health: HealthWord = Field(validation_alias="HealthStatus")
    status: StatusWords = Field(validation_alias="OperationalStatus")
    detached: Annotated[str | None, BeforeValidator(_word(_DETACHED))] = Field(
        validation_alias="DetachedReason", description="why, where it is detached"
    )


class Volume(Record):
    """A volume of the host."""

    noun: ClassVar[str] = "volume"

    id: str = Field(validation_alias="UniqueId")
    name: str = Field(validation_alias="FileSystemLabel", description="its label")
    host: HostName
    letter: Letter = Field(validation_alias="DriveLetter")
    file_system: str | None = Field(validation_alias="FileSystem")
    size: Bytes | None = Field(validation_alias="Size")
    free: Bytes | None = Field(validation_alias="SizeRemaining")
    path: str | None = Field(validation_alias="Path")
    health: HealthWord = Field(validation_alias="HealthStatus")
    status: StatusWords = Field(validation_alias="OperationalStatus")


class Disk(Record):
    """A disk as Windows sees it: what is behind a virtual disk that is attached, among others."""

    noun: ClassVar[str] = "disk"

    id: str = Field(validation_alias="UniqueId")
    number: int | None = Field(validation_alias="Number")
    name: str = Field(validation_alias="FriendlyName", description="of a virtual disk its name")
    host: HostName
    bus: Annotated[str | None, BeforeValidator(_word(_BUS))] = Field(validation_alias="BusType")
    offline_reason: Annotated[str | None, BeforeValidator(_word(_OFFLINE))] = Field(validation_alias="OfflineReason")
    health: HealthWord = Field(validation_alias="HealthStatus")
    status: StatusWords = Field(validation_alias="OperationalStatus")


class StorageVirtualDiskDetails(StorageVirtualDisk):
    """A virtual disk as `storage virtual-disk show` shows it: its pool, the disks below it, the volumes on it."""

    pool: str | None = Field(default=None, description="the pool's name")
    disk_number: int | None = Field(default=None, description="the number of the disk that Windows sees")
    physical_disks: tuple[PhysicalDisk, ...] = ()
    volumes: tuple[Volume, ...] = ()


class StorageJob(Record):
    """What a pool is doing on its own."""

    noun: ClassVar[str] = "storage job"

    id: str = Field(validation_alias="UniqueId")
    name: str = Field(validation_alias="Name")
    host: HostName
    state: Annotated[str | None, BeforeValidator(_word(_JOBS))] = Field(validation_alias="JobState")
    percent: int | None = Field(validation_alias="PercentComplete", description="may fall: the total can grow")
    processed: Bytes | None = Field(validation_alias="BytesProcessed")
    total: Bytes | None = Field(validation_alias="BytesTotal")
    elapsed: Seconds | None = Field(validation_alias="ElapsedTime")


class HealthFinding(Model):
    """One thing that `storage health` has to say: a word of an object's state, what it means, and what to do."""

    type: str = Field(description="storage pool, virtual disk, physical disk, disk, volume or storage job")
    id: str
    name: str
    host: HostName
    health: str | None
    status: str = Field(description="a word of its operational status")
    meaning: str
    next: str = Field(description="what to do; mostly the command to go on with")


class CreatedStorage(Model):
    """What `storage create` made, with the capacity that it has."""

    id: str = Field(description="the virtual disk's id, by which the rest is found")
    name: str
    host: HostName
    pool: StoragePool
    virtual_disk: StorageVirtualDisk
    volume: Volume
