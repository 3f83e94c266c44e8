"""Formats, queries, columns and order, on every command that writes data."""

from __future__ import annotations

import csv
import io
import json

import pytest
import yaml

from hvctl.cli.commands import commands

pytestmark = pytest.mark.lab

WORDS = {
    "vm list": [],
    "vm show": ["web1"],
    "vm create": ["new"],
    "vm start": ["web1"],
    "vm stop": ["web1"],
    "vm save": ["web2"],
    "vm suspend": ["web2"],
    "vm resume": ["web2"],
    "vm restart": ["web2"],
    "vm rename": ["web1", "web9"],
    "vm set": ["web1", "--notes", "x"],
    "vm delete": ["web1", "--yes"],
    "switch list": [],
    "switch show": ["lan"],
    "switch create": ["new"],
    "switch delete": ["lan", "--yes"],
    "storage create": ["new", "--disks", "5,6", "--size", "10G", "--volume", "F"],
    "storage health": [],
    "storage disk list": [],
    "storage disk show": ["1"],
    "storage pool list": [],
    "storage pool show": ["vmstore"],
    "storage pool create": ["new", "--disks", "5,6"],
    "storage pool delete": ["vmstore", "--with-virtual-disks", "--yes"],
    "storage virtual-disk list": [],
    "storage virtual-disk show": ["vmstore"],
    "storage virtual-disk create": ["new", "--pool", "vmstore", "--size", "10G"],
    "storage virtual-disk resize": ["vmstore", "--size", "200G"],
    "storage virtual-disk repair": ["vmstore"],
    "storage virtual-disk delete": ["vmstore", "--yes"],
    "storage volume list": [],
    "storage volume create": ["empty", "--letter", "E"],
    "storage job list": [],
    "storage job wait": [],
    "checkpoint list": [],
    "checkpoint tree": [],
    "checkpoint show": ["web1", "before"],
    "checkpoint create": ["web1"],
    "checkpoint restore": ["web1", "before", "--yes"],
    "checkpoint rename": ["web1", "before", "after"],
    "checkpoint delete": ["web1", "before", "--yes"],
    "vhd list": [],
    "vhd show": [r"C:\VMs\base.vhdx"],
    "vhd chain": [r"C:\VMs\child.vhdx"],
    "vhd test": [r"C:\VMs\base.vhdx"],
    "vhd create": [r"C:\VMs\new.vhdx", "--size", "1G"],
    "vhd resize": [r"C:\VMs\alone.vhdx", "--size", "4G"],
    "vhd convert": [r"C:\VMs\alone.vhdx", r"C:\VMs\fixed.vhdx", "--type", "fixed"],
    "vhd merge": [r"C:\VMs\child.vhdx", "--yes"],
    "migrate show": [],
    "migrate enable": [],
    "migrate disable": [],
    "host list": [],
    "host show": [],
    "host check": [],
    "lab reset": ["--yes"],
    "lab show": [],
    "lab coverage": [],
}
"""Words with which each command that writes data succeeds."""

NO_DATA = {"lab use", "lab leave", "lab serve", "schema", "completion"}
"""Those that write none, or not in these formats."""

ELSEWHERE = ("config ", "lab fault ", "migrate check", "migrate storage", "migrate vm")
"""Those that take more than this lab has: what they write is tested with what they do."""

SINGLE = {"vm show", "vm create", "switch show", "switch create", "host show", "lab reset", "lab show"}
SINGLE |= {f"storage {noun} {verb}" for noun in ("pool", "virtual-disk") for verb in ("show", "create")}
SINGLE |= {"migrate show", "checkpoint create", "checkpoint show", "vhd show", "vhd create"}
SINGLE |= {"storage create", "storage disk show", "storage volume create"}
"""Those that write one object there."""


@pytest.fixture
def lab(hvctl):
    """web1 off and web2 running, on the switch lan."""
    hvctl.like("output", _lab)
    return hvctl


def _lab(hvctl) -> None:
    hvctl.ok("storage", "create", "vmstore", "--disks", "1,2", "--size", "100G", "--volume", "D:")
    hvctl.ok("storage", "virtual-disk", "create", "empty", "--pool", "vmstore", "--size", "10G")
    hvctl.ok("switch", "create", "lan")
    for name in ("web1", "web2"):
        hvctl.ok("vm", "create", name, "--disk", "1G", "--switch", "lan", "--notes", "grün, 'x'")
    hvctl.ok("vm", "start", "web2")
    hvctl.ok("checkpoint", "create", "web1", "--name", "before")
    for name in ("base", "alone"):
        hvctl.ok("vhd", "create", rf"C:\VMs\{name}.vhdx", "--size", "1G")
    hvctl.ok("vhd", "create", r"C:\VMs\child.vhdx", "--parent", r"C:\VMs\base.vhdx")


