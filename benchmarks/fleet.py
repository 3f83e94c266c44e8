"""`vm list` over a thousand hosts behind one endpoint, against what the hosts' own times and the workers allow.

`fleet_1000_ratio` is the whole command's time over (the slowest host + the mean host time, times hosts by workers),
both taken on 20 hosts that are asked one after another with the same delays. `fleet_dead_ratio` is what 50 hosts that
do not answer, among 200, add to the command, in time-outs of 5 seconds.
"""

from __future__ import annotations

import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from serving import DELAY, START, Served, environment, program, serve
from startup import fill

from hvctl.lab.entities import Host, Nic, Vm
from hvctl.lab.world import World
from hvctl.models.vm import VmSummary
from hvctl.services.vm.service import VmService
from hvctl.transports.endpoint import parse
from hvctl.transports.fleet import WORKERS
from hvctl.transports.session import Session
from hvctl.transports.winrm import WinRMTransport

HOSTS, VMS = 1_000, 20
ALONE = 20
AMONG, DEAD = 150, 50
TIME_OUT = 5.0
AUTH = "ntlm"


def measure(folder: Path) -> dict[str, float]:
    """The figures of the fleet."""
    home = folder / "fleet"
    fill(home, VMS)
    with World.open(home / "lab" / "world.db") as world, world.transaction():
        multiply(world)
    with serve(home / "lab" / "world.db", AUTH, delay=DELAY, start=START) as served:
        times = alone(served)
        allowed = max(times) + HOSTS / WORKERS * statistics.mean(times)
        configure(home, served.hosts)
        whole = listed(home, served, HOSTS)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        configure(home, served.hosts[:AMONG])
        living = listed(home, served, AMONG)
        with silent_port() as port:
            configure(home, served.hosts[:AMONG], [f"http://127.0.0.1:{port}/wsman"] * DEAD)
            with_dead = listed(home, served, AMONG, code=8)
    return {
        "fleet_1000_ratio": round(whole / allowed, 3),
        "fleet_1000_mb": round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1),
        "fleet_1000_seconds": round(whole, 1),
        "fleet_dead_ratio": round((with_dead - living) / TIME_OUT, 3),
    }


def multiply(world: World) -> None:
    """Copy the world's one host, with all its machines, until there are enough."""
    (host,) = world.find(Host)
    vms = world.find(Vm)
    nics = {nic.vm: nic for nic in world.find(Nic)}
    for number in range(2, HOSTS + 1):
        name = f"hv{number:04}"
        world.add(Host(**vars(host) | {"name": name, "number": number, "computer_name": name.upper()}))
        for vm in vms:
            copy = Vm(**vars(vm) | {"id": world.new_id("vm"), "host": name})
            world.add(copy)
            if vm.id in nics:
                world.add(Nic(**vars(nics[vm.id]) | {"id": world.new_id("nic"), "host": name, "vm": copy.id}))


def alone(served: Served) -> list[float]:
    """Seconds that each of some hosts takes when no other is asked."""
    times = []
    for host in served.hosts[: ALONE + 1]:
        password = partial(str, host["password"])
        endpoint = replace(parse(host["name"], host["url"]), user=host["user"], auth="ntlm", password=password)
        begun = time.perf_counter()
        with Session(WinRMTransport(endpoint)) as session:
            vms: Sequence[VmSummary] = VmService(session).list()
        times.append(time.perf_counter() - begun)
        assert len(vms) == VMS
    return times[1:]  # the first one loads libraries


def configure(home: Path, hosts: Sequence[Mapping[str, str]], dead: Sequence[str] = ()) -> None:
    """Write the configuration of some hosts, and of some that are not there."""
    entries = [(host["name"], host["url"]) for host in hosts]
    entries += [(f"dead{number}", url) for number, url in enumerate(dead)]
    text = "".join(
        f'[hosts.{name}]\naddress = "{url}"\nuser = "{hosts[0]["user"]}"\nauth = "{AUTH}"\n' for name, url in entries
    )
    (home / "config.toml").write_text(text, encoding="utf-8")


def listed(home: Path, served: Served, hosts: int, *, code: int = 0) -> float:
    """Seconds of `vm list` over all configured hosts."""
    variables = environment(HVCTL_HOME=str(home), HVCTL_PASSWORD=served.hosts[0]["password"])
    begun = time.perf_counter()
    command = (*program(), "vm", "list", "--all-hosts", "-o", "ndjson")
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begun
    if done.returncode != code or done.stdout.count("\n") != hosts * VMS:
        raise SystemExit(f"the fleet failed: {done.returncode} {done.stdout.count(chr(10))} {done.stderr[-2000:]}")
    return seconds


@contextmanager
def silent_port() -> Iterator[int]:
    """A port whose queue is full: who connects hears nothing, as from a host that is down."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(8)]
        for each in waiting:
            each.settimeout(0.0)
            each.connect_ex(listener.getsockname())
        time.sleep(0.2)
        try:
            yield listener.getsockname()[1]
        finally:
            for each in waiting:
                each.close()
