"""A real PowerShell behind a command: a child process with pipes, in a process group of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from queue import SimpleQueue
from typing import IO, Any

from hvctl.lab.endpoint.streams import Output

_GRACE = 2.0
"""Seconds that what a child started may go on writing after the child has ended."""
_PIECE = 64 << 10


class ChildProcess:
    """A child process whose stdin comes from Sends and whose output goes to Receives.

    Args:
        command: The program and its arguments.
        environment: Variables beside this process's own.
        output: Where it prints.
        delay: Seconds to wait before it starts.
    """

    def __init__(
        self, command: list[str], environment: Mapping[str, str], output: Output, *, delay: float = 0.0
    ) -> None:
        self._command = command
        self._environment = {
            **os.environ,
            "NO_COLOR": "1",
            "POWERSHELL_TELEMETRY_OPTOUT": "1",
            "POWERSHELL_UPDATECHECK": "Off",
            **environment,
        }
        self._output = output
        self._delay = delay
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._killed = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        _start(self._run)

    def send(self, data: bytes) -> None:
        """Hand bytes to its stdin; a thread writes them, because a pipe holds little and a child may never read."""
        self._waiting.put(data)

    def end(self) -> None:
        """Close its stdin after what was sent."""
        self._waiting.put(None)

    def interrupt(self) -> None:
        """Send it what Ctrl-C sends."""
        if sys.platform == "win32":
            self._signal(signal.CTRL_BREAK_EVENT)
        else:
            self._signal(signal.SIGINT)

    def kill(self) -> None:
        """Kill it and, where there are process groups, what it has started."""
        with self._lock:
            self._killed.set()
        self._output.close()
        if sys.platform == "win32":
            if self._process is not None:
                self._process.kill()
        else:
            self._signal(signal.SIGKILL)

    def settle(self, seconds: float) -> None:
        """Give it `seconds` to act: nobody can tell from outside when it has."""
        give_up = time.monotonic() + seconds
        while not self._output.finished and time.monotonic() < give_up:
            time.sleep(0.01)

    def _signal(self, number: int) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                process.send_signal(number)
            else:
                os.killpg(process.pid, number)

    def _run(self) -> None:
        self._killed.wait(self._delay)
        try:
            process = self._begin()
        except OSError as error:
            self._output.write("stderr", f"{self._command[0]}: {error.strerror or error}\r\n".encode())
            self._output.finish(1)
            return
        if process is None:
            self._output.finish(1)
            return
        readers = [_start(self._read, name, getattr(process, name)) for name in ("stdout", "stderr")]
        _start(self._write, process.stdin)
        exit_code = process.wait()
        for reader in readers:
            reader.join(_GRACE)
        self._waiting.put(None)
        self._output.finish(exit_code)

    def _begin(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._killed.is_set():
                return None
            self._process = subprocess.Popen(  # noqa: S603 - a list, and no shell
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=self._environment,
                **_own_group(),
            )
        return self._process

    def _read(self, name: str, stream: IO[bytes]) -> None:
        with stream:
            while data := stream.read(_PIECE):
                self._output.write(name, data)

    def _write(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError), stream:
            while (data := self._waiting.get()) is not None:
                view = memoryview(data)
                while view:
                    view = view[stream.write(view) :]


def _own_group() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _start(target: object, *args: object) -> threading.Thread:
    thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type] # every caller's is one
    thread.start()
    return thread
