"""Trees of text: a line an item, with branches drawn before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Branch(NamedTuple):
    """A line, and what hangs on it."""

    text: str
    branches: Sequence[Branch] = ()


def draw(root: Branch) -> Iterator[str]:
    """The lines of a tree, without ends of line."""
    yield root.text
    yield from _below(root, "")


def _below(parent: Branch, indent: str) -> Iterator[str]:
    for number, branch in enumerate(parent.branches, start=1):
        is_last = number == len(parent.branches)
        yield f"{indent}{'└── ' if is_last else '├── '}{branch.text}"
        yield from _below(branch, f"{indent}{'    ' if is_last else '│   '}")
