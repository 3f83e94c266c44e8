"""Which columns a model shows in a table, and how each one's values look.

`COLUMNS` has the columns of a list, in order, under the model's name; a model without an entry takes its base's.
`_OTHERS` says how further attributes look; the same attribute means the same in every noun.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hvctl.output.cells import (
    adapters,
    check_style,
    count,
    drives,
    failure,
    health_style,
    host_style,
    moment,
    outcome_style,
    percent,
    physical_disks,
    space,
    state_style,
    storage_pool,
    text,
    volume,
    volumes,
)
from hvctl.units import format_duration, format_size


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        name: The attribute it shows, with dots through nested objects.
        title: Its header, where the attribute in capitals is too long for one.
        show: The value for people; a list of texts where it is several.
        right: Align it to the right, as numbers are.
        style: The style of a value, for rich.
    """

    name: str
    title: str = ""
    show: Callable[[Any], str | list[str]] = text
    right: bool = False
    style: Callable[[str], str] | None = None

    @property
    def label(self) -> str:
        """What stands before its value where there is room."""
        return self.name.replace("_", " ").replace(".", " ").upper()

    @property
    def header(self) -> str:
        """What stands above the column."""
        return self.title or self.label

    def value(self, item: Any) -> Any:  # noqa: ANN401 - any JSON value
        """The column's value of an item; None where it has none."""
        if isinstance(item, dict) and self.name in item:
            return item[self.name]
        return _at(item, self.name.split("."))


def _at(item: Any, path: Sequence[str]) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(item, list):
        return [_at(each, path) for each in item]
    if not path:
        return item
    return _at(item.get(path[0]), path[1:]) if isinstance(item, dict) else None


