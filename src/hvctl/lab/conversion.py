"""Values to parameter types, as PowerShell converts what `AddParameter` was given to what a parameter declares."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from hvctl.lab import enums
from hvctl.lab.live import Live
from hvctl.lab.reference import Parameter

Value = Any
"""What a parameter may be given: JSON values, live objects, and the tagged values below."""


class Tagged:
    """A tagged value: what it is a value of, and its content."""

    __slots__ = ("content", "type")

    def __init__(self, type_name: str, content: Any) -> None:  # noqa: ANN401 - each type has its own
        self.type = type_name
        self.content = content

    def __str__(self) -> str:
        if self.type == "TimeSpan":
            return _span_text(self.content)
        if self.type == "DateTime":
            return datetime.fromisoformat(self.content).strftime("%m/%d/%Y %H:%M:%S")
        return _TAGGED_TEXTS[self.type]


class CannotConvert(Exception):
    """The value is of no use for the parameter's type.

    Args:
        by_kind: Whatever its content: a list where one value is wanted, or no number for a switch.
    """

    def __init__(self, *, by_kind: bool = False) -> None:
        super().__init__()
        self.by_kind = by_kind


class NullNotAllowed(Exception):
    """A boolean parameter cannot be null, mandatory or not."""


def _span_text(seconds: float) -> str:
    """A TimeSpan's text: [-][days.]hh:mm:ss[.fffffff]."""
    ticks = round(abs(seconds) * 10_000_000)
    whole, rest = divmod(ticks, 10_000_000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    clock = f"{hour:02}:{minute:02}:{second:02}" + (f".{rest:07}" if rest else "")
    return f"{'-' if seconds < 0 and ticks else ''}{f'{days}.' if days else ''}{clock}"


_TAGGED_TEXTS = {
    "SecureString": "System.Security.SecureString",
    "PSCredential": "System.Management.Automation.PSCredential",
    "Hashtable": "System.Collections.Hashtable",
}
_INTEGERS = {
    "Byte": (8, False),
    "Int16": (16, True),
    "Int32": (32, True),
    "Int64": (64, True),
    "UInt16": (16, False),
    "UInt32": (32, False),
    "UInt64": (64, False),
}
"""Bits and signedness of the integer types."""
VALUE_TYPES = frozenset({*_INTEGERS, "Char", "DateTime", "Guid", "TimeSpan"})
"""The types, besides enums, whose parameters are never null unless the reference says so."""
_ZEROS: Mapping[str, Any] = {
    **dict.fromkeys(_INTEGERS, 0),
    "Char": "\0",
    "Guid": "00000000-0000-0000-0000-000000000000",
}
_NUMBER = (
    r"(?ai)(?P<sign>[-+]?)"
    r"(?:0x(?P<hex>[0-9a-f]*)|0b(?P<binary>[01]+)|(?P<decimal>\d[\d,]*\.?\d*|\.\d+)(?:e(?P<exponent>[-+]?\d+))?)"
    r"(?:u?[lsy]?|d|n)(?P<unit>[kmgtp]b)?"
)
_UNITS = {"": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40, "pb": 1 << 50}
_GUID = (
    r"(?i)\s*(?:\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}|\([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\)"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})\s*"
)
_VERSION = r"\s*\d+\s*(?:\.\s*\d+\s*){1,3}"


def convert(parameter: Parameter, value: Value) -> Value:
    """The value as the parameter's type, as a compiled cmdlet's parameters are converted.

    Raises:
        CannotConvert: PowerShell would refuse it.
    """
    if not parameter.is_array:
        return _single(parameter, value)
    if value is None:
        return None
    return [_item(parameter, item) for item in (value if isinstance(value, list) else [value])]


def _item(parameter: Parameter, value: Value) -> Value:
    """One value of a list; null becomes what an array of numbers, ids or enums begins with."""
    if value is None and parameter.element == "Boolean":
        raise NullNotAllowed
    if value is None:
        members = enums.members(parameter.element, parameter.values) or {}
        first = next((name for name, number in members.items() if number == 0), None)
        return _ZEROS.get(parameter.element, first)
    return _single(parameter, value)


def _single(parameter: Parameter, value: Value) -> Value:
    name = parameter.element
    if value is None:
        return _nothing(name, nullable=parameter.nullable)
    if name in _ANYTHING:
        return value
    members = None if name in _CONVERTERS or name in _INTEGERS else enums.members(name, parameter.values)
    if isinstance(value, list) and name not in _SWITCHED and (members is None or parameter.nullable):
        raise CannotConvert(by_kind=True)
    converter = _CONVERTERS.get(name)
    if converter is not None:
        return converter(value)
    if name in _INTEGERS:
        bits, signed = _INTEGERS[name]
        return _integer(value, bits, signed=signed)
    return _object(name, value) if members is None else _enum(members, value)


def _nothing(name: str, *, nullable: bool) -> Value:
    """What null becomes: a switch that is named is on."""
    if name == "Boolean" and not nullable:
        raise NullNotAllowed
    return True if name == "SwitchParameter" else None


def text(value: Value) -> str:
    """A value as a .NET string, which every value can become."""
    if value is None:
        return ""
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, list):
        return " ".join(text(item) for item in value)
    return str(value)


