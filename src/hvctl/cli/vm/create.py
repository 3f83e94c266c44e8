"""`vm create`."""

from __future__ import annotations

from typing import Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command


@command(changes=True)
def create(
    context: Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name; no other may have it.")],
    generation: Annotated[int, typer.Option(help="1 (BIOS) or 2 (UEFI).")] = 2,
    memory: Annotated[str, typer.Option(metavar="SIZE", help="Startup memory.")] = "1G",
    memory_minimum: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Smallest dynamic memory.", show_default=False)
    ] = None,
    memory_maximum: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Largest dynamic memory.", show_default=False)
    ] = None,
    dynamic_memory: Annotated[
        bool | None, typer.Option("--dynamic-memory/--static-memory", help="Whether memory grows and shrinks.")
    ] = None,
    processors: Annotated[int | None, typer.Option(metavar="N", help="Virtual processors; 1 if not given.")] = None,
    disk: Annotated[str | None, typer.Option(metavar="SIZE", help="Make a new disk, growing up to this size.")] = None,
    disk_path: Annotated[
        str | None, typer.Option(metavar="PATH", help="The new disk's file or folder; else --path, else the host's.")
    ] = None,
    attach: Annotated[str | None, typer.Option(metavar="FILE", help="Take a disk that is there.")] = None,
    iso: Annotated[str | None, typer.Option(metavar="FILE", help="Put this ISO in; it boots first.")] = None,
    switch: Annotated[str | None, typer.Option(metavar="SWITCH", help="Connect it to this virtual switch.")] = None,
    vlan: Annotated[int | None, typer.Option(metavar="ID", help="The VLAN of its adapter, 1 to 4094.")] = None,
    secure_boot_template: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Whose boot loaders are trusted: MicrosoftWindows, MicrosoftUEFICertificateAuthority (most Linux), "
            "OpenSourceShieldedVM.",
        ),
    ] = None,
    path: Annotated[str | None, typer.Option(metavar="FOLDER", help="Where its files go; else the host's.")] = None,
    notes: Annotated[str | None, typer.Option(metavar="TEXT", help="Notes.")] = None,
    start: Annotated[bool, typer.Option("--start", help="Start it.")] = False,
    exist_ok: Annotated[bool, typer.Option("--exist-ok", help="If it exists, show it as it is.")] = False,
) -> None:
    """Create a virtual machine.

    Paths are paths on the host. When any step fails, nothing of the machine is left, disk file included.

        hvctl vm create web1 --memory 4G --disk 60G --switch lan --start
    """
    from hvctl.cli.checking import checked, given, sizes
    from hvctl.cli.output import check_columns
    from hvctl.cli.selecting import new_name
    from hvctl.models.vm import VirtualMachine, VmCreate

    check_columns(context.options, VirtualMachine)
    values = given(
        name=new_name(context, name), generation=generation, dynamic_memory=dynamic_memory, processors=processors,
        disk_path=disk_path, attach=attach, iso=iso, switch=switch, vlan=vlan,
        secure_boot_template=secure_boot_template, path=path, notes=notes, start=start,
    )  # fmt: skip
    values |= sizes(memory=memory, memory_minimum=memory_minimum, memory_maximum=memory_maximum, disk=disk)
    spec = checked(VmCreate, values, name="NAME")
    context.begin()
    from hvctl.cli.creating import Making
    from hvctl.cli.creating import create as make
    from hvctl.services.vm.service import AlreadyThere, VmService

    service = VmService(context.session(), timeout=context.timeout)
    making = Making(
        spec.name,
        plan=lambda: service.plan_create(spec),
        batch=lambda creation: creation.batch,
        foresee=lambda creation: service.foresee(spec, creation),
        make=lambda creation: service.create(spec, creation),
        taken=AlreadyThere,
        existing=lambda there: service.details([there.vm.id])[0],
    )
    make(context, making, exist_ok=exist_ok)