def test_the_table_has_every_command_that_writes_data():
    every = {name for name, _ in commands()}
    assert {name for name in every - set(WORDS) if not name.startswith(ELSEWHERE)} == NO_DATA


def run(lab, name: str, output: str, **options):
    return lab.ok(*name.split(), *WORDS[name], "-o", output, **options)


@pytest.mark.parametrize("name", WORDS)
def test_json(lab, name):
    done = run(lab, name, "json")
    assert done.stdout.isascii()
    assert done.out.count("\n") == 1
    assert isinstance(done.data, dict) is (name in SINGLE)
    assert done.err == ""


@pytest.mark.parametrize("name", WORDS)
def test_yaml(lab, name):
    read = yaml.safe_load(run(lab, name, "yaml").out)
    assert isinstance(read, dict) is (name in SINGLE)


EMPTY = {"storage health", "storage job list", "storage job wait"}
"""Those that have nothing to write there."""


@pytest.mark.parametrize("name", WORDS)
def test_ndjson(lab, name):
    lines = run(lab, name, "ndjson").out.splitlines()
    assert bool(lines) is (name not in EMPTY)
    assert all(isinstance(json.loads(line), dict) for line in lines)


@pytest.mark.parametrize("name", WORDS)
def test_csv(lab, name):
    rows = list(csv.reader(io.StringIO(run(lab, name, "csv").out)))
    assert len(rows) >= (1 if name in EMPTY else 2)
    assert {len(row) for row in rows} == {len(rows[0])}


@pytest.mark.parametrize("name", WORDS)
def test_tables(lab, name):
    done = run(lab, name, "table")
    assert done.out.endswith("\n")
    assert "\x1b" not in done.out


@pytest.mark.parametrize("name", [name for name in WORDS if not name.startswith("lab ")])
def test_names(lab, name):
    lines = run(lab, name, "name").out.splitlines()
    assert bool(lines) is (name not in EMPTY)
    by_no_guid = ("host", "migrate", "storage", "vhd")
    assert all(len(line) == 36 and line.count("-") == 4 for line in lines) or name.startswith(by_no_guid)


@pytest.mark.parametrize("name", ["lab show", "lab coverage"])
def test_what_has_no_name(lab, name):
    refused = lab(*name.split(), "-o", "name")
    assert refused.code == 2
    assert "has no name" in refused.err


def test_names_on_a_terminal_are_names(lab):
    assert lab.ok("vm", "list", "-o", "name", wide=80).out == "web1\nweb2\n"


def test_formats_say_the_same(lab):
    whole = lab.json("vm", "list")
    assert (
        yaml.safe_load(
            run(lab, "vm list", "yaml").out,
        )
        is not None
    )
    assert [json.loads(line) for line in run(lab, "vm list", "ndjson").out.splitlines()] == whole
    rows = list(csv.DictReader(io.StringIO(run(lab, "vm list", "csv").out)))
    assert [row["id"] for row in rows] == [vm["id"] for vm in whole]
    assert [int(row["memory_startup"]) for row in rows] == [vm["memory_startup"] for vm in whole]


def test_machine_formats_have_bytes_seconds_and_utc(lab):
    machine = lab.json("vm", "show", "web2")
    assert (machine["memory_startup"], machine["created"][-1]) == (1 << 30, "Z")
    assert isinstance(machine["uptime"], float)


def test_text_survives_every_format(lab):
    notes = "grün, 'x'"
    assert lab.json("vm", "show", "web1")["notes"] == notes
    assert yaml.safe_load(run(lab, "vm show", "yaml").out)["notes"] == notes
    assert next(csv.DictReader(io.StringIO(run(lab, "vm show", "csv").out)))["notes"] == notes
    assert notes in run(lab, "vm show", "table").out


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("[].name", ["web1", "web2"]),
        ("[?state=='Running'].name | [0]", "web2"),
        ("length(@)", 2),
        ("[0].{n: name, s: state}", {"n": "web1", "s": "Off"}),
        ("[?state=='Paused']", []),
        ("[0].nothing", None),
    ],
)
def test_queries(lab, query, found):
    assert lab.json("vm", "list", "--query", query) == found


