"""Does something to a copy of a world again and again, killed after one statement more each time.

It forks, so whoever uses it is a process of its own.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.simulated import Connection

from hvctl.lab.transport import LabTransport
from hvctl.powershell.batch import Step

Trace = Callable[[str], None]


def kills(folder: Path, base: Path, act: Callable[[Path, Trace], object]) -> Iterator[tuple[Path, bool]]:
    """A copy of the world after each kill, and whether there was one: the last run ends well.

    Args:
        folder: Where the copies go.
        base: The world.
        act: What is done to a copy; it calls the trace before every statement.
    """
    path = folder / "world.db"
    after = 0
    killed = True
    while killed:
        after += 1
        for end in ("", "-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        shutil.copy(base, path)
        child = os.fork()
        if child == 0:
            act(path, _dying(after))
            os._exit(0)
        _pid, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status)
        assert (os.WTERMSIG(status) == signal.SIGKILL) if killed else (os.WEXITSTATUS(status) == 0)
        yield path, killed


def run(path: Path, steps: tuple[Step, ...], trace: Trace) -> None:
    """Run a batch on a world; it must succeed."""
    connection = Connection(path)
    watch(connection.transport, trace)
    answer = connection.run(*steps)
    assert answer.error_ids == [], answer.error_ids


def watch(transport: object, trace: Trace | None) -> None:
    """Call a trace before every statement of a transport's world."""
    assert isinstance(transport, LabTransport)
    assert transport.world is not None
    transport.world.trace(trace)


def _dying(after: int) -> Trace:
    count = 0

    def statement(_text: str) -> None:
        nonlocal count
        count += 1
        if count == after:
            os.kill(os.getpid(), signal.SIGKILL)

    return statement
