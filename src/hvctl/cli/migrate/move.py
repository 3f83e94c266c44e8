"""`migrate vm`, `storage` and `check`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.cli.selecting import Everything, State, VmNames, selection
from hvctl.errors import FindingsError, UsageError

if TYPE_CHECKING:
    from hvctl.models.migrate import Move
    from hvctl.services.plan import Plan, Prepared
    from hvctl.services.selection import Selection
    from hvctl.transports.session import Session

To = Annotated[str, typer.Option("--to", metavar="HOST", help="The host that they go to, named as everywhere.")]
StoragePath = Annotated[
    str | None,
    typer.Option("--storage-path", metavar="PATH", help="Move disks and settings along, into this folder there."),
]
Shared = Annotated[bool, typer.Option("--shared", help="The disks lie where both hosts see them, and stay there.")]
MapSwitch = Annotated[
    list[str] | None,
    typer.Option("--map-switch", metavar="HERE=THERE", help="Plug what is in switch HERE into switch THERE."),
]
SkipLoginCheck = Annotated[
    bool, typer.Option("--skip-login-check", help="Try it with a login that seems not to reach the other host.")
]


@command(changes=True)
def vm(
    context: Context,
    to: To,
    names: VmNames = None,
    state: State = None,
    everything: Everything = False,
    storage_path: StoragePath = None,
    shared: Shared = False,
    map_switch: MapSwitch = None,
    skip_login_check: SkipLoginCheck = False,
) -> None:
    r"""Move virtual machines to another host.

    They move as they are, running or not. Both hosts are checked first, as `migrate check` does. One that is there
    already is left alone, so a command that broke off can be run again. There is no limit of time unless --timeout
    gives one.

        hvctl migrate vm web1 --to hv02 --storage-path 'D:\VMs\web1' --host hv01
    """
    from hvctl.cli.changing import carry_out
    from hvctl.services.migrate.service import MigrateService

    chosen = selection(context, names, state=state, everything=everything)
    chosen.require_something()
    move = _move(storage_path, shared=shared, switches=map_switch)
    target = _target(context, chosen, to)

    def prepare(session: Session, chosen: Selection) -> Prepared:
        service = MigrateService(session, timeout=context.timeout)
        sight = service.look(target, chosen, move, login=not skip_login_check)
        return service.plan_move(target, sight, move, limit=context.patience)

    carry_out(context, chosen, prepare)


@command(changes=True)
def storage(
    context: Context,
    path: Annotated[str, typer.Option("--path", metavar="PATH", help="The folder on the same host.")],
    names: VmNames = None,
    state: State = None,
    everything: Everything = False,
) -> None:
    r"""Move the files of virtual machines to another folder.

    Disks, checkpoints and settings move within their host, also while the machines run.

        hvctl migrate storage web1 --path 'D:\VMs\web1'
    """
    from hvctl.cli.changing import carry_out
    from hvctl.cli.checking import checked
    from hvctl.models.migrate import StorageMove
    from hvctl.services.migrate.service import MigrateService

    chosen = selection(context, names, state=state, everything=everything)
    chosen.require_something()
    move = checked(StorageMove, {"path": path})

    def prepare(session: Session, chosen: Selection) -> Plan:
        return MigrateService(session, timeout=context.timeout).plan_storage(chosen, move, limit=context.patience)

    carry_out(context, chosen, prepare)


@command()
def check(
    context: Context,
    to: To,
    names: VmNames = None,
    state: State = None,
    everything: Everything = False,
    storage_path: StoragePath = None,
    shared: Shared = False,
    map_switch: MapSwitch = None,
) -> None:
    r"""Check whether virtual machines could be moved.

    It compares the settings of both hosts and asks Hyper-V about each machine. The exit code is 9 when something stands
    against a move; each finding says what mends it.

        hvctl migrate check web1 --to hv02 --storage-path 'D:\VMs\web1'
    """
    from hvctl.models.migrate import Finding
    from hvctl.services.migrate.service import MigrateService

    chosen = selection(context, names, state=state, everything=everything)
    chosen.require_something()
    move = _move(storage_path, shared=shared, switches=map_switch)
    target = _target(context, chosen, to)
    session = context.session(context.shares(chosen)[0].target)
    service = MigrateService(session, timeout=context.timeout)
    found = service.findings(service.look(target, chosen, move), move)
    context.write(found, model=Finding)
    blocking = sum(finding.blocks for finding in found)
    if blocking:
        words = "1 finding stands" if blocking == 1 else f"{blocking} findings stand"
        raise FindingsError(f"{words} against the move to {target.host}.", host=session.host)
    context.note(f"Nothing stands against the move to {target.host}.")


def _target(context: Context, chosen: Selection, to: str) -> Session:
    """The session with the host that machines go to; they come from one host."""
    from hvctl.hosts import find

    shares = context.shares(chosen)
    if len(shares) > 1:
        names = ", ".join(share.target.name for share in shares)
        raise UsageError(f"`{context.name}` moves from one host, and these are named: {names}.")
    return context.session(find(to))


def _move(storage_path: str | None, *, shared: bool, switches: Sequence[str] | None) -> Move:
    from hvctl.cli.checking import checked, given
    from hvctl.models.migrate import Move

    mapped: dict[str, str] = {}
    for text in switches or ():
        here, equals, there = text.partition("=")
        if not (here and equals and there):
            raise UsageError(f"--map-switch: '{text}' is not of the form HERE=THERE.")
        mapped[here] = there
    return checked(Move, given(storage_path=storage_path, shared=shared, switches=mapped))
