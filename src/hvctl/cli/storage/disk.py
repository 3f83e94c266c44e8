"""`storage disk list` and `show`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.cli.selecting import selection
from hvctl.cli.storage.words import DiskNames

if TYPE_CHECKING:
    from hvctl.models.storage import PhysicalDisk, PhysicalDiskDetails
    from hvctl.services.selection import Selection
    from hvctl.transports.session import Session


@command()
def list_(context: Context, names: DiskNames = None) -> None:
    """List physical disks, and whether they can be pooled.

    hvctl storage disk list
    """
    from hvctl.models.storage import PhysicalDisk
    from hvctl.services.storage.service import StorageService

    def work(session: Session, chosen: Selection) -> Sequence[PhysicalDisk]:
        return StorageService(session, timeout=context.timeout).disks(chosen)

    context.read(selection(context, names), work, model=PhysicalDisk)


@command()
def show(context: Context, names: DiskNames = None) -> None:
    """Show everything about physical disks.

    One literal name gives one object; a pattern, several names or - give a list.

        hvctl storage disk show 3
    """
    from hvctl.models.storage import PhysicalDiskDetails
    from hvctl.services.storage.service import StorageService

    def work(session: Session, chosen: Selection) -> Sequence[PhysicalDiskDetails]:
        return StorageService(session, timeout=context.timeout).show_disks(chosen)

    context.read(selection(context, names), work, model=PhysicalDiskDetails, single=True)
