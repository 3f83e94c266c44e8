"""One client's connection: its login, its requests one after the other, and the faults that were asked for."""

from __future__ import annotations

import base64
import socket
import ssl
import struct
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from hvctl.lab.endpoint import http1, sealing
from hvctl.lab.endpoint.auth import Accounts, Login, RefusedError
from hvctl.lab.endpoint.mishaps import tell
from hvctl.lab.endpoint.reply import Reply
from hvctl.lab.endpoint.stats import Stats

if TYPE_CHECKING:
    from hvctl.lab.endpoint.faults import Fault

IDLE = 120.0
"""Seconds that http.sys, and so this, lets a connection wait for its next request."""
_BUSY = 30.0
_HANDSHAKE = 10.0
_LINGER = 1.0
_SOAP = "application/soap+xml;charset=UTF-8"
_LEGS = ("negotiate", "ntlm")


class Service(Protocol):
    """What does the operations."""

    def handle(self, host: str, user: str, body: bytes) -> Reply:
        """Answer an envelope; it may take as long as its operation time-out says."""
        ...

    def close(self) -> None:
        """End all shells; their clients are lost."""
        ...


class FaultSource(Protocol):
    """Where faults on demand come from."""

    def take(self, host: str, point: str, action: str | None) -> Fault | None:
        """The fault that is due here, which is then used up."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


@dataclass(frozen=True, slots=True)
class Served:
    """What all connections of an endpoint share.

    Attributes:
        hosts: The names of the hosts by their names in small letters; the first is served at `/wsman` too.
        accounts: Who may log in.
        basic: Whether Basic is offered, over TLS; NTLM always is.
        service: What does the operations.
        faults: Faults on demand.
        action_of: Finds the action of an envelope.
        stats: What is counted.
        delay: Seconds of a pretended round trip, for each request.
    """

    hosts: Mapping[str, str]
    accounts: Accounts
    basic: bool
    service: Service
    faults: FaultSource
    action_of: Callable[[bytes], str | None]
    stats: Stats
    delay: float = 0.0


class _EndError(Exception):
    """The connection ends without an answer."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self.reset = reset


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    closes: bool = False


