"""`vhd create`, `resize`, `convert` and `merge`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.cli.selecting import new_name, one_name
from hvctl.cli.vhd.show import DiskPaths, OfVm, disk_selection
from hvctl.errors import CancelledError, UsageError

if TYPE_CHECKING:
    from hvctl.services.plan import Prepared
    from hvctl.services.selection import Selection
    from hvctl.services.vhd.create import Creation
    from hvctl.transports.session import Session

Path = Annotated[str, typer.Argument(metavar="PATH", help="Its path on the host, or its file name.")]
Parent = Annotated[
    str | None, typer.Option(metavar="PATH", help="The disk that it differs from; that must not change any more.")
]
BlockSize = Annotated[str | None, typer.Option(metavar="SIZE", help="The size of its blocks; else the host's choice.")]


@command(changes=True)
def create(
    context: Context,
    path: Annotated[str, typer.Argument(metavar="PATH", help="Its path on the host; .vhdx or .vhd is its format.")],
    size: Annotated[str | None, typer.Option(metavar="SIZE", help="Its size, as the guest sees it.")] = None,
    disk_type: Annotated[
        str | None,
        typer.Option("--type", metavar="TYPE", help="dynamic, fixed or differencing; with --parent differencing."),
    ] = None,
    parent: Parent = None,
    block_size: BlockSize = None,
    exist_ok: Annotated[bool, typer.Option("--exist-ok", help="If it exists, show it as it is.")] = False,
) -> None:
    """Create a virtual hard disk.

    When it fails, nothing of the file is left. A fixed disk is written whole, which takes a while.

        hvctl vhd create C:/VMs/data.vhdx --size 40G
    """
    from hvctl.cli.checking import checked, given, sizes
    from hvctl.cli.creating import Making
    from hvctl.cli.creating import create as make
    from hvctl.cli.output import check_columns
    from hvctl.models.vhd import DiskCreate, VirtualDisk
    from hvctl.services.vhd.service import DiskExists, VhdService

    check_columns(context.options, VirtualDisk)
    kind = disk_type.capitalize() if disk_type else "Differencing" if parent else None
    values = given(path=new_name(context, path), type=kind, parent=parent)
    values |= sizes(size=size, block_size=block_size)
    spec = checked(DiskCreate, values, path="PATH", type="--type")
    patience = None if context.options.timeout is None else context.timeout
    service = VhdService(context.session(), timeout=patience)

    def announce(creation: Creation) -> None:
        for sentence in creation.notes:
            context.note(sentence)

    making = Making(
        spec.path,
        plan=lambda: service.plan_create(spec),
        batch=lambda creation: creation.batch,
        foresee=lambda creation: service.foresee(spec, creation),
        make=lambda creation: service.create(spec, creation),
        taken=DiskExists,
        existing=lambda there: there.disk,
        announce=announce,
    )
    make(context, making, exist_ok=exist_ok)


@command(changes=True)
def resize(
    context: Context,
    paths: DiskPaths = None,
    vm: OfVm = None,
    size: Annotated[str | None, typer.Option(metavar="SIZE", help="The new size, as the guest sees it.")] = None,
    to_minimum: Annotated[
        bool, typer.Option("--to-minimum", help="As small as its partitions allow; a VHDX only.")
    ] = False,
) -> None:
    """Give virtual hard disks another size.

    Disks grow while their machine runs where they are VHDX files on SCSI; else it must be off. What has checkpoints, or
    is what other disks differ from, keeps its size. To make one smaller asks first; without a terminal, --yes is
    needed. The guest's partitions stay as they are.

        hvctl vhd resize C:/VMs/data.vhdx --size 80G
    """
    from hvctl.cli.changing import carry_out
    from hvctl.cli.checking import checked, sizes
    from hvctl.models.vhd import DiskResize
    from hvctl.services.vhd.service import VhdService

    spec = checked(DiskResize, {**sizes(size=size), "to_minimum": to_minimum})
    chosen = disk_selection(context, paths, vm)
    if not chosen.every_name:
        raise UsageError("Nothing was selected.", hint="Give paths, patterns, - for paths on stdin, or --vm.")
    if to_minimum:
        context.require_consent("Making disks smaller can lose data")

    def prepare(session: Session, chosen: Selection) -> Prepared:
        service = VhdService(session, timeout=context.timeout)
        return service.plan_resize(chosen, spec).within(_patience(context))

    carry_out(context, chosen, prepare, ask="Shrink")


@command(changes=True)
def convert(
    context: Context,
    path: Path,
    destination: Annotated[
        str, typer.Argument(metavar="NEW", help="The new disk's path; .vhdx or .vhd is its format.")
    ],
    disk_type: Annotated[
        str | None,
        typer.Option("--type", metavar="TYPE", help="dynamic, fixed or differencing; else what the disk is now."),
    ] = None,
    parent: Parent = None,
    block_size: BlockSize = None,
    delete_source: Annotated[
        bool, typer.Option("--delete-source", help="Delete the old file once the new one has been tested.")
    ] = False,
) -> None:
    """Copy a virtual hard disk into a new one of another format or type.

    A differencing disk becomes one that stands alone. The machine must be off, and keeps the old disk; that is why one
    that a machine has is never deleted. --delete-source asks first; without a terminal, --yes is needed.

        hvctl vhd convert C:/VMs/old.vhd C:/VMs/new.vhdx --type fixed
    """
    from hvctl.cli.changing import carry_out
    from hvctl.cli.checking import checked, given, sizes
    from hvctl.models.vhd import DiskConvert
    from hvctl.services.vhd.service import VhdService

    kind = disk_type.capitalize() if disk_type else "Differencing" if parent else None
    values = given(destination=destination, type=kind, parent=parent, delete_source=delete_source)
    spec = checked(DiskConvert, values | sizes(block_size=block_size), destination="NEW", type="--type")
    chosen = one_name(context, path)
    if delete_source:
        context.require_consent("Deleting the source loses data")

    services: list[VhdService] = []

    def prepare(session: Session, chosen: Selection) -> Prepared:
        services.append(VhdService(session, timeout=context.timeout))
        return services[-1].plan_convert(chosen, spec).within(_patience(context))

    try:
        carry_out(context, chosen, prepare)
    except CancelledError as error:
        if len(services) != 1:
            raise
        raise services[0].cleared(error, spec.destination) from error


@command(changes=True)
def merge(context: Context, path: Path) -> None:
    """Merge a differencing disk into its parent.

    The parent changes for good and the disk's own file is deleted; machines that had it get the parent in its place.
    They must be off. Where other disks differ from the parent it is refused: they would be corrupted. Disks of
    checkpoints are merged by deleting the checkpoint. It asks first; without a terminal, --yes is needed.

        hvctl vhd merge C:/VMs/web1-diff.vhdx --yes
    """
    from hvctl.cli.changing import carry_out
    from hvctl.services.vhd.service import VhdService

    chosen = one_name(context, path)
    context.require_consent("Merging a disk changes its parent for good")

    def prepare(session: Session, chosen: Selection) -> Prepared:
        return VhdService(session, timeout=context.timeout).plan_merge(chosen).within(_patience(context))

    carry_out(context, chosen, prepare, ask="Merge")


def _patience(context: Context) -> float:
    """Seconds for a batch that writes whole disks: those that were asked for, else as many as it takes."""
    return math.inf if context.options.timeout is None else context.timeout
