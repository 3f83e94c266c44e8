"""Get-VMSnapshot, in a lab whose VMs have no checkpoints yet."""

from __future__ import annotations

from collections.abc import Iterator

from hvctl.lab import lookup
from hvctl.lab.context import Args, Context, Handlers, Output, simulates
from hvctl.lab.entities import Vm
from hvctl.lab.kinds.vm import SNAPSHOT
from hvctl.lab.problems import Problem

HANDLERS: Handlers = {}


@simulates(HANDLERS, "Get-VMSnapshot", SNAPSHOT, "VMName VM Name SnapshotType")
def get_snapshot(context: Context, args: Args) -> Iterator[Output]:
    """Nothing for each VM that exists; an error for a name that is no pattern."""

    def get(_vm: Vm) -> Iterator[Output]:
        name = args.get("Name")
        if name is not None and not lookup.has_wildcards(name):
            raise Problem("snapshot-missing")
        yield from ()

    yield from context.each(lookup.vms(context, args if "VM" in args else {"VMName": args["VMName"]}), get)
