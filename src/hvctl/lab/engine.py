"""The simulator's half of the wire protocol: requests in, frames out, one batch at a time.

There is no thread and no process: `feed` takes request bytes, `pump` runs what is to be run and returns frame bytes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

from hvctl.lab.entities import Host
from hvctl.lab.kinds.host import RELEASES
from hvctl.lab.runner import BatchRunner
from hvctl.lab.steps import Refused, bad_request, read_steps, seconds
from hvctl.lab.world import World
from hvctl.powershell.protocol import PROTOCOL, SILENCE, EngineProtocol, Request


class _Answer:
    """All frames said about one request id, kept until a client acknowledges it."""

    def __init__(self, request_id: str) -> None:
        self.id = request_id
        self.state = "running"
        self.frames: list[bytes] = []
        self.started = time.monotonic()
        self.deadline: float | None = None
        self.silence: float = SILENCE
        self.cancelled = False


class LabEngine:
    """One engine on one host of a world, as long as a client is connected to it.

    Args:
        world: An open world.
        host: The host's name in it.
        nonce: What the client started the engine with.
        engine_hash: The hash that a `run` must repeat.
    """

    def __init__(self, world: World, host: Host, nonce: str, engine_hash: str) -> None:
        self._world = world
        self._host = host
        self._nonce = nonce
        self._hash = engine_hash
        self._protocol = EngineProtocol()
        self._out = bytearray()
        self._answers: dict[str, _Answer] = {}
        self._running: _Answer | None = None
        self._runner: BatchRunner | None = None
        self._work: Generator[float, None, None] | None = None
        self._last_line = time.monotonic()
        self._lost = False
        self._say("hello", "", self._hello())

    @property
    def gone(self) -> bool:
        """Whether the engine has ended: it was told to exit, or lost its client."""
        return self._lost and self._work is None

    @property
    def busy(self) -> bool:
        """Whether a batch is running, so that `pump` has something to do."""
        return self._work is not None

    def feed(self, data: bytes) -> None:
        """Take request bytes; answers come out of `pump`."""
        for request in self._protocol.feed(data):
            self._last_line = time.monotonic()
            try:
                self._receive(request)
            except Refused as refused:
                self._say("error", "", {"step": None, **refused.record, "undo": False})

    def pump(self, timeout: float) -> bytes:
        """Run for up to `timeout` seconds or until there is something to say, and return it."""
        until = time.monotonic() + timeout
        while not self._out and self._work is not None:
            idle = self._step()
            if idle and not self._out:
                left = until - time.monotonic()
                if left <= 0:
                    break
                time.sleep(min(idle, left))
        if not self._out and self._work is None and not self.gone:
            time.sleep(max(0.0, until - time.monotonic()))
        data = bytes(self._out)
        self._out.clear()
        return data

    def lose_client(self) -> None:
        """The client is gone: start no further step, take back what a `stop` batch left unfinished, and end."""
        self._lost = True
        if self._running is not None:
            # What still waits in the world, a guest that shuts down, goes on there by itself.
            self._running.cancelled = True
        while self._work is not None:
            self._step()

    # ---- requests

    def _receive(self, request: Request) -> None:
        if request.type == "exit":
            self.lose_client()
            return
        if not isinstance(request.id, str) or not request.id:
            raise bad_request("'id' must be a text.")
        match request.type:
            case "run":
                self._receive_run(request)
            case "status":
                self._say("state", request.id, {"state": self._state(request.id)})
            case "replay":
                self._again(request.id, int(seconds(request.fields, "after") or 0))
            case "ping":
                self._say("pong", request.id, {})
            case "cancel":
                self._receive_cancel(request.id)
            case _:
                raise bad_request(f"There is no request '{request.type}'.")

    def _receive_run(self, request: Request) -> None:
        if request.id in self._answers:
            self._again(request.id, 0)
            return
        answer = self._answers[request.id] = _Answer(request.id)
        try:
            self._begin(answer, request)
        except BaseException:
            # Most likely the user's Ctrl-C: as long as nothing runs, the request has not arrived.
            if self._work is None:
                del self._answers[request.id]
                self._running = None
            raise

    def _begin(self, answer: _Answer, request: Request) -> None:
        try:
            for acknowledged in request.get("ack") or ():
                self._forget(acknowledged)
            if request.get("nonce") != self._nonce or request.get("engine") != self._hash:
                raise Refused("WrongSession", "InvalidOperation", "The request was meant for another engine.")
            if self._running is not None:
                raise Refused("Busy", "ResourceBusy", "Another batch is running.")
            answer.deadline = seconds(request.fields, "deadline")
            silence = seconds(request.fields, "silence")
            answer.silence = SILENCE if silence is None else silence
            steps = read_steps(request.get("steps"))
        except Refused as refused:
            self._emit(answer, "error", {"step": refused.step, **refused.record, "undo": False})
            self._complete(answer, ok=False, undone=[], not_undone=[])
            return
        self._running = answer
        self._runner = BatchRunner(
            self._world,
            self._host.name,
            steps,
            lambda kind, fields: self._emit(answer, kind, fields),
            lambda *, starting: self._must_end(answer, starting=starting),
        )
        self._work = self._run(answer, self._runner)

    def _receive_cancel(self, request_id: str) -> None:
        if self._running is None or self._running.id != request_id:
            self._say("state", request_id, {"state": self._state(request_id)})
        else:
            self._running.cancelled = True

    def _state(self, request_id: str) -> str:
        answer = self._answers.get(request_id)
        return answer.state if answer else "unknown"

    def _again(self, request_id: str, after: int) -> None:
        answer = self._answers.get(request_id)
        if answer is None or answer.state != "done":
            self._say("state", request_id, {"state": self._state(request_id)})
        if answer is not None:
            for frame in answer.frames[after:]:
                self._out += frame

    def _forget(self, request_id: Any) -> None:  # noqa: ANN401 - unchecked JSON
        answer = self._answers.get(request_id) if isinstance(request_id, str) else None
        if answer is not None and answer.state == "done":
            answer.state = "forgotten"
            answer.frames.clear()

    # ---- running

    def _run(self, answer: _Answer, runner: BatchRunner, *, abandoned: bool = False) -> Generator[float, None, None]:
        yield from runner.abandon() if abandoned else runner.run()
        self._complete(answer, ok=not runner.ended, undone=runner.undone, not_undone=runner.not_undone)

    def _step(self) -> float:
        assert self._work is not None
        try:
            return next(self._work)
        except StopIteration:
            self._work = None
            return 0.0
        except BaseException:
            # Most likely the user's Ctrl-C: the batch ends as a cancelled one when the engine is pumped again.
            answer, runner, self._runner = self._running, self._runner, None
            self._world.rollback()
            self._work = self._run(answer, runner, abandoned=True) if answer and runner else None
            raise

    def _must_end(self, answer: _Answer, *, starting: bool) -> Refused | None:
        now = time.monotonic()
        if now - self._last_line >= answer.silence:
            self._lost = True
        if self._lost and (starting or answer.cancelled):
            return Refused("ClientLost", "ConnectionError", "The client is gone; no further step was started.")
        if answer.cancelled:
            return Refused("Cancelled", "OperationStopped", "The batch was cancelled.")
        if answer.deadline is not None and now - answer.started >= answer.deadline:
            message = f"The batch did not end within {answer.deadline:g} seconds."
            return Refused("Deadline", "OperationTimeout", message)
        return None

    def _complete(self, answer: _Answer, *, ok: bool, undone: list[str], not_undone: list[str]) -> None:
        elapsed = round(time.monotonic() - answer.started, 3)
        self._emit(answer, "done", {"ok": ok, "undone": undone, "not_undone": not_undone, "elapsed": elapsed})
        answer.state = "done"
        if self._running is answer:
            self._running = None

    # ---- frames

    def _emit(self, answer: _Answer, kind: str, fields: dict[str, Any]) -> None:
        frame = self._protocol.frame(kind, answer.id, len(answer.frames) + 1, fields)
        answer.frames.append(frame)
        self._out += frame

    def _say(self, kind: str, request_id: str, fields: dict[str, Any]) -> None:
        self._out += self._protocol.frame(kind, request_id, 0, fields)

    def _hello(self) -> dict[str, Any]:
        build, product, _version = RELEASES[self._host.windows]
        return {
            "protocol": PROTOCOL,
            "nonce": self._nonce,
            "engine": self._hash,
            "powershell": f"5.1.{build.rpartition('.')[2]}.1",
            "edition": "Desktop",
            "windows": build,
            "product": product,
            "host": self._host.computer_name,
            "language": "FullLanguage",
            "rights": ["Administrators"] if self._world.setting("rights") else [],
            "modules": {"Hyper-V": "2.0.0.0", "Storage": "2.0.0.0"},
            "pid": os.getpid(),
            "time": _clock(float(self._world.setting("clock_ahead"))),
        }


def _clock(ahead: float) -> str:
    """The time that a host's clock shows which is so many seconds ahead."""
    shown = datetime.now(UTC) + timedelta(seconds=ahead)
    return shown.isoformat(timespec="milliseconds").replace("+00:00", "Z")
