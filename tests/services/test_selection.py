"""Which objects a command means."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvctl.errors import ConflictError, NotFoundError, UsageError
from hvctl.services.names import folded
from hvctl.services.selection import EVERYTHING, Name, Selection, keep_states, match, noun_word

pytestmark = pytest.mark.unit


@dataclass(frozen=True)
class Item:
    id: str
    name: str
    state: str = "Off"


def guid(number: int) -> str:
    return f"{number:08x}-0000-0000-0000-000000000000"


WEB1, WEB2, DB, STAR = Item(guid(1), "web1"), Item(guid(2), "Web2"), Item(guid(3), "db"), Item(guid(4), "web*")
ITEMS = [WEB1, WEB2, DB]


def found(*texts: str, items=ITEMS, literal=False, **options) -> list[Item]:
    return match([Name(text, literal) for text in texts], items, "virtual machine", "hv01", **options)


def test_a_name_is_found_whatever_its_case():
    assert found("WEB1") == [WEB1]
    assert found("web2") == [WEB2]


def test_a_pattern_finds_all_that_fit_in_their_order():
    assert found("w*") == [WEB1, WEB2]
    assert found("*[12]") == [WEB1, WEB2]
    assert found("?b") == [DB]


def test_the_exact_name_comes_before_the_pattern():
    assert found("web*", items=[*ITEMS, STAR]) == [STAR]
    assert found("web*") == [WEB1, WEB2]


def test_a_literal_name_is_never_a_pattern():
    with pytest.raises(NotFoundError, match=r"No virtual machine 'web\*' on hv01"):
        found("web*", literal=True)
    assert found("web*", items=[*ITEMS, STAR], literal=True) == [STAR]


def test_each_object_comes_once_in_the_order_of_the_names():
    assert found("db", "w*", "web1", "DB") == [DB, WEB1, WEB2]


def test_an_id_always_works():
    assert found(guid(2).upper()) == [WEB2]
    assert found(guid(2), literal=True) == [WEB2]


def test_a_name_that_looks_like_another_one_s_id():
    odd = Item(guid(9), guid(1))
    assert found(guid(1), items=[WEB1, odd]) == [WEB1]
    assert found(guid(1), items=[odd]) == [odd]


def test_an_ambiguous_name_lists_the_ids():
    twin = Item(guid(7), "WEB1")
    with pytest.raises(ConflictError, match="2 virtual machines on hv01 are called 'web1'") as caught:
        found("db", "web1", items=[*ITEMS, twin])
    assert caught.value.hint == f"Use an id: {guid(1)}, {guid(7)}"
    assert found(guid(7), items=[*ITEMS, twin]) == [twin]
    assert found("web1*", items=[*ITEMS, twin]) == [WEB1, twin]


def test_all_missing_names_are_named_beside_found_ones():
    with pytest.raises(NotFoundError, match="No virtual machine 'x', 'y' on hv01") as caught:
        found("x", "web1", "y")
    assert (caught.value.host, caught.value.object_name) == ("hv01", "x")
    assert caught.value.hint == "List them: hvctl vm list"


def test_a_pattern_that_nothing_matches_is_missing_too():
    with pytest.raises(NotFoundError, match="'x\\*'"):
        found("web1", "x*")


def test_missing_names_may_be_left_out():
    assert found("x", "web1", "y*", missing_ok=True) == [WEB1]
    assert found("x", missing_ok=True) == []


def test_nouns_on_the_command_line():
    assert [noun_word(noun) for noun in ("virtual machine", "virtual switch", "disk")] == ["vm", "switch", "disk"]


@given(st.lists(st.text(min_size=1), min_size=1, max_size=6))
def test_every_name_finds_its_own_object_or_says_that_it_is_ambiguous(names):
    items = [Item(guid(number), name) for number, name in enumerate(names)]
    for item in items:
        if sum(folded(name) == folded(item.name) for name in names) == 1:
            assert found(item.name, items=items, literal=True) == [item]
        else:
            with pytest.raises(ConflictError) as caught:
                found(item.name, items=items, literal=True)
            assert item.id in str(caught.value.hint)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=6), st.text(min_size=1))
def test_a_literal_name_finds_no_other_name(names, wanted):
    items = [Item(guid(number), name) for number, name in enumerate(names)]
    chosen = [item for item in items if len(item.name) != len(wanted)]
    assert found(wanted, items=chosen, literal=True, missing_ok=True) == []


def test_states():
    running = Item(guid(5), "x", "Running")
    assert keep_states([WEB1, running], frozenset({"running"})) == [running]
    assert keep_states([WEB1, running], frozenset({"running", "off"})) == [WEB1, running]
    assert keep_states([WEB1, running], frozenset({"saved"})) == []
    assert keep_states([WEB1, running], frozenset()) == [WEB1, running]


@pytest.mark.parametrize(
    "selection",
    [Selection.of("a"), Selection(states=frozenset({"off"})), Selection(everything=True)],
    ids=["names", "states", "all"],
)
def test_selections_that_ask_for_something(selection):
    selection.require_something()


def test_names_and_states_combine_and_all_and_states_do():
    Selection((Name("a"),), frozenset({"off"})).require_something()
    Selection((), frozenset({"off"}), everything=True).require_something()


@pytest.mark.parametrize(
    ("selection", "words"),
    [(EVERYTHING, "Nothing was selected"), (Selection((Name("a"),), everything=True), "contradict")],
)
def test_selections_that_are_refused(selection, words):
    with pytest.raises(UsageError, match=words) as caught:
        selection.require_something()
    assert caught.value.hint


@pytest.mark.parametrize(
    ("selection", "is_one"),
    [
        (Selection.of("web1"), True),
        (Selection.of("web*"), False),
        (Selection.of("web[1"), False),
        (Selection.of("a", "b"), False),
        (Selection((Name("web1", literal=True),)), False),
        (EVERYTHING, False),
    ],
)
def test_what_is_one_literal_name(selection, is_one):
    assert selection.is_one_literal is is_one
