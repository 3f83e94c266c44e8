"""Virtual switches: what a host returns, and what a user asks for."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from hvctl.models.base import HostName, Model, Record, TextList

SwitchName = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]


class VirtualSwitch(Record):
    """A virtual switch."""

    noun: ClassVar[str] = "virtual switch"

    id: str = Field(validation_alias="Id")
    name: str = Field(validation_alias="Name")
    host: HostName
    type: str = Field(validation_alias="SwitchType", description="Private, Internal or External")
    management_os: bool | None = Field(validation_alias="AllowManagementOS", description="the host itself is connected")
    adapters: TextList = Field(validation_alias="NetAdapterInterfaceDescriptions", description="of an external switch")
    notes: str | None = Field(validation_alias="Notes")


class SwitchDetails(VirtualSwitch):
    """A virtual switch as `switch show` shows it, with what is connected to it."""

    bandwidth_mode: str | None = Field(validation_alias="BandwidthReservationMode")
    embedded_teaming: bool | None = Field(validation_alias="EmbeddedTeamingEnabled")
    iov: bool | None = Field(validation_alias="IovEnabled")
    vms: tuple[str, ...] = Field(default=(), description="names of the VMs with an adapter on this switch")


class SwitchCreate(Model):
    """What `switch create` is asked for."""

    name: SwitchName
    type: Literal["Private", "Internal", "External"] = "Private"
    adapter: Annotated[str, Field(min_length=1)] | None = None
    management_os: bool | None = None
    notes: str | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        external = self.type == "External"
        if external and self.adapter is None:
            raise ValueError("an external switch needs --adapter, the name of the host's network adapter")
        if not external and self.adapter is not None:
            raise ValueError("--adapter belongs to --type external")
        if not external and self.management_os is not None:
            raise ValueError("--management-os belongs to --type external")
        return self
