"""How a value looks to people: as the text of a table's cell, and in which colour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hvctl.units import format_size

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


def drives(value: Iterable[Any] | None) -> list[str]:
    """Disks or DVD drives: where each of a machine is attached, and its file; a checkpoint's are files already."""
    return [_drive(drive) if isinstance(drive, dict) else str(drive) for drive in value or ()]


def _drive(drive: dict[str, Any]) -> str:
    return f"{drive['controller'] or '?'} {drive['number']}:{drive['location']} {drive['path'] or '(empty)'}"


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


def storage_pool(value: dict[str, Any] | str | None) -> str:
    """A storage pool with its size and what of it is used; of a virtual disk's there is the name alone."""
    if not isinstance(value, dict):
        return value or ""
    return f"{value['name']}, {format_size(value['size'])}, {format_size(value['used'])} used"


def space(value: dict[str, Any] | None) -> str:
    """A virtual disk of a pool: its resiliency and size, and what it takes in the pool."""
    if value is None:
        return ""
    return f"{value['resiliency']}, {format_size(value['size'])}, takes {format_size(value['footprint'])} of the pool"


def volume(value: dict[str, Any] | None) -> str:
    """A volume: its letter, label and file system, and what is free."""
    return "" if value is None else one_line(volumes([value]))


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
