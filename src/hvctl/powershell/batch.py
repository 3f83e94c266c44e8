"""Cmdlet calls as data: Call, Ref, Step, Batch.

Nothing in here becomes PowerShell source text on its way to a host: a parameter is a value, and the engine binds it so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from hvctl.powershell.cmdlets import CMDLETS

Expect = Literal["any", "one", "none"]
OnError = Literal["stop", "continue"]
Where = Mapping[str, "str | tuple[str, ...]"]

SIDE_BY_SIDE = 16
"""How many steps of a group an engine runs at once."""

SELF = "."
"""The property path that stands for the object itself: what `Test-Path` returns has no properties worth naming."""

_STEP_ID = re.compile(r"[a-z][a-z0-9_]*")
_PROPERTY = re.compile(r"\.|[A-Za-z]\w*(\.[A-Za-z]\w*)*")


@dataclass(frozen=True, slots=True)
class Ref:
    """A live object that an earlier step returned, or one property of it.

    `where` picks among what the step returned (equal text, case ignored; any of several). Without `all` exactly one
    object must be left. With `all` the value is the list of them, and a step whose list is empty is skipped: there is
    nothing to do.
    """

    step: str
    where: Where = field(default_factory=dict)
    property: str | None = None
    all: bool = False


@dataclass(frozen=True, slots=True)
class Secret:
    """Text that the engine makes a SecureString of."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credential:
    """A user name and password that the engine makes a PSCredential of."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """A duration in seconds that the engine makes a TimeSpan of."""

    seconds: float


@dataclass(frozen=True, slots=True)
class DateTime:
    """A moment as ISO 8601 text in UTC that the engine makes a DateTime of."""

    iso: str


_Scalar = str | int | float | bool | None | Ref | Secret | Credential | TimeSpan | DateTime
Value = _Scalar | tuple["Value", ...] | Mapping[str, "Value"]


@dataclass(frozen=True, slots=True)
class Call:
    """One cmdlet of the allow list and its parameters, by their exact names."""

    cmdlet: str
    parameters: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.cmdlet not in CMDLETS:
            raise ValueError(f"{self.cmdlet} is not on the allow list")

    def refs(self) -> Iterator[Ref]:
        """Every reference among the parameters."""
        for value in self.parameters.values():
            yield from _refs(value)


@dataclass(frozen=True, slots=True)
class Step:
    """A call, what is wanted back from it, and what happens when it fails.

    Attributes:
        id: The step's name within its batch.
        call: What runs.
        select: Property paths wanted back of each object; none means no records.
        where: Keep only objects whose properties have these texts (case ignored; any of several).
        expect: How many objects must be left, checked in the engine.
        on_error: Whether a failure ends the batch, with undo, or the next step runs.
        undo: The call that takes this step back; it may refer to what this step returned.
        needs: Earlier steps that must have succeeded; otherwise this one is skipped.
        group: Neighbouring steps of one group run side by side.
        timeout: Seconds after which this step alone is stopped.
    """

    id: str
    call: Call
    select: tuple[str, ...] = ()
    where: Where = field(default_factory=dict)
    expect: Expect = "any"
    on_error: OnError = "stop"
    undo: Call | None = None
    needs: tuple[str, ...] = ()
    group: str | None = None
    timeout: float | None = None

    def __post_init__(self) -> None:
        if not _STEP_ID.fullmatch(self.id):
            raise ValueError(f"{self.id!r} is not a step id")
        for path in (*self.select, *self.where):
            if not _PROPERTY.fullmatch(path):
                raise ValueError(f"{path!r} is not a property path")
        if self.group is not None and self.on_error != "continue":
            raise ValueError(f"step {self.id}: steps that run side by side cannot stop one another")
        if self.undo is not None and self.on_error != "stop":
            raise ValueError(f"step {self.id}: undo belongs to steps that stop the batch")

    @property
    def changes(self) -> bool:
        """Whether the step changes anything on the host."""
        return CMDLETS[self.call.cmdlet].effect != "read"


@dataclass(frozen=True, slots=True)
class Batch:
    """An ordered list of steps that one engine runs as one request."""

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for step in self.steps:
            if step.id in seen:
                raise ValueError(f"two steps are called {step.id}")
            self._check_refs(step.id, step.call, seen)
            if not seen.issuperset(step.needs):
                raise ValueError(f"step {step.id} needs a step that does not come before it")
            seen.add(step.id)
            if step.undo is not None:
                self._check_refs(step.id, step.undo, seen)

    @staticmethod
    def _check_refs(step_id: str, call: Call, known: set[str]) -> None:
        for ref in call.refs():
            if ref.step not in known:
                raise ValueError(f"step {step_id} refers to {ref.step}, which does not come before it")

    @property
    def changes(self) -> bool:
        """Whether any step changes anything on the host."""
        return any(step.changes for step in self.steps)

    def reading(self) -> Batch:
        """The part that only reads: what a dry run may run.

        A step that refers to a changing one is left out with it: its object would not be there.
        """
        kept: list[Step] = []
        ids: set[str] = set()
        for step in self.steps:
            if not step.changes and ids.issuperset((*step.needs, *(ref.step for ref in step.call.refs()))):
                kept.append(step)
                ids.add(step.id)
        return Batch(tuple(kept))


def _refs(value: Value) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _refs(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _refs(item)
