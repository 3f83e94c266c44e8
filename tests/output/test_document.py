from __future__ import annotations

from typing import Any

import pytest

from hvctl.errors import UsageError
from hvctl.models.base import Model
from hvctl.models.vm import VmSummary
from hvctl.output.document import Document, check_columns, shape
from hvctl.output.formats import render
from hvctl.output.streams import Sink
from hvctl.output.wanted import Wanted

pytestmark = pytest.mark.unit

PIPE = Sink()


class Thing(Model):
    name: str
    size: int | None = None
    state: str = "Off"
    parts: tuple[dict[str, Any], ...] = ()


THINGS = [
    Thing(name="b", size=1 << 20, state="Running"),
    Thing(name="A", size=None),
    Thing(name="c", size=2 << 30, state="running", parts=({"id": 1}, {"id": 2})),
    Thing(name="a", size=1 << 30),
]
THING_DOCUMENT = Document.of(THINGS)


def show(wanted: Wanted, document: Document = THING_DOCUMENT) -> list[str]:
    return render(document, wanted, PIPE).splitlines()


def test_columns_in_the_order_asked_for() -> None:
    assert show(Wanted.of("table", columns="size, name")) == [
        " SIZE  NAME",
        "1 MiB  b",
        "    -  A",
        "2 GiB  c",
        "1 GiB  a",
    ]


def test_columns_of_csv() -> None:
    assert show(Wanted.of("csv", columns="name,size"))[:3] == ["name,size", "b,1048576", "A,"]


def test_columns_of_one_object() -> None:
    assert show(Wanted.of("table", columns="state,name"), Document.of(THINGS[:1], single=True)) == [
        "STATE  Running",
        "NAME   b",
    ]


def test_columns_are_found_by_attribute_header_and_path() -> None:
    assert show(Wanted.of("table", columns="NAME,State,parts.id"))[3] == "c     running  1, 2"


@pytest.mark.parametrize("output", ["json", "yaml", "ndjson"])
def test_columns_and_sort_leave_other_formats_alone(output: Any) -> None:
    assert show(Wanted.of(output, columns="nonsense", sort="nonsense")) == show(Wanted.of(output))


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("name", "A a b c"),
        ("-name", "c b a A"),
        ("size", "b a c A"),
        ("-size", "c a b A"),
        ("state,name", "A a b c"),
        ("state,-size", "a A b c"),
        ("-state,name", "c b A a"),
    ],
)
@pytest.mark.parametrize("output", ["table", "csv", "name"])
def test_sort(output: Any, sort: str, names: str) -> None:
    lines = show(Wanted.of(output, columns="name", sort=sort))
    assert lines[0 if output == "name" else 1 :] == names.split()


def test_sort_by_a_column_that_is_not_shown() -> None:
    assert show(Wanted.of("table", columns="name", sort="size"))[1:] == ["b", "a", "c", "A"]


def test_sort_of_values_of_several_kinds() -> None:
    document = Document([{"x": "b"}, {"x": 10}, {"x": None}, {"x": "A"}, {}, {"x": 9.5}, {"x": ["z"]}])
    assert show(Wanted.of("table", sort="x"), document)[1:] == ["9.5", "10", "z", "A", "b", "-", "-"]


@pytest.mark.parametrize(("option", "value"), [("columns", "nam"), ("sort", "-nam"), ("columns", "name,nam")])
def test_an_unknown_column_is_refused_with_the_known_ones(option: str, value: str) -> None:
    for documents in (THING_DOCUMENT, Document.of([], Thing)):
        with pytest.raises(UsageError) as refused:
            show(Wanted.of("table", **{option: value}), documents)
        assert refused.value.message == "There is no column 'nam'."
        assert refused.value.hint == "The columns are: name, size, state, parts."


@pytest.mark.parametrize("option", ["columns", "sort"])
def test_an_unknown_column_of_one_object_is_refused(option: str) -> None:
    with pytest.raises(UsageError, match="no column 'x'"):
        show(Wanted.of("table", **{option: "x"}), Document.of(THINGS[:1], single=True))


def test_a_document_of_nothing_in_particular() -> None:
    assert show(Wanted("table"), Document.of([])) == []
    assert show(Wanted("json"), Document.of([])) == ["[]"]


def test_an_unknown_column_can_be_found_beforehand() -> None:
    check_columns(Wanted.of("table", columns="name", sort="-size"), Thing)
    check_columns(Wanted.of("table", query="[].{x: name}", columns="x"), Thing)
    check_columns(Wanted.of("table", query="[].{x: length([0].name)}"), Thing)
    check_columns(Wanted.of("table", query="length([0].name)"), Thing)
    check_columns(Wanted.of("json", columns="x"), Thing)
    for wanted in (Wanted.of("csv", columns="x"), Wanted.of("name", sort="x")):
        with pytest.raises(UsageError, match="no column 'x'"):
            check_columns(wanted, Thing)


