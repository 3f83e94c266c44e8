"""The virtual disks of a host: who uses which, and on what each is built. Every noun that must know asks here."""

from __future__ import annotations

import ntpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from hvctl.models.vhd import VirtualDisk
from hvctl.powershell.batch import SELF, Batch, Call, Ref, Step
from hvctl.services.failures import failure_of, lacks_rights, rights_error
from hvctl.services.names import folded
from hvctl.transports.result import Result
from hvctl.transports.session import Session

CHECKPOINT_FILES = (".avhdx", ".avhd")
DISK_FILES = (".vhdx", ".vhd", *CHECKPOINT_FILES)
DISK = VirtualDisk.properties()
"""What is read of each disk: Get-VHD has opened its file by then, so that more properties cost nothing."""
_DEEPEST = 64
"""Links of a differencing chain that are followed before it counts as endless."""


class Use(NamedTuple):
    """A virtual machine's drive, or a checkpoint, that names a disk."""

    vm_id: str
    path: str
    checkpoint: str | None = None
    controller: str | None = None


@dataclass(slots=True)
class Disks:
    """Who uses which virtual disk of a host. Paths are compared as Windows does; a key is such a path, see `key`.

    Attributes:
        of_vm: The disks of each VM's drives, by VM id, as the drives name them.
        users: The ids of the VMs that need a disk: attached, in a checkpoint, or as an ancestor; by key.
        unclear: Disks whose parent could not be read. That a file is not to be seen does not clear it: a volume may be
            away, or a share out of this session's reach.
        gone: Disks whose file is not to be seen, by key.
        names: The names of the host's VMs, by id.
        states: Their states.
        uses: Each drive and each checkpoint that names a disk.
        records: What Get-VHD said of each disk that could be read, by key.
    """

    of_vm: dict[str, list[str]] = field(default_factory=dict)
    users: dict[str, set[str]] = field(default_factory=dict)
    unclear: tuple[str, ...] = ()
    gone: frozenset[str] = frozenset()
    names: dict[str, str] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    uses: tuple[Use, ...] = ()
    records: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def path(self, path: str) -> str:
        """A disk's path as the host spells it."""
        record = self.records.get(key(path))
        return str(record["Path"]) if record else path

    def parent(self, path: str) -> str | None:
        """The disk that one differs from; None where it has none, or could not be read."""
        return self.records.get(key(path), {}).get("ParentPath") or None

    def chain(self, path: str) -> list[str]:
        """A disk and its ancestors, itself first, as far as they are known."""
        links: list[str] = []
        link: str | None = path
        while link is not None and key(link) not in map(key, links):
            links.append(self.path(link))
            link = self.parent(link)
        return links

    def children(self, path: str) -> list[str]:
        """The known disks that differ from one."""
        wanted = key(path)
        parents = ((str(each["Path"]), each.get("ParentPath")) for each in self.records.values())
        return sorted(child for child, parent in parents if parent and key(parent) == wanted)

    def direct(self, path: str) -> list[Use]:
        """The drives and checkpoints that name a disk itself."""
        wanted = key(path)
        return [use for use in self.uses if key(use.path) == wanted]

    def twins(self, path: str) -> list[str]:
        """Known disks that look like the very same file under another path: a share, a link, or a fresh copy of it."""
        own = self.records.get(key(path))
        if own is None or not own.get("DiskIdentifier"):
            return []
        same = ("DiskIdentifier", "Size", "FileSize", "Attached", "VhdType")
        others = (each for at, each in self.records.items() if at != key(path))
        return sorted(str(each["Path"]) for each in others if all(each.get(name) == own.get(name) for name in same))


@lru_cache(maxsize=16384)
def key(path: str) -> str:
    """What the spellings of one path have in common: case, slashes and dots do not count."""
    return folded(ntpath.normpath(path))


def plan_disks(paths: Sequence[str] = (), folders: Sequence[str] = (), *, recurse: bool = False) -> Batch:
    """Every drive of the host, every disk a checkpoint holds, and the parent of each attached disk.

    Args:
        paths: Disks that are wanted besides.
        folders: Folders whose disks are wanted besides.
        recurse: The folders below those as well.
    """
    every = Ref("every", all=True)
    snapshots = Call("Get-VMSnapshot", {"VM": every})
    drives = ("VMId", "Path", "DiskNumber", "ControllerType")
    steps = [
        Step("every", Call("Get-VM"), select=("Id", "Name", "State")),
        Step("drives", Call("Get-VMHardDiskDrive", {"VM": every}), select=drives),
        Step("snapshots", snapshots, select=("VMId", "Name", "HardDrives.Path")),
        _read_step("parents", Ref("drives", property="Path", all=True)),
    ]
    if folders:
        listing = Call("Get-ChildItem", {"LiteralPath": tuple(folders), "File": True, "Recurse": recurse})
        found = Ref("files", property="FullName", all=True)
        only = {"Extension": DISK_FILES}
        steps.append(Step("files", listing, select=("FullName",), where=only))
        steps.append(_read_step("found", found))
    if paths:
        steps += [_read_step("asked", tuple(paths)), *_file_steps(paths)]
    return Batch(tuple(steps))


