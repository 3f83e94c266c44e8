"""The same work on many hosts, side by side: bounded, each host's failure its own, and Ctrl-C for all of them."""

from __future__ import annotations

import contextlib
import queue
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from hvctl.errors import CancelledError, HvctlError, QuotaError
from hvctl.transports.base import Transport

WORKERS = 32
"""How many hosts are worked on at once, unless told otherwise."""
CHECKERS = 64
"""How many hosts are looked for at once: that one is away must cost no worker's time."""
_SLICE = 0.25
"""Seconds of one wait: a longer one would keep Ctrl-C waiting too."""
_ATTEMPTS = 6
_LONGEST_PAUSE = 30.0
_FAREWELL = 5.0
"""Seconds that those still at work are given when nobody waits for their answers any more."""

J = TypeVar("J")
R = TypeVar("R")


class Interrupts:
    """How often the user has interrupted; each host's work is interrupted as often, wherever it then is."""

    def __init__(self) -> None:
        self._count = 0
        self._raised = threading.Condition()

    @property
    def count(self) -> int:
        """How often it has happened."""
        return self._count

    def happened(self) -> None:
        """Interrupt everybody's work."""
        with self._raised:
            self._count += 1
            self._raised.notify_all()

    def sleep(self, seconds: float) -> bool:
        """Wait, at most until the next interrupt; whether the whole time went by."""
        with self._raised:
            before = self._count
            return not self._raised.wait_for(lambda: self._count > before, seconds)


class Interruptible:
    """A transport whose user is in another thread: an interrupt there is a `KeyboardInterrupt` here.

    Args:
        transport: What carries the lines.
        interrupts: Where interrupts are told.
    """

    def __init__(self, transport: Transport, interrupts: Interrupts) -> None:
        self.host = transport.host
        self.kind = transport.kind
        self.eager = transport.eager
        self._transport = transport
        self._interrupts = interrupts
        self._seen = interrupts.count

    @property
    def delegates(self) -> bool:
        """Whether the login can be handed on, as the transport has it."""
        return self._transport.delegates

    def open(self, nonce: str) -> None:
        """Start an engine, as the transport does."""
        self._look()
        self._transport.open(nonce)

    def send(self, data: bytes) -> None:
        """Send request lines, as the transport does."""
        self._look()
        self._transport.send(data)

    def receive(self, timeout: float) -> bytes:
        """Return what has arrived, as the transport does."""
        give_up = time.monotonic() + timeout
        while True:
            self._look()
            left = give_up - time.monotonic()
            data = self._transport.receive(max(0.0, min(left, _SLICE if self.kind == "lab" else 1.0)))
            if data or left <= 0:
                return data

    def reset(self) -> None:
        """Throw away the connection, as the transport does."""
        self._transport.reset()

    def close(self) -> None:
        """End the engine, as the transport does."""
        self._transport.close()

    def leave(self) -> None:
        """Let the engine finish by itself, as the transport does."""
        self._transport.leave()

    def _look(self) -> None:
        if self._interrupts.count > self._seen:
            self._seen += 1
            raise KeyboardInterrupt


def run(
    jobs: Sequence[J],
    work: Callable[[J, Interrupts], R],
    *,
    workers: int = WORKERS,
    check: Callable[[J], None] | None = None,
    interrupts: Interrupts | None = None,
) -> Iterator[tuple[J, R | HvctlError]]:
    """Work on all jobs side by side, and yield each one's result or failure as it comes.

    The first interrupt ends all that are under way as an interrupt of one alone does, and starts no other; the second
    one leaves at once. A job that a quota keeps out is tried again a few times, after pauses that grow and differ.

    Args:
        jobs: A job a host.
        work: Does one; called in several threads at once.
        workers: How many are done at once.
        check: Raises where the job's host is away. It is called for many jobs at once, ahead of the work.
        interrupts: Where interrupts are told, for sessions that outlive this run.

    Raises:
        CancelledError: The user interrupted; results that were there by then have been yielded.
    """
    job_count = max(1, min(workers, len(jobs)))
    yield from _Run(work, check, job_count, interrupts or Interrupts()).results(jobs)


