"""Which disk files go with a virtual machine, and deleting those that its host must let go of first.

A host merges the disks of a deleted machine's checkpoints after the machine is gone, and holds them meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from hvctl.errors import CancelledError, ConflictError, HvctlError, TimedOutError
from hvctl.powershell.batch import SELF, Batch, Call, Ref, Step
from hvctl.services.disks import CHECKPOINT_FILES, Disks, key
from hvctl.services.failures import failure_of
from hvctl.services.plan import Done
from hvctl.services.selection import Stateful
from hvctl.transports.session import Session

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0
_ROUND_TIMEOUT = 60.0


class Files(NamedTuple):
    """The disk files that go with a virtual machine, and a sentence for each that does not.

    Attributes:
        takes: Their paths; what differs from another one stands before it.
        leaves: Why others stay.
        late: Whether they are to be deleted only after the host has let go of them.
    """

    takes: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
    late: bool = False

    @property
    def disks(self) -> list[str]:
        """The disks that its user knows of, without the files of checkpoints."""
        return [path for path in self.takes if not _is_of_checkpoint(path)]


class Late(NamedTuple):
    """A virtual machine's files that are deleted after it."""

    vm_id: str
    name: str
    paths: tuple[str, ...]


def files_of(vm: Stateful, disks: Disks) -> Files:
    """The files that go with a virtual machine: its disks, and what its checkpoints made of them."""
    takes: dict[str, str] = {}
    leaves: list[str] = []
    bases: set[str] = set()
    for path in disks.of_vm.get(vm.id, []):
        branch = branch_of(path, disks)
        bases.add(key(branch[-1]))
        others = _others(vm, branch, disks)
        if others:
            leaves.append(others)
            continue
        leaves += [f"{link} is not there any more." for link in branch if key(link) in disks.gone]
        takes |= {key(link): link for link in branch if key(link) not in disks.gone}
    has_checkpoints = False
    for use in disks.uses:
        if use.vm_id != vm.id or use.checkpoint is None:
            continue
        has_checkpoints = True
        *links, base = branch_of(use.path, disks)
        if key(base) in takes:
            takes |= {key(link): link for link in links if key(link) not in disks.gone}
        elif key(base) not in bases:
            bases.add(key(base))
            leaves.append(f"{base} stays: only checkpoints of '{vm.name}' have it.")
    ordered = sorted(takes.values(), key=lambda path: -len(disks.chain(path)))
    late = has_checkpoints or any(map(_is_of_checkpoint, ordered))
    return Files(tuple(ordered), tuple(leaves), late)


def branch_of(path: str, disks: Disks) -> list[str]:
    """The files that checkpoints made of a disk, from the one at a path to the disk itself."""
    links: list[str] = []
    for link in disks.chain(path):
        links.append(link if links else path)
        if not _is_of_checkpoint(link):
            break
    return links


def is_broken(path: str, disks: Disks) -> bool:
    """Whether a file of a checkpoint does not tell which disk it belongs to."""
    return _is_of_checkpoint(branch_of(path, disks)[-1])


def plan_round(paths: Sequence[str]) -> Batch:
    """Delete files, each as far as nothing holds it, and look which are left."""
    steps: list[Step] = []
    for number, path in enumerate(paths):
        file, remove = f"file_{number}", f"remove_{number}"
        named = Ref(file, property="Path")
        steps += [
            Step(file, Call("Get-VHD", {"Path": (path,)}), on_error="continue"),
            Step(
                remove, Call("Remove-Item", {"LiteralPath": named, "Force": True}), on_error="continue", needs=(file,)
            ),
            Step(f"there_{number}", Call("Test-Path", {"LiteralPath": path}), select=(SELF,), on_error="continue"),
        ]
    return Batch(tuple(steps))


def delete_late(late: Sequence[Late]) -> Callable[[Session, Done, float | None], Done]:
    """What follows a deletion: delete the files of those that are gone, as soon as the host lets go of them."""

    def finish(session: Session, done: Done, limit: float | None) -> Done:
        gone = {outcome.id for outcome in done.outcomes if outcome.outcome == "changed"}
        owners = {path: each for each in late if each.vm_id in gone for path in each.paths}
        try:
            kept = _delete(session, {path: each.name for path, each in owners.items()}, limit)
        except (KeyboardInterrupt, CancelledError) as error:
            names = ", ".join(dict.fromkeys(f"'{each.name}'" for each in owners.values()))
            words = f"Interrupted. Deleted: {names}; these files may be there still: {', '.join(owners)}."
            raise CancelledError(words, host=session.host) from error
        return _with_failures(done, {owners[path].vm_id: error for path, error in kept.items()})

    return finish


def _delete(session: Session, names: Mapping[str, str], limit: float | None) -> Mapping[str, HvctlError]:
    """Delete files, disks after what differs from them; those that are left, and why."""
    started, pause = session.clock.monotonic(), FIRST_PAUSE
    left = list(names)
    while left:
        now = [path for path in left if _is_of_checkpoint(path)] or left
        kept = _kept(session, {path: names[path] for path in now})
        left = [path for path in left if path in kept or path not in now]
        if not all(isinstance(error, ConflictError) for error in kept.values()):
            return kept
        if kept:
            session.report("Deleting disks", "the host still merges what checkpoints left", None)
            rest = None if limit is None else limit - (session.clock.monotonic() - started)
            if rest is not None and rest <= 0:
                return {path: _too_late(error) for path, error in kept.items()}
            session.clock.sleep(pause if rest is None else min(pause, rest))
            pause = min(pause * 2, LONGEST_PAUSE)
    return {}


def _kept(session: Session, names: Mapping[str, str]) -> dict[str, HvctlError]:
    """Go round once; the files that are there still, and why."""
    result = session.run(plan_round(list(names)), timeout=_ROUND_TIMEOUT)
    kept: dict[str, HvctlError] = {}
    for number, (path, name) in enumerate(names.items()):
        if [each[SELF] for each in result.of(f"there_{number}")] == [False]:
            continue
        own = (f"file_{number}", f"remove_{number}", None)
        record = next((each for each in result.errors if each.step in own), None)
        words = f"'{name}' is gone, but its disk {path} could not be deleted"
        if record is None:
            kept[path] = ConflictError(f"{words}.", host=session.host, object_name=name)
        else:
            kept[path] = failure_of(record, result, host=session.host, object_name=name, message=words)
    return kept


def _too_late(error: HvctlError) -> HvctlError:
    return TimedOutError(
        error.message,
        hint="Delete the file once the host has let go of it, or allow more time with --timeout.",
        host=error.host,
        object_name=error.object_name,
        cmdlet_error=error.cmdlet_error,
    )


def _with_failures(done: Done, kept: Mapping[str, HvctlError]) -> Done:
    outcomes = []
    for each in done.outcomes:
        error = kept.get(each.id or "")
        failed = {} if error is None else {"outcome": "failed", "error": error.as_dict()}
        outcomes.append(each.model_copy(update=failed))
    return Done(tuple(outcomes), (*done.failures, *kept.values()))


def _others(vm: Stateful, branch: Iterable[str], disks: Disks) -> str | None:
    """Why a disk stays with all that checkpoints made of it: another virtual machine needs a part of it."""
    for link in branch:
        others = disks.users.get(key(link), set()) - {vm.id}
        if others:
            return f"{link} stays: it is needed by {', '.join(sorted(disks.names.get(each, each) for each in others))}."
    return None


def _is_of_checkpoint(path: str) -> bool:
    return path.lower().endswith(CHECKPOINT_FILES)
