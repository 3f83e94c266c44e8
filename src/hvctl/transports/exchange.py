"""One request and its answer over lines that may fail: at most once, replayed where frames are missing, cancelled.

After a send or receive whose outcome is in doubt the engine is asked what became of the request. An engine that
is gone ends the exchange: what that means is for the session to say.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import Protocol

from hvctl.errors import CancelledError, TimedOutError
from hvctl.powershell.batch import Batch
from hvctl.powershell.protocol import PING_EVERY, SILENCE, ClientProtocol, Frame
from hvctl.transports.base import Transport, TransportDoubt, TransportLost
from hvctl.transports.result import ErrorRecord, Result

GRACE = 60.0
"""Seconds past the deadline that the engine has for undo before its silence is a failure."""
ANSWER_TIMEOUT = 15.0
"""Seconds for the answer to a status request."""
ATTEMPTS = 5
"""How often a doubtful exchange is taken up again before the engine counts as lost."""
REPLAY_EVERY = 1.0
"""Seconds between two requests for the same missing frames."""


class Clock(Protocol):
    """What is needed of the `time` module."""

    def monotonic(self) -> float:
        """Seconds that only grow."""

    def sleep(self, seconds: float, /) -> None:
        """Wait."""


class Wire:
    """Lines to one engine: frames out of what arrives, noise kept apart, and when either side was last heard.

    Args:
        transport: What carries the lines.
        protocol: This engine's half of the conversation.
        clock: Where time comes from.
        noise: Called with each line that is not of the protocol.
    """

    def __init__(
        self, transport: Transport, protocol: ClientProtocol, clock: Clock, noise: Callable[[str], None] | None
    ) -> None:
        self.protocol = protocol
        self.clock = clock
        self.host = transport.host
        self.heard = self.spoke = clock.monotonic()
        self._transport = transport
        self._noise = noise

    def send(self, data: bytes) -> None:
        """Send request lines; raises what the transport's `send` does."""
        self.spoke = self.clock.monotonic()
        self._transport.send(data)

    def receive(self, timeout: float) -> list[Frame]:
        """The new frames, waiting up to `timeout` seconds for something; raises what the transport's `receive` does."""
        data = self._transport.receive(max(0.0, timeout))
        frames = self.protocol.feed(data)
        if data:
            self.heard = self.clock.monotonic()
        for line in self.protocol.noise:
            if self._noise:
                self._noise(line)
        self.protocol.noise.clear()
        return frames

    def reset(self) -> None:
        """Throw away the connection, not the engine."""
        self._transport.reset()


