"""What cmdlets return, as it arrives: values flattened, paths selected, objects filtered."""

from __future__ import annotations

import pytest
from tests.support.engine import Engine

from hvctl.powershell.batch import Call, Step

pytestmark = pytest.mark.powershell

VALUES = {
    "Enum": "Green",
    "Flags": "One, Two",
    "Unknown": "77",
    "Guid": "0c6a81b6-1e4e-4d3f-9b0f-93d6d1e2b0aa",
    "Version": "10.0.26100",
    "Utc": "2024-01-02T03:04:05.678Z",
    "Whole": "2024-01-02T03:04:05Z",
    "Local": "2024-06-02T03:04:05Z",
    "Offset": "2024-01-02T03:04:05Z",
    "Span": 93784.5,
    "Hour": 3600,
    "Negative": -2,
    "Byte": 7,
    "UInt64": 18446744073709551615,
    "Int64": -9223372036854775808,
    "Double": 1.5,
    "Tiny": 1e-7,
    "NaN": "NaN",
    "Float": 0.1,
    "Decimal": 1.1,
    "True": True,
    "Switch": False,
    "Char": "x",
    "Null": None,
    "Empty": "",
    "Address": "fe80::1",
    "Array": [1, "a", None, "Red"],
    "NoItems": [],
    "OneItem": ["x"],
    "List": ["p", "q"],
    "Bytes": [1, 2],
    "Nested": [[1, 2], [3]],
    "Table": "System.Collections.Hashtable",
    "Lazy": [1, 2, 3],
    "DbNull": None,
    "Big": 2**70,
    "Disk": "Disk",
    "Wrapped": 5,
    "Piped": "x",
    "Throws": None,
    "Missing": None,
    "Disk.Path": "d.vhdx",
    "Disk.Missing": None,
    "Missing.Path": None,
    "Throws.Path": None,
    "Disks.Path": ["a.vhdx", None, "b.vhdx"],
    "Disks.Missing": [None, None, None],
    "NoDisks.Path": [],
    "OneItem.Length": [1],
    "Deep.In.N": [[1, 2], []],
}


@pytest.fixture(scope="module")
def values(engine: Engine) -> dict[str, object]:
    (data,) = engine.run(Step("s", Call("Get-VM", {"Name": ("values",)}), select=tuple(VALUES))).data("s")
    return data


@pytest.mark.parametrize("path", VALUES)
def test_value_is_flattened(values, path):
    assert values[path] == VALUES[path]
    assert type(values[path]) is type(VALUES[path])


def test_keys_are_the_paths_asked_for(values):
    assert list(values) == list(VALUES)


@pytest.mark.parametrize(
    ("name", "names"), [("none", []), ("null", []), ("one", ["alpha"]), ("three", ["alpha", "Beta", "gamma"])]
)
def test_each_object_is_one_record(engine, name, names):
    answer = engine.run(Step("s", Call("Get-VM", {"Name": (name,)}), select=("Name",)))
    assert answer.values("s", "Name") == names


def test_no_select_no_records(engine):
    answer = engine.run(Step("s", Call("Get-VM", {"Name": ("three",)})))
    assert [frame.type for frame in answer.frames] == ["done"]


def test_dot_is_the_object_itself(engine):
    answer = engine.run(Step("s", Call("Test-Path", {"LiteralPath": ("/", "/no such file")}), select=(".",)))
    assert answer.values("s", ".") == [True, False]


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ({"Name": "BETA"}, ["Beta"]),
        ({"Name": ("alpha", "gamma", "delta")}, ["alpha", "gamma"]),
        ({"Id": "2"}, ["Beta"]),
        ({"Colour": "green"}, ["Beta", "gamma"]),
        ({"Colour": "Green", "Id": ("1", "3")}, ["gamma"]),
        ({"On": "true"}, ["alpha"]),
        ({"On": ""}, []),
        ({"Disks.Path": "B.VHDX"}, ["alpha"]),
        ({"Name": "alph*"}, []),
        ({"Missing": "x"}, []),
        ({"Name": ()}, []),
    ],
)
def test_where_keeps_objects_by_text(engine, where, names):
    answer = engine.run(Step("s", Call("Get-VM", {"Name": ("three",)}), select=("Name",), where=where))
    assert answer.values("s", "Name") == names


def test_values_do_not_depend_on_the_culture(fresh_engine):
    call = Call("Get-VM", {"Name": ("comma",)})
    paths = ("Says", "Double", "Int", "Span", "Date", "Decimal")
    engine = fresh_engine()
    engine.run(Step("s", call))
    answer = engine.run(
        Step("s", call, select=paths),
        Step("again", call, select=("Says",), where={"Double": "-1.5", "Span": "-1.5", "Int": "-3"}),
        Step("late", Call("Get-VM", {"Name": ("sleep 5000",)}), timeout=0.25),
    )
    assert answer.data("s") == [
        {"Says": "1,5", "Double": -1.5, "Int": -3, "Span": -1.5, "Date": "2024-01-02T03:04:05.006Z", "Decimal": -2.5}
    ]
    assert answer.values("again", "Says") == ["1,5"]
    assert "0.25 seconds" in answer.error["message"]
    assert isinstance(answer.done["elapsed"], float)
