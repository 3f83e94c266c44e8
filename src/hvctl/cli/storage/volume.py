"""`storage volume list` and `create`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.cli.selecting import new_name, selection
from hvctl.cli.storage.words import FileSystemOption, LabelOption, file_system

if TYPE_CHECKING:
    from hvctl.models.storage import Volume
    from hvctl.services.selection import Selection
    from hvctl.transports.session import Session


@command()
def list_(context: Context) -> None:
    """List volumes.

    hvctl storage volume list
    """
    from hvctl.models.storage import Volume
    from hvctl.services.storage.service import StorageService

    def work(session: Session, _: Selection) -> Sequence[Volume]:
        return StorageService(session, timeout=context.timeout).volumes()

    context.read(selection(context, ()), work, model=Volume)


@command(changes=True)
def create(
    context: Context,
    disk: Annotated[str, typer.Argument(metavar="DISK", help="The virtual disk that the volume takes all of.")],
    letter: Annotated[str, typer.Option(metavar="LETTER", help="Its drive letter.")],
    fs: FileSystemOption = "ntfs",
    label: LabelOption = None,
) -> None:
    """Create a volume on an empty virtual disk.

    It takes all of the disk.

        hvctl storage volume create scratch --letter E: --fs ntfs
    """
    from hvctl.cli.changing import logged, print_batch
    from hvctl.cli.checking import checked, given
    from hvctl.cli.output import check_columns
    from hvctl.models.storage import Volume
    from hvctl.models.storage_create import VolumeCreate
    from hvctl.services.storage.making import StorageMaking

    check_columns(context.options, Volume)
    values = given(virtual_disk=new_name(context, disk), letter=letter, file_system=file_system(fs), label=label)
    spec = checked(VolumeCreate, values, virtual_disk="DISK", file_system="--fs")
    service = StorageMaking(context.session(), timeout=context.timeout)
    making = service.plan_volume(spec)
    if context.options.dry_run:
        print_batch(context, making.batch)
        service.foresee(making, disk)
        return
    with logged(context, service.host, disk):
        volume = service.volume_of(service.make(making, disk))
    context.log_change(volume.host, disk, "changed")
    context.write_done([volume], single=True)
