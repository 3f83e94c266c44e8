"""When a program that serves shall end: on Ctrl-C, on SIGTERM, or when its standard input does."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def until(*, stdin: bool) -> Iterator[threading.Event]:
    """Within, Ctrl-C, SIGTERM and a terminal that is closed end nothing, but set the event.

    Args:
        stdin: The end of standard input sets it too: a parent that is gone has closed its end of a pipe.
    """
    stop = threading.Event()

    def told(*_: object) -> None:
        # In a thread: who waits for the event may hold its lock when the signal comes.
        threading.Thread(target=stop.set, daemon=True).start()

    before = {number: signal.signal(number, told) for number in _ends()}
    if stdin:
        threading.Thread(target=_watch, args=(sys.stdin.fileno(), stop), daemon=True).start()
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ends() -> list[signal.Signals]:
    """The signals that end a program; not a hang-up that `nohup` has it ignore."""
    found = [signal.SIGINT, signal.SIGTERM]
    for name in ("SIGHUP", "SIGBREAK"):  # each has its systems
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            found.append(number)
    return found


def _watch(descriptor: int, stop: threading.Event) -> None:
    try:
        while os.read(descriptor, 4_096):
            pass
    except OSError:
        pass  # a stream that cannot be read is at its end
    stop.set()
