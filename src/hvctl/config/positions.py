"""Where the keys of a TOML text stand: Python's own parser tells that of a syntax error only."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from typing import NamedTuple

Path = tuple["str | int", ...]
"""The keys that lead to a value, and its index where it is in an array."""

Found = Iterator[tuple[Path, int]]
"""Keys and the offsets at which they begin."""


class Position(NamedTuple):
    """A place in a text; both count from 1."""

    line: int
    column: int


_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_PART = re.compile(r'[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|\'[^\']*\'')
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*?"{3,5}|' + r"'''.*?'{3,5}|" + r'"(?:[^"\\]|\\.)*"|' + r"'[^']*'", re.DOTALL
)
_OTHER = re.compile(r"\d{4}-\d\d-\d\d \d\d:[^\s,\]}#]+|[^\s,\]}#]+")


def positions(text: str) -> dict[Path, Position]:
    """Where each key, table and array item begins, the first time that it is named.

    Args:
        text: What `tomllib` has found to be valid TOML.
    """
    found: dict[Path, Position] = {}
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    line = 0
    for path, offset in _Scanner(text).document():
        while line + 1 < len(starts) and starts[line + 1] <= offset:
            line += 1
        found.setdefault(path, Position(line + 1, offset - starts[line] + 1))
    return found


class _Scanner:
    """Walks through valid TOML and tells where each key is."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def document(self) -> Found:
        table: Path = ()
        while self._next():
            start = self._at
            if self._next() == "[":
                self._at += 2 if self._text.startswith("[[", self._at) else 1
                self._skip()
                start = self._at
                table = self._key()
                yield table, start
                self._at = self._text.index("]", self._at)
                self._at += 2 if self._text.startswith("]]", self._at) else 1
            else:
                yield from self._pair(table)

    def _pair(self, table: Path) -> Found:
        start = self._at
        path = table + self._key()
        yield path, start
        self._at = self._text.index("=", self._at) + 1
        yield from self._value(path)

    def _value(self, path: Path) -> Found:
        opening = self._next()
        if opening == "{":
            yield from self._inside("}", lambda _: self._pair(path))
        elif opening == "[":
            yield from self._inside("]", lambda index: self._item((*path, index)))
        else:
            match = _STRING.match(self._text, self._at) or _OTHER.match(self._text, self._at)
            assert match is not None
            self._at = match.end()

    def _item(self, path: Path) -> Found:
        yield path, self._at
        yield from self._value(path)

    def _inside(self, closing: str, part: Callable[[int], Found]) -> Found:
        self._at += 1
        index = 0
        while self._next() != closing:
            yield from part(index)
            index += 1
            if self._next() == ",":
                self._at += 1
        self._at += 1

    def _key(self) -> Path:
        parts: list[str] = []
        while True:
            match = _PART.match(self._text, self._at)
            assert match is not None
            word = match[0]
            parts.append(tomllib.loads(f"x = {word}")["x"] if word[0] in "\"'" else word)
            self._at = match.end()
            dot = _DOT.match(self._text, self._at)
            if dot is None:
                return tuple(parts)
            self._at = dot.end()

    def _next(self) -> str:
        """The character of the next token; empty at the end."""
        self._skip()
        return self._text[self._at : self._at + 1]

    def _skip(self) -> None:
        match = _BLANK.match(self._text, self._at)
        assert match is not None
        self._at = match.end()
