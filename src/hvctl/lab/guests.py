"""The pretend guest: what a VM's operating system says and does.

Every VM with a disk or an ISO is given one that boots at once, answers, has addresses and shuts down when asked; the
world's setting `guest`, or the VM's own, makes it slower or worse. A real empty disk holds no system; without this
nobody could try the commands that need a guest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hvctl.lab.entities import Drive, Nic, Vm
from hvctl.lab.world import World

BEHAVIOUR: Mapping[str, Any] = {
    "installed": True,
    "boot": 0,
    "answers": True,
    "addresses": True,
    "shutdown": 0,
    "ignores_shutdown": False,
    "vss": True,
}
"""How a guest behaves unless told otherwise.

`installed`: there is one at all, given a disk or an ISO. `boot`, `shutdown`: how many seconds of the lab's clock either
takes. `answers`: its integration services are up once it has booted. `addresses`: it reports IP addresses.
`ignores_shutdown`: it takes the request to shut down and goes on. `vss`: it can freeze its disks for a production
checkpoint.
"""


def set_behaviour(world: World, host: str, vm_name: str, **traits: object) -> None:
    """Make the guests of the VMs with this name behave so; the traits are those of BEHAVIOUR.

    Raises:
        KeyError: There is no such trait, or no such VM.
    """
    if traits.keys() - BEHAVIOUR.keys():
        raise KeyError(*sorted(traits.keys() - BEHAVIOUR.keys()))
    with world.transaction():
        vms = world.find(Vm, host=host, name=vm_name)
        if not vms:
            raise KeyError(vm_name)
        for vm in vms:
            vm.guest |= traits
            world.save(vm)


def behaviour(world: World, vm: Vm, name: str) -> Any:  # noqa: ANN401 - a behaviour is a flag or a number
    """One trait of a VM's guest: the VM's own, else the world's, else the default."""
    for chosen in (vm.guest, world.setting("guest")):
        if name in chosen:
            return chosen[name]
    return BEHAVIOUR[name]


def has_guest(world: World, vm: Vm) -> bool:
    """Whether something on the VM's drives could boot."""
    if not behaviour(world, vm, "installed"):
        return False
    return any(drive.path is not None for drive in world.find(Drive, vm=vm.id))


def is_up(world: World, vm: Vm) -> bool:
    """Whether the VM runs and its guest has booted."""
    return vm.state == "Running" and vm.booted_at is not None and world.now() >= vm.booted_at


def answers(world: World, vm: Vm) -> bool:
    """Whether the guest's integration services can be reached."""
    return is_up(world, vm) and bool(behaviour(world, vm, "answers"))


def heartbeat(world: World, vm: Vm) -> str | None:
    """What the heartbeat says; None while the VM is off."""
    if vm.state == "Paused":
        return "Paused"
    if vm.state != "Running":
        return None
    return "OkApplicationsHealthy" if answers(world, vm) else "NoContact"


def addresses(world: World, vm: Vm, nic: Nic) -> list[str]:
    """The IP addresses that the guest reports for an adapter: made from its MAC, so that no two are equal."""
    if nic.switch is None or not answers(world, vm) or not behaviour(world, vm, "addresses"):
        return []
    octets = [int(nic.mac[at : at + 2], 16) for at in range(0, 12, 2)]
    octets[0] ^= 2
    groups = (octets[0] << 8 | octets[1], octets[2] << 8 | 0xFF, 0xFE00 | octets[3], octets[4] << 8 | octets[5])
    return [
        f"10.{octets[3]}.{octets[4]}.{octets[5]}",
        "fe80::" + ":".join(f"{group:x}" for group in groups),
    ]
