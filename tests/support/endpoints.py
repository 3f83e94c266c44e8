"""An endpoint for tests: real sockets, a service that only notes what it is handed, faults from a list."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from winrm.protocol import Protocol

from hvctl.lab.endpoint.faults import Fault
from hvctl.lab.endpoint.reply import Reply
from hvctl.lab.endpoint.server import Behind, Endpoint, Settings
from hvctl.lab.endpoint.soap import action_of
from hvctl.lab.endpoint.stats import Stats

USER = "Administrator"
PASSWORD = "Grüße & $ecrets"
HOSTS = ("hv01", "hv02")


class Echo:
    """A service that answers every envelope with the envelope itself."""

    def __init__(self) -> None:
        self.handled: list[tuple[str, str, bytes]] = []
        self.closed = 0
        self.fails = False

    def handle(self, host: str, user: str, body: bytes) -> Reply:
        self.handled.append((host, user, body))
        if self.fails:
            raise ValueError("a fault of the service itself")
        return Reply(200, body)

    def close(self) -> None:
        self.closed += 1


class Planned:
    """Faults that strike in the order given, each once and at its own point."""

    def __init__(self, *faults: tuple[str, Fault]) -> None:
        self.left = list(faults)
        self.asked: list[tuple[str, str, str | None]] = []

    def take(self, host: str, point: str, action: str | None) -> Fault | None:
        self.asked.append((host, point, action))
        due = next((each for each in self.left if each[0] == point), None)
        if due is None:
            return None
        self.left.remove(due)
        return due[1]

    def close(self) -> None:
        """It holds nothing."""


class Served:
    """An endpoint in this process, and what stands behind it."""

    def __init__(self, folder: Path, *faults: tuple[str, Fault], hosts: tuple[str, ...] = HOSTS, **settings: Any):
        self.service = Echo()
        self.faults = Planned(*faults)
        self.stats = Stats()
        self.ca_file = folder / "ca.pem"
        wanted = Settings(USER, PASSWORD, **{"ca_file": self.ca_file, **settings})
        self.endpoint = Endpoint(wanted, hosts, Behind(self.service, self.faults, action_of, self.stats))
        self._protocols: list[Protocol] = []

    def close(self) -> None:
        """Close the clients, then the endpoint."""
        for protocol in self._protocols:
            protocol.transport.close_session()
        self.endpoint.close()

    @property
    def counts(self) -> dict[str, Any]:
        """What `/stats` tells."""
        return requests.get(f"http://127.0.0.1:{self.endpoint.port}/stats", timeout=10).json()

    @property
    def tls_url(self) -> str:
        return f"https://127.0.0.1:{self.endpoint.tls_port}/wsman"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.endpoint.port}/wsman"

    def post(self, body: bytes = b"<x/>", path: str = "", **options: Any) -> requests.Response:
        """A POST over TLS with the right Basic login."""
        given = {"auth": (USER, PASSWORD.encode()), "verify": str(self.ca_file), "timeout": 10, **options}
        return requests.post(self.tls_url + path, data=body, **given)

    def protocol(self, transport: str = "ntlm", **options: Any) -> Protocol:
        """pywinrm's client, logged in."""
        url = self.url if transport == "ntlm" else self.tls_url
        given = {"username": USER, "password": PASSWORD, "ca_trust_path": str(self.ca_file), "proxy": None, **options}
        self._protocols.append(Protocol(url, transport=transport, **given))
        return self._protocols[-1]

    def session(self) -> requests.Session:
        """A requests session that is logged in by Basic and trusts the endpoint alone."""
        session = requests.Session()
        session.trust_env = False
        session.auth, session.verify = (USER, PASSWORD.encode()), str(self.ca_file)
        return session

    def raw(self, data: bytes) -> bytes:
        """What comes back for some bytes over plain HTTP, until the endpoint ends the connection."""
        with socket.create_connection(("127.0.0.1", self.endpoint.port), timeout=10) as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: sock.recv(65536), b""))


@contextmanager
def served(folder: Path, *faults: tuple[str, Fault], **settings: Any) -> Iterator[Served]:
    """An endpoint, closed at the end."""
    made = Served(folder, *faults, **settings)
    try:
        yield made
    finally:
        made.close()
