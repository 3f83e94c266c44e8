"""`hvctl host check`: a row a leg, on the lab and over the network; the exit code tells of findings."""

from __future__ import annotations

import json
import socket

import pytest
from tests.support.remote import PASSWORD, USER, remote

from hvctl.lab import seeds
from hvctl.lab.world import World
from hvctl.services.host_check import LEGS
from hvctl.transports.legs import NAMES

EVERY = [*NAMES, *LEGS]


def statuses(finished) -> dict[str, str]:
    """The status of each leg of one host."""
    rows = json.loads(finished.out)
    assert [row["name"] for row in rows] == EVERY
    return {row["name"]: row["status"] for row in rows}


def failed(finished) -> list[str]:
    return [name for name, status in statuses(finished).items() if status == "failed"]


def configure(hvctl, **settings) -> None:
    with World.open(hvctl.world_file) as world, world.transaction():
        for name, value in settings.items():
            world.configure(name, value=value)


@pytest.fixture
def lab(hvctl):
    hvctl.ok("lab", "reset", "--world", "two-hosts", "-q")
    return hvctl


@pytest.mark.lab
class TestLab:
    def test_all_is_well(self, lab):
        done = lab.ok("host", "check", "-o", "json")
        assert statuses(done) == dict.fromkeys(NAMES, "skipped") | dict.fromkeys(LEGS, "ok")
        assert all(row["command"] is None for row in done.data if row["name"] != "modules")
        assert lab.ok("host", "check").err == "Nothing is wrong.\n"

    def test_no_rights_are_a_finding(self, lab):
        seeds.reset(lab.world_file, rights=False)
        done = lab("host", "check", "-o", "json")
        assert (done.code, failed(done)) == (9, ["rights"])
        assert done.error["message"] == "Not as it should be: lab: rights."

    @pytest.mark.parametrize(("ahead", "code", "status"), [(120, 0, "warning"), (-4000, 9, "failed")])
    def test_clocks_that_differ(self, lab, ahead, code, status):
        configure(lab, clock_ahead=ahead)
        done = lab("host", "check", "-o", "json")
        assert (done.code, statuses(done)["clock"]) == (code, status)

    def test_warnings_alone_are_said_and_no_finding(self, lab):
        configure(lab, clock_ahead=120)
        assert lab.ok("host", "check").err == "Nothing is wrong; 1 warned of.\n"

    @pytest.mark.parametrize(
        "words",
        [
            ["lab/hv01,lab/hv02"],
            ["lab/hv01", "lab/hv02"],
            ["@pair"],
            ["--host", "lab/hv01,lab/hv02"],
            ["--all-hosts"],
        ],
        ids=" ".join,
    )
    def test_several_hosts(self, lab, words):
        lab.ok("config", "group", "add", "pair", "lab/hv01", "lab/hv02")
        rows = lab.json("host", "check", *words)
        assert [(row["host"], row["name"]) for row in rows] == [
            (host, name) for host in ("lab/hv01", "lab/hv02") for name in EVERY
        ]

    def test_lines_come_as_they_are_found(self, lab):
        lines = lab.ok("host", "check", "--all-hosts", "-o", "ndjson").out.splitlines()
        assert len(lines) == 2 * len(EVERY)
        assert lab.ok("host", "check", "-o", "name").out.split() == EVERY

    def test_one_that_is_away_spoils_nothing(self, lab):
        done = lab("host", "check", "lab/hv01", "hv99.invalid", "-o", "json")
        assert done.code == 9
        rows = json.loads(done.out)
        assert [row["host"] for row in rows] == ["lab/hv01"] * len(EVERY) + ["hv99.invalid"] * len(EVERY)
        assert [row["name"] for row in rows if row["status"] == "failed"] == ["name"]

    def test_a_host_that_the_lab_lacks(self, lab):
        alone = lab("host", "check", "lab/hv09")
        assert (alone.code, alone.out) == (3, "")
        assert lab("host", "check", "lab/hv09", "lab/hv01").code == 8

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["lab", "--host", "lab"], "HOST and --host contradict each other."),
            (["lab", "--all-hosts"], "--host and --all-hosts contradict each other."),
            (["@nobody"], "There is no group '@nobody'."),
            (["hv01", "--auth", "certificate"], "--auth certificate needs --cert-file and --key-file."),
            (["http://hv01", "--auth", "basic", "--user", "a"], "--auth basic over plain HTTP is refused"),
        ],
    )
    def test_words_that_make_no_sense(self, lab, words, message):
        done = lab("host", "check", *words, "-o", "json")
        assert (done.code, done.out) == (2, "")
        assert done.error["message"].startswith(message)


