"""The shells of a WinRM service: whose they are, what runs in them, how many there may be, and when they are reaped."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from hvctl.lab.endpoint.backends import Backend
from hvctl.lab.endpoint.refusals import (
    MAX_COMMANDS,
    MAX_SHELLS,
    MAX_USERS,
    NO_COMMAND,
    NO_SHELL,
    OTHER_USER,
    SHELL_EXISTS,
    Refusal,
)
from hvctl.lab.endpoint.streams import Output

_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a WinRM service is configured with, as it is by default.

    Attributes:
        shells: MaxShellsPerUser.
        commands: MaxProcessesPerShell.
        users: MaxConcurrentUsers.
        idle: IdleTimeout in seconds, where a client does not name its own.
        envelope: MaxEnvelopeSizekb, in bytes.
    """

    shells: int = 30
    commands: int = 25
    users: int = 10
    idle: float = 7200.0
    envelope: int = 500 << 10


@dataclass(slots=True)
class Command:
    """A command in a shell."""

    id: str
    output: Output
    backend: Backend


@dataclass(slots=True)
class Shell:
    """A shell: what a client runs commands in.

    Attributes:
        id: Its ShellId.
        host: The host's name in the world.
        owner: The user who created it; nobody else may use it.
        idle: Seconds without an operation after which it is reaped.
        environment: Variables of its commands.
        created: When, on the registry's clock.
        used: When it was last used, on that clock.
        pending: Operations that are using it now; as long as there is one it is not idle.
        commands: What runs in it, or has ended and was not fetched yet, by CommandId.
        ended: It was deleted, lost or reaped.
    """

    id: str
    host: str
    owner: str
    idle: float
    environment: Mapping[str, str]
    created: float
    used: float
    pending: int = 0
    commands: dict[str, Command] = field(default_factory=dict)
    ended: bool = False

    def end(self) -> None:
        """Kill what runs in it."""
        self.ended = True
        for command in list(self.commands.values()):
            command.backend.kill()


class Shells:
    """All shells of all hosts; any thread may ask.

    Args:
        limits: What the service allows.
        clock: Seconds that only go forward.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self.clock = clock
        self._lock = Lock()
        self._shells: dict[tuple[str, str], Shell] = {}

    def create(
        self,
        host: str,
        user: str,
        *,
        shell_id: str | None = None,
        idle: float | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Shell:
        """Make a shell.

        Args:
            host: The host's name in the world.
            user: Its owner.
            shell_id: The id that the client wishes, or None.
            idle: The idle time-out that the client wishes, in seconds.
            environment: Variables of its commands.

        Raises:
            Refusal: The user has too many shells, too many users have shells, or the id is taken.
        """
        now = self.clock()
        shell = Shell(
            id=(shell_id or str(uuid.uuid4())).upper(),
            host=host,
            owner=user,
            idle=self.limits.idle if idle is None else idle,
            environment=dict(environment or {}),
            created=now,
            used=now,
        )
        key = _key(host, shell.id)
        with self._lock:
            owners = [_folded(each.owner) for each in self._shells.values() if each.host == host]
            if owners.count(_folded(user)) >= self.limits.shells:
                raise Refusal(MAX_SHELLS, self.limits.shells)
            if len({*owners, _folded(user)}) > self.limits.users:
                raise Refusal(MAX_USERS, self.limits.users)
            if key in self._shells:
                raise Refusal(SHELL_EXISTS, shell.id)
            self._shells[key] = shell
        return shell

    @contextmanager
    def using(self, host: str, user: str, shell_id: str) -> Iterator[Shell]:
        """The user's shell; within, it is not idle.

        Raises:
            Refusal: There is none, or it is another user's.
        """
        with self._lock:
            shell = self._find(host, user, shell_id)
            shell.pending += 1
        try:
            yield shell
        finally:
            with self._lock:
                shell.pending -= 1
                shell.used = self.clock()

    def add(self, shell: Shell, start: Callable[[Output], Backend], command_id: str | None = None) -> Command:
        """Start a command in a shell.

        Raises:
            Refusal: Too many run there.
        """
        if sum(not command.output.finished for command in shell.commands.values()) >= self.limits.commands:
            raise Refusal(MAX_COMMANDS, self.limits.commands)
        output = Output()
        command = Command((command_id or str(uuid.uuid4())).upper(), output, start(output))
        with self._lock:
            shell.commands[command.id] = command
        if shell.ended:
            command.backend.kill()
            raise Refusal(NO_SHELL, shell.id)
        return command

    def forget(self, shell: Shell, command: Command) -> None:
        """Take a command out of its shell: it has ended, and all that it said was fetched, or nobody wants it."""
        with self._lock:
            shell.commands.pop(command.id, None)

    def delete(self, host: str, user: str, shell_id: str) -> None:
        """End a shell and all that runs in it.

        Raises:
            Refusal: There is none, or it is another user's.
        """
        with self._lock:
            shell = self._find(host, user, shell_id)
            del self._shells[_key(host, shell.id)]
        shell.end()

    def reap(self) -> None:
        """End the shells that have been idle for too long."""
        now = self.clock()
        with self._lock:
            idle = [key for key, shell in self._shells.items() if not shell.pending and now - shell.used >= shell.idle]
            reaped = [self._shells.pop(key) for key in idle]
        for shell in reaped:
            shell.end()

    def close(self) -> None:
        """End all shells, and wait a while for what ran in them: it may have something to take back."""
        with self._lock:
            shells = list(self._shells.values())
            self._shells.clear()
        for shell in shells:
            shell.end()
        give_up = time.monotonic() + _PATIENCE
        for shell in shells:
            for command in list(shell.commands.values()):
                command.output.wait(max(0.0, give_up - time.monotonic()))

    def __len__(self) -> int:
        return len(self._shells)

    def _find(self, host: str, user: str, shell_id: str) -> Shell:
        shell = self._shells.get(_key(host, shell_id))
        if shell is None:
            raise Refusal(NO_SHELL, shell_id)
        if _folded(shell.owner) != _folded(user):
            raise Refusal(OTHER_USER, shell_id)
        return shell


def find_command(shell: Shell, command_id: str) -> Command:
    """A command of a shell.

    Raises:
        Refusal: There is none.
    """
    command = shell.commands.get(command_id.upper())
    if command is None:
        raise Refusal(NO_COMMAND, command_id)
    return command


def _key(host: str, shell_id: str) -> tuple[str, str]:
    return host, shell_id.strip().upper()


def _folded(user: str) -> str:
    return user.casefold()
