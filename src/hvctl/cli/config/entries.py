"""What the `config` commands share: words become values of an entry, and names the entries that they mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hvctl.config.entries import PATHS, RULES, check_name
from hvctl.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from hvctl.config import Configuration, HostEntry
    from hvctl.models.config import ConfiguredHost

T = TypeVar("T")

DATA = ("output", "query", "columns", "sort", "color", "quiet")
"""The shared options of the commands on the configuration, which work on no host."""

OUTSIDE = ("lab", "localhost")
"""Hosts that need no entry; with those of the lab, such as `lab/hv01`."""


def values_of(given: Mapping[str, str | bool | Path]) -> dict[str, str | bool]:
    """The values that options give an entry; files by their absolute paths, as a command can run anywhere.

    Raises:
        UsageError: A value cannot be, or a file is not there.
    """
    if given.get("verify") is False and "ca_file" in given:
        raise UsageError("--insecure and --ca-file contradict each other.", hint="With --ca-file it is safe: use that.")
    values: dict[str, str | bool] = {}
    for key, value in given.items():
        text = _absolute(key, Path(str(value))) if key in PATHS else value
        try:
            RULES[key](text)
        except ValueError as error:
            raise UsageError(f"--{key.replace('_', '-')} {error}.") from None
        values[key] = text if isinstance(text, bool) else str(text)
    return values


def new_entry(kind: str, name: str) -> str:
    """A name that something can be given.

    Raises:
        UsageError: It cannot.
    """
    try:
        check_name(name)
    except ValueError as error:
        raise UsageError(f"A {kind} {error}.") from None
    return name


def meant(kind: str, names: Sequence[str], there: Iterable[str], *, missing_ok: bool = False) -> list[str]:
    """The names of entries that words mean: an exact name in any case, else a pattern; each once.

    Args:
        kind: What an entry is called in messages.
        names: The words.
        there: The names of what there is.
        missing_ok: Leave out words that mean nothing.

    Raises:
        NotFoundError: A word means nothing; all such are named.
    """
    from hvctl.services.names import wildcard

    known = {name.casefold(): name for name in there}
    found: dict[str, None] = {}
    missing = []
    for name in names:
        exact = known.get(name.casefold())
        matches = [exact] if exact else []
        if not exact and any(mark in name for mark in "*?["):
            pattern = wildcard(name)
            matches = [each for each in known.values() if pattern.fullmatch(each)]
        if not matches:
            missing.append(name)
        found.update(dict.fromkeys(matches))
    if missing and not missing_ok:
        words = ", ".join(f"'{name}'" for name in missing)
        raise NotFoundError(
            f"The configuration has no {kind} {words}.",
            object_name=missing[0],
            hint=f"List them: hvctl config {kind} list",
        )
    return list(found)


def one_host(configuration: Configuration, name: str) -> HostEntry:
    """A configured host.

    Raises:
        NotFoundError: There is none of that name.
    """
    found = configuration.host(name)
    if found is None:
        meant("host", [name], ())
    assert found is not None
    return found


def spelled(configuration: Configuration, name: str) -> str:
    """A host that a group can hold, or that can be the default, in the spelling of its entry.

    Raises:
        NotFoundError: It is neither configured, nor this machine, nor the lab's.
    """
    entry = configuration.host(name)
    if entry is not None:
        return entry.name
    lowered = name.casefold()
    if lowered in OUTSIDE or (lowered.startswith("lab/") and lowered != "lab/"):
        return lowered
    raise NotFoundError(
        f"The configuration has no host '{name}'.",
        object_name=name,
        hint=f"Add it first: hvctl config host add {name} --address ADDRESS",
    )


def spelled_default(configuration: Configuration, name: str) -> str:
    """A host or a group, `@GROUP`, that can be the default, in the spelling of its entry.

    Raises:
        NotFoundError: There is none of that name.
    """
    if not name.startswith("@"):
        return spelled(configuration, name)
    wanted = name.removeprefix("@")
    for group in configuration.groups:
        if group.casefold() == wanted.casefold():
            return f"@{group}"
    raise NotFoundError(
        f"The configuration has no group '{wanted}'.", object_name=wanted, hint="List them: hvctl config group list"
    )


def shown(configuration: Configuration, name: str) -> ConfiguredHost:
    """A host's entry as commands write it."""
    from hvctl.models.config import ConfiguredHost

    entry = one_host(configuration, name)
    folded = entry.name.casefold()
    values: dict[str, object] = {key: getattr(entry, key) for key in RULES}
    values |= {key: str(values[key]) for key in PATHS if values[key] is not None}
    return ConfiguredHost.model_validate(
        {
            **values,
            "name": entry.name,
            "groups": tuple(g for g, hosts in configuration.groups.items() if folded in map(str.casefold, hosts)),
            "default": (configuration.default or "").casefold() == folded,
        }
    )


def _absolute(key: str, path: Path) -> str:
    found = path.expanduser().absolute()
    if not found.is_file():
        raise UsageError(f"--{key.replace('_', '-')}: there is no file {path}.")
    return str(found)
