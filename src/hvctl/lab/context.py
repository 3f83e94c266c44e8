"""What a simulated cmdlet is given to work with, and how its areas register it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

from hvctl.lab.entities import Host
from hvctl.lab.live import Kind, Live
from hvctl.lab.problems import Problem, cmdlet_class, describe
from hvctl.lab.world import World

NEVER = float("inf")
Item = TypeVar("Item")


class Wait(NamedTuple):
    """A cmdlet has nothing to do until this moment of the lab's clock; NEVER for one that will not come."""

    until: float


Output = Live | bool | Wait
Args = Mapping[str, Any]
Run = Callable[["Context", Args], Iterator[Output]]


class Sink(Protocol):
    """Takes what a cmdlet says besides its output."""

    def warning(self, message: str) -> None:
        """A text for the warning stream."""

    def error(self, record: dict[str, object]) -> None:
        """An error that does not end the cmdlet."""

    def progress(self, activity: str, status: str, percent: int | None, seconds_left: float | None) -> None:
        """How far the cmdlet is."""


class Failure(Exception):
    """A cmdlet ends with an error record."""

    def __init__(self, record: dict[str, object]) -> None:
        super().__init__(record["message"])
        self.record = record


class Context:
    """The world and host that a cmdlet acts on, and its streams.

    Attributes:
        world: The world, within a transaction.
        host: The host that the cmdlet runs on.
        cmdlet: Its name.
        stops: Whether its first error ends it (`-ErrorAction Stop`).
        completed: How often `keep` was called: what was done before stays when the cmdlet fails.
    """

    def __init__(self, world: World, host: Host, cmdlet: str, sink: Sink, *, stops: bool) -> None:
        self.world = world
        self.host = host
        self.cmdlet = cmdlet
        self.stops = stops
        self.sink = sink
        self.completed = 0

    @property
    def delegates(self) -> bool:
        """Whether the login that the cmdlet runs with can be handed on to another host."""
        return self.world.delegates

    def warn(self, message: str) -> None:
        """Write to the warning stream."""
        self.sink.warning(message)

    def failure(self, problem: Problem) -> Failure:
        """The error record of a problem, as this cmdlet reports it."""
        return Failure(describe(problem, cmdlet_class(self.cmdlet), self.world.setting("error_ids")))

    def fail(self, problem: Problem) -> None:
        """Write an error that does not end the cmdlet, unless errors end it.

        Raises:
            Failure: Errors end it.
        """
        failure = self.failure(problem)
        if self.stops:
            raise failure
        self.sink.error(failure.record)

    def keep(self) -> None:
        """What the cmdlet has done so far stays, even if it fails now."""
        self.completed += 1

    def each(self, items: Iterable[Item], action: Callable[[Item], Iterator[Output]]) -> Iterator[Output]:
        """Act on every item by itself: one that fails is taken back and reported, and the next one's turn comes."""
        for item in items:
            try:
                with self.world.savepoint():
                    yield from action(item)
                self.keep()
            except Problem as problem:
                self.fail(problem)


class Handler(NamedTuple):
    """A simulated cmdlet: its code, the parameters it heeds, and the kind of object it returns."""

    run: Run
    parameters: frozenset[str]
    output: Kind


Handlers = dict[str, Handler]


def simulates(handlers: Handlers, cmdlet: str, output: Kind, parameters: str) -> Callable[[Run], Run]:
    """Register a function as a cmdlet's simulation; `parameters` are names with spaces between them."""

    def register(run: Run) -> Run:
        handlers[cmdlet] = Handler(run, frozenset(parameters.split()), output)
        return run

    return register