@pytest.mark.parametrize(
    ("option", "value"), [("columns", ""), ("columns", "name,,size"), ("sort", "-"), ("sort", "a, ")]
)
def test_an_empty_column_name_is_refused(option: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"--{option} has an empty column name"):
        Wanted.of("table", **{option: value})


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ("[?state=='Running']", ["NAME   SIZE  STATE    PARTS", "b     1 MiB  Running  -"]),
        ("[?state=='x']", ["NAME  SIZE  STATE  PARTS"]),
        ("[:2].name", ["b", "A"]),
        ("[:2].[name, size]", ["b  1048576", "A  -"]),
        ("[:2].{it: name, bytes: size}", ["IT  BYTES", "b   1048576", "A   -"]),
        ("[0].{it: name, bytes: size}", ["IT     b", "BYTES  1048576"]),
        ("length(@)", ["4"]),
        ("[0].size", ["1048576"]),
        ("nothing", []),
        ("[?size == `7`].parts", ["NAME  SIZE  STATE  PARTS"]),
        ("[2].parts", ["ID", "1", "2"]),
        ("[name(@)]", None),
        ("[`[]`, `[]`]", []),
        ("[`1`, name]", ["1", "-"]),
    ],
)
def test_query_of_a_table(query: str, lines: list[str] | None) -> None:
    if lines is None:
        with pytest.raises(UsageError, match=r"there is no function name\(\)"):
            Wanted.of("table", query)
    else:
        assert show(Wanted.of("table", query)) == lines


@pytest.mark.parametrize(
    ("output", "query", "lines"),
    [
        ("json", "[].name", ['["b", "A", "c", "a"]']),
        ("json", "nothing", ["null"]),
        ("json", "[0].state", ['"Running"']),
        ("ndjson", "[:2].name", ['"b"', '"A"']),
        ("ndjson", "[0].name", ['"b"']),
        ("yaml", "[:2].{n: name}", ["- n: b", "- n: A"]),
        ("csv", "[:2].name", ["value", "b", "A"]),
        ("csv", "[:2].[name, size]", ["column1,column2", "b,1048576", "A,"]),
        ("csv", "[0].{n: name}", ["n", "b"]),
        ("csv", "nothing", []),
        ("name", "[:2]", ["b", "A"]),
        ("name", "[:2].name", ["b", "A"]),
        ("name", "[0].name", ["b"]),
        ("name", "nothing", []),
    ],
)
def test_query_of_other_formats(output: Any, query: str, lines: list[str]) -> None:
    assert show(Wanted.of(output, query)) == lines


def test_query_of_one_object() -> None:
    document = Document.of(THINGS[:1], single=True)
    assert show(Wanted.of("json", "name"), document) == ['"b"']


def test_columns_after_a_query_are_those_of_its_result() -> None:
    wanted = Wanted.of("table", "[].{it: name, s: size}", columns="s,it", sort="it")
    assert show(wanted)[:3] == ["S           IT", "-           A", "1073741824  a"]
    with pytest.raises(UsageError, match="no column 'name'"):
        show(Wanted.of("table", "[].{it: name}", columns="name"))


@pytest.mark.parametrize(
    ("output", "query", "lines"),
    [
        ("table", "[?name=='x'].{it: name}", ["IT"]),
        ("csv", "[?name=='x'].{it: name}", ["it"]),
        ("csv", "[?name=='x'] | [0].{it: name}", ["it"]),
        ("table", "[?name=='x'] | [0].{it: name}", []),
    ],
)
def test_columns_of_a_query_that_found_nothing_are_not_judged(output: Any, query: str, lines: list[str]) -> None:
    assert show(Wanted.of(output, query, columns="it", sort="-other")) == lines


def test_a_column_where_there_is_nothing() -> None:
    with pytest.raises(UsageError) as refused:
        show(Wanted.of("table", columns="name"), Document([]))
    assert refused.value.hint == "The columns are: none: there is nothing to show."


def test_a_document_without_a_model_takes_its_columns_from_the_data() -> None:
    document = Document([{"cmdlet": "Get-VM", "simulated": True}, {"cmdlet": "Get-VHD", "since": 2016}])
    assert show(Wanted("table"), document) == [
        "CMDLET   SIMULATED  SINCE",
        "Get-VM   yes        -",
        "Get-VHD  -          2016",
    ]


def test_preferred_columns_are_those_that_there_are():
    shown = shape(Document.of([], VmSummary), Wanted.of("table")).columns
    some = shape(Document.of([], VmSummary), Wanted(preferred=("name", "outcome", "state")))
    none = shape(Document.of([], VmSummary), Wanted(preferred=("outcome",)))
    asked = shape(Document.of([], VmSummary), Wanted(columns=("id",), preferred=("name",)))
    assert [column.name for column in some.columns] == ["name", "state"]
    assert none.columns == shown
    assert [column.name for column in asked.columns] == ["id"]