COLUMNS: dict[str, tuple[Column, ...]] = {
    "ConfiguredHost": (
        Column("name"),
        Column("address"),
        Column("user"),
        Column("auth"),
        Column("groups"),
        Column("default"),
    ),
    "CheckpointSummary": (
        Column("name"),
        Column("vm"),
        Column("created", show=moment),
        Column("type"),
        Column("automatic"),
        Column("state", style=state_style),
        Column("host"),
    ),
    "CoverageRow": (
        Column("cmdlet"),
        Column("simulated"),
        Column("parameters", show=count, right=True),
        Column("missing", show=count, right=True),
        Column("properties", show=count, right=True),
    ),
    "NewCheckpoint": (
        Column("name"),
        Column("vm"),
        Column("became"),
        Column("state", style=state_style),
        Column("host"),
    ),
    "FaultRule": (
        Column("id"),
        Column("kind"),
        Column("host"),
        Column("action"),
        Column("times", right=True),
        Column("after", right=True),
        Column("seconds", right=True),
    ),
    "Finding": (
        Column("name"),
        Column("host"),
        Column("blocks"),
        Column("finding"),
        Column("mend"),
    ),
    "ChainLink": (
        Column("branch", "DISK"),
        Column("type"),
        Column("size", show=format_size, right=True),
        Column("file_size", "FILE", format_size, right=True),
        Column("used_by", "USED BY"),
        Column("problem"),
        Column("host"),
    ),
    "DiskSummary": (
        Column("path"),
        Column("type"),
        Column("size", show=format_size, right=True),
        Column("file_size", "FILE", format_size, right=True),
        Column("attached"),
        Column("used_by", "USED BY"),
        Column("problem"),
        Column("host"),
    ),
    "DiskTest": (
        Column("path"),
        Column("healthy"),
        Column("problem"),
        Column("host"),
    ),
    "HostSummary": (
        Column("name"),
        Column("windows"),
        Column("build"),
        Column("processors", right=True),
        Column("memory", show=format_size, right=True),
        Column("vms", right=True),
        Column("running", right=True),
    ),
    "HostRow": (
        Column("name"),
        Column("status", style=host_style),
        Column("windows"),
        Column("build"),
        Column("processors", right=True),
        Column("memory", show=format_size, right=True),
        Column("memory_assigned", "ASSIGNED", format_size, right=True),
        Column("vms", right=True),
        Column("running", right=True),
        Column("error", show=failure),
    ),
    "HostCheck": (
        Column("host"),
        Column("name", "LEG"),
        Column("status", style=check_style),
        Column("message"),
        Column("meaning"),
        Column("command"),
    ),
    "Outcome": (
        Column("name"),
        Column("host"),
        Column("outcome", style=outcome_style),
        Column("state", style=state_style),
        Column("error", show=failure),
    ),
    "HealthFinding": (
        Column("type"),
        Column("name"),
        Column("health", style=health_style),
        Column("status"),
        Column("meaning"),
        Column("next"),
        Column("host"),
    ),
    "PhysicalDisk": (
        Column("number", "NO", right=True),
        Column("name"),
        Column("type"),
        Column("bus"),
        Column("size", show=format_size, right=True),
        Column("can_pool"),
        Column("cannot_pool", "WHY NOT"),
        Column("health", style=health_style),
        Column("status"),
        Column("host"),
    ),
    "StorageJob": (
        Column("name"),
        Column("state"),
        Column("percent", "DONE", percent, right=True),
        Column("processed", show=format_size, right=True),
        Column("total", show=format_size, right=True),
        Column("elapsed", show=format_duration, right=True),
        Column("host"),
    ),
    "StoragePool": (
        Column("name"),
        Column("size", show=format_size, right=True),
        Column("used", show=format_size, right=True),
        Column("health", style=health_style),
        Column("status"),
        Column("read_only"),
        Column("host"),
    ),
    "StorageVirtualDisk": (
        Column("name"),
        Column("resiliency"),
        Column("redundancy", right=True),
        Column("provisioning"),
        Column("size", show=format_size, right=True),
        Column("footprint", show=format_size, right=True),
        Column("health", style=health_style),
        Column("status"),
        Column("host"),
    ),
    "Volume": (
        Column("letter"),
        Column("name", "LABEL"),
        Column("file_system", "FS"),
        Column("size", show=format_size, right=True),
        Column("free", show=format_size, right=True),
        Column("health", style=health_style),
        Column("host"),
    ),
    "VirtualSwitch": (
        Column("name"),
        Column("type"),
        Column("management_os"),
        Column("adapters"),
        Column("host"),
    ),
    "VmSummary": (
        Column("name"),
        Column("state", style=state_style),
        Column("cpu_usage", "CPU", percent, right=True),
        Column("memory_assigned", "MEMORY", format_size, right=True),
        Column("uptime", show=format_duration, right=True),
        Column("generation", "GEN", right=True),
        Column("host"),
    ),
}

_OTHERS: tuple[Column, ...] = (
    Column("adapters", show=adapters),
    Column("automatic_start_delay", show=format_duration, right=True),
    Column("created", show=moment),
    Column("disks", show=drives),
    Column("dvds", show=drives),
    Column("block_size", show=format_size, right=True),
    Column("fragmentation", show=percent, right=True),
    Column("minimum_size", show=format_size, right=True),
    Column("footprint", show=format_size, right=True),
    Column("free", show=format_size, right=True),
    Column("memory", show=format_size, right=True),
    Column("memory_assigned", show=format_size, right=True),
    Column("memory_demand", show=format_size, right=True),
    Column("memory_maximum", show=format_size, right=True),
    Column("memory_minimum", show=format_size, right=True),
    Column("memory_startup", show=format_size, right=True),
    Column("physical_disks", show=physical_disks),
    Column("pool", show=storage_pool),
    Column("processors", right=True),
    Column("size", show=format_size, right=True),
    Column("used", show=format_size, right=True),
    Column("virtual_disk", show=space),
    Column("volume", show=volume),
    Column("volumes", show=volumes),
)


def columns_of(model: type, fields: Iterable[str]) -> tuple[tuple[Column, ...], tuple[Column, ...]]:
    """The columns of a model's table, and a column for each of its fields."""
    names = tuple(fields)
    known = {column.name: column for column in _OTHERS}
    shown: tuple[Column, ...] = ()
    for base in reversed(model.__mro__):
        shown = COLUMNS.get(base.__name__, shown)
        known.update({column.name: column for column in shown})
    every = tuple(known.get(name, Column(name)) for name in names)
    return shown or every, every
