"""`checkpoint create`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.cli.selecting import Everything, State, VmNames, selection
from hvctl.errors import UsageError

if TYPE_CHECKING:
    from hvctl.errors import HvctlError
    from hvctl.models.checkpoint import NewCheckpoint
    from hvctl.services.checkpoint.create import Creation
    from hvctl.services.selection import Selection
    from hvctl.transports.session import Session

TYPES = {"standard": "Standard", "production": "Production", "production-only": "ProductionOnly"}


@command(changes=True)
def create(
    context: Context,
    names: VmNames = None,
    state: State = None,
    everything: Everything = False,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Its name; {vm}, {date} and {time} are filled in.")
    ] = "{vm} ({date} {time})",
    wanted_type: Annotated[
        str | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="standard (with memory), production (the guest freezes its disks; else standard), production-only. "
            "If not given, what each machine is set to.",
        ),
    ] = None,
) -> None:
    """Take checkpoints of virtual machines.

    Where another type is asked for than a machine is set to, its setting is changed for this once. A production
    checkpoint that becomes a standard one, because the guest takes no part, is said to have done so.

        hvctl checkpoint create web1 --name 'before the update'
    """
    from hvctl.cli.checking import checked, given
    from hvctl.cli.output import check_columns
    from hvctl.models.checkpoint import CheckpointCreate, NewCheckpoint
    from hvctl.services.checkpoint.service import CheckpointService

    check_columns(context.options, NewCheckpoint)
    if wanted_type is not None and wanted_type.lower() not in TYPES:
        raise UsageError(f"--type: '{wanted_type}' is none of {', '.join(TYPES)}.")
    chosen = selection(context, names, state=state, everything=everything)
    chosen.require_something()
    spec = checked(CheckpointCreate, given(name=name, type=TYPES[wanted_type.lower()] if wanted_type else None))
    now = datetime.now()

    def prepare(session: Session, share: Selection) -> Creation:
        return CheckpointService(session, timeout=context.timeout).plan_create(share, spec, now)

    from hvctl.cli.checkpoint.hosts import on_each_host

    found, failures = on_each_host(context, chosen, prepare)
    if context.options.dry_run:
        _foresee(context, found, failures)
        return
    made: list[NewCheckpoint] = []
    for session, creation in found:
        taken, failed = _take(context, session, creation)
        made += taken
        failures += failed
    context.write_done(made, single=chosen.is_one_literal and len(made) == 1, model=NewCheckpoint)
    _end(context, failures, len(made))


def _take(context: Context, session: Session, creation: Creation) -> tuple[list[NewCheckpoint], list[HvctlError]]:
    from hvctl.cli.changing import logged
    from hvctl.services.checkpoint.service import CheckpointService

    names = ", ".join(taking.vm.name for _, takings in creation.groups for taking in takings)
    with logged(context, session.host, names):
        made, failed = CheckpointService(session, timeout=context.timeout).create(creation)
    for each in made:
        context.log_change(session.host, each.vm, f"changed: {each.name}")
        if each.fell_back:
            context.note(
                f"'{each.vm}': the guest took no part in a production checkpoint; it became a standard one, with the "
                "memory in it."
            )
    for failure in failed:
        context.log_change(session.host, failure.object_name or names, "failed")
    return list(made), list(failed)


def _foresee(context: Context, found: list[tuple[Session, Creation]], failures: list[HvctlError]) -> None:
    from hvctl.cli.changing import print_batch, print_batches
    from hvctl.services.checkpoint.service import CheckpointService

    good = 0
    for session, creation in found:
        failures += CheckpointService(session, timeout=context.timeout).foresee(creation)
        good += len(creation.groups)
    if len(found) == 1:
        print_batch(context, found[0][1].batch)
    else:
        print_batches(context, {session.host: creation.batch for session, creation in found})
    _end(context, failures, good)


def _end(context: Context, failures: list[HvctlError], good: int) -> None:
    from hvctl.services.plan import summed

    error = summed(context.name, failures, good=good)
    if error is not None:
        raise error
