"""Which objects a command means: names, ids, patterns, states, all. The same for every noun and verb."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from hvctl.errors import ConflictError, NotFoundError, UsageError
from hvctl.services.names import folded, wildcard

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class ElsewhereError(NotFoundError):
    """The one object that a command is about is not on this one of several hosts; another may have it."""


T = TypeVar("T", bound="Selectable")
S = TypeVar("S", bound="Stateful")


class Selectable(Protocol):
    """What can be selected: something with an id and a name."""

    @property
    def id(self) -> str:
        """The id."""

    @property
    def name(self) -> str:
        """The name, which need not be unique."""


class Stateful(Selectable, Protocol):
    """Something with a state as well."""

    @property
    def state(self) -> str:
        """The state, as Hyper-V names it."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name as it was given.

    Attributes:
        text: The name, id or pattern.
        literal: It is never a pattern.
        host: The one host that it is on; None for every host that the command works on.
        found_on: Where several hosts are searched: those on which it was found so far. It must be on one of them, not
            on each; who searches them checks that.
    """

    text: str
    literal: bool = False
    host: str | None = None
    found_on: set[str] | None = field(default=None, compare=False, repr=False)

    @property
    def is_pattern(self) -> bool:
        """Whether the text may match several names."""
        return not self.literal and any(mark in self.text for mark in "*?[")


@dataclass(frozen=True, slots=True)
class Selection:
    """What a command was asked to work on.

    Attributes:
        names: Names, ids and patterns; all of them must be found.
        states: Keep only objects in one of these states, lower-case.
        everything: `--all`.
        owners: What has the objects that are meant, such as the virtual machines whose disks they are; those that have
            nothing to do with any of them are meant only by their own names.
    """

    names: tuple[Name, ...] = ()
    states: frozenset[str] = frozenset()
    everything: bool = False
    owners: tuple[Name, ...] = ()

    @classmethod
    def of(cls, *texts: str) -> Selection:
        """The selection of some names or patterns."""
        return cls(tuple(Name(text) for text in texts))

    def on(self, host: str, *, unaddressed: bool) -> Selection:
        """The share of one among several hosts.

        Args:
            host: The host.
            unaddressed: Whether names that are not of one host mean this one too.
        """

        def here(names: tuple[Name, ...]) -> tuple[Name, ...]:
            return tuple(name for name in names if (unaddressed if name.host is None else name.host == host))

        return replace(self, names=here(self.names), owners=here(self.owners))

    def searching(self) -> Selection:
        """The same selection for several hosts, whose names note where they are found."""

        def noting(names: tuple[Name, ...]) -> tuple[Name, ...]:
            return tuple(replace(name, found_on=set()) for name in names)

        return replace(self, names=noting(self.names), owners=noting(self.owners))

    def require_found(self) -> None:
        """Make sure that every name was found on one of the hosts that were searched.

        Raises:
            NotFoundError: Some were not.
        """
        missing = [name.text for name in self.every_name if name.found_on is not None and not name.found_on]
        if missing:
            words = ", ".join(f"'{name}'" for name in missing)
            raise NotFoundError(f"Found on none of the hosts: {words}.", object_name=missing[0])

    @property
    def every_name(self) -> tuple[Name, ...]:
        """The names of what is meant, and of what has it."""
        return (*self.names, *self.owners)

    @property
    def is_one_literal(self) -> bool:
        """Whether exactly one object was asked for by its own name."""
        return len(self.names) == 1 and not self.names[0].is_pattern and not self.names[0].literal

    def require_something(self) -> None:
        """Refuse a selection that names nothing, or contradicts itself.

        Raises:
            UsageError: Nothing was selected, or names stand beside `--all`.
        """
        if self.everything and self.names:
            raise UsageError("Names and --all contradict each other.", hint="Give names, or --all.")
        if not self.names and not self.everything and not self.states:
            raise UsageError(
                "Nothing was selected.", hint="Give names, patterns, - for names on stdin, --state or --all."
            )


EVERYTHING = Selection()
"""What a list shows when nothing is asked for."""


def match(names: Iterable[Name], items: Sequence[T], noun: str, host: str, *, missing_ok: bool = False) -> list[T]:
    """The items that the names mean, each once, in the order of the names.

    Args:
        names: What was asked for.
        items: What there is.
        noun: What one of them is called in messages.
        host: Where they are, for messages.
        missing_ok: Leave out names that match nothing.

    Raises:
        NotFoundError: A name or pattern matches nothing; all such are named.
        ConflictError: A name fits several objects.
    """
    found: dict[str, T] = {}
    missing: list[str] = []
    for name in names:
        matches = _match_one(name, items, noun, host)
        if (matches or missing_ok) and name.found_on is not None:
            name.found_on.add(host)
        elif not matches and name.found_on is None:
            missing.append(name.text)
        found.update((item.id, item) for item in matches)
    if missing and not missing_ok:
        words = ", ".join(f"'{name}'" for name in missing)
        raise NotFoundError(
            f"No {noun} {words} on {host}.",
            host=host,
            object_name=missing[0],
            hint=f"List them: hvctl {noun_word(noun)} list",
        )
    return list(found.values())


def match_one(names: Iterable[Name], items: Sequence[T], noun: str, host: str) -> T:
    """The one item that a name means.

    Raises:
        ElsewhereError: Several hosts are searched, and it is not on this one.
        NotFoundError: There is none of that name.
        ConflictError: There are several.
    """
    found = match(names, items, noun, host)
    if not found:
        raise ElsewhereError(f"It is not on {host}.", host=host)
    return found[0]


def keep_states(items: Sequence[S], states: frozenset[str]) -> list[S]:
    """The items in one of the states; all of them where no state is asked for."""
    return [item for item in items if not states or item.state.lower() in states]


def noun_word(noun: str) -> str:
    """The command word of a noun: vm for virtual machine."""
    words = {
        "physical disk": "storage disk",
        "virtual disk": "storage virtual-disk",
        "virtual hard disk": "vhd",
        "virtual machine": "vm",
        "virtual switch": "switch",
        "volume": "storage volume",
    }
    return words.get(noun, noun)


def _match_one(name: Name, items: Sequence[T], noun: str, host: str) -> list[T]:
    wanted = folded(name.text)
    if _GUID.fullmatch(name.text):
        by_id = [item for item in items if folded(item.id) == wanted]
        if by_id:
            return by_id
    exact = [item for item in items if folded(item.name) == wanted]
    if len(exact) > 1:
        ids = ", ".join(item.id for item in exact)
        raise ConflictError(
            f"{len(exact)} {noun}s on {host} are called '{name.text}'.",
            host=host,
            object_name=name.text,
            hint=f"Use an id: {ids}",
        )
    if exact or not name.is_pattern:
        # Not every id is a GUID: one of the Storage module's is looked for where nothing has such a name.
        return exact or [item for item in items if folded(item.id) == wanted]
    pattern = wildcard(name.text)
    return [item for item in items if pattern.fullmatch(item.name)]
