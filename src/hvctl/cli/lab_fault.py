"""`lab fault add`, `list` and `clear`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command

if TYPE_CHECKING:
    from hvctl.lab.endpoint.faults import Rule
    from hvctl.models.lab import FaultRule

_DATA = ("output", "query", "columns", "sort", "color")


@command(shared=_DATA)
def add(
    context: Context,
    fault: Annotated[str, typer.Argument(metavar="KIND", help="What goes wrong.")],
    host_name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The lab's only host that it strikes; else every one.")
    ] = None,
    action: Annotated[
        str | None,
        typer.Option(metavar="ACTION", help="The only operation that it strikes, such as Send or Receive."),
    ] = None,
    times: Annotated[int | None, typer.Option(metavar="N", help="How often it strikes: once, but split 20 times.")] = (
        None
    ),
    after: Annotated[int, typer.Option(metavar="N", help="How many it lets pass before.")] = 0,
    seconds: Annotated[
        float | None, typer.Option(metavar="S", help="How long it takes: slow, close-idle, shell-lost-after.")
    ] = None,
) -> None:
    """Let something go wrong at the lab's WinRM endpoint.

    A connection: refuse, reset-handshake, close-idle. A request: stale, unauthorized, drop-reply, slow. An operation:
    busy, quota-shells, quota-operations, quota-requests, quota-users, shell-lost-before, shell-lost-after,
    timeout-delivered, timeout-undelivered. What a command prints: split, clixml, noise.

    The rule lies in the lab's world, and `hvctl lab serve` obeys it from the next request on. Where no --action is
    given, most strike a Send.

        hvctl lab fault add drop-reply --action Receive --after 1
    """
    from hvctl.hosts import lab_file
    from hvctl.lab.endpoint import faults

    rule = faults.rule(fault, host=host_name, action=action, times=times, after=after, seconds=seconds)
    context.write([_shown(faults.add(lab_file(), rule))], single=True)


@command(shared=_DATA)
def list_(context: Context) -> None:
    """List what is still to go wrong at the lab's endpoint.

    A rule that has struck as often as it was to is gone.

        hvctl lab fault list
    """
    from hvctl.hosts import lab_file
    from hvctl.lab.endpoint import faults
    from hvctl.models.lab import FaultRule

    context.write([_shown(rule) for rule in faults.rules(lab_file())], model=FaultRule)


@command(shared=_DATA)
def clear(context: Context) -> None:
    """Let nothing go wrong at the lab's endpoint any more.

    It writes the rules that it drops.

        hvctl lab fault clear
    """
    from hvctl.hosts import lab_file
    from hvctl.lab.endpoint import faults
    from hvctl.models.lab import FaultRule

    context.write([_shown(rule) for rule in faults.clear(lab_file())], model=FaultRule)


def _shown(rule: Rule) -> FaultRule:
    from hvctl.models.lab import FaultRule

    return FaultRule(
        id=str(rule.id),
        kind=rule.kind,
        host=rule.host,
        action=rule.action,
        times=rule.times,
        after=rule.after,
        seconds=rule.seconds,
    )
