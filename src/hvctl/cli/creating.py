"""What all verbs that make one thing do: plan it, show what is there already, print the plan, or make it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from hvctl.cli.changing import logged, print_batch
from hvctl.errors import ConflictError

if TYPE_CHECKING:
    from hvctl.cli.context import Context
    from hvctl.models.base import Model
    from hvctl.powershell.batch import Batch

P = TypeVar("P")
E = TypeVar("E", bound=ConflictError)


def _nothing(_: object) -> None:
    """There is nothing to say or to ask."""


@dataclass(frozen=True, slots=True)
class Making(Generic[P, E]):
    """How a noun's things are made.

    Attributes:
        name: What the thing is to be called; it stands in the log.
        plan: Plans it; it only reads.
        batch: The batch of a plan.
        foresee: Runs a plan's checks, as a dry run does.
        make: Makes what was planned.
        taken: The error of the plan where there is such a thing already.
        existing: What is there then, for `--exist-ok`.
        announce: Says what there is to say of a plan.
        ask: Asks what there is to ask before it runs.
    """

    name: str
    plan: Callable[[], P]
    batch: Callable[[P], Batch]
    foresee: Callable[[P], Any]
    make: Callable[[P], Model]
    taken: type[E]
    existing: Callable[[E], Model]
    announce: Callable[[P], None] = _nothing
    ask: Callable[[P], None] = _nothing


def create(context: Context, making: Making[P, E], *, exist_ok: bool) -> None:
    """Make one thing and write it; with `exist_ok` write what is there already; in a dry run print the plan.

    Raises:
        ConflictError: There is one already.
        HvctlError: It was not made; nothing of it is left, or what is left is named.
    """
    try:
        planned = making.plan()
    except making.taken as there:
        if not exist_ok:
            raise
        found = making.existing(there)
        context.note(f"'{there.object_name}' exists already; it was left as it is.")
        context.write_done([found], single=True)
        return
    making.announce(planned)
    if context.options.dry_run:
        print_batch(context, making.batch(planned))
        making.foresee(planned)
        return
    making.ask(planned)
    host = context.session().host
    with logged(context, host, making.name):
        made = making.make(planned)
    context.log_change(host, making.name, "changed")
    context.write_done([made], single=True)
