"""Which disks a command means, and everything there is to know of one."""

from __future__ import annotations

import ntpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

from hvctl.errors import ConflictError, UsageError
from hvctl.models.vhd import ChainLink, DiskSummary, VirtualDisk
from hvctl.services.disks import DISK, Disks, Use, key
from hvctl.services.selection import Name, Selection, match

NOUN = "virtual hard disk"
M = TypeVar("M", DiskSummary, VirtualDisk, ChainLink)
_ROOTED = re.compile(r"[A-Za-z]:\\|\\\\[^\\]+\\[^\\]+")


class Scope(NamedTuple):
    """Where disks are looked for besides the drives and checkpoints of the host's virtual machines.

    Attributes:
        folders: Folders whose files count as well.
        recurse: The folders below them too.
    """

    folders: tuple[str, ...] = ()
    recurse: bool = False


@dataclass(frozen=True, slots=True)
class _Item:
    """What can be selected: for a disk, its path is both id and name."""

    id: str
    name: str


def spelled(selection: Selection) -> Selection:
    """The selection with its paths as Windows spells them; a bare file name stays one.

    Raises:
        UsageError: A path does not start at a drive or a share.
    """
    return replace(selection, names=tuple(replace(name, text=_spelled(name.text)) for name in selection.names))


def whole_path(text: str) -> str:
    """A path on the host as Windows spells it.

    Raises:
        UsageError: It does not start at a drive or a share.
    """
    path = ntpath.normpath(text)
    if not _ROOTED.match(path) and not path.startswith("*"):
        hint = "Write it whole: C:\\VMs\\a.vhdx, \\\\server\\share\\a.vhdx"
        raise UsageError(f"'{text}' does not start at a drive or a share.", hint=hint)
    return path


def _spelled(text: str) -> str:
    return whole_path(text) if re.search(r"[\\/]", text) else text


def literal_paths(selection: Selection) -> list[str]:
    """The paths among the names that may be files, and not patterns only."""
    paths = [name.text for name in selection.names if "\\" in name.text]
    return [path for path in dict.fromkeys(paths) if not re.search(r"[*?\"<>|]", path)]


def choose(selection: Selection, disks: Disks, host: str, *, missing_ok: bool = False) -> list[str]:
    """The paths of the disks that a command means, by their own names or as those in the drives of virtual machines.

    All that are known are meant where it names none.

    Raises:
        NotFoundError: A name, a pattern or a virtual machine matches nothing.
        ConflictError: A file name fits several disks.
    """
    known = _known(disks)
    named: list[str] = []
    if selection.names:
        names = [_resolved(name, known.values(), host) for name in selection.names]
        items = [_Item(path, path) for path in known.values()]
        named = [item.name for item in match(names, items, NOUN, host, missing_ok=missing_ok)]
    if selection.owners:
        machines = [_Item(vm_id, name) for vm_id, name in disks.names.items()]
        vms = match(selection.owners, machines, "virtual machine", host)
        own = [disks.path(path) for vm in vms for path in disks.of_vm.get(vm.id, ())]
        named += [path for path in own if path not in named]
    return named if selection.every_name else list(known.values())


def _known(disks: Disks) -> dict[str, str]:
    """Every disk that is there, or that something names, by key; in the order of their paths."""
    named = [use.path for use in disks.uses] + [path for path in disks.unclear if key(path) not in disks.gone]
    parents = [link for use in disks.uses for link in disks.chain(use.path)]
    found = {key(path): path for path in (*named, *parents)}
    found |= {at: str(record["Path"]) for at, record in disks.records.items()}
    return {at: found[at] for at in sorted(found)}


def _resolved(name: Name, known: Iterable[str], host: str) -> Name:
    """A bare file name or pattern stands for the disks that are called so, wherever they are."""
    if "\\" in name.text:
        return name
    if name.is_pattern:
        return replace(name, text=f"*\\{name.text}")
    found = [path for path in known if key(ntpath.basename(path)) == key(name.text)]
    if len(found) > 1:
        words = f"{len(found)} disks on {host} are called '{name.text}'."
        raise ConflictError(words, host=host, object_name=name.text, hint=f"Name one by its path: {', '.join(found)}")
    return replace(name, text=found[0]) if found else name


def describe(model: type[M], paths: Sequence[str], disks: Disks, host: str) -> list[M]:
    """Disks as a model; one that could not be read says so."""
    nothing = dict.fromkeys(DISK)
    records = [{**nothing, **disks.records.get(key(path), {"Path": path})} for path in paths]
    models = model.read(host, [{name: record[name] for name in model.properties()} for record in records])
    return [each.model_copy(update=_extra(model, each.path, disks)) for each in models]


def _extra(model: type[Any], path: str, disks: Disks) -> dict[str, Any]:
    extra: dict[str, Any] = {
        "used_by": tuple(dict.fromkeys(user(use, disks) for use in disks.direct(path))),
        "problem": problem(path, disks),
    }
    if "children" in model.model_fields:
        extra["children"] = tuple(disks.children(path))
    return extra


def user(use: Use, disks: Disks) -> str:
    """Who uses a disk, in words."""
    name = disks.names.get(use.vm_id, use.vm_id)
    return name if use.checkpoint is None else f"{name} (checkpoint '{use.checkpoint}')"


def problem(path: str, disks: Disks) -> str | None:
    """Why a disk could not be read, in words; None where it could."""
    if key(path) in disks.records:
        return None
    return "the file is not there" if key(path) in disks.gone else "it cannot be read; hvctl vhd test says why"


def chain_links(paths: Sequence[str], disks: Disks, host: str) -> list[ChainLink]:
    """The chains of disks, each from its root to the disk."""
    links: list[ChainLink] = []
    for path in paths:
        chain = [*reversed(disks.chain(path))]
        for depth, link in enumerate(describe(ChainLink, chain, disks, host)):
            branch = f"{'   ' * (depth - 1)}└─ {link.path}" if depth else link.path
            links.append(link.model_copy(update={"chain": disks.path(path), "depth": depth, "branch": branch}))
    return links


def folders_of(paths: Iterable[str], disks: Disks) -> list[str]:
    """The folders in which a disk that differs from one of these, or from an ancestor, is likely to lie."""
    folders = {key(folder): folder for path in paths for folder in map(ntpath.dirname, disks.chain(path))}
    return [folders[at] for at in sorted(folders)]


def record_of(path: str, disks: Disks) -> Mapping[str, Any]:
    """What is known of a disk that could be read."""
    return disks.records[key(path)]
