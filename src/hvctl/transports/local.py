"""A PowerShell on this machine as a child process; the engine's lines go over its stdin and stdout."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import shutil
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import IO, Any

from hvctl.errors import UnreachableError
from hvctl.powershell.bootstrap import command_line, engine_line
from hvctl.powershell.protocol import ClientProtocol
from hvctl.transports.base import TransportLost
from hvctl.transports.clixml import readable

_LOG = logging.getLogger("hvctl")
_SLICE = 0.25
"""Seconds of one wait: on Windows a longer one would keep Ctrl-C waiting too."""
_FAREWELL = 3.0
"""Seconds that `close` gives the engine to end."""
_LAST_LINES = 5


class LocalTransport:
    """Carries lines to an engine in a child PowerShell.

    The child has a process group (on Windows a hidden console) of its own, so that Ctrl-C is hvctl's to handle, and so
    that an engine which is still undoing outlives a closed terminal.

    Args:
        host: The host's name as the user wrote it.
        executable: The PowerShell to start; found by `find_powershell` when it is not given.
        use_pwsh: Whether to look for PowerShell 7 on Windows too.
    """

    kind = "local"
    eager = False
    delegates = True

    def __init__(self, host: str, executable: str | None = None, *, use_pwsh: bool = False) -> None:
        self.host = host
        self._executable = executable
        self._use_pwsh = use_pwsh
        self._process: subprocess.Popen[bytes] | None = None
        self._arrived: queue.Queue[bytes] = queue.Queue()
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._readers: list[threading.Thread] = []
        self._writer: _Writer | None = None
        self._ended = False
        self._gone_since: float | None = None
        self._sent = False

    def open(self, nonce: str) -> None:
        """Start PowerShell and hand it the engine.

        Raises:
            UnreachableError: There is no PowerShell, or it cannot be started.
        """
        executable = self._executable or find_powershell(use_pwsh=self._use_pwsh)
        self._arrived = queue.Queue()
        self._last_lines = deque(maxlen=_LAST_LINES)  # an engine that is still undoing keeps its own
        self._ended = self._sent = False
        self._gone_since = None
        try:
            process = subprocess.Popen(  # noqa: S603 - a list, and no shell
                command_line(executable),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=child_environment(os.environ, executable),
                **_own_group(),
            )
        except OSError as error:
            raise UnreachableError(
                f"PowerShell cannot be started: {error.strerror or error}.",
                hint=f"Start {executable} by hand; a policy or an antivirus may have stopped it.",
                host=self.host,
            ) from error
        self._process = process
        self._readers = [
            _start(_pump, process.stdout, self._arrived),
            _start(_log_lines, process.stderr, self._last_lines),
        ]
        assert process.stdin is not None
        self._writer = _Writer(process.stdin)
        self._writer.put(engine_line(nonce))  # an early end is told by `receive`, with its exit code and last words

    def send(self, data: bytes) -> None:
        """Hand request lines to the engine's stdin, after those before them; does not wait for an engine that is slow.

        Raises:
            TransportLost: PowerShell has ended, or no longer reads.
        """
        if self._process is None or self._writer is None:
            raise TransportLost("PowerShell is not running")
        self._sent = True
        self._writer.put(data).wait(_SLICE)
        if self._writer.broken:
            raise TransportLost(self._last_words(self._process))

    def receive(self, timeout: float) -> bytes:
        """Return what has arrived, waiting up to `timeout` seconds for it.

        Raises:
            TransportLost: PowerShell has ended and everything it said has been returned.
        """
        process = self._process
        if process is None:
            raise TransportLost("PowerShell is not running")
        give_up = time.monotonic() + timeout
        while not self._ended:
            try:
                data = self._arrived.get(timeout=max(0.0, min(_SLICE, give_up - time.monotonic())))
            except queue.Empty:
                self._ended = self._is_past_end(process)
                if time.monotonic() >= give_up:
                    return b""
            else:
                return self._with_rest(data)
        raise TransportLost(self._last_words(process))

    def reset(self) -> None:
        """Do nothing: a pipe is whole or gone, never in doubt."""

    def close(self) -> None:
        """Ask the engine to end; one that is still undoing is left to finish, which it does by its deadline."""
        process, self._process = self._process, None
        writer, self._writer = self._writer, None
        if process is None or writer is None:
            return
        writer.put(ClientProtocol.simple("exit"))
        writer.end()
        if not _ends(process, _FAREWELL) and not self._sent:
            with contextlib.suppress(OSError):
                process.kill()
            _ends(process, _FAREWELL)
        if process.returncode is None:
            _start(process.wait)
            return
        for reader in self._readers:
            reader.join(_SLICE)

    def leave(self) -> None:
        """Do what `close` does: it never ends an engine that has something to finish."""
        self.close()

    def _is_past_end(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether PowerShell is gone for good while something that it started still holds its stdout open."""
        if process.poll() is None:
            return False
        self._gone_since = self._gone_since or time.monotonic()
        return time.monotonic() - self._gone_since >= _FAREWELL

    def _with_rest(self, data: bytes) -> bytes:
        """Join what has arrived so far; an empty piece is the end of stdout."""
        pieces = [data]
        while pieces[-1] and not self._arrived.empty():
            pieces.append(self._arrived.get_nowait())
        if not pieces[-1]:
            self._ended = True
            if len(pieces) == 1:
                raise TransportLost(self._last_words(self._process))
        return b"".join(pieces)

    def _last_words(self, process: subprocess.Popen[bytes] | None) -> str:
        if process is None or not _ends(process, _SLICE):
            return "PowerShell closed its output"
        for reader in self._readers:
            reader.join(_SLICE)
        words = " ".join(self._last_lines)
        return f"PowerShell ended with exit code {process.returncode}" + (f": {words}" if words else "")


