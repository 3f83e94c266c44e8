from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hvctl.errors import UsageError
from hvctl.models.base import Model, Outcome
from hvctl.models.vm import VmSummary
from hvctl.output.document import Document
from hvctl.output.formats import FORMATS, render, write
from hvctl.output.streams import Sink
from hvctl.output.wanted import Wanted

pytestmark = pytest.mark.unit

PIPE = Sink()
TERMINAL = Sink(is_terminal=True, width=100)

RECORD = {
    "Id": "5f0c3e0e-0000-0000-0000-000000000001",
    "Name": "web1",
    "State": "Running",
    "Generation": 2,
    "ProcessorCount": 4,
    "CPUUsage": 3,
    "MemoryAssigned": 4 << 30,
    "MemoryDemand": 1 << 30,
    "MemoryStartup": 1536 << 20,
    "DynamicMemoryEnabled": True,
    "Uptime": 93784.5,
    "Heartbeat": "OkApplicationsHealthy",
    "Status": "Operating normally",
    "Version": "9.0",
    "CreationTime": "2025-01-02T03:04:05.25Z",
}
OFF = {
    **RECORD,
    "Id": "5f0c3e0e-0000-0000-0000-000000000002",
    "Name": "Käse; データ",
    "State": "Off",
    "CPUUsage": None,
    "MemoryAssigned": 0,
    "Uptime": 0,
    "Heartbeat": None,
}


def text(expected: str) -> str:
    return dedent(expected).lstrip("\n")


@pytest.fixture(scope="module")
def machines() -> Document:
    return Document.of(VmSummary.read("lab", [RECORD, OFF]))


@pytest.fixture(scope="module")
def machine() -> Document:
    return Document.of(VmSummary.read("lab", [RECORD]), single=True)


def test_every_format_has_a_function() -> None:
    assert set(FORMATS) == {"table", "json", "yaml", "ndjson", "csv", "name"}


@pytest.mark.parametrize("sink", [PIPE, TERMINAL], ids=["pipe", "terminal"])
def test_table_of_several(machines: Document, sink: Sink) -> None:
    assert render(machines, Wanted("table"), sink) == text(
        """
        NAME          STATE    CPU  MEMORY       UPTIME  GEN  HOST
        web1          Running   3%   4 GiB  1d 02:03:04    2  lab
        Käse; データ  Off        -     0 B     00:00:00    2  lab
        """
    )


@pytest.mark.parametrize("sink", [PIPE, TERMINAL], ids=["pipe", "terminal"])
def test_table_of_one(machine: Document, sink: Sink) -> None:
    assert render(machine, Wanted("table"), sink) == text(
        """
        ID               5f0c3e0e-0000-0000-0000-000000000001
        NAME             web1
        HOST             lab
        STATE            Running
        GENERATION       2
        PROCESSORS       4
        CPU USAGE        3%
        MEMORY ASSIGNED  4 GiB
        MEMORY DEMAND    1 GiB
        MEMORY STARTUP   1.5 GiB
        DYNAMIC MEMORY   yes
        UPTIME           1d 02:03:04
        HEARTBEAT        OkApplicationsHealthy
        STATUS           Operating normally
        VERSION          9.0
        CREATED          2025-01-02 03:04:05Z
        """
    )


def test_table_of_none_has_its_headers() -> None:
    document = Document.of([], VmSummary)
    assert render(document, Wanted("table"), PIPE) == "NAME  STATE  CPU  MEMORY  UPTIME  GEN  HOST\n"


def test_table_in_a_pipe_is_never_cut() -> None:
    name = "x" * 300
    document = Document.of(VmSummary.read("lab", [{**RECORD, "Name": name}]))
    row = render(document, Wanted("table"), Sink(is_terminal=False, width=20)).splitlines()[1]
    assert row == f"{name}  Running   3%   4 GiB  1d 02:03:04    2  lab"


def test_table_on_a_narrow_terminal_folds_names_and_keeps_to_the_width() -> None:
    name = "a-virtual-machine-with-a-long-name"
    document = Document.of(VmSummary.read("lab", [{**RECORD, "Name": name}]))
    lines = render(document, Wanted("table"), Sink(is_terminal=True, width=60)).splitlines()
    assert max(map(len, lines)) <= 60
    assert "".join(line[:14].strip() for line in lines[1:]) == name
    assert lines[1].endswith("Running   3%   4 GiB  1d 02:03:04    2  lab")


def test_table_in_colour(machines: Document) -> None:
    colored = render(machines, Wanted("table"), Sink(is_terminal=True, width=100, color=True))
    assert "\x1b[1mNAME" in colored
    assert "\x1b[32mRunning\x1b[0m" in colored
    assert "\x1b[2mOff    \x1b[0m" in colored
    plain = re.sub(r"\x1b\[\d*m", "", colored)
    assert [line.rstrip() for line in plain.splitlines()] == render(machines, Wanted("table"), PIPE).splitlines()