class Exchange:
    """One batch under way.

    Args:
        wire: The engine.
        batch: What it is to run.
        result: Where the answer goes.
        listener: Called with every progress, warning and verbose frame as it arrives.
        greet: Called with frames that belong to the engine, not to a request.

    Attributes:
        done: The answer is complete.
        cancelled: The user interrupted.
        arrived: False once the engine has said that the interrupt came before the request.
    """

    def __init__(
        self,
        wire: Wire,
        batch: Batch,
        result: Result,
        *,
        listener: Callable[[Frame], None] | None,
        greet: Callable[[Frame], None],
    ) -> None:
        self.id = secrets.token_hex(16)
        self.result = result
        self.done = False
        self.cancelled = False
        self.arrived = True
        self._wire = wire
        self._batch = batch
        self._listener = listener
        self._greet = greet
        self._line = b""
        self._sent = False
        self._cancel_sent = False
        self._state: str | None = None
        self._give_up: float | None = None
        self._replayed = float("-inf")

    def prepare(self, timeout: float | None, ack: Iterable[str]) -> None:
        """Make the request.

        Args:
            timeout: Seconds until the engine stops and undoes; None for no limit.
            ack: Earlier requests whose answers the engine may forget.
        """
        self._line = self._wire.protocol.run(self.id, self._batch, deadline=timeout, ack=ack)
        self._give_up = None if timeout is None else self._now() + timeout + GRACE
        self._wire.heard = self._now()

    def send(self) -> None:
        """Send the request; raises what the transport's `send` does."""
        self._sent = True
        self._wire.send(self._line)

    def run(self) -> None:
        """Send the request and wait until its answer is complete; the first interrupt cancels, the second one leaves.

        Raises:
            TransportLost: The engine is gone, and so is what it would have answered.
            TimedOutError: It only read, and did not answer in time.
            CancelledError: A second interrupt came.
        """
        while not self.done:
            try:
                self._go_on()
            except KeyboardInterrupt:
                if self.cancelled:
                    raise self._abandoned() from None
                self.cancelled = True
                self._give_up = self._now() + GRACE

    def _go_on(self) -> None:
        """Do what comes next: send, cancel, or wait for a piece of the answer."""
        protocol = self._wire.protocol
        try:
            if not self._sent:
                self.send()
            elif self.cancelled and not self._cancel_sent:
                # The interrupt may have cut the request short: `status` tells whether there is anything to cancel.
                self._cancel_sent = True
                self._wire.send(protocol.simple("cancel", self.id) + protocol.simple("status", self.id))
            else:
                self._wait()
            if self.cancelled and self._state == "done" and not self.done:
                self._start_over()
        except TransportDoubt:
            self._recover()
        if self.done:
            return
        if self._give_up is not None and self._now() > self._give_up:
            self._fell_silent()
        if self._now() - self._wire.heard > SILENCE:
            self._recover()

    def _wait(self) -> None:
        """Take one piece of the answer; ask for frames that are missing, and say that the client is still there."""
        wire, protocol = self._wire, self._wire.protocol
        if self._state in ("unknown", "forgotten"):
            self._state = None
        until_ping = PING_EVERY - (self._now() - wire.spoke)
        self._take_all(wire.receive(min(until_ping, REPLAY_EVERY) if self.id in protocol.gap else until_ping))
        if self._state in ("unknown", "forgotten") and not self.done:
            # Nobody asked: the engine said so of a replay, so the request was lost on the way, or its answer was.
            self._recover()
            return
        now = self._now()
        if self.id in protocol.gap and now - self._replayed >= REPLAY_EVERY:
            self._replayed = now
            wire.send(protocol.replay(self.id))
        elif now - wire.spoke >= PING_EVERY:
            # The replay brings back a last frame that was spoilt on the way: nothing after it shows the gap.
            missing = protocol.replay(self.id) if now - wire.heard >= PING_EVERY else b""
            wire.send(protocol.simple("ping", self.id) + missing)

    def _start_over(self) -> None:
        """Ask for the whole answer again: an interrupt can come between a frame's arrival and its taking."""
        self._state = None
        self.result.records.clear()
        self.result.errors.clear()
        self.result.warnings.clear()
        self._wire.send(self._wire.protocol.start_over(self.id))

    def _recover(self) -> None:
        """Ask an engine that may or may not have the request what has become of it."""
        wire = self._wire
        for attempt in range(ATTEMPTS):
            if attempt and self._give_up is not None and self._now() > self._give_up:
                break
            if attempt:
                wire.clock.sleep(min(0.2 * 2**attempt, 5.0))
            wire.reset()
            try:
                self._ask()
                if self._state == "unknown" and not self.cancelled:
                    wire.send(self._line)
                elif self._state in ("done", "running"):
                    wire.send(wire.protocol.replay(self.id))
            except TransportDoubt:
                continue
            if self._state == "forgotten":
                raise TransportLost("the engine no longer has the answer")
            if self._state is not None or self.done:
                self._cancel_sent = False
                return
        raise TransportLost("the connection failed again and again")

    def _ask(self) -> None:
        """Send a status request, and take what comes until it is answered or time is up."""
        self._state = None
        self._wire.send(self._wire.protocol.simple("status", self.id))
        give_up = self._now() + ANSWER_TIMEOUT
        while self._state is None and not self.done and self._now() < give_up:
            self._take_all(self._wire.receive(1.0))

    def _take_all(self, frames: Iterable[Frame]) -> None:
        """Put frames where they belong; those of earlier requests are late and dropped."""
        for frame in frames:
            if not frame.id:
                self._greet(frame)
            elif frame.id == self.id:
                self.take(frame)

    def take(self, frame: Frame) -> None:
        """Take a frame of the answer."""
        result = self.result
        match frame.type:
            case "record":
                result.records.setdefault(frame["step"], []).append(frame["data"])
            case "error":
                result.errors.append(ErrorRecord.of(frame))
            case "warning":
                result.warnings.append((frame["step"], frame["message"]))
                self._tell(frame)
            case "progress" | "verbose":
                self._tell(frame)
            case "state":
                self._state = frame["state"]
                if self.cancelled and self._state == "unknown":
                    self.done, self.arrived = True, False
            case "done":
                self.done = True
                result.ok = frame["ok"]
                result.undone = tuple(frame["undone"])
                result.not_undone = tuple(frame["not_undone"])

    def _tell(self, frame: Frame) -> None:
        if self._listener:
            self._listener(frame)

    def _fell_silent(self) -> None:
        if self._batch.changes:
            raise TransportLost("it did not answer in time")
        if self.cancelled:
            raise self._abandoned()
        raise TimedOutError(f"{self._wire.host} did not answer in time.", host=self._wire.host)

    def _abandoned(self) -> CancelledError:
        changes = self._batch.changes
        what = "the running cmdlet finishes and an unfinished change is undone" if changes else "a read finishes"
        return CancelledError(f"Interrupted; on {self._wire.host} {what} without you.", host=self._wire.host)

    def _now(self) -> float:
        return self._wire.clock.monotonic()
