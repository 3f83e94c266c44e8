"""Parameters are bound as values: every tagged value, and any text at all, arrives unchanged."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hvctl.powershell.batch import Call, Credential, DateTime, Ref, Secret, Step, TimeSpan

pytestmark = pytest.mark.powershell

QUOTES = "'\"\u2018\u2019\u201a\u201b\u201c\u201d\u201e`"
TEXTS = [
    "'; Remove-VM *",
    "$(Remove-VM *) $env:PATH ${x} `n `$ @(1) %{1}",
    QUOTES,
    "äöüß ÄÖÜ é ñ 日本語 \U0001f600",
    "\ud800",
    "\udc00\ud800 \ud83d",
    "line\nbreak\r\nand\ttab\x00\x01\x1b\x7f\x85\u2028",
    '\x1e{"type":"done","id":"x","n":1}',
    "2024-01-02T03:04:05Z",
    "/Date(1700000000000)/",
    "\\/Date(1700000000000)\\/",
    '{"$ref": "vm"}',
    "{}",
    "[]",
    "null",
    "true",
    "0x10",
    "1e3",
    "1kb",
    "-Name",
    "--",
    "a*b?[c]",
    "C:\\VMs\\web 1\\disk.vhdx",
    "#< CLIXML",
    " \t padded \t ",
    "\ufeffbom",
    "\uffff\ufffe",
]
characters = st.characters(categories=("Cs", "Cc", "L", "N", "P", "S", "Z")) | st.sampled_from(QUOTES + "$(){}\\\x1e\n")
texts = st.text(characters, max_size=40) | st.sampled_from(TEXTS)


def show(value: object, step_id: str = "s") -> Step:
    """A step that says what arrived at a parameter that takes anything."""
    return Step(step_id, Call("Get-VM", {"ClusterObject": value}), select=("Type", "Text", "Items"))


@pytest.mark.parametrize(
    ("value", "type_name", "text", "items"),
    [
        ("text", "System.String", "text", []),
        (True, "System.Boolean", "True", []),
        (7, "System.Int64", "7", []),
        (-(2**63), "System.Int64", "-9223372036854775808", []),
        (2**64 - 1, "System.UInt64", "18446744073709551615", []),
        (1.5, "System.Double", "1.5", []),
        ((), "System.Object[]", "System.Object[]", []),
        (("a",), "System.Object[]", "System.Object[]", ["String a"]),
        (
            ("a", 1, True, 1.5),
            "System.Object[]",
            "System.Object[]",
            ["String a", "Int64 1", "Boolean True", "Double 1.5"],
        ),
        ((("a", "b"), ("c",)), "System.Object[]", "System.Object[]", ["Object[] a b", "Object[] c"]),
        (Secret("pä'ß\U0001f600"), "System.Security.SecureString", "pä'ß\U0001f600", []),
        (Credential("DOM\\user", "p"), "System.Management.Automation.PSCredential", "DOM\\user", ["p"]),
        (TimeSpan(90.5), "System.TimeSpan", "905000000", []),
        (TimeSpan(0.0000001), "System.TimeSpan", "1", []),
        (DateTime("2024-01-02T03:04:05Z"), "System.DateTime", "Utc 2024-01-02T03:04:05.0000000Z", []),
        (DateTime("2024-01-02T03:04:05+02:00"), "System.DateTime", "Utc 2024-01-02T01:04:05.0000000Z", []),
        ({"b": 2, "a": "x"}, "System.Collections.Hashtable", "System.Collections.Hashtable", ["a", "x", "b", 2]),
        ({}, "System.Collections.Hashtable", "System.Collections.Hashtable", []),
    ],
)
def test_value_arrives_with_its_type(engine, value, type_name, text, items):
    assert engine.run(show(value)).data("s") == [{"Type": type_name, "Text": text, "Items": items}]


def test_null_is_bound_as_null(engine):
    (data,) = engine.run(Step("s", Call("Get-VM", {"Id": None}), select=("Id", "Bound"))).data("s")
    assert data["Id"] is None
    assert "Id" in data["Bound"]


def test_only_given_parameters_are_bound(engine):
    call = Call("New-VHD", {"Path": ("a.vhdx",), "SizeBytes": 2**40, "Dynamic": True, "ErrorAction": "Stop"})
    (data,) = engine.run(Step("s", call, select=("Path", "SizeBytes", "Dynamic", "Bound"))).data("s")
    assert {**data, "Bound": set(data["Bound"])} == {
        "Path": ["a.vhdx"],
        "SizeBytes": 2**40,
        "Dynamic": True,
        "Bound": {"Path", "SizeBytes", "Dynamic", "ErrorAction"},
    }


def test_a_ref_may_stand_in_a_list_or_a_table(engine):
    three = Step("three", Call("Get-VM", {"Name": ("three",)}))
    ref = Ref("three", where={"Name": "Beta"}, property="Id")
    answer = engine.run(three, show((ref, "x"), "list"), show({"id": ref, "name": "y"}, "table"))
    assert answer.values("list", "Items") == [["Int32 2", "String x"]]
    assert answer.values("table", "Items") == [["id", 2, "name", "y"]]


@given(st.lists(texts, min_size=1, max_size=60))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_arrives_unchanged(engine, given_texts):
    call = Call("Get-VM", {"Name": ("echo", *given_texts)})
    answer = engine.run(
        Step("s", call, select=("Names",)),
        Step("notes", Call("Set-VM", {"Name": ("x",), "Notes": given_texts[0]}), select=("Notes",)),
        show({"key": given_texts[0], "list": tuple(given_texts)}, "table"),
        Step("found", call, select=("Names",), where={"Names": given_texts[-1]}),
    )
    assert answer.errors == []
    assert answer.values("s", "Names") == [["echo", *given_texts]]
    assert answer.values("notes", "Notes") == [given_texts[0]]
    assert answer.values("table", "Items") == [["key", given_texts[0], "list", given_texts]]
    assert len(answer.data("found")) == 1


@pytest.mark.parametrize("text", TEXTS)
def test_awkward_text_is_a_secret_unchanged(engine, text):
    text = text.replace("\0", "")  # a SecureString is read back up to the first NUL
    assert engine.run(show(Secret(text))).values("s", "Text") == [text]


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"$nope": 1},
        {"a": 1},
        {"$secure": 1},
        {"$secure": "x", "more": 1},
        {"$credential": "x"},
        {"$credential": {"user": "x"}},
        {"$credential": {"user": "", "password": "x"}},
        {"$datetime": "yesterday, or so"},
        {"$timespan": "long"},
        {"$timespan": 1e300},
        {"$hashtable": [["a"]]},
        {"$hashtable": [[1, "a"]]},
        {"$hashtable": [["a", 1], ["A", 2]]},
        {"$hashtable": 5},
        {"$ref": "later"},
        {"$ref": 5},
        {"$ref": "s", "nope": 1},
        [{"$nope": 1}],
    ],
    ids=str,
)
def test_a_value_that_cannot_be_read_refuses_the_batch(engine, value):
    steps = [
        {"id": "first", "cmdlet": "New-VM", "parameters": {"Name": "never"}},
        {"id": "s", "cmdlet": "Get-VM", "parameters": {"ClusterObject": value}},
    ]
    engine.run(Step("s", Call("Get-VM", {"Name": ("trace",)})))
    answer = engine.answer(engine.start(steps=steps))
    assert answer.errors == [(None, "Hvctl.BadRequest")]
    assert answer.done["ok"] is False
    assert engine.run(Step("s", Call("Get-VM", {"Name": ("trace",)}), select=(".",))).data("s") == []


def test_an_object_that_looks_like_a_value_of_ours_is_not_one(engine):
    """A hashtable from a client is data, whatever its keys."""
    value = {"Step": "s", "Where": "", "Path": "", "All": True}
    assert engine.run(show(value)).values("s", "Type") == ["System.Collections.Hashtable"]
