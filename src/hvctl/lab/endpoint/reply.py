"""What an operation answers, before it is sealed and sent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its HTTP status, and the SOAP envelope, or nothing."""

    status: int
    body: bytes
