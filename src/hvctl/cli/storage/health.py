"""`storage health`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.cli.selecting import selection

if TYPE_CHECKING:
    from hvctl.models.storage import HealthFinding
    from hvctl.services.selection import Selection
    from hvctl.transports.session import Session


@command()
def health(context: Context) -> None:
    """Say what is wrong, what it means, and what to do.

    Each word of state that pools, virtual disks, disks, volumes and jobs have and should not is a row. The exit code is
    9 when there is something.

        hvctl storage health
    """
    from hvctl.errors import FindingsError
    from hvctl.models.storage import HealthFinding
    from hvctl.services.storage.service import StorageService

    found: list[HealthFinding] = []

    def work(session: Session, _: Selection) -> Sequence[HealthFinding]:
        here = StorageService(session, timeout=context.timeout).health()
        found.extend(here)
        return here

    context.read(selection(context, ()), work, model=HealthFinding)
    if found:
        several = f"{len(found)} things are" if len(found) > 1 else "One thing is"
        raise FindingsError(f"{several} not as they should be.", hint="The column NEXT says how to go on.")
    context.note("All is well.")
