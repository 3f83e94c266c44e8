"""Two simulated hosts that machines can be moved between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.simulated import SimulatedHost

from hvctl.lab import seeds
from hvctl.lab.entities import Drive, File, Nic, Planned, Vm
from hvctl.lab.world import World

STORAGE = r"C:\VMs\web1"


def make(path: Path, *, enabled: bool = True, **world: str) -> tuple[SimulatedHost, SimulatedHost]:
    """A world of two hosts with a switch `lan` each, that take part in moves."""
    seeds.reset(path, "two-hosts", **world)
    hosts = SimulatedHost(path, "hv01"), SimulatedHost(path, "hv02")
    for host in hosts:
        host.call("New-VMSwitch", Name="lan", SwitchType="Internal")
        if enabled:
            host.call("Enable-VMMigration")
            host.call("Set-VMHost", UseAnyNetworkForMigration=True)
    return hosts


def configure(path: Path, **settings: Any) -> None:
    """Change settings of the world."""
    with World.open(path) as world, world.transaction():
        for name, value in settings.items():
            world.configure(name, value)


def places(path: Path, name: str = "web1") -> dict[str, Any]:
    """Where a machine and all that is its are: of which hosts the parts are, and what is half made."""
    with World.open(path) as world:
        (vm,) = [vm for vm in world.find(Vm) if vm.name == name]
        drives = world.find(Drive, vm=vm.id)
        used = {drive.path for drive in drives}
        return {
            "vm": vm.host,
            "parts": {part.host for part in (*drives, *world.find(Nic, vm=vm.id))},
            "files": {file.host for file in world.find(File) if file.path in used and file.kind == "vhd"},
            "planned": [planned.host for planned in world.find(Planned)],
        }


def on(host: str) -> dict[str, Any]:
    """What `places` says of a machine with a disk and an adapter that is on one host, with nothing half made."""
    return {"vm": host, "parts": {host}, "files": {host}, "planned": []}
