"""Changes of the configuration file: a person's comments and layout stay, and no change is lost or half made."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit import TOMLDocument as Document
from tomlkit.items import InlineTable

from hvctl.config.places import home
from hvctl.config.reading import Configuration, load, parse
from hvctl.errors import HvctlError, UsageError

__all__ = [
    "Apply",
    "Change",
    "Document",
    "add_members",
    "change",
    "remove_group",
    "remove_hosts",
    "remove_members",
    "set_default",
    "set_host",
]

_TRIES = 5
_BOM = b"\xef\xbb\xbf"


Apply = Callable[[Document, Configuration], None]
"""Changes a document, which says what the configuration does; an error that it raises leaves the file as it is."""


@dataclass(frozen=True, slots=True)
class Change:
    """What the file said before, and what it says now."""

    before: Configuration
    after: Configuration

    @property
    def is_one(self) -> bool:
        """Whether anything is different."""
        return self.before.text != self.after.text


def change(apply: Apply) -> Change:
    """Change the configuration file, one process at a time; a file that would stay the same is not written.

    Args:
        apply: Makes the change; it is called again if somebody else has written the file meanwhile.

    Raises:
        UsageError: The file cannot be read or written; it stays as it is then.
    """
    path = home().config_file
    load(path)
    try:
        with _locked(home().state / "config.lock"):
            for _ in range(_TRIES):
                before = _content(path)
                after = _changed(path, before, apply)
                if after == before or _written(path, before, after):
                    return Change(parse(path, before), parse(path, after))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}.") from error
    raise HvctlError(f"{path} is being written by another program all the time.", hint="Try again.")


def set_default(document: Document, name: str | None) -> None:
    """Make a host the default, or none."""
    if name is None:
        document.pop("default", None)
    else:
        document["default"] = name


def set_host(document: Document, name: str, values: Mapping[str, str | bool | None]) -> None:
    """Set keys of a host's entry, which is made if it is not there; None takes a key away."""
    table = _child(document, "hosts", super_table=True)
    key = _key(table, name)
    if key is None:
        key = name
        # Below keys such as `hosts.hv01.user` a table of its own would be read as part of the one above it.
        inline = isinstance(table, InlineTable) or any(key and key.is_dotted() for key, _ in document.body)
        table[name] = tomlkit.inline_table() if inline else tomlkit.table()
    for each, value in values.items():
        if value is None:
            table[key].pop(each, None)
        else:
            table[key][each] = value


def remove_hosts(document: Document, names: Iterable[str]) -> None:
    """Take hosts out of the file, out of every group, and from being the default."""
    gone = {name.casefold() for name in names}
    for name in [name for name in document.get("hosts", {}) if name.casefold() in gone]:
        # Tables that do not stand together change with each deletion.
        del document["hosts"][name]
    for group in list(document.get("groups", {})):
        remove_members(document, group, gone)
    if str(document.get("default", "")).casefold() in gone:
        set_default(document, None)


def add_members(document: Document, group: str, members: Iterable[str]) -> None:
    """Add hosts to a group, which is made if it is not there."""
    groups = _child(document, "groups")
    key = _key(groups, group)
    if key is None:
        key = group
        groups[key] = tomlkit.array()
    there = {str(member).casefold() for member in groups[key]}
    for member in members:
        if member.casefold() not in there:
            there.add(member.casefold())
            groups[key].append(member)


def remove_members(document: Document, group: str, members: Iterable[str]) -> None:
    """Take hosts out of a group, which stays."""
    gone = {member.casefold() for member in members}
    groups = document.get("groups", {})
    key = _key(groups, group)
    if key is not None:
        for index in reversed(range(len(groups[key]))):
            if str(groups[key][index]).casefold() in gone:
                del groups[key][index]


def remove_group(document: Document, group: str) -> None:
    """Take a group away, also from being the default."""
    groups = document.get("groups", {})
    key = _key(groups, group)
    if key is not None:
        del groups[key]
    if str(document.get("default", "")).casefold() == f"@{group}".casefold():
        set_default(document, None)


def _child(document: Document, key: str, *, super_table: bool = False) -> Any:  # noqa: ANN401 - tomlkit's tables
    if key not in document:
        document[key] = tomlkit.table(super_table)
    return document[key]


def _key(table: Mapping[str, object], name: str) -> str | None:
    return next((key for key in table if key.casefold() == name.casefold()), None)


def _changed(path: Path, before: bytes, apply: Apply) -> bytes:
    """The file's content after a change; it is made sure that it can be read."""
    configuration = parse(path, before)
    document = tomlkit.parse(before.decode("utf-8-sig"))
    apply(document, configuration)
    text = tomlkit.dumps(document)
    # tomlkit keeps the name of a table whose parts stood apart and are all gone, but does not write it.
    wanted = {key: value for key, value in document.unwrap().items() if value != {}}
    if {key: value for key, value in tomllib.loads(text).items() if value != {}} != wanted:
        raise HvctlError(
            f"{path} is laid out in a way that hvctl cannot change; nothing was changed.",
            hint="Change it by hand, or write hosts as tables: [hosts.hv01]",
        )
    after = (_BOM if before.startswith(_BOM) else b"") + text.encode("utf-8")
    parse(path, after)
    return after


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _written(path: Path, before: bytes, after: bytes) -> bool:
    """Put new content in the place of old at once; False if it is not the old one any more."""
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
        _keep_rights(target, draft)
        if _content(target) != before:
            return False
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return True


def _keep_rights(old: Path, new: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        there = old.stat()
        new.chmod(there.st_mode & 0o7777)
        if hasattr(os, "chown"):
            with contextlib.suppress(OSError):
                os.chown(new, there.st_uid, there.st_gid)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock against other processes; it goes with the process that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        _lock(file.fileno())
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