@pytest.fixture
def served(hvctl, tmp_path, monkeypatch):
    """Its first host over TLS, with the right login in the environment."""
    (tmp_path / "served").mkdir()
    monkeypatch.setenv("HVCTL_USER", USER)
    monkeypatch.setenv("HVCTL_PASSWORD", PASSWORD)
    monkeypatch.setenv("HVCTL_AUTH", "basic")
    with remote(tmp_path / "served", "basic") as made:
        monkeypatch.setenv("HVCTL_CA_FILE", str(made.endpoint.ca_file))
        monkeypatch.setenv("HVCTL_HOST", made.endpoint.url)
        yield made


@pytest.mark.winrm
class TestRemote:
    def test_all_is_well_but_the_second_hop(self, hvctl, served):
        done = hvctl.ok("host", "check", "-o", "json")
        assert statuses(done) == dict.fromkeys(EVERY, "ok") | {"second-hop": "warning"}
        assert served.stats["powershell_starts"] == 1

    def test_over_ntlm(self, hvctl, tmp_path, monkeypatch):
        monkeypatch.setenv("HVCTL_PASSWORD", PASSWORD)
        with remote(tmp_path, "ntlm") as made:
            done = hvctl.ok("host", "check", made.endpoint.url, "--user", USER, "-o", "json")
            assert statuses(done) == dict.fromkeys(EVERY, "ok") | {"second-hop": "warning"}
            assert made.stats["plaintext_bodies"] == 0

    def test_a_wrong_password(self, hvctl, served):
        done = hvctl("host", "check", "-o", "json", env={"HVCTL_PASSWORD": "not this"})
        assert (done.code, failed(done)) == (9, ["login"])
        (row,) = (row for row in json.loads(done.out) if row["name"] == "login")
        assert f"refuses the login of {USER} by basic" in row["message"]
        assert row["command"] == f"hvctl host check {served.endpoint.url} --user USER --password-stdin"
        assert "not this" not in done.out + done.err

    def test_no_password(self, hvctl, served):
        done = hvctl("host", "check", "-o", "json", env={"HVCTL_PASSWORD": ""})
        assert (done.code, failed(done)) == (9, ["login"])
        assert "There is no password" in done.out

    def test_an_authority_that_is_not_trusted(self, hvctl, served):
        done = hvctl("host", "check", "-o", "json", env={"HVCTL_CA_FILE": ""})
        assert (done.code, failed(done)) == (9, ["tls"])
        assert statuses(done)["login"] == "skipped"

    def test_nobody_is_named(self, hvctl, served):
        done = hvctl("host", "check", "-o", "json", env={"HVCTL_USER": ""})
        assert (done.code, failed(done)) == (9, ["authentication"])
        assert (statuses(done)["port"], statuses(done)["tls"]) == ("ok", "ok")

    def test_a_configured_host_is_told_what_to_set(self, hvctl, served):
        hvctl.ok("config", "host", "add", "hv01", "--address", served.endpoint.url)
        done = hvctl("host", "check", "hv01", "-o", "json", env={"HVCTL_CA_FILE": ""})
        (row,) = (row for row in json.loads(done.out) if row["name"] == "tls")
        assert row["command"] == "hvctl config host set hv01 --ca-file FILE"

    def test_a_login_without_rights(self, hvctl, served):
        with World.open(served.world_file) as world, world.transaction():
            world.configure("rights", value=False)
        done = hvctl("host", "check", "-o", "json")
        assert (done.code, failed(done)) == (9, ["rights"])
        (row,) = (row for row in json.loads(done.out) if row["name"] == "rights")
        assert row["command"] == f"Add-LocalGroupMember -SID S-1-5-32-578 -Member '{USER}'"

    def test_no_room_for_a_shell(self, hvctl, served):
        served.fail("quota-shells", times=99)
        done = hvctl("host", "check", "-o", "json", "--timeout", "2s")
        assert (done.code, failed(done)) == (9, ["login"])
        assert "MaxShellsPerUser" in done.out

    @pytest.mark.parametrize("fault", ["drop-reply", "stale", "unauthorized", "busy", "split", "noise", "clixml"])
    def test_what_the_network_does_once_is_no_finding(self, hvctl, served, fault):
        served.fail(fault, **({"action": "Receive"} if fault == "unauthorized" else {}))
        assert failed(hvctl.ok("host", "check", "-o", "json")) == []

    @pytest.mark.parametrize("fault", ["refuse", "shell-lost-before", "shell-lost-after"])
    def test_whatever_happens_there_are_rows(self, hvctl, served, fault):
        served.fail(fault, times=20)
        done = hvctl("host", "check", "-o", "json")
        assert done.code == 9
        assert len(failed(done)) >= 1

    def test_a_port_that_is_closed(self, hvctl, served):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            done = hvctl("host", "check", f"https://127.0.0.1:{sock.getsockname()[1]}", "-o", "json")
        assert (done.code, failed(done)) == (9, ["port"])
