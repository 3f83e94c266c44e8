"""Names and wildcard patterns, as Windows and PowerShell take them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.pwsh import run_script

from hvctl.errors import UsageError
from hvctl.services.names import folded, wildcard


@pytest.mark.unit
@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("web1", "WEB1", True),
        ("Müller", "MÜLLER", True),
        ("straße", "STRASSE", False),
        ("straße", "STRAßE", True),
        ("\u0131", "i", False),
        ("\u017f", "s", False),
        ("\u212a", "k", False),
        ("ΟΔΟΣ", "οδος", True),
        ("\U00010400", "\U00010428", True),
        ("a", "a ", False),
        ("\ud800", "\ud800", True),
    ],
)
def test_names_are_equal_as_windows_has_it(one, other, equal):
    assert (folded(one) == folded(other)) is equal


PATTERNS = [
    ("*", "", True),
    ("*", "a\nb", True),
    ("?", "", False),
    ("?", "\n", True),
    ("w*1", "web1", True),
    ("w*1", "web12", False),
    ("WEB?", "web1", True),
    ("[ab]x", "Bx", True),
    ("[a-c]x", "bx", True),
    ("[a-c]x", "dx", False),
    ("[!a]", "b", False),
    ("[!a]", "!", True),
    ("[^a]", "^", True),
    ("[^a]", "b", False),
    ("[]a]", "]", True),
    ("[]a]", "a", True),
    ("[a]]", "a]", True),
    ("[a-]", "-", True),
    ("[-a]", "-", True),
    ("[a-c-e]", "-", True),
    ("[a-c-e]", "d", False),
    ("[+--]", "-", True),
    ("[+--]", ",", True),
    ("[[]*", "[x", True),
    ("[a&&b]", "&", True),
    ("[~~a]", "~", True),
    ("[a|b]", "|", True),
    (r"[\d]", "\\", True),
    (r"[\d]", "5", False),
    ("`*", "*", True),
    ("`*", "x", False),
    ("`[a`]", "[a]", True),
    ("[a`-c]", "b", False),
    ("[a`-c]", "-", True),
    ("[`]a]", "]", True),
    ("a``b", "a`b", True),
    ("`a", "a", True),
    ("a.b+*", "a.b+c", True),
    ("a.b+*", "aXbb", False),
    ("(a)*", "(A)b", True),
    ("$a*", "$ab", True),
]


@pytest.mark.unit
@pytest.mark.parametrize(("pattern", "name", "matches"), PATTERNS)
def test_patterns(pattern, name, matches):
    assert bool(wildcard(pattern).fullmatch(name)) is matches


@pytest.mark.unit
@pytest.mark.parametrize("pattern", ["[z-a]", "x[b-aB]*", "[9-0]"])
def test_a_range_that_runs_backwards_is_no_pattern(pattern):
    with pytest.raises(UsageError, match="runs backwards"):
        wildcard(pattern)


@pytest.mark.unit
@pytest.mark.parametrize("pattern", ["[a", "a[", "[]", "x[`]"])
def test_a_bracket_that_is_not_closed_is_literal(pattern):
    assert wildcard(pattern).fullmatch(pattern.replace("`", ""))


@pytest.mark.unit
@given(st.text())
def test_any_text_matches_itself_with_its_marks_escaped(text):
    escaped = "".join(f"`{character}" if character in "*?[]`" else character for character in text)
    assert wildcard(escaped).fullmatch(text)


@pytest.mark.unit
@given(st.text(), st.text(), st.text())
def test_a_star_stands_for_anything(before, between, after):
    escaped = "".join(f"`{character}" if character in "*?[]`" else character for character in before)
    rest = "".join(f"`{character}" if character in "*?[]`" else character for character in after)
    assert wildcard(f"{escaped}*{rest}").fullmatch(before + between + after)


JUDGE = """
while ($input.MoveNext()) {
    if (-not $input.Current) { continue }
    $case = ConvertFrom-Json -InputObject $input.Current
    try { [Console]::Out.WriteLine([string]($case.name -like $case.pattern)) }
    catch { [Console]::Out.WriteLine('invalid') }
}
"""


def judged(cases: list[tuple[str, str]]) -> list[str]:
    lines = "".join(json.dumps({"pattern": pattern, "name": name}) + "\n" for pattern, name in cases)
    out, err = run_script(JUDGE, lines=lines.encode("ascii"))
    assert err == ""
    return out.split()


def ours(pattern: str, name: str) -> str:
    try:
        return str(bool(wildcard(pattern).fullmatch(name)))
    except UsageError:
        return "invalid"


@pytest.mark.powershell
def test_powershell_agrees_on_the_table():
    assert judged([case[:2] for case in PATTERNS]) == [str(case[2]) for case in PATTERNS]


@pytest.mark.powershell
def test_powershell_agrees_on_every_short_pattern():
    """All patterns of a few characters, over a few names; that an unclosed bracket is literal is our own rule."""
    patterns = [pattern for pattern in every("a[]-*`b", 4) if pattern != "`"]  # PowerShell has it match an empty name
    cases = [(pattern, name) for pattern in patterns for name in ("a", "-", "a]", "[a")]
    differ = [(*case, said) for case, said in zip(cases, judged(cases), strict=True) if said != ours(*case)]
    assert [case for case in differ if case[2] != "invalid"] == []
    assert all("[" in case[0] for case in differ)


def every(alphabet: str, length: int) -> list[str]:
    found = [""]
    for _ in range(length):
        found += [pattern + character for pattern in found if len(pattern) < length for character in alphabet]
        found = list(dict.fromkeys(found))
    return found[1:]
