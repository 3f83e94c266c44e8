"""Source files are short, described and finished."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
KINDS = {"unit", "contract", "lab", "powershell", "winrm", "docs"}
LONGEST = 350


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_source_file_is_short_and_described(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring, "a module says in one sentence what it is"
    assert docstring.split("\n\n")[0].rstrip().endswith((".", "!", "?", ":"))


UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError|unittest\.mock)\b")


@pytest.mark.parametrize("path", [*SOURCES, *(ROOT / "src").rglob("*.ps1"), *TESTS], ids=relative)
def test_nothing_is_left_to_do(path):
    if path == Path(__file__):
        return
    found = [line for line in path.read_text(encoding="utf-8").splitlines() if UNFINISHED.search(line)]
    assert found == []


def test_every_test_has_a_kind(request):
    """Of the tests collected with this one, each has a marker that says what it needs."""
    bare = [item.nodeid for item in request.session.items if not KINDS & {mark.name for mark in item.iter_markers()}]
    assert bare == []


def test_line_ends_are_unix_s():
    """The engine's hash is part of the protocol: a changed line end would be another engine."""
    paths = [*SOURCES, *(ROOT / "src").rglob("*.ps1"), *(ROOT / "src").rglob("*.json")]
    assert [relative(path) for path in paths if b"\r" in path.read_bytes()] == []
