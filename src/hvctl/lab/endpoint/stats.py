"""What the endpoint counts: requests, bytes, logins, starts of PowerShell, and bodies that came in clear."""

from __future__ import annotations

import json
from collections import Counter
from threading import Lock


class Stats:
    """Counts since the endpoint began; any thread may count."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[str] = Counter()
        self._actions: Counter[str] = Counter()

    def connected(self) -> None:
        """A client connected."""
        self._add("connections")

    def received(self, size: int) -> None:
        """A whole HTTP request came in, `size` bytes of it body."""
        with self._lock:
            self._counts["requests"] += 1
            self._counts["bytes_in"] += size

    def sent(self, size: int) -> None:
        """A reply went out, `size` bytes of it body."""
        self._add("bytes_out", size)

    def acted(self, action: str | None) -> None:
        """A request was handed on: Create, Command, Send, Receive, Signal, Delete or Get; None is unknown."""
        with self._lock:
            self._actions[action or "unknown"] += 1

    def authenticated(self) -> None:
        """A login was accepted: an NTLM handshake that ended well, or a request with the right Basic password."""
        self._add("authentications")

    def came_in_clear(self) -> None:
        """A body came over plain HTTP without encryption."""
        self._add("plaintext_bodies")

    def powershell_started(self) -> None:
        """A PowerShell, or the simulator in its place, was started."""
        self._add("powershell_starts")

    def _add(self, name: str, number: int = 1) -> None:
        with self._lock:
            self._counts[name] += number

    def as_json(self) -> bytes:
        """All counts as one JSON object."""
        with self._lock:
            counts = {name: self._counts[name] for name in _NAMES}
            actions = dict(sorted(self._actions.items()))
        return json.dumps({**counts, "actions": actions}).encode("ascii")


_NAMES = (
    "requests",
    "connections",
    "bytes_in",
    "bytes_out",
    "authentications",
    "plaintext_bodies",
    "powershell_starts",
)
