"""`checkpoint create`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.cli.selecting import Everything, State, VmNames, selection
from hvctl.errors import UsageError

if TYPE_CHECKING:
    from hvctl.cli.shares import Share
    from hvctl.errors import HvctlError
    from hvctl.models.checkpoint import NewCheckpoint
    from hvctl.services.checkpoint.create import Creation
    from hvctl.services.selection import Selection
    from hvctl.transports.session import Session

    _Taken = tuple[Sequence[NewCheckpoint], Sequence[HvctlError]]

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
    from hvctl.cli.changing import print_batch
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

    shares = context.shares(chosen)
    if len(shares) > 1:
        _create_on_many(context, shares, prepare)
        return
    session = context.session(shares[0].target)
    creation = prepare(session, chosen)
    if context.options.dry_run:
        print_batch(context, creation.batch)
        _, refused = _foreseen(context, session, creation)
        _end(context, refused, _count(creation))
        return
    made, failures = _take(context, session, creation)
    context.write_done(made, single=chosen.is_one_literal and len(made) == 1, model=NewCheckpoint)
    _end(context, failures, len(made))


def _create_on_many(
    context: Context, shares: Sequence[Share], prepare: Callable[[Session, Selection], Creation]
) -> None:
    from hvctl.cli.changing import print_batches
    from hvctl.cli.many import in_two_steps
    from hvctl.models.checkpoint import NewCheckpoint

    dry_run = context.options.dry_run
    planned: list[int] = []

    def before(creations: Mapping[str, Creation]) -> None:
        planned.extend(map(_count, creations.values()))
        if dry_run:
            print_batches(context, {host: creation.batch for host, creation in creations.items()})

    def run(session: Session, creation: Creation) -> _Taken:
        return _foreseen(context, session, creation) if dry_run else _take(context, session, creation)

    done, failures = in_two_steps(context, shares, prepare, before, run)
    made = [each for taken, _ in done.values() for each in taken]
    failures += [failure for _, failed in done.values() for failure in failed]
    if not dry_run:
        context.write_done(made, model=NewCheckpoint)
    _end(context, failures, sum(planned) if dry_run else len(made))


def _take(context: Context, session: Session, creation: Creation) -> _Taken:
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
    return made, failed


def _foreseen(context: Context, session: Session, creation: Creation) -> _Taken:
    """What a dry run finds: nothing is made, and what would fail is known."""
    from hvctl.services.checkpoint.service import CheckpointService

    return (), CheckpointService(session, timeout=context.timeout).foresee(creation)


def _count(creation: Creation) -> int:
    """How many checkpoints would be taken."""
    return sum(len(takings) for _, takings in creation.groups)


def _end(context: Context, failures: Sequence[HvctlError], good: int) -> None:
    from hvctl.services.plan import summed

    error = summed(context.name, failures, good=good)
    if error is not None:
        raise error