def test_table_in_colour_that_was_asked_for_in_a_pipe_is_not_cut() -> None:
    name = "x" * 3000
    document = Document.of(VmSummary.read("lab", [{**RECORD, "Name": name}]))
    row = render(document, Wanted("table"), Sink(color=True)).splitlines()[1]
    assert row == f"{name}  \x1b[32mRunning\x1b[0m   3%   4 GiB  1d 02:03:04    2  lab"


def test_no_colour_means_no_escapes_on_a_terminal(machine: Document, machines: Document) -> None:
    for document in (machine, machines):
        assert "\x1b" not in render(document, Wanted("table"), TERMINAL)


@pytest.mark.parametrize("sink", [PIPE, TERMINAL], ids=["pipe", "terminal"])
def test_table_takes_no_markup_or_emoji_codes_from_a_name(sink: Sink) -> None:
    document = Document.of(VmSummary.read("lab", [{**RECORD, "Name": "[red]:smile: {x}[/red]"}]))
    assert render(document, Wanted("table", columns=("name",)), sink) == "NAME\n[red]:smile: {x}[/red]\n"


def test_columns_stand_under_one_another_whatever_the_characters() -> None:
    names = ["ab", "データ", "e\u0301", "👩\u200d💻", "\u202e"]
    document = Document([{"name": name, "size": 1} for name in names])
    assert render(document, Wanted("table"), PIPE).splitlines() == [
        "NAME    SIZE",
        "ab      1",
        "データ  1",
        "e\u0301       1",
        "👩\u200d💻    1",
        "\\u202e  1",
    ]


def test_details_on_a_narrow_terminal_fold_values_and_keep_labels() -> None:
    document = Document([{"name": "x" * 30, "a_rather_long_label": "y"}], single=True)
    assert render(document, Wanted("table"), Sink(is_terminal=True, width=31)).splitlines() == [
        "NAME                 xxxxxxxxxx",
        "                     xxxxxxxxxx",
        "                     xxxxxxxxxx",
        "A RATHER LONG LABEL  y",
    ]


def test_details_in_colour(machine: Document) -> None:
    lines = render(machine, Wanted("table", columns=("state", "name")), Sink(color=True)).splitlines()
    assert [line.replace("\x1b[1m  \x1b[0m", "  ") for line in lines] == [
        "\x1b[1mSTATE\x1b[0m  \x1b[32mRunning\x1b[0m",
        "\x1b[1mNAME \x1b[0m  web1",
    ]


def test_table_of_outcomes() -> None:
    error = {"code": 6, "message": "web2 runs.", "hint": None}
    outcomes = [
        Outcome(id="1", name="web1", host="lab", outcome="changed", state="Running"),
        Outcome(id="2", name="web2", host="lab", outcome="failed", state=None, error=error),
    ]
    assert render(Document.of(outcomes), Wanted("table"), PIPE) == text(
        """
        NAME  HOST  OUTCOME  STATE    ERROR
        web1  lab   changed  Running  -
        web2  lab   failed   -        web2 runs.
        """
    )


class Nested(Model):
    name: str
    addresses: tuple[str, ...]
    disks: tuple[dict[str, Any], ...]
    adapters: tuple[dict[str, Any], ...]
    modules: dict[str, str]
    enabled: bool


NESTED = Nested(
    name="web1",
    addresses=("10.0.0.1", "fe80::1"),
    disks=(
        {"controller": "SCSI", "number": 0, "location": 0, "path": r"C:\VMs\web1.vhdx"},
        {"controller": "SCSI", "number": 0, "location": 1, "path": None},
    ),
    adapters=(
        {"name": "eth", "switch": "lan", "vlan": 5, "mac_address": "00155D000001", "addresses": ["10.0.0.1"]},
        {"name": "spare", "switch": None, "vlan": None, "mac_address": None, "addresses": []},
    ),
    modules={"Hyper-V": "2.0.0.0"},
    enabled=False,
)


@pytest.mark.parametrize("sink", [PIPE, TERMINAL], ids=["pipe", "terminal"])
def test_table_of_one_with_lists(sink: Sink) -> None:
    assert render(Document.of([NESTED], single=True), Wanted("table"), sink) == text(
        r"""
        NAME       web1
        ADDRESSES  10.0.0.1
                   fe80::1
        DISKS      SCSI 0:0 C:\VMs\web1.vhdx
                   SCSI 0:1 (empty)
        ADAPTERS   eth: lan vlan 5 00155D000001 10.0.0.1
                   spare: (not connected)
        MODULES    Hyper-V=2.0.0.0
        ENABLED    no
        """
    )


