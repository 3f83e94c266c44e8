from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvctl.errors import UsageError
from hvctl.output.query import check, search

pytestmark = pytest.mark.unit

DATA = [{"name": "a", "size": 1}, {"name": "b", "size": "x"}]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "The query is not JMESPath: Invalid JMESPath expression: cannot be empty."),
        ("[", "The query is not JMESPath at character 2: the expression is incomplete."),
        ("a b", "The query is not JMESPath at character 3: Unexpected token: b."),
        ("ab.$", "The query is not JMESPath at character 4: Unknown token $."),
        ("ab.'x", "The query is not JMESPath at character 4: Unclosed ' delimiter."),
        ("a.nosuch(@)", "The query is not JMESPath: there is no function nosuch()."),
        ("[?a && nosuch(b)].{x: y}", "The query is not JMESPath: there is no function nosuch()."),
        ("{x: [nosuch(b)]}", "The query is not JMESPath: there is no function nosuch()."),
    ],
)
def test_what_is_not_jmespath_is_refused_beforehand(query: str, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        check(query)
    assert refused.value.message == message


def test_a_deep_expression_is_refused() -> None:
    with pytest.raises(UsageError, match="The query is not JMESPath"):
        check("[" * 5000)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("length(`1`)", "The query does not fit the data: In function length(), invalid type for value: 1"),
        ("length()", "The query does not fit the data: Expected 1 argument for function length(), received 0"),
        ("sort_by(@, &size)", "The query does not fit the data: In function sort_by(), invalid type for value: x"),
        ("[::0]", "The query does not fit the data: slice step cannot be zero"),
        ("&name", "The query yields what cannot be written as data"),
        ("to_number('nan')", "The query yields what cannot be written as data"),
        ("`1e400`", "The query yields what cannot be written as data"),
    ],
)
def test_what_does_not_fit_the_data_is_refused(query: str, message: str) -> None:
    check(query)
    with pytest.raises(UsageError) as refused:
        search(query, DATA)
    assert refused.value.message.startswith(message)


@pytest.mark.parametrize(
    ("query", "found"),
    [("[?size==`1`].name", ["a"]), ("[-1].name", "b"), ("sort_by(@, &name)[0].size", 1), ("nothing", None)],
)
def test_search(query: str, found: Any) -> None:
    check(query)
    assert search(query, DATA) == found


PIECES = [
    "a",
    "[",
    "]",
    "*",
    ".",
    "&",
    "`1`",
    "'x'",
    "==",
    "?",
    "@",
    "|",
    "length(",
    ")",
    "{",
    "}",
    ":",
    ",",
    "-1",
    '"',
    "!",
    " ",
]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text(max_size=8))
def test_no_expression_breaks_anything(query: str) -> None:
    with suppress(UsageError):
        check(query)
        search(query, DATA)
