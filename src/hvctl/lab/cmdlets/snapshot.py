"""Checkpoint-VM, and Get-, Restore-, Rename- and Remove-VMSnapshot."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from hvctl.lab import checkpoints, lookup, power
from hvctl.lab.context import Args, Context, Handlers, Output, simulates
from hvctl.lab.entities import Snapshot, Vm
from hvctl.lab.kinds.snapshot import SNAPSHOT
from hvctl.lab.kinds.vm import VIRTUAL_MACHINE
from hvctl.lab.live import Live
from hvctl.lab.problems import Problem

HANDLERS: Handlers = {}


@simulates(HANDLERS, "Checkpoint-VM", SNAPSHOT, "Name VM SnapshotName Passthru")
def checkpoint_vm(context: Context, args: Args) -> Iterator[Output]:
    """Take a checkpoint of VMs; without a name it is called after the VM and the time."""

    def take(vm: Vm) -> Iterator[Output]:
        name = _checked(args["SnapshotName"]) if "SnapshotName" in args else _usual_name(context, vm)
        snapshot = checkpoints.take(context, vm, name)
        if args.get("Passthru"):
            yield Live(context.world, SNAPSHOT, snapshot)

    yield from context.each(lookup.vms(context, args), take)


def _usual_name(context: Context, vm: Vm) -> str:
    now = time.gmtime(context.world.now())
    return f"{vm.name} - ({now.tm_mon}/{now.tm_mday}/{now.tm_year} - {time.strftime('%I:%M:%S %p', now)})"


def _checked(name: str | None) -> str:
    if not name or len(name) > checkpoints.LONGEST_NAME:
        raise Problem("snapshot-name")
    return name


@simulates(HANDLERS, "Get-VMSnapshot", SNAPSHOT, "VMName VM Name SnapshotType")
def get_snapshot(context: Context, args: Args) -> Iterator[Output]:
    """The checkpoints of VMs, oldest first; a name that is no pattern and fits none is an error."""

    def get(vm: Vm) -> Iterator[Output]:
        found = sorted(context.world.find(Snapshot, vm=vm.id), key=lambda each: each.created)
        name, kind = args.get("Name"), args.get("SnapshotType")
        if name is not None:
            found = [each for each in found if lookup.matches(name, each.name)]
            if not found and not lookup.has_wildcards(name):
                raise Problem("snapshot-missing")
        for snapshot in found:
            if kind in (None, snapshot.type):
                yield Live(context.world, SNAPSHOT, snapshot)

    yield from context.each(_vms(context, args), get)


@simulates(HANDLERS, "Restore-VMSnapshot", SNAPSHOT, "Name VMName VM VMSnapshot Passthru")
def restore_snapshot(context: Context, args: Args) -> Iterator[Output]:
    """Bring a VM back to a checkpoint; one that ran and has memory in it runs on."""
    if args.get("Confirm") is not False:
        raise Problem("prompt")

    def restore(snapshot: Snapshot) -> Iterator[Output]:
        was = context.world.get(Vm, snapshot.vm)
        vm = checkpoints.restore(context, snapshot)
        ran = was is not None and was.state == "Running"
        if ran and vm.state == "Saved" and context.world.setting("restore_restarts"):
            power.power_on(context, vm)
        if args.get("Passthru"):
            yield Live(context.world, SNAPSHOT, snapshot)

    yield from context.each([_one(context, args)], restore)


@simulates(HANDLERS, "Rename-VMSnapshot", SNAPSHOT, "Name VMName VM VMSnapshot NewName Passthru")
def rename_snapshot(context: Context, args: Args) -> Iterator[Output]:
    """Give a checkpoint another name, which others may have."""

    def rename(snapshot: Snapshot) -> Iterator[Output]:
        snapshot.name = _checked(args["NewName"])
        context.world.save(snapshot)
        if args.get("Passthru"):
            yield Live(context.world, SNAPSHOT, snapshot)

    yield from context.each([_one(context, args)], rename)


@simulates(
    HANDLERS, "Remove-VMSnapshot", VIRTUAL_MACHINE, "Name VMName VM VMSnapshot IncludeAllChildSnapshots Passthru"
)
def remove_snapshot(context: Context, args: Args) -> Iterator[Output]:
    """Delete checkpoints, with all that descend from them if asked to; a name that fits none is no error."""

    def remove(snapshot: Snapshot) -> Iterator[Output]:
        vm = context.world.get(Vm, snapshot.vm)
        if vm is None:
            raise Problem("object-gone", kind="virtual machine")
        tree = checkpoints.below(context.world, snapshot) if args.get("IncludeAllChildSnapshots") else [snapshot]
        checkpoints.remove(context.world, vm, tree)
        if args.get("Passthru"):
            yield Live(context.world, VIRTUAL_MACHINE, vm)

    yield from context.each(list(_meant(context, args)), remove)


def _vms(context: Context, args: Args) -> Iterator[Vm]:
    return lookup.vms(context, {name: args[name] for name in ("VM", "VMName") if name in args})


def _meant(context: Context, args: Args) -> Iterator[Snapshot]:
    """The checkpoints that -VMSnapshot, or a VM and -Name, name; all of a VM without a name."""
    if "VMSnapshot" in args:
        yield from _objects(context, args["VMSnapshot"])
        return
    names = args.get("Name")
    patterns = names if isinstance(names, list) else ["*"] if names is None else [names]
    for vm in _vms(context, args):
        for snapshot in context.world.find(Snapshot, vm=vm.id):
            if any(lookup.matches(pattern, snapshot.name) for pattern in patterns):
                yield snapshot


def _objects(context: Context, given: Live | list[Live]) -> Iterable[Snapshot]:
    for live in given if isinstance(given, list) else [given]:
        snapshot = context.world.get(Snapshot, live.entity.id)
        if snapshot is None:
            context.fail(Problem("object-gone", kind="checkpoint"))
        else:
            yield snapshot


def _one(context: Context, args: Args) -> Snapshot:
    found = list(_meant(context, args))
    if not found:
        raise Problem("snapshot-missing")
    if len(found) > 1:
        raise Problem("snapshot-ambiguous")
    return found[0]
