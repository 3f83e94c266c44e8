"""`checkpoint restore`, `rename` and `delete`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.checkpoint.show import CheckpointNames
from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.cli.selecting import VmNameArgument, one_name, part_names
from hvctl.errors import UsageError

if TYPE_CHECKING:
    from hvctl.models.checkpoint import CheckpointNode
    from hvctl.services.checkpoint.read import VmPosition
    from hvctl.services.checkpoint.service import CheckpointService
    from hvctl.services.plan import Plan, Prepared
    from hvctl.services.selection import Selection
    from hvctl.transports.session import Session

    Make = Callable[[CheckpointService, VmPosition, Sequence[CheckpointNode]], Plan | Prepared]

CheckpointNameArgument = Annotated[str, typer.Argument(metavar="CHECKPOINT", help="A name or an id.")]


@command(changes=True)
def restore(
    context: Context,
    vm: VmNameArgument,
    name: CheckpointNameArgument,
    checkpoint_first: Annotated[
        bool, typer.Option("--checkpoint-first", help="Keep the present state in a checkpoint; nothing is asked then.")
    ] = False,
    start: Annotated[bool, typer.Option("--start", help="Start it afterwards in any case.")] = False,
) -> None:
    """Bring a virtual machine back to a checkpoint.

    What it did since is lost, and so is its memory if it is on: that is asked first, and without a terminal --yes is
    needed. Afterwards it runs on if it ran and its memory is in the checkpoint; else it is off, or saved. Checkpoints
    that are based on the one it goes back to stay.

        hvctl checkpoint restore web1 'before the update'
    """
    from hvctl.services.checkpoint.restore import name_before, plan_restore

    if not checkpoint_first:
        context.require_consent("Restoring a checkpoint loses the present state")

    def make(service: CheckpointService, machine: VmPosition, every: Sequence[CheckpointNode]) -> Prepared:
        (target,) = service.select(machine, part_names(context, [name], literal=True), every)
        now = datetime.now()
        keep_as = name_before(target.name, f"{now:%Y-%m-%d %H:%M:%S}") if checkpoint_first else None
        return plan_restore(machine, target, every, keep_as=keep_as, start=start)

    _on_machine(context, vm, make, ask="Discard")


@command(changes=True)
def rename(
    context: Context,
    vm: VmNameArgument,
    name: CheckpointNameArgument,
    new_name: Annotated[str, typer.Argument(metavar="NEW", help="The new name; several may have the same.")],
) -> None:
    """Give a checkpoint another name.

    hvctl checkpoint rename web1 'web1 (2025-01-01 10:00:00)' 'clean install'
    """
    from hvctl.cli.checking import checked
    from hvctl.models.checkpoint import CheckpointRename
    from hvctl.services.checkpoint.delete import plan_rename

    spec = checked(CheckpointRename, {"new_name": new_name}, new_name="NEW")

    def make(service: CheckpointService, machine: VmPosition, every: Sequence[CheckpointNode]) -> Plan:
        (target,) = service.select(machine, part_names(context, [name], literal=True), every)
        return plan_rename(machine, target, spec.new_name)

    _on_machine(context, vm, make)


@command(changes=True)
def delete(
    context: Context,
    vm: VmNameArgument,
    names: CheckpointNames = None,
    everything: Annotated[bool, typer.Option("--all", help="All checkpoints of the machine.")] = False,
    subtree: Annotated[bool, typer.Option("--subtree", help="Those that are based on them too.")] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait until the disks are merged.")] = False,
) -> None:
    """Delete checkpoints of a virtual machine.

    Its present state stays as it is, and so do the checkpoints based on those that go. The host then merges disks,
    which is waited for; with --timeout for that long: it goes on all the same, and the exit code is 7. It asks first;
    without a terminal, --yes is needed.

        hvctl checkpoint delete web1 'web1 (2025*' --yes
    """
    from hvctl.services.checkpoint.delete import Waiting, plan_delete

    wanted = part_names(context, names)
    if bool(wanted) == everything:
        raise UsageError(
            "Names and --all contradict each other." if everything else "No checkpoint was named.",
            hint="Give names, patterns, - for names on stdin, or --all.",
        )
    context.require_consent("Deleting checkpoints loses data")
    waiting = Waiting(not no_wait, None if context.options.timeout is None else context.timeout)

    def make(service: CheckpointService, machine: VmPosition, every: Sequence[CheckpointNode]) -> Prepared:
        chosen = every if everything else service.select(machine, wanted, every)
        return plan_delete(machine, chosen, every, subtree=subtree or everything, waiting=waiting)

    _on_machine(context, vm, make)


def _on_machine(context: Context, vm: str, make: Make, *, ask: str = "Delete") -> None:
    """Carry out what is made of one machine and its checkpoints."""
    from hvctl.cli.changing import carry_out
    from hvctl.services.checkpoint.service import CheckpointService
    from hvctl.services.plan import make_plan

    def prepare(session: Session, share: Selection) -> Plan | Prepared:
        service = CheckpointService(session, timeout=context.timeout)
        found = service.of_vm(share)
        # Among several hosts, it is on another one.
        return make_plan(context.name, (), ()) if found is None else make(service, *found)

    carry_out(context, one_name(context, vm), prepare, ask=ask)
