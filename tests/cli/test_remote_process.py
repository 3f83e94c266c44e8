"""The program as a process on a host over the network: Ctrl-C, a deadline, and a client that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.remote import PASSWORD, USER, Remote, remote

from hvctl.lab.entities import Vm
from hvctl.lab.world import World

pytestmark = [pytest.mark.winrm, pytest.mark.skipif(sys.platform == "win32", reason="signals")]

SOURCE = Path(__file__).parents[2] / "src"
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture(params=["basic", "ntlm"])
def served(request, tmp_path) -> Iterator[Remote]:
    (tmp_path / "served").mkdir()
    with remote(tmp_path / "served", request.param) as made:
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


def wait_for(what: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait until something is so while a command runs."""
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