class _Writer:
    """Writes to a child's stdin from a thread of its own: a pipe holds little, and a child may never read.

    The thread closes stdin when it ends; one that hangs ends with the child, or with this process.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self.broken = False
        self._stream = stream
        self._waiting: queue.SimpleQueue[tuple[bytes, threading.Event]] = queue.SimpleQueue()
        _start(self._write_all)

    def put(self, data: bytes) -> threading.Event:
        """Write data when all before it is written; the event is set when that is done or has failed."""
        over = threading.Event()
        self._waiting.put((data, over))
        return over

    def end(self) -> None:
        """Close the stream when all before is written."""
        self._waiting.put((b"", threading.Event()))

    def _write_all(self) -> None:
        over = threading.Event()
        try:
            with self._stream:
                while True:
                    data, over = self._waiting.get()
                    if not data:
                        return
                    view = memoryview(data)
                    while view:
                        view = view[self._stream.write(view) :]
                    over.set()
        except (OSError, ValueError):  # the latter when it is closed already
            self.broken = True
            over.set()


def find_powershell(*, use_pwsh: bool = False) -> str:
    """The PowerShell of this machine: Windows PowerShell on Windows unless `use_pwsh`, PowerShell 7 elsewhere.

    Raises:
        UnreachableError: There is none.
    """
    if sys.platform == "win32" and not use_pwsh:
        path = windows_powershell(os.environ, 8 * struct.calcsize("P"))
        if Path(path).is_file():
            return path
    found = shutil.which("pwsh")
    if found is None:
        raise UnreachableError(
            "PowerShell was not found on this machine.",
            hint="Install PowerShell 7 (pwsh), or name a host with --host.",
        )
    return found


def windows_powershell(environ: Mapping[str, str], bits: int) -> str:
    """Where the 64-bit Windows PowerShell is, which has Hyper-V; a 32-bit process sees it as Sysnative."""
    folder = "Sysnative" if bits == 32 and "PROCESSOR_ARCHITEW6432" in environ else "System32"
    root = PureWindowsPath(environ.get("SYSTEMROOT") or r"C:\Windows")
    return str(root / folder / "WindowsPowerShell" / "v1.0" / "powershell.exe")


def child_environment(environ: Mapping[str, str], executable: str) -> dict[str, str]:
    """The environment that PowerShell starts in: no colours, and no modules of PowerShell 7 for Windows PowerShell.

    Windows PowerShell started below a PowerShell 7 inherits its module path, and then fails to load its own modules.
    """
    child = dict(environ) | {"NO_COLOR": "1", "POWERSHELL_TELEMETRY_OPTOUT": "1", "POWERSHELL_UPDATECHECK": "Off"}
    if PureWindowsPath(executable).stem.lower() != "powershell":
        return child
    for name, value in environ.items():
        if name.upper() == "PSMODULEPATH":
            kept = [entry for entry in value.split(";") if not _is_of_pwsh(entry)]
            child[name] = ";".join(kept)
    return child


def _is_of_pwsh(entry: str) -> bool:
    return "powershell" in (part.lower() for part in PureWindowsPath(entry).parts)


def _own_group() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _start(target: Any, *args: object) -> threading.Thread:  # noqa: ANN401 - any callable
    thread = threading.Thread(target=target, args=args, daemon=True)
    thread.start()
    return thread


def _ends(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _pump(stream: IO[bytes], arrived: queue.Queue[bytes]) -> None:
    with stream:
        while data := stream.read(65536):
            arrived.put(data)
    arrived.put(b"")


def _log_lines(stream: IO[bytes], last_lines: deque[str]) -> None:
    with stream:
        for line in stream:
            text = readable(line.decode("utf-8", "replace"))
            if text:
                last_lines.append(text)
                _LOG.info("PowerShell: %s", text)
