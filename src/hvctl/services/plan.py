"""What a changing verb is about to do to each object, and doing it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hvctl.errors import CancelledError, ConflictError, HvctlError, OutcomeUnknownError, PartialError, TimedOutError
from hvctl.models.base import Outcome
from hvctl.powershell.batch import Batch, Step
from hvctl.services.failures import failure_of, with_sight
from hvctl.services.first import First
from hvctl.services.selection import Stateful
from hvctl.transports.result import ErrorRecord, Result
from hvctl.transports.session import Session

_Left = Mapping[str, Mapping[str, Any]]
"""What is there afterwards: the records of the last step, by id."""


@dataclass(frozen=True, slots=True)
class Part:
    """One object's part of a plan.

    Attributes:
        id: The object's id.
        name: Its name.
        state: Its state when the plan was made.
        steps: The ids of the steps that change it, in order; none when it needs no change or cannot be changed.
        wanted: The state it must have afterwards; None where any will do.
        goes: Whether the object is gone afterwards.
        failure: Why it cannot be changed, known before anything is sent.
        messages: What to say when a step fails, by step id; the cmdlet's own words follow.
        new_name: Its name afterwards, where that is another.
        host: The host it is on, where that is not the one the plan is for.
    """

    id: str
    name: str
    state: str | None
    steps: tuple[str, ...] = ()
    wanted: str | None = None
    goes: bool = False
    failure: HvctlError | None = None
    messages: Mapping[str, str] = field(default_factory=dict)
    new_name: str | None = None
    host: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A batch, and what each object's part in it is.

    Attributes:
        verb: The command, as in `vm stop`.
        batch: What is sent; no steps when there is nothing to do.
        parts: One an object that was selected.
        after: The id of the step that reads id and state afterwards.
        look: What tells the state of the objects after an answer was lost.
        deadline: Seconds for the whole batch; None for as many as the command has, infinity for no limit.
        first: What another host must do before, such as clear away what is in the way.
        finish: What follows when the batch has ended, such as waiting for a job; returns the outcomes as they are then.
        elsewhere: What another host has of the objects, in words, for when the answer was lost or not waited for.
    """

    verb: str
    batch: Batch
    parts: tuple[Part, ...]
    after: str | None = None
    look: Batch | None = None
    deadline: float | None = None
    first: First | None = None
    finish: Callable[[Session, Done, float | None], Done] | None = None
    elsewhere: Callable[[], str | None] | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan, and what there is to say about it before it runs.

    Attributes:
        plan: What is to be done.
        losses: What is lost by it, an object each, in words that a question can hold.
        notes: What else the user should know.
    """

    plan: Plan
    losses: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def within(self, seconds: float) -> Prepared:
        """The same, with so many seconds for its batch in place of the command's."""
        return replace(self, plan=replace(self.plan, deadline=seconds))


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a plan: an outcome an object, and the errors behind the failed ones."""

    outcomes: tuple[Outcome, ...]
    failures: tuple[HvctlError, ...]

    def error(self, verb: str) -> HvctlError | None:
        """The one error a command ends with: None when all went well, their common kind when all failed."""
        return summed(verb, self.failures, good=len(self.outcomes) - len(self.failures))


def summed(verb: str, failures: Sequence[HvctlError], *, good: int) -> HvctlError | None:
    """The one error that several failures end in: none for none, their common kind where nothing went well.

    Args:
        verb: The command, as in `vm stop`.
        failures: One an object or host that failed.
        good: How many did not.
    """
    if not failures:
        return None
    if len(failures) == 1 and not good:
        return failures[0]
    words = f"{verb}: {len(failures)} of {len(failures) + good} failed."
    if good:
        return PartialError(words, errors=failures)
    kinds: set[type[HvctlError]] = {_kind(failure) for failure in failures}
    return (kinds.pop() if len(kinds) == 1 else HvctlError)(words, errors=failures)


def _kind(failure: HvctlError) -> type[HvctlError]:
    """The public kind of an error, whose constructor is that of them all."""
    return next(kind for kind in type(failure).__mro__ if kind.__module__ == HvctlError.__module__)


def make_plan(
    verb: str,
    parts: Sequence[Part],
    steps: Iterable[Step],
    *,
    before: Sequence[Step] = (),
    after: Step | None = None,
    deadline: float | None = None,
) -> Plan:
    """A plan of one batch; empty when no part has a step.

    Args:
        verb: The command.
        parts: What happens to each object.
        steps: What changes them.
        before: What the changing steps refer to.
        after: What reads their states afterwards; with what it refers to, what is looked at when the answer is lost.
        deadline: Seconds for the whole batch, where it needs others than the command has.
    """
    changing = tuple(steps)
    if not changing:
        return Plan(verb, Batch(()), tuple(parts))
    tail = (after,) if after else ()
    named = {ref.step for step in tail for ref in step.call.refs()}
    return Plan(
        verb,
        Batch((*before, *changing, *tail)),
        tuple(parts),
        after=after.id if after else None,
        look=Batch((*(step for step in before if step.id in named), *tail)) if after else None,
        deadline=deadline,
    )


def states_seen(records: Iterable[Mapping[str, Any]]) -> _Left:
    """What a step that reads states saw, by id; objects of the Storage module have an id and a state of other names."""
    return {
        str(record["UniqueId"] if "UniqueId" in record else record["Id"]): {
            "State": record.get("HealthStatus" if "UniqueId" in record else "State")
        }
        for record in records
    }


def run_plan(session: Session, plan: Plan, *, timeout: float | None) -> Done:
    """Run a plan and say what became of each object.

    Raises:
        HvctlError: The session itself failed; a step's failure is in the outcomes.
    """
    if not plan.batch.steps:
        return _settled(session, plan)
    if plan.first:
        plan.first.run()
    limit = plan.deadline or timeout
    try:
        result = session.run(plan.batch, timeout=None if limit == math.inf else limit, look=plan.look)
    except OutcomeUnknownError as error:
        told = (_sight(plan, error), _elsewhere(plan))
        raise with_sight(error, ", ".join(words for words in told if words) or None) from error
    except CancelledError as error:
        raise _with_what_goes_on(plan, error) from error
    # A batch that ended early did not get to its last step: what it left behind is asked for.
    seen = result if result.ok or plan.look is None else session.run(plan.look)
    left = states_seen(seen.of(plan.after)) if plan.after else {}
    done = _done([_outcome(part, result, left, session.host, plan) for part in plan.parts])
    return plan.finish(session, done, timeout) if plan.finish else done


def foresee(session: Session, plan: Plan) -> Done:
    """Run what the plan reads, as a dry run does, and say what would become of each object."""
    reading = plan.batch.reading()
    if not reading.steps:
        return _settled(session, plan)
    result = session.run(reading)
    left = {part.id: {"State": part.wanted or part.state} for part in plan.parts if not part.goes}
    return _done([_outcome(part, result, left, session.host, plan) for part in plan.parts])


def checked(vm: Stateful, host: str, message: str, hint: str | None = None) -> Part:
    """A part that cannot be changed because of the state it is in."""
    return Part(vm.id, vm.name, vm.state, failure=ConflictError(message, hint=hint, host=host, object_name=vm.name))


def _settled(session: Session, plan: Plan) -> Done:
    return _done([_unsent(part, session.host) for part in plan.parts])


def _done(pairs: Sequence[tuple[Outcome, HvctlError | None]]) -> Done:
    failures = tuple(failure for _, failure in pairs if failure is not None)
    return Done(tuple(outcome for outcome, _ in pairs), failures)


def _unsent(part: Part, host: str) -> tuple[Outcome, HvctlError | None]:
    return _pair(part, host, "unchanged" if part.failure is None else "failed", part.state, part.failure)


def _outcome(part: Part, result: Result, left: _Left, host: str, plan: Plan) -> tuple[Outcome, HvctlError | None]:
    was_read = bool(part.steps and plan.after)
    state = left.get(part.id, {}).get("State") if was_read else part.state
    record = _batch_failure(part, result, plan)
    failure = part.failure
    if record is not None and not (record.step is None and _got_there(part, left)):
        message = part.messages.get(record.step or "")
        failure = failure_of(record, result, host=host, object_name=part.name, message=message)
    if failure is None and was_read:
        failure = _state_failure(part, left, host)
    elif isinstance(failure, TimedOutError) and state is not None:
        failure = _now(failure, part, state)
    if failure is not None:
        return _pair(part, host, "failed", state, failure)
    if part.goes and part.steps:
        return _pair(part, host, "changed", None, None)
    return _pair(part, host, "changed" if part.steps else "unchanged", state, None)


def _batch_failure(part: Part, result: Result, plan: Plan) -> ErrorRecord | None:
    """The failure of a step of this part, or of a step or a deadline that concerns them all."""
    if not part.steps or part.failure is not None:
        return None
    elsewhere = {step.id for step in plan.batch.steps if step.on_error == "continue" and step.id not in part.steps}
    return next((record for record in result.errors if not record.undo and record.step not in elsewhere), None)


def _got_there(part: Part, left: _Left) -> bool:
    """Whether an object is as it should be although the batch ended early; one that was so before proves nothing."""
    if part.goes:
        return part.id not in left
    return part.wanted not in (None, part.state) and left.get(part.id, {}).get("State") == part.wanted


def _now(failure: TimedOutError, part: Part, state: str) -> TimedOutError:
    """A time-out that says what the object is now."""
    return TimedOutError(
        f"{failure.message} '{part.name}' is {'still' if state == part.state else 'now'} {state}.",
        hint=failure.hint or "Allow more time with --timeout.",
        host=failure.host,
        object_name=part.name,
        cmdlet_error=failure.cmdlet_error,
    )


def _state_failure(part: Part, left: _Left, host: str) -> HvctlError | None:
    is_there = part.id in left
    if part.goes:
        words = f"'{part.name}' is still there."
        return ConflictError(words, host=host, object_name=part.name) if is_there else None
    state = left[part.id].get("State") if is_there else None
    if is_there and part.wanted in (None, state):
        return None
    words = f"is {state}, not {part.wanted}" if is_there else "is gone"
    return ConflictError(f"'{part.name}' {words}.", host=host, object_name=part.name)


def _sight(plan: Plan, error: OutcomeUnknownError) -> str | None:
    """What a fresh engine saw of the objects, in words."""
    if error.seen is None or plan.after is None:
        return None
    left = states_seen(error.seen.get(plan.after, ()))
    there = {key: record["State"] or "there" for key, record in left.items()}
    return ", ".join(f"'{part.name}' is {there.get(part.id, 'not there')}" for part in plan.parts if part.steps)


def _elsewhere(plan: Plan) -> str | None:
    return plan.elsewhere() if plan.elsewhere else None


def _with_what_goes_on(plan: Plan, error: CancelledError) -> CancelledError:
    """The error, naming what is on its way all the same: a guest that shuts down does so without its client."""
    left = states_seen(error.seen.get(plan.after, ())) if error.seen and plan.after else {}
    states = {part.name: (left.get(part.id, {}).get("State"), part) for part in plan.parts if part.wanted}
    under_way = [
        f"'{name}' is {state}" for name, (state, part) in states.items() if state not in (None, part.state, part.wanted)
    ]
    elsewhere = _elsewhere(plan)
    if not (under_way or elsewhere):
        return error
    goes_on = f" It goes on there: {', '.join(under_way)}." if under_way else ""
    told = CancelledError(f"{error.message}{goes_on}{f' Now {elsewhere}.' if elsewhere else ''}", host=error.host)
    told.seen = error.seen
    return told


def _pair(
    part: Part, host: str, outcome: str, state: str | None, failure: HvctlError | None
) -> tuple[Outcome, HvctlError | None]:
    error = failure.as_dict() if failure else None
    name = part.name if failure else part.new_name or part.name
    made = Outcome.model_validate(
        {"id": part.id, "name": name, "host": part.host or host, "outcome": outcome, "state": state, "error": error}
    )
    return made, failure
