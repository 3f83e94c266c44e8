"""A server that answers HTTP by a script and keeps every byte that reaches it."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

Answer = Callable[["Heard"], bytes | Iterable[bytes] | None]
"""What is sent back for a request, at once or piece by piece; None resets the connection."""


@dataclass
class Heard:
    """One request: its head, its body, and how many came before on all connections."""

    head: str
    body: bytes
    number: int

    def header(self, name: str) -> str:
        """A header's value, empty where it is missing."""
        lines = (line.partition(":") for line in self.head.split("\r\n")[1:])
        return next((value.strip() for key, _, value in lines if key.lower() == name.lower()), "")


@dataclass
class RawServer:
    """Listens on loopback until it is closed.

    Args:
        answer: Says what is sent back.
    """

    answer: Answer
    heard: list[Heard] = field(default_factory=list)
    everything: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> RawServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(5)
        for sock in self._sockets:
            _shut(sock)
        for thread in self._threads:
            thread.join(5)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/wsman"

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(sock)
            self._threads.append(threading.Thread(target=self._serve, args=(sock,), daemon=True))
            self._threads[-1].start()

    def _serve(self, sock: socket.socket) -> None:
        with sock:
            try:
                while (heard := self._next(sock)) is not None:
                    self.heard.append(heard)
                    reply = self.answer(heard)
                    if reply is None:
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        return
                    for piece in [reply] if isinstance(reply, bytes) else reply:
                        sock.sendall(piece)
            except OSError:
                return

    def _next(self, sock: socket.socket) -> Heard | None:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = sock.recv(65536)
            if not piece:
                return None
            self.everything += piece
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        heard = Heard(head.decode("latin-1"), b"", len(self.heard))
        length = int(heard.header("Content-Length") or 0)
        while len(body) < length:
            piece = sock.recv(65536)
            if not piece:
                return None
            self.everything += piece
            body += piece
        heard.body = body
        return heard


def reply(status: int, body: bytes = b"", **headers: str) -> bytes:
    """An HTTP answer."""
    lines = [f"HTTP/1.1 {status} Words", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
