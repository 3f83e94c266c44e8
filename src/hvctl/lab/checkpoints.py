"""Checkpoints: a VM's settings, disks and memory as they were, the tree they make, and the merges they leave behind.

A checkpoint freezes the files of its VM's disks; the VM goes on in a differencing disk beside each. A disk whose parent
no checkpoint and no VM needs any more is merged into it, which takes as long as the world's setting `merge` says.
"""

from __future__ import annotations

import re
from typing import Any

from hvctl.lab import disks, guests, paths
from hvctl.lab.context import Context
from hvctl.lab.entities import Drive, File, Merge, Nic, Snapshot, Switch, Vm
from hvctl.lab.problems import Problem
from hvctl.lab.settings import TICK
from hvctl.lab.world import World

MOST = 50
"""The most checkpoints of one VM."""
LONGEST_NAME = 100
_MOMENTARY = ("state", "until", "target", "started", "uptime", "memory_assigned", "booted_at", "snapshot", "merging")
_STAYS = ("id", "host", "name", "path", "created", "guest", "snapshot_location", *_MOMENTARY)
"""What a checkpoint does not bring back: what the VM is, and what it does at the moment."""
_GUID_AT_END = re.compile(r"_[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$", re.IGNORECASE)
_PRODUCTION_SINCE = (6, 2)


def take(context: Context, vm: Vm, name: str, *, automatic: bool = False) -> Snapshot:
    """Take a checkpoint of a VM and let it go on in new differencing disks.

    Raises:
        Problem: Its state, its settings or the number of its checkpoints forbid it, or a disk is not there.
    """
    world = context.world
    with_memory = _takes_memory(context, vm, automatic=automatic)
    drives = world.find(Drive, vm=vm.id)
    snapshot = Snapshot(
        id=world.new_id("snapshot"),
        host=vm.host,
        vm=vm.id,
        name=name,
        created=world.now(),
        frozen={field: getattr(vm, field) for field in vm.fields if field not in _STAYS},
        drives=[dict(vars(drive)) for drive in drives],
        nics=[dict(vars(nic)) for nic in world.find(Nic, vm=vm.id)],
        parent=vm.snapshot,
        state="Saved" if with_memory else "Off",
        automatic=automatic,
    )
    if not with_memory:
        snapshot.frozen["memory_image"] = None
    for drive in drives:
        _fork(world, drive)
        world.save(drive)
    _add_files(world, vm, snapshot)
    world.add(snapshot)
    vm.snapshot = snapshot.id
    world.save(vm)
    return snapshot


def _takes_memory(context: Context, vm: Vm, *, automatic: bool) -> bool:
    """Whether a checkpoint taken now holds the VM's memory: a production checkpoint does not."""
    if vm.state not in ("Off", "Running", "Paused", "Saved"):
        raise Problem("state", name=vm.name)
    about = {"name": vm.name, "id": vm.id.upper()}
    if vm.checkpoint_type == "Disabled" and not automatic:
        raise Problem("snapshot-disabled", **about)
    if len(context.world.find(Snapshot, vm=vm.id)) >= MOST:
        raise Problem("snapshot-limit", **about)
    if vm.state == "Off":
        return False
    if vm.checkpoint_type == "Standard" or not _is_production_possible(context.world, vm):
        if vm.checkpoint_type == "ProductionOnly":
            raise Problem("snapshot-production")
        return True
    return False


def _is_production_possible(world: World, vm: Vm) -> bool:
    version = tuple(int(part) for part in vm.version.split("."))
    freezes = guests.answers(world, vm) and bool(guests.behaviour(world, vm, "vss"))
    return vm.state == "Running" and freezes and version >= _PRODUCTION_SINCE


