"""The published cmdlet reference as facts: parameter sets, types, values and versions of one cmdlet at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

_FOLDER = Path(__file__).with_name("contract")
FILES = ("hyper-v.json", "hyper-v-unlisted.json", "storage.json", "core.json", "cim.json")
"""The files of the reference, searched in this order; a cmdlet stands in one of them."""
EVERY_VERSION = ("2016", "2019", "2022", "2025")
_ALL_SETS = "__AllParameterSets"


class Parameter(NamedTuple):
    """One parameter: its declared type, other names, listed values, and the sets in which it may and must be given."""

    name: str
    type: str
    aliases: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    sets: frozenset[str] = frozenset()
    mandatory: frozenset[str] = frozenset()
    nullable: bool = False
    pipeline: bool = False
    everywhere: bool = False

    @property
    def element(self) -> str:
        """The type of one value, without the brackets of an array."""
        return self.type.removesuffix("[]")

    @property
    def is_array(self) -> bool:
        """Whether the parameter takes a list."""
        return self.type.endswith("[]")


class Facts(NamedTuple):
    """What the reference says of one cmdlet on one Windows version."""

    name: str
    parameters: Mapping[str, Parameter]
    sets: tuple[str, ...]
    default_set: str | None
    supports_should_process: bool


def load(cmdlet: str, windows: str) -> Facts | None:
    """The facts of a cmdlet as this Windows version has it; None where that version lacks it."""
    entry = _entry(cmdlet)
    if entry is None or windows not in entry.get("versions", EVERY_VERSION):
        return None
    return _facts(cmdlet, entry, windows)


def names() -> Iterator[str]:
    """The names of all cmdlets of the reference; this parses all of it."""
    for file in FILES:
        yield from json.loads(_text(file))["cmdlets"]


@cache
def _text(file: str) -> str:
    return (_FOLDER / file).read_text(encoding="utf-8")


@cache
def _entry(cmdlet: str) -> dict[str, Any] | None:
    """Find and parse one cmdlet's object alone: parsing the whole reference would cost every command 5 ms."""
    key = f'\n  "{cmdlet}": '
    for file in FILES:
        text = _text(file)
        found = text.find(key, text.index('"cmdlets": {'))
        while found >= 0:
            entry, end = json.JSONDecoder().raw_decode(text, found + len(key))
            if "parameter_sets" in entry:
                return dict(entry)
            found = text.find(key, end)
    return None


def _facts(cmdlet: str, entry: dict[str, Any], windows: str) -> Facts:
    sets = entry["parameter_sets"]
    unnamed = list(sets) == [_ALL_SETS]
    parameters = {}
    for name, known in entry["parameters"].items():
        if windows not in known.get("versions", EVERY_VERSION):
            continue
        having = [each for each, members in sets.items() if name in members["parameters"]]
        required = [
            each
            for each in having
            if name in sets[each]["mandatory"] or name in sets[each].get("mandatory_switches", ())
        ]
        parameters[name] = Parameter(
            name=name,
            type=known["type"],
            aliases=tuple(known["aliases"]),
            values=tuple(known.get("values", ())),
            sets=frozenset(having),
            mandatory=frozenset(required),
            nullable=known.get("nullable", False),
            pipeline=bool(known["pipeline"]),
            everywhere=unnamed,
        )
    return Facts(
        name=cmdlet,
        parameters=parameters,
        sets=() if unnamed else tuple(sets),
        default_set=entry.get("default_parameter_set"),
        supports_should_process=entry.get("supports_should_process", False),
    )
