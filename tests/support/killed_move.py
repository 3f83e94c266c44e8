"""Moves a machine between two hosts of the lab again and again, killed after one statement more each time, and rerun.

    python -m tests.support.killed_move FOLDER

A process of its own, because it forks. The child runs `migrate vm` as a user does; after each kill the machine must be
on exactly one host, and a second run of the same command must end with it on the destination.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.support import two_hosts
from tests.support.killing import Trace, kills, watch
from tests.support.two_hosts import STORAGE, on, places

from hvctl.lab.entities import Drive, File, Nic, Vm
from hvctl.lab.transport import LabTransport
from hvctl.lab.world import World
from hvctl.models.migrate import Move
from hvctl.services.migrate.service import MigrateService
from hvctl.services.plan import Prepared, run_plan
from hvctl.services.selection import Selection
from hvctl.transports.session import Session

MOVE = Move(storage_path=STORAGE)


def move(path: Path, trace: Trace | None = None) -> Prepared:
    """What `migrate vm web1 --to hv02 --storage-path …` does; the plan that was run."""
    with (
        Session(LabTransport(path, "hv01", "hv01")) as source,
        Session(LabTransport(path, "hv02", "hv02")) as target,
    ):
        service = MigrateService(source)
        for session in (source, target):
            session.hello()
            watch(session._transport, trace)
        prepared = service.plan_move(target, service.look(target, Selection.of("web1"), MOVE), MOVE)
        done = run_plan(source, prepared.plan, timeout=None)
        assert done.failures == (), done.failures
        return prepared


def check(path: Path) -> str:
    """Check the world after a kill; the one host that the machine is on with all that is its."""
    seen = places(path)
    host = str(seen["vm"])
    assert {**seen, "planned": []} == on(host), seen
    with World.open(path) as world:
        assert world.owners() == []
        (vm,) = world.find(Vm)
        assert vm.state == "Running"
        parts = [*world.find(Drive), *world.find(Nic)]
        assert {part.vm for part in parts} == {vm.id}
        assert len([file for file in world.find(File) if file.kind == "vhd"]) == 1
    return host


def main(folder: Path) -> None:
    """Kill at every statement, run again, and print what became of it."""
    base_path = folder / "base.db"
    source, _target = two_hosts.make(base_path)
    source.new_running_vm(SwitchName="lan")
    outcome = {"killed": 0, "hv01": 0, "hv02": 0, "planned": 0}
    for path, killed in kills(folder, base_path, move):
        host = check(path)
        left = places(path)["planned"]
        prepared = move(path)
        assert bool(prepared.notes) == bool(left), (left, prepared.notes)
        assert places(path) == on("hv02")
        assert check(path) == "hv02"
        outcome["killed"] += killed
        outcome[host] += killed
        outcome["planned"] += len(left)
    sys.stdout.write(json.dumps(outcome))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
