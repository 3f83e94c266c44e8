"""Every command of the table on two hosts: it works on both, or says that it works on one, or has no host at all."""

from __future__ import annotations

import json

import pytest

from hvctl.cli.commands import commands

pytestmark = pytest.mark.lab

BOTH = ["--host", "lab/hv01,lab/hv02"]
HOSTS = {"lab/hv01", "lab/hv02"}
BASE, CHILD, SPARE = (f"C:/VMs/Virtual Hard Disks/{name}.vhdx" for name in ("base", "child", "spare"))

READING = {
    "checkpoint list": [],
    "checkpoint show": ["db1"],
    "checkpoint tree": [],
    "host check": [],
    "host list": [],
    "host show": [],
    "migrate show": [],
    "storage disk list": [],
    "storage disk show": ["1"],
    "storage health": [],
    "storage job list": [],
    "storage job wait": [],
    "storage pool list": [],
    "storage pool show": ["data"],
    "storage virtual-disk list": [],
    "storage virtual-disk show": ["scratch"],
    "storage volume list": [],
    "switch list": [],
    "switch show": ["lan"],
    "vhd chain": ["--vm", "db1"],
    "vhd list": [],
    "vhd show": [SPARE],
    "vhd test": [],
    "vm list": [],
    "vm show": ["db1"],
}
"""What reads, and the words that make it read something on each host."""

EMPTY = ("storage health", "storage job list", "storage job wait")
"""What finds nothing where all is well."""

CHANGING = {
    "checkpoint create": ["db1"],
    "checkpoint delete": ["db1", "--all", "--yes"],
    "checkpoint rename": ["db1", "first", "second"],
    "checkpoint restore": ["db1", "first", "--yes"],
    "migrate disable": [],
    "migrate enable": [],
    "migrate storage": ["db1", "--path", r"C:\Elsewhere"],
    "storage pool delete": ["data", "--with-virtual-disks", "--yes"],
    "storage virtual-disk delete": ["scratch", "--yes"],
    "storage virtual-disk repair": ["scratch"],
    "storage virtual-disk resize": ["scratch", "--size", "200G"],
    "switch delete": ["lan", "--yes"],
    "vhd convert": [SPARE, "C:/VMs/new.vhdx"],
    "vhd merge": [CHILD, "--yes"],
    "vhd resize": [SPARE, "--size", "3G"],
    "vm delete": ["db1", "--yes"],
    "vm rename": ["db1", "db9"],
    "vm restart": ["on1", "--reset"],
    "vm resume": ["on1"],
    "vm save": ["on1"],
    "vm set": ["db1", "--notes", "x"],
    "vm start": ["db1"],
    "vm stop": ["on1", "--turn-off"],
    "vm suspend": ["on1"],
}
"""What changes something, and the words that make it do so on each host."""

ONE = {
    "migrate check": ["db1", "--to", "lab/hv02", "--storage-path", r"C:\VMs\db1"],
    "migrate vm": ["db1", "--to", "lab/hv02", "--storage-path", r"C:\VMs\db1"],
    "storage create": ["more", "--size", "1T", "--volume", "E:"],
    "storage pool create": ["more"],
    "storage virtual-disk create": ["more", "--pool", "data", "--size", "1G"],
    "storage volume create": ["scratch", "--letter", "E:"],
    "switch create": ["more"],
    "vhd create": ["C:/VMs/more.vhdx", "--size", "1G"],
    "vm create": ["more"],
}
"""What makes one thing, or takes it away to elsewhere: that is done on one host."""

WITHOUT = ("completion", "config ", "lab ", "schema")
"""How the names of those begin that work on no host; `config show` has the option to say what it would mean."""


def _with_all_on(hvctl, *hosts: str) -> None:
    hvctl.ok("lab", "reset", "--world", "two-hosts")
    for host in hosts:
        for words in (
            ["vm", "create", "db1", "--disk", "1G"],
            ["vm", "create", "on1", "--memory", "512M", "--start"],
            ["switch", "create", "lan"],
            ["checkpoint", "create", "db1", "--name", "first"],
            ["vhd", "create", SPARE, "--size", "1G"],
            ["vhd", "create", BASE, "--size", "1G"],
            ["vhd", "create", CHILD, "--parent", BASE],
            ["storage", "pool", "create", "data", "--disks", "auto"],
            ["storage", "virtual-disk", "create", "scratch", "--pool", "data", "--size", "100G"],
        ):
            hvctl.ok(*words, "--host", host)


def _two_hosts(hvctl) -> None:
    _with_all_on(hvctl, "lab/hv01", "lab/hv02")


def _the_second(hvctl) -> None:
    _with_all_on(hvctl, "lab/hv02")


@pytest.fixture
def hosts(hvctl):
    hvctl.like("every-command-on-many", _two_hosts)
    return hvctl


@pytest.fixture
def elsewhere(hvctl):
    """Two hosts, and all that is named is on the second."""
    hvctl.like("every-command-elsewhere", _the_second)
    return hvctl


def test_the_tables_have_every_command():
    named = sorted([*READING, *CHANGING, *ONE])
    assert named == sorted(words for words, _ in commands() if not words.startswith(WITHOUT))