def _float_text(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    mantissa, _e, exponent = repr(value).partition("e")
    return f"{mantissa}E{int(exponent):+03d}" if exponent else mantissa


def _truth(value: Value) -> bool:
    if isinstance(value, (bool, int, float)):
        return bool(value)
    raise CannotConvert(by_kind=True)


def _integer(value: Value, bits: int, *, signed: bool) -> int:
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    for number in _whole(value, bits):
        if least <= number <= most:
            return number
    raise CannotConvert


def _whole(value: Value, bits: int) -> list[int]:
    """What whole number a value is; the first that fits its type counts."""
    if isinstance(value, (bool, int)):
        return [int(value)]
    if isinstance(value, float):
        return [round(value)]
    if isinstance(value, str):
        return _parse_whole(value, bits)
    raise CannotConvert


def _parse_whole(value: str, bits: int) -> list[int]:
    value = value.strip()
    if not value:
        return [0]
    match = re.fullmatch(_NUMBER, value)
    if match is None:
        raise CannotConvert
    unit = _UNITS[(match["unit"] or "").lower()] * (-1 if match["sign"] == "-" else 1)
    if match["decimal"] is None:
        digits, base = (match["hex"], 16) if match["hex"] is not None else (match["binary"], 2)
        return _two_complements(int(digits or "0", base), len(digits) if base == 16 else 0, bits, unit)
    decimal = match["decimal"].replace(",", "")
    if "." not in decimal and match["exponent"] is None:
        return [int(decimal) * unit]
    try:
        return [round(float(decimal) * 10.0 ** int(match["exponent"] or 0) * unit)]
    except OverflowError:
        raise CannotConvert from None


def _two_complements(number: int, digits: int, bits: int, unit: int) -> list[int]:
    """A hexadecimal number may set the sign bit: 0xFFFFFFFF is -1 to an Int32 as well."""
    if unit < 0:
        return [number * unit]
    widths = [width for width in (bits, digits * 4 if digits in (8, 16) else 0) if width and number < 1 << width]
    return [number * unit, *(unit * (number - (1 << width)) for width in widths)]


def _enum(members: Mapping[str, int], value: Value) -> str:
    """The name of an enum's member, from a name or the beginning of one, a number, or several of either together."""
    if isinstance(value, str):
        parts: list[Value] = value.split(",")
    else:
        parts = value if isinstance(value, list) else [value]
    if not parts:
        raise CannotConvert
    number = 0
    for part in parts:
        number |= _enum_number(members, part, alone=len(parts) == 1)
    for name, known in members.items():
        if known == number:
            return name
    raise CannotConvert


def _enum_number(members: Mapping[str, int], wanted: Value, *, alone: bool) -> int:
    if isinstance(wanted, (int, float)) and not isinstance(wanted, bool) and wanted == int(wanted):
        if isinstance(wanted, float) and not -(1 << 31) <= wanted < 1 << 31:
            raise CannotConvert
        # Whole numbers are cut to the 32 bits of an enum.
        return (int(wanted) + (1 << 31)) % (1 << 32) - (1 << 31)
    if isinstance(wanted, list):
        return members[_enum(members, wanted)]
    if not isinstance(wanted, str):
        raise CannotConvert
    folded = wanted.strip().lower()
    if alone and re.fullmatch(r"(?a)[-+]?\d+", folded):
        return int(folded)
    exact = [name for name in members if name.lower() == folded]
    found = exact or [name for name in members if alone and name.lower().startswith(folded)]
    if not folded or len(found) != 1:
        raise CannotConvert
    return members[found[0]]


def _guid(value: Value) -> str:
    if not isinstance(value, str) or not re.fullmatch(_GUID, value):
        raise CannotConvert
    digits = re.sub(r"[^0-9a-fA-F]", "", value).lower()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _character(value: Value) -> str:
    if isinstance(value, str) and len(value) == 1:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 16:
        return chr(value)
    raise CannotConvert


def _version(value: Value) -> str:
    if isinstance(value, float):
        value = text(value)
    if not isinstance(value, str) or not re.fullmatch(_VERSION, value):
        raise CannotConvert
    return ".".join(str(int(part)) for part in value.split("."))


def _tagged(*types: str) -> Callable[[Value], Value]:
    def check(value: Value) -> Value:
        if isinstance(value, Tagged) and value.type in types:
            return value
        raise CannotConvert

    return check


def _object(name: str, value: Value) -> Value:
    if isinstance(value, Live) and name in (value.kind.name, *value.kind.bases):
        return value
    raise CannotConvert


_CONVERTERS: Mapping[str, Callable[[Value], Value]] = {
    "String": text,
    "Boolean": _truth,
    "SwitchParameter": _truth,
    "Guid": _guid,
    "Version": _version,
    "Char": _character,
    "SecureString": _tagged("SecureString"),
    "PSCredential": _tagged("PSCredential"),
    "Hashtable": _tagged("Hashtable"),
    "IDictionary": _tagged("Hashtable"),
    "TimeSpan": _tagged("TimeSpan"),
    "DateTime": _tagged("DateTime"),
}
_SWITCHED = ("Boolean", "SwitchParameter")
_ANYTHING = ("Object", "PSObject")
