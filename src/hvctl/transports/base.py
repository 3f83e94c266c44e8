"""What a transport is: something that carries lines to one engine and back.

A transport knows no cmdlet, no request and no retry; `session.py` does. Whatever the library under it raises becomes
one of the two exceptions below, or an `HvctlError`, at this edge.
"""

from __future__ import annotations

from typing import Protocol


class TransportDoubt(Exception):
    """A send or receive failed such that its bytes may or may not have arrived; the engine may well be alive."""


class TransportLost(Exception):
    """The engine is gone: its process ended, or the far side no longer knows it.

    Args:
        reason: What is known of how it ended, exit code and last words included.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Transport(Protocol):
    """Carries bytes between a session and one engine.

    Attributes:
        host: The name of the host as the user wrote it; it stands in results and errors.
        kind: Which transport it is: local, lab or winrm.
        eager: Whether a request that only reads is to be sent before `hello`: it then travels with the engine.
    """

    host: str
    kind: str
    eager: bool

    @property
    def delegates(self) -> bool:
        """Whether the login on the host can be handed on to another one; known once it is open."""

    def open(self, nonce: str) -> None:
        """Start an engine that will say `hello` with this nonce; return without waiting for it.

        Raises:
            UnreachableError: The host or its PowerShell cannot be reached.
            AccessError: The login failed.
        """

    def send(self, data: bytes) -> None:
        """Send whole request lines.

        Raises:
            TransportDoubt: They may or may not have arrived.
            TransportLost: The engine is gone.
        """

    def receive(self, timeout: float) -> bytes:
        """Return what has arrived, waiting up to `timeout` seconds for the first byte; empty when nothing came.

        Raises:
            TransportDoubt: Something may have arrived and been lost.
            TransportLost: The engine is gone and everything it said has been returned.
        """

    def reset(self) -> None:
        """Throw away the connection, not the engine, after a `TransportDoubt`."""

    def close(self) -> None:
        """End the engine and free everything; never raises an error, and may be called twice."""

    def leave(self) -> None:
        """Free everything here, and let the engine finish what it is doing: it undoes what is unfinished, and ends."""
