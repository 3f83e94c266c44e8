"""Where the keys of a TOML text stand."""

from __future__ import annotations

import tomllib

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from hvctl.config.positions import positions

pytestmark = pytest.mark.unit

TEXT = '''\
# a comment with [hosts.no] and key = "value"
default = "a = # [b]"   # behind

  [ hosts . "h v.1" ]  # in blanks
  user = \'\'\'
[hosts.no]
key = 1\'\'\'
"ca\\u005ffile" = """
x = "quoted" \\"""
[hosts.no]"""""
when = 1979-05-27 07:32:00Z
hosts.deep = { 'a b' = 1, c = [ "}", { d = "]" } ], e.f = 2 }

[groups]
prod = [
  "hv01", # first ]
  'hv02'
  , "hv03"]
[[list]]
x = 1
[[list]]
x = -inf
'''


def test_every_key_and_item_has_its_place():
    assert {keys: tuple(place) for keys, place in positions(TEXT).items()} == {
        ("default",): (2, 1),
        ("hosts", "h v.1"): (4, 5),
        ("hosts", "h v.1", "user"): (5, 3),
        ("hosts", "h v.1", "ca_file"): (8, 1),
        ("hosts", "h v.1", "when"): (11, 1),
        ("hosts", "h v.1", "hosts", "deep"): (12, 1),
        ("hosts", "h v.1", "hosts", "deep", "a b"): (12, 16),
        ("hosts", "h v.1", "hosts", "deep", "c"): (12, 27),
        ("hosts", "h v.1", "hosts", "deep", "c", 0): (12, 33),
        ("hosts", "h v.1", "hosts", "deep", "c", 1): (12, 38),
        ("hosts", "h v.1", "hosts", "deep", "c", 1, "d"): (12, 40),
        ("hosts", "h v.1", "hosts", "deep", "e", "f"): (12, 53),
        ("groups",): (14, 1 + len("[")),
        ("groups", "prod"): (15, 1),
        ("groups", "prod", 0): (16, 3),
        ("groups", "prod", 1): (17, 3),
        ("groups", "prod", 2): (18, 5),
        ("list",): (19, 3),
        ("list", "x"): (20, 1),
    }


def test_lines_that_end_as_on_windows():
    assert {keys: tuple(place) for keys, place in positions("a = 1\r\n[b]\r\nc = [\r\n1]\r\n").items()} == {
        ("a",): (1, 1),
        ("b",): (2, 2),
        ("b", "c"): (3, 1),
        ("b", "c", 0): (4, 1),
    }


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
VALUES = st.recursive(
    st.one_of(WORDS, st.integers(-9, 9), st.booleans(), st.floats(allow_nan=False), st.datetimes()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=8,
)


def leaves(value: object, keys: tuple[object, ...] = ()) -> set[tuple[object, ...]]:
    if isinstance(value, dict) and value:
        return {found for key, each in value.items() for found in leaves(each, (*keys, key))}
    if isinstance(value, list) and value and not any(isinstance(each, dict) for each in value):
        return {found for index, each in enumerate(value) for found in leaves(each, (*keys, index))}
    return {keys} if keys else set()


@given(st.dictionaries(WORDS, VALUES, max_size=4))
def test_whatever_stands_in_a_file_its_keys_are_found(data):
    text = tomlkit.dumps(data)
    read = tomllib.loads(text)
    assert leaves(read) <= set(positions(text))
