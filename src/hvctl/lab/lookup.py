"""Finds what a cmdlet's parameters name: VMs by name, pattern or object, switches likewise."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from hvctl.lab.context import Args, Context
from hvctl.lab.entities import Switch, Vm
from hvctl.lab.live import Live
from hvctl.lab.problems import Problem

_SPECIAL = frozenset("*?[")


def has_wildcards(text: str) -> bool:
    """Whether a name is a pattern."""
    return bool(_SPECIAL & set(re.sub(r"`.", "", text)))


def matches(pattern: str, text: str) -> bool:
    """Whether a PowerShell wildcard pattern matches a text; case does not count."""
    return _compile(pattern).fullmatch(text) is not None


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    parts = re.findall(r"`.|\*|\?|\[[^\]]+\]|.", pattern, re.DOTALL)
    return re.compile("".join(_translate(part) for part in parts), re.IGNORECASE | re.DOTALL)


def _translate(part: str) -> str:
    if part == "*":
        return ".*"
    if part == "?":
        return "."
    if len(part) > 2 and part.startswith("["):
        inside = re.sub(r"([\\^\[\]&~|])", r"\\\1", part[1:-1])
        return f"[{inside}]"
    return re.escape(part.removeprefix("`") or "`")


def vms(context: Context, args: Args, missing: str = "vm-missing") -> Iterator[Vm]:
    """The VMs that -VM, -VMName or -Name name, each fresh from the world; what is missing is reported.

    `missing` is the situation of a name that nothing has.
    """
    if "VM" in args:
        yield from _vm_objects(context, args["VM"])
        return
    names = args.get("VMName", args.get("Name"))
    known = context.world.find(Vm, host=context.host.name)
    for name in names if isinstance(names, list) else [names]:
        found = [vm for vm in known if matches(name, vm.name)]
        if not found and not has_wildcards(name):
            context.fail(Problem(missing, name=name, target=name if missing == "vm-missing-get" else None))
        yield from found


def _vm_objects(context: Context, given: Live | list[Live]) -> Iterator[Vm]:
    for live in given if isinstance(given, list) else [given]:
        vm = context.world.get(Vm, live.entity.id)
        if vm is None:
            context.fail(Problem("object-gone", kind="virtual machine"))
        else:
            yield vm


def one_vm(context: Context, entity: Vm) -> Vm:
    """A VM fresh from the world.

    Raises:
        Problem: It is gone.
    """
    vm = context.world.get(Vm, entity.id)
    if vm is None:
        raise Problem("object-gone", kind="virtual machine")
    return vm


def switches(context: Context, names: Iterable[str], missing: str) -> Iterator[Switch]:
    """The switches of these names or patterns; what is missing is reported."""
    known = context.world.find(Switch, host=context.host.name)
    for name in names:
        found = [switch for switch in known if matches(name, switch.name)]
        if not found and not has_wildcards(name):
            context.fail(Problem(missing, name=name, target=name if missing == "switch-missing-get" else None))
        yield from found


def one_switch(context: Context, name: str, missing: str) -> Switch:
    """The switch with exactly this name.

    Raises:
        Problem: There is none, or there are several.
    """
    known = context.world.find(Switch, host=context.host.name)
    found = [switch for switch in known if switch.name.lower() == name.lower()]
    if not found:
        raise Problem(missing, name=name)
    if len(found) > 1:
        raise Problem("switch-ambiguous", name=name)
    return found[0]