@pytest.mark.parametrize("words", READING)
def test_what_reads_reads_both(hosts, words):
    items = hosts.json(*words.split(), *READING[words], *BOTH)
    assert {item["host"] for item in items} == (set() if words in EMPTY else HOSTS)


@pytest.mark.parametrize("words", READING)
def test_its_table_has_a_host_in_every_row(hosts, words):
    lines = hosts.ok(*words.split(), *READING[words], *BOTH).out.splitlines()
    if words == "checkpoint tree":
        assert sum(line.endswith(" on lab/hv01") for line in lines) == 2
        return
    column = "NAME" if words in ("host list", "host show") else "HOST"
    assert column in lines[0].split()
    assert words in EMPTY or all("lab/hv0" in line for line in lines[1:])


@pytest.mark.parametrize("words", READING)
def test_a_host_that_is_away_spoils_nothing(hosts, words):
    done = hosts(*words.split(), *READING[words], "--host", "lab/hv01,lab/gone", "-o", "json")
    assert (done.code, done.error["code"]) == (8, 8)
    assert [part["host"] for part in done.error["errors"]] == ["lab/gone"]
    found = {item["host"] for item in json.loads(done.out)} - {"lab/gone"}
    assert found == (set() if words in EMPTY else {"lab/hv01"})


@pytest.mark.parametrize("words", CHANGING)
def test_what_changes_changes_both(hosts, words):
    if words == "vm resume":
        hosts.ok("vm", "suspend", "on1", *BOTH)
    if words == "migrate disable":
        hosts.ok("migrate", "enable", *BOTH)
    items = hosts.json(*words.split(), *CHANGING[words], *BOTH)
    assert {item["host"] for item in items} == HOSTS
    if words != "checkpoint create":
        assert {item["outcome"] for item in items} == {"changed"}


@pytest.mark.parametrize("words", CHANGING)
def test_a_dry_run_is_of_both_and_changes_nothing(hosts, words, no_change):
    with no_change():
        items = hosts.json(*words.split(), *CHANGING[words], *BOTH, "--dry-run")
    assert [item["host"] for item in items] == sorted(HOSTS)


@pytest.mark.parametrize("words", ONE)
def test_what_is_done_on_one_host_says_so_and_does_nothing(hosts, words, no_change):
    with no_change():
        refused = hosts(*words.split(), *ONE[words], *BOTH, "-o", "json")
    assert refused.code == 2
    assert "one host, and these are named: lab/hv01, lab/hv02." in refused.error["message"]


ADDRESSED = [words for words in (*READING, *CHANGING) if {**READING, **CHANGING}[words][:1] == ["db1"]]


@pytest.mark.parametrize("words", [*ADDRESSED, "vhd list", "vhd chain", "vhd test", "vhd show"])
def test_an_address_is_one_host(hosts, words):
    """`HOST:NAME` is enough: no --host says where it is."""
    rest = [word.replace("db1", "lab/hv02:db1", 1) for word in {**READING, **CHANGING}[words]]
    rest = ["--vm", "lab/hv02:db1"] if words.startswith("vhd ") else rest
    answer = hosts.json(*words.split(), *rest)
    items = answer if isinstance(answer, list) else [answer]
    assert {item["host"] for item in items} == {"lab/hv02"}


NAMED = [words for words, rest in CHANGING.items() if rest]
READ_BY_NAME = [words for words, rest in READING.items() if rest and words != "storage disk show"]


@pytest.mark.parametrize("words", READ_BY_NAME)
def test_what_is_read_need_be_on_one_of_them_only(elsewhere, words):
    assert {item["host"] for item in elsewhere.json(*words.split(), *READING[words], *BOTH)} == {"lab/hv02"}


@pytest.mark.parametrize("words", NAMED)
def test_what_is_changed_need_be_on_one_of_them_only(elsewhere, words):
    if words == "vm resume":
        elsewhere.ok("vm", "suspend", "on1", *BOTH)
    items = elsewhere.json(*words.split(), *CHANGING[words], *BOTH)
    assert {item["host"] for item in items} == {"lab/hv02"}


@pytest.mark.parametrize("words", [*READ_BY_NAME, *NAMED])
def test_what_is_on_none_is_not_found(hosts, words, no_change):
    first, *rest = [word for word in {**READING, **CHANGING}[words] if word != "--vm"]
    missing = first.replace("spare", "gone").replace("child", "gone") if ":" in first else "gone"
    option = ["--vm"] if words == "vhd chain" else []
    with no_change():
        refused = hosts(*words.split(), *option, missing, *rest, *BOTH, "-o", "json")
    assert refused.code == 3, refused
    assert "Found on none of the hosts" in refused.error["message"]


@pytest.mark.parametrize("path", READING)
def test_a_column_that_is_none_is_told_before_a_host_is_contacted(hvctl, path):
    gone = {"HVCTL_HOST": "https://127.0.0.1:1", "HVCTL_AUTH": "basic", "HVCTL_USER": "a", "HVCTL_PASSWORD": "-"}
    done = hvctl(*path.split(), *READING[path], "--sort", "nope", env=gone)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: There is no column 'nope'.")