def test_table_of_several_with_lists() -> None:
    wanted = Wanted("table", columns=("name", "addresses", "enabled"))
    assert render(Document.of([NESTED]), wanted, PIPE) == text(
        """
        NAME  ADDRESSES          ENABLED
        web1  10.0.0.1, fe80::1  no
        """
    )


def test_csv_of_lists_and_objects() -> None:
    lines = render(Document.of([NESTED]), Wanted("csv", columns=("addresses", "modules", "enabled")), PIPE)
    assert lines == 'addresses,modules,enabled\r\n10.0.0.1;fe80::1,"{""Hyper-V"": ""2.0.0.0""}",false\r\n'


SUMMARY_FIELDS = (
    "id,name,host,state,generation,processors,cpu_usage,memory_assigned,memory_demand,memory_startup,dynamic_memory,"
    "uptime,heartbeat,status,version,created"
)
NO_HEARTBEAT = ",Operating normally,9.0,2025-01-02T03:04:05.250000Z"
HEALTHY = f"OkApplicationsHealthy{NO_HEARTBEAT}"


def test_csv(machines: Document) -> None:
    assert render(machines, Wanted("csv"), PIPE).split("\r\n") == [
        SUMMARY_FIELDS,
        f"{RECORD['Id']},web1,lab,Running,2,4,3,4294967296,1073741824,1610612736,true,93784.5,{HEALTHY}",
        f"{OFF['Id']},Käse; データ,lab,Off,2,4,,0,1073741824,1610612736,true,0.0,{NO_HEARTBEAT}",
        "",
    ]


def test_csv_of_none_has_its_header() -> None:
    assert render(Document.of([], VmSummary), Wanted("csv"), PIPE) == SUMMARY_FIELDS + "\r\n"


def test_csv_of_letters_in_an_object() -> None:
    assert render(Document([{"a": {"b": "ä"}}]), Wanted("csv"), PIPE) == 'a\r\n"{""b"": ""ä""}"\r\n'


def test_csv_on_a_terminal_is_disarmed() -> None:
    assert render(Document([{"a": "x\x1b[2J\ny"}]), Wanted("csv"), TERMINAL) == "a\r\nx\\x1b[2J\\ny\r\n"


@pytest.mark.parametrize(
    ("output", "sink", "written"),
    [("json", None, b'[{"name": "\\u00e4"}]\n'), ("name", TERMINAL, "ä\n".encode())],
)
def test_write_fits_the_stream(output: Any, sink: Sink | None, written: bytes) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="cp850")
    write(Document([{"name": "ä"}]), Wanted(output), stream, sink)
    assert raw.getvalue() == written


def test_csv_keeps_what_a_spreadsheet_would_take_for_a_formula() -> None:
    assert render(Document(items=[{"name": "=1+1"}]), Wanted("csv"), PIPE) == "name\r\n=1+1\r\n"


OBJECT = {"name": "Käse", "size": 5, "tags": ["a"], "none": None, "ok": True}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (Document([OBJECT]), '[{"name": "K\\u00e4se", "size": 5, "tags": ["a"], "none": null, "ok": true}]\n'),
        (
            Document([OBJECT], single=True),
            '{"name": "K\\u00e4se", "size": 5, "tags": ["a"], "none": null, "ok": true}\n',
        ),
        (Document([]), "[]\n"),
    ],
    ids=["list", "object", "empty"],
)
def test_json_in_a_pipe_is_a_line_of_ascii(document: Document, expected: str) -> None:
    assert render(document, Wanted("json"), PIPE) == expected


def test_json_on_a_terminal_is_pretty() -> None:
    assert render(Document([OBJECT]), Wanted("json"), TERMINAL) == text(
        """
        [
          {
            "name": "Käse",
            "size": 5,
            "tags": [
              "a"
            ],
            "none": null,
            "ok": true
          }
        ]
        """
    )


def test_ndjson() -> None:
    document = Document([{"name": "a\nb"}, {"name": "ä"}])
    assert render(document, Wanted("ndjson"), PIPE) == '{"name": "a\\nb"}\n{"name": "\\u00e4"}\n'
    assert render(document, Wanted("ndjson"), TERMINAL) == '{"name": "a\\nb"}\n{"name": "ä"}\n'
    assert render(Document([{"name": "a"}], single=True), Wanted("ndjson"), PIPE) == '{"name": "a"}\n'


