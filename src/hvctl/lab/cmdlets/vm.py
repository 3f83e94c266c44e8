"""Get-VM and Remove-VM."""

from __future__ import annotations

from collections.abc import Iterator

from hvctl.lab import checkpoints, lookup, paths
from hvctl.lab.context import Args, Context, Handlers, Output, simulates
from hvctl.lab.entities import Drive, Nic, Snapshot, Vm
from hvctl.lab.kinds.vm import VIRTUAL_MACHINE
from hvctl.lab.live import Live, lives
from hvctl.lab.problems import Problem

HANDLERS: Handlers = {}


@simulates(HANDLERS, "Get-VM", VIRTUAL_MACHINE, "Name Id")
def get_vm(context: Context, args: Args) -> Iterator[Output]:
    """The VMs of the host, by name, pattern or id; none at all for a user without rights."""
    world = context.world
    if not world.setting("rights"):
        yield from _without_rights(context, args)
    elif args.get("Id") is not None:
        vm = world.get(Vm, args["Id"])
        if vm is None or vm.host != context.host.name:
            raise Problem("vm-missing-id", id=args["Id"])
        yield Live(world, VIRTUAL_MACHINE, vm)
    elif args.get("Name") is not None:
        yield from lives(world, VIRTUAL_MACHINE, lookup.vms(context, args, "vm-missing-get"))
    else:
        yield from lives(world, VIRTUAL_MACHINE, _by_name(world.find(Vm, host=context.host.name)))


def _by_name(vms: list[Vm]) -> list[Vm]:
    return sorted(vms, key=lambda vm: (vm.name.lower(), vm.id))


def _without_rights(context: Context, args: Args) -> Iterator[Output]:
    if args.get("Id") is not None:
        raise Problem("vm-missing-id", id=args["Id"])
    for name in args.get("Name") or ():
        if not lookup.has_wildcards(name):
            context.fail(Problem("vm-missing-get", name=name, target=name))
    if args.get("Name") is None and context.world.setting("get_vm_without_rights") == "error":
        raise Problem("rights", computer=context.host.computer_name)
    yield from ()


@simulates(HANDLERS, "Remove-VM", VIRTUAL_MACHINE, "Name VM Force Passthru")
def remove_vm(context: Context, args: Args) -> Iterator[Output]:
    """Delete VMs that are off or saved, with configuration and checkpoints; disks stay, as they are at the moment."""

    def remove(vm: Vm) -> Iterator[Output]:
        if vm.state not in ("Off", "Saved"):
            raise Problem("remove-running")
        if not args.get("Force"):
            raise Problem("prompt")
        delete(context, vm)
        if args.get("Passthru"):
            yield Live(context.world, VIRTUAL_MACHINE, vm)

    yield from context.each(lookup.vms(context, args), remove)


def delete(context: Context, vm: Vm) -> None:
    """Take a VM, its parts and its configuration files out of the world."""
    world = context.world
    if vm.merging or world.find(Snapshot, vm=vm.id):
        checkpoints.forget(world, vm)
    for drive in world.find(Drive, vm=vm.id):
        world.remove(drive)
    for nic in world.find(Nic, vm=vm.id):
        world.remove(nic)
    for path in config_files(vm):
        file = world.file(vm.host, path)
        if file is not None:
            world.remove(file)
    world.remove(vm)


def config_files(vm: Vm) -> list[str]:
    """The files that a VM's configuration is kept in."""
    stem = paths.join(vm.path, "Virtual Machines", vm.id.upper())
    return [f"{stem}.vmcx", f"{stem}.vmrs"]
