"""`vm rename`, `vm set` and `vm delete`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.cli.selecting import Everything, State, VmNameArgument, VmNames, one_name, selection

if TYPE_CHECKING:
    from hvctl.services.plan import Plan, Prepared
    from hvctl.services.selection import Selection
    from hvctl.transports.session import Session


@command(changes=True)
def rename(
    context: Context,
    vm: VmNameArgument,
    new_name: Annotated[str, typer.Argument(metavar="NEW", help="The new name; no other machine may have it.")],
) -> None:
    """Give a virtual machine another name.

    Its files keep theirs.

        hvctl vm rename web1 web-old
    """
    from hvctl.cli.changing import carry_out
    from hvctl.cli.checking import checked
    from hvctl.models.vm import VmRename
    from hvctl.services.selection import match_one
    from hvctl.services.vm.change import plan_rename
    from hvctl.services.vm.read import VmState
    from hvctl.services.vm.service import VmService

    wanted = checked(VmRename, {"new_name": new_name}, new_name="NEW").new_name

    def prepare(session: Session, chosen: Selection) -> Plan:
        everyone = VmService(session, timeout=context.timeout).everyone(VmState)
        target = match_one(chosen.names, everyone, "virtual machine", session.host)
        return plan_rename(target, wanted, everyone, session.host)

    carry_out(context, one_name(context, vm), prepare)


@command(changes=True)
def set_(
    context: Context,
    names: VmNames = None,
    state: State = None,
    everything: Everything = False,
    memory: Annotated[str | None, typer.Option(metavar="SIZE", help="Startup memory; needs it off.")] = None,
    memory_minimum: Annotated[str | None, typer.Option(metavar="SIZE", help="Smallest dynamic memory.")] = None,
    memory_maximum: Annotated[str | None, typer.Option(metavar="SIZE", help="Largest dynamic memory.")] = None,
    dynamic_memory: Annotated[
        bool | None, typer.Option("--dynamic-memory/--static-memory", help="Whether memory changes; needs it off.")
    ] = None,
    processors: Annotated[int | None, typer.Option(metavar="N", help="Virtual processors; needs it off.")] = None,
    notes: Annotated[str | None, typer.Option(metavar="TEXT", help="Notes; an empty text removes them.")] = None,
    automatic_start_action: Annotated[
        str | None, typer.Option(metavar="ACTION", help="When the host starts: Nothing, StartIfRunning, Start.")
    ] = None,
    automatic_start_delay: Annotated[
        int | None, typer.Option(metavar="SECONDS", help="How long it waits then.")
    ] = None,
    automatic_stop_action: Annotated[
        str | None, typer.Option(metavar="ACTION", help="When the host stops: TurnOff, Save, ShutDown.")
    ] = None,
    checkpoint_type: Annotated[
        str | None, typer.Option(metavar="TYPE", help="Disabled, Production, ProductionOnly, Standard.")
    ] = None,
) -> None:
    """Change settings of virtual machines.

    What a machine has already is not sent. What only an Off machine can change is refused with the reason.

        hvctl vm set web1 --processors 4 --notes 'web server'
    """
    from hvctl.cli.changing import carry_out
    from hvctl.cli.checking import checked, given, sizes
    from hvctl.models.vm import VmChange
    from hvctl.services.vm.change import plan_set
    from hvctl.services.vm.read import VmSettings
    from hvctl.services.vm.service import VmService

    chosen = selection(context, names, state=state, everything=everything)
    values = given(
        dynamic_memory=dynamic_memory, processors=processors, notes=notes,
        automatic_start_action=automatic_start_action, automatic_start_delay=automatic_start_delay,
        automatic_stop_action=automatic_stop_action, checkpoint_type=checkpoint_type,
    )  # fmt: skip
    values |= sizes(memory=memory, memory_minimum=memory_minimum, memory_maximum=memory_maximum)
    change = checked(VmChange, values)
    chosen.require_something()

    def prepare(session: Session, chosen: Selection) -> Plan:
        vms: Sequence[VmSettings] = VmService(session, timeout=context.timeout).select(chosen, VmSettings)
        return plan_set(vms, change, session.host)

    carry_out(context, chosen, prepare)


@command(changes=True)
def delete(
    context: Context,
    names: VmNames = None,
    state: State = None,
    everything: Everything = False,
    turn_off: Annotated[bool, typer.Option("--turn-off", help="Cut the power of those that run.")] = False,
    with_disks: Annotated[
        bool, typer.Option("--with-disks", help="Delete their disk files too, where nothing else needs them.")
    ] = False,
    missing_ok: Annotated[bool, typer.Option("--missing-ok", help="It is fine if one is not there.")] = False,
) -> None:
    """Delete virtual machines.

    Disk files stay unless --with-disks; a disk that another machine or another disk needs stays in any case. A saved
    state is lost with its machine. It asks first; without a terminal, --yes is needed.

        hvctl vm delete web1 --with-disks --yes
    """
    from hvctl.cli.changing import carry_out
    from hvctl.services.vm.read import VmState
    from hvctl.services.vm.service import VmService

    def prepare(session: Session, chosen: Selection) -> Prepared:
        service = VmService(session, timeout=context.timeout)
        vms: Sequence[VmState] = service.select(chosen, VmState, missing_ok=missing_ok)
        return service.plan_delete(vms, turn_off=turn_off, with_disks=with_disks)

    chosen = selection(context, names, state=state, everything=everything)
    chosen.require_something()
    context.require_consent("Deleting virtual machines loses data")
    carry_out(context, chosen, prepare)
