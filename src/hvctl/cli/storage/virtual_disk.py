"""`storage virtual-disk list`, `show`, `create`, `resize`, `repair` and `delete`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.cli.selecting import Everything, new_name, one_name, selection
from hvctl.cli.storage.words import (
    FIELDS,
    ColumnsOption,
    ExistOk,
    MissingOk,
    ResiliencyOption,
    Size,
    ThinOption,
    VirtualDiskNames,
    create_with,
    resiliency_of,
    size_of,
)

if TYPE_CHECKING:
    from hvctl.models.storage import StorageVirtualDisk, StorageVirtualDiskDetails
    from hvctl.services.plan import Plan, Prepared
    from hvctl.services.selection import Selection
    from hvctl.transports.session import Session


@command()
def list_(context: Context, names: VirtualDiskNames = None) -> None:
    """List virtual disks of storage pools.

    hvctl storage virtual-disk list
    """
    from hvctl.models.storage import StorageVirtualDisk
    from hvctl.services.storage.service import StorageService

    def work(session: Session, chosen: Selection) -> Sequence[StorageVirtualDisk]:
        return StorageService(session, timeout=context.timeout).virtual_disks(chosen)

    context.read(selection(context, names), work, model=StorageVirtualDisk)


@command()
def show(context: Context, names: VirtualDiskNames = None) -> None:
    """Show virtual disks, and what is below and on them.

    hvctl storage virtual-disk show vmstore
    """
    from hvctl.models.storage import StorageVirtualDiskDetails
    from hvctl.services.storage.service import StorageService

    def work(session: Session, chosen: Selection) -> Sequence[StorageVirtualDiskDetails]:
        return StorageService(session, timeout=context.timeout).show_virtual_disks(chosen)

    context.read(selection(context, names), work, model=StorageVirtualDiskDetails, single=True)


@command(changes=True)
def create(
    context: Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name; no other may have it.")],
    pool: Annotated[str, typer.Option(metavar="POOL", help="The pool it is made in.")],
    size: Size,
    resiliency: ResiliencyOption = "mirror",
    thin: ThinOption = False,
    number_of_columns: ColumnsOption = None,
    exist_ok: ExistOk = False,
) -> None:
    """Create a virtual disk in a storage pool.

    How much room the pool has for it is asked of the host and said first.

        hvctl storage virtual-disk create scratch --pool data --size 200G --resiliency simple
    """
    from hvctl.cli.checking import checked, given
    from hvctl.cli.output import check_columns
    from hvctl.models.storage import StorageVirtualDisk
    from hvctl.models.storage_create import VirtualDiskCreate
    from hvctl.services.selection import Selection
    from hvctl.services.storage.making import AlreadyThere, StorageMaking

    check_columns(context.options, StorageVirtualDisk)
    values = given(
        name=new_name(context, name), pool=pool, resiliency=resiliency_of(resiliency), columns=number_of_columns
    )
    values |= size_of(size) | ({"provisioning": "Thin"} if thin else {})
    spec = checked(VirtualDiskCreate, values, **FIELDS)
    service = StorageMaking(context.session(), timeout=context.timeout)
    create_with(
        context,
        service,
        spec.name,
        plan=lambda: service.plan_virtual_disk(spec),
        make=lambda planned: service.virtual_disk_of(service.make(planned, spec.name)),
        taken=AlreadyThere,
        existing=lambda there: service.service.virtual_disks(Selection.of(there.state.id))[0],
        exist_ok=exist_ok,
    )


@command(changes=True)
def resize(
    context: Context,
    name: Annotated[str, typer.Argument(metavar="DISK", help="A name or an id.")],
    size: Annotated[str, typer.Option(metavar="SIZE", help="The new size; only larger ones are possible.")],
) -> None:
    """Make a virtual disk larger.

    The volume on it keeps its size; Windows' Resize-Partition makes it larger.

        hvctl storage virtual-disk resize vmstore --size 3T
    """
    from hvctl.cli.changing import carry_out
    from hvctl.cli.checking import sizes
    from hvctl.services.storage.service import StorageService

    wanted = sizes(size=size)["size"]

    def prepare(session: Session, chosen: Selection) -> Plan:
        service = StorageService(session, timeout=context.timeout)
        return service.plan_resize(service.virtual_disk_state(chosen), wanted)

    carry_out(context, one_name(context, name), prepare)


@command(changes=True)
def repair(context: Context, names: VirtualDiskNames = None, everything: Everything = False) -> None:
    """Begin to repair virtual disks.

    A job of the pool copies what was on disks that failed or are missing to others; `storage job list` shows how far
    it is. A host may answer only when that is done: without --timeout it is waited for.

        hvctl storage virtual-disk repair vmstore
    """
    from hvctl.cli.changing import carry_out
    from hvctl.services.storage.delete import plan_repair
    from hvctl.services.storage.service import StorageService

    def prepare(session: Session, chosen: Selection) -> Plan:
        plan = plan_repair(StorageService(session, timeout=context.timeout).virtual_disk_states(chosen))
        return replace(plan, deadline=context.patience)

    chosen = selection(context, names, everything=everything)
    chosen.require_something()
    carry_out(context, chosen, prepare)


@command(changes=True)
def delete(
    context: Context,
    names: VirtualDiskNames = None,
    everything: Everything = False,
    with_vm_files: Annotated[
        bool, typer.Option("--with-vm-files", help="Delete also those that hold files of virtual machines.")
    ] = False,
    missing_ok: MissingOk = False,
) -> None:
    """Delete virtual disks, with the volumes and all the files on them.

    One that holds files of VMs stays unless --with-vm-files is given. It asks first; without a terminal, --yes is
    needed.

        hvctl storage virtual-disk delete scratch --yes
    """
    from hvctl.cli.changing import carry_out
    from hvctl.services.storage.service import StorageService

    def prepare(session: Session, chosen: Selection) -> Prepared:
        service = StorageService(session, timeout=context.timeout)
        spaces = service.virtual_disk_states(chosen, missing_ok=missing_ok)
        return service.plan_delete_virtual_disks(spaces, with_vm_files=with_vm_files)

    chosen = selection(context, names, everything=everything)
    chosen.require_something()
    context.require_consent("Deleting a virtual disk loses what is on it")
    carry_out(context, chosen, prepare)
