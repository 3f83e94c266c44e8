"""Taking everything of a VM along when it moves: its files, drives, adapters and checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hvctl.lab import disks, paths
from hvctl.lab.entities import Drive, File, Host, Nic, Snapshot, Switch, Vm
from hvctl.lab.problems import Problem
from hvctl.lab.world import World

DISKS = "Virtual Hard Disks"
"""The folder below -DestinationStoragePath that disks go to."""
Paths = Mapping[str, str]
"""Where files go: the new path by the key of the old one."""


def is_shared(world: World, path: str) -> bool:
    """Whether all hosts see a path: it lies in one of the world's shared folders."""
    return any(paths.key(path).startswith(f"{paths.key(folder)}\\") for folder in world.setting("shared_folders"))


def disk_paths(world: World, vm: Vm) -> list[str]:
    """The disks of a VM's drives, and of those of its checkpoints."""
    found = [drive.path for drive in world.find(Drive, vm=vm.id) if drive.kind == "disk" and drive.path]
    for snapshot in world.find(Snapshot, vm=vm.id):
        found += [drive["path"] for drive in snapshot.drives if drive["kind"] == "disk" and drive.get("path")]
    return list(dict.fromkeys(found))


def disk_files(world: World, vm: Vm) -> list[File]:
    """The files of a VM's disks with all that they differ from, each once."""
    found: dict[str, File] = {}
    waiting = disk_paths(world, vm)
    while waiting:
        file = world.file(vm.host, waiting.pop())
        if file is not None and file.key not in found:
            found[file.key] = file
            waiting += [file.disk["parent"]] if file.disk.get("parent") else []
    return list(found.values())


def config_files(world: World, vm: Vm) -> list[File]:
    """The files of a VM's configuration and of those of its checkpoints."""
    wanted = {vm.id.upper(), *(snapshot.id.upper() for snapshot in world.find(Snapshot, vm=vm.id))}
    found = (file for file in world.find(File, host=vm.host) if file.kind != "folder")
    return [file for file in found if paths.name(file.path).rpartition(".")[0].upper() in wanted]


def new_paths(world: World, vm: Vm, folder: str) -> dict[str, str]:
    """Where the files of a VM go when its storage moves below a folder."""
    places = {file.key: paths.join(folder, DISKS, paths.name(file.path)) for file in disk_files(world, vm)}
    for file in config_files(world, vm):
        places[file.key] = paths.join(folder, paths.name(paths.parent(file.path)), paths.name(file.path))
    return places


def obstacle(world: World, host: str, places: Iterable[str]) -> str | None:
    """Why files cannot be put at these paths of a host; None when they can."""
    seen: set[str] = set()
    for path in places:
        if world.file(host, path) is not None or paths.key(path) in seen:
            return f"The file '{path}' exists already."
        seen.add(paths.key(path))
        drive = path[:3]
        if world.file(host, drive) is None:
            return f"The path '{path}' cannot be found."
    return None


def make_folders(world: World, host: str, places: Iterable[str]) -> None:
    """Make the folders that files are going to lie in."""
    for path in places:
        if not disks.folder_exists(world, host, paths.parent(path)):
            disks.make_folder(world, host, paths.parent(path))


def relocate(world: World, vm: Vm, target: Host, places: Paths, folder: str | None, plugs: Mapping[str, str]) -> None:
    """Let a VM and all that is its be on another host, or its files elsewhere on the same one.

    Args:
        world: The world, within a transaction.
        vm: The VM.
        target: The host it is on afterwards.
        places: Where its files go; others keep their paths.
        folder: What its own folders are from now on; None to keep them.
        plugs: The switch of each adapter there, by the adapter's id.

    Raises:
        Problem: A file cannot be put where it belongs.
    """
    source = vm.host
    _move_files(world, vm, target.name, places)
    for drive in world.find(Drive, vm=vm.id):
        drive.host = target.name
        drive.path = _moved(drive.path, places)
        world.save(drive)
    for nic in world.find(Nic, vm=vm.id):
        nic.host = target.name
        nic.switch = plugs.get(nic.id, nic.switch) if source != target.name else nic.switch
        world.save(nic)
    for snapshot in world.find(Snapshot, vm=vm.id):
        _move_snapshot(snapshot, target.name, places, folder)
        world.save(snapshot)
    vm.host = target.name
    if folder is not None:
        vm.path = vm.snapshot_location = vm.smart_paging_path = paths.normalize(folder)
    world.save(vm)


def _move_snapshot(snapshot: Snapshot, host: str, places: Paths, folder: str | None) -> None:
    snapshot.host = host
    for part in (*snapshot.drives, *snapshot.nics):
        part["host"] = host
    for drive in snapshot.drives:
        drive["path"] = _moved(drive.get("path"), places)
    if "host" in snapshot.frozen:
        snapshot.frozen["host"] = host
    if folder is not None:
        for name in ("path", "snapshot_location", "smart_paging_path"):
            if name in snapshot.frozen:
                snapshot.frozen[name] = paths.normalize(folder)


def _moved(path: str | None, places: Paths) -> str | None:
    return path if path is None else places.get(paths.key(path), path)


def _move_files(world: World, vm: Vm, target: str, places: Paths) -> None:
    files = [*disk_files(world, vm), *config_files(world, vm)]
    # A file that all hosts see is kept as one of the host whose VM uses it.
    going = [file for file in files if file.key in places or target != file.host]
    keys = {file.key for file in going}
    for file in going:
        if not _needed_by_others(world, vm, file, keys):
            world.remove(file)
    for file in going:
        path = places.get(file.key, file.path)
        content = {**file.disk}
        if content.get("parent"):
            content["parent"] = _moved(content["parent"], places)
        if world.file(target, path) is not None:
            raise Problem(
                "storage-move-path", name=vm.name, id=vm.id.upper(), reason=f"The file '{path}' exists already."
            )
        make_folders(world, target, [path])
        world.add(File(host=target, key=paths.key(path), path=path, kind=file.kind, size=file.size, disk=content))


def _needed_by_others(world: World, vm: Vm, file: File, going: set[str]) -> bool:
    """Whether a file stays for another VM, or for a disk that differs from it and does not go along."""
    if any(drive.vm != vm.id for drive in world.find(Drive, host=file.host, key=file.key)):
        return True
    return any(child.key not in going for child in world.find(File, host=file.host, parent=file.key))


def switch_ids(world: World, host: str) -> dict[str, str]:
    """The ids of a host's switches, by name in lower case."""
    return {switch.name.lower(): switch.id for switch in world.find(Switch, host=host)}