def plan_parents(paths: Sequence[str]) -> Batch:
    """The next link of differencing chains, and whether the files are there at all."""
    return Batch((_read_step("parents", tuple(paths)), *_file_steps(paths)))


def read_disks(
    session: Session,
    paths: Sequence[str] = (),
    folders: Sequence[str] = (),
    *,
    recurse: bool = False,
    timeout: float | None,
) -> Disks:
    """Follow every chain of the host to its end, a batch a link; most hosts need one.

    Args:
        session: The host.
        paths: Disks that are wanted besides those of its VMs.
        folders: Folders whose disks are wanted besides.
        recurse: The folders below those as well.
        timeout: Seconds for each batch.

    Raises:
        AccessError: There is no VM to be seen, and the login lacks the rights to see any.
        HvctlError: The drives, the checkpoints or the files could not be read.
    """
    result = _read(session, plan_disks(paths, folders, recurse=recurse), timeout)
    if not result.of("every") and lacks_rights(result):
        raise rights_error(session.host)
    disks = Disks(uses=tuple(_uses(result)))
    _note(disks, result, paths)
    wanted = [use.path for use in disks.uses] + [str(file["FullName"]) for file in result.of("files")] + [*paths]
    _follow(session, wanted, disks, timeout, {key(path) for path in paths})
    for record in result.of("every"):
        disks.names[str(record["Id"])] = record["Name"]
        disks.states[str(record["Id"])] = str(record.get("State"))
    for use in disks.uses:
        for link in disks.chain(use.path):
            disks.users.setdefault(key(link), set()).add(use.vm_id)
        if use.checkpoint is None:
            disks.of_vm.setdefault(use.vm_id, []).append(use.path)
    return disks


def _read_step(step_id: str, paths: Ref | tuple[str, ...]) -> Step:
    return Step(step_id, Call("Get-VHD", {"Path": paths}), select=DISK, on_error="continue")


def _file_steps(paths: Sequence[str]) -> Iterator[Step]:
    for number, path in enumerate(paths):
        call = Call("Test-Path", {"LiteralPath": path})
        yield Step(f"file_{number}", call, select=(SELF,), on_error="continue")


def _follow(session: Session, paths: Iterable[str], disks: Disks, timeout: float | None, asked: set[str]) -> None:
    """Read parents until every link is known; note the files that could not be read, and those not to be seen."""
    wanted = {key(path): path for path in paths}
    for _ in range(_DEEPEST):
        parents = [record.get("ParentPath") for record in disks.records.values()]
        wanted |= {key(parent): parent for parent in parents if parent}
        ask = [path for at, path in wanted.items() if at not in disks.records.keys() | asked]
        if not ask:
            break
        asked |= {key(path) for path in ask}
        _note(disks, _read(session, plan_parents(ask), timeout), ask)
    disks.unclear = tuple(path for at, path in wanted.items() if at not in disks.records)
    disks.gone = frozenset(disks.gone - disks.records.keys())


def _note(disks: Disks, result: Result, asked: Sequence[str]) -> None:
    for step in ("parents", "found", "asked"):
        disks.records |= {key(record["Path"]): record for record in result.of(step)}
    missing = (path for n, path in enumerate(asked) if [each[SELF] for each in result.of(f"file_{n}")] == [False])
    disks.gone |= {key(path) for path in missing}


def _read(session: Session, batch: Batch, timeout: float | None) -> Result:
    result = session.run(batch, timeout=timeout)
    if not result.ok and result.failure is not None:
        raise failure_of(result.failure, result, host=session.host, message="The host's disks could not be read")
    return result


def _uses(result: Result) -> Iterator[Use]:
    """What is attached, and what checkpoints hold; a drive that is a whole disk of the host has no file."""
    for drive in result.of("drives"):
        if drive["DiskNumber"] is None and drive["Path"]:
            yield Use(str(drive["VMId"]), drive["Path"], controller=drive.get("ControllerType"))
    for snapshot in result.of("snapshots"):
        for path in snapshot["HardDrives.Path"] or ():
            if path:
                yield Use(str(snapshot["VMId"]), path, checkpoint=str(snapshot.get("Name")))
