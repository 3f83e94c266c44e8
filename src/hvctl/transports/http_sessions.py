"""Sessions of requests that go nowhere but to their host, trust what this machine trusts, and never wait without end.

A time-out of requests bounds each wait for a next byte: a host that sends one now and then would be waited for all day.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_AGAIN = 0.5
"""Seconds until connections are cut once more: one may have been in the making."""


def harden(session: requests.Session, *, url: str, verify: bool, own_authority: bool) -> None:
    """Make a session of requests go nowhere but to its host, and trust what this machine trusts."""
    session.trust_env = False  # no proxy, no .netrc, no other authorities
    session.max_redirects = 0  # a redirect would carry the message, or a login, elsewhere
    if not verify:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # whoever wanted that has been warned
    trusts_system = verify and not own_authority and url.lower().startswith("https:")
    scheme = "https://" if url.lower().startswith("https:") else "http://"
    if not isinstance(session.adapters.get(scheme), _Adapter):
        session.mount(scheme, _Adapter(trusts_system=trusts_system))


class Deadline:
    """Whether an exchange has taken too long."""

    def __init__(self) -> None:
        self.is_over = False


@contextmanager
def deadline(session: Callable[[], requests.Session | None], seconds: float) -> Iterator[Deadline]:
    """Cut the connections of a session that is still at work after so many seconds; what it does then fails.

    Args:
        session: Tells the session, which may not be there yet.
        seconds: How long it may take in all.
    """
    made, done = Deadline(), threading.Event()

    def watch() -> None:
        wait = seconds
        while not done.wait(wait):
            made.is_over, wait = True, _AGAIN
            _cut(session())

    threading.Thread(target=watch, name="deadline", daemon=True).start()
    try:
        yield made
    finally:
        done.set()


def _cut(session: requests.Session | None) -> None:
    for adapter in list(session.adapters.values()) if session is not None else ():
        if isinstance(adapter, _Adapter):
            adapter.cut()


class _Adapter(HTTPAdapter):
    """Knows the sockets of its connections.

    Args:
        trusts_system: Trust the authorities of this machine, a company's own among them, beside those that requests
            brings.
    """

    def __init__(self, *, trusts_system: bool) -> None:
        self._trusts_system = trusts_system
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._lock = threading.Lock()
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - whatever requests passes
        if self._trusts_system:
            kwargs["ssl_context"] = ssl.create_default_context()
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._opened)

    def cut(self) -> None:
        """End every connection, whoever waits for it."""
        with self._lock:
            sockets = list(self._sockets)
        for each in sockets:
            # One may have ended by itself; and of TLS it is the TCP below that ends, in the middle of a record maybe.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)

    def _opened(self, sock: socket.socket) -> None:
        with self._lock:
            self._sockets.add(sock)


def _pools(opened: Callable[[socket.socket], None]) -> dict[str, type[HTTPConnectionPool]]:
    """What a pool manager makes for each scheme, so that each connection is told of."""

    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            opened(self.sock)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            opened(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
