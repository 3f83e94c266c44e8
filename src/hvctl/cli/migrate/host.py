"""`migrate show`, `enable` and `disable`: a host's part in moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command

if TYPE_CHECKING:
    from hvctl.services.plan import Plan
    from hvctl.services.selection import Selection
    from hvctl.transports.session import Session

_AUTHENTICATION = {"credssp": "CredSSP", "kerberos": "Kerberos"}
_PERFORMANCE = {"tcpip": "TCPIP", "compression": "Compression", "smb": "SMB"}


@command()
def show(context: Context) -> None:
    """Show how a host takes part in moves.

    Of several hosts it is a list.

    hvctl migrate show --host hv01
    """
    from hvctl.models.migrate import MigrationHost
    from hvctl.services.migrate.service import MigrateService

    def work(session: Session) -> MigrationHost:
        return MigrateService(session, timeout=context.timeout).show()

    context.read_hosts(work, model=MigrationHost)


@command(changes=True)
def enable(
    context: Context,
    authentication: Annotated[
        Literal["credssp", "kerberos"] | None,
        typer.Option(help="How hosts log in to each other for a move."),
    ] = None,
    any_network: Annotated[
        bool | None,
        typer.Option("--any-network/--listed-networks", help="Take moves on any network, or on listed ones only."),
    ] = None,
    maximum: Annotated[int | None, typer.Option("--max", metavar="N", help="How many may move at once.")] = None,
    performance: Annotated[
        Literal["tcpip", "compression", "smb"] | None, typer.Option(help="How memory travels.")
    ] = None,
) -> None:
    """Let a host take part in moves.

    Settings that are not given stay as they are. Both hosts of a move need this.

        hvctl migrate enable --any-network --authentication kerberos --host hv01
    """
    from hvctl.cli.changing import carry_out
    from hvctl.cli.checking import checked, given
    from hvctl.models.migrate import MigrationChange
    from hvctl.services.migrate.service import MigrateService
    from hvctl.services.selection import EVERYTHING

    values = given(
        authentication=_AUTHENTICATION.get(authentication or ""),
        performance=_PERFORMANCE.get(performance or ""),
        any_network=any_network,
        maximum=maximum,
    )
    change = checked(MigrationChange, values, maximum="--max")

    def prepare(session: Session, _: Selection) -> Plan:
        return MigrateService(session, timeout=context.timeout).plan_enable(change)

    carry_out(context, EVERYTHING, prepare)


@command(changes=True)
def disable(context: Context) -> None:
    """Let a host take part in no moves.

    hvctl migrate disable --host hv01
    """
    from hvctl.cli.changing import carry_out
    from hvctl.services.migrate.service import MigrateService
    from hvctl.services.selection import EVERYTHING

    def prepare(session: Session, _: Selection) -> Plan:
        return MigrateService(session, timeout=context.timeout).plan_disable()

    carry_out(context, EVERYTHING, prepare)
