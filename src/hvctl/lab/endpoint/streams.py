"""What a command has printed and nobody has fetched yet."""

from __future__ import annotations

import time
from threading import Condition
from typing import NamedTuple

STREAMS = ("stdout", "stderr")
LIMIT = 256 << 10
"""Bytes of one stream that are kept; a command that prints more waits until somebody fetches them."""


class Piece(NamedTuple):
    """What one Receive fetches: bytes of each stream; `exit_code` once there will be no more."""

    stdout: bytes
    stderr: bytes
    exit_code: int | None


class Output:
    """The two output streams of a command, filled by the threads that run it and emptied by Receives."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._kept = {name: bytearray() for name in STREAMS}
        self._at_line_start = dict.fromkeys(STREAMS, True)
        self._inserts: dict[str, bytearray] = {name: bytearray() for name in STREAMS}
        self._exit_code: int | None = None
        self._closed = False
        self._turn = 0

    @property
    def finished(self) -> bool:
        """Whether the command has ended."""
        return self._exit_code is not None

    @property
    def closed(self) -> bool:
        """Whether nobody will fetch anything any more."""
        return self._closed

    def write(self, stream: str, data: bytes) -> None:
        """Add what the command printed; waits while too much of it is kept."""
        if not data:
            return
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._kept[stream]) < LIMIT)
            if self._closed:
                return
            self._kept[stream] += data
            self._at_line_start[stream] = data.endswith(b"\n")
            self._place_inserts(stream)
            self._changed.notify_all()

    def insert(self, stream: str, lines: bytes) -> None:
        """Add whole lines that the command did not print, at the next start of a line."""
        with self._changed:
            self._inserts[stream] += lines
            self._place_inserts(stream)
            self._changed.notify_all()

    def finish(self, exit_code: int) -> None:
        """The command has ended; only the first exit code counts."""
        with self._changed:
            if self._exit_code is None:
                self._exit_code = exit_code
            for stream in STREAMS:
                self._at_line_start[stream] = True
                self._place_inserts(stream)
            self._changed.notify_all()

    def wait(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for the command to end; whether it has."""
        with self._changed:
            return self._changed.wait_for(lambda: self.finished, timeout)

    def close(self) -> None:
        """Nobody will fetch anything any more: who waits, for room or for bytes, waits no longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, timeout: float, size: int, *, split: bool = False) -> Piece | None:
        """Fetch up to `size` bytes of each stream, waiting up to `timeout` seconds for the first byte or the end.

        Args:
            timeout: Seconds.
            size: Bytes, at least 1.
            split: Fetch 1 to 3 bytes, ending within a character of several bytes where one is near.

        Returns:
            None when nothing came, or nobody is to fetch anything any more.
        """
        give_up = time.monotonic() + timeout
        with self._changed:
            while not (self._closed or any(self._kept.values()) or self.finished):
                left = give_up - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            if self._closed or not (any(self._kept.values()) or self.finished):
                return None
            stdout, stderr = (self._cut(self._kept[name], size, split=split) for name in STREAMS)
            over = self.finished and not any(self._kept.values())
            self._changed.notify_all()
            return Piece(stdout, stderr, self._exit_code if over else None)

    def _place_inserts(self, stream: str) -> None:
        if self._inserts[stream] and self._at_line_start[stream]:
            self._kept[stream] += self._inserts[stream]
            self._inserts[stream].clear()

    def _cut(self, kept: bytearray, size: int, *, split: bool) -> bytes:
        if split:
            self._turn += 1
            within = next((n + 1 for n, byte in enumerate(kept[:3]) if byte >= 0xC0), None)
            size = within or (1 if self._turn % 2 else 3)
        piece = bytes(kept[:size])
        del kept[:size]
        return piece
