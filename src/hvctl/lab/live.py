"""Live objects: what a cmdlet returns, with properties that are read from the world when they are asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

from hvctl.lab.world import World

Read = Callable[["Live"], Any]


class Property(NamedTuple):
    """How a property is read, and which kind of object it gives where it does not give a plain value."""

    read: Read
    kind: Kind | None = None
    name: str = ""


class Kind:
    """A class of objects as the reference names it: its properties, what it may stand in for, and its text.

    Attributes:
        name: The class's name, as parameter types have it.
        properties: Property name in lower case to how it is read.
        text: What `ToString()` says.
        reload: Reads the object's entity anew; None when it is gone.
        bases: Other parameter types that accept it.
    """

    __slots__ = ("bases", "name", "properties", "reload", "text")

    def __init__(
        self,
        name: str,
        properties: Mapping[str, Property],
        text: Read,
        reload: Callable[[World, Any], Any],
        bases: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.properties = properties
        self.text = text
        self.reload = reload
        self.bases = bases

    def property(self, path: str) -> Property | None:
        """The property at a path such as `Name` or `VlanSetting.AccessVlanId`; None where nothing simulates it."""
        kind: Kind | None = self
        found: Property | None = None
        for part in path.lower().split("."):
            found = kind.properties.get(part) if kind else None
            if found is None:
                return None
            kind = found.kind
        return found


PLAIN = Kind("Object", {}, str, lambda _world, entity: entity)
"""What a cmdlet returns that is no object of its own: a boolean or a text."""


class Live:
    """A live object: an entity of the world, seen as one of its kinds."""

    __slots__ = ("entity", "kind", "world")

    def __init__(self, world: World, kind: Kind, entity: Any) -> None:  # noqa: ANN401 - each kind has its own entity
        self.world = world
        self.kind = kind
        self.entity = entity

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Live) and self.kind is other.kind and self.identity() == other.identity()

    def __hash__(self) -> int:
        return hash((self.kind.name, self.identity()))

    def __str__(self) -> str:
        return str(self.kind.text(self))

    def identity(self) -> str:
        """What tells it from others of its kind."""
        return str(getattr(self.entity, "id", None) or getattr(self.entity, "key", None) or self.entity)

    def refresh(self) -> bool:
        """Read the entity anew; False when it is gone."""
        entity = self.kind.reload(self.world, self.entity)
        if entity is None:
            return False
        self.entity = entity
        return True

    def get(self, path: str) -> Any:  # noqa: ANN401 - a property is any value
        """The value at a property path; through a collection, the list of its items' values."""
        first, *rest = _parts(path)
        value = _read(self, first)
        for part in rest:
            value = [_read(item, part) for item in value] if isinstance(value, list) else _read(value, part)
        return value


@cache
def _parts(path: str) -> tuple[str, ...]:
    return tuple(path.lower().split("."))


def _read(value: Any, name: str) -> Any:  # noqa: ANN401 - a property is any value
    found = value.kind.properties.get(name) if isinstance(value, Live) else None
    return found.read(value) if found is not None else None


def flatten(value: Any) -> Any:  # noqa: ANN401 - any value to JSON
    """A value as records carry it: an object as its text, a collection as an array."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [flatten(item) for item in value]
    if isinstance(value, Live):
        return str(value)
    return value


def table(*groups: Mapping[str, Read | Property]) -> dict[str, Property]:
    """Property tables as one, with names in lower case."""
    merged: dict[str, Property] = {}
    for group in groups:
        for name, read in group.items():
            known = read if isinstance(read, Property) else Property(read)
            merged[name.lower()] = Property(known.read, known.kind, known.name or name)
    return merged


def fields(**names: str) -> dict[str, Read | Property]:
    """Properties that are attributes of the entity: property name to attribute name."""
    return {name: attrgetter(f"entity.{attribute}") for name, attribute in names.items()}


def constants(**values: object) -> dict[str, Read | Property]:
    """Properties that are the same for every object of the kind."""
    return {name: _constant(value) for name, value in values.items()}


def _constant(value: object) -> Read:
    return lambda _live: value


def moment(seconds: float) -> str:
    """A time as UTC ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def lives(world: World, kind: Kind, entities: Iterable[Any]) -> list[Live]:
    """Entities as live objects of one kind."""
    return [Live(world, kind, entity) for entity in entities]
