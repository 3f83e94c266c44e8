"""Hosts: what one is."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from hvctl.models.base import Bytes, HostName, Model, Record, TextList


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
    """A host as `host list` shows it."""

    name: str = Field(description="as it is named on the command line")
    computer_name: str | None
    windows: str | None = Field(description="product name, or the build where that is not known")
    build: str | None
    processors: int | None
    memory: Bytes | None
    vms: int | None
    running: int | None


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
