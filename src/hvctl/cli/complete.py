"""Completion: the shells' scripts, and names from the lab or from what `list` has seen. It opens no connection."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.config import home
from hvctl.errors import HvctlError, UsageError
from hvctl.hosts import Target, choose, lab_file

SHELLS = ("bash", "zsh", "fish", "powershell")


@command(shared=())
def completion(
    _: Context,
    shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell.")],
) -> None:
    """Print the completion script of a shell.

    source <(hvctl completion bash)
    """
    if shell not in SHELLS:
        raise UsageError(f"'{shell}' is not a shell with completion.", hint=f"Choose one of {', '.join(SHELLS)}.")
    from hvctl.cli.app import build

    prepare()
    os.environ["_HVCTL_COMPLETE"] = f"source_{shell}"
    build(())(prog_name="hvctl")


def prepare() -> None:
    """Make Typer know the shells.

    It learns them when it builds an application with its own completion options, which ours has not: `completion` is a
    command like any other.
    """
    import typer.main

    typer.main.get_command(_with_typers_options())


def _with_typers_options() -> typer.Typer:
    app = typer.Typer(add_completion=True)
    app.command()(prepare)
    return app


def host_names(incomplete: str) -> list[str]:
    """Hosts that begin so."""
    names = ["localhost", "lab"]
    if lab_file().exists():
        from hvctl.lab.world import host_names as lab_hosts

        names += [f"lab/{name}" for name in lab_hosts(lab_file())]
    return _beginning(names, incomplete)


def vm_names(incomplete: str) -> list[str]:
    """Virtual machines of the chosen host that begin so."""
    return _names(incomplete, "vm")


def switch_names(incomplete: str) -> list[str]:
    """Switches of the lab that begin so."""
    return _names(incomplete, "switch")


def remember(host: str, names: Sequence[str]) -> None:
    """Keep the names that a list of a real host showed, for completion; the lab is asked itself."""
    if host.partition("/")[0] == "lab":
        return
    path = _cache(host)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(list(names)), encoding="ascii")
    except OSError:
        return  # a cache that cannot be written is only not there


def _names(incomplete: str, noun: str) -> list[str]:
    try:
        target = choose()
        if target.kind == "lab":
            return _beginning(_lab_names(target, noun), incomplete)
        return (
            _beginning(json.loads(_cache(target.name).read_text(encoding="ascii")), incomplete) if noun == "vm" else []
        )
    except (HvctlError, OSError, ValueError):
        return []  # completion has nowhere to say what is wrong


def _lab_names(target: Target, noun: str) -> list[str]:
    from hvctl.lab import world

    host = target.inner or next(iter(world.host_names(lab_file())), "")
    return (world.vm_names if noun == "vm" else world.switch_names)(lab_file(), host)


def _cache(host: str) -> Path:
    return home().state / "names" / f"{host.replace('/', '_')}.json"


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return sorted(name for name in names if name.lower().startswith(incomplete.lower()))
