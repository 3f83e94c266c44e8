"""As much of HTTP/1.1 as WinRM clients speak: requests off a socket, replies onto it."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

LARGEST_HEAD = 65_536
"""Bytes that a request line and its headers, or a line within a chunked body, may take."""
LARGEST_BODY = 512_000 + 4_096
"""Bytes of body that are kept: MaxEnvelopeSizekb as Windows has it, and what sealing puts around an envelope."""
_LARGEST_DISCARD = 16 * 1024 * 1024
_PIECE = 65_536
_PRINTABLE = 0x20


class GarbageError(Exception):
    """What came is no HTTP request; the connection cannot go on."""


class TooLargeError(Exception):
    """A body is larger than an envelope may be; it was read and thrown away."""


class HungUpError(Exception):
    """The client is gone, or has said nothing for too long."""


@dataclass(frozen=True, slots=True)
class Head:
    """The request line and the headers of a request; the names of headers are in small letters."""

    method: str
    target: str
    version: str
    headers: Mapping[str, str]

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants to go on with this connection."""
        wish = self.headers.get("connection", "").lower()
        return wish != "close" if self.version == "HTTP/1.1" else wish == "keep-alive"

    @property
    def length(self) -> int | None:
        """The size of the body; None where it comes in chunks.

        Raises:
            GarbageError: The header is no number, or a transfer encoding that nobody speaks.
        """
        encoding = self.headers.get("transfer-encoding", "").lower()
        if encoding:
            if encoding != "chunked":
                raise GarbageError(encoding)
            return None
        text = self.headers.get("content-length", "0")
        if not (text.isascii() and text.isdigit()):
            raise GarbageError(text)
        return int(text)


class Reader:
    """Reads requests off a socket, whose time-out is set by whoever waits."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = bytearray()

    @property
    def has_some(self) -> bool:
        """Whether bytes of a next request are here already."""
        return bool(self._buffer)

    def head(self, *, idle: float, busy: float) -> Head | None:
        """The head of the next request; None where the client has ended the connection, or waits too long.

        Args:
            idle: Seconds to wait for the request to begin.
            busy: Seconds that each next piece of it may take.

        Raises:
            GarbageError: It is no HTTP.
            HungUpError: The client is gone in the middle of it.
        """
        if not self._buffer:
            self._sock.settimeout(idle)
            try:
                self._more()
            except HungUpError:
                return None
        if self._buffer[0] < _PRINTABLE and not self._buffer.startswith((b"\r", b"\n")):
            raise GarbageError("TLS, or another protocol")  # whose greeting need not have an end of line
        self._sock.settimeout(busy)
        return _parsed(self._until(b"\r\n\r\n"))

    def body(self, head: Head) -> bytes:
        """The body of a request whose head was read.

        Raises:
            GarbageError: Its chunks make no sense.
            TooLargeError: It is larger than LARGEST_BODY.
            HungUpError: The client is gone in the middle of it.
        """
        length = head.length
        if length is None:
            return self._chunks()
        if length > LARGEST_BODY:
            self._discard(length)
            raise TooLargeError
        return self._exactly(length)

    def _chunks(self) -> bytes:
        kept = bytearray()
        total = 0
        while size := _chunk_size(self._until(b"\r\n")):
            total += size
            if total > LARGEST_BODY:
                self._discard(size)
                kept.clear()
            else:
                kept += self._exactly(size)
            if total > _LARGEST_DISCARD or self._until(b"\r\n"):
                raise GarbageError("a chunk does not end where it should")
        while self._until(b"\r\n"):
            pass  # trailers, which say nothing that is wanted
        if total > LARGEST_BODY:
            raise TooLargeError
        return bytes(kept)

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        found = bytes(self._buffer[:size])
        del self._buffer[:size]
        return found

    def _discard(self, size: int) -> None:
        # A client that is answered before it has sent everything may see a reset instead of the answer.
        if size > _LARGEST_DISCARD:
            raise GarbageError("far too large")
        while size:
            if not self._buffer:
                self._more()
            size -= len(self._exactly(min(size, len(self._buffer))))

    def _until(self, mark: bytes) -> bytes:
        start = 0
        while (found := self._buffer.find(mark, start)) < 0:
            if len(self._buffer) > LARGEST_HEAD:
                raise GarbageError("a line without end")
            start = max(0, len(self._buffer) - len(mark) + 1)
            self._more()
        text = bytes(self._buffer[:found])
        del self._buffer[: found + len(mark)]
        return text

    def _more(self) -> None:
        try:
            piece = self._sock.recv(_PIECE)
        except OSError as error:  # a time-out, a reset, and what TLS makes of them
            raise HungUpError from error
        if not piece:
            raise HungUpError
        self._buffer += piece


def reply(status: int, headers: Sequence[tuple[str, str]], body: bytes) -> bytes:
    """A reply as it goes over the wire, in one piece."""
    phrase = HTTPStatus(status).phrase
    lines = [
        f"HTTP/1.1 {status} {phrase}",
        *(f"{name}: {value}" for name, value in headers),
        "Server: Microsoft-HTTPAPI/2.0",
        f"Date: {formatdate(usegmt=True)}",
        f"Content-Length: {len(body)}",
        "\r\n",
    ]
    return "\r\n".join(lines).encode("latin-1") + body


def _parsed(text: bytes) -> Head:
    first, *lines = text.lstrip(b"\r\n").decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise GarbageError(first)
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise GarbageError(line)
        headers[name.lower()] = value.strip()
    return Head(words[0], words[1], words[2], headers)


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    try:
        if not digits.isalnum():
            raise ValueError
        return int(digits, 16)
    except ValueError:
        raise GarbageError(f"{line!r} is no size of a chunk") from None
