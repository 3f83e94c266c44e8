"""`switch list`, `show`, `create` and `delete`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.cli.selecting import Everything, SwitchNames, new_name, selection

if TYPE_CHECKING:
    from hvctl.models.switch import SwitchDetails, VirtualSwitch
    from hvctl.powershell.batch import Batch
    from hvctl.services.selection import Selection
    from hvctl.transports.session import Session


@command()
def list_(context: Context, names: SwitchNames = None) -> None:
    """List virtual switches.

    hvctl switch list
    """
    from hvctl.models.switch import VirtualSwitch
    from hvctl.services.switch import SwitchService

    def work(session: Session, chosen: Selection) -> Sequence[VirtualSwitch]:
        return SwitchService(session, timeout=context.timeout).list(chosen)

    context.read(selection(context, names), work, model=VirtualSwitch)


@command()
def show(context: Context, names: SwitchNames = None) -> None:
    """Show virtual switches and what is connected to them.

    One literal name gives one object; a pattern, several names or - give a list.

        hvctl switch show lan
    """
    from hvctl.models.switch import SwitchDetails
    from hvctl.services.switch import SwitchService

    def work(session: Session, chosen: Selection) -> Sequence[SwitchDetails]:
        return SwitchService(session, timeout=context.timeout).show(chosen)

    context.read(selection(context, names), work, model=SwitchDetails, single=True)


@command(changes=True)
def create(
    context: Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name; no other may have it.")],
    kind: Annotated[
        str,
        typer.Option(
            "--type", metavar="TYPE", help="private (VMs only), internal (and the host), external (a network)."
        ),
    ] = "private",
    adapter: Annotated[
        str | None, typer.Option(metavar="NAME", help="The host's network adapter that an external switch takes.")
    ] = None,
    management_os: Annotated[
        bool | None,
        typer.Option("--management-os/--no-management-os", help="Whether the host shares that adapter; it does."),
    ] = None,
    notes: Annotated[str | None, typer.Option(metavar="TEXT", help="Notes.")] = None,
    exist_ok: Annotated[bool, typer.Option("--exist-ok", help="If it exists, show it as it is.")] = False,
) -> None:
    """Create a virtual switch.

    An external switch takes over a network adapter of the host and can cut the connection, so it asks first, and is
    made on this machine or in the lab only.

        hvctl switch create lan --type internal
    """
    from hvctl.cli.checking import checked, given
    from hvctl.cli.creating import Making
    from hvctl.cli.creating import create as make
    from hvctl.cli.output import check_columns
    from hvctl.models.switch import SwitchCreate, SwitchDetails
    from hvctl.services.selection import Selection
    from hvctl.services.switch import SwitchExists, SwitchService

    check_columns(context.options, SwitchDetails)
    values = given(
        name=new_name(context, name), type=kind.capitalize(), adapter=adapter, management_os=management_os, notes=notes
    )
    spec = checked(SwitchCreate, values, name="NAME", type="--type")
    external = spec.type == "External"
    if external:
        context.require_consent("An external switch can cut the host's network connection")
    service = SwitchService(context.session(), timeout=context.timeout)

    def ask(_: Batch) -> None:
        if external:
            question = f"Take '{spec.adapter}' for the switch '{spec.name}'?"
            context.confirm(f"{question} The host's connection over it breaks off.")

    making = Making(
        spec.name,
        plan=lambda: service.plan_create(spec),
        batch=lambda batch: batch,
        foresee=lambda batch: service.foresee(spec, batch),
        make=lambda batch: service.create(spec, batch),
        taken=SwitchExists,
        existing=lambda there: service.show(Selection.of(there.switch.id))[0],
        ask=ask,
    )
    make(context, making, exist_ok=exist_ok)


@command(changes=True)
def delete(
    context: Context,
    names: SwitchNames = None,
    everything: Everything = False,
    missing_ok: Annotated[bool, typer.Option("--missing-ok", help="It is fine if one is not there.")] = False,
) -> None:
    """Delete virtual switches.

    Adapters on a deleted switch stay, disconnected. It asks first; without a terminal, --yes is needed.

        hvctl switch delete lan --yes
    """
    from hvctl.cli.changing import carry_out
    from hvctl.services.plan import Prepared
    from hvctl.services.switch import SwitchService, plan_delete

    def prepare(session: Session, chosen: Selection) -> Prepared:
        service = SwitchService(session, timeout=context.timeout)
        switches = service.select(chosen, missing_ok=missing_ok)
        if not context.asks:
            return Prepared(plan_delete(switches))
        users = service.users() if switches else {}
        losses = [
            f"'{switch.name}' (used by {', '.join(users.get(switch.id, ())) or 'nothing'})" for switch in switches
        ]
        return Prepared(plan_delete(switches), losses=tuple(losses))

    chosen = selection(context, names, everything=everything)
    chosen.require_something()
    context.require_consent("Deleting switches disconnects what is on them")
    carry_out(context, chosen, prepare)
