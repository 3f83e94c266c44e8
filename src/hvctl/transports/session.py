"""Runs one batch at a time on any transport, on an engine that is started when it is needed.

A session executes a batch at most once. After the engine itself is gone it repeats only what reads, and tells what a
fresh engine sees of what changes.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hvctl.errors import (
    CancelledError,
    HvctlError,
    OutcomeUnknownError,
    ProtocolError,
    TimedOutError,
    UnreachableError,
    UnsupportedError,
)
from hvctl.powershell.batch import Batch
from hvctl.powershell.bootstrap import engine_hash
from hvctl.powershell.protocol import PROTOCOL, ClientProtocol, Frame
from hvctl.transports.base import Transport, TransportDoubt, TransportLost
from hvctl.transports.exchange import Clock, Exchange, Wire
from hvctl.transports.result import Result

HELLO_TIMEOUT = 90.0
"""Seconds for PowerShell to start and say hello; a loaded host takes tens of seconds."""
HELLO_POLL = 10.0
"""Seconds of one wait for it."""
START = 20.0
"""Seconds that PowerShell may take to start beyond the time that the work may take."""
NOBODY = "0" * 32
"""The id of no request."""
ATTEMPTS = 2
"""How many engines are started where the network loses what the first one says."""
LOOK_TIMEOUT = 60.0
"""Seconds to read what became of a change whose answer is lost or cut short."""

Listener = Callable[[Frame], None]
_NO_HELLO = Frame("hello", "", 0, {})


class Session:
    """A conversation with the engine of one host; opened on first use.

    Args:
        transport: What carries the lines.
        listener: Called with every progress, warning and verbose frame as it arrives.
        noise: Called with each line that PowerShell printed outside the protocol.
        before: Called with each batch before it runs.
        meanwhile: Called each time PowerShell has been told to start, for what can be done until it has.
        clock: Where time comes from.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        listener: Listener | None = None,
        noise: Callable[[str], None] | None = None,
        before: Callable[[Batch], None] | None = None,
        meanwhile: Callable[[], None] | None = None,
        clock: Clock = time,
    ) -> None:
        self._transport = transport
        self._meanwhile = meanwhile
        self._before = before
        self._listener = listener
        self._noise = noise
        self._clock = clock
        self._wire: Wire | None = None
        self._hello: Frame | None = None
        self._answered: list[str] = []
        self._under_way = False

    @property
    def host(self) -> str:
        """The host's name as the user wrote it."""
        return self._transport.host

    @property
    def is_remote(self) -> bool:
        """Whether a network lies between: what cuts the network cuts this session."""
        return self._transport.kind not in ("local", "lab")

    @property
    def can_delegate(self) -> bool:
        """Whether a third machine would take this session's login: a live migration may need that.

        Someone signed in on the host itself can always; over the network it depends on how the login was made.
        """
        return self._transport.delegates

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the engine; one that is still at a change is left to finish or undo it."""
        under_way, self._under_way = self._under_way, False
        if under_way:
            self._transport.leave()
        else:
            self._transport.close()
        self._wire = self._hello = None

    def begin(self) -> None:
        """Start the engine without waiting for it, where that has not happened: whoever does so early waits less.

        Raises:
            HvctlError: The host cannot be reached, or the login failed.
        """
        self._open()

    def hello(self, timeout: float | None = None) -> Frame:
        """What the engine said of itself and its host, opening the session where that has not happened.

        Args:
            timeout: Seconds that the work may take: the start may take a little longer, and no more.

        Raises:
            TimedOutError: It did not answer in that time.
            UnreachableError: PowerShell did not start, or did not answer in time.
            UnsupportedError: The host's language mode forbids the engine.
            ProtocolError: Another engine answered.
        """
        if self._hello is None:
            self._start(lambda: None, timeout)
        assert self._hello is not None
        return self._hello

    def run(self, batch: Batch, *, timeout: float | None = 600.0, look: Batch | None = None) -> Result:
        """Run a batch and return its records and errors; a cmdlet's failure is in the result, not raised.

        Args:
            batch: What to run.
            timeout: Seconds until the engine stops and undoes; None for no limit.
            look: What to read when a change was interrupted, or, on a fresh engine, when its answer was lost.

        Raises:
            UnreachableError: The engine cannot be reached, or was lost while it only read.
            TimedOutError: The engine did not answer a batch that only reads in time.
            OutcomeUnknownError: A change was sent and its answer is lost; `seen` holds what `look` returned.
            CancelledError: The user interrupted; the message says what was undone, `seen` holds what `look` returned.
        """
        if self._before:
            self._before(batch)
        try:
            return self._run(batch, timeout, look=look if batch.changes else None)
        except TransportLost as lost:
            if batch.changes:
                raise self._unknown(lost.reason, look) from lost
        try:
            return self._run(batch, timeout)
        except TransportLost as lost:
            raise UnreachableError(f"The engine on {self.host} ended: {lost.reason}", host=self.host) from lost

    def report(self, activity: str, status: str, percent: int | None) -> None:
        """Tell the listener how far something is that takes several batches."""
        if self._listener is not None:
            fields = {"step": None, "activity": activity, "status": status, "percent": percent, "seconds_left": None}
            self._listener(Frame("progress", "", 0, fields))

    @property
    def clock(self) -> Clock:
        """Where time comes from, for what waits between batches."""
        return self._clock

    def _run(self, batch: Batch, timeout: float | None, *, look: Batch | None = None) -> Result:
        """Run a batch on the present engine; one that is lost or left alone is closed."""
        exchange = self._begun(batch, timeout)
        self._under_way = batch.changes
        try:
            exchange.run()
        except (TransportLost, HvctlError) as failure:
            self.close()
            if isinstance(failure, TransportLost) and exchange.cancelled and not batch.changes:
                raise CancelledError("Interrupted.", host=self.host) from failure
            raise
        self._under_way = False
        self._answered.append(exchange.id)
        if exchange.cancelled:
            error = self._cancelled(exchange)
            if look is not None and exchange.arrived:
                error.seen = self._see(look)
            raise error
        return exchange.result

    def _begun(self, batch: Batch, timeout: float | None) -> Exchange:
        """An exchange with an engine that has said hello. A read may travel with the engine; a change never does."""
        if self._hello is not None or batch.changes or not self._transport.eager:
            exchange = self._exchange(batch, self.hello(timeout))
            ack, self._answered = self._answered, []
            exchange.prepare(timeout, ack)
            return exchange
        begun: list[Exchange] = []

        def send() -> Exchange:
            begun[:] = [self._exchange(batch, _NO_HELLO)]
            begun[0].prepare(timeout, ())
            begun[0].send()
            return begun[0]

        self._answered = []
        self._start(send, timeout)
        assert self._hello is not None
        begun[0].result.hello = self._hello
        return begun[0]

    def _exchange(self, batch: Batch, hello: Frame) -> Exchange:
        return Exchange(self._open(), batch, Result(hello), listener=self._listener, greet=self._greet)

    def _start(self, send: Callable[[], Exchange | None], timeout: float | None) -> None:
        """Start an engine and wait for its hello; once more where the network has lost it, for nothing was changed yet.

        Args:
            send: Sends what is to travel with the engine, and says whose answer may come with hello.
            timeout: Seconds that the work may take; None for no limit.
        """
        patience = HELLO_TIMEOUT if timeout is None else min(HELLO_TIMEOUT, timeout + START)
        begun = self._clock.monotonic()
        for attempt in range(ATTEMPTS):
            wire = self._open()
            try:
                sent = send()
                if self._meanwhile:
                    self._meanwhile()
                self._await_hello(wire, sent, patience)
            except TransportDoubt as doubt:
                self.close()
                is_late = timeout is not None and self._clock.monotonic() - begun >= timeout
                if attempt == ATTEMPTS - 1 or is_late:
                    raise UnreachableError(f"{self.host} did not answer: {doubt}", host=self.host) from doubt
            except TransportLost as lost:
                self.close()
                if attempt == ATTEMPTS - 1 or not self.is_remote:
                    raise UnreachableError(
                        f"PowerShell on {self.host} ended before it answered: {lost.reason}",
                        host=self.host,
                        hint="Start powershell.exe there by hand; a policy or an antivirus may have stopped it.",
                    ) from lost
            except BaseException:
                self.close()
                raise
            else:
                return

    def _open(self) -> Wire:
        if self._wire is None:
            protocol = ClientProtocol(secrets.token_hex(16), engine_hash())
            try:
                self._transport.open(protocol.nonce)
            except HvctlError as error:
                error.host = error.host or self.host
                raise
            self._wire = Wire(self._transport, protocol, self._clock, self._noise)
        return self._wire

    def _await_hello(self, wire: Wire, exchange: Exchange | None, patience: float) -> None:
        give_up = self._clock.monotonic() + patience
        while self._hello is None:
            for frame in wire.receive(min(HELLO_POLL, give_up - self._clock.monotonic())):
                if not frame.id:
                    self._greet(frame)
                elif self._hello is None:
                    raise TransportDoubt("what the engine said first is lost")
                elif exchange is not None:
                    exchange.take(frame)
            now = self._clock.monotonic()
            if self._hello is None and now >= give_up:
                kind = TimedOutError if patience < HELLO_TIMEOUT else UnreachableError
                raise kind(f"PowerShell on {self.host} did not answer within {patience:.0f} seconds.", host=self.host)
            if self._hello is None and now - wire.spoke >= HELLO_POLL and self.is_remote:
                wire.send(wire.protocol.simple("ping", NOBODY))  # an answer to it shows that hello was lost

    def _greet(self, frame: Frame) -> None:
        """Take a frame that belongs to no request: the engine's hello, or its refusal."""
        if frame.type == "error":
            if frame["error_id"] == "Hvctl.LanguageMode":
                raise UnsupportedError(
                    f"PowerShell on {self.host} does not run in full language mode: {frame['message']}",
                    host=self.host,
                    hint="A policy (AppLocker, WDAC) restricts scripts of this account: allow hvctl's engine by hash.",
                )
            raise ProtocolError(f"The engine on {self.host} refused to work: {frame['message']}", host=self.host)
        if frame.type != "hello":
            return
        protocol = self._open().protocol
        said = (frame.get("protocol"), frame.get("nonce"), frame.get("engine"))
        if said != (PROTOCOL, protocol.nonce, protocol.engine_hash):
            raise ProtocolError(f"Another engine than ours answered on {self.host}.", host=self.host)
        self._hello = frame

    def _unknown(self, reason: str, look: Batch | None) -> OutcomeUnknownError:
        error = OutcomeUnknownError(
            f"Outcome unknown: a change was sent to {self.host} and its answer is lost ({reason}).", host=self.host
        )
        if look is not None:
            error.seen = self._see(look)
        return error

    def _see(self, look: Batch) -> Mapping[str, Sequence[Mapping[str, Any]]] | None:
        """What a batch that only reads returns; None where it fails or is interrupted."""
        try:
            return self._run(look, LOOK_TIMEOUT).records
        except (TransportLost, HvctlError, KeyboardInterrupt):
            self.close()
            return None

    def _cancelled(self, exchange: Exchange) -> CancelledError:
        result = exchange.result
        parts = ["Interrupted." if exchange.arrived else "Interrupted before anything was sent."]
        if result.ok and not any(error.error_id == "Hvctl.Cancelled" for error in result.errors):
            parts.append("Everything was done by then.")
        if result.undone:
            parts.append(f"Taken back: {', '.join(result.undone)}.")
        if result.not_undone:
            parts.append(f"Could not be taken back: {', '.join(result.not_undone)}.")
        return CancelledError(" ".join(parts), host=self.host)
