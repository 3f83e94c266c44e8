"""Migration: what a host is set to, what stands against a move, and what moves are asked for."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from hvctl.models.base import HostName, Model, Record, TextList
from hvctl.models.vm import WindowsPath

Authentication = Literal["CredSSP", "Kerberos"]
Performance = Literal["TCPIP", "Compression", "SMB"]


class MigrationSettings(Record):
    """What Get-VMHost knows of a host's migrations."""

    noun: ClassVar[str] = "host"

    host: HostName
    enabled: bool | None = Field(validation_alias="VirtualMachineMigrationEnabled")
    authentication: str | None = Field(
        validation_alias="VirtualMachineMigrationAuthenticationType", description="CredSSP or Kerberos"
    )
    performance: str | None = Field(
        validation_alias="VirtualMachineMigrationPerformanceOption", description="TCPIP, Compression or SMB"
    )
    any_network: bool | None = Field(validation_alias="UseAnyNetworkForMigration")
    maximum: int | None = Field(
        validation_alias="MaximumVirtualMachineMigrations", description="virtual machines that move at once"
    )
    maximum_storage: int | None = Field(
        validation_alias="MaximumStorageMigrations", description="storage migrations at once"
    )


class MigrationHost(MigrationSettings):
    """A host as `migrate show` shows it."""

    computer_name: str | None = None
    networks: TextList = Field(default=(), description="subnets that moves are taken on")


class Finding(Model):
    """Something that `migrate check` found."""

    name: str = Field(description="the virtual machine, or the host, that it is about")
    host: HostName
    blocks: bool = Field(description="whether nothing can be moved as long as it is so")
    finding: str
    mend: str | None = Field(default=None, description="what to do about it: mostly a command")
    message_id: int | None = Field(default=None, description="Compare-VM's own number for it")


class MigrationChange(Model):
    """What `migrate enable` is asked for; None leaves a setting as it is."""

    authentication: Authentication | None = None
    performance: Performance | None = None
    any_network: bool | None = None
    maximum: Annotated[int, Field(ge=1, le=4294967295)] | None = None


class Move(Model):
    """What `migrate vm` is asked for.

    Attributes:
        storage_path: The folder on the destination that the storage moves to; None where it stays.
        shared: Whether the disks lie where the destination sees them.
        switches: The switches on the destination, by the names of those here.
    """

    storage_path: WindowsPath | None = None
    shared: bool = False
    switches: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.shared and self.storage_path is not None:
            raise ValueError("--shared leaves the storage where it is and --storage-path moves it: choose one")
        return self


class StorageMove(Model):
    """What `migrate storage` is asked for."""

    path: WindowsPath
