"""Creating and converting disks: batches that leave no half-made file behind."""

from __future__ import annotations

import ntpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from hvctl.errors import HvctlError
from hvctl.models.vhd import LARGEST, DiskConvert, DiskCreate, VirtualDisk, extension, too_large
from hvctl.powershell.batch import SELF, Batch, Call, Ref, Step, Value
from hvctl.services.disks import Disks, key
from hvctl.services.failures import failure_of
from hvctl.services.plan import Done, Part, Plan, Prepared, make_plan
from hvctl.services.vhd.read import problem, record_of
from hvctl.services.vhd.refusals import (
    belongs,
    first,
    in_checkpoints,
    in_use,
    is_parent,
    may_be_another,
    may_be_parent,
    merged_into,
    refused,
    unreadable,
)
from hvctl.transports.session import Session
from hvctl.units import format_size

_NEW = Ref("disk", property="Path")


@dataclass(frozen=True, slots=True)
class Creation:
    """The batch that makes a disk, and what to say when one of its steps fails.

    Attributes:
        batch: What is sent; the step `disk` makes it.
        messages: What to say when a step fails, by step id; one that ends in a full stop says all.
        notes: What else the user should know.
    """

    batch: Batch
    messages: Mapping[str, str]
    notes: tuple[str, ...] = ()


def plan_look(path: str) -> Batch:
    """What is at a path already: a disk, or any other file."""
    there = Step("there", Call("Test-Path", {"LiteralPath": path}), select=(SELF,))
    found = Call("Get-VHD", {"Path": (path,)})
    return Batch((there, Step("found", found, select=VirtualDisk.properties(), on_error="continue")))


def plan_clear(path: str) -> Batch:
    """Delete the half-made file that an interrupted creation left: what New-VHD never returned, no undo can name."""
    half = Step("half", Call("Get-VHD", {"Path": (path,)}), expect="one")
    remove = Call("Remove-Item", {"LiteralPath": Ref("half", property="Path"), "Force": True})
    return Batch((half, Step("clear", remove)))


def plan_create(spec: DiskCreate, notes: tuple[str, ...] = ()) -> Creation:
    """The batch for a new disk; the step `disk` holds it."""
    new: dict[str, Value] = {"Path": (spec.path,), spec.type: True}
    optional = {"SizeBytes": spec.size, "ParentPath": spec.parent, "BlockSizeBytes": spec.block_size}
    new |= {name: value for name, value in optional.items() if value is not None}
    steps = _place(spec.path)
    if spec.parent is not None:
        steps.append(Step("parent", Call("Get-VHD", {"Path": (spec.parent,)}), expect="one"))
    remove = Call("Remove-Item", {"LiteralPath": _NEW, "Force": True})
    steps.append(Step("disk", Call("New-VHD", new), select=VirtualDisk.properties(), expect="one", undo=remove))
    failed = f"'{spec.path}' was not created"
    parent = f"{failed}, its parent '{spec.parent}' cannot be read"
    return Creation(Batch(tuple(steps)), {"parent": parent, **_place_messages(spec.path), "disk": failed}, notes)


def parent_refusal(parent: str, disks: Disks, host: str) -> HvctlError | None:
    """Why no disk may differ from a parent: something writes to it, or will."""
    if problem(parent, disks) is not None:
        return unreadable(parent, disks, host)
    return first((merged_into(parent, disks, host), _written_to(parent, disks, host)))


def parent_notes(parent: str, disks: Disks) -> tuple[str, ...]:
    """What may happen to a parent that a virtual machine has in a drive."""
    names = sorted({disks.names.get(use.vm_id, use.vm_id) for use in disks.direct(parent)})
    if not names:
        return ()
    words = f"{parent} is a disk of {', '.join(names)}: starting that machine corrupts every disk that differs from it."
    return (words,)


