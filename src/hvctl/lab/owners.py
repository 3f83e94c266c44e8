"""Who is in the middle of a batch: a process, told from a later one that was given the same number."""

from __future__ import annotations

import os
import sys
import time
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from hvctl.lab.entities import Planned
from hvctl.lab.world import World

STALE = 300.0
"""Seconds without a heartbeat after which an owner counts as dead where the process cannot be told for sure."""

_SILENT = 60.0
"""Seconds of the lab's clock after its time that a mover counts as gone."""

_QUERY_LIMITED_INFORMATION = 0x1000
_STILL_ACTIVE = 259
_ENDED = "ended"
"""The start of a process that has ended and whose parent has not asked yet how."""
_counter = count(1)


class Owner:
    """A batch's owner: this process, and which of its batches."""

    def __init__(self) -> None:
        self.id = f"{os.getpid()}/{start_of(os.getpid())}/{next(_counter)}"
        self.noted = False
        self._beat = time.monotonic()

    def note(self, world: World) -> None:
        """Write the owner into the world, within the transaction that writes its first journal entry."""
        world.own(self.id, os.getpid(), start_of(os.getpid()))
        self.noted = True
        self._beat = time.monotonic()

    def beat(self, world: World, every: float) -> None:
        """Say that the process still lives, if it has something in the journal and was silent for a while."""
        if self.noted and time.monotonic() - self._beat >= every:
            with world.transaction():
                self.note(world)


def this_process() -> dict[str, Any]:
    """This process, for a record of who is at work on something."""
    return {"pid": os.getpid(), "started": start_of(os.getpid())}


def is_moving(world: World, planned: Planned) -> bool:
    """Whether somebody is at work on a planned VM; one that is not heard of in time has given it up."""
    mover = planned.mover
    if mover is None or world.now() > planned.until + _SILENT:
        return False
    return not is_dead(mover["pid"], mover["started"], time.time())


def is_dead(pid: int, started: str | None, heartbeat: float) -> bool:
    """Whether the process that noted itself so has ended."""
    if not _exists(pid):
        return True
    now = start_of(pid)
    if started is not None and now is not None:
        return started != now
    return time.time() - heartbeat > STALE


def start_of(pid: int) -> str | None:
    """What tells a process from others that had or will have its number; None where it cannot be told."""
    if pid == os.getpid():
        return _own_start(pid)
    return _start(pid)


@cache
def _own_start(pid: int) -> str | None:
    return _start(pid)


def _start(pid: int) -> str | None:
    if sys.platform == "win32":
        return _windows_start(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None
    # The name in the second field may hold spaces and brackets; the state and the start time come after it.
    fields = stat.rpartition(")")[2].split()
    return _ENDED if fields[0] in "ZX" else f"{boot}/{fields[19]}"


def _exists(pid: int) -> bool:
    if sys.platform == "win32":
        return _windows_start(pid) is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _windows_start(pid: int) -> str | None:
    if sys.platform != "win32":
        return None
    import ctypes
    from ctypes import wintypes

    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.OpenProcess.restype = wintypes.HANDLE
    handle = kernel.OpenProcess(_QUERY_LIMITED_INFORMATION, 0, pid)
    if not handle:
        return None
    try:
        times = [wintypes.FILETIME() for _ in range(4)]
        code = wintypes.DWORD()
        if not kernel.GetProcessTimes(wintypes.HANDLE(handle), *(ctypes.byref(each) for each in times)):
            return None
        if not kernel.GetExitCodeProcess(wintypes.HANDLE(handle), ctypes.byref(code)) or code.value != _STILL_ACTIVE:
            return None
        return f"{times[0].dwHighDateTime}:{times[0].dwLowDateTime}"
    finally:
        kernel.CloseHandle(wintypes.HANDLE(handle))