def restore(context: Context, snapshot: Snapshot) -> Vm:
    """Bring a VM back to a checkpoint: its state since then is lost, and it is off or saved.

    Raises:
        Problem: It is on its way from one state to another, or a disk of the checkpoint is not there.
    """
    world = context.world
    vm = world.get(Vm, snapshot.vm)
    if vm is None:
        raise Problem("object-gone", kind="virtual machine")
    if vm.state not in ("Off", "Running", "Paused", "Saved"):
        raise Problem("state", name=vm.name)
    left = [drive.path for drive in world.find(Drive, vm=vm.id) if drive.kind == "disk" and drive.path]
    for part in (*world.find(Drive, vm=vm.id), *world.find(Nic, vm=vm.id)):
        world.remove(part)
    for fields in snapshot.drives:
        drive = Drive(**fields)
        _fork(world, drive)
        world.add(drive)
    for fields in snapshot.nics:
        nic = Nic(**fields)
        if nic.switch is not None and world.get(Switch, nic.switch) is None:
            nic.switch = None
        world.add(nic)
    for field, value in snapshot.frozen.items():
        setattr(vm, field, value)
    vm.state, vm.until, vm.target = snapshot.state, None, None
    vm.started, vm.uptime, vm.booted_at, vm.memory_assigned = None, 0, None, 0
    vm.snapshot = snapshot.id
    world.save(vm)
    for path in left:
        _drop(world, vm.host, path)
    _tidy(world, vm, world.now())
    return vm


def remove(world: World, vm: Vm, snapshots: list[Snapshot]) -> None:
    """Delete checkpoints of a VM: their children move up, and disks that nothing needs apart are merged."""
    for snapshot in snapshots:
        # It may have moved up itself, as the child of one deleted before it.
        now = world.get(Snapshot, snapshot.id)
        if now is None:
            continue
        for child in world.find(Snapshot, vm=vm.id):
            if child.parent == now.id:
                child.parent = now.parent
                world.save(child)
        if vm.snapshot == now.id:
            vm.snapshot = now.parent
        _remove_files(world, vm, now)
        world.remove(now)
        for fields in now.drives:
            if fields["kind"] == "disk" and fields.get("path"):
                _drop(world, vm.host, fields["path"])
    world.save(vm)
    _tidy(world, vm, world.now())


def forget(world: World, vm: Vm) -> None:
    """Delete all checkpoints of a VM that is itself being deleted; its disks hold its present state afterwards.

    Nobody else can open them as long as the merge takes.
    """
    for merging in world.find(Merge, vm=vm.id):
        world.remove(merging)
    remove(world, vm, world.find(Snapshot, vm=vm.id))
    for merging in world.find(Merge, vm=vm.id):
        world.remove(merging)
    merged: set[str] = set()
    while (child := _mergeable(world, vm)) is not None:
        merged.discard(child.path)
        merged.add(_merge(world, child).path)
    seconds = float(world.setting("merge"))
    for path in sorted(merged) if seconds else ():
        world.add(Merge(id=world.new_id("merge"), host=vm.host, vm=vm.id, path=path, until=world.now() + seconds))


def below(world: World, snapshot: Snapshot) -> list[Snapshot]:
    """A checkpoint and all that descend from it, itself first."""
    every = world.find(Snapshot, vm=snapshot.vm)
    found = [snapshot]
    for each in found:
        found += [other for other in every if other.parent == each.id]
    return found


def proceed(world: World) -> None:
    """Let merges that are under way go on; outside a transaction.

    A clock without a pace stands still while somebody only looks, so that whoever looks turns it.
    """
    if not world.find(Merge):
        return
    with world.transaction():
        if not world.setting("pace"):
            world.set_clock(world.now() + TICK)
        while due := [each for each in world.find(Merge) if each.until <= world.now()]:
            for each in due:
                _finish(world, each)


def _finish(world: World, merging: Merge) -> None:
    world.remove(merging)
    vm = world.get(Vm, merging.vm)
    if vm is None:
        return
    child = world.file(merging.host, merging.path)
    if child is not None and _can_merge(world, child, _needed(world, vm)):
        _merge(world, child)
    _tidy(world, vm, merging.until)


def _tidy(world: World, vm: Vm, now: float) -> None:
    """Merge what can be merged: at once, or one disk after the other as time goes by."""
    seconds = float(world.setting("merge"))
    while not seconds and (child := _mergeable(world, vm)) is not None:
        _merge(world, child)
    under_way = bool(world.find(Merge, vm=vm.id))
    if seconds and not under_way and (child := _mergeable(world, vm)) is not None:
        until = now + seconds
        world.add(Merge(id=world.new_id("merge"), host=vm.host, vm=vm.id, path=child.path, until=until))
        under_way = True
    if vm.merging is not under_way:
        vm.merging = under_way
        world.save(vm)


