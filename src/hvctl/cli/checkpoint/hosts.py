"""Work that is done host by host, where the answers of all make one document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from hvctl.errors import HvctlError

if TYPE_CHECKING:
    from hvctl.cli.context import Context
    from hvctl.services.selection import Selection
    from hvctl.transports.session import Session

R = TypeVar("R")


def on_each_host(
    context: Context, chosen: Selection, work: Callable[[Session, Selection], R]
) -> tuple[list[tuple[Session, R]], list[HvctlError]]:
    """What the work on each host comes to, with the host's session, and why it failed on others.

    Raises:
        NotFoundError: A name is on none of the hosts.
        HvctlError: There is only one host, and the work failed there.
    """
    shares = context.shares(chosen)
    found: list[tuple[Session, R]] = []
    failures: list[HvctlError] = []
    for share in shares:
        session = context.session(share.target)
        try:
            found.append((session, work(session, share.chosen)))
        except HvctlError as error:
            if len(shares) == 1:
                raise
            error.host = error.host or share.target.name
            failures.append(error)
    names = {id(name): name for share in shares for name in share.chosen.names}
    replace(chosen, names=tuple(names.values())).require_found()
    return found, failures
