"""Runs one batch at a time on any transport: ids, replay, deadline, cancel, lost engines.

A session executes a batch at most once. After a send or receive whose outcome is in doubt it asks the engine; after the
engine itself is gone it repeats only what reads.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hvctl.errors import (
    CancelledError,
    OutcomeUnknownError,
    ProtocolError,
    TimedOutError,
    UnreachableError,
    UnsupportedError,
)
from hvctl.powershell.batch import Batch
from hvctl.powershell.bootstrap import engine_hash
from hvctl.powershell.protocol import PING_EVERY, PROTOCOL, ClientProtocol, Frame
from hvctl.transports.base import Transport, TransportDoubt, TransportLost

HELLO_TIMEOUT = 90.0
"""Seconds for PowerShell to start and say hello; a loaded host takes tens of seconds."""
GRACE = 60.0
"""Seconds past the deadline that the engine has for undo before its silence is a failure."""
ANSWER_TIMEOUT = 15.0
"""Seconds for the answer to a status request."""
ATTEMPTS = 5
"""How often a doubtful exchange is taken up again before the host counts as unreachable."""

Listener = Callable[[Frame], None]


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

    def error_of(self, step: str) -> ErrorRecord | None:
        """The first error of a step."""
        return next((error for error in self.errors if error.step == step and not error.undo), None)

    @property
    def failure(self) -> ErrorRecord | None:
        """The error that ended the batch, or the first one."""
        return next((error for error in self.errors if not error.undo), None)


@dataclass(slots=True)
class _Exchange:
    """One request under way."""

    id: str
    line: bytes
    changes: bool
    result: Result
    done: bool = False
    cancelled: bool = False
    state: str | None = None


class Session:
    """A conversation with the engine of one host; opened on first use.

    Args:
        transport: What carries the lines.
        listener: Called with every progress, warning and verbose frame as it arrives.
        noise: Called with each line that PowerShell printed outside the protocol.
        before: Called with each batch before it runs.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        listener: Listener | None = None,
        noise: Callable[[str], None] | None = None,
        before: Callable[[Batch], None] | None = None,
    ) -> None:
        self._transport = transport
        self._before = before
        self._listener = listener
        self._noise = noise
        self._protocol: ClientProtocol | None = None
        self._hello: Frame | None = None
        self._answered: list[str] = []

    @property
    def host(self) -> str:
        """The host's name as the user wrote it."""
        return self._transport.host

    @property
    def is_remote(self) -> bool:
        """Whether a network lies between: what cuts the network cuts this session."""
        return self._transport.kind not in ("local", "lab")

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the engine."""
        self._transport.close()
        self._protocol = self._hello = None

    def hello(self) -> Frame:
        """What the engine said of itself and its host, opening the session where that has not happened.

        Raises:
            UnreachableError: PowerShell did not start, or did not answer in time.
            UnsupportedError: The host's language mode forbids the engine.
            ProtocolError: Another engine answered.
        """
        protocol = self._open()
        give_up = time.monotonic() + HELLO_TIMEOUT
        while self._hello is None:
            try:
                data = self._transport.receive(max(0.0, min(1.0, give_up - time.monotonic())))
            except TransportDoubt as doubt:
                raise UnreachableError(f"{self.host} did not answer: {doubt}", host=self.host) from doubt
            except TransportLost as lost:
                raise UnreachableError(
                    f"PowerShell on {self.host} ended before it answered: {lost.reason}",
                    host=self.host,
                    hint="Start powershell.exe there by hand; a policy or an antivirus may have stopped it.",
                ) from lost
            for frame in self._frames(protocol, data):
                self._greet(frame)
            if self._hello is None and time.monotonic() >= give_up:
                raise UnreachableError(
                    f"PowerShell on {self.host} did not answer within {HELLO_TIMEOUT:.0f} seconds.", host=self.host
                )
        return self._hello

    def run(self, batch: Batch, *, timeout: float | None = 600.0, look: Batch | None = None) -> Result:
        """Run a batch and return its records and errors; a cmdlet's failure is in the result, not raised.

        Args:
            batch: What to run.
            timeout: Seconds until the engine stops and undoes; None for no limit.
            look: What to read on a fresh engine when this one is lost after a change was sent.

        Raises:
            UnreachableError: The engine cannot be reached, or was lost while it only read.
            TimedOutError: The engine fell silent past the deadline.
            OutcomeUnknownError: A change was sent and its answer is lost; `seen` holds what `look` returned.
            CancelledError: The user interrupted; the message says what was undone.
        """
        if self._before:
            self._before(batch)
        try:
            return self._run(batch, timeout)
        except TransportLost as lost:
            self.close()
            if batch.changes:
                raise self._unknown(lost.reason, look) from lost
        try:
            return self._run(batch, timeout)
        except TransportLost as lost:
            raise UnreachableError(f"The engine on {self.host} ended: {lost.reason}", host=self.host) from lost

    def _run(self, batch: Batch, timeout: float | None) -> Result:
        protocol = self._open()
        result = Result(self.hello())
        request_id = secrets.token_hex(16)
        line = protocol.run(request_id, batch, deadline=timeout, ack=self._answered)
        exchange = _Exchange(request_id, line, batch.changes, result)
        self._answered = []
        self._send_run(exchange, protocol)
        give_up = None if timeout is None else time.monotonic() + timeout + GRACE
        while not exchange.done:
            try:
                self._advance(exchange, protocol, give_up)
            except KeyboardInterrupt:
                if exchange.cancelled:
                    raise self._abandoned(exchange) from None
                exchange.cancelled = True
                give_up = time.monotonic() + GRACE
                self._transport.send(protocol.simple("cancel", exchange.id))
        self._answered.append(exchange.id)
        if exchange.cancelled:
            raise self._cancelled(exchange)
        return result

    def _send_run(self, exchange: _Exchange, protocol: ClientProtocol) -> None:
        try:
            self._transport.send(exchange.line)
        except TransportDoubt:
            self._recover(exchange, protocol)

    def _advance(self, exchange: _Exchange, protocol: ClientProtocol, give_up: float | None) -> None:
        """Wait for one piece of the answer, or for the next ping."""
        try:
            data = self._transport.receive(PING_EVERY)
            for frame in self._frames(protocol, data):
                self._take(exchange, frame)
            if exchange.id in protocol.gap:
                self._transport.send(protocol.replay(exchange.id))
            elif not data:
                self._transport.send(protocol.simple("ping", exchange.id))
        except TransportDoubt:
            self._recover(exchange, protocol)
        if give_up is not None and time.monotonic() > give_up and not exchange.done:
            self.close()
            if exchange.changes:
                raise OutcomeUnknownError(f"Outcome unknown: {self.host} fell silent.", host=self.host)
            raise TimedOutError(f"{self.host} did not answer in time.", host=self.host)

    def _recover(self, exchange: _Exchange, protocol: ClientProtocol) -> None:
        """Ask an engine that may or may not have the request what has become of it."""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(min(0.2 * 2**attempt, 5.0))
            self._transport.reset()
            exchange.state = None
            try:
                self._transport.send(protocol.simple("status", exchange.id))
                give_up = time.monotonic() + ANSWER_TIMEOUT
                while exchange.state is None and not exchange.done and time.monotonic() < give_up:
                    for frame in self._frames(protocol, self._transport.receive(1.0)):
                        self._take(exchange, frame)
                if exchange.state == "unknown":
                    self._transport.send(exchange.line)
                elif exchange.state in ("done", "running"):
                    self._transport.send(protocol.replay(exchange.id))
            except TransportDoubt:
                continue
            if exchange.state == "forgotten":
                raise TransportLost("the engine no longer has the answer")
            if exchange.state is not None or exchange.done:
                return
        raise TransportLost("the connection failed again and again")

    def _take(self, exchange: _Exchange, frame: Frame) -> None:
        """Put one frame where it belongs; frames of earlier requests are late and dropped."""
        if not frame.id:
            self._greet(frame)
        if frame.id != exchange.id:
            return
        result = exchange.result
        match frame.type:
            case "record":
                result.records.setdefault(frame["step"], []).append(frame["data"])
            case "error":
                result.errors.append(_error_record(frame))
            case "warning":
                result.warnings.append((frame["step"], frame["message"]))
                self._tell(frame)
            case "progress" | "verbose":
                self._tell(frame)
            case "state":
                exchange.state = frame["state"]
            case "done":
                exchange.done = True
                result.ok = frame["ok"]
                result.undone = tuple(frame["undone"])
                result.not_undone = tuple(frame["not_undone"])

    def _open(self) -> ClientProtocol:
        if self._protocol is None:
            nonce = secrets.token_hex(16)
            self._protocol = ClientProtocol(nonce, engine_hash())
            self._transport.open(nonce)
        return self._protocol

    def _greet(self, frame: Frame) -> None:
        if frame.type == "error":
            self.close()
            if frame["error_id"] == "Hvctl.LanguageMode":
                raise UnsupportedError(
                    f"PowerShell on {self.host} does not run in full language mode: {frame['message']}",
                    host=self.host,
                    hint="A policy (AppLocker, WDAC) restricts scripts for this account; allow hvctl's engine by its hash.",
                )
            raise ProtocolError(f"The engine on {self.host} refused to start: {frame['message']}", host=self.host)
        if frame.type != "hello":
            return
        protocol = self._open()
        said = (frame.get("protocol"), frame.get("nonce"), frame.get("engine"))
        if said != (PROTOCOL, protocol.nonce, protocol.engine_hash):
            self.close()
            raise ProtocolError(f"Another engine than ours answered on {self.host}.", host=self.host)
        self._hello = frame

    def _frames(self, protocol: ClientProtocol, data: bytes) -> list[Frame]:
        frames = protocol.feed(data)
        if protocol.noise:
            for line in protocol.noise:
                if self._noise:
                    self._noise(line)
            protocol.noise.clear()
        return frames

    def _tell(self, frame: Frame) -> None:
        if self._listener:
            self._listener(frame)

    def _unknown(self, reason: str, look: Batch | None) -> OutcomeUnknownError:
        error = OutcomeUnknownError(
            f"Outcome unknown: a change was sent to {self.host} and its answer is lost ({reason}).", host=self.host
        )
        if look is not None:
            try:
                error.seen = self._run(look, 60.0).records
            except (TransportLost, UnreachableError, ProtocolError):
                self.close()
        return error

    def _cancelled(self, exchange: _Exchange) -> CancelledError:
        undone, left = exchange.result.undone, exchange.result.not_undone
        parts = ["Interrupted."]
        if undone:
            parts.append(f"Taken back: {', '.join(undone)}.")
        if left:
            parts.append(f"Could not be taken back: {', '.join(left)}.")
        return CancelledError(" ".join(parts), host=self.host)

    def _abandoned(self, exchange: _Exchange) -> CancelledError:
        what = (
            "the running cmdlet finishes and an unfinished change is undone" if exchange.changes else "a read finishes"
        )
        return CancelledError(f"Interrupted; on {self.host} {what} without you.", host=self.host)


def _error_record(frame: Frame) -> ErrorRecord:
    return ErrorRecord(
        step=frame.get("step"),
        message=frame["message"],
        category=frame["category"],
        error_id=frame["error_id"],
        exception=frame.get("exception"),
        hresult=frame.get("hresult"),
        target=frame.get("target"),
        undo=bool(frame.get("undo")),
    )
