"""The lab's hosts behind a real WinRM endpoint in this process, and sessions that reach them as a user does."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from hvctl.api import Connection
from hvctl.lab import seeds
from hvctl.lab.endpoint.faults import add, rule
from hvctl.lab.endpoint.server import Settings, open_endpoint
from hvctl.lab.entities import Vm
from hvctl.lab.world import World
from hvctl.transports.endpoint import Auth, Endpoint, parse
from hvctl.transports.session import Session
from hvctl.transports.winrm import WinRMTransport

USER = "Administrator"
PASSWORD = "Grüße & $ecrets"


class Remote:
    """A world served over WinRM.

    Attributes:
        endpoint: Where its first host is, with the login that is right.
    """

    def __init__(self, folder: Path, auth: Auth, **settings: Any) -> None:
        self.world_file = folder / "world.db"
        seeds.reset(self.world_file)
        self._ca_file = folder / "ca.pem"
        wanted = Settings(USER, PASSWORD, auth=auth, ca_file=self._ca_file, **settings)
        self.server = open_endpoint(self.world_file, wanted)
        made = parse("hv01", self.server.url("hv01"))
        ca_file = self._ca_file if made.scheme == "https" else None
        self.endpoint: Endpoint = replace(made, user=USER, auth=auth, ca_file=ca_file, password=lambda: PASSWORD)
        self._connections: list[Connection] = []

    def connect(self, **changes: Any) -> Connection:
        """A connection to its first host, whose endpoint may be changed."""
        transport = WinRMTransport(replace(self.endpoint, **changes))
        self._connections.append(Connection(Session(transport), timeout=60.0))
        return self._connections[-1]

    def fail(self, kind: str, **details: Any) -> None:
        """Let something go wrong, once by default."""
        add(self.world_file, rule(kind, **details))

    def names(self) -> list[str]:
        """The names of the virtual machines that are there."""
        world = World.open(self.world_file)
        try:
            return sorted(vm.name for vm in world.find(Vm))
        finally:
            world.close()

    @property
    def open_shells(self) -> int:
        """How many shells are open."""
        return len(self.server._behind.service.shells)

    @property
    def stats(self) -> dict[str, Any]:
        """What the endpoint has counted."""
        url = f"http://127.0.0.1:{self.server.port}/stats"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)

    def close(self) -> None:
        """Close the connections, then the endpoint."""
        for connection in self._connections:
            connection.close()
        self.server.close()


@contextmanager
def remote(folder: Path, auth: Auth, **settings: Any) -> Iterator[Remote]:
    """A world served over WinRM, closed at the end."""
    made = Remote(folder, auth, **settings)
    try:
        yield made
    finally:
        made.close()
