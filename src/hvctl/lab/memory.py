"""The rules of a VM's memory: alignment, order, limits."""

from __future__ import annotations

from hvctl.lab.context import Context
from hvctl.lab.entities import GIB, MIB, TIB, Host, Vm
from hvctl.lab.problems import Problem

LEAST = 32 * MIB
_STEP = 2 * MIB
_OLD_HOSTS = ("2016", "2019")
HOST_RESERVE = 4 * GIB
"""What the host keeps for itself."""


def most(context: Context, vm: Vm) -> int:
    """The most memory a VM can be given, in bytes."""
    if vm.generation == 1:
        return TIB
    return 12 * TIB if context.host.windows in _OLD_HOSTS else 240 * TIB


def check(context: Context, vm: Vm) -> None:
    """Check a VM's memory settings as they are to be.

    Raises:
        Problem: One of them is out of its range, is not aligned, or contradicts another.
    """
    checked = {"startup memory": vm.memory_startup}
    if vm.dynamic_memory:
        checked |= {"minimum memory": vm.memory_minimum, "maximum memory": vm.memory_maximum}
    highest = most(context, vm)
    for what, value in checked.items():
        if value % _STEP:
            raise Problem("memory-aligned", name=vm.name, id=vm.id.upper(), megabytes=value // MIB)
        if not LEAST <= value <= highest:
            raise Problem(
                "memory-range", name=vm.name, id=vm.id.upper(), what=what, least=LEAST // MIB, most=highest // MIB
            )
    if vm.dynamic_memory and not vm.memory_minimum <= vm.memory_startup <= vm.memory_maximum:
        raise Problem("memory-order", name=vm.name, id=vm.id.upper())


def free(context: Context, host: Host | None = None) -> int:
    """How much memory a host has left for VMs, in bytes; the one the cmdlet runs on unless another is named."""
    host = host or context.host
    assigned = sum(vm.memory_assigned for vm in context.world.find(Vm, host=host.name))
    return host.memory - HOST_RESERVE - assigned
