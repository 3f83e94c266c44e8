"""The endpoint: an HTTP and an HTTPS port on loopback, behind which all served hosts of a world stand."""

from __future__ import annotations

import selectors
import shutil
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from hvctl.errors import ConflictError, NotFoundError, UsageError
from hvctl.lab.endpoint.auth import Accounts
from hvctl.lab.endpoint.certificates import server_context
from hvctl.lab.endpoint.connection import Connection, FaultSource, Served, Service
from hvctl.lab.endpoint.stats import Stats

_LOOPBACK = "127.0.0.1"
_BACKLOG = 1_024
_PATIENCE = 2.0


@dataclass(frozen=True, slots=True)
class Settings:
    """How an endpoint serves.

    Attributes:
        user: The account that may log in.
        password: Its password.
        auth: What the addresses it tells are for: basic (over TLS), or ntlm (over HTTP, messages encrypted).
        port: The HTTP port; 0 is any that is free.
        tls_port: The HTTPS port; 0 is any that is free.
        ca_file: Where the certificate of its authority goes; None is a file of its own, gone with the endpoint.
        delay: Seconds of a pretended round trip, for each request.
        powershell: A PowerShell that runs what clients start; None is the lab's own engine.
        start_delay: Seconds that a PowerShell takes to start, beyond its own.
    """

    user: str
    password: str
    auth: str = "basic"
    port: int = 0
    tls_port: int = 0
    ca_file: Path | None = None
    delay: float = 0.0
    powershell: str | None = None
    start_delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind the HTTP of an endpoint: the operations, faults on demand, and how to tell an action."""

    service: Service
    faults: FaultSource
    action_of: Callable[[bytes], str | None]
    stats: Stats


class Endpoint:
    """An endpoint that listens, on threads of its own, until it is closed.

    Args:
        settings: How it serves.
        hosts: The names of the hosts it serves.
        behind: What it serves them with; closed with it.

    Raises:
        ConflictError: A port is taken.
        UsageError: The user or password cannot be used, or the CA file cannot be written.
    """

    def __init__(self, settings: Settings, hosts: Sequence[str], behind: Behind) -> None:
        self._settings = settings
        self._behind = behind
        self._folder = Path(tempfile.mkdtemp(prefix="hvctl-lab-"))
        self._listeners: list[socket.socket] = []
        self._open: set[Connection] = set()
        self._lock = threading.Lock()
        self._closing = False
        self.ca_file = (settings.ca_file or self._folder / "ca.pem").absolute()
        try:
            accounts = Accounts({settings.user: settings.password}, self._folder, hosts)
            self._tls = _tls(self._folder, self.ca_file)
            self._listeners += [_listener(port) for port in (settings.port, settings.tls_port)]
        except BaseException:
            self._release()
            raise
        self.port, self.tls_port = (listener.getsockname()[1] for listener in self._listeners)
        self._served = Served(
            hosts={host.lower(): host for host in hosts},
            accounts=accounts,
            basic=settings.auth == "basic",
            service=behind.service,
            faults=behind.faults,
            action_of=behind.action_of,
            stats=behind.stats,
            delay=settings.delay,
        )
        self._waker, self._wake = socket.socketpair()
        self._acceptor = threading.Thread(target=self._accept, name="accept", daemon=True)
        self._acceptor.start()

    def __enter__(self) -> Endpoint:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def url(self, host: str) -> str:
        """The address of a host, for the method of login that is told."""
        scheme, port = ("https", self.tls_port) if self._settings.auth == "basic" else ("http", self.port)
        return f"{scheme}://{_LOOPBACK}:{port}/wsman/{quote(host, safe='')}"

    def describe(self) -> list[dict[str, str]]:
        """What a client must know of each host to log in."""
        settings = self._settings
        return [
            {
                "name": host,
                "url": self.url(host),
                "user": settings.user,
                "password": settings.password,
                "auth": settings.auth,
                "ca_file": str(self.ca_file),
            }
            for host in self._served.hosts.values()
        ]

    def close(self) -> None:
        """Stop: no new connections, the open ones end, all shells lose their clients. A second time has no effect."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
        with suppress(OSError):  # the acceptor may have seen that it is closing, and be gone
            self._wake.send(b"x")
        self._acceptor.join(_PATIENCE)
        with self._lock:
            for connection in self._open:
                connection.end()
        self._behind.service.close()
        end = time.monotonic() + _PATIENCE
        while self._open and time.monotonic() < end:
            time.sleep(0.01)
        self._behind.faults.close()
        self._wake.close()
        self._release()

    def _release(self) -> None:
        for listener in self._listeners:
            listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _accept(self) -> None:
        contexts: dict[socket.socket, ssl.SSLContext | None] = dict(
            zip(self._listeners, (None, self._tls), strict=True)
        )
        with selectors.DefaultSelector() as selector, self._waker:
            for listener in (*self._listeners, self._waker):
                selector.register(listener, selectors.EVENT_READ)
            while not self._closing:
                for key, _ in selector.select():
                    if isinstance(key.fileobj, socket.socket) and key.fileobj is not self._waker:
                        self._welcome(key.fileobj, contexts[key.fileobj])

    def _welcome(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        try:
            sock, _ = listener.accept()
        except BlockingIOError:
            return  # it was gone before it was accepted
        except OSError:
            time.sleep(0.05)  # no more files may be open; some will be closed
            return
        sock.settimeout(None)
        connection = Connection(sock, self._served, tls)
        with self._lock:
            self._open.add(connection)
        try:
            threading.Thread(target=self._serve, args=(connection,), name="connection", daemon=True).start()
        except RuntimeError:  # no more threads may be had
            with self._lock:
                self._open.discard(connection)
            sock.close()

    def _serve(self, connection: Connection) -> None:
        try:
            connection.run()
        finally:
            with self._lock:
                self._open.discard(connection)


def open_endpoint(world: Path, settings: Settings, *, only: Sequence[str] = ()) -> Endpoint:
    """An endpoint for the hosts of a world, which is made if it is not there.

    Args:
        world: The world's file.
        settings: How to serve.
        only: The hosts to serve; none named are all.

    Raises:
        NotFoundError: The world has no such host.
        HvctlError: The world cannot be used, or a port or file cannot be had.
    """
    from hvctl.lab.endpoint.faults import Faults
    from hvctl.lab.endpoint.operations import Wsman
    from hvctl.lab.endpoint.soap import action_of
    from hvctl.lab.world import World, host_names

    World.open(world).close()
    known = {name.lower(): name for name in host_names(world)}
    missing = [name for name in only if name.lower() not in known]
    if missing:
        raise NotFoundError(f"The lab has no host '{missing[0]}'.", hint=f"It has {', '.join(known.values())}.")
    stats = Stats()
    service = Wsman(world, powershell=settings.powershell, stats=stats, start_delay=settings.start_delay)
    hosts = list(dict.fromkeys(known[name.lower()] for name in only or known))
    try:
        return Endpoint(settings, hosts, Behind(service, Faults(world), action_of, stats))
    except BaseException:
        service.close()
        raise


def _tls(folder: Path, ca_file: Path) -> ssl.SSLContext:
    try:
        return server_context(folder, ca_file)
    except OSError as error:
        raise UsageError(f"{ca_file} cannot be written: {error.strerror or error}.") from error


def _listener(port: int) -> socket.socket:
    try:
        listener = socket.create_server((_LOOPBACK, port), backlog=_BACKLOG)
    except OSError as error:
        raise ConflictError(
            f"Port {port} of {_LOOPBACK} cannot be listened on: {error.strerror or error}.",
            hint="Choose another port; 0 is any that is free.",
        ) from error
    listener.settimeout(0)
    return listener