def plan_convert(path: str, spec: DiskConvert, disks: Disks, host: str) -> Prepared:
    """Copy a disk into a new one of another format or type, and delete the source if that is wanted."""
    failure = _convert_refusal(path, spec, disks, host)
    if failure is not None:
        return Prepared(Plan("vhd convert", Batch(()), (Part(path, path, None, failure=failure),)))
    source = str(record_of(path, disks)["VhdType"])
    kind = spec.type or ("Dynamic" if source == "Differencing" else source)
    convert: dict[str, Value] = {"Path": path, "DestinationPath": spec.destination, "VHDType": kind, "Passthru": True}
    optional = {"ParentPath": spec.parent, "BlockSizeBytes": spec.block_size}
    convert |= {name: value for name, value in optional.items() if value is not None}
    remove = Call("Remove-Item", {"LiteralPath": _NEW, "Force": True})
    steps = [
        Step("disk", Call("Convert-VHD", convert), expect="one", undo=remove),
        Step("check", Call("Test-VHD", {"Path": _NEW}), where={SELF: "True"}, expect="one"),
    ]
    before = _place(spec.destination)
    messages = {
        **_place_messages(spec.destination),
    }
    messages |= dict.fromkeys(("disk", "check"), f"'{path}' was not converted")
    part = Part(path, path, None, tuple(step.id for step in steps), messages=messages, new_name=spec.destination)
    look = Batch((plan_look(spec.destination).steps[0],))
    plan = replace(make_plan("vhd convert", (part,), steps, before=before), look=look)
    if not spec.delete_source:
        return Prepared(plan)
    note = f"'{path}' is deleted by a batch of its own, once {spec.destination} has been made and tested."
    plan = replace(plan, finish=_dropping(path, spec.destination))
    return Prepared(plan, losses=(f"'{path}' once {spec.destination} is made",), notes=(note,))


def plan_drop(path: str, destination: str) -> Batch:
    """Delete the source of a conversion whose result can be used: in a batch that nothing takes back half-way."""
    test = Step("check", Call("Test-VHD", {"Path": (destination,)}), where={SELF: "True"}, expect="one")
    source = Step("source", Call("Get-VHD", {"Path": (path,)}), expect="one")
    drop = Call("Remove-Item", {"LiteralPath": Ref("source", property="Path"), "Force": True})
    return Batch((test, source, Step("drop", drop)))


def _dropping(path: str, destination: str) -> Callable[[Session, Done, float | None], Done]:
    def finish(session: Session, done: Done, _: float | None) -> Done:
        result = None if done.failures else session.run(plan_drop(path, destination))
        if result is None or result.ok or result.failure is None:
            return done
        message = f"{destination} was made, but '{path}' could not be deleted"
        failure = failure_of(result.failure, result, host=session.host, object_name=path, message=message)
        (outcome,) = done.outcomes
        failed = outcome.model_copy(update={"outcome": "failed", "error": failure.as_dict()})
        return Done((failed,), (failure,))

    return finish


def _convert_refusal(path: str, spec: DiskConvert, disks: Disks, host: str) -> HvctlError | None:
    unknown = unreadable(path, disks, host)
    if unknown is not None:
        return unknown
    size = int(record_of(path, disks)["Size"] or 0)
    if key(path) == key(spec.destination):
        return refused(
            f"'{path}' cannot be converted into itself.", path, host, "Choose another path for the new disk."
        )
    if key(spec.destination) not in disks.gone:
        words = f"The host has a file '{spec.destination}' already, or it cannot be told."
        return refused(words, path, host, "Choose another path for the new disk.")
    if size > LARGEST[extension(spec.destination)]:
        words = f"'{path}' has {format_size(size)}, and {too_large(spec.destination)}."
        return refused(words, path, host, "Convert it into a .vhdx file.")
    reasons = [in_use(path, disks, host, saved_too=False)]
    if spec.parent is not None:
        reasons.append(parent_refusal(spec.parent, disks, host))
    if spec.delete_source:
        reasons += [judge(path, disks, host) for judge in (in_checkpoints, belongs, is_parent, may_be_parent)]
        reasons.append(may_be_another(path, disks, host))
        if spec.parent is not None and key(spec.parent) == key(path):
            reasons.append(refused(f"'{path}' cannot be deleted: the new disk differs from it.", path, host))
    return first(reasons)


def _written_to(parent: str, disks: Disks, host: str) -> HvctlError | None:
    """A disk in the drive of a virtual machine that is not off is written to."""
    if any(use.checkpoint is None for use in disks.direct(parent)):
        return in_use(parent, disks, host)
    return None


def _place(path: str) -> list[Step]:
    """What must hold before a file is made, so that a dry run finds it too."""
    folder = Call("Test-Path", {"LiteralPath": ntpath.dirname(path), "PathType": "Container"})
    free = Call("Test-Path", {"LiteralPath": path})
    return [
        Step("folder", folder, where={SELF: "True"}, expect="one"),
        Step("free", free, where={SELF: "True"}, expect="none"),
    ]


def _place_messages(path: str) -> dict[str, str]:
    return {
        "folder": f"The host has no folder '{ntpath.dirname(path)}'.",
        "free": f"The host has a file '{path}' already.",
    }
