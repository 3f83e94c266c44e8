"""A command on many hosts: each one's share of the work, and what became of all of it together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from hvctl.cli.changing import logged_run, print_batches
from hvctl.cli.shares import Share
from hvctl.errors import (
    AccessError,
    CancelledError,
    HvctlError,
    NotFoundError,
    TimedOutError,
    UnreachableError,
    UnsupportedError,
)
from hvctl.models.base import Outcome
from hvctl.services.plan import Plan, Prepared, foresee, make_plan, summed
from hvctl.services.selection import ElsewhereError
from hvctl.transports import fleet

if TYPE_CHECKING:
    from hvctl.cli.context import Context
    from hvctl.hosts import Target
    from hvctl.models.base import Model
    from hvctl.services.plan import Done
    from hvctl.services.selection import Selection
    from hvctl.transports.fleet import Interrupts
    from hvctl.transports.session import Session

M = TypeVar("M", bound="Model")
P = TypeVar("P")
R = TypeVar("R")

_OF_THE_HOST = (AccessError, TimedOutError, UnreachableError, UnsupportedError)
"""What is wrong with one host and none of the others' business; all else is wrong with what was asked for."""


def read(
    context: Context,
    shares: Sequence[Share],
    work: Callable[[Session, Selection], Sequence[M]],
    *,
    model: type[M],
    failed: Callable[[str, HvctlError], M] | None = None,
) -> None:
    """Write what the hosts' shares are found to be, as it comes where the format is one of lines.

    Args:
        context: The command.
        shares: The hosts.
        work: Reads one host's.
        model: What the items are.
        failed: Makes the item that stands for a host that failed; without it there is none.

    Raises:
        NotFoundError: A name was found on none of the hosts.
        HvctlError: Some or all hosts failed; what the others have is on stdout by then.
    """

    def look(share: Share, interrupts: Interrupts) -> Sequence[M]:
        with context.open(share.target, interrupts) as session:
            return work(session, share.chosen)

    found: dict[str, Sequence[M]] = {}
    failures: dict[str, HvctlError] = {}
    streams = context.writes_lines
    for share, answer in each(context, shares, look):
        name, items = share.target.name, answer
        if isinstance(items, ElsewhereError):
            continue
        if isinstance(items, HvctlError):
            failures[name] = items
            items = [failed(name, items)] if failed else ()
        found[name] = () if streams else items
        if streams and items:
            context.write(items, model=model)
    if not streams:
        context.write([item for name in _names(shares) for item in found.get(name, ())], model=model)
    _require_found(shares, failures)
    error = summed(context.name, _in_order(shares, failures), good=len(found) - len(failures))
    if error is not None:
        raise error


def gather(
    context: Context, shares: Sequence[Share], work: Callable[[Session, Selection], R]
) -> tuple[dict[str, R], list[HvctlError]]:
    """What the work on each host comes to, by the names of the hosts in their order, and why it failed on others.

    Raises:
        NotFoundError: A name was found on none of the hosts.
    """

    def look(share: Share, interrupts: Interrupts) -> R:
        with context.open(share.target, interrupts) as session:
            return work(session, share.chosen)

    found, failures = _sorted_out(shares, each(context, shares, look))
    _require_found(shares, failures)
    return found, _in_order(shares, failures)


def change(
    context: Context,
    shares: Sequence[Share],
    prepare: Callable[[Session, Selection], Plan | Prepared],
    *,
    ask: str,
) -> None:
    """Prepare a change on all hosts, ask once about everything that it loses, and run it; or print it in a dry run.

    Raises:
        NotFoundError: A name was found on none of the hosts; nothing was changed.
        HvctlError: Some or all failed; the outcomes are on stdout by then.
    """
    dry_run = context.options.dry_run

    def look(session: Session, chosen: Selection) -> Prepared:
        try:
            made = prepare(session, chosen)
        except ElsewhereError:
            made = make_plan(context.name, (), ())
        return made if isinstance(made, Prepared) else Prepared(made)

    def before(prepared: Mapping[str, Prepared]) -> None:
        _tell(context, prepared, ask)
        if dry_run:
            print_batches(context, {name: each.plan.batch for name, each in prepared.items()})

    def run(session: Session, prepared: Prepared) -> Done:
        return foresee(session, prepared.plan) if dry_run else logged_run(context, session, prepared.plan)

    dones, failures = in_two_steps(context, shares, look, before, run)
    if not dry_run:
        context.write_done([outcome for done in dones.values() for outcome in done.outcomes], model=Outcome)
    failures += [failure for done in dones.values() for failure in done.failures]
    good = sum(len(done.outcomes) - len(done.failures) for done in dones.values())
    error = summed(context.name, failures, good=good)
    if error is not None:
        raise error