def _mergeable(world: World, vm: Vm) -> File | None:
    """A disk of a VM whose parent is there for it alone; those next to the root first."""
    needed = _needed(world, vm)
    seen: set[str] = set()
    for key in needed:
        (file,) = world.find(File, host=vm.host, key=key) or (None,)
        while file is not None and file.key not in seen and file.parent is not None:
            seen.add(file.key)
            if _can_merge(world, file, needed):
                return file
            (file,) = world.find(File, host=vm.host, key=file.parent) or (None,)
    return None


def _can_merge(world: World, child: File, needed: set[str]) -> bool:
    if not child.disk.get("checkpoint") or child.parent is None or child.parent in needed:
        return False
    parent = world.find(File, host=child.host, key=child.parent)
    return bool(parent) and len(disks.children(world, parent[0])) == 1 and not _is_attached(world, parent[0])


def _merge(world: World, child: File) -> File:
    parent = disks.merge(world, child)
    for drive in world.find(Drive, host=child.host, key=child.key):
        drive.path = parent.path
        world.save(drive)
    for snapshot in world.find(Snapshot, host=child.host):
        frozen = [fields for fields in snapshot.drives if _key(fields) == child.key]
        for fields in frozen:
            fields["path"] = parent.path
        if frozen:
            world.save(snapshot)
    return parent


def _needed(world: World, vm: Vm) -> set[str]:
    """The keys of the disks that a VM has attached or that a checkpoint of it holds."""
    held = {_key(fields) for snapshot in world.find(Snapshot, vm=vm.id) for fields in snapshot.drives}
    attached = {drive.key for drive in world.find(Drive, vm=vm.id) if drive.kind == "disk"}
    return {key for key in held | attached if key is not None}


def _is_attached(world: World, file: File) -> bool:
    return bool(world.find(Drive, host=file.host, key=file.key))


def _key(fields: dict[str, Any]) -> str | None:
    return paths.key(fields["path"]) if fields["kind"] == "disk" and fields.get("path") else None


def _drop(world: World, host: str, path: str) -> None:
    """Delete a differencing disk that was made for a checkpoint, if nothing needs it; its parent likewise."""
    file = world.file(host, path)
    if file is None or not file.disk.get("checkpoint") or _is_attached(world, file) or disks.children(world, file):
        return
    if any(_key(fields) == file.key for each in world.find(Snapshot, host=host) for fields in each.drives):
        return
    world.remove(file)
    if file.disk.get("parent"):
        _drop(world, host, file.disk["parent"])


def _fork(world: World, drive: Drive) -> None:
    """Let a hard disk drive go on in a new child of its disk."""
    if drive.kind != "disk" or drive.path is None:
        return
    parent = disks.find(world, drive.host, drive.path)
    name = paths.name(parent.path).rpartition(".")[0]
    extension = ".avhd" if parent.disk["format"] == "VHD" else ".avhdx"
    beside = f"{_GUID_AT_END.sub('', name)}_{world.new_id('avhdx').upper()}{extension}"
    child = disks.make_child(world, drive.host, paths.join(paths.parent(parent.path), beside), parent.path)
    child.disk["checkpoint"] = True
    world.save(child)
    drive.path = child.path


def _files(vm: Vm, snapshot: Snapshot) -> list[str]:
    stem = paths.join(vm.snapshot_location, "Snapshots", snapshot.id.upper())
    return [f"{stem}.vmcx", f"{stem}.vmrs"]


def _add_files(world: World, vm: Vm, snapshot: Snapshot) -> None:
    for path in _files(vm, snapshot):
        disks.make_folder(world, vm.host, paths.parent(path))
        world.add(File(host=vm.host, key=paths.key(path), path=path, kind="config", disk={}))


def _remove_files(world: World, vm: Vm, snapshot: Snapshot) -> None:
    for path in _files(vm, snapshot):
        file = world.file(vm.host, path)
        if file is not None:
            world.remove(file)
