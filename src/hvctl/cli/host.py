"""`host list` and `host show`."""

from __future__ import annotations

from hvctl.cli.context import Context
from hvctl.cli.options import command


@command()
def list_(context: Context) -> None:
    """List the hosts that can be reached.

    These are all hosts of the lab, or this machine; the one that commands use is what --host and HVCTL_HOST say.

        hvctl host list
    """
    from hvctl.hosts import siblings
    from hvctl.models.host import HostSummary
    from hvctl.services.host import HostService

    rows = []
    for target in siblings(context.target()):
        with context.session(target) as session:
            rows.append(HostService(session, timeout=context.timeout).summary())
    context.write(rows, model=HostSummary)


@command()
def show(context: Context) -> None:
    """Show everything about a host.

    hvctl host show --host lab
    """
    from hvctl.services.host import HostService

    context.write([HostService(context.session(), timeout=context.timeout).show()], single=True)
