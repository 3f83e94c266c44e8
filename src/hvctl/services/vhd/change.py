"""Resizing disks, and merging one into its parent."""

from __future__ import annotations

from collections.abc import Sequence

from hvctl.errors import HvctlError
from hvctl.models.vhd import LARGEST, DiskResize, too_large
from hvctl.powershell.batch import Batch, Call, Ref, Step, Value
from hvctl.services.disks import Disks, key
from hvctl.services.plan import Part, Plan, Prepared, make_plan
from hvctl.services.vhd.read import record_of, user
from hvctl.services.vhd.refusals import (
    first,
    in_checkpoints,
    in_use,
    is_parent,
    may_be_another,
    may_be_parent,
    refused,
    unreadable,
)
from hvctl.services.vm.power import plain
from hvctl.units import format_size


def plan_resize(paths: Sequence[str], spec: DiskResize, disks: Disks, host: str) -> Prepared:
    """Give disks another size; one that has it already is left alone."""
    parts: list[Part] = []
    steps: list[Step] = []
    losses: list[str] = []
    for number, path in enumerate(paths):
        failure = unreadable(path, disks, host) or _resize_refusal(path, spec, disks, host)
        now = int(record_of(path, disks)["Size"]) if failure is None else 0
        wanted = _wanted(path, spec, disks)
        if failure is not None or wanted == now:
            parts.append(Part(path, path, None, failure=failure))
            continue
        size: dict[str, Value] = {"ToMinimumSize": True} if spec.to_minimum else {"SizeBytes": wanted}
        step = Step(f"resize_{number}", Call("Resize-VHD", {"Path": (path,), **size}), on_error="continue")
        steps.append(step)
        parts.append(Part(path, path, None, (step.id,), messages={step.id: f"'{path}' was not resized"}))
        if wanted is not None and wanted < now:
            losses.append(f"'{path}' from {format_size(now)} to {format_size(wanted)}")
    return Prepared(make_plan("vhd resize", parts, steps), tuple(losses))


def plan_merge(path: str, disks: Disks, host: str) -> Prepared:
    """Merge a differencing disk into its parent; its file goes, and machines that had it get the parent."""
    failure = unreadable(path, disks, host) or _merge_refusal(path, disks, host)
    if failure is not None:
        return Prepared(Plan("vhd merge", Batch(()), (Part(path, path, None, failure=failure),)))
    parent = disks.path(disks.parent(path) or "")
    uses = disks.direct(path)
    ids = tuple(dict.fromkeys(use.vm_id for use in uses))
    merge = Call("Merge-VHD", {"Path": path, "DestinationPath": parent, "Force": True})
    steps = [Step("merge", merge, on_error="continue")]
    messages = {"merge": f"'{path}' was not merged"}
    before = []
    if ids:
        drives = Call("Get-VMHardDiskDrive", {"VM": Ref("vms", all=True)})
        named = tuple(dict.fromkeys(use.path for use in uses))
        before = [Step("vms", Call("Get-VM"), where={"Id": ids}), Step("drives", drives, where={"Path": named})]
    for number, vm_id in enumerate(ids):
        drive = Ref("drives", where={"VMId": vm_id})
        call = Call("Set-VMHardDiskDrive", {"VMHardDiskDrive": drive, "Path": parent})
        step = Step(f"drive_{number}", call, on_error="continue", needs=("merge",))
        steps.append(step)
        name = disks.names.get(vm_id, vm_id)
        messages[step.id] = f"'{path}' was merged, but '{name}' still looks for it: give its drive {parent}"
    part = Part(path, path, None, tuple(step.id for step in steps), goes=True, messages=messages)
    loss = f"'{path}' into '{parent}', which changes for good,"
    return Prepared(make_plan("vhd merge", (part,), steps, before=before), (loss,), _merge_notes(path, parent, disks))


