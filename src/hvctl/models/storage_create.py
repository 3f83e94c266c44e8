"""What the creating verbs of `storage` are asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, model_validator

from hvctl.models.base import Model

GIB = 1 << 30
LEAST_DISK = 4 * GIB
"""The smallest disk that a pool takes, in bytes."""

Resiliency = Literal["simple", "mirror", "three-way-mirror", "parity", "dual-parity"]
FileSystem = Literal["ReFS", "NTFS"]
Provisioning = Literal["Fixed", "Thin"]


class Layout(NamedTuple):
    """How the Storage module calls a resiliency, how many disks may fail, and how many it needs."""

    setting: str
    redundancy: int
    disks: int


LAYOUTS: Mapping[str, Layout] = {
    "simple": Layout("Simple", 0, 1),
    "mirror": Layout("Mirror", 1, 2),
    "three-way-mirror": Layout("Mirror", 2, 5),
    "parity": Layout("Parity", 1, 3),
    "dual-parity": Layout("Parity", 2, 7),
}
"""The resiliencies; the counts are those of hosts without Storage Spaces Direct."""


def drive_letter(text: str) -> str:
    """A letter on its own, upper-case, for one with a colon, or a root; any other text as it is."""
    return text[:1].upper() if re.fullmatch(r"[A-Za-z](:[\\/]?)?", text) else text


def _letter(value: object) -> str:
    letter = drive_letter(str(value).strip())
    if not re.fullmatch(r"[A-Z]", letter):
        raise ValueError("a drive letter is one of A to Z")
    return letter


SpaceName = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]
DriveLetter = Annotated[str, BeforeValidator(_letter)]
SpaceSize = Annotated[int, Field(ge=GIB, le=1 << 56, description="bytes")]
Label = Annotated[str, Field(max_length=32, pattern=r"^[^\x00-\x1f\x7f]*$")]


class PoolCreate(Model):
    """What `storage pool create` is asked for; no disks stand for those that fit best."""

    name: SpaceName
    disks: tuple[str, ...] = ()


class _Space(Model):
    resiliency: Resiliency = "mirror"
    size: SpaceSize | None = Field(default=None, description="bytes; null for as many as there is room for")
    provisioning: Provisioning = "Fixed"
    columns: Annotated[int, Field(ge=1, le=64)] | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.provisioning == "Thin" and self.resiliency == "dual-parity":
            raise ValueError("dual parity needs fixed provisioning")
        if self.provisioning == "Thin" and self.size is None:
            raise ValueError("a thin disk needs a size of its own, not max")
        return self

    @property
    def layout(self) -> Layout:
        """What the resiliency needs."""
        return LAYOUTS[self.resiliency]


class VirtualDiskCreate(_Space):
    """What `storage virtual-disk create` is asked for."""

    name: SpaceName
    pool: str


class VolumeCreate(Model):
    """What `storage volume create` is asked for: a volume that takes all of a virtual disk."""

    virtual_disk: str
    letter: DriveLetter
    file_system: FileSystem = "NTFS"
    label: Label | None = None


class StorageCreate(_Space):
    """What `storage create` is asked for: a pool, a virtual disk that bears its name, and a volume on it."""

    name: SpaceName
    volume: DriveLetter
    disks: tuple[str, ...] = ()
    file_system: FileSystem = "ReFS"
    label: Label | None = None