class Connection:
    """A connection, from its first byte to its end.

    Args:
        sock: The socket as it was accepted.
        served: What is served.
        tls: The TLS context, on the port that speaks TLS.
    """

    def __init__(self, sock: socket.socket, served: Served, tls: ssl.SSLContext | None) -> None:
        self._sock = sock
        self._served = served
        self._tls = tls
        self._login = Login(served.accounts)
        self._is_new = True
        self._is_ended = False
        self._idle = IDLE

    def run(self) -> None:
        """Serve the client until it or its connection ends; nothing is raised."""
        reset = False
        try:
            self._served.stats.connected()
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._refuse()
            if self._tls is not None:
                self._sock.settimeout(_HANDSHAKE)
                self._sock = self._tls.wrap_socket(self._sock, server_side=True)
            reader = http1.Reader(self._sock)
            while not self._is_ended and self._one(reader):
                pass
        except _EndError as end:
            reset = end.reset
        except (http1.HungUpError, OSError):
            pass  # a client may go whenever it likes
        except Exception as error:
            tell("a connection of the lab's endpoint", error)
        finally:
            self._close(reset=reset)

    def end(self) -> None:
        """End the connection from another thread."""
        self._is_ended = True
        # The client may be quicker. The TLS socket's own method would drop its state under the reading thread's hands.
        with suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def _one(self, reader: http1.Reader) -> bool:
        """Answer one request; returns whether another may follow."""
        try:
            head = reader.head(idle=self._idle, busy=_BUSY)
            if head is None:
                return False
            if head.headers.get("expect", "").lower() == "100-continue":
                self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = reader.body(head)
        except http1.GarbageError:
            self._send(_Answer(400, closes=True))
            return self._drain()
        except http1.TooLargeError:
            self._send(_Answer(413, closes=True))
            return self._drain()
        path = unquote(urlsplit(head.target).path).rstrip("/").lower()
        if head.method == "GET" and path == "/stats":
            stats = self._served.stats.as_json()
            self._sock.sendall(http1.reply(200, [("Content-Type", "application/json")], stats))
            return head.keeps_alive
        self._served.stats.received(len(body))
        self._travel()
        answer = self._answer(head, path, body)
        self._travel()
        self._send(answer if head.keeps_alive else _Answer(answer.status, answer.body, answer.headers, closes=True))
        return head.keeps_alive and self._idle > 0

    def _answer(self, head: http1.Head, path: str, body: bytes) -> _Answer:
        host = self._host(path)
        if host is None or head.method != "POST":
            return _Answer(404) if host is None else _Answer(405, headers=(("Allow", "POST"),))
        sealed = sealing.is_sealed(head.headers.get("content-type", ""))
        in_clear = bool(body) and self._tls is None and not sealed
        if in_clear:
            self._served.stats.came_in_clear()
        scheme, _, credentials = head.headers.get("authorization", "").partition(" ")
        self._fail_early(host, scheme.lower())
        if sealed and not scheme and not self._login.can_seal:
            # The key went with an earlier connection; http.sys says no more than this.
            return _Answer(400)
        try:
            user, headers = self._authenticate(scheme.lower(), credentials.strip())
            if user is None:
                return _Answer(401, headers=headers)
            if in_clear:
                raise RefusedError
        except RefusedError:
            return self._unauthorized()
        answer = self._authorized(host, user, body, sealed=sealed)
        return _Answer(answer.status, answer.body, (*headers, *answer.headers))

    def _fail_early(self, host: str, scheme: str) -> None:
        is_new, self._is_new = self._is_new, False
        if is_new and self._only_host is None:
            self._fail(host, "connect")
        if is_new or scheme in _LEGS:
            self._fail(host, "handshake")

    def _authenticate(self, scheme: str, credentials: str) -> tuple[str | None, tuple[tuple[str, str], ...]]:
        """Who it is, None while a handshake is under way; and the headers that carry it on.

        Raises:
            RefusedError: Nobody, or the method is not offered here.
        """
        stats = self._served.stats
        if scheme == "basic" and self._tls is not None and self._served.basic:
            user = self._served.accounts.by_password(credentials)
            stats.authenticated()
            return user, ()
        if scheme in _LEGS:
            token, done = self._login.step(credentials)
            text = "" if token is None else base64.b64encode(token).decode("ascii")
            name = "Negotiate" if scheme == "negotiate" else "NTLM"
            headers = (("WWW-Authenticate", f"{name} {text}"),) if text else ()
            if done:
                stats.authenticated()
            return self._login.user if done else None, headers
        if scheme or self._login.user is None:
            raise RefusedError
        return self._login.user, ()

    def _authorized(self, host: str, user: str, body: bytes, *, sealed: bool) -> _Answer:
        """Answer a client that has logged in."""
        if sealed:
            try:
                body = sealing.unwrap(self._login, body) if self._login.can_seal else b""
            except sealing.UnsealError:
                body = b""
            if not body:
                return _Answer(400)
        action = self._served.action_of(body) if body else None
        fault = self._served.faults.take(host, "request", action) if body else None
        if fault is not None:
            self._login.forget()
            return _Answer(400) if fault.kind == "stale" else self._unauthorized()
        answer = self._operate(host, user, body, action) if body else _Answer(200)
        if answer.body and sealed:
            wrapped = sealing.wrap(self._login, answer.body)
            answer = _Answer(answer.status, wrapped, (("Content-Type", sealing.CONTENT_TYPE),))
        elif answer.body:
            answer = _Answer(answer.status, answer.body, (("Content-Type", _SOAP),))
        idle = self._served.faults.take(host, "idle", action)
        self._idle = IDLE if idle is None else idle.seconds
        return answer

    def _operate(self, host: str, user: str, body: bytes, action: str | None) -> _Answer:
        served = self._served
        served.stats.acted(action)
        try:
            reply = served.service.handle(host, user, body)
        except Exception as error:
            tell("an operation of the lab's endpoint", error)
            return _Answer(500)
        fault = served.faults.take(host, "reply", action)
        if fault is not None and fault.kind == "drop-reply":
            raise _EndError(reset=False)
        if fault is not None:
            time.sleep(fault.seconds)
        return _Answer(reply.status, reply.body)

    def _unauthorized(self) -> _Answer:
        offered = [("WWW-Authenticate", "Negotiate")]
        if self._served.basic and self._tls is not None:
            offered.append(("WWW-Authenticate", 'Basic realm="WSMAN"'))
        return _Answer(401, headers=tuple(offered))

    def _host(self, path: str) -> str | None:
        """The host that a path means: `/wsman/NAME`, or `/wsman` for the first."""
        _, first, *rest = f"{path}/".split("/")
        if first != "wsman" or len(rest) > 2:
            return None
        if len(rest) == 1:
            return next(iter(self._served.hosts.values()))
        return self._served.hosts.get(rest[0])

    def _refuse(self) -> None:
        """Reset a new connection where that was asked for: when its client has begun to speak, but was not heard."""
        # Which host it is about stands in its first request; where there are several it is asked then.
        if self._served.faults.take(self._only_host or "", "connect", None) is not None:
            # A client that has said nothing yet could take the reset for a connection that never was.
            self._sock.settimeout(_LINGER)
            with suppress(OSError):
                self._sock.recv(1, socket.MSG_PEEK)
            raise _EndError(reset=True)

    @property
    def _only_host(self) -> str | None:
        hosts = self._served.hosts
        return next(iter(hosts.values())) if len(hosts) == 1 else None

    def _fail(self, host: str, point: str) -> None:
        """Reset the connection where that was asked for."""
        if self._served.faults.take(host, point, None) is not None:
            raise _EndError(reset=True)

    def _travel(self) -> None:
        """Take half of a pretended round trip."""
        if self._served.delay:  # a sleep of no time costs a tenth of a request
            time.sleep(self._served.delay / 2)

    def _send(self, answer: _Answer) -> None:
        headers = [*answer.headers, ("Connection", "close")] if answer.closes else answer.headers
        self._sock.sendall(http1.reply(answer.status, headers, answer.body))
        self._served.stats.sent(len(answer.body))

    def _drain(self) -> bool:
        """Let a client that still sends read the answer, before the connection ends."""
        self._sock.settimeout(_LINGER)
        self._sock.shutdown(socket.SHUT_WR)
        end = time.monotonic() + _LINGER
        while time.monotonic() < end and self._sock.recv(65_536):
            pass
        return False

    def _close(self, *, reset: bool) -> None:
        try:
            if reset:
                form = "hh" if sys.platform == "win32" else "ii"
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(form, 1, 0))
            else:
                self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it is closed already
        self._sock.close()
