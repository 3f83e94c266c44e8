"""Texts and numbers as PowerShell source that yields exactly them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import groupby

_QUOTE = re.compile("['\u2018\u2019\u201a\u201b]")
_UNITS = ((1 << 50, "PB"), (1 << 40, "TB"), (1 << 30, "GB"), (1 << 20, "MB"))

_LONGEST_SUM = 500
"""Pieces of a text that are still joined by `+`: PowerShell compiles a sum recursively and dies of a very long one."""

_PLAIN_WORD = re.compile(r"\w[\w.:/-]*", re.ASCII)

_STOP_PARSING = "--%"
"""Even a quoted one makes PowerShell take the rest of the line as it stands, quotes and all, up to the next `|`."""


def word(text: str) -> str:
    """The text as a word of a command line for people to paste: as it stands, where no shell sees more in it."""
    return text if _PLAIN_WORD.fullmatch(text) else quote(text)


def quote(text: str, *, ascii_only: bool = False) -> str:
    """The text as a PowerShell expression that yields exactly it, on one line of printable characters.

    Args:
        text: Any text.
        ascii_only: Use nothing but ASCII: read in a wrong code page, a letter can become a quote.
    """
    if text == _STOP_PARSING:
        return f"({_literal(text[:1])} + {_literal(text[1:])})"
    pieces: list[str] = []
    for plain, run in groupby(text, key=_is_ascii if ascii_only else str.isprintable):
        if plain:
            pieces.append(_literal("".join(run)))
        else:
            pieces.extend(f"[char]0x{unit:04X}" for unit in _utf16("".join(run)))
    if not pieces:
        return "''"
    if len(pieces) == 1 and pieces[0].startswith("'"):
        return pieces[0]
    if len(pieces) > _LONGEST_SUM:
        return f"(-join ({', '.join(pieces)}))"
    if not pieces[0].startswith("'"):
        pieces.insert(0, "''")
    return f"({' + '.join(pieces)})"


def _is_ascii(character: str) -> bool:
    return character.isascii() and character.isprintable()


def _literal(text: str) -> str:
    return "'" + _QUOTE.sub(lambda found: found[0] * 2, text) + "'"


def _utf16(text: str) -> Iterator[int]:
    data = text.encode("utf-16-be", "surrogatepass")
    return (int.from_bytes(data[index : index + 2]) for index in range(0, len(data), 2))


def number(value: float) -> str:
    """A number as PowerShell reads it; in an argument `-0.5` would be a text."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is not a number that can be sent")
    text = repr(value)
    if isinstance(value, int):
        text = next((f"{value // size}{unit}" for size, unit in _UNITS if value and value % size == 0), text)
    return f"({text})" if text.startswith("-") else text
