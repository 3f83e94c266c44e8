"""`vhd list`, `show`, `chain` and `test`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.cli.selecting import selection

if TYPE_CHECKING:
    from hvctl.models.vhd import ChainLink, DiskSummary, DiskTest, VirtualDisk
    from hvctl.services.selection import Selection
    from hvctl.services.vhd.read import Scope
    from hvctl.transports.session import Session

DiskPaths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH", help="Paths on the host, file names or patterns; - reads them from stdin.", show_default=False
    ),
]
OfVm = Annotated[list[str] | None, typer.Option("--vm", metavar="VM", help="The disks in the drives of this machine.")]
Folders = Annotated[
    list[str] | None, typer.Option("--path", metavar="FOLDER", help="The disks in this folder of the host too.")
]
Recurse = Annotated[bool, typer.Option("--recurse", help="And those in the folders below.")]


@command()
def list_(
    context: Context, paths: DiskPaths = None, vm: OfVm = None, folder: Folders = None, recurse: Recurse = False
) -> None:
    """List virtual hard disks.

    The disks of all machines and checkpoints, with the disks they differ from, and those of the folders that are named.

        hvctl vhd list --path D:/Templates
    """
    from hvctl.models.vhd import DiskSummary
    from hvctl.services.vhd.service import VhdService

    scope = _scope(folder, recurse=recurse)

    def work(session: Session, chosen: Selection) -> Sequence[DiskSummary]:
        return VhdService(session, timeout=context.timeout).list(chosen, scope)

    context.read(disk_selection(context, paths, vm), work, model=DiskSummary)


@command()
def show(
    context: Context, paths: DiskPaths = None, vm: OfVm = None, folder: Folders = None, recurse: Recurse = False
) -> None:
    """Show everything about virtual hard disks.

    One path gives one object; a pattern, several paths, --vm or - give a list.

        hvctl vhd show C:/VMs/web1.vhdx
    """
    from hvctl.models.vhd import VirtualDisk
    from hvctl.services.vhd.service import VhdService

    scope = _scope(folder, recurse=recurse)

    def work(session: Session, chosen: Selection) -> Sequence[VirtualDisk]:
        return VhdService(session, timeout=context.timeout).show(chosen, scope)

    context.read(disk_selection(context, paths, vm), work, model=VirtualDisk, single=not vm)


@command()
def chain(context: Context, paths: DiskPaths = None, vm: OfVm = None) -> None:
    """Draw what disks are built on, and who uses each link.

    Each chain begins with its root, which differs from nothing, and ends with the disk itself.

        hvctl vhd chain --vm web1
    """
    from hvctl.models.vhd import ChainLink
    from hvctl.services.vhd.service import VhdService

    def work(session: Session, chosen: Selection) -> Sequence[ChainLink]:
        return VhdService(session, timeout=context.timeout).chain(chosen)

    context.read(disk_selection(context, paths, vm), work, model=ChainLink)


@command()
def test_(
    context: Context, paths: DiskPaths = None, vm: OfVm = None, folder: Folders = None, recurse: Recurse = False
) -> None:
    """Test whether disks can be used, with all that they are built on.

    The exit code is 9 when one of them cannot.

        hvctl vhd test --vm web1
    """
    from hvctl.errors import FindingsError
    from hvctl.models.vhd import DiskTest
    from hvctl.services.vhd.service import VhdService

    scope = _scope(folder, recurse=recurse)
    unusable: list[str] = []

    def work(session: Session, chosen: Selection) -> Sequence[DiskTest]:
        tests = VhdService(session, timeout=context.timeout).test(chosen, scope)
        unusable.extend(each.path for each in tests if not each.healthy)
        return tests

    context.read(disk_selection(context, paths, vm), work, model=DiskTest)
    if unusable:
        raise FindingsError(f"Not usable: {', '.join(unusable)}.")


def disk_selection(context: Context, paths: Sequence[str] | None, vms: Sequence[str] | None) -> Selection:
    """The selection that paths make, and virtual machines whose disks are meant.

    Raises:
        UsageError: One is no path that a host could have.
    """
    from hvctl.services.vhd.read import spelled

    return spelled(selection(context, paths, owners=vms))


def _scope(folders: Sequence[str] | None, *, recurse: bool) -> Scope:
    from hvctl.errors import UsageError
    from hvctl.services.vhd.read import Scope, whole_path

    if recurse and not folders:
        raise UsageError("--recurse belongs to --path.")
    return Scope(tuple(map(whole_path, folders or ())), recurse)
