"""`vm start`, `stop`, `save`, `suspend`, `resume` and `restart`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.cli.selecting import Everything, State, VmNames, selection
from hvctl.errors import UsageError

if TYPE_CHECKING:
    from hvctl.services.plan import Plan
    from hvctl.services.selection import Selection
    from hvctl.services.vm.power import Verb
    from hvctl.transports.session import Session


@command(changes=True)
def start(context: Context, names: VmNames = None, state: State = None, everything: Everything = False) -> None:
    """Start virtual machines.

    A saved machine runs on from its saved state, a suspended one from where it was. One that runs already is left
    alone.

        hvctl vm start web1 web2
    """
    from hvctl.services.vm.power import START

    _power(context, START, selection(context, names, state=state, everything=everything))


@command(changes=True)
def stop(
    context: Context,
    names: VmNames = None,
    state: State = None,
    everything: Everything = False,
    turn_off: Annotated[
        bool, typer.Option("--turn-off", help="Cut the power; what the guest has not written is lost.")
    ] = False,
    save: Annotated[bool, typer.Option("--save", help="Save the state to disk instead.")] = False,
) -> None:
    """Shut down the guests of virtual machines.

    Guests are asked side by side, and each has --timeout to end; one that does not is left running and the exit code
    is 7.

        hvctl vm stop 'test*' --timeout 2m
    """
    if turn_off and save:
        raise UsageError("--turn-off and --save contradict each other.")
    from hvctl.services.vm.power import SAVE, STOP, TURN_OFF

    verb = TURN_OFF if turn_off else SAVE if save else STOP
    _power(context, verb, selection(context, names, state=state, everything=everything))


@command(changes=True)
def save(context: Context, names: VmNames = None, state: State = None, everything: Everything = False) -> None:
    """Save the state of virtual machines to disk and stop them.

    hvctl vm save --state running
    """
    from hvctl.services.vm.power import SAVE

    _power(context, SAVE, selection(context, names, state=state, everything=everything))


@command(changes=True)
def suspend(context: Context, names: VmNames = None, state: State = None, everything: Everything = False) -> None:
    """Suspend virtual machines; they keep their memory.

    hvctl vm suspend web1
    """
    from hvctl.services.vm.power import SUSPEND

    _power(context, SUSPEND, selection(context, names, state=state, everything=everything))


@command(changes=True)
def resume(context: Context, names: VmNames = None, state: State = None, everything: Everything = False) -> None:
    """Let suspended virtual machines run on.

    hvctl vm resume --state paused
    """
    from hvctl.services.vm.power import RESUME

    _power(context, RESUME, selection(context, names, state=state, everything=everything))


@command(changes=True)
def restart(
    context: Context,
    names: VmNames = None,
    state: State = None,
    everything: Everything = False,
    reset: Annotated[
        bool, typer.Option("--reset", help="Reset them hard; what the guest has not written is lost.")
    ] = False,
) -> None:
    """Shut down virtual machines and start them again.

    Guests are asked side by side; one that does not end within --timeout is left running.

        hvctl vm restart web1
    """
    chosen = selection(context, names, state=state, everything=everything)
    from hvctl.services.vm.power import RESET

    if reset:
        _power(context, RESET, chosen)
        return
    from hvctl.cli.changing import carry_out
    from hvctl.services.vm.power import plan_restart
    from hvctl.services.vm.read import VmState
    from hvctl.services.vm.service import VmService

    def prepare(session: Session, chosen: Selection) -> Plan:
        vms: Sequence[VmState] = VmService(session, timeout=context.timeout).select(chosen, VmState)
        return plan_restart(vms, session.host, timeout=context.timeout)

    carry_out(context, chosen, prepare)


def _power(context: Context, verb: Verb, chosen: Selection) -> None:
    from hvctl.cli.changing import carry_out
    from hvctl.services.vm.power import plan_power
    from hvctl.services.vm.read import VmState
    from hvctl.services.vm.service import VmService

    def prepare(session: Session, chosen: Selection) -> Plan:
        vms: Sequence[VmState] = VmService(session, timeout=context.timeout).select(chosen, VmState)
        limit = context.timeout if verb.side_by_side else None
        return plan_power(verb, vms, session.host, timeout=limit)

    carry_out(context, chosen, prepare)
