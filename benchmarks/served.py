"""The lab's hosts behind a WinRM endpoint, in a process of its own, as the remote benchmarks need them.

It runs hvctl's engine as `hvctl lab serve` does. Nothing here could run any other script; where one says in a comment
what it does, the same cmdlets are run on the lab when PowerShell would have started, and their records are its output.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import threading
from pathlib import Path

from hvctl.lab.endpoint import command_lines
from hvctl.lab.endpoint.backends import Backend, Ended
from hvctl.lab.endpoint.faults import Faults
from hvctl.lab.endpoint.operations import Wsman
from hvctl.lab.endpoint.server import Behind, Endpoint, Settings
from hvctl.lab.endpoint.shells import Shell
from hvctl.lab.endpoint.soap import action_of
from hvctl.lab.endpoint.stats import Stats
from hvctl.lab.endpoint.streams import Output
from hvctl.lab.transport import LabTransport
from hvctl.lab.world import host_names
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.transports.session import Session

USER, PASSWORD = "Administrator", "Benchmark-1"
SHOWN = ("Id", "Name", "State", "Uptime", "CPUUsage", "MemoryAssigned", "Generation")
_SAYS = re.compile(r"^# benchmark: (list|create) (\S+)", re.MULTILINE)


def batch_of(script: str) -> Batch:
    """The cmdlets of a script of the benchmark."""
    found = _SAYS.search(script)
    if found is None:
        raise ValueError("not a script of the benchmark")
    what, name = found.groups()
    if what == "list":
        return Batch((Step("shown", Call("Get-VM"), select=SHOWN),))
    new = {"Name": name, "Generation": 2, "MemoryStartupBytes": 1 << 30, "NewVHDSizeBytes": 8 << 30}
    absent = Step("absent", Call("Get-VM"), where={"Name": name}, expect="none")
    made = Step("made", Call("New-VM", new | {"NewVHDPath": f"C:\\VMs\\{name}.vhdx"}), expect="one")
    return Batch((absent, made, Step("shown", Call("Get-VM", {"Id": Ref("made", property="Id")}), select=SHOWN)))


class Script(Ended):
    """A script that runs when PowerShell has started."""

    def __init__(self, world: Path, batch: Batch, output: Output, delay: float) -> None:
        def run() -> None:
            with Session(LabTransport(world)) as session:
                result = session.run(batch)
            output.write("stdout", json.dumps(result.of("shown")).encode())
            output.finish(0 if result.ok else 1)

        timer = threading.Timer(delay, run)
        timer.daemon = True
        timer.start()


class Service(Wsman):
    """The endpoint's operations, with an answer for scripts that only a real PowerShell could run."""

    def _start(self, shell: Shell, line: str, output: Output) -> Backend:
        words = command_lines.words(line)
        if command_lines.is_powershell(words[0]) and command_lines.expected_engine(words[1:]) is None:
            self._count_start()
            batch = batch_of(base64.b64decode(words[-1]).decode("utf-16-le"))
            return Script(self._world, batch, output, self._start_delay)
        return super()._start(shell, line, output)


def main() -> None:
    world, auth, delay, start_delay = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
    stats = Stats()
    settings = Settings(USER, PASSWORD, auth=auth, delay=delay, start_delay=start_delay)
    service = Service(world, stats=stats, start_delay=start_delay)
    behind = Behind(service, Faults(world), action_of, stats)
    with Endpoint(settings, list(host_names(world)), behind) as endpoint:
        print(json.dumps(endpoint.describe()), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
