"""Moves between two hosts behind WinRM endpoints: the login, and a command that is killed and run again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import Hvctl
from tests.support import two_hosts
from tests.support.simulated import SimulatedHost
from tests.support.two_hosts import STORAGE, configure, on, places

from hvctl.lab.endpoint.server import Settings, open_endpoint

pytestmark = pytest.mark.winrm

SOURCE = Path(__file__).parents[3] / "src"
MOVE = ("migrate", "vm", "web1", "--host", "hv01", "--to", "hv02", "--storage-path", STORAGE)


@pytest.fixture
def world(hvctl: Hvctl, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Two hosts that the configuration names by their URLs; `web1` runs on the first."""
    hvctl.world_file.parent.mkdir(parents=True)
    source, _target = two_hosts.make(hvctl.world_file)
    source.new_running_vm(SwitchName="lan")
    ca_file = hvctl.home / "ca.pem"
    server = open_endpoint(hvctl.world_file, Settings("admin", "a password", auth="basic", ca_file=ca_file))
    monkeypatch.delenv("HVCTL_HOST")
    monkeypatch.setenv("HVCTL_PASSWORD", "a password")
    try:
        for name in ("hv01", "hv02"):
            login = ("--user", "admin", "--auth", "basic", "--ca-file", str(ca_file))
            hvctl.ok("config", "host", "add", name, "--address", server.url(name), *login)
        yield hvctl.world_file
    finally:
        server.close()


def use_kerberos(hvctl: Hvctl) -> None:
    for host in ("hv01", "hv02"):
        hvctl.ok("migrate", "enable", "--authentication", "kerberos", "--host", host)


def test_a_login_that_goes_no_further_is_refused_before_anything(hvctl, world, no_change):
    with no_change():
        done = hvctl(*MOVE)
        assert done.code == 4
        assert "this login cannot be handed on" in done.err
        for way in ("run hvctl on hv01 itself", "--auth credssp", "--authentication kerberos"):
            assert way in done.err
        check = hvctl("migrate", "check", "web1", "--host", "hv01", "--to", "hv02", "--storage-path", STORAGE)
        assert check.code == 9


def test_whoever_tries_it_all_the_same_is_refused_by_the_host(hvctl, world):
    done = hvctl(*MOVE, "--skip-login-check", "-o", "json")
    assert done.code == 4
    assert "0x8009030E" in done.error["message"]
    assert done.error["cmdlet_error"]["hresult"] == "0x8009030E"
    assert places(world) == on("hv01")


def test_with_kerberos_between_the_hosts_it_moves(hvctl, world):
    use_kerberos(hvctl)
    (made,) = hvctl.json(*MOVE)
    assert (made["host"], made["outcome"], made["state"]) == ("hv02", "changed", "Running")
    assert places(world) == on("hv02")
    (again,) = hvctl.json(*MOVE)
    assert (again["host"], again["outcome"]) == ("hv02", "unchanged")


@pytest.mark.parametrize("percent", [None, 5, 40, 75, 95])
def test_killed_at_any_point_and_run_again_it_is_on_one_host(hvctl, world, percent):
    """The command is killed as soon as its engine is that far; None: before it has asked for anything."""
    use_kerberos(hvctl)
    configure(world, migration={"seconds": 2}, pace=0.5)
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-m", "hvctl", *MOVE]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
        wait_for(world, percent)
        child.send_signal(signal.SIGKILL)
    assert places(world)["vm"] in ("hv01", "hv02")
    for _attempt in range(100):
        done = hvctl(*MOVE)
        if done.code == 0:
            break
        # What the killed command had begun is still under way on the host.
        assert (done.code, "being moved at this moment" in done.err) == (6, True), done
        time.sleep(0.1)
    assert places(world) == on("hv02")


PHASES = {5: 0, 40: 1, 75: 2, 95: 3}


def wait_for(world: Path, percent: int | None) -> None:
    """Wait until the move has begun, and then for as many of its phases as come before."""
    if percent is None:
        return
    host = SimulatedHost(world, "hv01")
    while True:
        found = host.call("Get-VM", select=["OperationalStatus"])
        if not found or found[0]["OperationalStatus"] != ["Ok"]:
            break
        time.sleep(0.02)
    time.sleep(PHASES[percent] * 1.0)
