"""The program as a process on a host over the network: Ctrl-C, a deadline, and a client that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.remote import PASSWORD, USER, Remote, remote

from hvctl.lab.endpoint.faults import add, rule
from hvctl.lab.engine import LabEngine
from hvctl.lab.entities import File, Vm
from hvctl.lab.runner import BatchRunner
from hvctl.lab.steps import LabStep
from hvctl.lab.world import World
from hvctl.powershell.protocol import SILENCE

pytestmark = [pytest.mark.winrm, pytest.mark.skipif(sys.platform == "win32", reason="signals")]

SOURCE = Path(__file__).parents[2] / "src"
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def served(tmp_path) -> Iterator[Remote]:
    (tmp_path / "served").mkdir()
    with remote(tmp_path / "served", "ntlm") as made:
        yield made


@pytest.fixture
def start(hvctl, served) -> Iterator[Start]:
    """Starts `hvctl` as a process on the served host."""
    endpoint = served.endpoint
    environment = {
        **os.environ,
        "PYTHONPATH": str(SOURCE),
        "HVCTL_HOST": endpoint.url,
        "HVCTL_USER": USER,
        "HVCTL_PASSWORD": PASSWORD,
        "HVCTL_AUTH": str(endpoint.auth),
        "HVCTL_CA_FILE": str(endpoint.ca_file or ""),
    }
    started: list[subprocess.Popen[bytes]] = []

    def run(*words: str) -> subprocess.Popen[bytes]:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen([sys.executable, "-m", "hvctl", *words], env=environment, **pipes))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def finish(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    assert b"Traceback" not in err, err
    return process.returncode, out.decode(), err.decode()


def configure(served: Remote, **settings: object) -> None:
    with World.open(served.world_file) as world, world.transaction():
        for name, value in settings.items():
            world.configure(name, value=value)


def slow_guest(served: Remote) -> None:
    """A running machine whose guest takes two minutes to shut down."""
    with served.connect() as host:
        host.vms.create("web1", memory="1G", disk="1G", start=True)
    configure(served, pace=1, guest={"shutdown": 120})


def states(served: Remote) -> dict[str, str]:
    with World.open(served.world_file) as world:
        return {vm.name: vm.state for vm in world.find(Vm)}


def disks(served: Remote) -> list[str]:
    with World.open(served.world_file) as world:
        return [file.path for file in world.find(File) if file.kind == "vhd"]


def wait_for(what: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait until something is so, while a command runs."""
    give_up = time.monotonic() + 60
    while not what():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < give_up
        time.sleep(0.02)


# ---- Ctrl-C


def test_an_interrupt_ends_the_wait_and_says_what_goes_on(served, start):
    slow_guest(served)
    process = start("vm", "stop", "web1")
    wait_for(lambda: states(served) == {"web1": "Stopping"}, process)
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    assert (code, out) == (130, "")
    assert err == "error: Interrupted. It goes on there: 'web1' is Stopping.\n"
    assert states(served) == {"web1": "Stopping"}
    assert served.stats["plaintext_bodies"] == 0


@pytest.mark.parametrize("at", ["authentications", "powershell_starts"])
def test_an_interrupt_while_the_way_is_made_leaves_nothing(served, start, at):
    add(served.world_file, rule("slow", action="Receive", times=20, seconds=0.5))
    process = start("vm", "create", "web1")
    wait_for(lambda: served.stats[at] > 0, process)
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    assert (code, out) == (130, "")
    assert err.startswith("error: Interrupted")
    assert states(served) == {}


# ---- a deadline


def test_a_guest_that_ignores_its_shutdown_is_7_and_said_to_run(served, start):
    slow_guest(served)
    code, out, err = finish(start("vm", "stop", "web1", "--timeout", "2s", "-o", "json"))
    assert code == 7, err
    assert json.loads(out)[0]["outcome"] == "failed"
    assert "'web1' is now Stopping." in json.loads(err)["error"]["message"]
    assert states(served) == {"web1": "Stopping"}


def test_a_host_that_is_always_busy_is_left_when_time_is_up(served, start):
    add(served.world_file, rule("busy", times=1000))
    code, out, err = finish(start("vm", "list", "--timeout", "2s"))
    assert (code, out) == (5, "")
    assert "busy" in err
    assert served.stats["powershell_starts"] == 1


# ---- a client that is killed


class Held:
    """Holds the host's engine before a step until the client is dead.

    Attributes:
        silent: Whether the engine counts its client as lost from then on.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, before: str) -> None:
        self.reached, self.go, self.over = (threading.Event() for _ in range(3))
        self.silent = False
        drive, end, must_end = BatchRunner._drive, BatchRunner._finish, LabEngine._must_end

        def held(runner: BatchRunner, step: LabStep) -> Iterator[object]:
            if step.id == before:
                self.reached.set()
                assert self.go.wait(60)
            yield from drive(runner, step)

        def asked(engine: LabEngine, *words: Any, **options: Any) -> object:
            if self.silent:
                engine._last_line -= SILENCE
            return must_end(engine, *words, **options)

        def finished(runner: BatchRunner) -> None:
            end(runner)
            if self.go.is_set():
                self.over.set()

        monkeypatch.setattr(BatchRunner, "_drive", held)
        monkeypatch.setattr(BatchRunner, "_finish", finished)
        monkeypatch.setattr(LabEngine, "_must_end", asked)


CREATE = ("vm", "create", "wéb 1", "--memory", "1G", "--disk", "1G", "--start", "-o", "json")


@pytest.mark.parametrize("before", ["vm", "disk", "details"])
@pytest.mark.parametrize("silent", [False, True], ids=["in time", "too late"])
def test_a_creation_whose_client_is_killed_is_there_once_after_a_second_run(served, start, before, silent, monkeypatch):
    with monkeypatch.context() as patch:
        held = Held(patch, before)
        process = start(*CREATE)
        wait_for(held.reached.is_set, process)
        process.kill()
        process.wait(30)
        held.silent = silent
        held.go.set()
        assert held.over.wait(60)
        assert states(served) == ({} if silent else {"wéb 1": "Running"})
    code, _, err = finish(start(*CREATE))
    assert code == (0 if silent else 6), err
    assert states(served) == {"wéb 1": "Running"}
    assert len(disks(served)) == 1
