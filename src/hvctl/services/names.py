"""Names as Windows compares them, and PowerShell's wildcard patterns."""

from __future__ import annotations

import re
from functools import cache

from hvctl.errors import UsageError


def folded(name: str) -> str:
    """The name as Windows compares it: a character at a time, case ignored; `ß` is not `ss`."""
    return name.upper() if name.isascii() else "".join(map(_upper, name))


def _upper(character: str) -> str:
    upper = character.upper()
    return upper if len(upper) == 1 and upper.isascii() == character.isascii() else character


def in_quotes(text: str) -> str:
    """A text as a word of a command line that is shown as advice: in double quotes where it has a single one."""
    return f'"{text}"' if "'" in text else f"'{text}'"


@cache
def wildcard(text: str) -> re.Pattern[str]:
    """A PowerShell wildcard pattern as a regular expression: `*`, `?`, `[abc]`, `[a-z]`; case is ignored.

    A backtick makes the next character literal. A bracket that is not closed stands for itself.
    """
    parts = []
    position = 0
    while position < len(text):
        end, part = _element(text, position)
        if not part:
            raise UsageError(f"'{text}' is not a pattern: the range {text[position:end]} runs backwards.")
        parts.append(part)
        position = end
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def _element(text: str, start: int) -> tuple[int, str]:
    """The end of the pattern element that begins at `start`, and its regular expression; none if it makes no sense."""
    character = text[start]
    if character == "*":
        return start + 1, ".*"
    if character == "?":
        return start + 1, "."
    if character == "`" and start + 1 < len(text):
        return start + 2, re.escape(text[start + 1])
    if character == "[":
        members = _members(text, start + 1)
        if members is not None:
            return members[0], _class_of(members[1])
    return start + 1, re.escape(character)


def _members(text: str, start: int) -> tuple[int, list[str]] | None:
    """The end of a bracket expression and its members, an empty text for each bare `-`; None where it is not closed."""
    members: list[str] = []
    position = start
    while position < len(text):
        character = text[position]
        if character == "]" and position > start:
            return position + 1, members
        if character == "`" and position + 1 < len(text):
            position += 1
            members.append(text[position])
        else:
            members.append("" if character == "-" else character)
        position += 1
    return None


def _class_of(members: list[str]) -> str:
    parts = []
    position = 0
    while position < len(members):
        low = members[position] or "-"
        if members[position + 1 : position + 2] == [""] and position + 2 < len(members):
            high = members[position + 2] or "-"
            if low > high:
                return ""
            parts.append(f"{re.escape(low)}-{re.escape(high)}")
            position += 3
        else:
            parts.append(re.escape(low))
            position += 1
    return f"[{''.join(parts)}]"
