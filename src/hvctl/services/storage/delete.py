"""Deleting pools and virtual disks, making virtual disks larger, and repairing them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hvctl.errors import ConflictError
from hvctl.powershell.batch import Batch, Call, Ref, Step, Value
from hvctl.services.plan import Part, Plan, Prepared, make_plan
from hvctl.services.storage.read import (
    PoolState,
    VirtualDiskState,
    access_paths,
    content_steps,
    pools_step,
    virtual_disks_step,
)
from hvctl.transports.result import Result
from hvctl.units import format_size


@dataclass(frozen=True, slots=True)
class Use:
    """What would be lost with a virtual disk.

    Attributes:
        paths: Where its volumes are reached: drive letters and folders.
        vms: The names of the VMs that have files there, or the disk itself.
    """

    paths: tuple[str, ...] = ()
    vms: tuple[str, ...] = ()


def plan_members(pool_ids: Sequence[str]) -> Batch:
    """The virtual disks of some pools."""
    steps = [pools_step()]
    for number, pool_id in enumerate(pool_ids):
        pool = Ref("pools", where={"UniqueId": pool_id})
        call = Call("Get-VirtualDisk", {"StoragePool": pool})
        steps.append(Step(f"members_{number}", call, select=VirtualDiskState.properties()))
    return Batch(tuple(steps))


def plan_use(ids: Sequence[str]) -> Batch:
    """Where some virtual disks are reached, and every path that a virtual machine of the host has."""
    steps = [virtual_disks_step()]
    for number, space_id in enumerate(ids):
        steps += content_steps(space_id, number)
    every = Ref("vms", all=True)
    return Batch(
        (
            *steps,
            Step("vms", Call("Get-VM"), select=("Name", "Path")),
            Step("drives", Call("Get-VMHardDiskDrive", {"VM": every}), select=("VMName", "Path", "DiskNumber")),
            Step("snapshots", Call("Get-VMSnapshot", {"VM": every}), select=("VMName", "HardDrives.Path")),
        )
    )


def uses(ids: Sequence[str], result: Result) -> dict[str, Use]:
    """Put the answers to `plan_use` together, by virtual disk."""
    files = list(_files(result))
    found = {}
    for number, space_id in enumerate(ids):
        paths = access_paths(result.of(f"partitions_{number}"))
        below = tuple(path.casefold().rstrip("\\") + "\\" for path in paths)
        vms = dict.fromkeys(name for name, path in files if below and path.casefold().startswith(below))
        vms |= dict.fromkeys(_passed_through(result, f"disk_{number}"))
        shown = tuple(path.rstrip("\\") for path in paths if not path.startswith("\\\\?\\"))
        found[space_id] = Use(shown, tuple(vms))
    return found


def _files(result: Result) -> Iterable[tuple[str, str]]:
    for record in result.of("vms"):
        yield record["Name"], f"{record['Path'] or ''}\\"
    for record in result.of("drives"):
        yield record["VMName"], record["Path"] or ""
    for record in result.of("snapshots"):
        for path in record["HardDrives.Path"] or ():
            yield record["VMName"], path or ""


def _passed_through(result: Result, step: str) -> Iterable[str]:
    """The VMs that have a disk itself, which the host then only knows by its number."""
    numbers = [record["Number"] for record in result.of(step)]
    for record in result.of("drives"):
        if record["DiskNumber"] is not None and record["DiskNumber"] in numbers:
            yield record["VMName"]


def plan_delete_virtual_disks(
    spaces: Sequence[VirtualDiskState], used: Mapping[str, Use], host: str, *, with_vm_files: bool
) -> Prepared:
    """Delete virtual disks, with the volumes on them.

    Args:
        spaces: The virtual disks.
        used: What would be lost with each, by id.
        host: The host, for errors.
        with_vm_files: Delete also those that hold files of virtual machines.
    """
    parts, steps, losses = [], [], []
    for number, space in enumerate(spaces):
        use = used.get(space.id, Use())
        refused = _in_use(space, use, host) if use.vms and not with_vm_files else None
        if refused is not None:
            parts.append(Part(space.id, space.name, space.state, failure=refused))
            continue
        step = _removal(f"remove_{number}", "Remove-VirtualDisk", Ref("virtual_disks", where={"UniqueId": space.id}))
        steps.append(step)
        losses.append(loss(space, use))
        messages = {step.id: f"'{space.name}' was not deleted"}
        parts.append(Part(space.id, space.name, space.state, (step.id,), goes=True, messages=messages))
    plan = make_plan(
        "storage virtual-disk delete",
        parts,
        steps,
        before=(virtual_disks_step(),),
        after=virtual_disks_step(step_id="after"),
    )
    return Prepared(plan, tuple(losses))


def plan_delete_pools(
    pools: Sequence[PoolState],
    members: Mapping[str, Sequence[VirtualDiskState]],
    used: Mapping[str, Use],
    host: str,
    *,
    with_virtual_disks: bool,
) -> Prepared:
    """Delete pools; their disks can be pooled again.

    Args:
        pools: The pools.
        members: The virtual disks of each, by pool id.
        used: What would be lost with each virtual disk, by its id.
        host: The host, for errors.
        with_virtual_disks: Delete also pools that have virtual disks, and those with them.
    """
    parts: list[Part] = []
    steps: list[Step] = []
    losses: list[str] = []
    for number, pool in enumerate(pools):
        inside = members.get(pool.id, ())
        refused = _pool_refusal(pool, inside, used, host, with_virtual_disks=with_virtual_disks)
        if refused is not None:
            parts.append(Part(pool.id, pool.name, pool.state, failure=refused))
            continue
        own = [
            _removal(f"disk_{number}_{n}", "Remove-VirtualDisk", Ref("virtual_disks", where={"UniqueId": space.id}))
            for n, space in enumerate(inside)
        ]
        messages = {
            step.id: f"'{pool.name}' was not deleted, for its virtual disk '{space.name}' was not"
            for step, space in zip(own, inside, strict=True)
        }
        target = Ref("pools", where={"UniqueId": pool.id})
        removal = _removal(f"pool_{number}", "Remove-StoragePool", target, needs=tuple(step.id for step in own))
        messages[removal.id] = f"'{pool.name}' was not deleted"
        steps += [*own, removal]
        inner = f" with {'; '.join(loss(space, used.get(space.id, Use())) for space in inside)}" if inside else ""
        losses.append(f"'{pool.name}'{inner}")
        ids = tuple(step.id for step in (*own, removal))
        parts.append(Part(pool.id, pool.name, pool.state, ids, goes=True, messages=messages))
    before = (pools_step(), virtual_disks_step())
    plan = make_plan("storage pool delete", parts, steps, before=before, after=pools_step(step_id="after"))
    return Prepared(plan, tuple(losses))


def plan_resize(space: VirtualDiskState, size: int, host: str) -> Plan:
    """Make a virtual disk larger; the partition on it keeps its size."""
    if space.size is not None and size < space.size:
        words = f"'{space.name}' has {format_size(space.size)}: a virtual disk cannot be made smaller."
        failure = ConflictError(words, host=host, object_name=space.name, hint="Make a new one, and copy the data.")
        return make_plan(_RESIZE, [Part(space.id, space.name, space.state, failure=failure)], ())
    if space.size == size:
        return make_plan(_RESIZE, [Part(space.id, space.name, space.state)], ())
    target = (Ref("virtual_disks", where={"UniqueId": space.id}),)
    call = Call("Resize-VirtualDisk", {"InputObject": target, "Size": size, "Confirm": False})
    return _one_step(_RESIZE, space, call, "was not resized")


def plan_repair(spaces: Sequence[VirtualDiskState]) -> Plan:
    """Have virtual disks repaired: a job of the pool copies what lay on disks that are away to others."""
    parts, steps = [], []
    for number, space in enumerate(spaces):
        target = (Ref("virtual_disks", where={"UniqueId": space.id}),)
        call = Call("Repair-VirtualDisk", {"InputObject": target, "Confirm": False})
        step = Step(f"repair_{number}", call, on_error="continue")
        steps.append(step)
        messages = {step.id: f"The repair of '{space.name}' did not begin"}
        parts.append(Part(space.id, space.name, space.state, (step.id,), messages=messages))
    after = virtual_disks_step(step_id="after")
    return make_plan("storage virtual-disk repair", parts, steps, before=(virtual_disks_step(),), after=after)


_RESIZE = "storage virtual-disk resize"


def _one_step(verb: str, space: VirtualDiskState, call: Call, failed: str) -> Plan:
    step = Step("change", call, on_error="continue")
    part = Part(space.id, space.name, space.state, (step.id,), messages={step.id: f"'{space.name}' {failed}"})
    return make_plan(verb, [part], [step], before=(virtual_disks_step(),), after=virtual_disks_step(step_id="after"))


def _removal(step_id: str, cmdlet: str, target: Ref, needs: tuple[str, ...] = ()) -> Step:
    parameters: dict[str, Value] = {"InputObject": (target,), "Confirm": False}
    return Step(step_id, Call(cmdlet, parameters), on_error="continue", needs=needs)


def loss(space: VirtualDiskState, use: Use) -> str:
    """A virtual disk and what is on it, in words that a question can hold."""
    holds = [f"volume {', '.join(use.paths)}"] if use.paths else []
    holds += [f"files of {', '.join(use.vms)}"] if use.vms else []
    return f"'{space.name}' ({', '.join([format_size(space.size), *holds])})"


def _in_use(space: VirtualDiskState, use: Use, host: str) -> ConflictError:
    where = f" ({', '.join(use.paths)})" if use.paths else ""
    return ConflictError(
        f"'{space.name}' holds files of {', '.join(use.vms)}{where}.",
        host=host,
        object_name=space.name,
        hint=f"Move or delete those VMs first, or lose them: hvctl storage virtual-disk delete '{space.name}' "
        "--with-vm-files",
    )


def _pool_refusal(
    pool: PoolState,
    inside: Sequence[VirtualDiskState],
    used: Mapping[str, Use],
    host: str,
    *,
    with_virtual_disks: bool,
) -> ConflictError | None:
    if inside and not with_virtual_disks:
        names = ", ".join(f"'{space.name}'" for space in inside)
        return ConflictError(
            f"'{pool.name}' has virtual disks: {names}.",
            host=host,
            object_name=pool.name,
            hint="Delete them first, or add --with-virtual-disks.",
        )
    held = next((space for space in inside if used.get(space.id, Use()).vms), None)
    return None if held is None else _in_use(held, used[held.id], host)
