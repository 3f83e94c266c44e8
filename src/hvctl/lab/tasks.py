"""A step of a batch under way, and what its cmdlet says meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any

from hvctl.lab.context import NEVER, Wait
from hvctl.lab.steps import LabStep, Refused

Emit = Callable[[str, dict[str, Any]], None]
"""Takes the type and the fields of a frame."""


class NothingToDo(Exception):
    """A ref with `all` leads to an empty list: the step is skipped."""


class Stopped(Exception):
    """A waiting cmdlet is stopped: thrown into it where it waits."""


class Task:
    """A step under way: what drives it, what it waits for, and when it is stopped."""

    def __init__(self, step: LabStep, drive: Generator[Wait, None, None]) -> None:
        self.step = step
        self.drive = drive
        self.until = 0.0
        self.stop_at = NEVER if step.timeout is None else time.monotonic() + step.timeout
        self.stopped_by: Refused | None = None


class Said:
    """What a cmdlet says while it runs: a Sink that keeps errors until the records are out."""

    def __init__(self, step: str, emit: Emit) -> None:
        self.step = step
        self.emit = emit
        self.failures: list[dict[str, object]] = []

    def warning(self, message: str) -> None:
        """Tell a warning at once."""
        self.emit("warning", {"step": self.step, "message": message})

    def error(self, record: dict[str, object]) -> None:
        """Keep an error."""
        self.failures.append(record)

    def progress(self, activity: str, status: str, percent: int | None, seconds_left: float | None) -> None:
        """Tell progress at once."""
        fields = {"step": self.step, "activity": activity, "status": status}
        self.emit("progress", {**fields, "percent": percent, "seconds_left": seconds_left})
