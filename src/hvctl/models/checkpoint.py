"""Checkpoints: what a host returns, and what a user asks for."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from hvctl.models.base import Bytes, HostName, Model, Record, TextList

NO_ID = "00000000-0000-0000-0000-000000000000"
"""What a host may say for no id."""


def _without_zero(value: object) -> object:
    """A host's null id may come as a GUID of zeros."""
    return None if value == NO_ID else value


_NO_CONTROLS = r"^[^\x00-\x1f\x7f]+$"
CheckpointName = Annotated[str, Field(min_length=1, max_length=100, pattern=_NO_CONTROLS)]
AskedType = Literal["Standard", "Production", "ProductionOnly"]
ParentId = Annotated[str | None, BeforeValidator(_without_zero)]


class CheckpointSummary(Record):
    """A checkpoint as `checkpoint list` shows it: only what costs the host nothing extra per checkpoint."""

    noun: ClassVar[str] = "checkpoint"

    id: str = Field(validation_alias="Id")
    name: str = Field(validation_alias="Name")
    vm: str = Field(validation_alias="VMName", description="the virtual machine's name")
    vm_id: str = Field(validation_alias="VMId")
    host: HostName
    type: str | None = Field(
        validation_alias="SnapshotType",
        description="SnapshotType: Standard for all that people take, Recovery, Replica and others for backup",
    )
    automatic: bool | None = Field(validation_alias="IsAutomaticCheckpoint", description="taken by Windows at a start")
    state: str | None = Field(
        validation_alias="State", description="the state after a restore: Saved where memory is in it, else Off"
    )
    created: datetime | None = Field(validation_alias="CreationTime")

    @property
    def has_memory(self) -> bool:
        """Whether the machine's memory is in it."""
        return self.state not in (None, "Off", "OffCritical")


class CheckpointNode(CheckpointSummary):
    """A checkpoint as `checkpoint tree` shows it."""

    parent_id: ParentId = Field(validation_alias="ParentSnapshotId", description="the checkpoint it is based on")
    current: bool = Field(default=False, description="the machine's present state is based on it")


class Checkpoint(CheckpointNode):
    """A checkpoint as `checkpoint show` shows it."""

    parent: str | None = Field(validation_alias="ParentSnapshotName")
    children: tuple[str, ...] = Field(default=(), description="names of the checkpoints based on it")
    disks: TextList = Field(validation_alias="HardDrives.Path", description="the disks that it holds, as they were")
    generation: int | None = Field(validation_alias="Generation")
    version: str | None = Field(validation_alias="Version", description="the configuration version")
    processors: int | None = Field(validation_alias="ProcessorCount")
    memory_startup: Bytes | None = Field(validation_alias="MemoryStartup")
    dynamic_memory: bool | None = Field(validation_alias="DynamicMemoryEnabled")
    notes: str | None = Field(validation_alias="Notes", description="the machine's notes at that time")
    path: str | None = Field(validation_alias="Path")


class NewCheckpoint(CheckpointNode):
    """A checkpoint that `checkpoint create` has taken."""

    asked: str | None = Field(default=None, description="Standard, Production or ProductionOnly: what was asked for")
    became: str | None = Field(
        default=None, description="Standard or Production: what it became; null for a machine at rest"
    )

    @property
    def fell_back(self) -> bool:
        """Whether a production checkpoint was asked for, and a standard one was taken."""
        return self.asked == "Production" and self.became == "Standard"


def _of_known_words(template: str) -> str:
    """A name template, all of whose words in braces can be filled in: a slip of the pen must not become a name."""
    unknown = [word for word in re.findall(r"\{\w*\}", template) if word not in NAME_WORDS]
    if unknown:
        raise ValueError(f"'{unknown[0]}' cannot be filled in; {', '.join(NAME_WORDS)} can")
    return template


NAME_WORDS = ("{vm}", "{date}", "{time}")
NameTemplate = Annotated[str, Field(min_length=1, pattern=_NO_CONTROLS), AfterValidator(_of_known_words)]


class CheckpointCreate(Model):
    """What `checkpoint create` is asked for; `name` may have {vm}, {date} and {time} in it."""

    name: NameTemplate = "{vm} ({date} {time})"
    type: AskedType | None = None


class CheckpointRename(Model):
    """What `checkpoint rename` is asked for."""

    new_name: CheckpointName
