"""`lab use`, `leave`, `reset`, `show` and `coverage`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.errors import HvctlError, UsageError

_QUIET = ("quiet",)
_DATA = ("output", "query", "columns", "sort", "color")
_LARGEST_SEED = 2**31 - 1


@command(shared=_QUIET)
def use(context: Context) -> None:
    """Make the simulator the default host.

    Every command then works on it unless --host or HVCTL_HOST says otherwise; `hvctl lab leave` ends that.

        hvctl lab use
    """
    from hvctl.config import home, set_default_host

    set_default_host("lab")
    context.note(f"The simulator is the default host now ({home().config_file}). To leave it: hvctl lab leave")


@command(shared=_QUIET)
def leave(context: Context) -> None:
    """Make the simulator the default host no longer.

    What is in it stays.

        hvctl lab leave
    """
    from hvctl.config import default_host, set_default_host

    default = default_host()
    if default is None or default.partition("/")[0].lower() != "lab":
        context.note("The simulator is not the default host; nothing was changed.")
        return
    set_default_host(None)
    context.note("The simulator is no longer the default host.")


@command(shared=(*_DATA, "quiet", "yes"))
def reset(
    context: Context,
    world: Annotated[str, typer.Option(metavar="WORLD", help="one-host or two-hosts.")] = "one-host",
    windows: Annotated[
        str, typer.Option(metavar="YEAR", help="Windows Server 2016, 2019, 2022 or 2025; or one a host: 2025,2022.")
    ] = "2025",
    processors: Annotated[
        str,
        typer.Option(metavar="KIND", help="intel, intel-old, amd or amd-old; or one a host: intel,amd."),
    ] = "intel",
    seed: Annotated[int, typer.Option(metavar="N", help="What ids and addresses are made from.")] = 0,
) -> None:
    """Start the simulator afresh; all that is in it is lost.

    It asks where there is a virtual machine or switch to lose; without a terminal, --yes is needed then.

        hvctl lab reset --world two-hosts --yes
    """
    from hvctl.cli.output import check_columns
    from hvctl.hosts import lab_file
    from hvctl.lab import seeds
    from hvctl.models.lab import World

    check_columns(context.options, World)
    if context.options.output == "name" and context.options.query is None:
        raise UsageError("A world has no name and no id.", hint="Choose another format: -o json, -o table.")
    if not 0 <= seed <= _LARGEST_SEED:
        raise UsageError(f"--seed is {seed}.", hint=f"Choose a number from 0 to {_LARGEST_SEED}.")
    seeds.check(world, windows, processors)
    path = lab_file()
    loss = _loss(path)
    if loss is not None:
        context.confirm(f"Lose {loss}?")
    seeds.reset(path, world=world, windows=windows, seed=seed, processors=processors)
    context.write([World.model_validate(seeds.describe(path))], single=True)


@command(shared=_DATA)
def show(context: Context) -> None:
    """Show what the simulator's world is.

    hvctl lab show
    """
    from hvctl.hosts import lab_file
    from hvctl.lab import seeds
    from hvctl.models.lab import World

    context.write([World.model_validate(seeds.describe(lab_file()))], single=True)


@command(shared=_DATA)
def coverage(context: Context) -> None:
    """List the cmdlets and parameters that the simulator simulates.

    Anything else is refused with exit code 10, never answered with a guess.

        hvctl lab coverage
    """
    from hvctl.lab.coverage import coverage as rows
    from hvctl.models.lab import CoverageRow

    context.write([CoverageRow.model_validate(row) for row in rows()], model=CoverageRow)


def _loss(path: Path) -> str | None:
    """What a reset would lose, in words; None where there is nothing."""
    from hvctl.lab import seeds

    if not path.exists():
        return None
    try:
        now = seeds.describe(path)
    except HvctlError:
        return "the lab's world, which cannot be read"
    if not now["vms"] and not now["switches"]:
        return None
    return f"{_counted(now['vms'], 'virtual machine')} and {_counted(now['switches'], 'switch', 'switches')} of the lab"


def _counted(number: int, one: str, several: str | None = None) -> str:
    return f"{number} {one if number == 1 else several or one + 's'}"
