from __future__ import annotations

import pytest

from hvctl.lab.lookup import has_wildcards, matches

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("pattern", "text", "does"),
    [
        ("web*", "WEB01", True),
        ("web*", "db", False),
        ("web?", "web1", True),
        ("web?", "web12", False),
        ("web[12]", "web2", True),
        ("web[1-3]", "web4", False),
        ("a`*b", "a*b", True),
        ("a`*b", "axb", False),
        ("[", "[", True),
        ("a.c", "abc", False),
        ("*\n*", "a\nb", True),
        ("$(x)", "$(x)", True),
    ],
)
def test_matches(pattern: str, text: str, does: bool) -> None:
    assert matches(pattern, text) is does


@pytest.mark.parametrize(("text", "has"), [("web1", False), ("a*", True), ("a`*", False), ("[x]", True), ("a?", True)])
def test_has_wildcards(text: str, has: bool) -> None:
    assert has_wildcards(text) is has
