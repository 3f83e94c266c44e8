"""Faults on demand: rules in the world's file that say what the endpoint is to do wrong, when, and how often."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hvctl.errors import HvctlError, NotFoundError, UsageError
from hvctl.lab.entities import Host
from hvctl.lab.world import World

ANY = ("Create", "Command", "Send", "Receive", "Signal", "Delete", "Get")
"""The operations of a WinRM service."""
_LONGEST = 3600


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault.

    Attributes:
        point: Where the endpoint asks for it.
        meaning: What happens, in words.
        actions: The operations that it can strike; empty for what happens to a connection.
        action: The operation that it strikes where a rule names none; None for every one of `actions`.
        times: How often a rule strikes where it does not say.
        seconds: How long it takes where a rule does not say; None for what takes no time.
    """

    point: str
    meaning: str
    actions: tuple[str, ...] = ()
    action: str | None = None
    times: int = 1
    seconds: float | None = None


KINDS: Mapping[str, Kind] = {
    "refuse": Kind("connect", "The connection is closed as soon as it is made."),
    "reset-handshake": Kind("handshake", "The connection is reset in the middle of an NTLM handshake."),
    "close-idle": Kind("idle", "The connection is closed when it is idle after a reply.", ANY, seconds=0.0),
    "stale": Kind("request", "The answer is 400 with an empty body, as to a stale encryption; nothing is done.", ANY),
    "unauthorized": Kind("request", "The answer is 401 in the middle of a session; nothing is done.", ANY),
    "drop-reply": Kind("reply", "The operation is done, and its reply is lost with the connection.", ANY, "Send"),
    "slow": Kind("reply", "The reply comes late.", ANY, "Receive", seconds=2.0),
    "busy": Kind("operation", "Fault 170, busy; nothing is done.", ANY, "Send"),
    "quota-shells": Kind("operation", "Fault 2150859173: too many shells of this user.", ("Create",)),
    "quota-operations": Kind("operation", "Fault 2150859174: too many operations of this user.", ANY, "Command"),
    "quota-requests": Kind("operation", "Fault 2150859175: too many requests of this user.", ANY, "Command"),
    "quota-users": Kind("operation", "Fault 2150859179: too many users have shells.", ("Create",)),
    "shell-lost-before": Kind(
        "operation", "The shell is gone before the operation is done: fault 2150858843.", ANY[1:], "Send"
    ),
    "shell-lost-after": Kind(
        "operation",
        "The operation is done and answered; then the shell goes, with what it has not said yet.",
        ("Command", "Send", "Receive"),
        "Send",
        seconds=1.0,
    ),
    "timeout-delivered": Kind("operation", "The operation is done, and answered with fault 2150858793.", ANY, "Send"),
    "timeout-undelivered": Kind("operation", "Fault 2150858793; nothing is done.", ANY, "Send"),
    "split": Kind(
        "piece", "A Receive fetches 1 to 3 bytes and ends within a character where one is near.", ("Receive",), times=20
    ),
    "clixml": Kind("output", "A progress record as CLIXML on stderr.", ("Receive",)),
    "noise": Kind("output", "Lines that are not of the protocol, on stdout and stderr.", ("Receive",)),
}
"""Every kind, by its name."""

POINTS = frozenset(kind.point for kind in KINDS.values())
"""Where the endpoint asks."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that is due now: its kind, and how long it takes."""

    kind: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Rule:
    """A fault that is to happen.

    Attributes:
        id: Its number.
        kind: A key of KINDS.
        host: The only host that it strikes; None for all.
        action: The only operation that it strikes; None for all that it can.
        times: How often it strikes yet.
        after: How many it lets pass before.
        seconds: How long it takes.
    """

    id: int
    kind: str
    host: str | None
    action: str | None
    times: int
    after: int
    seconds: float

    def fits(self, host: str, point: str, action: str | None) -> bool:
        """Whether it is about what happens here."""
        kind = KINDS[self.kind]
        if kind.point != point or (self.host or host).lower() != host.lower():
            return False
        if self.action is not None:
            return self.action == action
        return action is None or not kind.actions or action in kind.actions


