"""`storage create`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.cli.selecting import new_name
from hvctl.cli.storage.words import (
    FIELDS,
    ColumnsOption,
    Disks,
    ExistOk,
    FileSystemOption,
    LabelOption,
    ResiliencyOption,
    Size,
    ThinOption,
    create_with,
    file_system,
    listed,
    resiliency_of,
    size_of,
)

if TYPE_CHECKING:
    from hvctl.models.storage import CreatedStorage


@command(changes=True)
def create(
    context: Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the pool and of the virtual disk.")],
    size: Size,
    volume: Annotated[str, typer.Option(metavar="LETTER", help="The drive letter of the volume.")],
    disks: Disks = None,
    resiliency: ResiliencyOption = "mirror",
    fs: FileSystemOption = "refs",
    thin: ThinOption = False,
    number_of_columns: ColumnsOption = None,
    label: LabelOption = None,
    exist_ok: ExistOk = False,
) -> None:
    """Create a storage pool, a virtual disk and a volume, all in one.

    What it takes and about how much it will hold is said first. When any step fails, disks and pools are as they were.

        hvctl storage create vmstore --disks auto --resiliency mirror --size 2T --volume D: --fs refs
    """
    from hvctl.cli.checking import checked, given
    from hvctl.cli.output import check_columns
    from hvctl.models.storage import CreatedStorage
    from hvctl.models.storage_create import StorageCreate
    from hvctl.services.storage.making import AlreadyThere, StorageMaking

    check_columns(context.options, CreatedStorage)
    values = given(
        name=new_name(context, name), volume=volume, disks=listed(disks), resiliency=resiliency_of(resiliency),
        file_system=file_system(fs), columns=number_of_columns, label=label,
    )  # fmt: skip
    values |= size_of(size) | ({"provisioning": "Thin"} if thin else {})
    spec = checked(StorageCreate, values, **FIELDS)
    service = StorageMaking(context.session(), timeout=context.timeout)

    def existing(there: AlreadyThere) -> CreatedStorage:
        if not there.made:
            raise there
        return service.existing_storage(there.state)

    create_with(
        context,
        service,
        spec.name,
        plan=lambda: service.plan_storage(spec),
        make=lambda planned: service.storage_of(spec.name, service.make(planned, spec.name)),
        taken=AlreadyThere,
        existing=existing,
        exist_ok=exist_ok,
    )
