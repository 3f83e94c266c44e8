"""Why a disk cannot be changed now, said before anything is touched."""

from __future__ import annotations

import ntpath
from collections.abc import Iterable

from hvctl.errors import ConflictError, HvctlError, NotFoundError
from hvctl.services.disks import CHECKPOINT_FILES, Disks, Use, key
from hvctl.services.vhd.read import problem, record_of, user
from hvctl.services.vm.power import AT_REST, plain


def unreadable(path: str, disks: Disks, host: str) -> HvctlError | None:
    """A disk of which nothing is known cannot be judged."""
    if key(path) in disks.gone and key(path) not in disks.records:
        return NotFoundError(f"There is no disk '{path}'.", host=host, object_name=path, hint="Try: hvctl vhd list")
    reason = problem(path, disks)
    return None if reason is None else _conflict(f"'{path}' cannot be used: {reason}.", host, path, None)


def in_use(path: str, disks: Disks, host: str, *, saved_too: bool = True) -> HvctlError | None:
    """A disk that a virtual machine or the host holds open; with `saved_too`, or that a saved state stands for."""
    record = record_of(path, disks)
    at_rest = ("Off",) if saved_too else AT_REST
    users = sorted(disks.users.get(key(path), ()), key=lambda vm_id: disks.names.get(vm_id, vm_id))
    awake = [vm_id for vm_id in users if plain(disks.states.get(vm_id, "")) not in at_rest]
    if awake:
        words = ", ".join(f"'{disks.names.get(vm_id, vm_id)}' ({disks.states.get(vm_id)})" for vm_id in awake)
        hint = f"Shut it down first: hvctl vm stop {disks.names.get(awake[0], awake[0])}"
        return _conflict(f"'{path}' is in use by {words}.", host, path, hint)
    if record.get("DiskNumber") is not None:
        hint = "Dismount it there first: Dismount-VHD."
        return _conflict(f"'{path}' is mounted on {host} as disk {record['DiskNumber']}.", host, path, hint)
    if record.get("Attached"):
        return _conflict(f"'{path}' is held open, by whom cannot be told.", host, path, None)
    return None


def in_checkpoints(path: str, disks: Disks, host: str) -> HvctlError | None:
    """A disk that belongs to a checkpoint, or to the present of a virtual machine that has some."""
    keepers = [use for use in disks.uses if use.checkpoint is not None and _needs(use.path, path, disks)]
    if path.lower().endswith(CHECKPOINT_FILES):
        keepers += [use for use in disks.uses if _needs(use.path, path, disks)]
    return _kept(keepers, path, disks, host)


def merged_into(path: str, disks: Disks, host: str) -> HvctlError | None:
    """A disk that is written to when a checkpoint is deleted. What a checkpoint's own disk differs from never is."""
    files = [child for child in disks.children(path) if child.lower().endswith(CHECKPOINT_FILES)]
    if path.lower().endswith(CHECKPOINT_FILES):
        files.append(path)
    keepers = [use for use in disks.direct(path) if use.checkpoint is not None]
    keepers += [use for use in disks.uses if any(_needs(use.path, file, disks) for file in files)]
    return _kept(keepers, path, disks, host)


def _kept(keepers: Iterable[Use], path: str, disks: Disks, host: str) -> HvctlError | None:
    names = sorted({disks.names.get(use.vm_id, use.vm_id) for use in keepers})
    if not names:
        return None
    words = ", ".join(f"'{name}'" for name in names)
    hint = f"Delete its checkpoints first, which merges their disks: hvctl checkpoint delete {names[0]} --all"
    return _conflict(f"'{path}' belongs to the checkpoints of {words}.", host, path, hint)


def is_parent(path: str, disks: Disks, host: str, *, but: str | None = None) -> HvctlError | None:
    """A disk that others than one child differ from: they would be corrupted."""
    others = [child for child in disks.children(path) if but is None or key(child) != key(but)]
    if not others:
        return None
    words = f"Others differ from '{path}' and would be corrupted: {', '.join(others)}."
    return _conflict(words, host, path, "Merge or delete those first, or convert them into disks of their own.")


def may_be_parent(path: str, disks: Disks, host: str) -> HvctlError | None:
    """A disk beside others that cannot be read: one of them may differ from it."""
    folder = key(ntpath.dirname(path))
    beside = [each for each in disks.unclear if key(ntpath.dirname(each)) == folder and key(each) not in disks.gone]
    beside = [each for each in beside if key(each) != key(path)]
    if not beside:
        return None
    words = f"Whether {beside[0]} differs from '{path}' cannot be told: it cannot be read."
    return _conflict(words, host, path, "hvctl vhd test says why; move it away, or mend it.")


def may_be_another(path: str, disks: Disks, host: str) -> HvctlError | None:
    """A disk that is in use under another path, as far as its identifier tells."""
    for twin in disks.twins(path):
        names = sorted({user(use, disks) for use in disks.direct(twin)}) + disks.children(twin)
        if names:
            words = f"'{path}' looks like the same file as {twin}, which {', '.join(names)} needs."
            hint = "If it is a copy, give it an identifier of its own: Set-VHD -ResetDiskIdentifier."
            return _conflict(words, host, path, hint)
    return None


def belongs(path: str, disks: Disks, host: str) -> HvctlError | None:
    """A disk that is in the drive of a virtual machine, running or not."""
    names = sorted({user(use, disks) for use in disks.direct(path)})
    if not names:
        return None
    hint = "Take it out of the machine first: Remove-VMHardDiskDrive."
    return _conflict(f"'{path}' is a disk of {', '.join(names)}.", host, path, hint)


def first(reasons: Iterable[HvctlError | None]) -> HvctlError | None:
    """The first reason that holds."""
    return next((reason for reason in reasons if reason is not None), None)


def refused(words: str, path: str, host: str, hint: str | None = None) -> HvctlError:
    """The error for a change that a disk of this kind does not allow."""
    return _conflict(words, host, path, hint)


def _needs(user_path: str, path: str, disks: Disks) -> bool:
    return key(path) in map(key, disks.chain(user_path))


def _conflict(words: str, host: str, path: str, hint: str | None) -> HvctlError:
    return ConflictError(words, hint=hint, host=host, object_name=path)
