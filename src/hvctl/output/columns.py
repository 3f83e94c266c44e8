"""Which columns a model shows in a table, and how a value looks to people.

`COLUMNS` has the columns of a list, in order, under the model's name; a model without an entry takes its base's.
`_OTHERS` says how further attributes look; the same attribute means the same in every noun.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hvctl.units import format_duration, format_size

NOTHING = "-"
"""What a table shows for nothing, so that the number of words on a line stays the same."""


def text(value: Any) -> str | list[str]:  # noqa: ANN401 - any JSON value
    """Any JSON value for people: a list as a text an item, an object as `key=value` pairs."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return [one_line(item) for item in value]
    if isinstance(value, dict):
        return [f"{name}={one_line(item)}" for name, item in value.items() if item not in (None, "", [], {})]
    return str(value)


def one_line(value: Any, show: Callable[[Any], str | list[str]] = text) -> str:  # noqa: ANN401 - any JSON value
    """A value for people as one text, however many it has."""
    shown = show(value)
    return shown if isinstance(shown, str) else ", ".join(shown)


def percent(value: float | None) -> str:
    """A share of a hundred."""
    return "" if value is None else f"{value}%"


def count(value: Sequence[Any] | None) -> str:
    """How many there are, where the items themselves are too many for a table."""
    return "" if value is None else str(len(value))


def moment(value: str | None) -> str:
    """An ISO 8601 time without the fraction of the second."""
    return "" if value is None else f"{value[:10]} {value[11:19]}{'Z' if value.endswith('Z') else ''}"


def drives(value: Iterable[dict[str, Any]] | None) -> list[str]:
    """Disks or DVD drives: where each is attached, and its file."""
    return [
        f"{drive['controller'] or '?'} {drive['number']}:{drive['location']} {drive['path'] or '(empty)'}"
        for drive in value or ()
    ]


def adapters(value: Iterable[Any] | None) -> list[str]:
    """Network adapters: those of a machine with switch, VLAN, MAC and addresses; a host's are names already."""
    return [_adapter(adapter) if isinstance(adapter, dict) else str(adapter) for adapter in value or ()]


def _adapter(adapter: dict[str, Any]) -> str:
    vlan = f"vlan {adapter['vlan']}" if adapter["vlan"] else None
    parts = [adapter["switch"] or "(not connected)", vlan, adapter["mac_address"], *adapter["addresses"]]
    return f"{adapter['name']}: {' '.join(part for part in parts if part)}"


def physical_disks(value: Iterable[dict[str, Any]] | None) -> list[str]:
    """Physical disks: the number, name and size of each, and how well it is."""
    return [f"{disk['number']} {disk['name']} {format_size(disk['size'])} {disk['health']}" for disk in value or ()]


def volumes(value: Iterable[dict[str, Any]] | None) -> list[str]:
    """Volumes: the letter, label and file system of each, and what is free."""
    return [
        f"{volume['letter'] or '-'}: {volume['name']} {volume['file_system']} {format_size(volume['free'])} free"
        for volume in value or ()
    ]


def failure(value: dict[str, Any] | None) -> str:
    """What an error says."""
    return "" if value is None else str(value.get("message", ""))


def state_style(state: str) -> str:
    """The colour of a virtual machine's state."""
    if state.endswith("Critical"):
        return "bold red"
    return {"Running": "green", "Paused": "yellow", "Saved": "cyan", "Off": "dim"}.get(state, "")


def health_style(health: str) -> str:
    """The colour of how well something is."""
    return {"Healthy": "green", "Warning": "yellow", "Unhealthy": "bold red", "Unknown": "bold red"}.get(health, "")


def host_style(status: str) -> str:
    """The colour of whether a host can be worked on."""
    return "green" if status == "ok" else "bold red"


def check_style(status: str) -> str:
    """The colour of what a check found of one thing."""
    return {"ok": "green", "warning": "yellow", "failed": "bold red", "skipped": "dim"}.get(status, "")


def outcome_style(outcome: str) -> str:
    """The colour of what became of an object."""
    return {"changed": "green", "failed": "bold red"}.get(outcome, "")


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
    ),
    "DiskSummary": (
        Column("path"),
        Column("type"),
        Column("size", show=format_size, right=True),
        Column("file_size", "FILE", format_size, right=True),
        Column("attached"),
        Column("used_by", "USED BY"),
        Column("problem"),
    ),
    "DiskTest": (
        Column("path"),
        Column("healthy"),
        Column("problem"),
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
    Column("memory_demand", show=format_size, right=True),
    Column("memory_maximum", show=format_size, right=True),
    Column("memory_minimum", show=format_size, right=True),
    Column("memory_startup", show=format_size, right=True),
    Column("physical_disks", show=physical_disks),
    Column("processors", right=True),
    Column("size", show=format_size, right=True),
    Column("used", show=format_size, right=True),
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