class Faults:
    """The faults of a world, taken one by one; any thread or process may take.

    Args:
        path: The world's file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._world: World | None = None

    def take(self, host: str, point: str, action: str | None = None) -> Fault | None:
        """The fault that is due at a point, used up by being taken; None where there is none.

        Args:
            host: The host's name in the world.
            point: One of POINTS.
            action: The operation under way; None where there is none, or it cannot be read.

        Raises:
            HvctlError: The world cannot be used.
        """
        with self._lock:
            try:
                return self._take(host, point, action)
            except HvctlError:
                # The file may have been replaced under the open connection: once more with a fresh one.
                self._close()
                return self._take(host, point, action)

    def close(self) -> None:
        """Close the world."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._world is not None:
            self._world.close()
            self._world = None

    def _take(self, host: str, point: str, action: str | None) -> Fault | None:
        if self._world is None:
            self._world = World.open(self._path)
        world = self._world
        world.rollback()
        world.begin(reading=True)
        found = any(rule.fits(host, point, action) for rule in _read(world))
        world.commit()
        if not found:
            return None
        with world.transaction():
            left, due = _strike(_read(world), host, point, action)
            _write(world, left)
        return due


def rule(
    kind: str,
    *,
    host: str | None = None,
    action: str | None = None,
    times: int | None = None,
    after: int = 0,
    seconds: float | None = None,
) -> Rule:
    """A rule, checked and complete; `add` gives it its number.

    Args:
        kind: A key of KINDS.
        host: The only host that it strikes; None for all.
        action: The only operation that it strikes; None for what the kind says.
        times: How often; None for what the kind says.
        after: How many to let pass before.
        seconds: How long it takes; None for what the kind says.

    Raises:
        UsageError: There is no such kind, or what is given does not fit it.
    """
    known = KINDS.get(kind)
    if known is None:
        raise UsageError(f"There is no fault '{kind}'.", hint=f"Choose one of {', '.join(KINDS)}.")
    if seconds is not None and known.seconds is None:
        raise UsageError(f"The fault '{kind}' takes no time.", hint="Leave out --seconds.")
    wanted = known.times if times is None else times
    if wanted < 1:
        raise UsageError(f"--times is {wanted}.", hint="A fault strikes once or more.")
    if after < 0:
        raise UsageError(f"--after is {after}.", hint="A fault lets none or more pass before it strikes.")
    lasts = (known.seconds or 0.0) if seconds is None else seconds
    if not 0 <= lasts <= _LONGEST:
        raise UsageError(f"--seconds is {lasts:g}.", hint=f"Choose a time from 0 to {_LONGEST} seconds.")
    return Rule(
        id=0,
        kind=kind,
        host=host,
        action=known.action if action is None else _action(kind, known, action),
        times=wanted,
        after=after,
        seconds=lasts,
    )


def add(path: Path, rule: Rule) -> Rule:
    """Write a rule into the world at `path`, after those that are there, and return it with its number.

    Raises:
        NotFoundError: The world has no such host.
    """
    with World.open(path) as world, world.transaction():
        rules = _read(world)
        number = max((each.id for each in rules), default=0) + 1
        host = None if rule.host is None else _host(world, rule.host)
        rule = replace(rule, id=number, host=host)
        _write(world, [*rules, rule])
    return rule


def rules(path: Path) -> list[Rule]:
    """The rules of a world that have something left to do, oldest first."""
    with World.open(path) as world:
        return _read(world)


def clear(path: Path) -> list[Rule]:
    """Drop all rules of a world, and return them."""
    with World.open(path) as world, world.transaction():
        dropped = _read(world)
        _write(world, [])
    return dropped


def _strike(rules: list[Rule], host: str, point: str, action: str | None) -> tuple[list[Rule], Fault | None]:
    """What is left of the rules after something happened at a point, and the fault that is due."""
    left: list[Rule] = []
    due: Fault | None = None
    for rule in rules:
        if due is not None or not rule.fits(host, point, action):
            left.append(rule)
        elif rule.after:
            left.append(replace(rule, after=rule.after - 1))
        else:
            due = Fault(rule.kind, rule.seconds)
            if rule.times > 1:
                left.append(replace(rule, times=rule.times - 1))
    return left, due


def _action(name: str, kind: Kind, action: str) -> str:
    found = next((each for each in kind.actions if each.lower() == action.lower()), None)
    if found is None:
        hint = f"Choose one of {', '.join(kind.actions)}." if kind.actions else "Leave out --action."
        raise UsageError(f"The fault '{name}' cannot strike a {action}.", hint=hint)
    return found


def _host(world: World, name: str) -> str:
    hosts = [host.name for host in world.find(Host)]
    found = next((each for each in hosts if each.lower() == name.lower()), None)
    if found is None:
        raise NotFoundError(f"The lab has no host '{name}'; it has {', '.join(hosts)}.")
    return found


def _read(world: World) -> list[Rule]:
    stored: list[dict[str, Any]] = world.setting("endpoint_faults")
    return [Rule(**each) for each in stored]


def _write(world: World, rules: list[Rule]) -> None:
    world.configure("endpoint_faults", [asdict(rule) for rule in rules])
