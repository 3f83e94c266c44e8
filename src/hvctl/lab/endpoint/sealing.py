"""Message encryption of MS-WSMV 2.2.9.1: an envelope sealed with the login's own key, in a body of MIME parts."""

from __future__ import annotations

import re
import struct
from typing import Protocol

PROTOCOL = "application/HTTP-SPNEGO-session-encrypted"
CONTENT_TYPE = f'multipart/encrypted;protocol="{PROTOCOL}";boundary="Encrypted Boundary"'
_BOUNDARY = b"--Encrypted Boundary"
_OCTETS = b"\tContent-Type: application/octet-stream\r\n"
_LENGTH = re.compile(rb"OriginalContent:[^\r\n]*;Length=(\d{1,9})")
_LARGEST_SIGNATURE = 1_024


class UnsealError(Exception):
    """A body that claims to be sealed is not, or not with this connection's key."""


class Sealer(Protocol):
    """What seals and unseals; the security context of a connection."""

    def seal(self, message: bytes) -> tuple[bytes, bytes]:
        """The signature, and the sealed message."""
        ...

    def unseal(self, signature: bytes, sealed: bytes) -> bytes:
        """The message, whose signature is checked.

        Raises:
            UnsealError: It was sealed with another key, or changed on its way.
        """
        ...


def is_sealed(content_type: str) -> bool:
    """Whether a body of this type is sealed."""
    return content_type.lower().startswith("multipart/encrypted")


def wrap(sealer: Sealer, envelope: bytes) -> bytes:
    """The body that carries an envelope sealed."""
    signature, sealed = sealer.seal(envelope)
    head = (
        f"\r\n\tContent-Type: {PROTOCOL}\r\n"
        f"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length={len(envelope)}\r\n"
    )
    parts = (
        _BOUNDARY,
        head.encode("ascii"),
        _BOUNDARY,
        b"\r\n",
        _OCTETS,
        struct.pack("<i", len(signature)),
        signature,
        sealed,
        _BOUNDARY,
        b"--\r\n",
    )
    return b"".join(parts)


def unwrap(sealer: Sealer, body: bytes) -> bytes:
    """The envelope that a body carries sealed.

    Raises:
        UnsealError: The body is malformed, was sealed with another key, or its length is another than it says.
    """
    head, octets, payload = body.partition(_OCTETS)
    length = _LENGTH.search(head)
    end = payload.rfind(_BOUNDARY + b"--")
    if not (octets and length and end >= 4 and head.startswith(_BOUNDARY)):
        raise UnsealError("not two parts between the boundaries")
    (size,) = struct.unpack("<i", payload[:4])
    if not 0 < size <= min(_LARGEST_SIGNATURE, end - 4):
        raise UnsealError("no signature")
    envelope = sealer.unseal(payload[4 : 4 + size], payload[4 + size : end])
    if len(envelope) != int(length[1]):
        raise UnsealError("not as long as it says")
    return envelope