def test_a_query_on_a_changing_command(lab):
    assert lab.json("vm", "start", "--all", "--query", "[?outcome=='changed'].name") == ["web1"]


@pytest.mark.parametrize("words", [["vm", "delete", "--all", "--yes", "--turn-off"], ["vm", "create", "new"]], ids=str)
@pytest.mark.parametrize(
    "options",
    [["--query", "["], ["--columns", "nothing"], ["--sort", "nothing"], ["-o", "json", "--sort", "name"]],
    ids=str,
)
def test_output_that_cannot_be_is_told_before_anything_changes(lab, no_change, words, options):
    with no_change():
        assert lab(*words, *options).code == 2


def test_columns_and_order(lab):
    assert lab.ok("vm", "list", "--columns", "state,name", "--sort", "-name").out == (
        "STATE    NAME\nRunning  web2\nOff      web1\n"
    )
    assert lab.ok("vm", "list", "--columns", "name,memory_startup", "-o", "csv", "--sort", "state").out == (
        "name,memory_startup\r\nweb1,1073741824\r\nweb2,1073741824\r\n"
    )


def test_environment_variables_for_output(lab):
    assert lab("vm", "list", env={"HVCTL_OUTPUT": "ndjson"}).out.count("\n") == 2
    assert lab("vm", "list", "-o", "name", env={"HVCTL_OUTPUT": "json"}).out.count("\n") == 2
    assert lab("vm", "list", env={"HVCTL_COLUMNS": "name"}).out == "NAME\nweb1\nweb2\n"
    refused = lab("vm", "list", env={"HVCTL_OUTPUT": "xml"})
    assert (refused.code, refused.err.splitlines()[0]) == (2, "error: HVCTL_OUTPUT is 'xml'.")


def test_options_before_the_noun_and_after_the_verb(lab):
    assert lab("-o", "json", "vm", "list").data == lab("vm", "list", "-o", "json").data
    assert lab("-o", "json", "vm", "list", "-o", "csv").out.startswith("id,")


@pytest.mark.parametrize(
    ("options", "env", "colored"),
    [
        ([], {}, True),
        ([], {"NO_COLOR": "1"}, False),
        ([], {"TERM": "dumb"}, False),
        (["--color", "never"], {}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        ([], {"HVCTL_COLOR": "never"}, False),
        (["--color", "always"], {"HVCTL_COLOR": "never"}, True),
    ],
    ids=str,
)
def test_colour_on_a_terminal(lab, options, env, colored):
    assert ("\x1b[" in lab.ok("vm", "list", *options, wide=100, env=env).out) is colored


def test_colour_only_where_it_is_asked_for_in_a_pipe(lab):
    assert "\x1b[" not in lab.ok("vm", "list").out
    assert "\x1b[" in lab.ok("vm", "list", "--color", "always").out
    assert "\x1b[" not in lab.ok("vm", "list", "-o", "json", wide=80).out


@pytest.mark.parametrize("wide", [20, 40, 80, 200])
def test_a_table_fits_its_terminal(lab, wide):
    for line in lab.ok("vm", "list", "--color", "never", wide=wide).out.splitlines():
        assert len(line) <= wide


def test_json_on_a_terminal_is_for_eyes(lab):
    shown = lab.ok("vm", "show", "web1", "-o", "json", wide=80).out
    assert shown.startswith('{\n  "id": ')
    assert "grün" in shown


def test_control_characters_are_shown_not_obeyed(hvctl):
    hvctl.ok("vm", "list")
    hvctl.host.new_vm("a\x1b[2J\u202eb")
    for output in ("table", "csv", "json", "yaml", "name"):
        assert "\x1b" not in hvctl.ok("vm", "list", "-o", output, wide=80, env={"NO_COLOR": "1"}).out, output
    assert hvctl.json("vm", "list")[0]["name"] == "a\x1b[2J\u202eb"


def test_stdout_stays_one_document_when_a_part_fails(lab):
    ended = lab("vm", "suspend", "web1", "web2", "-o", "json")
    assert ended.code == 8
    assert [each["outcome"] for each in ended.data] == ["failed", "changed"]
    assert ended.data[0]["error"]["code"] == 6
    assert ended.error["code"] == 8
