"""Progress on a terminal, for what takes longer than a second."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from hvctl.output.streams import Sink, printable
from hvctl.units import format_duration

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from hvctl.powershell.protocol import Frame

DELAY = 1.0
"""Seconds until something is shown: what is over by then needs no bar."""


class Progress:
    """A bar for each thing that a batch is busy with; nothing at all where the stream is no terminal.

    Args:
        stream: Where it is drawn, as a rule stderr.
        delay: Seconds from now until it is.
        environment: Where TERM and NO_COLOR are looked up.
    """

    def __init__(self, stream: TextIO, *, delay: float = DELAY, environment: Mapping[str, str] = os.environ) -> None:
        self._stream = stream
        self._sink = Sink.of(stream, environment=environment)
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str], Frame] = {}
        self._bars: Bars | None = None
        self._tasks: dict[tuple[str, str], TaskID] = {}
        self._timer: threading.Timer | None = None
        if self._sink.is_terminal and environment.get("TERM") != "dumb":
            self._timer = threading.Timer(delay, self._start)
            self._timer.daemon = True
            self._timer.start()

    def show(self, frame: Frame) -> None:
        """Take a progress frame: what was said last about each step and activity is what is drawn."""
        if self._timer is None:
            return
        key = (str(frame.get("step")), str(frame.get("activity")))
        with self._lock:
            if self._bars is None:
                self._waiting[key] = frame
            else:
                self._draw(self._bars, key, frame)

    def close(self) -> None:
        """Wipe what is drawn, and draw nothing more."""
        if self._timer is None:
            return
        self._timer.cancel()
        with self._lock:
            self._timer = None
            if self._bars is not None:
                self._bars.stop()

    def _start(self) -> None:
        bars = _make_bars(self._stream, self._sink)
        with self._lock:
            if self._timer is None:
                return
            self._bars = bars
            for key, frame in self._waiting.items():
                self._draw(bars, key, frame)
            bars.start()

    def _draw(self, bars: Bars, key: tuple[str, str], frame: Frame) -> None:
        percent = frame.get("percent")
        if key not in self._tasks:
            self._tasks[key] = bars.add_task("", total=None)
        task = self._tasks[key]
        known: dict[str, Any] = {"total": 100, "completed": percent} if percent is not None else {"total": None}
        bars.update(task, description=_words(frame), visible=percent is None or percent < 100, **known)


def _words(frame: Frame) -> str:
    words = ": ".join(printable(str(text)) for text in (frame.get("activity"), frame.get("status")) if text)
    left = frame.get("seconds_left")
    return words if left is None else f"{words} ({format_duration(left)} left)"


def _make_bars(stream: TextIO, sink: Sink) -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(
        file=stream,
        width=sink.width,
        color_system="standard" if sink.color else None,
        no_color=not sink.color,
        force_terminal=True,
    )
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,
    )
