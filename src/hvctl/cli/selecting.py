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
    context: Context, names: Sequence[str] | None, *, state: str | None = None, everything: bool = False
) -> Selection:
    """The selection that the words of a command make; an address `HOST:NAME` chooses the host as well.

    Raises:
        UsageError: A state is unknown, stdin names nothing, or the names are on several hosts.
    """
    from hvctl.services.selection import Selection

    found: list[Name] = []
    for text in names or ():
        found += _from_stdin() if text == "-" else [_addressed(context, text)]
    if context.named_host is not None:
        _require_one_host(context, names or ())
    return Selection(tuple(found), _state_names(state), everything)


def one_name(context: Context, text: str) -> Selection:
    """The selection of one name that stands for exactly one object: never a pattern."""
    from hvctl.services.selection import Name, Selection

    return Selection((Name(_addressed(context, text).text, literal=True),))


def new_name(context: Context, text: str) -> str:
    """The name of something that is to be made; an address chooses the host, as it does for what is there."""
    return _addressed(context, text).text if text else text


def _addressed(context: Context, text: str) -> Name:
    from hvctl.hosts import split_address
    from hvctl.services.selection import Name

    host, name = split_address(text)
    if not name:
        raise UsageError("A name is empty.")
    if host is not None:
        already = context.named_host or context.options.host
        if already is not None and already.lower() != host.lower():
            raise UsageError(f"'{text}' is on {host}, and the command is on {already}.", hint="One host a command.")
        context.named_host = host
    return Name(name)


def _require_one_host(context: Context, names: Sequence[str]) -> None:
    """Make sure that a name without a host, which means the chosen one, is not led astray by an address beside it."""
    from hvctl.hosts import choose, split_address

    plain = next((text for text in names if split_address(text)[0] is None), None)
    if plain is None:
        return
    try:
        chosen = choose(context.options.host).name
    except UsageError:
        chosen = "no host"
    if chosen != context.named_host:
        raise UsageError(
            f"'{plain}' is on {chosen}, and another name is on {context.named_host}.", hint="One host a command."
        )


def _from_stdin() -> Iterator[Name]:
    from hvctl.services.selection import Name

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
