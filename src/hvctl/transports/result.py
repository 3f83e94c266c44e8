"""What a batch returned: records, warnings and errors by step, and what was undone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hvctl.powershell.protocol import Frame


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """A PowerShell error record, as the engine reported it."""

    step: str | None
    message: str
    category: str
    error_id: str
    exception: str | None = None
    hresult: int | None = None
    target: str | None = None
    undo: bool = False

    @classmethod
    def of(cls, frame: Frame) -> ErrorRecord:
        """The record in an `error` frame."""
        return cls(
            step=frame.get("step"),
            message=frame["message"],
            category=frame["category"],
            error_id=frame["error_id"],
            exception=frame.get("exception"),
            hresult=frame.get("hresult"),
            target=frame.get("target"),
            undo=bool(frame.get("undo")),
        )

    def as_dict(self) -> dict[str, Any]:
        """The record as JSON, for the error object on stderr."""
        return {
            "message": self.message,
            "category": self.category,
            "error_id": self.error_id,
            "exception": self.exception,
            "hresult": None if self.hresult is None else f"0x{self.hresult:08X}",
            "target": self.target,
        }


@dataclass(slots=True)
class Result:
    """What a batch returned."""

    hello: Frame
    ok: bool = False
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    errors: list[ErrorRecord] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    undone: tuple[str, ...] = ()
    not_undone: tuple[str, ...] = ()

    def of(self, step: str) -> list[dict[str, Any]]:
        """The records of a step, empty where it returned none."""
        return self.records.get(step, [])

    @property
    def failure(self) -> ErrorRecord | None:
        """The error that ended the batch: the last one, for a step that may fail does not end it; else the first."""
        errors = [error for error in self.errors if not error.undo]
        return (errors[0] if self.ok else errors[-1]) if errors else None
