"""What all changing verbs do with a plan: print it or run it, write the outcomes, end in the right code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hvctl.errors import CancelledError, OutcomeUnknownError
from hvctl.models.base import Outcome
from hvctl.services.plan import Done, Part, Plan, Prepared, foresee, run_plan, states_seen

if TYPE_CHECKING:
    from hvctl.cli.context import Context
    from hvctl.powershell.batch import Batch
    from hvctl.services.selection import Selection
    from hvctl.transports.session import Session


def carry_out(
    context: Context,
    chosen: Selection,
    prepare: Callable[[Session, Selection], Plan | Prepared],
    *,
    ask: str = "Delete",
) -> None:
    """Prepare a change of what was chosen, ask about what it loses, and run it; or print it when this is a dry run.

    Args:
        context: The command.
        chosen: What is to be changed.
        prepare: Makes the plan on a host; it only reads.
        ask: The verb of the question about losses.

    Raises:
        UsageError: Outcomes have no column of that name; nothing was changed.
        HvctlError: The answer was no; or some or all objects failed, and their outcomes are on stdout by then.
    """
    from hvctl.cli.output import check_columns

    check_columns(context.options, Outcome)
    shares = context.shares(chosen)
    if len(shares) > 1:
        from hvctl.cli.many import change

        change(context, shares, prepare, ask=ask)
        return
    session = context.session(shares[0].target)
    made = prepare(session, chosen)
    prepared = made if isinstance(made, Prepared) else Prepared(made)
    for sentence in prepared.notes:
        context.note(sentence)
    if prepared.losses and not context.options.dry_run:
        context.confirm(f"{ask} {', '.join(prepared.losses)} on {session.host}?")
    plan = prepared.plan
    if context.options.dry_run:
        done = foresee(session, plan)
        if plan.first is None:
            print_batch(context, plan.batch)
        else:
            print_batches(context, {plan.first.session.host: plan.first.batch, session.host: plan.batch})
    else:
        context.require_log()
        done = logged_run(context, session, plan)
        context.write_done(done.outcomes, model=Outcome)
    error = done.error(plan.verb)
    if error is not None:
        raise error


@contextmanager
def logged(context: Context, host: str, object_name: str) -> Iterator[None]:
    """Leave a line in the log when what is done to an object fails, is cancelled, or ends nobody knows how."""
    context.require_log()
    try:
        yield
    except BaseException as error:
        context.log_change(host, object_name, _ending(error))
        raise


def logged_run(context: Context, session: Session, plan: Plan) -> Done:
    """Run a plan, and log what became of each object, whatever happens."""
    try:
        done = run_plan(session, plan, timeout=context.timeout)
    except BaseException as error:
        endings = {part.name: _ending_of(part, plan, error) for part in plan.parts}
        for name, ending in endings.items():
            context.log_change(session.host, name, ending)
        finished = [f"'{name}'" for name, ending in endings.items() if ending == "changed"]
        if isinstance(error, CancelledError) and finished:
            raise CancelledError(f"{error.message} Done: {', '.join(finished)}.", host=error.host) from error
        raise
    for outcome in done.outcomes:
        if plan.batch.steps or outcome.outcome == "failed":
            context.log_change(session.host, outcome.name, outcome.outcome)
    return done


def _ending(error: BaseException) -> str:
    if isinstance(error, CancelledError | KeyboardInterrupt):
        return "cancelled"
    return "unknown" if isinstance(error, OutcomeUnknownError) else "failed"


def _ending_of(part: Part, plan: Plan, error: BaseException) -> str:
    """What became of an object whose batch did not come to its end."""
    if not part.steps:
        return "failed" if part.failure else "unchanged"
    if not isinstance(error, CancelledError) or error.seen is None or plan.after is None:
        return _ending(error)
    there = {key: record["State"] for key, record in states_seen(error.seen.get(plan.after, ())).items()}
    if part.goes:
        return "cancelled" if part.id in there else "changed"
    if part.wanted is None:
        # Its state tells nothing of a change that leaves the state as it is.
        return "unknown"
    return "changed" if there.get(part.id) == part.wanted else "cancelled"


def print_batch(context: Context, batch: Batch) -> None:
    """Print a batch to stdout as a dry run does: PowerShell text, or the batch itself as JSON or YAML."""
    from hvctl.cli.output import write_data

    if context.options.output in ("json", "ndjson", "yaml"):
        write_data(context.options, [{"steps": _encoded(batch)}], single=True)
    else:
        _emit(_source(batch))


def print_batches(context: Context, batches: Mapping[str, Batch]) -> None:
    """Print the batches of several hosts, each under its host's name."""
    from hvctl.cli.output import write_data

    if context.options.output in ("json", "ndjson", "yaml"):
        steps = [{"host": host, "steps": _encoded(batch)} for host, batch in batches.items()]
        write_data(context.options, steps, single=False)
    else:
        _emit("\n".join(f"# On {host}:\n{_source(batch)}" for host, batch in batches.items()))


def _encoded(batch: Batch) -> list[dict[str, object]]:
    from hvctl.powershell.protocol import encode_step
    from hvctl.powershell.source import mask

    return [encode_step(step) for step in mask(batch).steps]


def _source(batch: Batch) -> str:
    from hvctl.powershell.source import render

    # A script saved without a byte-order mark is read in the ANSI code page, where a letter can turn into a quote.
    return render(batch, ascii_only=not sys.stdout.isatty()) if batch.steps else "# Nothing to do.\n"


def _emit(text: str) -> None:
    from hvctl.output.streams import emit, printable_lines

    emit(printable_lines(text) if sys.stdout.isatty() else text, sys.stdout)
