"""`config group add`, `remove` and `list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.config.entries import DATA
from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.errors import NotFoundError

if TYPE_CHECKING:
    from hvctl.config import Configuration
    from hvctl.config.edit import Document
    from hvctl.models.config import HostGroup

_Group = Annotated[str, typer.Argument(metavar="GROUP", help="The group's name; @GROUP is the same.")]


@command(shared=DATA)
def add(
    context: Context,
    group: _Group,
    hosts: Annotated[list[str], typer.Argument(metavar="HOST", help="Configured hosts, or lab/NAME.")],
) -> None:
    """Put hosts into a group, which is made if it is not there.

    hvctl config group add prod hv01 hv02
    """
    from hvctl.cli.config.entries import new_entry, spelled
    from hvctl.cli.output import check_columns
    from hvctl.config.edit import add_members, change
    from hvctl.models.config import HostGroup

    check_columns(context.options, HostGroup)
    name = new_entry("group", group.removeprefix("@"))

    def apply(document: Document, configuration: Configuration) -> None:
        add_members(document, name, [spelled(configuration, host) for host in hosts])

    done = change(apply)
    if not done.is_one:
        context.note(f"All of them are in '{name}' already; nothing was changed.")
    context.write_done([_shown(done.after, name)], single=True)


@command(shared=DATA)
def remove(
    context: Context,
    group: _Group,
    hosts: Annotated[
        list[str] | None, typer.Argument(metavar="HOST", help="The hosts to take out; the whole group if none.")
    ] = None,
    missing_ok: Annotated[bool, typer.Option("--missing-ok", help="It is fine if it is not there.")] = False,
) -> None:
    """Take hosts out of a group, or take the group away; the hosts stay.

    hvctl config group remove prod hv02
    """
    from hvctl.cli.config.entries import meant
    from hvctl.cli.output import check_columns
    from hvctl.config.edit import change, remove_group, remove_members
    from hvctl.models.config import EntryOutcome

    check_columns(context.options, EntryOutcome)
    found: list[str] = []

    def apply(document: Document, configuration: Configuration) -> None:
        found[:] = meant("group", [group.removeprefix("@")], configuration.groups, missing_ok=missing_ok)[:1]
        for name in found:
            if hosts:
                remove_members(document, name, _members(configuration, name, hosts, missing_ok=missing_ok))
            else:
                remove_group(document, name)

    done = change(apply)
    outcome = "changed" if done.is_one else "unchanged"
    also = ("default",) if done.before.default != done.after.default else ()
    if also:
        context.note("It was the default: there is none now. To choose one: hvctl config default HOST")
    for name in found:
        if done.after.group(name) == ():
            context.note(f"'{name}' is empty now. To take it away: hvctl config group remove {name}")
    context.write_done(
        [EntryOutcome.model_validate({"name": name, "outcome": outcome, "also": also}) for name in found],
        model=EntryOutcome,
    )


@command(shared=DATA)
def list_(context: Context) -> None:
    """List the groups and the hosts that are in them.

    hvctl config group list
    """
    from hvctl.config import load
    from hvctl.models.config import HostGroup

    configuration = load()
    context.write([_shown(configuration, name) for name in configuration.groups], model=HostGroup)


def _shown(configuration: Configuration, name: str) -> HostGroup:
    from hvctl.models.config import HostGroup

    spelled = next(each for each in configuration.groups if each.casefold() == name.casefold())
    return HostGroup(name=spelled, hosts=configuration.groups[spelled])


def _members(configuration: Configuration, group: str, hosts: list[str], *, missing_ok: bool) -> list[str]:
    there = {member.casefold() for member in configuration.groups[group]}
    missing = [host for host in hosts if host.casefold() not in there]
    if missing and not missing_ok:
        words = ", ".join(f"'{host}'" for host in missing)
        raise NotFoundError(
            f"The group '{group}' has no host {words}.", object_name=missing[0], hint="See: hvctl config group list"
        )
    return hosts
