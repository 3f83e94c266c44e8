"""Virtual hard disks: what a host returns, and what a user asks for."""

from __future__ import annotations

import ntpath
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from hvctl.models.base import Bytes, HostName, Model, Record
from hvctl.models.vm import WindowsPath

MIB = 1 << 20
GIB = 1 << 30
LARGEST = {".vhd": 2040 * GIB, ".vhdx": 64 << 40}
"""The largest size of a disk in bytes, by the extension that decides its format."""
_BLOCKS = {".vhd": (512 << 10, 2 * MIB), ".vhdx": tuple(MIB << power for power in range(9))}

DiskPath = Annotated[WindowsPath, AfterValidator(ntpath.normpath)]
DiskType = Literal["Dynamic", "Fixed", "Differencing"]
DiskSize = Annotated[int, Field(ge=3 * MIB, le=64 << 40, multiple_of=512, description="bytes, a multiple of 512")]
BlockSize = Annotated[int, Field(ge=512 << 10, le=256 * MIB, description="bytes")]


class DiskSummary(Record):
    """A virtual hard disk as `vhd list` shows it. What could not be read is null, and `problem` says why."""

    noun: ClassVar[str] = "virtual hard disk"

    id: str = Field(default="", description="what addresses it: its path")
    name: str = Field(default="", description="the file's name")
    path: str = Field(validation_alias="Path")
    host: HostName
    format: str | None = Field(validation_alias="VhdFormat", description="VHD or VHDX")
    type: str | None = Field(validation_alias="VhdType", description="Fixed, Dynamic or Differencing")
    size: Bytes | None = Field(validation_alias="Size", description="as the guest sees it, in bytes")
    file_size: Bytes | None = Field(validation_alias="FileSize", description="what the file takes, in bytes")
    parent: str | None = Field(validation_alias="ParentPath", description="the disk that this one differs from")
    attached: bool | None = Field(validation_alias="Attached", description="a running VM or the host holds it open")
    used_by: tuple[str, ...] = Field(default=(), description="VMs whose drives name it, and checkpoints that keep it")
    problem: str | None = Field(default=None, description="why it could not be read")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, values: Any) -> Any:  # noqa: ANN401 - whatever the model is made of
        if isinstance(values, dict) and "Path" in values:
            path = values["Path"]
            known = {**values, "ParentPath": values.get("ParentPath") or None}
            return {"id": path, "name": ntpath.basename(path), **known}
        return values


class VirtualDisk(DiskSummary):
    """A virtual hard disk as `vhd show` shows it."""

    minimum_size: Bytes | None = Field(
        validation_alias="MinimumSize", description="how far it can shrink; null where the host cannot tell"
    )
    block_size: Bytes | None = Field(validation_alias="BlockSize")
    logical_sector_size: Bytes | None = Field(validation_alias="LogicalSectorSize")
    physical_sector_size: Bytes | None = Field(validation_alias="PhysicalSectorSize")
    fragmentation: int | None = Field(validation_alias="FragmentationPercentage", description="percent")
    identifier: str | None = Field(
        validation_alias="DiskIdentifier", description="equal for one file under two paths, and for its copies"
    )
    disk_number: int | None = Field(validation_alias="DiskNumber", description="where the host itself has mounted it")
    children: tuple[str, ...] = Field(default=(), description="known disks that differ from this one")


class ChainLink(DiskSummary):
    """One link of a differencing chain, as `vhd chain` shows it: the root first, the disk itself last."""

    noun: ClassVar[str] = "link"

    chain: str = Field(default="", description="the disk whose chain this is")
    depth: int = Field(default=0, description="0 for the root")
    branch: str = Field(default="", description="the path, drawn as a branch of its chain")
    children: tuple[str, ...] = Field(default=(), description="known disks that differ from this one")


class DiskTest(Model):
    """What `vhd test` found out about one disk."""

    id: str
    name: str
    path: str
    host: HostName
    healthy: bool = Field(description="the disk and every link of its chain can be used")
    problem: str | None = Field(default=None, description="what is wrong, in the host's language")


class DiskCreate(Model):
    """What `vhd create` is asked for."""

    path: DiskPath
    size: DiskSize | None = None
    type: DiskType = "Dynamic"
    parent: DiskPath | None = None
    block_size: BlockSize | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _check_kind(self.path, self.type, self.parent, self.block_size)
        if self.type == "Differencing":
            _require(self.size is None, "a differencing disk has the size of its parent: leave out --size")
        else:
            _require(self.size is not None, "--size is needed")
            _require(self.size is None or self.size <= LARGEST[extension(self.path)], too_large(self.path))
        return self


class DiskConvert(Model):
    """What `vhd convert` is asked for; without a type the source's, where that needs no parent."""

    destination: DiskPath
    type: DiskType | None = None
    parent: DiskPath | None = None
    block_size: BlockSize | None = None
    delete_source: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _check_kind(self.destination, self.type, self.parent, self.block_size)
        return self


class DiskResize(Model):
    """What `vhd resize` is asked for: a size, or the smallest one."""

    size: DiskSize | None = None
    to_minimum: bool = False

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        _require((self.size is not None) is not self.to_minimum, "give --size, or --to-minimum")
        return self


def extension(path: str) -> str:
    """The extension of a path in lower case, dot included."""
    return ntpath.splitext(path)[1].lower()


def too_large(path: str) -> str:
    """Why a disk of that path's format cannot have a size."""
    kind = extension(path)
    limit = "64 TiB" if kind == ".vhdx" else "2040 GiB"
    return f"a {kind} file holds at most {limit}"


def _check_kind(path: str, kind: str | None, parent: str | None, block_size: int | None) -> None:
    ending = extension(path)
    _require(ending in LARGEST, f"'{path}' does not end in .vhdx or .vhd, and the extension decides the format")
    _require(
        (kind == "Differencing") is (parent is not None),
        "a differencing disk needs --parent, the disk it differs from"
        if parent is None
        else "--parent belongs to --type differencing",
    )
    same = parent is None or extension(parent).replace(".a", ".") == ending
    _require(same, "a differencing disk has the format of its parent: give both the same extension")
    _require(
        block_size is None or block_size in _BLOCKS[ending],
        f"--block-size of a {ending} file is "
        + ("512K or 2M" if ending == ".vhd" else "a power of two from 1M to 256M"),
    )


def _require(condition: object, otherwise: str) -> None:
    if not condition:
        raise ValueError(otherwise)
