"""Compare-VM, Move-VM and Move-VMStorage."""

from __future__ import annotations

from collections.abc import Iterator

from hvctl.lab import lookup, migration
from hvctl.lab.context import Args, Context, Handlers, Output, simulates
from hvctl.lab.entities import Vm
from hvctl.lab.kinds.migration import PLANNED_VM, REPORT
from hvctl.lab.kinds.vm import VIRTUAL_MACHINE
from hvctl.lab.live import Live
from hvctl.lab.problems import Problem

HANDLERS: Handlers = {}


@simulates(
    HANDLERS,
    "Compare-VM",
    REPORT,
    "Name VM DestinationHost IncludeStorage DestinationStoragePath CompatibilityReport",
)
def compare_vm(context: Context, args: Args) -> Iterator[Output]:
    """What stands against moving a VM to another host; a report that is given is brought up to date."""
    if "CompatibilityReport" in args:
        live = args["CompatibilityReport"]
        live.entity.findings = migration.findings(context, _of(context, live.entity), live.entity)
        yield live
        return
    for vm in _vms(context, args):
        yield Live(context.world, REPORT, migration.order(context, vm, args["DestinationHost"], _folder(args)))


@simulates(
    HANDLERS,
    "Move-VM",
    VIRTUAL_MACHINE,
    "Name VM DestinationHost IncludeStorage DestinationStoragePath CompatibilityReport Passthru",
)
def move_vm(context: Context, args: Args) -> Iterator[Output]:
    """Move a VM to another host, running or not."""
    if "CompatibilityReport" in args:
        made = args["CompatibilityReport"].entity
        vms = [_of(context, made)]
    else:
        vms = list(_vms(context, args))
    for vm in vms:
        if "CompatibilityReport" not in args:
            made = migration.order(context, vm, args["DestinationHost"], _folder(args))
        yield from migration.move(context, vm, made)
        if args.get("Passthru"):
            yield Live(context.world, VIRTUAL_MACHINE, lookup.one_vm(context, vm))


@simulates(HANDLERS, "Move-VMStorage", VIRTUAL_MACHINE, "Name VM DestinationStoragePath")
def move_storage(context: Context, args: Args) -> Iterator[Output]:
    """Move the files of a VM below another folder, running or not."""
    for vm in _vms(context, args):
        yield from migration.move_storage(context, vm, args["DestinationStoragePath"])


def _folder(args: Args) -> str | None:
    folder = args.get("DestinationStoragePath")
    return str(folder) if folder is not None and args.get("IncludeStorage") else None


def _of(context: Context, made: migration.Order) -> Vm:
    vm = context.world.get(Vm, made.vm)
    if vm is None or vm.host != context.host.name:
        raise Problem("object-gone", kind="virtual machine")
    return vm


def _vms(context: Context, args: Args) -> Iterator[Vm]:
    """The VMs that are named; a planned one is not the VM that it is planned for."""
    given = args.get("VM")
    if isinstance(given, Live) and given.kind is PLANNED_VM:
        raise Problem("migration-state")
    for vm in lookup.vms(context, args):
        if vm.host != context.host.name:
            context.fail(Problem("object-gone", kind="virtual machine"))
        else:
            yield vm
