"""Takes back what processes left undone when they died in the middle of a batch."""

from __future__ import annotations

from hvctl.lab import frozen, owners
from hvctl.lab.calls import invoke
from hvctl.lab.context import NEVER, Context, Failure, Wait
from hvctl.lab.entities import Host
from hvctl.lab.steps import Refused
from hvctl.lab.world import World


class _Silence:
    """A Sink for calls that nobody listens to."""

    def warning(self, message: str) -> None:
        """Dropped."""

    def error(self, record: dict[str, object]) -> None:
        """Dropped."""

    def progress(self, activity: str, status: str, percent: int | None, seconds_left: float | None) -> None:
        """Dropped."""


def recover(world: World) -> None:
    """Run the undo of every dead owner's journal, last step first, in one transaction."""
    if not any(owners.is_dead(pid, started, beat) for _id, pid, started, beat in world.owners()):
        return
    with world.transaction():
        # Read again: another process may have recovered meanwhile.
        for owner, pid, started, beat in world.owners():
            if owners.is_dead(pid, started, beat):
                take_back(world, owner)


def take_back(world: World, owner: str) -> tuple[list[str], list[tuple[str, dict[str, object]]]]:
    """Run the undo of an owner's journal, last step first, in a transaction.

    Returns:
        The steps taken back, and those not, each with the error record that says why.
    """
    undone: list[str] = []
    left: list[tuple[str, dict[str, object]]] = []
    for host, step, call in world.journaled(owner):
        try:
            _take_back(world, host, call)
        except (Failure, Refused) as failure:
            # As on a real host: what cannot be taken back stays, and the next undo has its turn.
            left.append((step, failure.record))
        else:
            undone.append(step)
    world.forget(owner)
    return undone, left


def _take_back(world: World, host_name: str, text: str) -> None:
    host = world.get(Host, host_name)
    if host is None:
        raise Refused("BadRequest", "ObjectNotFound", f"The lab has no host {host_name} any more.")
    cmdlet, parameters = frozen.load(world, text)
    with world.savepoint():
        for output in invoke(Context(world, host, cmdlet, _Silence(), stops=True), parameters):
            if isinstance(output, Wait):
                if output.until == NEVER:
                    raise Refused("StepTimedOut", "OperationTimeout", "The undo did not end.")
                world.set_clock(max(output.until, world.now()))