def _merge_notes(path: str, parent: str, disks: Disks) -> tuple[str, ...]:
    names = [user(use, disks) for use in disks.direct(path)]
    return (f"{', '.join(names)} will use {parent} in place of {path}.",) if names else ()


def _merge_refusal(path: str, disks: Disks, host: str) -> HvctlError | None:
    parent = disks.parent(path)
    if parent is None:
        words = f"'{path}' is not a differencing disk: it has no parent to be merged into."
        return refused(words, path, host, "See: hvctl vhd chain")
    both = (path, parent)
    return first(
        (
            unreadable(parent, disks, host),
            *(in_checkpoints(each, disks, host) for each in both),
            is_parent(path, disks, host),
            is_parent(parent, disks, host, but=path),
            *(in_use(each, disks, host) for each in both if key(each) in disks.records),
            _parent_of_someone(parent, disks, host),
            *(judge(each, disks, host) for each in both for judge in (may_be_parent, may_be_another)),
        )
    )


def _parent_of_someone(parent: str, disks: Disks, host: str) -> HvctlError | None:
    """A parent that a machine has in a drive of its own: what it would find there afterwards is not its own."""
    names = sorted({user(use, disks) for use in disks.direct(parent)})
    if not names:
        return None
    return refused(f"'{parent}' is a disk of {', '.join(names)}, which would find other content on it.", parent, host)


def _wanted(path: str, spec: DiskResize, disks: Disks) -> int | None:
    if spec.size is not None:
        return spec.size
    least = disks.records.get(key(path), {}).get("MinimumSize")
    return None if least is None else int(least)


def _resize_refusal(path: str, spec: DiskResize, disks: Disks, host: str) -> HvctlError | None:
    record = record_of(path, disks)
    now, wanted = int(record["Size"]), _wanted(path, spec, disks)
    if wanted == now:
        return None
    judges = (in_checkpoints, is_parent, may_be_parent, may_be_another)
    return first(
        (
            _kind_refusal(path, wanted, disks, host),
            *(judge(path, disks, host) for judge in judges),
            None if _can_resize_online(path, disks) else in_use(path, disks, host),
        )
    )


def _kind_refusal(path: str, wanted: int | None, disks: Disks, host: str) -> HvctlError | None:
    """What a disk of this format and type does not allow, whoever uses it."""
    record = record_of(path, disks)
    now, least, is_vhd = int(record["Size"]), record["MinimumSize"], record["VhdFormat"] == "VHD"
    if wanted is not None and wanted > now:
        largest = LARGEST[".vhd" if is_vhd else ".vhdx"]
        if is_vhd and record["VhdType"] == "Differencing":
            return refused(f"'{path}' is a differencing VHD: it has the size of its parent.", path, host)
        return refused(f"'{path}': {too_large(path)}.", path, host) if wanted > largest else None
    if is_vhd:
        return refused(
            f"'{path}' is a VHD, which cannot be made smaller.", path, host, "Convert it into a .vhdx first."
        )
    if least is None or wanted is None:
        words = f"How far '{path}' can shrink cannot be told: it has no partitions that the host can read."
        return refused(words, path, host)
    if wanted < int(least):
        words = f"'{path}' cannot shrink to {format_size(wanted)}: its partitions end at {format_size(int(least))}."
        return refused(words, path, host, "Make its partitions smaller from within the guest first.")
    return None


def _can_resize_online(path: str, disks: Disks) -> bool:
    """Whether a disk is held by machines that let it be resized: a VHDX on SCSI, by no saved state, not by the host."""
    record = record_of(path, disks)
    uses = disks.direct(path)
    awake = [use for use in uses if plain(disks.states.get(use.vm_id, "")) in ("Running", "Paused")]
    return (
        bool(awake)
        and len(awake) == len(uses)
        and record["VhdFormat"] == "VHDX"
        and record.get("DiskNumber") is None
        and all(use.controller == "SCSI" for use in uses)
    )
