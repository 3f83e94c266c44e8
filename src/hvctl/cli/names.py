"""Names that exist, for completion: from the lab itself, or from what `list` last saw of a host."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from hvctl.config import Configuration, home, load
from hvctl.errors import HvctlError, UsageError
from hvctl.hosts import Target, choose, find, lab_file


def names(kind: str, words: Sequence[str]) -> list[str]:
    """The names of a kind, such as `VM` or `HOST`, on the host that the words choose; none where that fails."""
    try:
        return sorted(_SOURCES[kind](words))
    except (HvctlError, OSError, ValueError):
        return []  # completion has nowhere to say what is wrong


def vm_names(words: Sequence[str]) -> Iterable[str]:
    """Virtual machines of the host that the words choose: the lab's, or those that the last list of a host saw."""
    target = _target(words)
    if target.kind != "lab":
        return [str(name) for name in json.loads(_cache(target.name).read_text(encoding="ascii"))]
    from hvctl.lab import world

    return world.vm_names(lab_file(), _lab_host(target))


def switch_names(words: Sequence[str]) -> Iterable[str]:
    """Switches of the lab's host that the words choose."""
    target = _target(words)
    if target.kind != "lab":
        return ()
    from hvctl.lab import world

    return world.switch_names(lab_file(), _lab_host(target))


def host_names(words: Sequence[str] = ()) -> Iterable[str]:
    """Hosts that can be named, and `@GROUP` for `--host`; where entries are meant, those alone."""
    try:
        configuration = load()
    except UsageError:
        configuration = Configuration(home().config_file)
    if words[-1:] != ["--host"] and words[:1] == ["config"] and words[1:2] in _OF_ENTRIES:
        return configuration.hosts
    names = ["localhost", "lab", *configuration.hosts]
    if words[-1:] == ["--host"]:
        names += [f"@{group}" for group in configuration.groups]
    if lab_file().exists():
        from hvctl.lab import world

        names += [f"lab/{name}" for name in world.host_names(lab_file())]
    return names


def group_names(_: Sequence[str] = ()) -> Iterable[str]:
    """Configured groups."""
    return load().groups


def remember(host: str, names: Sequence[str]) -> None:
    """Keep the names that a list of a real host showed, for completion; the lab is asked itself."""
    if host.partition("/")[0] == "lab":
        return
    path = _cache(host)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(list(names)), encoding="ascii")
    except OSError:
        return  # a cache that cannot be written is only not there


_OF_ENTRIES = (["host"], ["login"], ["logout"])
"""The words after `config` whose hosts are entries of the configuration."""

_SOURCES: dict[str, Callable[[Sequence[str]], Iterable[str]]] = {
    "GROUP": group_names,
    "HOST": host_names,
    "SWITCH": switch_names,
    "VM": vm_names,
}


def _target(words: Sequence[str]) -> Target:
    named = next((after for word, after in pairwise(words) if word == "--host"), None)
    return find(named) if named else choose()


def _lab_host(target: Target) -> str:
    from hvctl.lab import world

    return target.inner or next(iter(world.host_names(lab_file())), "")


def _cache(host: str) -> Path:
    return home().state / "names" / f"{host.replace('/', '_')}.json"
