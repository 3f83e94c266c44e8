"""Deleting virtual machines, and their disks where nothing else needs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hvctl.powershell.batch import SELF, Batch, Call, Ref, Step
from hvctl.services.failures import failure_of
from hvctl.services.names import folded
from hvctl.services.plan import Part, Prepared, checked, make_plan
from hvctl.services.selection import Stateful
from hvctl.services.vm.power import AT_REST, plain
from hvctl.services.vm.read import states_step
from hvctl.transports.result import Result
from hvctl.transports.session import Session

_CHECKPOINT_FILES = (".avhdx", ".avhd")
_DEEPEST = 64
"""Links of a differencing chain that are followed before it counts as endless."""


@dataclass(slots=True)
class Disks:
    """Who uses which virtual disk of a host. Paths are compared without regard to case.

    Attributes:
        of_vm: The disks of each VM's drives, by VM id, as the drives name them.
        users: The ids of the VMs that need a disk: attached, in a checkpoint, or as an ancestor; by folded path.
        unclear: Disks whose parent could not be read. That a file is not to be seen does not clear it: a volume may be
            away, or a share out of this session's reach.
        gone: Disks whose file is not to be seen, by folded path.
        names: The names of the host's VMs, by id.
    """

    of_vm: dict[str, list[str]] = field(default_factory=dict)
    users: dict[str, set[str]] = field(default_factory=dict)
    unclear: tuple[str, ...] = ()
    gone: frozenset[str] = frozenset()
    names: dict[str, str] = field(default_factory=dict)


def plan_owners(ids: Sequence[str]) -> Batch:
    """Which of the virtual machines a cluster owns."""
    return Batch((Step("chosen", Call("Get-VM"), select=("Id", "IsClustered"), where={"Id": tuple(ids)}),))


def plan_disks() -> Batch:
    """Every drive of the host, every disk a checkpoint holds, and the parent of each attached disk."""
    every = Ref("every", all=True)
    attached = Ref("drives", property="Path", all=True)
    return Batch(
        (
            Step("every", Call("Get-VM"), select=("Id", "Name")),
            Step("drives", Call("Get-VMHardDiskDrive", {"VM": every}), select=("VMId", "Path", "DiskNumber")),
            Step("snapshots", Call("Get-VMSnapshot", {"VM": every}), select=("VMId", "HardDrives.Path")),
            _parents_step(attached),
        )
    )


def plan_parents(paths: Sequence[str]) -> Batch:
    """The next link of differencing chains, and whether the files are there at all."""
    exist = (
        Step(f"file_{number}", Call("Test-Path", {"LiteralPath": path}), select=(SELF,), on_error="continue")
        for number, path in enumerate(paths)
    )
    return Batch((_parents_step(tuple(paths)), *exist))


def read_disks(session: Session, *, timeout: float | None) -> Disks:
    """Follow every chain of the host to its end, a batch a link; most hosts need one.

    Raises:
        HvctlError: The drives, the checkpoints or the files could not be read.
    """
    result = _read(session, plan_disks(), timeout)
    uses = _uses(result)
    links: dict[str, str | None] = {}
    _follow(links, result)
    unclear, gone = _read_links(session, [path for _, path in uses], links, timeout)
    names = {str(record["Id"]): record["Name"] for record in result.of("every")}
    disks = Disks(unclear=unclear, gone=gone, names=names)
    for vm_id, path in uses:
        for link in _chain(path, links):
            disks.users.setdefault(link, set()).add(vm_id)
    for record in result.of("drives"):
        if record["DiskNumber"] is None and record["Path"]:
            disks.of_vm.setdefault(str(record["VMId"]), []).append(record["Path"])
    return disks


def plan_delete(
    vms: Sequence[Stateful], clustered: frozenset[str], disks: Disks | None, host: str, *, turn_off: bool
) -> Prepared:
    """Delete virtual machines.

    Args:
        vms: The VMs that were selected.
        clustered: Ids of those that a cluster owns; they are refused.
        disks: Who uses which disk, when the disks go too; None when they stay.
        host: The host, for errors.
        turn_off: Cut the power of those that are not at rest.
    """
    parts: list[Part] = []
    steps: list[Step] = []
    files: list[str] = []
    losses: list[str] = []
    kept: list[str] = []
    for number, vm in enumerate(vms):
        refused = _refusal(vm, clustered, disks, host, turn_off=turn_off)
        if refused is not None:
            parts.append(refused)
            continue
        takes, leaves = _split(vm, disks)
        kept += leaves
        files += takes
        own = _steps(vm, number, takes, turn_off=plain(vm.state) not in AT_REST)
        steps += own
        losses.append(_loss(vm, takes))
        messages = {step.id: f"'{vm.name}' is gone, but a disk of it could not be deleted" for step in own[1:]}
        messages |= {step.id: f"'{vm.name}' was not deleted" for step in own if not step.id.startswith("file_")}
        parts.append(Part(vm.id, vm.name, vm.state, tuple(step.id for step in own), goes=True, messages=messages))
    ids = [part.id for part in parts if part.steps]
    before = [states_step("vms", ids)]
    if files:
        before.append(Step("files", Call("Get-VHD", {"Path": tuple(files)}), on_error="continue"))
    plan = make_plan("vm delete", parts, steps, before=before, after=states_step("after", ids))
    return Prepared(plan, tuple(losses), tuple(kept))


def _parents_step(paths: Ref | tuple[str, ...]) -> Step:
    return Step("parents", Call("Get-VHD", {"Path": paths}), select=("Path", "ParentPath"), on_error="continue")


def _refusal(vm: Stateful, clustered: frozenset[str], disks: Disks | None, host: str, *, turn_off: bool) -> Part | None:
    if vm.id in clustered:
        return checked(vm, host, f"'{vm.name}' belongs to a cluster.", "Remove its role from the cluster first.")
    if plain(vm.state) not in AT_REST and not turn_off:
        return checked(
            vm, host, f"'{vm.name}' is {vm.state}.", "Shut it down first (hvctl vm stop), or add --turn-off."
        )
    if disks is None:
        return None
    own = disks.of_vm.get(vm.id, [])
    unclear = [path for path in disks.unclear if disks.users.get(folded(path), set()) - {vm.id}]
    if any(path.lower().endswith(_CHECKPOINT_FILES) for path in own):
        return checked(vm, host, f"'{vm.name}' has checkpoints.", "Delete its checkpoints first, or leave its disks.")
    if own and unclear:
        words = (
            f"Whether another machine needs the disks of '{vm.name}' cannot be told: its {unclear[0]} cannot be read."
        )
        return checked(vm, host, words, "Delete it without --with-disks.")
    return None


def _split(vm: Stateful, disks: Disks | None) -> tuple[list[str], list[str]]:
    """The disks that go with a VM, and a sentence for each that does not: it is gone, or another VM needs it."""
    takes: list[str] = []
    leaves: list[str] = []
    for path in disks.of_vm.get(vm.id, []) if disks else []:
        others = disks.users.get(folded(path), set()) - {vm.id} if disks else set()
        if disks and folded(path) in disks.gone:
            leaves.append(f"{path} is not there any more.")
        elif others:
            words = ", ".join(sorted(disks.names.get(other, other) if disks else other for other in others))
            leaves.append(f"{path} stays: it is needed by {words}.")
        else:
            takes.append(path)
    return takes, leaves


def _steps(vm: Stateful, number: int, files: Iterable[str], *, turn_off: bool) -> list[Step]:
    target = Ref("vms", where={"Id": vm.id})
    steps: list[Step] = []
    if turn_off:
        call = Call("Stop-VM", {"VM": target, "TurnOff": True, "Force": True})
        steps.append(Step(f"off_{number}", call, on_error="continue"))
    needs = tuple(step.id for step in steps)
    remove = Call("Remove-VM", {"VM": target, "Force": True})
    steps.append(Step(f"remove_{number}", remove, on_error="continue", needs=needs))
    for index, path in enumerate(files):
        named = Ref("files", where={"Path": path}, property="Path")
        call = Call("Remove-Item", {"LiteralPath": named, "Force": True})
        steps.append(Step(f"file_{number}_{index}", call, on_error="continue", needs=(f"remove_{number}",)))
    return steps


def _loss(vm: Stateful, files: Sequence[str]) -> str:
    words = f"'{vm.name}'"
    if plain(vm.state) not in AT_REST:
        words += f" ({vm.state}; its power is cut)"
    elif plain(vm.state) != "Off":
        words += " (its saved state is lost)"
    if files:
        words += f" with {', '.join(files)}"
    return words


def _read_links(
    session: Session, paths: Iterable[str], links: dict[str, str | None], timeout: float | None
) -> tuple[tuple[str, ...], frozenset[str]]:
    """Read parents until every link is known; return the files that could not be read, and those not to be seen."""
    wanted = {folded(path): path for path in paths}
    gone: set[str] = set()
    asked: set[str] = set()
    for _ in range(_DEEPEST):
        wanted |= {folded(parent): parent for parent in links.values() if parent}
        ask = [path for key, path in wanted.items() if key not in links.keys() | asked]
        if not ask:
            break
        asked |= {folded(path) for path in ask}
        result = _read(session, plan_parents(ask), timeout)
        _follow(links, result)
        gone |= {folded(path) for n, path in enumerate(ask) if [r[SELF] for r in result.of(f"file_{n}")] == [False]}
    unread = tuple(path for key, path in wanted.items() if key not in links)
    return unread, frozenset(gone - links.keys())


def _read(session: Session, batch: Batch, timeout: float | None) -> Result:
    result = session.run(batch, timeout=timeout)
    if not result.ok and result.failure is not None:
        raise failure_of(result.failure, result, host=session.host, message="The host's disks could not be read")
    return result


def _uses(result: Result) -> list[tuple[str, str]]:
    """Pairs of VM id and path: what is attached, and what checkpoints hold."""
    uses = [(str(drive["VMId"]), drive["Path"]) for drive in result.of("drives") if drive["DiskNumber"] is None]
    for snapshot in result.of("snapshots"):
        uses += [(str(snapshot["VMId"]), path) for path in snapshot["HardDrives.Path"] or ()]
    return [(vm_id, path) for vm_id, path in uses if path]


def _follow(links: dict[str, str | None], result: Result) -> None:
    for record in result.of("parents"):
        links[folded(record["Path"])] = record["ParentPath"] or None


def _chain(path: str, links: Mapping[str, str | None]) -> list[str]:
    chain: list[str] = []
    link: str | None = path
    while link is not None and folded(link) not in chain:
        chain.append(folded(link))
        link = links.get(folded(link))
    return chain


def clustered_ids(result: Result) -> frozenset[str]:
    """The ids of the clustered VMs among the answers of `plan_owners`."""
    return frozenset(str(record["Id"]) for record in result.of("chosen") if record["IsClustered"])
