"""Runs the steps of one batch on the world: refs, groups, waiting, expectations, and undo."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Mapping
from typing import Any, Protocol

from hvctl.lab import frozen, picking, recovery
from hvctl.lab.calls import invoke
from hvctl.lab.context import NEVER, Context, Failure, Wait
from hvctl.lab.conversion import Tagged
from hvctl.lab.entities import Host, Merge
from hvctl.lab.live import Live
from hvctl.lab.owners import Owner
from hvctl.lab.settings import TICK
from hvctl.lab.steps import LabCall, LabStep, RefArgument, Refused
from hvctl.lab.tasks import Emit, NothingToDo, Said, Stopped, Task
from hvctl.lab.world import World
from hvctl.powershell.cmdlets import CMDLETS

SIDE_BY_SIDE = 16
HEARTBEAT_EVERY = 5.0
"""Seconds after which a batch that waits says that its process still lives."""


class Check(Protocol):
    """Says why a batch must end here, if it must."""

    def __call__(self, *, starting: bool) -> Refused | None:
        """`starting` is whether a step is about to start."""


class BatchRunner:
    """One batch under way.

    Args:
        world: The world, outside any transaction.
        host: The name of the host that the batch runs on.
        steps: The steps, already checked.
        emit: Takes the type and the fields of each frame but `done`.
        check: Says whether the batch must end here.
    """

    def __init__(self, world: World, host: str, steps: list[LabStep], emit: Emit, check: Check) -> None:
        self._world = world
        self._host = host
        self._steps = steps
        self._emit = emit
        self._check = check
        self._owner = Owner()
        self._objects: dict[str, list[Any]] = {}
        self._succeeded: set[str] = set()
        self._undo: list[tuple[LabStep, int | None]] = []
        self._last_stop = max((n for n, step in enumerate(steps) if step.on_error == "stop"), default=-1)
        self.ended = False
        self.undone: list[str] = []
        self.not_undone: list[str] = []

    def run(self) -> Generator[float, None, None]:
        """Run all steps and what undo they need; yields the seconds of real time there is nothing to do for."""
        if self._world.find(Merge):
            from hvctl.lab import checkpoints

            checkpoints.proceed(self._world)
        start = 0
        while start < len(self._steps) and not self.ended:
            end = start + 1
            group = self._steps[start].group
            while group is not None and end < len(self._steps) and self._steps[end].group == group:
                end += 1
            yield from self._side_by_side(deque(self._steps[start:end]))
            start = end
        self._finish()

    def abandon(self) -> Generator[float, None, None]:
        """End the batch after an exception came out of `run`: take back what was finished, as the journal has it.

        What is in memory may lag behind a commit by the one step that the exception hit.
        """
        self._world.rollback()
        refused = self._check(starting=True) or Refused("Cancelled", "OperationStopped", "The batch was cancelled.")
        self._emit("error", {"step": None, **refused.record, "undo": False})
        self.ended = True
        with self._world.transaction():
            undone, left = recovery.take_back(self._world, self._owner.id)
        # An undo that had failed when the exception came has had a second chance.
        self.not_undone = [step for step in self.not_undone if step not in undone]
        self.undone += undone
        for step, record in left:
            self._left(step, record)
        # No journal has what could not be resolved when the step was done.
        self._undo = [(step, journaled) for step, journaled in self._undo if journaled is None]
        self._take_back()
        yield from ()

    def _finish(self) -> None:
        if self.ended:
            self._take_back()
        if self._owner.noted:
            with self._world.transaction():
                self._world.forget(self._owner.id)

    # ---- steps that run side by side

    def _side_by_side(self, waiting: deque[LabStep]) -> Generator[float, None, None]:
        tasks: list[Task] = []
        while tasks or (waiting and not self.ended):
            while waiting and len(tasks) < SIDE_BY_SIDE and not self._must_end(tasks, starting=True):
                step = waiting.popleft()
                tasks.append(Task(step, self._drive(step)))
                self._advance(tasks)
            if not tasks:
                continue
            idle = self._idle(tasks)
            if idle:
                yield idle
            self._must_end(tasks, starting=False)
            self._advance(tasks)

    def _advance(self, tasks: list[Task]) -> None:
        now = self._world.now() if any(task.until for task in tasks) else 0.0
        for task in list(tasks):
            if task.stopped_by is None and time.monotonic() >= task.stop_at:
                message = f"The step did not end within {task.step.timeout:g} seconds."
                task.stopped_by = Refused("StepTimedOut", "OperationTimeout", message)
            try:
                if task.stopped_by is not None:
                    task.drive.throw(Stopped)
                elif now >= task.until:
                    task.until = next(task.drive).until
            except (StopIteration, Stopped):
                tasks.remove(task)
                if task.stopped_by is not None and task.stopped_by.record["error_id"] == "Hvctl.StepTimedOut":
                    self._fail(task.step, [task.stopped_by.record])

    def _idle(self, tasks: list[Task]) -> float:
        """Seconds of real time until a task can go on: none on a clock that jumps."""
        due = min(task.until for task in tasks)
        pace = float(self._world.setting("pace"))
        now = self._world.now()
        if due <= now:
            return 0.0
        if not pace and due < NEVER:
            with self._world.transaction():
                self._world.set_clock(due)
            return 0.0
        self._owner.beat(self._world, HEARTBEAT_EVERY)
        stop_in = min(task.stop_at for task in tasks) - time.monotonic()
        return max(0.001, min(HEARTBEAT_EVERY, stop_in, (due - now) * pace if due < NEVER else HEARTBEAT_EVERY))

    def _must_end(self, tasks: list[Task], *, starting: bool) -> bool:
        if self.ended:
            return True
        refused = self._check(starting=starting)
        if refused is None:
            return False
        self.ended = True
        self._emit("error", {"step": None, **refused.record, "undo": False})
        for task in tasks:
            task.stopped_by = refused
        return True

    # ---- one step

    def _drive(self, step: LabStep) -> Generator[Wait, None, None]:
        self._objects[step.id] = []
        if not self._succeeded.issuperset(step.needs):
            return
        said = Said(step.id, self._emit)
        world = self._world
        changes = CMDLETS[step.call.cmdlet].effect != "read"
        # A transaction that has read cannot turn into one that writes while another process writes.
        world.begin(reading=not changes and not self._is_last_stop(step))
        outputs: list[Any] = []
        context: Context | None = None
        stopped = False
        try:
            context = self._context(step.call.cmdlet, said, stops=step.on_error == "stop")
            calls = invoke(context, self._resolve(step.call), (*step.select, *step.where))
            for output in calls:
                if not isinstance(output, Wait):
                    outputs.append(output)
                    continue
                # Whoever dies or is stopped while it waits has begun all the same.
                self._settle(step, outputs, changes=changes, effective=True, whole=False)
                try:
                    yield output
                except Stopped:
                    calls.close()
                    stopped = True
                    break
                world.begin(reading=False)
        except NothingToDo:
            world.rollback()
            return
        except (Failure, Refused) as failure:
            said.error(failure.record)
            if not outputs and not (context and context.completed):
                world.rollback()
        except BaseException:
            world.rollback()
            raise
        self._complete(step, outputs, said.failures, stopped=stopped, changes=changes)

    def _complete(
        self, step: LabStep, outputs: list[Any], failures: list[dict[str, object]], *, stopped: bool, changes: bool
    ) -> None:
        objects = [each for each in outputs if picking.matches(each, step.where)]
        records = picking.records(objects, step.select)
        self._objects[step.id] = objects
        if not failures and not stopped:
            failures += picking.miss(step, len(objects))
        whole = not stopped and not failures
        self._settle(step, objects, changes=changes, effective=whole or stopped or bool(objects), whole=whole)
        for record in records:
            self._emit("record", {"step": step.id, "data": record})
        self._fail(step, failures)
        if not failures and not stopped:
            self._succeeded.add(step.id)

    def _settle(self, step: LabStep, objects: list[Any], *, changes: bool, effective: bool, whole: bool) -> None:
        """Commit what the step did, together with how to take it back where it had an effect."""
        world = self._world
        undo: tuple[LabStep, int | None] | None = None
        if step.undo is not None and effective and all(step is not each for each, _n in self._undo):
            undo = (step, self._journal(step, step.undo, objects) if world.in_transaction else None)
        if not world.in_transaction:
            self._undo += [undo] if undo else []
            return
        if self._owner.noted and whole and self._is_last_stop(step):
            world.forget(self._owner.id)
            self._owner.noted = False
        if changes and not world.setting("pace"):
            world.set_clock(world.now() + TICK)
        world.commit()
        self._undo += [undo] if undo else []

    def _is_last_stop(self, step: LabStep) -> bool:
        """Whether what the batch makes is whole once this step is done."""
        return self._last_stop >= 0 and step is self._steps[self._last_stop]

    def _journal(self, step: LabStep, undo: LabCall, objects: list[Any]) -> int | None:
        self._objects[step.id] = objects
        try:
            call = frozen.dump(undo.cmdlet, self._resolve(undo))
        except (Refused, NothingToDo):
            return None
        self._owner.note(self._world)
        return self._world.journal(self._owner.id, self._host, step.id, call)

    def _fail(self, step: LabStep, failures: list[dict[str, object]]) -> None:
        for record in failures:
            self._emit("error", {"step": step.id, **record, "undo": False})
        if failures and step.on_error == "stop":
            self.ended = True

    def _context(self, cmdlet: str, said: Said, *, stops: bool) -> Context:
        host = self._world.get(Host, self._host)
        if host is None:
            raise Refused("BadRequest", "ObjectNotFound", f"The lab has no host {self._host} any more.")
        return Context(self._world, host, cmdlet, said, stops=stops)

    # ---- undo

    def _take_back(self) -> None:
        while self._undo:
            step, journaled = self._undo[-1]
            assert step.undo is not None
            said = Said(step.id, self._emit)
            try:
                with self._world.transaction():
                    self._run_undo(step.undo, said)
                    if journaled is not None:
                        self._world.forget(self._owner.id, journaled)
            except NothingToDo:
                pass
            except (Failure, Refused) as failure:
                self._left(step.id, failure.record)
            else:
                self.undone.append(step.id)
            self._undo.pop()

    def _left(self, step: str, record: dict[str, object]) -> None:
        """Say that a step could not be taken back, once."""
        if step not in self.not_undone:
            self._emit("error", {"step": step, **record, "undo": True})
            self.not_undone.append(step)

    def _run_undo(self, undo: LabCall, said: Said) -> None:
        context = self._context(undo.cmdlet, said, stops=True)
        for output in invoke(context, self._resolve(undo)):
            if isinstance(output, Wait) and output.until < NEVER:
                self._world.set_clock(max(output.until, self._world.now()))
            elif isinstance(output, Wait):
                raise Refused("StepTimedOut", "OperationTimeout", "The undo did not end.")

    # ---- refs

    def _resolve(self, call: LabCall) -> Mapping[str, Any]:
        return {name: self._value(value) for name, value in call.parameters.items()}

    def _value(self, value: Any) -> Any:  # noqa: ANN401 - any argument
        if isinstance(value, RefArgument):
            return self._ref(value)
        if isinstance(value, list):
            return [self._value(item) for item in value]
        if isinstance(value, Tagged) and value.type == "Hashtable":
            return Tagged(value.type, [[key, self._value(item)] for key, item in value.content])
        return value

    def _ref(self, ref: RefArgument) -> Any:  # noqa: ANN401 - an object or a property of one
        objects = self._objects[ref.step]
        for each in objects:
            if isinstance(each, Live):
                each.refresh()
        objects = [each for each in objects if picking.matches(each, ref.where)]
        if ref.all:
            values = picking.flat(
                [each if ref.property is None else picking.raw(each, ref.property) for each in objects]
            )
            if not values:
                raise NothingToDo
            return values
        if not objects:
            raise Refused("RefNotFound", "ObjectNotFound", f"Step '{ref.step}' returned no such object.")
        if len(objects) > 1:
            message = f"Step '{ref.step}' returned {len(objects)} such objects, not one."
            raise Refused("RefAmbiguous", "InvalidResult", message)
        return picking.raw(objects[0], ref.property or ".")
