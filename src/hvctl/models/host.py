"""Hosts: what one is, and what stands between it and hvctl."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from hvctl.models.base import Bytes, HostName, Model, Record, TextList

HostStatus = Literal["ok", "unreachable", "no access", "timed out", "not supported", "failed"]


class HostSettings(Record):
    """What Get-VMHost knows of a host."""

    noun: ClassVar[str] = "host"

    host: HostName
    processors: int | None = Field(validation_alias="LogicalProcessorCount", description="logical processors")
    memory: Bytes | None = Field(validation_alias="MemoryCapacity")
    vm_path: str | None = Field(validation_alias="VirtualMachinePath")
    disk_path: str | None = Field(validation_alias="VirtualHardDiskPath")
    vm_versions: TextList = Field(validation_alias="SupportedVmVersions", description="configuration versions it runs")
    migration_enabled: bool | None = Field(validation_alias="VirtualMachineMigrationEnabled")


class HostSummary(Model):
    """A host in one row."""

    name: str = Field(description="as it is named on the command line")
    host: HostName
    computer_name: str | None
    windows: str | None = Field(description="product name, or the build where that is not known")
    build: str | None
    processors: int | None
    memory: Bytes | None
    vms: int | None
    running: int | None
    memory_assigned: Bytes | None = Field(description="what its virtual machines have at this moment")


class HostRow(HostSummary):
    """A host as `host list` shows it, or why it cannot be shown."""

    status: HostStatus
    error: dict[str, Any] | None = Field(default=None, description="the error, as on stderr")


class HostCheck(Model):
    """A leg of the way to a host, or a thing that hvctl needs there, as `host check` found it."""

    name: str = Field(description="the leg")
    host: HostName
    status: Literal["ok", "warning", "failed", "skipped"] = Field(
        description="skipped: it could not be tried, because a leg before it failed, or does not exist here"
    )
    message: str = Field(description="what was seen")
    meaning: str | None = Field(default=None, description="what that means")
    command: str | None = Field(
        default=None, description="what mends it: run here if it begins with hvctl, else in a PowerShell on the host"
    )


class Host(HostSummary):
    """A host as `host show` shows it."""

    powershell: str | None
    edition: str | None = Field(description="Desktop is Windows PowerShell, Core is PowerShell 7")
    modules: dict[str, str] = Field(description="module versions")
    rights: tuple[str, ...] | None = Field(description="administrative groups of this login; null: could not be told")
    vm_path: str | None
    disk_path: str | None
    vm_versions: tuple[str, ...]
    migration_enabled: bool | None
