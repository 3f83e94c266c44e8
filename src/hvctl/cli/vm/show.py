"""`vm list` and `vm show`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.cli.selecting import State, VmNames, selection

if TYPE_CHECKING:
    from hvctl.services.selection import Selection
    from hvctl.transports.session import Session


@command()
def list_(context: Context, names: VmNames = None, state: State = None) -> None:
    """List virtual machines.

    Without names, all of the host are listed. A name that is not there is an error; an empty list is not.

        hvctl vm list 'web*' --state running -o json
    """
    chosen = selection(context, names, state=state)
    from hvctl.cli.names import remember
    from hvctl.models.vm import VmSummary
    from hvctl.services.vm.service import VmService

    def work(session: Session, chosen: Selection) -> Sequence[VmSummary]:
        machines = VmService(session, timeout=context.timeout).list(chosen)
        if not chosen.names and not chosen.states:
            remember(session.host, [vm.name for vm in machines])
        return machines

    context.read(chosen, work, model=VmSummary)


@command()
def show(context: Context, names: VmNames = None, state: State = None) -> None:
    """Show everything about virtual machines.

    One literal name gives one object; a pattern, several names or - give a list.

        hvctl vm show web1
    """
    chosen = selection(context, names, state=state)
    from hvctl.models.vm import VirtualMachine
    from hvctl.services.vm.service import VmService

    def work(session: Session, chosen: Selection) -> Sequence[VirtualMachine]:
        return VmService(session, timeout=context.timeout).show(chosen)

    context.read(chosen, work, model=VirtualMachine, single=True)
