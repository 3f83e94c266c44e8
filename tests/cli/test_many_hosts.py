"""One command on several hosts: which they are, what is written, and what one that fails does to the rest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import hvctl
from hvctl.lab import guests, seeds
from hvctl.lab.entities import Host, Vm
from hvctl.lab.world import World

pytestmark = pytest.mark.lab

BOTH = ["--host", "lab/hv01,lab/hv02"]
AWAY = ["--host", "lab/hv01,lab/gone,lab/hv02"]
"""The lab has no third host: it fails as one that is away does, each time in the same way."""


def _two_hosts(hvctl) -> None:
    hvctl.ok("lab", "reset", "--world", "two-hosts")
    for host, names in {"hv01": ("web1", "db1"), "hv02": ("web2", "db1")}.items():
        for name in names:
            hvctl.ok("vm", "create", name, "--disk", "1G", "--host", f"lab/{host}")


@pytest.fixture
def hosts(hvctl):
    hvctl.like("many-hosts", _two_hosts)
    return hvctl


def rows(hvctl, *words: str) -> list[tuple[str, str]]:
    return [(each["host"].removeprefix("lab/"), each["name"]) for each in hvctl.json(*words)]


EVERY = [("hv01", "db1"), ("hv01", "web1"), ("hv02", "db1"), ("hv02", "web2")]


@pytest.mark.parametrize(
    "words",
    [
        BOTH,
        ["--host", "lab/hv01", "--host", "lab/hv02"],
        ["--host", "lab/hv01, lab/hv02,lab/hv01"],
        ["--host", "@pair"],
        ["--host", "@PAIR", "--host", "lab/hv02"],
        ["--all-hosts"],
        [*BOTH, "--parallel", "1"],
    ],
    ids=" ".join,
)
def test_ways_to_name_hosts(hosts, words):
    hosts.ok("config", "group", "add", "pair", "lab/hv01", "lab/hv02")
    assert rows(hosts, "vm", "list", *words) == EVERY


def test_the_environment_names_several(hosts, monkeypatch):
    monkeypatch.setenv("HVCTL_HOST", "lab/hv02,lab/hv01")
    assert rows(hosts, "vm", "list") == EVERY[2:] + EVERY[:2]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--host", "@nobody"], "There is no group '@nobody'."),
        (["--host", "lab,"], "The name of a host is empty."),
        (["--all-hosts", "--host", "lab"], "--host and --all-hosts contradict each other."),
        (["--host", "@empty"], "The group '@empty' has no hosts."),
    ],
)
def test_hosts_that_cannot_be(hosts, words, message):
    (hosts.home / "config.toml").write_text("[groups]\nempty = []\n", encoding="utf-8")
    refused = hosts("vm", "list", *words, "-o", "json")
    assert (refused.code, refused.error["message"]) == (2, message)


def test_all_hosts_without_any(hosts, monkeypatch):
    monkeypatch.setenv("HVCTL_HOST", "localhost")
    refused = hosts("vm", "list", "--all-hosts", "-o", "json")
    assert (refused.code, refused.error["message"]) == (2, "No host is configured.")


def test_a_command_for_one_host_says_so(hosts, no_change):
    with no_change():
        for words in (["vm", "create", "x"], ["switch", "create", "x"]):
            refused = hosts(*words, *BOTH, "-o", "json")
            assert refused.code == 2
            assert "works on one host" in refused.error["message"]


# ---- what is written


def test_a_table_has_a_row_for_each_and_the_host_in_it(hosts):
    lines = hosts.ok("vm", "list", *BOTH).out.splitlines()
    assert lines[0].split()[-1] == "HOST"
    assert [line.split()[-1] for line in lines[1:]] == ["lab/hv01", "lab/hv01", "lab/hv02", "lab/hv02"]


def test_lines_are_written_as_they_come(hosts):
    done = hosts.ok("vm", "list", *BOTH, "-o", "ndjson")
    assert sorted(json.loads(line)["host"] for line in done.out.splitlines()) == ["lab/hv01"] * 2 + ["lab/hv02"] * 2


def test_a_query_and_an_order_are_over_all(hosts):
    assert hosts.json("vm", "list", *BOTH, "--query", "length(@)") == 4
    lines = hosts.ok("vm", "list", *BOTH, "--sort", "name", "--columns", "name", "-o", "csv").out.split()
    assert lines == ["name", "db1", "db1", "web1", "web2"]
    assert hosts.ok("vm", "list", *BOTH, "-o", "ndjson", "--query", "[0].name").out == '"db1"\n'


def test_show_of_several_hosts_is_a_list(hosts):
    assert rows(hosts, "vm", "show", "web1", *BOTH) == [("hv01", "web1")]
    assert rows(hosts, "switch", "list", *BOTH) == []


# ---- names


def test_a_name_is_on_one_of_the_hosts(hosts):
    assert rows(hosts, "vm", "list", "web1", "web2", *BOTH) == [("hv01", "web1"), ("hv02", "web2")]
    assert rows(hosts, "vm", "list", "db*", *BOTH) == [("hv01", "db1"), ("hv02", "db1")]
    done = hosts.json("vm", "start", "web1", "web2", *BOTH)
    assert [(each["name"], each["outcome"]) for each in done] == [("web1", "changed"), ("web2", "changed")]


def test_a_name_that_is_on_none_is_not_found_and_nothing_is_touched(hosts, no_change):
    with no_change():
        refused = hosts("vm", "start", "web1", "web9", *BOTH, "-o", "json")
    assert (refused.code, refused.out) == (3, "")
    assert "'web9'" in refused.error["message"]
    assert hosts("vm", "list", "web1", "web9", *BOTH).code == 3
    assert hosts("vm", "delete", "web9", "--missing-ok", "--yes", *BOTH).code == 0


# ---- changes


def test_a_change_on_all(hosts):
    done = hosts.json("vm", "start", "--all", *BOTH)
    assert [(each["host"], each["state"]) for each in done] == [("lab/hv01", "Running")] * 2 + [
        ("lab/hv02", "Running")
    ] * 2
    assert hosts.log.count("vm start: ") == 4
    assert all(f"'{name}' on lab/{host}: changed" in hosts.log for host, name in EVERY)


def test_one_question_for_all_hosts(hosts, no_change):
    with no_change():
        asked = hosts("vm", "delete", "db1", *BOTH, terminal=True, stdin="n\n")
    assert asked.code == 1
    assert asked.err.count("[y/N]") == 1
    assert "on lab/hv01" in asked.err
    assert "on lab/hv02" in asked.err
    assert hosts("vm", "delete", "db1", *BOTH, terminal=True, stdin="y\n").code == 0
    assert rows(hosts, "vm", "list", *BOTH) == [("hv01", "web1"), ("hv02", "web2")]


def test_without_a_terminal_deletion_needs_yes(hosts, no_change):
    with no_change():
        assert hosts("vm", "delete", "db1", *BOTH).code == 2


def test_a_dry_run_shows_each_host_s(hosts, no_change):
    with no_change():
        text = hosts.ok("vm", "start", "web1", "web2", *BOTH, "--dry-run").out
        steps = hosts.json("vm", "start", "web1", "web2", *BOTH, "--dry-run")
    assert text.index("# On lab/hv01:") < text.index("# On lab/hv02:")
    assert text.count("Start-VM") == 2
    assert [each["host"] for each in steps] == ["lab/hv01", "lab/hv02"]
    assert all(each["steps"] for each in steps)


# ---- failures


def test_one_that_fails_spoils_nothing(hosts):
    done = hosts("vm", "list", *AWAY, "-o", "json")
    assert done.code == 8
    assert [each["name"] for each in json.loads(done.out)] == ["db1", "web1", "db1", "web2"]
    assert done.error["message"] == "vm list: 1 of 3 failed."
    (part,) = done.error["errors"]
    assert part["host"] == "lab/gone"
    table = hosts("vm", "list", *AWAY)
    assert table.code == 8
    assert "lab/gone: " in table.err


def test_all_failing_is_their_common_code(hosts):
    done = hosts("vm", "list", "--host", "lab/gone,lab/away", "-o", "json")
    assert (done.code, json.loads(done.out)) == (3, [])
    assert len(done.error["errors"]) == 2


@pytest.fixture
def no_rights_anywhere(hosts):
    seeds.reset(hosts.world_file, world="two-hosts", rights=False)
    return hosts


def test_no_rights_is_not_an_empty_fleet(no_rights_anywhere):
    done = no_rights_anywhere("vm", "list", *BOTH, "-o", "json")
    assert (done.code, json.loads(done.out)) == (4, [])


def _without_memory(hvctl, *names: str) -> None:
    with World.open(hvctl.world_file) as world, world.transaction():
        for host in world.find(Host):
            if host.name in names:
                host.memory = 1 << 20
                world.save(host)


def test_a_change_that_fails_on_one(hosts):
    """A machine without memory for it cannot start; those elsewhere can."""
    _without_memory(hosts, "hv02")
    done = hosts("vm", "start", "web1", "web2", *BOTH, "-o", "json")
    assert done.code == 8
    outcomes = {each["name"]: each["outcome"] for each in json.loads(done.out)}
    assert outcomes == {"web1": "changed", "web2": "failed"}
    assert done.error["errors"][0]["host"] == "lab/hv02"


def test_a_failure_says_on_which_host_it_was(hosts):
    _without_memory(hosts, "hv01", "hv02")
    told = hosts("vm", "start", "db1", *BOTH).err
    assert "  lab/hv01:db1: " in told
    assert "  lab/hv02:db1: " in told


@pytest.mark.parametrize("names", ["lab/hv01,lab/hv02", "lab/hv02,lab/hv01"])
def test_failures_are_told_in_the_order_of_the_hosts(hosts, names):
    _without_memory(hosts, "hv01", "hv02")
    done = hosts("vm", "start", "db1", "--host", names, "-o", "json")
    assert [each["host"] for each in done.error["errors"]] == names.split(",")


def test_what_is_wrong_with_the_request_stops_it_everywhere(hosts, no_change):
    hosts.ok("vm", "create", "twin", "--host", "lab/hv02")
    with World.open(hosts.world_file) as world, world.transaction():
        for vm in world.find(Vm, host="hv02"):
            if vm.name == "twin":
                vm.name = "web2"
                world.save(vm)
    with no_change():
        refused = hosts("vm", "start", "web1", "web2", *BOTH, "-o", "json")
    assert refused.code == 6


# ---- Ctrl-C


@pytest.fixture
def deaf(hosts):
    """Machines that run, whose guests take no request to shut down on the second host, while real time goes by."""
    hosts.ok("vm", "start", "--all", *BOTH)
    with World.open(hosts.world_file) as world:
        for name in ("db1", "web2"):
            guests.set_behaviour(world, "hv02", name, installed=True, ignores_shutdown=True)
        with world.transaction():
            world.configure("pace", value=1)
    return hosts


@pytest.mark.parametrize("often", [1, 2])
def test_an_interrupt_ends_all_and_says_what_is_done(deaf, often):
    """In a process of its own; the first host is done by then, and the second one never would be."""
    words = [sys.executable, "-m", "hvctl", "vm", "stop", "--all", *BOTH, "--timeout", "300s"]
    environment = os.environ | {"PYTHONPATH": str(Path(hvctl.__file__).parents[1])}
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    try:
        while deaf.log.count("on lab/hv01: changed") < 4:  # both were started, and stopped
            assert process.poll() is None
            time.sleep(0.05)
        for _ in range(often):
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err
    if often == 1:
        assert b"Interrupted. Done: lab/hv01." in err
        assert b"lab/hv02: " in err
    assert deaf.log.count("vm stop: 'db1' on lab/hv02: ") == deaf.log.count("on lab/hv02: cancelled") - 1 == 1
