"""The arguments and options that several storage commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from hvctl.errors import ConflictError

E = TypeVar("E", bound=ConflictError)

if TYPE_CHECKING:
    from hvctl.cli.context import Context
    from hvctl.models.base import Model
    from hvctl.services.storage.create import Making as Made
    from hvctl.services.storage.making import StorageMaking

_NAMES = "Names, ids or patterns; - reads names from stdin."
DiskNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="DISK", help="Numbers, ids, serial numbers, names or patterns.", show_default=False),
]
PoolNames = Annotated[list[str] | None, typer.Argument(metavar="POOL", help=_NAMES, show_default=False)]
VolumeNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="VOLUME", help="Drive letters, labels, ids or patterns.", show_default=False),
]
JobNames = Annotated[list[str] | None, typer.Argument(metavar="JOB", help=_NAMES, show_default=False)]
VirtualDiskNames = Annotated[list[str] | None, typer.Argument(metavar="DISK", help=_NAMES, show_default=False)]
Disks = Annotated[
    list[str] | None,
    typer.Option(
        "--disks",
        metavar="auto|DISK",
        help="A disk by number, id or serial number, or several as A,B; auto takes those of the type that gives most.",
    ),
]
Size = Annotated[str, typer.Option(metavar="SIZE", help="Its size, or max.")]
ResiliencyOption = Annotated[
    str, typer.Option("--resiliency", metavar="KIND", help="simple, mirror, three-way-mirror, parity or dual-parity.")
]
ThinOption = Annotated[bool, typer.Option("--thin", help="Take space from the pool only as it is written.")]
ColumnsOption = Annotated[
    int | None,
    typer.Option("--number-of-columns", metavar="N", help="Disks that data is striped over; the host chooses else."),
]
FileSystemOption = Annotated[str, typer.Option("--fs", metavar="FS", help="refs or ntfs.")]
LabelOption = Annotated[str | None, typer.Option("--label", metavar="TEXT", help="The volume's label; else its name.")]
ExistOk = Annotated[bool, typer.Option("--exist-ok", help="If it exists, show it as it is.")]
MissingOk = Annotated[bool, typer.Option("--missing-ok", help="It is fine if one is not there.")]

FIELDS = {"name": "NAME", "file_system": "--fs", "letter": "LETTER", "provisioning": "--thin", "volume": "--volume"}
"""How fields are called on the command line, where that is not their own name."""


def listed(disks: list[str] | None) -> tuple[str, ...]:
    """The disks of `--disks`: each option can name several.

    Raises:
        UsageError: It names none, as with a variable of a script that is empty; or `auto` beside others.
    """
    from hvctl.errors import UsageError

    found = tuple(part.strip() for text in disks or () for part in text.split(","))
    if not all(found):
        raise UsageError("--disks names no disk.", hint="Leave it out, or say auto, for those that fit best.")
    if len(found) > 1 and "auto" in (text.lower() for text in found):
        raise UsageError("--disks auto chooses by itself: it goes with no other disk.")
    return found


def file_system(text: str) -> str:
    """A file system as the model spells it."""
    return {"refs": "ReFS", "ntfs": "NTFS"}.get(text.lower(), text)


def size_of(text: str) -> dict[str, int]:
    """The size in bytes; none for max.

    Raises:
        UsageError: It is not a size.
    """
    from hvctl.cli.checking import sizes

    return {} if text.lower() == "max" else sizes(size=text)


def resiliency_of(text: str) -> str:
    """A resiliency as the model spells it; a mirror may be named by its ways."""
    word = text.lower()
    return {"two-way": "mirror", "two-way-mirror": "mirror", "three-way": "three-way-mirror"}.get(word, word)


def create_with(
    context: Context,
    service: StorageMaking,
    name: str,
    *,
    plan: Callable[[], Made],
    make: Callable[[Made], Model],
    taken: type[E],
    existing: Callable[[E], Model],
    exist_ok: bool,
) -> None:
    """Make what a service plans: what is used, and about how much it gives, is said first.

    Raises:
        ConflictError: There is one already.
        HvctlError: It was not made; what could not be taken back is named.
    """
    from hvctl.cli.creating import Making, create

    def announce(planned: Made) -> None:
        for sentence in planned.notes:
            context.note(sentence)

    making = Making(
        name,
        plan=plan,
        batch=lambda planned: planned.batch,
        foresee=lambda planned: service.foresee(planned, name),
        make=make,
        taken=taken,
        existing=existing,
        announce=announce,
    )
    create(context, making, exist_ok=exist_ok)
