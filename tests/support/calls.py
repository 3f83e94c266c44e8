"""Random cmdlet calls, right and wrong: an endless source, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.stubs import BASES, Cmdlets

from hvctl.lab.enums import ENUMS

_LONG = 1 << 63


@dataclass(frozen=True)
class Special:
    """A value that JSON lacks: the letter by which binder_judge.ps1 knows its kind, and its text."""

    letter: str
    text: str


Value = Any
"""Text, a number, a boolean, null, a list, or a Special."""


@dataclass(frozen=True)
class RandomCall:
    """A cmdlet and its parameters, in order; no two names differ by case only."""

    cmdlet: str
    parameters: tuple[tuple[str, Value], ...]


COMMON = {
    "Verbose": ("SwitchParameter", "vb"),
    "Debug": ("SwitchParameter", "db"),
    "ErrorAction": ("ActionPreference", "ea"),
    "WarningAction": ("ActionPreference", "wa"),
    "InformationAction": ("ActionPreference", "infa"),
    "ErrorVariable": ("String", "ev"),
    "WarningVariable": ("String", "wv"),
    "InformationVariable": ("String", "iv"),
    "OutVariable": ("String", "ov"),
    "OutBuffer": ("Int32", "ob"),
    "PipelineVariable": ("String", "pv"),
    "WhatIf": ("SwitchParameter", "wi"),
    "Confirm": ("SwitchParameter", "cf"),
}
"""The common parameters and the ShouldProcess ones: type and alias."""

_PREFERENCES = ("SilentlyContinue", "Stop", "Continue", "Ignore")
_GUID = "0c6a81b6-1e4e-4d3f-9b0f-93d6d1e2b0aa"
_WORDS = ("", " ", "web1", "*", "[a]", "a,b", "C:\\VMs\\a.vhdx", "\xe9\u20ac", "x" * 120, "$true", "-Name", "null")
_TRUTHS = ("true", "false", "True", "yes", "on")
_NUMBERS = (
    *(
        "1",
        "0",
        "-1",
        "+5",
        " 5 ",
        "1.5",
        "2.5",
        "1e3",
        "0x10",
        "0xFFFFFFFF",
        "1kb",
        "4GB",
        "4 GB",
        "1,000",
        "1l",
        "0b101",
    ),
    *(
        "007",
        "1.",
        ".5",
        "12345678901234567890",
        "9223372036854775808",
        "\uff11",
        "1_000",
        "--1",
        "0x",
        "1e",
        "1e400",
        "NaN",
    ),
)
_IDS = (_GUID, _GUID.upper(), "{" + _GUID + "}", "(" + _GUID + ")", _GUID.replace("-", ""), _GUID[:-1])
_VERSIONS = ("1.0", "10.0", "10.0.26100", "1.2.3.4", "1.2.3.4.5", "-1.0", "1.x", " 9.0 ")
_MOMENTS = ("2024-01-02T03:04:05Z", "2024-01-02", "01:02:03")
_ENUM_NAMES = ("Start", "star", "st", "START", "Production", "prod")
_TEXTS = (*_WORDS, *_TRUTHS, *_NUMBERS, *_IDS, *_VERSIONS, *_MOMENTS, *_ENUM_NAMES)
_SMALL = (0, 1, 2, 3, 4, 5, 7, -1)
_EDGES = tuple(edge + by for bits in (8, 15, 16, 31) for edge in (1 << bits,) for by in (-1, 0))
_WHOLE = (*_SMALL, *_EDGES, 512, 4096, -(1 << 31) - 1)
_LARGE = ((1 << 32) - 1, 1 << 32, 1 << 53, _LONG - 1, _LONG, (1 << 64) - 1, -_LONG)
_FLOATS = (0.0, 0.5, 1.0, 1.5, 2.5, -0.5, -1.5, 3.7, 1e3, 1e20, 1e-7, 2147483647.5, 4294967296.0)
_SPECIALS = (
    Special("s", ""),
    Special("c", "user"),
    Special("D", "638397615600000000"),
    Special("S", "90"),
    Special("h", "Name"),
)
_RIGHT: Mapping[str, Sequence[Value]] = {
    "String": ("web1", "C:\\VMs\\a.vhdx", "*", "1", "web1", "web1", "web2", ""),
    "Boolean": (True, False, 1, 0),
    "SwitchParameter": (True, False),
    "Char": ("D", "x"),
    "Guid": (_GUID, _GUID.upper()),
    "Version": ("9.0", "10.0"),
    "PSCredential": (Special("c", "user"), None),
    "SecureString": (Special("s", ""),),
    "DateTime": (Special("D", "638397615600000000"), None),
    "TimeSpan": (Special("S", "90"),),
    "Hashtable": (Special("h", "Name"),),
    "ActionPreference": _PREFERENCES,
    "PSObject": ("x", 1),
    "CimSession": (None,),
    "CimInstance": (None,),
}
_INTEGERS = ("Byte", "Int16", "Int32", "Int64", "UInt16", "UInt32", "UInt64")


class Calls:
    """An endless source of calls.

    Args:
        seed: The same seed gives the same calls.
        cmdlets: The reference of the cmdlets that are called.
        classes: The classes of which there are objects.
    """

    def __init__(self, seed: int, cmdlets: Cmdlets, classes: Sequence[str]) -> None:
        self._random = random.Random(seed)
        self._cmdlets = cmdlets
        self._names = sorted(cmdlets)
        self._classes = sorted(classes)

    def next(self) -> RandomCall:
        """The next call."""
        cmdlet = self._random.choice(self._names)
        entry = self._cmdlets[cmdlet]
        given = [(self._spelled(name, entry), self._value(entry, name)) for name in self._chosen(entry)]
        given += self._extras(entry, [name for name, _value in given])
        self._random.shuffle(given)
        seen: set[str] = set()
        return RandomCall(
            cmdlet,
            tuple((name, value) for name, value in given if not (name.lower() in seen or seen.add(name.lower()))),
        )

    def one_by_one(self) -> Iterator[RandomCall]:
        """Every parameter in every set that has it, with what the set demands and nothing else."""
        for cmdlet, entry in sorted(self._cmdlets.items()):
            for members in entry["parameter_sets"].values():
                demanded = {*members["mandatory"], *members.get("mandatory_switches", ())}
                for name in members["parameters"]:
                    given = [each for each in members["parameters"] if each in demanded or each == name]
                    yield RandomCall(cmdlet, tuple((each, self._plain(entry["parameters"][each])) for each in given))

    def _plain(self, parameter: Mapping[str, Any]) -> Value:
        kind, values = parameter["type"].removesuffix("[]"), parameter.get("values", ())
        if kind in _INTEGERS:
            return int(values[0]) if values else 4
        if kind in _RIGHT or not values:
            return _RIGHT[kind][0] if kind in _RIGHT else self._object(kind)
        return values[0]

    def _object(self, kind: str) -> Special:
        fitting = [each for each in self._classes if kind in lineage(each)]
        return Special("o", self._random.choice(fitting or self._classes))

    def _chosen(self, entry: Mapping[str, Any]) -> list[str]:
        """Names of parameters: mostly of one set with what it demands, now and then of several."""
        draw = self._random
        members = entry["parameter_sets"][draw.choice(sorted(entry["parameter_sets"]))]
        demanded = {*members["mandatory"], *members.get("mandatory_switches", ())}
        chosen = [name for name in members["parameters"] if name in demanded and draw.random() < 0.9]
        optional = [name for name in members["parameters"] if name not in demanded]
        chosen += draw.sample(optional, min(len(optional), draw.choice((0, 0, 1, 1, 2, 4))))
        if draw.random() < 0.3:
            chosen += draw.sample(sorted(entry["parameters"]), draw.choice((1, 1, 2)))
        return list(dict.fromkeys(chosen))

    def _extras(self, entry: Mapping[str, Any], given: Sequence[str]) -> list[tuple[str, Value]]:
        draw = self._random
        extras: list[tuple[str, Value]] = []
        if draw.random() < 0.06:
            extras.append((draw.choice(("Force", "Confirm", "Zzz", "Namee", "VMNames", "Id", "X-Y", "P", "C")), True))
        if draw.random() < 0.06 and given:
            again = draw.choice(given)
            aliases = entry["parameters"].get(again, {"aliases": ()})["aliases"]
            extras.append((draw.choice([again[:-1] or again, *aliases]), "again"))
        if draw.random() < 0.25:
            name = draw.choice(sorted(COMMON))
            kind, alias = COMMON[name]
            value = self._odd() if draw.random() < 0.3 else self._right(kind, ())
            extras.append((draw.choice((name, name, name[: draw.randint(1, len(name))], alias)), value))
        return extras

    def _spelled(self, name: str, entry: Mapping[str, Any]) -> str:
        draw = self._random
        kind = draw.random()
        if kind < 0.8:
            return name
        if kind < 0.85:
            return draw.choice((name.lower(), name.upper()))
        if kind < 0.92:
            return draw.choice([name, *entry["parameters"][name]["aliases"]])
        return name[: draw.randint(1, len(name))]

    def _value(self, entry: Mapping[str, Any], name: str) -> Value:
        parameter = entry["parameters"][name]
        kind = parameter["type"].removesuffix("[]")
        is_array = parameter["type"].endswith("[]")
        draw = self._random
        if draw.random() < 0.2:
            return self._odd()
        if is_array and draw.random() < 0.6:
            items = [self._right(kind, parameter.get("values", ())) for _ in range(draw.choice((1, 1, 2, 3)))]
            return [self._odd() if draw.random() < 0.08 else item for item in items]
        if not is_array and draw.random() < 0.04:
            return [self._right(kind, parameter.get("values", ()))]
        return self._right(kind, parameter.get("values", ()))

    def _right(self, kind: str, values: Sequence[str]) -> Value:
        """A value that fits a type, mostly."""
        draw = self._random
        if kind in _RIGHT:
            return draw.choice(_RIGHT[kind])
        if kind in _INTEGERS:
            return (
                int(draw.choice(values))
                if values and draw.random() < 0.8
                else draw.choice((*_WHOLE, *_LARGE, "7", "1GB"))
            )
        names = [*values, *ENUMS.get(kind, {})]
        if names:
            name = draw.choice(names)
            return draw.choice(
                (name, name, name.lower(), name[: draw.randint(1, len(name))], draw.choice((0, 1, 2, 3, 9)))
            )
        return self._object(kind)

    def _odd(self) -> Value:
        draw = self._random
        pools: tuple[Sequence[Value], ...] = (
            _TEXTS,
            _WHOLE,
            _LARGE,
            _FLOATS,
            (True, False),
            (None,),
            _SPECIALS,
            [Special("o", each) for each in self._classes],
        )
        if draw.random() < 0.2:
            return [self._odd() for _ in range(draw.choice((0, 0, 1, 1, 2)))]
        return draw.choice(draw.choice(pools))


def lineage(name: str) -> list[str]:
    """A class and those it is made from."""
    return [name, *lineage(BASES[name])] if name in BASES else [name]
