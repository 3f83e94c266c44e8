"""Values to parameter types, as PowerShell converts what `AddParameter` was given to what a parameter declares."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
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
        return _TAGGED_TEXTS.get(self.type) or str(self.content)


class CannotConvert(Exception):
    """The value is of no use for the parameter's type."""


_TAGGED_TEXTS = {
    "SecureString": "System.Security.SecureString",
    "PSCredential": "System.Management.Automation.PSCredential",
    "Hashtable": "System.Collections.Hashtable",
}
_INTEGERS = {
    "Byte": (0, 2**8 - 1),
    "Int16": (-(2**15), 2**15 - 1),
    "Int32": (-(2**31), 2**31 - 1),
    "Int64": (-(2**63), 2**63 - 1),
    "UInt16": (0, 2**16 - 1),
    "UInt32": (0, 2**32 - 1),
    "UInt64": (0, 2**64 - 1),
}
_NUMBER = (
    r"(?i)(?P<sign>[-+]?)(?:0x(?P<hex>[0-9a-f]+)|(?P<decimal>\d+\.?\d*|\.\d+)(?:e(?P<exponent>[-+]?\d+))?)"
    r"(?P<unit>[kmgtp]b)?"
)
_UNITS = {"": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40, "pb": 1 << 50}
_GUID = (
    r"(?i)\s*(?:\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}|\([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\)"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})\s*"
)
_VERSION = r"\s*\d+\s*(?:\.\s*\d+\s*){1,3}"


def convert(parameter: Parameter, value: Value) -> Value:
    """The value as the parameter's type.

    Raises:
        CannotConvert: PowerShell would refuse it.
    """
    if value is None and parameter.nullable and not parameter.is_array:
        return None
    if parameter.is_array:
        if value is None:
            return None
        items = value if isinstance(value, list) else [value]
        return [_single(parameter, item) for item in items]
    return _single(parameter, value)


def _single(parameter: Parameter, value: Value) -> Value:
    name = parameter.element
    converter = _CONVERTERS.get(name)
    if converter is not None:
        return converter(value)
    if name in _INTEGERS:
        return _integer(value, *_INTEGERS[name])
    members = enums.members(name, parameter.values)
    if members is not None:
        return _enum(members, value)
    return _object(name, value)


def text(value: Value) -> str:
    """A value as a .NET string, which every value can become."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, float) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, list):
        return " ".join(text(item) for item in value)
    return str(value)


def _string(value: Value) -> str:
    if isinstance(value, list):
        raise CannotConvert
    return text(value)


def _boolean(value: Value) -> bool:
    if isinstance(value, (bool, int, float)):
        return bool(value)
    raise CannotConvert


def _switch(value: Value) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    raise CannotConvert


def _integer(value: Value, least: int, most: int) -> int:
    number = _whole(value)
    if not least <= number <= most:
        raise CannotConvert
    return number


def _whole(value: Value) -> int:
    if value is None:
        return 0
    if isinstance(value, (bool, int)):
        return int(value)
    if isinstance(value, float):
        return round(value)
    if isinstance(value, str):
        return _parse_whole(value)
    raise CannotConvert


def _parse_whole(value: str) -> int:
    if not value:
        return 0
    match = re.fullmatch(_NUMBER, value.strip())
    if match is None:
        raise CannotConvert
    if match["hex"]:
        number: float = int(match["hex"], 16)
    elif "." in match["decimal"] or match["exponent"]:
        number = float(match["decimal"]) * 10.0 ** int(match["exponent"] or 0)
    else:
        number = int(match["decimal"])
    return round(number * _UNITS[(match["unit"] or "").lower()]) * (-1 if match["sign"] == "-" else 1)


def _enum(members: Mapping[str, int], value: Value) -> str:
    if isinstance(value, str):
        return _enum_name(members, value.strip())
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _enum_number(members, round(value))
    raise CannotConvert


def _enum_name(members: Mapping[str, int], wanted: str) -> str:
    if re.fullmatch(r"[-+]?\d+", wanted):
        return _enum_number(members, int(wanted))
    folded = wanted.lower()
    exact = [name for name in members if name.lower() == folded]
    found = exact or [name for name in members if name.lower().startswith(folded)]
    if not folded or len(found) != 1:
        raise CannotConvert
    return found[0]


def _enum_number(members: Mapping[str, int], wanted: int) -> str:
    for name, number in members.items():
        if number == wanted:
            return name
    raise CannotConvert


def _guid(value: Value) -> str:
    if not isinstance(value, str) or not re.fullmatch(_GUID, value):
        raise CannotConvert
    digits = re.sub(r"[^0-9a-fA-F]", "", value).lower()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


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
    if value is None:
        return None
    raise CannotConvert


_CONVERTERS: Mapping[str, Callable[[Value], Value]] = {
    "String": _string,
    "Boolean": _boolean,
    "SwitchParameter": _switch,
    "Guid": _guid,
    "Version": _version,
    "SecureString": _tagged("SecureString"),
    "PSCredential": _tagged("PSCredential"),
    "Hashtable": _tagged("Hashtable"),
    "TimeSpan": _tagged("TimeSpan"),
    "DateTime": _tagged("DateTime"),
    "Object": lambda value: value,
    "PSObject": lambda value: value,
}
