"""Which host a command means, and the transport that reaches it.

The lab is never a silent fallback: a forgotten setting in a CI job must not look like success.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hvctl.config import default_host, home
from hvctl.errors import UsageError
from hvctl.transports.base import Transport

LOCAL_NAMES = ("localhost", ".")
HOW_TO_CHOOSE = (
    "Name one with --host, or HVCTL_HOST: localhost for this machine, lab for the simulator. "
    "`hvctl lab use` makes the simulator the default."
)


@dataclass(frozen=True, slots=True)
class Target:
    """A host: its name on the command line, what kind it is, and its name within that kind."""

    name: str
    kind: Literal["lab", "local"]
    inner: str | None = None


def choose(named: str | None = None) -> Target:
    """The host a command means: `--host`, else `HVCTL_HOST`, else the configured default, else this machine's Hyper-V.

    Raises:
        UsageError: None is named and this machine has no Hyper-V, or the name is not known.
    """
    name = named or os.environ.get("HVCTL_HOST") or default_host()
    if name:
        return find(name)
    if has_hyper_v():
        return Target("localhost", "local")
    raise UsageError("No host is named, and this machine has no Hyper-V.", hint=HOW_TO_CHOOSE)


def find(name: str) -> Target:
    """The host of a name.

    Raises:
        UsageError: No host is called that.
    """
    lowered = name.lower()
    if lowered in LOCAL_NAMES:
        return Target("localhost", "local")
    if lowered == "lab":
        return Target("lab", "lab", None)
    if lowered.startswith("lab/") and lowered != "lab/":
        return Target(lowered, "lab", lowered.removeprefix("lab/"))
    raise UsageError(f"No host is called '{name}'.", hint=HOW_TO_CHOOSE)


def siblings(target: Target) -> list[Target]:
    """All hosts of the same kind: every host of the lab's world, or this machine alone.

    A host that the lab lacks stands alone, for its transport to refuse.
    """
    if target.kind == "local":
        return [target]
    from hvctl.lab.world import World, host_names

    if not lab_file().exists():
        World.open(lab_file()).close()
    found = [Target(f"lab/{name}", "lab", name) for name in host_names(lab_file())]
    missing = target.inner is not None and target.inner.lower() not in (str(each.inner).lower() for each in found)
    return [target] if missing else found


def split_address(text: str) -> tuple[str | None, str]:
    """A host and a name from `HOST:NAME`; `:NAME`, and a name whose first part is no host, are plain names."""
    before, colon, after = text.partition(":")
    if not colon:
        return None, text
    if not before:
        return None, after
    try:
        return find(before).name, after
    except UsageError:
        return None, text


def open_transport(target: Target, *, use_pwsh: bool = False) -> Transport:
    """The transport that reaches a host; nothing is started yet.

    Args:
        target: The host.
        use_pwsh: Prefer PowerShell 7 to Windows PowerShell on this machine.
    """
    if target.kind == "lab":
        from hvctl.lab.transport import LabTransport

        return LabTransport(lab_file(), target.inner or "", name=target.name)
    from hvctl.transports.local import LocalTransport

    return LocalTransport(target.name, use_pwsh=use_pwsh)


def lab_file() -> Path:
    """The file that holds the lab's world."""
    return home().lab


def has_hyper_v() -> bool:
    """Whether this machine runs Hyper-V: its management service is registered. No PowerShell is started to know."""
    if sys.platform != "win32":
        return False
    import winreg

    try:
        winreg.CloseKey(winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Services\vmms"))
    except OSError:
        return False
    return True
