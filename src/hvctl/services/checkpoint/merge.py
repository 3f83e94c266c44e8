"""Waiting until a host has merged a virtual machine's disks, which it goes on with after checkpoints are deleted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hvctl.errors import CancelledError, TimedOutError
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.services.checkpoint.read import VmPosition
from hvctl.services.failures import read
from hvctl.services.plan import Done
from hvctl.transports.result import Result
from hvctl.transports.session import Session

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0
QUIET_LOOKS = 2
"""Looks in a row that see no merge before it counts as done: a host may need a moment to begin."""
PATIENT_LOOKS = 8
"""The same where a disk is still a checkpoint's although no checkpoint is left."""
_CHECKPOINT_DISKS = (".avhdx", ".avhd")
_LOOK_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look sees: whether disks are being merged, and whether checkpoint disks are left over."""

    is_merging: bool
    has_leftovers: bool


def plan_look(vm_id: str) -> Batch:
    """What tells whether a virtual machine's disks are being merged."""
    vms = Step("vms", Call("Get-VM"), select=("Id", "OperationalStatus"), where={"Id": vm_id})
    every = Ref("vms", all=True)
    return Batch(
        (
            vms,
            Step("drives", Call("Get-VMHardDiskDrive", {"VM": every}), select=("Path",), on_error="continue"),
            Step("checkpoints", Call("Get-VMSnapshot", {"VM": every}), select=("Id",), on_error="continue"),
        )
    )


def await_merge(vm: VmPosition, limit: float | None) -> Callable[[Session, Done, float | None], Done]:
    """What follows a deletion: wait until the merge is over, or for `limit` seconds."""

    def finish(session: Session, done: Done, _: float | None) -> Done:
        if not any(outcome.outcome == "changed" for outcome in done.outcomes):
            return done
        try:
            ended = _wait(session, vm, limit)
        except (KeyboardInterrupt, CancelledError):
            words = f"Interrupted. The checkpoints are deleted; the host goes on merging the disks of '{vm.name}'."
            raise CancelledError(words, host=session.host) from None
        return done if ended else _timed_out(done, vm, session.host)

    return finish


def _wait(session: Session, vm: VmPosition, limit: float | None) -> bool:
    """Whether the merge ended in time."""
    started, pause, quiet = session.clock.monotonic(), FIRST_PAUSE, 0
    while True:
        sight = _sight(read(session, plan_look(vm.id), timeout=_LOOK_TIMEOUT))
        quiet = 0 if sight.is_merging else quiet + 1
        if quiet >= (PATIENT_LOOKS if sight.has_leftovers else QUIET_LOOKS):
            return True
        session.report(f"Merging the disks of {vm.name}", "the host goes on with it", None)
        left = None if limit is None else limit - (session.clock.monotonic() - started)
        if left is not None and left <= 0:
            return False
        session.clock.sleep(pause if left is None else min(pause, left))
        pause = min(pause * 2, LONGEST_PAUSE)


def _sight(result: Result) -> Sight:
    states = [status for record in result.of("vms") for status in record["OperationalStatus"] or ()]
    disks = [str(record["Path"]).lower() for record in result.of("drives")]
    left_over = not result.of("checkpoints") and any(path.endswith(_CHECKPOINT_DISKS) for path in disks)
    return Sight("MergingDisks" in states, left_over)


def _timed_out(done: Done, vm: VmPosition, host: str) -> Done:
    error = TimedOutError(
        f"The checkpoints are deleted, but the disks of '{vm.name}' are not merged yet; the host goes on with it.",
        hint="See what is left: hvctl vhd chain --vm NAME; allow more time with --timeout, or do not wait: --no-wait.",
        host=host,
        object_name=vm.name,
    )
    late = {"outcome": "failed", "error": error.as_dict()}
    outcomes = tuple(each.model_copy(update=late) if each.outcome == "changed" else each for each in done.outcomes)
    failures = tuple(error for each in done.outcomes if each.outcome == "changed")
    return replace(done, outcomes=outcomes, failures=(*done.failures, *failures))
