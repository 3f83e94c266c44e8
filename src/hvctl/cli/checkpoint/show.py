"""`checkpoint list`, `tree` and `show`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.cli.selecting import State, VmNameArgument, VmNames, part_names, selection

if TYPE_CHECKING:
    from hvctl.errors import HvctlError
    from hvctl.models.checkpoint import Checkpoint, CheckpointNode, CheckpointSummary
    from hvctl.output.trees import Branch
    from hvctl.services.checkpoint.read import VmPosition
    from hvctl.services.selection import Selection
    from hvctl.transports.session import Session

CheckpointNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="CHECKPOINT", help="Names, ids or patterns; - reads names from stdin.", show_default=False),
]


@command()
def list_(context: Context, names: VmNames = None, state: State = None) -> None:
    """List the checkpoints of virtual machines.

    Without names, those of all machines of the host are listed. STATE is the one after a restore: Saved where the
    machine's memory is in the checkpoint, else Off.

        hvctl checkpoint list 'web*' -o json
    """
    chosen = selection(context, names, state=state)
    from hvctl.models.checkpoint import CheckpointSummary
    from hvctl.services.checkpoint.service import CheckpointService

    def work(session: Session, share: Selection) -> Sequence[CheckpointSummary]:
        return CheckpointService(session, timeout=context.timeout).list(share)

    context.read(chosen, work, model=CheckpointSummary)


@command()
def tree(context: Context, names: VmNames = None, state: State = None) -> None:
    """Draw the trees of checkpoints and where each machine is.

    In other formats than a table it is a list, with parent_id and current.

        hvctl checkpoint tree web1
    """
    chosen = selection(context, names, state=state)
    from hvctl.models.checkpoint import CheckpointNode
    from hvctl.services.checkpoint.service import CheckpointService

    options = context.options
    if options.output in (None, "table") and not (options.query or options.columns or options.sort):
        _draw(context, chosen)
        return

    def work(session: Session, share: Selection) -> Sequence[CheckpointNode]:
        return CheckpointService(session, timeout=context.timeout).tree(share)[1]

    context.read(chosen, work, model=CheckpointNode)


@command()
def show(context: Context, vm: VmNameArgument, names: CheckpointNames = None) -> None:
    """Show everything about checkpoints of a virtual machine.

    Without names, all of them; one literal name gives one object.

        hvctl checkpoint show web1 'before the update'
    """
    from hvctl.models.checkpoint import Checkpoint
    from hvctl.services.checkpoint.service import CheckpointService
    from hvctl.services.selection import Selection

    wanted = Selection(part_names(context, names))

    def work(session: Session, share: Selection) -> Sequence[Checkpoint]:
        return CheckpointService(session, timeout=context.timeout).show(share, wanted)

    context.read(selection(context, [vm]), work, model=Checkpoint, single=wanted.is_one_literal)


def _draw(context: Context, chosen: Selection) -> None:
    from hvctl.cli.many import gather
    from hvctl.output.streams import emit, printable
    from hvctl.output.trees import draw
    from hvctl.services.checkpoint.service import CheckpointService
    from hvctl.services.plan import summed

    def work(session: Session, share: Selection) -> tuple[Sequence[VmPosition], Sequence[CheckpointNode]]:
        return CheckpointService(session, timeout=context.timeout).tree(share)

    shares = context.shares(chosen)
    failures: list[HvctlError] = []
    if len(shares) == 1:
        found = {shares[0].target.name: work(context.session(shares[0].target), chosen)}
    else:
        found, failures = gather(context, shares, work)
    now = datetime.now(UTC)
    for name, (machines, nodes) in found.items():
        for machine in machines:
            own = [node for node in nodes if node.vm_id == machine.id]
            host = f" on {name}" if len(shares) > 1 else ""
            for line in draw(_tree(machine, own, host, now)):
                emit(f"{printable(line)}\n", sys.stdout)
    error = summed(context.name, failures, good=len(found))
    if error is not None:
        raise error


def _tree(machine: VmPosition, nodes: Sequence[CheckpointNode], host: str, now: datetime) -> Branch:
    from hvctl.output.trees import Branch

    here = Branch(f"you are here ({machine.state})")
    known = {node.id for node in nodes}

    def below(parent: str | None) -> list[Branch]:
        # A checkpoint whose parent is not to be seen is drawn at the root, not lost.
        children = [node for node in nodes if (node.parent_id if node.parent_id in known else None) == parent]
        branches = [Branch(_words(node, now), below(node.id)) for node in children]
        return [*branches, here] if machine.position == parent else branches

    roots = below(None)
    return Branch(f"{machine.name}{host}", roots if machine.position in (None, *known) else [*roots, here])


def _words(node: CheckpointNode, now: datetime) -> str:
    marks = [node.type or "?"]
    if node.automatic:
        marks.append("automatic")
    if node.has_memory:
        marks.append("with memory")
    if node.created is not None:
        marks += [f"{node.created:%Y-%m-%d %H:%M:%S}Z", f"{_age((now - node.created).total_seconds())} ago"]
    return f"{node.name} ({', '.join(marks)})"


def _age(seconds: float) -> str:
    """A duration in its largest unit; a clock that is ahead of this one's says 0 s."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"