@pytest.mark.parametrize("sink", [PIPE, TERMINAL], ids=["pipe", "terminal"])
def test_yaml(sink: Sink) -> None:
    data = {
        **OBJECT,
        "notes": "one\ntwo",
        "state": "Off",
        "version": "9.0",
        "path": "x " * 100,
        "esc": "\x1b",
        "bidi": "\u202ea",
    }
    assert render(Document([data]), Wanted("yaml"), sink) == text(
        f"""
        - name: Käse
          size: 5
          tags:
          - a
          none: null
          ok: true
          notes: |-
            one
            two
          state: 'Off'
          version: '9.0'
          path: '{"x " * 100}'
          esc: "\\e"
          bidi: "\\u202ea"
        """
    )


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (Document([], single=False), "[]\n"),
        (Document([None], single=True), "null\n"),
        (Document(["a"], single=True), "a\n"),
        (Document(["a\n..."], single=True), "|-\n  a\n  ...\n"),
    ],
)
def test_yaml_of_values(document: Document, expected: str) -> None:
    assert render(document, Wanted("yaml"), PIPE) == expected


def test_yaml_names_a_value_that_occurs_twice_twice() -> None:
    shared = ["a"]
    assert render(Document([shared, shared]), Wanted("yaml"), PIPE) == "- - a\n- - a\n"


def test_name_is_the_id_for_scripts_and_the_name_for_people(machines: Document) -> None:
    assert render(machines, Wanted("name"), PIPE) == f"{RECORD['Id']}\n{OFF['Id']}\n"
    assert render(machines, Wanted("name"), TERMINAL) == "web1\nKäse; データ\n"


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([{"name": "hv01"}], "hv01\n"),
        ([{"id": None, "name": "gone"}], "gone\n"),
        ([{"name": "two\nlines"}], "two\\nlines\n"),
        ([], ""),
        (["a", 5], "a\n5\n"),
    ],
)
def test_name_of_what_has_no_id(items: list[Any], expected: str) -> None:
    assert render(Document(items), Wanted("name"), PIPE) == expected


def test_name_on_a_terminal_of_what_has_only_an_id() -> None:
    assert render(Document([{"id": "5f0c", "size": 1}]), Wanted("name"), TERMINAL) == "5f0c\n"


def test_name_of_what_has_neither_is_refused() -> None:
    with pytest.raises(UsageError, match="no name and no id"):
        render(Document([{"size": 1}]), Wanted("name"), PIPE)


def test_only_what_is_used_is_imported() -> None:
    code = (
        "import sys; from hvctl.output.document import *; from hvctl.output.formats import *;"
        "from hvctl.output.progress import Progress;"
        "[render(Document([{'a': 1}]), Wanted.of(f), Sink()) for f in ('json', 'ndjson', 'table')];"
        "print({'csv', 'jmespath', 'pydantic', 'rich', 'typer', 'yaml'} & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


any_text = st.text(st.characters(exclude_categories=()), max_size=20)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)
objects = st.lists(st.dictionaries(any_text, any_json, max_size=4), max_size=4)
HARMFUL = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@given(items=objects, single=st.booleans())
def test_no_data_can_break_a_format_or_command_a_terminal(items: list[Any], single: bool) -> None:
    document = Document(items[:1] or [None], single=True) if single else Document(items)
    for name in ("table", "json", "yaml", "ndjson", "csv"):
        for sink in (PIPE, TERMINAL):
            written = render(document, Wanted(name), sink)
            if name != "csv" or sink is TERMINAL:
                assert not HARMFUL.search(written)


@given(data=any_json, terminal=st.booleans())
def test_machine_formats_give_back_the_data(data: Any, terminal: bool) -> None:
    sink = TERMINAL if terminal else PIPE
    document = Document([data], single=True)
    assert json.loads(render(document, Wanted("json"), sink)) == data
    assert [json.loads(line) for line in render(document, Wanted("ndjson"), sink).splitlines()] == [data]
    assert _same_surrogates(yaml.safe_load(render(document, Wanted("yaml"), sink))) == _same_surrogates(data)


def _same_surrogates(data: Any) -> Any:
    """YAML's integers beyond 64 bits and floats come back as they went; only its pairs of surrogates need joining."""
    return json.loads(json.dumps(data))


@given(rows=st.lists(st.tuples(any_text, any_text), min_size=1))
def test_csv_gives_back_every_text(rows: list[tuple[str, str]]) -> None:
    document = Document([{"first": first, "second": second} for first, second in rows])
    written = render(document, Wanted("csv"), PIPE)
    assert list(csv.reader(io.StringIO(written, newline=""))) == [["first", "second"], *map(list, rows)]


@given(name=any_text)
def test_a_table_has_a_line_for_each_item(name: str) -> None:
    assert len(render(Document([{"name": name}] * 3), Wanted("table"), PIPE).split("\n")) == 5
