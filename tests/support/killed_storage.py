"""Makes a pool, a virtual disk and a volume on the lab again and again, killed after one statement more each time.

    python -m tests.support.killed_storage FOLDER

A process of its own, because it forks. It prints how often all was there afterwards, and how often nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.support.killing import kills, run
from tests.support.spaces import SPEC, stored
from tests.support.storage_plans import physical_disk

from hvctl.lab import seeds
from hvctl.lab.entities import Host
from hvctl.lab.kinds.spaces import SUBSYSTEM
from hvctl.lab.live import Live
from hvctl.lab.spaces import PhysicalDisk
from hvctl.lab.world import World
from hvctl.powershell.batch import Step
from hvctl.services.storage.create import plan_storage


def creation(path: Path) -> tuple[Step, ...]:
    """What `storage create` does on this world."""
    with World.open(path) as world:
        disks = [disk for disk in world.find(PhysicalDisk) if disk.number in (1, 2)]
        subsystem = str(Live(world, SUBSYSTEM, world.find(Host)[0]).get("UniqueId"))
    return plan_storage(SPEC, [physical_disk(disk.number, id=disk.id) for disk in disks], subsystem).steps


def main(folder: Path) -> None:
    """Kill at every statement; what is left must be all of it or nothing."""
    base = folder / "base.db"
    seeds.reset(base)
    steps, before = creation(base), stored(base)
    outcome = {"killed": 0, "absent": 0, "present": 0}
    for path, killed in kills(folder, base, lambda path, trace: run(path, steps, trace)):
        with World.open(path) as world:
            assert world.owners() == []
        now = stored(path)
        absent = now == before
        if not absent:
            made = {table: len(now[table]) - len(before[table]) for table in now}
            assert made == {
                "physical_disk": 0, "pool": 1, "virtual_disk": 1, "partition": 1, "file": 1, "storage_job": 0,
            }, made  # fmt: skip
        assert killed or not absent
        outcome["killed"] += killed
        outcome["absent" if absent else "present"] += killed
    sys.stdout.write(json.dumps(outcome))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
