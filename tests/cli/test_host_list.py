"""`hvctl host list` and `host show` over many hosts: which they are, and a host that fails is a row like the others."""

from __future__ import annotations

import json

import pytest
from tests.support.remote import PASSWORD, USER, remote

from hvctl import hosts as choosing
from hvctl.lab import seeds

BOTH = ["--host", "lab/hv01,lab/hv02"]


@pytest.fixture
def lab(hvctl):
    hvctl.ok("lab", "reset", "--world", "two-hosts", "-q")
    return hvctl


def names(finished) -> list[tuple[str, str]]:
    return [(row["name"], row["status"]) for row in json.loads(finished.out)]


@pytest.mark.lab
class TestLab:
    def test_what_a_host_carries(self, lab):
        lab.ok("vm", "create", "web1", "--memory", "2G", "--disk", "1G", "--start")
        lab.ok("vm", "create", "web2", "--memory", "4G")
        first, second = lab.json("host", "list")
        assert (first["name"], first["status"], first["error"]) == ("lab/hv01", "ok", None)
        assert (first["vms"], first["running"], first["memory_assigned"]) == (2, 1, 2 << 30)
        assert (second["vms"], second["running"], second["memory_assigned"]) == (0, 0, 0)
        assert "2 GiB" in lab.ok("host", "show").out

    @pytest.mark.parametrize("default", ["lab", "lab/hv02", "lab/hv01,lab/hv02"])
    def test_every_host_of_the_lab(self, lab, default):
        done = lab.ok("host", "list", "-o", "json", env={"HVCTL_HOST": default})
        assert names(done) == [("lab/hv01", "ok"), ("lab/hv02", "ok")]

    def test_only_those_named(self, lab):
        assert names(lab.ok("host", "list", "--host", "lab/hv02", "-o", "json")) == [("lab/hv02", "ok")]
        lab.ok("config", "group", "add", "pair", "lab/hv02", "lab/hv01")
        done = lab.ok("host", "list", "--host", "@pair", "-o", "json")
        assert names(done) == [("lab/hv02", "ok"), ("lab/hv01", "ok")]

    def test_a_host_that_fails_is_a_row(self, lab):
        done = lab("host", "list", "--host", "lab/hv01,hv99.invalid,lab/hv02", "-o", "json")
        assert done.code == 8
        assert names(done) == [("lab/hv01", "ok"), ("hv99.invalid", "unreachable"), ("lab/hv02", "ok")]
        row = json.loads(done.out)[1]
        assert row["error"]["message"] == "The host's name cannot be resolved: hv99.invalid"
        assert {row[key] for key in ("computer_name", "windows", "processors", "memory", "vms", "running")} == {None}
        assert [part["host"] for part in done.error["errors"]] == ["hv99.invalid"]

    @pytest.mark.parametrize("form", ["table", "csv", "ndjson", "name"])
    def test_in_every_format(self, lab, form):
        done = lab("host", "list", "--host", "lab/hv01,hv99.invalid", "-o", form)
        assert done.code == 8
        assert "lab/hv01" in done.out
        assert "hv99.invalid" in done.out

    def test_when_all_fail_it_is_their_common_code(self, lab):
        done = lab("host", "list", "--host", "hv98.invalid,hv99.invalid", "-o", "json")
        assert (done.code, names(done)) == (5, [("hv98.invalid", "unreachable"), ("hv99.invalid", "unreachable")])
        alone = lab("host", "list", "--host", "hv99.invalid", "-o", "json")
        assert (alone.code, names(alone)) == (5, [("hv99.invalid", "unreachable")])

    def test_without_rights(self, lab):
        seeds.reset(lab.world_file, rights=False)
        done = lab("host", "list", "-o", "json")
        assert (done.code, names(done)) == (4, [("lab/hv01", "no access")])

    def test_show_is_an_object_of_one_and_a_list_of_several(self, lab):
        assert lab.json("host", "show", "--host", "lab/hv02")["name"] == "lab/hv02"
        assert [host["name"] for host in lab.json("host", "show", *BOTH)] == ["lab/hv01", "lab/hv02"]
        done = lab("host", "show", "--host", "lab/hv01,hv99.invalid", "-o", "json")
        assert (done.code, [host["name"] for host in json.loads(done.out)]) == (8, ["lab/hv01"])


@pytest.mark.unit
class TestWhich:
    def every(self, monkeypatch, home, *, default=None, configured="", hyper_v=False):
        home.mkdir(parents=True, exist_ok=True)
        (home / "config.toml").write_text(configured, encoding="utf-8")
        monkeypatch.setattr(choosing, "has_hyper_v", lambda: hyper_v)
        monkeypatch.delenv("HVCTL_HOST")
        if default:
            monkeypatch.setenv("HVCTL_HOST", default)
        return [target.name for target in choosing.every_host()]

    TWO = "[hosts.hv01]\n\n[hosts.hv02]\naddress = '10.0.0.2'\n"

    @pytest.mark.parametrize(
        ("settings", "found"),
        [
            ({"configured": TWO}, ["hv01", "hv02"]),
            ({"configured": TWO, "hyper_v": True}, ["hv01", "hv02", "localhost"]),
            ({"configured": TWO, "default": "hv02"}, ["hv01", "hv02"]),
            ({"configured": TWO, "default": "hv07"}, ["hv01", "hv02", "hv07"]),
            ({"configured": f"default = 'hv02'\n{TWO}"}, ["hv01", "hv02"]),
            ({"configured": f"default = 'lab'\n{TWO}"}, ["lab/hv01"]),
            ({"configured": TWO, "default": "lab"}, ["lab/hv01"]),
            ({"default": "https://10.0.0.1"}, ["https://10.0.0.1"]),
            ({"hyper_v": True}, ["localhost"]),
        ],
        ids=str,
    )
    def test_which_hosts_there_are(self, hvctl, monkeypatch, settings, found):
        assert self.every(monkeypatch, hvctl.home, **settings) == found

    def test_there_is_none(self, hvctl, monkeypatch):
        with pytest.raises(choosing.UsageError, match="No host is named"):
            self.every(monkeypatch, hvctl.home)


@pytest.mark.winrm
def test_hosts_over_the_network(hvctl, tmp_path, monkeypatch):
    monkeypatch.setenv("HVCTL_PASSWORD_GOOD", PASSWORD)
    monkeypatch.setenv("HVCTL_PASSWORD_BAD", "not this")
    monkeypatch.setenv("HVCTL_HOST", "")
    monkeypatch.setattr(choosing, "has_hyper_v", lambda: False)
    (tmp_path / "served").mkdir()
    with remote(tmp_path / "served", "basic") as served:
        login = ["--user", USER, "--auth", "basic", "--ca-file", str(served.endpoint.ca_file)]
        for name, address in {"good": served.endpoint.url, "bad": served.endpoint.url, "gone": "hv99.invalid"}.items():
            hvctl.ok("config", "host", "add", name, "--address", address, *login)
        done = hvctl("host", "list", "-o", "json")
    assert done.code == 8
    assert sorted(names(done)) == [("bad", "no access"), ("gone", "unreachable"), ("good", "ok")]
    assert "not this" not in done.out + done.err
