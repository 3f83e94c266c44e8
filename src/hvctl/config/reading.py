"""What the configuration says, checked; what does not fit is told with its line and column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from hvctl.config.entries import RULES, HostEntry, check_member, check_name
from hvctl.config.places import home
from hvctl.errors import UsageError

T = TypeVar("T")

HINT = "Mend that line; nothing was changed."


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration file's content.

    Attributes:
        path: The file; it need not exist.
        default: The host that commands use where none is named.
        hosts: The configured hosts by name, as the file writes them.
        groups: The names of each group's members.
        text: The file as it stands, for where something is said in it.
    """

    path: Path
    default: str | None = None
    hosts: Mapping[str, HostEntry] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    text: str = ""

    def host(self, name: str) -> HostEntry | None:
        """A host by its name in any case."""
        return same_name(self.hosts, name)

    def group(self, name: str) -> tuple[str, ...] | None:
        """The members of a group, by its name in any case."""
        return same_name(self.groups, name)


def same_name(table: Mapping[str, T], name: str) -> T | None:
    """What a table has under a name, whatever its case."""
    if name in table:
        return table[name]
    return next((value for key, value in table.items() if key.casefold() == name.casefold()), None)


def load(path: Path | None = None) -> Configuration:
    """Read and check the configuration; a file that does not exist says nothing.

    Raises:
        UsageError: It cannot be read, is not TOML, or says what cannot be; line and column are named.
    """
    path = path or home().config_file
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Configuration(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    return parse(path, content)


@lru_cache(maxsize=4)
def parse(path: Path, content: bytes) -> Configuration:
    """The configuration that a file of this content says.

    Raises:
        UsageError: It is not TOML, or says what cannot be; line and column are named.
    """
    import tomllib

    try:
        text = content.decode("utf-8-sig")
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}.", hint=HINT) from error
    try:
        return _Reader(path, text).read(data)
    except _Wrong as wrong:
        raise wrong.located(path, text) from None


def default_host() -> str | None:
    """The host that the configuration makes the default.

    Raises:
        UsageError: The configuration cannot be read.
    """
    return load().default


def host(name: str) -> HostEntry | None:
    """What the configuration says of a host; None where it does not know it.

    Raises:
        UsageError: The configuration cannot be read.
    """
    return load().host(name)


def hosts() -> dict[str, HostEntry]:
    """All configured hosts, in the order of the file.

    Raises:
        UsageError: The configuration cannot be read.
    """
    return dict(load().hosts)


def groups() -> dict[str, tuple[str, ...]]:
    """All groups and the names of their members.

    Raises:
        UsageError: The configuration cannot be read.
    """
    return dict(load().groups)


class _Wrong(Exception):
    """Something that cannot be, and the keys that lead to it."""

    def __init__(self, keys: tuple[str | int, ...], what: str) -> None:
        super().__init__(what)
        self.keys = keys
        self.what = what

    def located(self, path: Path, text: str) -> UsageError:
        """The error that names its line and column."""
        from hvctl.config.positions import positions

        known = positions(text)
        at = next(known[self.keys[:n]] for n in range(len(self.keys), 0, -1) if self.keys[:n] in known)
        return UsageError(f"{path}, line {at.line}, column {at.column}: {self.what}.", hint=HINT)


class _Reader:
    """Checks what a file says, key by key."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._text = text

    def read(self, data: Mapping[str, Any]) -> Configuration:
        known = ("default", "hosts", "groups")
        for key in data:
            if key not in known:
                raise _Wrong((key,), f"there is no key '{key}' here; there are {', '.join(known)}")
        default = data.get("default")
        if default is not None and (not isinstance(default, str) or not default.strip()):
            raise _Wrong(("default",), '`default` must be a host\'s name, such as default = "lab"')
        folder = self._path.parent.absolute()
        return Configuration(
            self._path,
            default,
            {name: self._host(name, values, folder) for name, values in self._table(data, "hosts").items()},
            {name: self._group(name, members) for name, members in self._table(data, "groups").items()},
            self._text,
        )

    def _table(self, data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        table = data.get(key, {})
        if not isinstance(table, dict):
            raise _Wrong((key,), f"`{key}` must be a table")
        seen: dict[str, str] = {}
        for name in table:
            try:
                check_name(name)
            except ValueError as error:
                raise _Wrong((key, name), f"a {key.removesuffix('s')} {error}") from None
            other = seen.setdefault(name.casefold(), name)
            if other != name:
                raise _Wrong((key, name), f"'{name}' and '{other}' are the same name")
        return table

    def _host(self, name: str, values: object, folder: Path) -> HostEntry:
        if not isinstance(values, dict):
            raise _Wrong(("hosts", name), f"the host '{name}' must be a table: [hosts.{name}]")
        for key, value in values.items():
            if key not in RULES:
                raise _Wrong(("hosts", name, key), f"a host has no key '{key}'; it has {', '.join(RULES)}")
            try:
                RULES[key](value)
            except ValueError as error:
                raise _Wrong(("hosts", name, key), f"`{key}` {error}") from None
        return HostEntry.of(name, values, folder)

    def _group(self, name: str, members: object) -> tuple[str, ...]:
        if not isinstance(members, list):
            raise _Wrong(("groups", name), f'the group \'{name}\' must be a list of hosts\' names: ["hv01", "hv02"]')
        for index, member in enumerate(members):
            try:
                check_member(member)
            except ValueError as error:
                raise _Wrong(("groups", name, index), f"the group '{name}' {error}") from None
        return tuple({member.casefold(): member for member in members}.values())
