"""What all changing verbs do with a plan: print it or run it, write the outcomes, end in the right code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hvctl.models.base import Outcome
from hvctl.services.plan import Plan, foresee, run_plan

if TYPE_CHECKING:
    from hvctl.cli.context import Context
    from hvctl.powershell.batch import Batch


def carry_out(context: Context, plan: Plan, *, deadline: float | None = None) -> None:
    """Run a plan, or print it when this is a dry run.

    Args:
        context: The command.
        plan: What is to be done.
        deadline: Seconds for the whole batch; the command's time-out where none is given.

    Raises:
        UsageError: Outcomes have no column of that name; nothing was changed.
        HvctlError: Some or all objects failed; their outcomes are on stdout by then.
    """
    from hvctl.cli.output import check_columns

    check_columns(context.options, Outcome)
    session = context.session()
    if context.options.dry_run:
        done = foresee(session, plan)
        print_batch(context, plan.batch)
    else:
        done = run_plan(session, plan, timeout=deadline or context.timeout)
        for outcome in done.outcomes:
            if plan.batch.steps:
                context.log_change(session.host, outcome.name, outcome.outcome)
        context.write(done.outcomes, model=Outcome)
    error = done.error(plan.verb)
    if error is not None:
        raise error


def print_batch(context: Context, batch: Batch) -> None:
    """Print a batch to stdout as a dry run does: PowerShell text, or the batch itself as JSON or YAML."""
    from hvctl.cli.output import write_data
    from hvctl.output.streams import emit, printable_lines
    from hvctl.powershell.protocol import encode_step
    from hvctl.powershell.source import mask, render

    if context.options.output in ("json", "ndjson", "yaml"):
        write_data(context.options, {"steps": [encode_step(step) for step in mask(batch).steps]})
        return
    # A script saved without a byte-order mark is read in the ANSI code page, where a letter can turn into a quote.
    terminal = sys.stdout.isatty()
    text = render(batch, ascii_only=not terminal) if batch.steps else "# Nothing to do.\n"
    emit(printable_lines(text) if terminal else text, sys.stdout)
