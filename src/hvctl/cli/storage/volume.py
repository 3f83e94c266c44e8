"""`storage volume list` and `create`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.cli.selecting import new_name, selection
from hvctl.cli.storage.words import (
    ExistOk,
    FileSystemOption,
    LabelOption,
    VolumeNames,
    create_with,
    file_system,
)

if TYPE_CHECKING:
    from hvctl.models.storage import Volume
    from hvctl.services.selection import Selection
    from hvctl.transports.session import Session


@command()
def list_(context: Context, names: VolumeNames = None) -> None:
    """List volumes.

    hvctl storage volume list D:
    """
    from hvctl.models.storage import Volume
    from hvctl.services.storage.service import StorageService

    def work(session: Session, chosen: Selection) -> Sequence[Volume]:
        return StorageService(session, timeout=context.timeout).volumes(chosen)

    context.read(selection(context, names), work, model=Volume)


@command(changes=True)
def create(
    context: Context,
    disk: Annotated[str, typer.Argument(metavar="DISK", help="The virtual disk that the volume takes all of.")],
    letter: Annotated[str, typer.Option(metavar="LETTER", help="Its drive letter.")],
    fs: FileSystemOption = "ntfs",
    label: LabelOption = None,
    exist_ok: ExistOk = False,
) -> None:
    """Create a volume on an empty virtual disk.

    It takes all of the disk.

        hvctl storage volume create scratch --letter E: --fs ntfs
    """
    from hvctl.cli.checking import checked, given
    from hvctl.cli.output import check_columns
    from hvctl.models.storage import Volume
    from hvctl.models.storage_create import VolumeCreate
    from hvctl.services.storage.making import HasVolume, StorageMaking

    check_columns(context.options, Volume)
    values = given(virtual_disk=new_name(context, disk), letter=letter, file_system=file_system(fs), label=label)
    spec = checked(VolumeCreate, values, virtual_disk="DISK", file_system="--fs")
    service = StorageMaking(context.session(), timeout=context.timeout)
    create_with(
        context,
        service,
        disk,
        plan=lambda: service.plan_volume(spec),
        make=lambda planned: service.volume_of(service.make(planned, disk)),
        taken=HasVolume,
        existing=lambda there: service.existing_volume(there.state),
        exist_ok=exist_ok,
    )