class _Run(Generic[J, R]):
    """One run over many jobs."""

    def __init__(
        self,
        work: Callable[[J, Interrupts], R],
        check: Callable[[J], None] | None,
        workers: int,
        interrupts: Interrupts,
    ) -> None:
        self._work = work
        self._check = check
        self._workers = workers
        self._interrupts = interrupts
        self._unchecked: queue.SimpleQueue[J] = queue.SimpleQueue()
        self._ready: queue.SimpleQueue[J | None] = queue.SimpleQueue()
        # No longer than the workers are many: who writes the results sets the pace, and memory stays what it is.
        self._results: queue.Queue[tuple[J, R | BaseException]] = queue.Queue(workers)
        self._threads: list[threading.Thread] = []
        self._left = False

    def results(self, jobs: Sequence[J]) -> Iterator[tuple[J, R | HvctlError]]:
        left = len(jobs)
        try:
            self._start(jobs)
            while left:
                result = self._next()
                if result is None:
                    break
                left -= 1
                job, outcome = result
                if isinstance(outcome, BaseException) and not isinstance(outcome, HvctlError):
                    raise outcome
                yield job, outcome
        finally:
            self._left = True
            if left and not self._interrupts.count:
                self._interrupts.happened()
            self._end(_FAREWELL if left else 0.0)
        if self._interrupts.count:
            raise CancelledError(f"Interrupted.{f' {left} of {len(jobs)} hosts were not asked.' if left else ''}")

    def _start(self, jobs: Sequence[J]) -> None:
        first = self._unchecked if self._check else self._ready
        for job in jobs:
            first.put(job)
        checkers = min(CHECKERS, len(jobs)) if self._check else 0
        try:
            for target in (*[self._check_all] * checkers, *[self._work_all] * self._workers):
                thread = threading.Thread(target=target, daemon=True)
                thread.start()
                self._threads.append(thread)
        except KeyboardInterrupt:
            self._interrupts.happened()

    def _next(self) -> tuple[J, R | BaseException] | None:
        """The next result; None when no more will come, because the user interrupted."""
        while True:
            over = self._interrupts.count and not any(thread.is_alive() for thread in self._threads)
            try:
                # What the last thread told before it ended is there by now.
                return self._results.get(timeout=0.0 if over else _SLICE)
            except queue.Empty:
                if over:
                    return None
            except KeyboardInterrupt:
                self._interrupts.happened()
                if self._interrupts.count > 1:
                    raise
                self._end(0.0)

    def _end(self, seconds: float) -> None:
        """Let no further job begin, and wait a little for those under way."""
        for _ in range(self._workers):
            self._ready.put(None)
        give_up = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, give_up - time.monotonic()))

    def _check_all(self) -> None:
        assert self._check is not None
        while not self._interrupts.count:
            try:
                job = self._unchecked.get_nowait()
            except queue.Empty:
                return
            try:
                self._check(job)
            except BaseException as error:
                self._tell(job, error)
            else:
                self._ready.put(job)

    def _work_all(self) -> None:
        while (job := self._ready.get()) is not None and not self._interrupts.count:
            try:
                outcome: R | BaseException = self._try(job)
            except KeyboardInterrupt:
                outcome = CancelledError("Interrupted.")
            except BaseException as error:
                outcome = error
            self._tell(job, outcome)

    def _try(self, job: J) -> R:
        for attempt in range(_ATTEMPTS):
            try:
                return self._work(job, self._interrupts)
            except QuotaError:
                # Those kept out together must not come back together.
                pause = random.uniform(0, min(2.0**attempt, _LONGEST_PAUSE))  # noqa: S311 - not a secret
                if attempt == _ATTEMPTS - 1 or not self._interrupts.sleep(pause):
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _tell(self, job: J, outcome: R | BaseException) -> None:
        while not self._left:
            with contextlib.suppress(queue.Full):
                self._results.put((job, outcome), timeout=_SLICE)
                return
