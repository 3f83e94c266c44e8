"""A conversation with engine.ps1 in a real PowerShell, through the client's protocol half and the local transport."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.pwsh import require_pwsh

from hvctl.powershell.batch import Batch, Step
from hvctl.powershell.bootstrap import engine_hash
from hvctl.powershell.protocol import ClientProtocol, Frame, encode_step
from hvctl.transports.local import LocalTransport


class NoAnswerError(AssertionError):
    """The engine did not say what was waited for."""


@dataclass(frozen=True)
class Answer:
    """Every frame of one request."""

    frames: tuple[Frame, ...]

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        """The fields of the frames of a type, in order."""
        return [frame.fields for frame in self.frames if frame.type == kind]

    def data(self, step: str) -> list[dict[str, Any]]:
        """The records of a step."""
        return [fields["data"] for fields in self.of("record") if fields["step"] == step]

    def values(self, step: str, path: str) -> list[Any]:
        """One property of the records of a step."""
        return [data[path] for data in self.data(step)]

    @property
    def errors(self) -> list[tuple[str | None, str]]:
        """Step and id of every error, in order."""
        return [(fields["step"], fields["error_id"]) for fields in self.of("error")]

    @property
    def error(self) -> Mapping[str, Any]:
        """The only error."""
        (error,) = self.of("error")
        return error

    @property
    def done(self) -> Mapping[str, Any]:
        """The last frame."""
        assert self.frames[-1].type == "done", self.frames
        return self.frames[-1].fields


class Engine:
    """One engine process.

    Args:
        modules: The folder of stand-in modules.
        environment: More environment variables.
    """

    def __init__(self, modules: Path, environment: Mapping[str, str] | None = None) -> None:
        self.nonce = secrets.token_hex(8)
        self.transport = LocalTransport("here", require_pwsh())
        self.protocol = ClientProtocol(self.nonce, engine_hash())
        self._waiting: list[Frame] = []
        with _environment({"PSModulePath": str(modules), **(environment or {})}):
            self.transport.open(self.nonce)
        self.hello = self.next("hello")

    @property
    def noise(self) -> list[str]:
        """What arrived outside of frames."""
        return self.protocol.noise

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.transport.send(data)

    def request(self, **fields: object) -> None:
        """Send a request made by hand."""
        self.send(b"\n" + json.dumps(fields).encode("ascii") + b"\n")

    def start(self, *steps: Step, request_id: str | None = None, **more: object) -> str:
        """Send a run request; its id. `more` replaces fields of it."""
        request_id = request_id or secrets.token_hex(8)
        fields: dict[str, object] = {
            "type": "run",
            "id": request_id,
            "nonce": self.nonce,
            "engine": engine_hash(),
            "deadline": 60,
            "silence": 120,
            "ack": [],
            "steps": [encode_step(step) for step in Batch(steps).steps],
        }
        self.request(**{**fields, **more})
        return request_id

    def run(self, *steps: Step, request_id: str | None = None, **more: object) -> Answer:
        """Run steps as one batch and wait for its answer."""
        return self.answer(self.start(*steps, request_id=request_id, **more))

    def answer(self, request_id: str, timeout: float = 60.0) -> Answer:
        """The frames of a request that has been sent."""
        frames: list[Frame] = []
        for frame in self._frames(timeout):
            if frame.id == request_id and frame.n:
                frames.append(frame)
            if frame.id == request_id and frame.type == "done":
                return Answer(tuple(frames))
        raise AssertionError("unreachable")

    def next(self, kind: str, request_id: str | None = None, timeout: float = 60.0) -> Frame:
        """The next frame of a type; those before it are kept for `answer`."""
        passed: list[Frame] = []
        for frame in self._frames(timeout):
            if frame.type == kind and request_id in (None, frame.id):
                self._waiting = passed + self._waiting
                return frame
            passed.append(frame)
        raise AssertionError("unreachable")

    def state(self, request_id: str, timeout: float = 60.0) -> str | None:
        """What the engine says of a request; None if it says nothing."""
        self.send(self.protocol.simple("status", request_id))
        try:
            return str(self.next("state", request_id, timeout)["state"])
        except NoAnswerError:
            return None

    def forget(self) -> None:
        """Let frames that have arrived count as new when they arrive again."""
        self.protocol = ClientProtocol(self.nonce, engine_hash())

    def close(self) -> None:
        """End the engine."""
        self.transport.close()

    def _frames(self, timeout: float) -> Iterator[Frame]:
        give_up = time.monotonic() + timeout
        while True:
            while self._waiting:
                yield self._waiting.pop(0)
            left = give_up - time.monotonic()
            if left <= 0:
                raise NoAnswerError(f"no answer within {timeout} seconds; noise: {self.noise}")
            self._waiting = self.protocol.feed(self.transport.receive(left))


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
