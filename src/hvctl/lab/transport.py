"""The transport to a simulated host: the engine runs in this process, its world lies in a file."""

from __future__ import annotations

from pathlib import Path

from hvctl.errors import NotFoundError
from hvctl.lab.engine import LabEngine
from hvctl.lab.entities import Host
from hvctl.lab.world import World
from hvctl.transports.base import TransportLost


class LabTransport:
    """Carries lines to the engine of one simulated host; implements `transports.base.Transport`.

    Args:
        path: The world's file; a missing one is made as the default world.
        host: The host's name in the world; None for the first.
        name: What the user called the host: `lab`, or `lab/hv02`.
    """

    kind = "lab"
    eager = False
    delegates = True

    def __init__(self, path: Path, host: str | None = None, name: str = "lab") -> None:
        self.host = name
        self.world: World | None = None
        self._path = path
        self._wanted = host or ""
        self._engine: LabEngine | None = None

    def open(self, nonce: str) -> None:
        """Open the world and start an engine on the host.

        Raises:
            NotFoundError: The world has no such host.
            HvctlError: The world's file cannot be used.
        """
        from hvctl.powershell.bootstrap import engine_hash

        self.world = World.open(self._path)
        hosts = self.world.find(Host)
        wanted = self._wanted.lower()
        found = [host for host in hosts if host.name.lower() == wanted] if wanted else hosts[:1]
        if not found:
            self.close()
            raise NotFoundError(
                f"The lab has no host '{self._wanted}'; it has {', '.join(host.name for host in hosts)}.",
                hint="`hvctl lab reset --world two-hosts` makes a world with hv01 and hv02.",
                host=self.host,
            )
        self._engine = LabEngine(self.world, found[0], nonce, engine_hash())

    def send(self, data: bytes) -> None:
        """Hand whole request lines to the engine.

        Raises:
            TransportLost: The engine has ended.
        """
        self._alive().feed(data)

    def receive(self, timeout: float) -> bytes:
        """Let the engine run for up to `timeout` seconds and return what it says.

        Raises:
            TransportLost: The engine has ended and everything it said has been returned.
        """
        engine = self._engine
        data = b"" if engine is None else engine.pump(timeout)
        if not data and (engine is None or engine.gone):
            raise TransportLost("The simulated engine has ended.")
        return data

    def reset(self) -> None:
        """There is no connection apart from the engine: nothing to throw away."""

    def close(self) -> None:
        """End the engine, as a lost client does, and close the world."""
        engine, self._engine = self._engine, None
        world, self.world = self.world, None
        try:
            if engine is not None:
                engine.lose_client()
        finally:
            if world is not None:
                world.close()

    def leave(self) -> None:
        """Do what `close` does: the engine takes back what is unfinished before it ends."""
        self.close()

    def _alive(self) -> LabEngine:
        if self._engine is None or self._engine.gone:
            raise TransportLost("The simulated engine has ended.")
        return self._engine
