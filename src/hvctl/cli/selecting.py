"""Words on the command line, or lines on stdin, become a selection."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.errors import UsageError

if TYPE_CHECKING:
    from hvctl.cli.context import Context
    from hvctl.services.selection import Name, Selection


_NAMES_HELP = "Names, ids or patterns; - reads names from stdin."
VmNames = Annotated[list[str] | None, typer.Argument(metavar="VM", help=_NAMES_HELP, show_default=False)]
VmNameArgument = Annotated[str, typer.Argument(metavar="VM", help="A name or an id.")]
SwitchNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="SWITCH", help=_NAMES_HELP, show_default=False),
]
State = Annotated[
    str | None,
    typer.Option(metavar="STATE", help="Only those in this state, or in one of A,B."),
]
Everything = Annotated[bool, typer.Option("--all", help="All of them.")]


def selection(
    context: Context,
    names: Sequence[str] | None,
    *,
    state: str | None = None,
    everything: bool = False,
    owners: Sequence[str] | None = None,
) -> Selection:
    """The selection that the words of a command make; an address `HOST:NAME` is a name on that host alone.

    A command that only reads needs no more than that to contact its host, and begins at once.

    Raises:
        UsageError: A state is unknown, stdin names nothing, or an address is on none of the command's hosts.
    """
    from hvctl.services.selection import Selection

    found: list[Name] = []
    for text in names or ():
        found += _from_stdin(context) if text == "-" else [_addressed(context, text)]
    having = tuple(_addressed(context, text) for text in owners or ())
    chosen = Selection(tuple(found), _state_names(state), everything, having)
    if not context.changes:
        context.begin(chosen)
    return chosen


def one_name(context: Context, text: str) -> Selection:
    """The selection of one name that stands for exactly one object: never a pattern."""
    from hvctl.services.selection import Name, Selection

    name = _addressed(context, text)
    return Selection((Name(name.text, literal=True, host=name.host),))


def part_names(context: Context, texts: Sequence[str] | None, *, literal: bool = False) -> tuple[Name, ...]:
    """The names of parts of something that is named itself: a colon in one says nothing of a host.

    Raises:
        UsageError: One is empty, or stdin names nothing.
    """
    from hvctl.services.selection import Name

    found: list[Name] = []
    for text in texts or ():
        if not text:
            raise UsageError("A name is empty.")
        found += _from_stdin(context) if text == "-" and not literal else [Name(text, literal=literal)]
    return tuple(found)


def new_name(context: Context, text: str) -> str:
    """The name of something that is to be made; an address chooses the host, as it does for what is there."""
    if not text:
        return text
    name = _addressed(context, text)
    if name.host is not None:
        context.named_host = name.host
    return name.text


def _addressed(context: Context, text: str) -> Name:
    from hvctl.hosts import split_address
    from hvctl.services.selection import Name

    host, name = split_address(text, context.options.host or ())
    if not name:
        raise UsageError("A name is empty.")
    if host is not None and (context.options.host or context.options.all_hosts):
        named = [target.name for target in context.targets()]
        if host not in named:
            raise UsageError(f"'{text}' is on {host}, and the command is on {', '.join(named)}.")
    return Name(name, host=host)


def _from_stdin(context: Context) -> Iterator[Name]:
    from hvctl.services.selection import Name

    if context.options.password_stdin:
        raise UsageError("Standard input cannot hold both the password and the names.")
    text = sys.stdin.buffer.read().decode("utf-8-sig", "surrogateescape")
    names = [line.rstrip("\r") for line in text.split("\n")]
    names = [name for name in names if name.strip()]
    if not names:
        raise UsageError("stdin named nothing.", hint="Pipe names or ids, one a line: hvctl vm list -o name | …")
    return iter([Name(name, literal=True) for name in names])


def _state_names(state: str | None) -> frozenset[str]:
    if state is None:
        return frozenset()
    from hvctl.models.vm import STATES

    known = {name.lower() for name in STATES}
    wanted = [part.strip().lower() for part in state.split(",") if part.strip()]
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise UsageError(
            f"'{unknown[0] if unknown else state}' is not a state.",
            hint="States are Running, Off, Saved, Paused, and the passing ones such as Starting.",
        )
    return frozenset(wanted)
