"""Creates a VM with disk and switch on the lab again and again, killed after one statement more each time.

    python -m tests.support.killed FOLDER

A process of its own, because it forks. What is left after each kill is checked as the next command would find it.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

from tests.support.killing import kills, run
from tests.support.simulated import GIB, SimulatedHost

from hvctl.lab import seeds
from hvctl.lab.entities import Drive, File, Nic, Vm
from hvctl.lab.world import World
from hvctl.models.vm import VmCreate
from hvctl.powershell.batch import Step
from hvctl.services.vm.create import plan_create

DISK = r"C:\VMs\Virtual Hard Disks\web1.vhdx"
WHOLE = VmCreate(
    name="web1",
    memory=GIB,
    processors=2,
    notes="made",
    disk=10 * GIB,
    iso=r"C:\ISO\ubuntu.iso",
    switch="lan",
    vlan=7,
    start=True,
)


def creation() -> tuple[Step, ...]:
    """What `vm create` with every kind of part does."""
    return plan_create(WHOLE, r"C:\VMs\Virtual Hard Disks").batch.steps


def check(path: Path, base: dict[str, int]) -> bool:
    """Check the world after a kill; whether the VM is there."""
    with World.open(path) as world:
        vms, drives, nics, files = (world.find(kind) for kind in (Vm, Drive, Nic, File))
        assert world.owners() == []
    database = sqlite3.connect(path)
    try:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("SELECT count(*) FROM journal").fetchone() == (0,)
    finally:
        database.close()
    paths = {file.path for file in files}
    assert all(drive.path in paths for drive in drives if drive.path is not None)
    if not vms:
        assert (len(drives), len(nics), len(files)) == (0, 0, base["files"]), sorted(paths)
        return False
    (vm,) = vms
    assert (vm.name, vm.state, vm.processors, vm.notes) == ("web1", "Running", 2, "made")
    assert sorted(drive.path or "" for drive in drives) == [r"C:\ISO\ubuntu.iso", DISK]
    assert [(nic.vlan, nic.switch is not None) for nic in nics] == [(7, True)]
    assert vm.boot_order[0] == next(drive.id for drive in drives if drive.kind == "dvd")
    assert len(files) == base["files"] + 3
    return True


def main(folder: Path) -> None:
    """Kill at every statement and print what became of it."""
    base_path = folder / "base.db"
    seeds.reset(base_path)
    SimulatedHost(base_path).call("New-VMSwitch", Name="lan", SwitchType="Internal")
    with World.open(base_path) as world:
        base = {"files": len(world.find(File))}
    outcome = {"killed": 0, "absent": 0, "present": 0}
    for path, killed in kills(folder, base_path, lambda path, trace: run(path, creation(), trace)):
        present = check(path, base)
        assert killed or present
        outcome["killed"] += killed
        outcome["present" if present else "absent"] += killed
    sys.stdout.write(json.dumps(outcome))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
