"""`host list`, `host show` and `host check`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.errors import UsageError

if TYPE_CHECKING:
    from hvctl.cli.shares import Share
    from hvctl.hosts import Target
    from hvctl.models.host import Host, HostCheck, HostRow
    from hvctl.services.selection import Selection
    from hvctl.transports.fleet import Interrupts
    from hvctl.transports.session import Session

Hosts = Annotated[
    list[str] | None,
    typer.Argument(metavar="HOST", help="Hosts, as --host takes them: names, URLs, A,B, @GROUP.", show_default=False),
]


@command()
def list_(context: Context) -> None:
    """List hosts: what they are, what they run, what is wrong with them.

    Without --host these are all hosts of the configuration, and this machine if it has Hyper-V; where the lab is the
    default, all of the lab. A host that fails is a row with its status and error; the exit code is 8 then, or the
    hosts' common one when all fail.

        hvctl host list
        hvctl host list --host @prod -o csv
    """
    from hvctl.cli.many import read
    from hvctl.models.host import HostRow
    from hvctl.services.host import HostService, failed_row

    def work(session: Session, _: Selection) -> Sequence[HostRow]:
        return [HostService(session, timeout=context.timeout).row()]

    read(context, _shares(_listed(context)), work, model=HostRow, failed=failed_row)


@command()
def show(context: Context) -> None:
    """Show everything about a host, or about several as a list.

    hvctl host show --host lab
    """
    from hvctl.models.host import Host
    from hvctl.services.host import HostService

    def work(session: Session) -> Host:
        return HostService(session, timeout=context.timeout).show()

    context.read_hosts(work, model=Host)


@command()
def check(context: Context, hosts: Hosts = None) -> None:
    """Check each leg of the way to a host, and what hvctl needs there.

    A row a leg: what was seen, what that means, and the command that mends it, which runs here if it begins with
    hvctl, else in a PowerShell on the host. A leg that cannot be tried is skipped. Legs that failed make the exit code
    9; warnings alone do not.

        hvctl host check hv01 --user Administrator
        hvctl host check @prod -o json
    """
    from hvctl.cli.many import each
    from hvctl.errors import FindingsError, HvctlError
    from hvctl.models.host import HostCheck
    from hvctl.services.plan import summed

    shares = _shares(_checked(context, hosts))
    found: dict[str, Sequence[HostCheck]] = {}
    failures: list[HvctlError] = []

    def look(share: Share, interrupts: Interrupts) -> Sequence[HostCheck]:
        return _legs(context, share.target, interrupts)

    for share, answer in each(context, shares, look, known=True):
        if isinstance(answer, HvctlError):
            failures.append(answer)
            continue
        found[share.target.name] = answer
        if context.writes_lines:
            context.write(answer, model=HostCheck)
    rows = [row for share in shares for row in found.get(share.target.name, ())]
    if rows and not context.writes_lines:
        context.write(rows, model=HostCheck)
    error = summed(context.name, failures, good=len(found))
    if error is not None:
        raise error
    failed = [row for row in rows if row.status == "failed"]
    if failed:
        words = ", ".join(f"{row.host}: {row.name}" for row in failed)
        raise FindingsError(f"Not as it should be: {words}.", hint=failed[0].meaning)
    warnings = sum(row.status == "warning" for row in rows)
    context.note(f"Nothing is wrong{f'; {warnings} warned of' if warnings else ''}.")


def _legs(context: Context, target: Target, interrupts: Interrupts) -> list[HostCheck]:
    """The rows of one host: the network's legs, then those that need a login."""
    from hvctl.hosts import legs
    from hvctl.models.host import HostCheck
    from hvctl.services.host_check import LEGS, HostCheckService, unmet

    login = context.login()
    rows = [HostCheck(host=target.name, **leg._asdict()) for leg in legs(target, login)]
    failed = next((row.name for row in rows if row.status == "failed"), None)
    if failed is not None:
        return [*rows, *unmet(target.name, LEGS, failed)]
    user = login.user or (target.endpoint.user if target.endpoint else None)
    with context.open(target, interrupts) as session:
        return [*rows, *HostCheckService(session, timeout=context.timeout, user=user).check()]


def _shares(targets: Sequence[Target]) -> list[Share]:
    from hvctl.cli.shares import Share
    from hvctl.services.selection import Selection

    return [Share(target, Selection()) for target in targets]


def _checked(context: Context, hosts: Sequence[str] | None) -> list[Target]:
    from hvctl.hosts import choose_all

    if not hosts:
        return context.targets()
    if context.options.host:
        raise UsageError("HOST and --host contradict each other.", hint="Name the hosts in one of the two ways.")
    return choose_all(hosts, every=context.options.all_hosts)


def _listed(context: Context) -> list[Target]:
    """The hosts to list: those named, else every one there is."""
    from hvctl.hosts import every_host

    options = context.options
    return context.targets() if options.host or options.all_hosts else every_host()
