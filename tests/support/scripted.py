"""A transport with a scripted engine behind it: any answer, any fault, and a clock that is turned by hand.

The engine keeps docs/protocol.md and counts what it executes; the transport loses, repeats and spoils what it should.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hvctl.powershell.bootstrap import engine_hash
from hvctl.powershell.cmdlets import CMDLETS
from hvctl.powershell.protocol import PROTOCOL, EngineProtocol, Request
from hvctl.transports.base import TransportDoubt, TransportLost

Said = tuple[str, dict[str, Any]]
Answer = Callable[[Sequence[Mapping[str, Any]]], Iterable[Said]]


def done(*, ok: bool = True, undone: Sequence[str] = (), not_undone: Sequence[str] = ()) -> Said:
    """The frame that ends an answer."""
    return "done", {"ok": ok, "undone": list(undone), "not_undone": list(not_undone), "elapsed": 0.1}


def record(step: str, /, **data: Any) -> Said:
    """A record of a step."""
    return "record", {"step": step, "data": data}


def error(step: str | None, error_id: str, message: str = "It failed.", category: str = "NotSpecified") -> Said:
    """An error of a step."""
    fields = {"exception": "System.Exception", "hresult": None, "target": None, "undo": False}
    return "error", {"step": step, "message": message, "category": category, "error_id": error_id, **fields}


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float, /) -> None:
        assert seconds >= 0
        self.now += seconds


@dataclass
class HostLog:
    """What has happened on a host, whatever engine did it."""

    executed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    engines: int = 0


@dataclass
class ScriptedEngine:
    """An engine that keeps the protocol and says what it is told to say.

    Attributes:
        clock: The session's clock.
        log: Where it writes what it executes.
        answer: What it says to a batch's steps; without `done`, it ends with one.
        takes: Seconds that a batch runs.
    """

    clock: Clock
    log: HostLog
    nonce: str
    answer: Answer
    takes: float = 0.0
    alive: bool = True
    requests: list[Request] = field(default_factory=list)
    out: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._protocol = EngineProtocol()
        self._frames: dict[str, list[bytes]] = {}
        self._state: dict[str, str] = {}
        self._running: tuple[str, float, list[Said]] | None = None

    def hear(self, data: bytes) -> None:
        for request in self._protocol.feed(data):
            self.requests.append(request)
            self.work()
            getattr(self, f"_on_{request.type}")(request)

    def work(self) -> None:
        """Finish what is due."""
        if self._running is not None and self.clock.now >= self._running[1]:
            request_id, _, said = self._running
            self._running = None
            self._finish(request_id, said)

    @property
    def next_event(self) -> float:
        """When it will speak of itself."""
        return self._running[1] if self._running else float("inf")

    def say(self, kind: str, request_id: str, fields: Mapping[str, Any], n: int = 0) -> bytes:
        data = self._protocol.frame(kind, request_id, n, fields)
        self.out += data
        return data

    def _finish(self, request_id: str, said: Iterable[Said]) -> None:
        for kind, fields in said:
            frames = self._frames[request_id]
            frames.append(self.say(kind, request_id, fields, len(frames) + 1))
        self._state[request_id] = "done"

    def _on_run(self, request: Request) -> None:
        state = self._state.get(request.id, "unknown")
        if state != "unknown":
            self._again(request.id, 0)
            return
        for each in request["ack"]:
            if self._state.get(each) == "done":
                self._state[each], self._frames[each] = "forgotten", []
        self._frames[request.id] = []
        if request["nonce"] != self.nonce or request["engine"] != engine_hash():
            self._finish(request.id, [error(None, "Hvctl.WrongSession"), done(ok=False)])
            return
        assert self._running is None, "a second batch was sent while one ran"
        self.log.executed.append(request.id)
        if any(CMDLETS[step["cmdlet"]].effect != "read" for step in request["steps"]):
            self.log.changed.append(request.id)
        said = list(self.answer(request["steps"]))
        if not said or said[-1][0] != "done":
            said.append(done())
        self._state[request.id] = "running"
        self._running = (request.id, self.clock.now + self.takes, said)
        self.work()

    def _on_status(self, request: Request) -> None:
        self.say("state", request.id, {"state": self._state.get(request.id, "unknown")})

    def _on_replay(self, request: Request) -> None:
        self._again(request.id, request["after"])

    def _on_ping(self, request: Request) -> None:
        self.say("pong", request.id, {})

    def _on_cancel(self, request: Request) -> None:
        if self._running is None or self._running[0] != request.id:
            self._on_status(request)
            return
        self._running = None
        self._finish(request.id, [error(None, "Hvctl.Cancelled"), done(ok=False, undone=["vm"])])

    def forget(self) -> None:
        """Forget every answer, as if each had been acknowledged."""
        self._state = dict.fromkeys(self._state, "forgotten")
        self._frames = {request_id: [] for request_id in self._frames}

    def _on_exit(self, _: Request) -> None:
        self.alive = False

    def _again(self, request_id: str, after: int) -> None:
        state = self._state.get(request_id, "unknown")
        if state != "done":
            self.say("state", request_id, {"state": state})
        for frame in self._frames.get(request_id, [])[after:]:
            self.out += frame


Fault = str
"""What goes wrong at one operation of the transport; see `ScriptedTransport`."""


class ScriptedTransport:
    """A transport whose faults are listed beforehand; implements `transports.base.Transport`.

    Faults of a send: `doubt-before` (nothing arrived), `doubt-torn` (half of it did), `doubt-after` (all of it did),
    `lost-before` and `lost-after` (the engine is gone), `interrupt-before` and `interrupt-after`.
    Faults of a receive: `doubt-kept` (nothing is lost), `doubt-dropped` (what had arrived is), `forgotten` (so, and the
    engine keeps no answer), `lost` (the engine is gone, and what it had not said), `drop` (one whole line vanishes),
    `spoil` (the last line arrives damaged), `repeat` (everything arrives twice), `piece` (half of it arrives), `noise`,
    `interrupt` (before anything was taken), `interrupt-dropped` (what had arrived is lost with it), `nothing`.

    Args:
        answer: What the engine says to a batch's steps.
        takes: Seconds that a batch runs.
        kind: What it claims to be.
        eager: Whether a read may travel with the engine.
    """

    def __init__(
        self, answer: Answer | None = None, *, takes: float = 0.0, kind: str = "winrm", eager: bool = False
    ) -> None:
        self.host = "hv01"
        self.kind = kind
        self.eager = eager
        self.delegates = kind != "winrm"
        self.left = 0
        self.clock = Clock()
        self.log = HostLog()
        self.engine: ScriptedEngine | None = None
        self.engines: list[ScriptedEngine] = []
        self.hello: dict[str, Any] = {}
        self.greeting = "hello"
        self.on_send: list[Fault] = []
        self.on_receive: list[Fault] = []
        self.resets = 0
        self.operations = 0
        self.answer = answer or (lambda _: [])
        self._takes = takes

    def open(self, nonce: str) -> None:
        self.engine = ScriptedEngine(self.clock, self.log, nonce, self.answer, self._takes)
        self.engines.append(self.engine)
        self.log.engines += 1
        fields = {"protocol": PROTOCOL, "nonce": nonce, "engine": engine_hash(), "host": "HV01", "rights": None}
        if self.greeting == "hello":
            self.engine.say("hello", "", fields | self.hello)
        elif self.greeting:
            self.engine.say("error", "", error(None, self.greeting)[1])

    def send(self, data: bytes) -> None:
        engine = self._engine()
        self._count()
        fault = self.on_send.pop(0) if self.on_send else ""
        match fault:
            case "lost-before":
                self._die()
            case "doubt-torn":
                engine.hear(data[: len(data) // 2])
            case "doubt-before" | "interrupt-before":
                pass
            case _:
                engine.hear(data)
        if fault == "lost-after":
            self._die()
        if fault.startswith("doubt"):
            raise TransportDoubt("timed out")
        if fault.startswith("interrupt"):
            raise KeyboardInterrupt

    def receive(self, timeout: float) -> bytes:
        assert timeout >= 0
        self._count()
        fault = self.on_receive.pop(0) if self.on_receive else ""
        if fault == "interrupt":
            raise KeyboardInterrupt
        if fault == "lost":
            self._die()
        engine = self._engine()
        if fault == "nothing":
            self.clock.now += max(timeout, 0.001)
            return b""
        if not engine.out:
            until = self.clock.now + max(timeout, 0.001)  # a call takes time, however short the wait is
            self.clock.now = max(self.clock.now, min(until, engine.next_event))
            engine.work()
        if not engine.alive and not engine.out:
            raise TransportLost("exit code 0")
        return self._deliver(engine, fault)

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None:
        self.engine = None

    def leave(self) -> None:
        self.left += 1
        self.engine = None

    def _deliver(self, engine: ScriptedEngine, fault: Fault) -> bytes:
        data = bytes(engine.out)
        engine.out.clear()
        match fault:
            case "doubt-kept":
                engine.out += data
                raise TransportDoubt("timed out")
            case "doubt-dropped":
                raise TransportDoubt("timed out")
            case "interrupt-dropped":
                raise KeyboardInterrupt
            case "forgotten":
                engine.forget()
                raise TransportDoubt("timed out")
            case "drop":
                return b"".join(data.splitlines(keepends=True)[1:])
            case "spoil":
                return data[:-3] + b"??\n" if data else b""
            case "repeat":
                return data + data
            case "piece":
                engine.out += data[len(data) // 2 :]
                return data[: len(data) // 2]
            case "noise":
                return b"WARNING: \x1enoise\n" + data
        return data

    def _engine(self) -> ScriptedEngine:
        if self.engine is None or (not self.engine.alive and not self.engine.out):
            raise TransportLost("exit code 1")
        return self.engine

    def _die(self) -> None:
        self.engine = None
        raise TransportLost("exit code 1")

    def _count(self) -> None:
        self.operations += 1
        assert self.operations < 5000, "the session does not come to an end"
