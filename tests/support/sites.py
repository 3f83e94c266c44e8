"""Sites: places where the same command lines are run, and what was answered there, to be compared.

A host has a name of the same length at every site, so that tables are equal once the name is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Run = Callable[..., Any]

_GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


@dataclass(frozen=True)
class Line:
    """A command line of a scenario.

    Attributes:
        words: What is typed, without `hvctl`.
        code: The exit code that it ends in.
        says: What stands in its output.
        stdin: What standard input holds.
    """

    words: tuple[str, ...]
    code: int = 0
    says: str = ""
    stdin: str = ""


def line(*words: str, code: int = 0, says: str = "", stdin: str = "") -> Line:
    """A command line."""
    return Line(words, code, says, stdin)


@dataclass(frozen=True)
class Said:
    """What a command line answered."""

    line: Line
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Site:
    """Somewhere to run command lines.

    Attributes:
        host: The host's name there.
        run: Runs a command line.
        environment: What is set for each.
    """

    host: str
    run: Run
    environment: Mapping[str, str] = field(default_factory=dict)

    def play(self, scenario: Sequence[Line]) -> list[Said]:
        """Type a scenario, line after line."""
        return [self._said(each) for each in scenario]

    def _said(self, typed: Line) -> Said:
        done = self.run(*typed.words, stdin=typed.stdin, env={**self.environment, "HVCTL_HOST": self.host})
        out, err = (text.replace(self.host, "<the host>") for text in (done.out, done.err))
        return Said(typed, done.code, out, err)


def with_numbered_ids(story: Sequence[Said]) -> list[Said]:
    """The same story with each id replaced by when it was first seen: hosts make ids of their own."""
    known: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        return known.setdefault(found[0].lower(), f"<id {len(known) + 1}>")

    return [Said(said.line, said.code, _GUID.sub(number, said.out), _GUID.sub(number, said.err)) for said in story]
