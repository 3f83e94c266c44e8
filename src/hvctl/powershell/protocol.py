"""Both halves of the wire protocol, without I/O: bytes in, events out, and back.

docs/protocol.md describes the lines. `ClientProtocol` is what a session speaks; `EngineProtocol` is what the lab's
engine speaks. Neither opens, reads, waits or keeps time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hvctl.powershell.batch import Batch, Call, Credential, DateTime, Ref, Secret, Step, TimeSpan, Value

PROTOCOL = 1
RS = b"\x1e"
SILENCE = 120
"""Seconds without a line after which the engine takes the client for lost."""
PING_EVERY = 30
"""Seconds after which a waiting client says that it is still there."""

_loads = json.loads
_encoder = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame from the engine: its type, the request it answers, its number, and its other fields."""

    type: str
    id: str
    n: int
    fields: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - the fields are JSON
        return self.fields[name]

    def get(self, name: str) -> Any:  # noqa: ANN401 - the fields are JSON
        """The field, or None where the engine left it out."""
        return self.fields.get(name)


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the engine: its type, its id and its other fields."""

    type: str
    id: str
    fields: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - the fields are JSON
        return self.fields[name]

    def get(self, name: str) -> Any:  # noqa: ANN401 - the fields are JSON
        """The field, or None where the client left it out."""
        return self.fields.get(name)


class _Lines:
    """Collects bytes and gives back whole lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        return lines


class ClientProtocol:
    """The client's half: requests to bytes, bytes to frames.

    Frames of an id come out in order and once: a repeated one is dropped, and `gap` names the ids that lack one.
    """

    def __init__(self, nonce: str, engine_hash: str) -> None:
        self.nonce = nonce
        self.engine_hash = engine_hash
        self.noise: list[str] = []
        self.gap: set[str] = set()
        self._lines = _Lines()
        self._last: dict[str, int] = {}

    def run(self, request_id: str, batch: Batch, *, deadline: float | None, ack: Iterable[str] = ()) -> bytes:
        """The request that runs a batch; `deadline` is in seconds from now."""
        return _request(
            {
                "type": "run",
                "id": request_id,
                "nonce": self.nonce,
                "engine": self.engine_hash,
                "deadline": deadline,
                "silence": SILENCE,
                "ack": list(ack),
                "steps": [encode_step(step) for step in batch.steps],
            }
        )

    def replay(self, request_id: str) -> bytes:
        """The request for the frames of an id that have not arrived yet."""
        self.gap.discard(request_id)
        return _request({"type": "replay", "id": request_id, "after": self._last.get(request_id, 0)})

    def start_over(self, request_id: str) -> bytes:
        """The request for all frames of an id, those that arrived before included."""
        self._last.pop(request_id, None)
        return self.replay(request_id)

    @staticmethod
    def simple(kind: str, request_id: str = "") -> bytes:
        """A request that is only a type and an id: status, ping, cancel, exit."""
        return _request({"type": kind, "id": request_id})

    def feed(self, data: bytes) -> list[Frame]:
        """Take received bytes; return the new frames in them."""
        frames = []
        for line in self._lines.feed(data):
            frame = self._frame(line)
            if frame is not None and self._is_next(frame):
                frames.append(frame)
        return frames

    def _frame(self, line: bytes) -> Frame | None:
        noise, mark, text = line.rpartition(RS)
        if mark:
            try:
                fields = _loads(text)
                frame = Frame(_text(fields.pop("type")), _text(fields.pop("id")), _count(fields.pop("n")), fields)
            except (ValueError, KeyError, AttributeError, RecursionError, TypeError):
                noise = line
            else:
                self._note(noise)
                return frame
        else:
            noise = line
        self._note(noise)
        return None

    def _note(self, noise: bytes) -> None:
        text = noise.decode("utf-8", "backslashreplace").strip()
        if text:
            self.noise.append(text)

    def _is_next(self, frame: Frame) -> bool:
        if frame.n == 0:
            return True
        last = self._last.get(frame.id, 0)
        if frame.n == last + 1:
            self._last[frame.id] = frame.n
            return True
        if frame.n > last + 1:
            self.gap.add(frame.id)
        return False


class EngineProtocol:
    """The engine's half: bytes to requests, answers to bytes."""

    def __init__(self) -> None:
        self._lines = _Lines()

    def feed(self, data: bytes) -> list[Request]:
        """Take received bytes; return the whole requests in them. A line that is not a request is dropped."""
        requests = []
        for line in self._lines.feed(data):
            if not line.strip():
                continue
            try:
                fields = _loads(line)
                requests.append(Request(_text(fields.pop("type")), _text(fields.pop("id", "")), fields))
            except (ValueError, KeyError, AttributeError, RecursionError, TypeError):
                continue
        return requests

    @staticmethod
    def frame(kind: str, request_id: str, n: int, fields: Mapping[str, Any]) -> bytes:
        """The bytes of one frame."""
        return RS + _encoder.encode({"type": kind, "id": request_id, "n": n, **fields}).encode("ascii") + b"\n"


def encode_step(step: Step) -> dict[str, Any]:
    """A step as the JSON object that travels."""
    return {
        "id": step.id,
        **encode_call(step.call),
        "select": list(step.select),
        "where": {name: _listed(wanted) for name, wanted in step.where.items()},
        "expect": step.expect,
        "on_error": step.on_error,
        "undo": encode_call(step.undo) if step.undo else None,
        "needs": list(step.needs),
        "group": step.group,
        "timeout": step.timeout,
    }


def encode_call(call: Call) -> dict[str, Any]:
    """A call as the JSON object that travels."""
    return {"cmdlet": call.cmdlet, "parameters": {name: encode_value(v) for name, v in call.parameters.items()}}


def encode_value(value: Value) -> Any:  # noqa: ANN401, PLR0911 - any JSON; a return a kind
    """A parameter's value as JSON, with tags for what JSON lacks."""
    match value:
        case Ref():
            return _encode_ref(value)
        case Secret():
            return {"$secure": value.text}
        case Credential():
            return {"$credential": {"user": value.user, "password": value.password}}
        case TimeSpan():
            return {"$timespan": value.seconds}
        case DateTime():
            return {"$datetime": value.iso}
        case Mapping():
            return {"$hashtable": [[key, encode_value(item)] for key, item in value.items()]}
        case tuple() | list():
            return [encode_value(item) for item in value]
    return value


def _encode_ref(ref: Ref) -> dict[str, Any]:
    tagged: dict[str, Any] = {"$ref": ref.step}
    if ref.where:
        tagged["where"] = {name: _listed(wanted) for name, wanted in ref.where.items()}
    if ref.property is not None:
        tagged["property"] = ref.property
    if ref.all:
        tagged["all"] = True
    return tagged


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(f"{value!r} is not a count")
    return value


def _listed(wanted: str | tuple[str, ...]) -> list[str]:
    return [wanted] if isinstance(wanted, str) else list(wanted)


def _request(fields: Mapping[str, Any]) -> bytes:
    return b"\n" + _encoder.encode(fields).encode("ascii") + b"\n"
