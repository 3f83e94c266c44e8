"""The other host of a plan that moves objects: whether they have arrived there, and are gone where they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hvctl.errors import ConflictError, HvctlError, OutcomeUnknownError
from hvctl.models.base import Outcome
from hvctl.powershell.batch import Batch
from hvctl.services.names import folded
from hvctl.services.plan import Done, Part
from hvctl.transports.session import Session

_LOOK_TIMEOUT = 60.0
_Pair = tuple[Outcome, HvctlError | None]


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where the objects of a plan are to be afterwards; `settle` is the plan's `finish`, `sight` its `elsewhere`.

    Attributes:
        session: The host they go to.
        look: What reads them there: the steps `there` (Id, State) and `left` (Name: the id of what is half made).
        parts: The parts of the plan.
    """

    session: Session
    look: Batch
    parts: Sequence[Part]

    def settle(self, source: Session, done: Done, _timeout: float | None) -> Done:
        """What became of each object, now that both hosts have been looked at."""
        result = self.session.run(self.look)
        there = {folded(str(record["Id"])): record for record in result.of("there")}
        left = {folded(str(record["Name"])) for record in result.of("left")}
        pairs = [
            self._settled(part, pair, there.get(folded(part.id)), source.host, half=folded(part.id) in left)
            if part.steps
            else pair
            for part, pair in zip(self.parts, _pairs(done), strict=True)
        ]
        failures = tuple(failure for _, failure in pairs if failure is not None)
        return Done(tuple(outcome for outcome, _ in pairs), failures)

    def sight(self) -> str | None:
        """What of the objects is on the host that they go to, in words; None where nothing is, or it does not tell."""
        try:
            result = self.session.run(self.look, timeout=_LOOK_TIMEOUT)
        except HvctlError:
            return None
        names = {folded(part.id): part.name for part in self.parts if part.steps}
        there = (names.get(folded(str(record["Id"]))) for record in result.of("there"))
        left = (names.get(folded(str(record["Name"]))) for record in result.of("left"))
        host = self.session.host
        words = [f"'{name}' is on {host}" for name in there if name]
        words += [f"a planned virtual machine of '{name}' is on {host}" for name in left if name]
        return ", ".join(words) or None

    def _settled(self, part: Part, pair: _Pair, record: Mapping[str, Any] | None, source: str, *, half: bool) -> _Pair:
        outcome, failure = pair
        target = self.session.host
        if record is None:
            return self._absent(part, pair, source, half=half)
        if failure is not None and outcome.state is not None:
            words = f"'{part.name}' is on {source} and on {target} now."
            return _failed(pair, ConflictError(words, host=source, object_name=part.name))
        state = record.get("State")
        if part.wanted not in (None, state):
            words = f"'{part.name}' is on {target} now, and is {state}, not {part.wanted}."
            return _failed(pair, ConflictError(words, host=target, object_name=part.name), state)
        # Whatever was said on the way: it has arrived, and is gone where it was.
        changed = {"host": target, "outcome": "changed", "state": state, "error": None}
        return outcome.model_copy(update=changed), None

    def _absent(self, part: Part, pair: _Pair, source: str, *, half: bool) -> _Pair:
        outcome, failure = pair
        target = self.session.host
        if failure is None:
            words = f"'{part.name}' is neither on {source} nor on {target}."
            hint = "Look at both: hvctl vm list --host HOST"
            return _failed(pair, OutcomeUnknownError(words, hint=hint, host=source, object_name=part.name))
        if not half:
            return pair
        told = type(failure)(
            f"{failure.message} A planned virtual machine of it is left on {target}.",
            hint=failure.hint or "Run the command again: it removes that first.",
            host=failure.host,
            object_name=part.name,
            cmdlet_error=failure.cmdlet_error,
        )
        return _failed(pair, told, outcome.state)


def _pairs(done: Done) -> Iterator[_Pair]:
    """Each outcome, with the failure behind it."""
    failures = iter(done.failures)
    for outcome in done.outcomes:
        yield outcome, next(failures) if outcome.outcome == "failed" else None


def _failed(pair: _Pair, failure: HvctlError, state: str | None = None) -> _Pair:
    made = pair[0].model_copy(update={"outcome": "failed", "state": state, "error": failure.as_dict()})
    return made, failure
