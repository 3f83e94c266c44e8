"""Creates a machine again and again and interrupts each creation at another moment.

    python -m tests.support.interrupted ROUNDS

A process of its own: in a test's, the interrupt could hit what belongs to the test. It prints a JSON line a round: the
exit code, and what is there afterwards.
"""

from __future__ import annotations

import io
import json
import signal
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from types import FrameType

from tests.support.worlds import things

from hvctl.cli.app import main
from hvctl.hosts import lab_file

CREATE = ("vm", "create", "web1", "--disk", "1G", "--switch", "lan", "--notes", "x", "--start")
DELETE = ("vm", "delete", "--all", "--turn-off", "--with-disks", "--yes")


def run(*words: str) -> int:
    """Run a command line without a word."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        return main(list(words))


def interrupt(_: int, frame: FrameType | None) -> None:
    """Interrupt the command, and nothing around it."""
    while frame is not None:
        if frame.f_code is main.__code__:
            raise KeyboardInterrupt
        frame = frame.f_back


def interrupted(after: float) -> int:
    """The exit code of a creation that is interrupted after so many seconds."""
    signal.setitimer(signal.ITIMER_REAL, after)
    try:
        return run(*CREATE)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def tell(code: int | None, takes: float = 0.0) -> None:
    """Print how a round ended."""
    sys.stdout.write(json.dumps({"code": code, "takes": takes, "things": things(lab_file())}) + "\n")


def sweep(rounds: int) -> None:
    """Interrupt so many creations, spread over the time that one takes."""
    signal.signal(signal.SIGALRM, interrupt)
    run("switch", "create", "lan")
    tell(None)
    for _ in range(2):  # the first one imports what it needs
        started = time.monotonic()
        code = run(*CREATE)
        takes = time.monotonic() - started
        tell(code)
        run(*DELETE)
    for number in range(rounds):
        started = time.monotonic()
        code = interrupted(takes * (number + 1) / rounds)
        tell(code, time.monotonic() - started)
        run(*DELETE)


if __name__ == "__main__":
    sweep(int(sys.argv[1]))