def in_two_steps(
    context: Context,
    shares: Sequence[Share],
    prepare: Callable[[Session, Selection], P],
    before: Callable[[Mapping[str, P]], None],
    run: Callable[[Session, P], R],
) -> tuple[dict[str, R], list[HvctlError]]:
    """Prepare something on all hosts, then do it on those where that was possible.

    Args:
        context: The command.
        shares: The hosts.
        prepare: Makes out what is to be done on one; it only reads.
        before: Called once with all of that, by the names of the hosts, before anything is done.
        run: Does it on one.

    Returns:
        What it came to, by the names of the hosts in their order, and why it failed on others.

    Raises:
        NotFoundError: A name was found on none of the hosts; nothing was done.
        HvctlError: What was asked for cannot be done on one of them; nothing was done.
    """
    interrupts = fleet.Interrupts()
    with ExitStack() as sessions:
        opened = {name: sessions.enter_context(context.open(target, interrupts)) for name, target in _targets(shares)}
        prepared, away = _prepare(context, shares, opened, prepare, interrupts)
        before(prepared)
        if not context.options.dry_run:
            context.require_log()

        def work(share: Share, _: Interrupts) -> R:
            return run(opened[share.target.name], prepared[share.target.name])

        ready = [share for share in shares if share.target.name in prepared]
        answers = each(context, ready, work, interrupts, known=True)
        done, failures = _sorted_out(shares, answers, ending=" Done: {}.")
    return done, _in_order(shares, away | failures)


def _prepare(
    context: Context,
    shares: Sequence[Share],
    opened: dict[str, Session],
    prepare: Callable[[Session, Selection], P],
    interrupts: Interrupts,
) -> tuple[dict[str, P], dict[str, HvctlError]]:
    """What is to be done on each host, and why it cannot be known on others."""

    def work(share: Share, _: Interrupts) -> P:
        return prepare(opened[share.target.name], share.chosen)

    def checked() -> Iterator[tuple[Share, P | HvctlError]]:
        for share, answer in each(context, shares, work, interrupts):
            if isinstance(answer, HvctlError) and not isinstance(answer, _OF_THE_HOST):
                raise answer
            yield share, answer

    prepared, failures = _sorted_out(shares, checked())
    _require_found(shares, failures)
    return prepared, failures


def _sorted_out(
    shares: Sequence[Share], answers: Iterable[tuple[Share, R | HvctlError]], *, ending: str = ""
) -> tuple[dict[str, R], dict[str, HvctlError]]:
    """Answers in the order of the hosts, and failures; an interrupt tells of both, of answers as `ending` has it."""
    found: dict[str, R] = {}
    failures: dict[str, HvctlError] = {}
    try:
        for share, answer in answers:
            if isinstance(answer, HvctlError):
                failures[share.target.name] = answer
            else:
                found[share.target.name] = answer
    except CancelledError as error:
        error.errors = tuple(_in_order(shares, failures))
        error.message += ending.format(", ".join(name for name in _names(shares) if name in found)) if found else ""
        raise
    return {name: found[name] for name in _names(shares) if name in found}, failures


def each(
    context: Context,
    shares: Sequence[Share],
    work: Callable[[Share, Interrupts], R],
    interrupts: Interrupts | None = None,
    *,
    known: bool = False,
) -> Iterator[tuple[Share, R | HvctlError]]:
    """The answers of the hosts as they come; failures say whose they are. Hosts that are `known` are there."""
    from hvctl.hosts import require_reachable

    def check(share: Share) -> None:
        require_reachable(share.target)

    context.find_passwords(share.target for share in shares)
    if any(share.target.kind != "lab" for share in shares):
        context.require_log()
    if shares:
        context.show_hosts(0, len(shares))
    answers = fleet.run(shares, work, workers=context.workers, check=None if known else check, interrupts=interrupts)
    for number, (share, answer) in enumerate(answers, start=1):
        context.show_hosts(number, len(shares))
        if isinstance(answer, HvctlError):
            answer.host = answer.host or share.target.name
        yield share, answer


def _tell(context: Context, prepared: Mapping[str, Prepared], ask: str) -> None:
    losses = []
    for name, each in prepared.items():
        for sentence in each.notes:
            context.note(f"{name}: {sentence}")
        if each.losses:
            losses.append(f"{', '.join(each.losses)} on {name}")
    if losses and not context.options.dry_run:
        context.confirm(f"{ask} {'; '.join(losses)}?")


def _require_found(shares: Sequence[Share], failures: dict[str, HvctlError]) -> None:
    """Make sure that each name was found; a host that failed may have it, and is named as well.

    Raises:
        NotFoundError: Some were not.
    """
    names = {id(name): name for share in shares for name in share.chosen.every_name}
    try:
        replace(shares[0].chosen, names=tuple(names.values()), owners=()).require_found()
    except NotFoundError as error:
        error.errors = tuple(_in_order(shares, failures))
        raise


def _in_order(shares: Sequence[Share], failures: dict[str, HvctlError]) -> list[HvctlError]:
    """The failures in the order of the hosts, whichever came first."""
    return [failures[name] for name in _names(shares) if name in failures]


def _names(shares: Sequence[Share]) -> list[str]:
    return [share.target.name for share in shares]


def _targets(shares: Sequence[Share]) -> Iterator[tuple[str, Target]]:
    for share in shares:
        yield share.target.name, share.target
