"""What runs behind a command: the lab's engine in place of PowerShell, or a refusal."""

from __future__ import annotations

import gzip
import hashlib
import threading
import time
import zlib
from base64 import b64decode
from binascii import Error as NotBase64
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol

from hvctl.errors import HvctlError
from hvctl.lab.endpoint.mishaps import tell
from hvctl.lab.endpoint.streams import Output
from hvctl.lab.engine import LabEngine
from hvctl.lab.entities import Host
from hvctl.lab.steps import Refused
from hvctl.lab.world import World
from hvctl.powershell.protocol import EngineProtocol

CONTROL_C = -1073741510
"""The exit code of a process that Ctrl-C ended: STATUS_CONTROL_C_EXIT."""

_PUMP = 0.05
"""Seconds that a running batch may keep a new request waiting."""
_MOMENT = 0.01
_PIPE = 64 << 10
_SETTLED = 30.0
_KILLED, _INTERRUPTED = "killed", "interrupted"


class Backend(Protocol):
    """A running command: takes bytes for its stdin, and fills its Output until it finishes it."""

    def send(self, data: bytes) -> None:
        """Hand bytes to its stdin, without waiting for it to read them."""

    def end(self) -> None:
        """Close its stdin."""

    def interrupt(self) -> None:
        """What Ctrl-C does."""

    def kill(self) -> None:
        """End it at once, and what it has started."""

    def settle(self, seconds: float) -> None:
        """Wait until it has acted on what it was sent, or for `seconds` where that cannot be told."""


class Ended:
    """A command that is over before it began.

    Args:
        output: Where its last words go.
        exit_code: Its exit code.
        stderr: Its last words.
    """

    def __init__(self, output: Output, exit_code: int, stderr: str = "") -> None:
        output.write("stderr", stderr.encode())
        output.finish(exit_code)

    def send(self, data: bytes) -> None:
        """Nobody reads it."""

    def end(self) -> None:
        """Nobody reads it."""

    def interrupt(self) -> None:
        """It is over."""

    def kill(self) -> None:
        """It is over."""

    def settle(self, seconds: float) -> None:
        """It is over."""


class SimulatedEngine:
    """The lab's engine in a thread of its own; it stands in for a PowerShell that runs hvctl's bootstrap.

    Args:
        world: The world's file.
        host: The host's name in it.
        expected: The hash that the engine on the first line must have.
        output: Where it writes.
        delay: Seconds that PowerShell would take to start.
    """

    def __init__(self, world: Path, host: str, expected: str, output: Output, *, delay: float = 0.0) -> None:
        self._world = world
        self._host = host
        self._expected = expected
        self._output = output
        self._delay = delay
        self._waiting: SimpleQueue[bytes] = SimpleQueue()
        self._over = threading.Event()
        self._how = ""
        self._sent = 0
        self._taken = 0
        self._idle_at = -1
        self._thread = threading.Thread(target=self._run, name=f"lab engine on {host}", daemon=True)
        self._thread.start()

    def send(self, data: bytes) -> None:
        """Hand bytes to its stdin."""
        if data:
            self._sent += 1
            self._waiting.put(data)

    def end(self) -> None:
        """Close its stdin: it undoes what is unfinished, and ends."""
        self._waiting.put(b"")

    def interrupt(self) -> None:
        """End it, as Ctrl-C ends PowerShell."""
        self._stop(_INTERRUPTED)

    def kill(self) -> None:
        """End it: what is unfinished is undone, as the lab does for owners that died."""
        self._stop(_KILLED)
        self._output.close()

    def settle(self, seconds: float) -> None:
        """Wait until it has acted on what it was sent."""
        give_up = time.monotonic() + max(seconds, _SETTLED)
        while self._thread.is_alive() and self._idle_at != self._sent and time.monotonic() < give_up:
            time.sleep(0.005)

    def _stop(self, how: str) -> None:
        self._how = self._how or how
        self._over.set()
        self._waiting.put(b"")

    def _run(self) -> None:
        exit_code = 1
        try:
            exit_code = self._act()
        except HvctlError as error:
            self._output.write("stderr", f"{error.message}\r\n".encode())
        except Exception as error:  # a fault of the lab itself: this command's end, and nobody else's
            words = tell(f"the lab's engine on {self._host}", error)
            self._output.write("stderr", f"{words}\r\n".encode())
        finally:
            self._output.finish(CONTROL_C if self._how == _INTERRUPTED else exit_code)

    def _act(self) -> int:
        if self._over.wait(self._delay):
            return 1
        first, rest = self._first_line()
        if not first:
            return 1
        nonce, verified = _read_engine(first)
        if verified != self._expected:
            self._output.write("stdout", _wrong_engine())
            return 1
        with World.open(self._world) as world:
            # Basic and NTLM prove who somebody is; neither lets the host speak for him elsewhere.
            world.delegates = False
            found = [host for host in world.find(Host) if host.name.lower() == self._host.lower()]
            if not found:
                raise HvctlError(f"The lab has no host '{self._host}' any more.")
            self._serve(LabEngine(world, found[0], nonce, verified), rest or None)
        return 0

    def _first_line(self) -> tuple[bytes, bytes]:
        kept = b""
        while b"\n" not in kept:
            data = self._next(wait=True)
            if not data:
                return b"", b""
            kept += data
        line, _, rest = kept.partition(b"\n")
        return line, rest

    def _serve(self, engine: LabEngine, data: bytes | None) -> None:
        while True:
            if self._over.is_set() or data == b"":
                engine.lose_client()
                self._output.write("stdout", engine.pump(0))
                return
            if data:
                engine.feed(data)
            self._hear(engine)
            if engine.gone:
                return
            data = self._next(wait=not engine.busy)

    def _hear(self, engine: LabEngine) -> None:
        """Write what the engine says, with what it says right after, as a pipe that is read a moment later holds it."""
        give_up = time.monotonic() + _MOMENT
        said = engine.pump(_PUMP if engine.busy else 0)
        try:
            while said and engine.busy and len(said) < _PIPE and (left := give_up - time.monotonic()) > 0:
                said += engine.pump(left)
        finally:
            self._output.write("stdout", said)

    def _next(self, *, wait: bool) -> bytes | None:
        """The next bytes of stdin, empty at its end; None where there are none and nobody waits."""
        if wait and self._waiting.empty():
            self._idle_at = self._taken
        try:
            data = self._waiting.get(block=wait)
        except Empty:
            return None
        self._taken += bool(data)
        return data


def _read_engine(line: bytes) -> tuple[str, str]:
    """The nonce on the engine's line, and the hash of the engine there; empty where that is none."""
    nonce, _, packed = line.strip().partition(b" ")
    try:
        engine = gzip.decompress(b64decode(packed, validate=True))
    except (NotBase64, ValueError, OSError, EOFError, zlib.error):
        return "", ""
    return nonce.decode("ascii", "replace"), hashlib.sha256(engine).hexdigest()


def _wrong_engine() -> bytes:
    refused = Refused("EngineHash", "InvalidData", "The engine did not arrive as it was sent.")
    return EngineProtocol().frame("error", "", 0, {"step": None, **refused.record, "undo": False})
