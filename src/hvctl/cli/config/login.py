"""`config login` and `config logout`: a host's password in the platform's key store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.config.entries import DATA
from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.errors import ConsentError, UsageError

if TYPE_CHECKING:
    from hvctl.config import Configuration
    from hvctl.config.edit import Document

_Host = Annotated[str, typer.Argument(metavar="HOST", help="A configured host.")]


@command(shared=DATA)
def login(
    context: Context,
    host: _Host,
    piped: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from stdin instead of asking for it.")
    ] = False,
) -> None:
    """Put the password of a host's user into the platform's key store.

    It asks for it on a terminal. Only the key store has it; the configuration says no more than that it is there. The
    host is not contacted, so a wrong password shows later.

        hvctl config login hv01
    """
    from hvctl import credentials
    from hvctl.cli.config.entries import one_host
    from hvctl.cli.output import check_columns
    from hvctl.config import load
    from hvctl.config.edit import change, set_host
    from hvctl.models.config import EntryOutcome

    check_columns(context.options, EntryOutcome)
    entry = one_host(load(), host)
    user = entry.user
    if user is None:
        raise UsageError(
            f"The configuration does not say who logs in to '{entry.name}'.",
            hint=f"Say it first: hvctl config host set {entry.name} --user USER",
        )
    if piped:
        secret = credentials.read_stdin()
    elif credentials.can_ask():
        secret = credentials.ask(user, entry.name)
    else:
        raise ConsentError("There is no terminal to ask for the password on.", hint="Pipe it in: --password-stdin.")
    credentials.store(entry.name, user, secret)

    def apply(document: Document, configuration: Configuration) -> None:
        set_host(document, one_host(configuration, host).name, {"keyring": True})

    change(apply)
    context.note(f"The password of {user} on {entry.name} is in the key store.")
    context.write_done([EntryOutcome(name=entry.name, outcome="changed")], model=EntryOutcome)


@command(shared=DATA)
def logout(context: Context, host: _Host) -> None:
    """Take the password of a host's user out of the platform's key store.

    hvctl config logout hv01
    """
    from hvctl import credentials
    from hvctl.cli.config.entries import one_host
    from hvctl.cli.output import check_columns
    from hvctl.config import load
    from hvctl.config.edit import change, set_host
    from hvctl.models.config import EntryOutcome

    check_columns(context.options, EntryOutcome)
    entry = one_host(load(), host)
    if not entry.keyring:
        context.note(f"The key store has no password for '{entry.name}'; nothing was changed.")
        context.write([EntryOutcome(name=entry.name, outcome="unchanged")], model=EntryOutcome)
        return
    if entry.user is not None:
        credentials.forget(entry.name, entry.user)

    def apply(document: Document, configuration: Configuration) -> None:
        set_host(document, one_host(configuration, host).name, {"keyring": None})

    change(apply)
    context.write_done([EntryOutcome(name=entry.name, outcome="changed")], model=EntryOutcome)
