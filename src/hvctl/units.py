"""Text to bytes and seconds, and back for people."""

from __future__ import annotations

import re

from hvctl.errors import UsageError

_WHOLE = r"[0-9]{1,18}"
_NUMBER = rf"{_WHOLE}(?:\.{_WHOLE})?"
_SIZE = re.compile(rf"({_NUMBER})\s*([KMGTP])(?:i?B)?|({_WHOLE})\s*B", re.IGNORECASE)
_DURATION = re.compile(rf"(?:({_WHOLE})d)?(?:({_WHOLE})h)?(?:({_WHOLE})m)?(?:({_NUMBER})s?)?", re.IGNORECASE)
_FACTORS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "P": 1 << 50}


def parse_size(text: str) -> int:
    """Read a size such as 4G, 512MB, 1.5TiB or 4096B as bytes; the units are powers of 1024.

    Raises:
        UsageError: The text has no unit, or is not a size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        if text.strip().isdigit():
            raise UsageError(f"The size '{text}' has no unit.", hint=f"Write {text.strip()}M, {text.strip()}G or …B.")
        raise UsageError(f"'{text}' is not a size.", hint="Write a number and a unit: 512M, 4G, 1.5T.")
    number, unit, plain = match.groups()
    if plain is not None:
        return int(plain)
    size = float(number) * _FACTORS[unit.upper()] if "." in number else int(number) * _FACTORS[unit.upper()]
    if size != int(size):
        raise UsageError(f"'{text}' is not a whole number of bytes.")
    return int(size)


def parse_duration(text: str) -> float:
    """Read a duration such as 90, 90s, 5m or 1h30m as seconds.

    Raises:
        UsageError: The text is not a duration.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise UsageError(f"'{text}' is not a duration.", hint="Write seconds, or 90s, 5m, 1h30m.")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def format_size(size: int | None) -> str:
    """Bytes for people: 4 GiB, 512 MiB; an empty text for none."""
    if size is None:
        return ""
    for unit, power in (("PiB", 50), ("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if abs(size) >= 1 << power:
            return f"{size / (1 << power):.2f}".rstrip("0").rstrip(".") + f" {unit}"
    return f"{size} B"


def format_duration(seconds: float | None) -> str:
    """Seconds for people: 3d 04:05:06, 04:05:06; an empty text for none."""
    if seconds is None:
        return ""
    whole = int(seconds)
    days, rest = divmod(whole, 86400)
    clock = f"{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"
    return f"{days}d {clock}" if days else clock
