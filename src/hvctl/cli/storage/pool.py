"""`storage pool list`, `show`, `create` and `delete`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.cli.selecting import Everything, new_name, selection
from hvctl.cli.storage.words import FIELDS, Disks, ExistOk, MissingOk, PoolNames, create_with, listed

if TYPE_CHECKING:
    from hvctl.models.storage import StoragePool, StoragePoolDetails
    from hvctl.services.plan import Prepared
    from hvctl.services.selection import Selection
    from hvctl.transports.session import Session


@command()
def list_(context: Context, names: PoolNames = None) -> None:
    """List storage pools.

    The primordial pool, which has the disks that no other has, is left out.

        hvctl storage pool list
    """
    from hvctl.models.storage import StoragePool
    from hvctl.services.storage.service import StorageService

    def work(session: Session, chosen: Selection) -> Sequence[StoragePool]:
        return StorageService(session, timeout=context.timeout).pools(chosen)

    context.read(selection(context, names), work, model=StoragePool)


@command()
def show(context: Context, names: PoolNames = None) -> None:
    """Show storage pools, with the disks and the virtual disks in them.

    hvctl storage pool show data
    """
    from hvctl.models.storage import StoragePoolDetails
    from hvctl.services.storage.service import StorageService

    def work(session: Session, chosen: Selection) -> Sequence[StoragePoolDetails]:
        return StorageService(session, timeout=context.timeout).show_pools(chosen)

    context.read(selection(context, names), work, model=StoragePoolDetails, single=True)


@command(changes=True)
def create(
    context: Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name; no other may have it.")],
    disks: Disks = None,
    exist_ok: ExistOk = False,
) -> None:
    """Create a storage pool.

    Only disks that can be pooled are taken: blank ones of 4 GiB and more. `storage create` makes a pool, a virtual disk
    and a volume in one.

        hvctl storage pool create data --disks 1,2,3
    """
    from hvctl.cli.checking import checked
    from hvctl.cli.output import check_columns
    from hvctl.models.storage import StoragePool
    from hvctl.models.storage_create import PoolCreate
    from hvctl.services.selection import Selection
    from hvctl.services.storage.making import AlreadyThere, StorageMaking

    check_columns(context.options, StoragePool)
    spec = checked(PoolCreate, {"name": new_name(context, name), "disks": listed(disks)}, **FIELDS)
    service = StorageMaking(context.session(), timeout=context.timeout)
    create_with(
        context,
        service,
        spec.name,
        plan=lambda: service.plan_pool(spec),
        make=lambda planned: service.pool_of(service.make(planned, spec.name)),
        taken=AlreadyThere,
        existing=lambda there: service.service.pools(Selection.of(there.state.id))[0],
        exist_ok=exist_ok,
    )


@command(changes=True)
def delete(
    context: Context,
    names: PoolNames = None,
    everything: Everything = False,
    with_virtual_disks: Annotated[
        bool, typer.Option("--with-virtual-disks", help="Delete the virtual disks in it, and all that is on them.")
    ] = False,
    missing_ok: MissingOk = False,
) -> None:
    """Delete storage pools; their disks can be pooled again.

    A pool with virtual disks stays unless --with-virtual-disks is given, and one with files of VMs in any case. It asks
    first; without a terminal, --yes is needed.

        hvctl storage pool delete data --with-virtual-disks --yes
    """
    from hvctl.cli.changing import carry_out
    from hvctl.services.storage.service import StorageService

    def prepare(session: Session, chosen: Selection) -> Prepared:
        service = StorageService(session, timeout=context.timeout)
        pools = service.pool_states(chosen, missing_ok=missing_ok)
        return service.plan_delete_pools(pools, with_virtual_disks=with_virtual_disks)

    chosen = selection(context, names, everything=everything)
    chosen.require_something()
    context.require_consent("Deleting a storage pool loses what is in it")
    carry_out(context, chosen, prepare)
