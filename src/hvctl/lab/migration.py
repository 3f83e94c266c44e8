"""Moving a VM to another host: what must be so, what stands against it, the phases, and what a broken move leaves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from hvctl.errors import HvctlError
from hvctl.lab import memory, moving, owners, paths
from hvctl.lab.context import Context, Output, Wait
from hvctl.lab.entities import Drive, Host, Nic, Planned, Record, Switch, Vm
from hvctl.lab.kinds.host import versions
from hvctl.lab.problems import Problem
from hvctl.lab.world import World

BEHAVIOUR: Mapping[str, Any] = {
    "seconds": 0,
    "fails_at": None,
    "leaves_planned": True,
    "replaces_planned": False,
}
"""How moves go unless told otherwise.

`seconds`: how long each phase takes on the lab's clock. `fails_at`: the phase in which every move breaks off.
`leaves_planned`: a broken move leaves its planned VM on the destination. `replaces_planned`: a move puts up with a
planned VM that an earlier one left; else it fails.
"""
PHASES = ("planned", "storage", "memory", "final")
"""The phases of a move, in order; `storage` only where storage moves along, `memory` only where the VM is on."""
MISSING_SWITCH = 33012
"""The one message id of Compare-VM that is on public record."""
OWN_MESSAGES = {"version": -1, "processor": -2, "disk": -3, "iso": -4, "memory": -5, "path": -6}
"""Message ids of the lab's own: negative, for what Windows numbers is not on public record."""
_STATES = ("Off", "Running", "Paused", "Saved")
_PERCENT = {"planned": 5, "storage": 40, "memory": 75, "final": 95}
_WORDS = {
    "planned": "creating the virtual machine on the destination",
    "storage": "copying storage",
    "memory": "copying memory",
    "final": "handing over",
}


class PlannedAdapter(Record):
    """An adapter as it is going to be on the destination: plugged into the switch of a name."""

    id: str
    host: str
    vm: str
    name: str
    mac: str
    switch: str | None


class Finding(NamedTuple):
    """What stands against a move: the words, the message id, and the object it is about."""

    message: str
    id: int
    source: Any


class Order(Record):
    """What is to be moved where, as a compatibility report has it."""

    id: str
    vm: str
    target: Host
    folder: str | None
    adapters: list[PlannedAdapter]
    findings: list[Finding]


def trait(world: World, name: str) -> Any:  # noqa: ANN401 - a trait is a flag, a number or a name
    """One trait of how moves go in this world."""
    return world.setting("migration").get(name, BEHAVIOUR[name])


def order(context: Context, vm: Vm, destination: str, folder: str | None) -> Order:
    """What a move of this VM would be; compared once.

    Raises:
        Problem: The hosts are not ready to move anything between them.
    """
    target = _target(context, vm, destination)
    _check_hosts(context, vm, target)
    made = Order(
        id=f"planned/{vm.id}",
        vm=vm.id,
        target=target,
        folder=folder,
        adapters=_adapters(context.world, vm),
        findings=[],
    )
    made.findings = findings(context, vm, made)
    return made


def _adapters(world: World, vm: Vm) -> list[PlannedAdapter]:
    names: dict[str | None, str] = {switch.id: switch.name for switch in world.find(Switch, host=vm.host)}
    return [
        PlannedAdapter(
            id=nic.id, host=vm.host, vm=vm.id, name=nic.name, mac=nic.mac, switch=names.get(nic.switch or "")
        )
        for nic in world.find(Nic, vm=vm.id)
    ]


def _target(context: Context, vm: Vm, destination: str) -> Host:
    wanted = destination.lower()
    for host in context.world.find(Host):
        if wanted in (host.name.lower(), host.computer_name.lower(), f"{host.computer_name}.{host.domain}".lower()):
            return host
    reason = "No such host is known. (0x80072AF9)."
    raise Problem("migration-unreachable", **_about(context, vm, destination), reason=reason)


def _about(context: Context, vm: Vm, target: str) -> dict[str, str]:
    return {"name": vm.name, "id": vm.id.upper(), "source": context.host.computer_name, "destination": target}


def _check_hosts(context: Context, vm: Vm, target: Host) -> None:
    source = context.host
    about = _about(context, vm, target.computer_name)
    if source.name == target.name:
        raise Problem("migration-same-host")
    if not source.migration_enabled:
        raise Problem("migration-source-disabled")
    if not target.migration_enabled:
        raise Problem("migration-target-disabled")
    for host in (source, target):
        if not (host.migration_any_network or networks(context.world, host)):
            reason = f"'{host.computer_name}' has no network for migrations. (0x8007274D)."
            raise Problem("migration-unreachable", **about, reason=reason)
    by_kerberos = source.migration_authentication == "Kerberos"
    if not (context.world.setting("kerberos_delegation") if by_kerberos else context.delegates):
        raise Problem("migration-login", **about)


def networks(world: World, host: Host) -> list[str]:
    """The subnets on which a host takes moves."""
    return list(world.setting("migration_networks").get(host.name, ()))


def findings(context: Context, vm: Vm, made: Order) -> list[Finding]:
    """What stands against a move as the two hosts are now."""
    world, target = context.world, made.target
    there = moving.switch_ids(world, target.name)
    found = [
        Finding(f"Could not find Ethernet switch '{adapter.switch}'.", MISSING_SWITCH, adapter)
        for adapter in made.adapters
        if adapter.switch is not None and adapter.switch.lower() not in there
    ]
    if vm.version not in versions(target.windows):
        words = f"The configuration version {vm.version} is not supported by '{target.computer_name}'."
        found.append(Finding(words, OWN_MESSAGES["version"], vm))
    if not _processors_fit(context.host, target, vm):
        words = (
            "The hardware on the destination computer is not compatible with the hardware requirements of this virtual"
            " machine."
        )
        found.append(Finding(words, OWN_MESSAGES["processor"], vm))
    if vm.memory_assigned > memory.free(context, target):
        words = f"'{target.computer_name}' lacks the memory: {vm.memory_assigned >> 20} MB are needed (0x800705AA)."
        found.append(Finding(words, OWN_MESSAGES["memory"], vm))
    return [*found, *_storage_findings(world, vm, made)]


def _processors_fit(source: Host, target: Host, vm: Vm) -> bool:
    if vm.state == "Off":
        return True
    if source.processor_maker != target.processor_maker:
        return False
    return vm.migration_compatible or target.processor_level >= source.processor_level


def _storage_findings(world: World, vm: Vm, made: Order) -> list[Finding]:
    found = []
    for drive in world.find(Drive, vm=vm.id):
        if drive.path is None or moving.is_shared(world, drive.path):
            continue
        if drive.kind == "dvd":
            found.append(Finding(f"Attachment '{drive.path}' failed to open. (0xC03A0014)", OWN_MESSAGES["iso"], drive))
        elif made.folder is None:
            words = f"The virtual hard disk '{drive.path}' cannot be reached from '{made.target.computer_name}'."
            found.append(Finding(words, OWN_MESSAGES["disk"], drive))
    if made.folder is not None:
        blocked = moving.obstacle(world, made.target.name, moving.new_paths(world, vm, made.folder).values())
        found += [Finding(blocked, OWN_MESSAGES["path"], vm)] if blocked else []
    return found


def move(context: Context, vm: Vm, made: Order) -> Iterator[Output]:
    """Move a VM; each phase is a transaction, and only the last one changes where it is.

    Raises:
        Problem: Something stands against it, or it broke off: the VM is where it was.
    """
    world, target = context.world, made.target
    _check_hosts(context, vm, target)
    _check_may_start(context, vm, made)
    planned = Planned(
        id=vm.id, host=target.name, name=vm.name, source=vm.host, created=world.now(), mover=owners.this_process()
    )
    world.add(planned)
    seconds = float(trait(world, "seconds"))
    phases = [phase for phase in PHASES if _happens(phase, vm, made)]
    for number, phase in enumerate(phases):
        left = seconds * (len(phases) - number)
        context.sink.progress("Move-VM", f"{vm.name}: {_WORDS[phase]}", _PERCENT[phase], left)
        planned.until = world.now() + seconds
        world.save(planned)
        try:
            yield Wait(planned.until)
        except GeneratorExit:
            _given_up(world, planned)
            raise
        vm = _still(context, vm, planned, phase)
        if trait(world, "fails_at") == phase:
            raise _broken(context, vm, planned, phase)
    _check_findings(context, vm, made)
    world.remove(planned)
    _hand_over(world, vm, made)
    context.sink.progress("Move-VM", f"{vm.name}: done", 100, 0)


def _given_up(world: World, planned: Planned) -> None:
    """Note that nobody moves it any more; where that cannot be noted, time tells."""
    if world.in_transaction:
        return
    with contextlib.suppress(HvctlError), world.transaction():
        if world.find(Planned, host=planned.host, id=planned.id):
            planned.mover = None
            world.save(planned)


def _happens(phase: str, vm: Vm, made: Order) -> bool:
    if phase == "storage":
        return made.folder is not None
    return phase != "memory" or vm.state in ("Running", "Paused")


def _check_may_start(context: Context, vm: Vm, made: Order) -> None:
    world, target = context.world, made.target
    about = _about(context, vm, target.computer_name)
    if vm.state not in _STATES or vm.merging:
        raise Problem("migration-state")
    under_way = [planned for planned in world.find(Planned) if owners.is_moving(world, planned)]
    for host in (context.host, target):
        count = sum(host.name in (planned.host, planned.source) for planned in under_way)
        if count >= host.migrations:
            raise Problem("migration-busy", **about, host=host.computer_name, most=host.migrations)
    for planned in world.find(Planned, host=target.name, id=vm.id):
        if owners.is_moving(world, planned) or not trait(world, "replaces_planned"):
            raise Problem("migration-leftover", **about)
        world.remove(planned)
    _check_findings(context, vm, made)


def _check_findings(context: Context, vm: Vm, made: Order) -> None:
    found = findings(context, vm, made)
    if found:
        reasons = "\n\n".join(finding.message for finding in found)
        raise Problem("migration-incompatible", name=vm.name, destination=made.target.computer_name, reasons=reasons)


def _still(context: Context, vm: Vm, planned: Planned, phase: str) -> Vm:
    """The VM as it is now, while its move still goes on."""
    world = context.world
    now = world.get(Vm, vm.id)
    if now is None or now.host != context.host.name:
        raise Problem("object-gone", kind="virtual machine")
    if not world.find(Planned, host=planned.host, id=planned.id) or now.state not in _STATES:
        raise _broken(context, now, planned, phase)
    return now


def _broken(context: Context, vm: Vm, planned: Planned, phase: str) -> Problem:
    """The end of a move that broke off: the VM stays, and mostly the planned one does too."""
    world = context.world
    if trait(world, "leaves_planned"):
        planned.mover = None
        world.save(planned)
    else:
        world.remove(planned)
    context.keep()
    target = world.get(Host, planned.host)
    return Problem("migration-broken", **_about(context, vm, target.computer_name if target else ""), phase=phase)


def _hand_over(world: World, vm: Vm, made: Order) -> None:
    there = moving.switch_ids(world, made.target.name)
    plugs = {adapter.id: there[adapter.switch.lower()] for adapter in made.adapters if adapter.switch is not None}
    places = {} if made.folder is None else moving.new_paths(world, vm, made.folder)
    moving.relocate(world, vm, made.target, places, made.folder, plugs)


def move_storage(context: Context, vm: Vm, folder: str) -> Iterator[Output]:
    """Move the files of a VM below another folder of its host.

    Raises:
        Problem: The files cannot go there, or it broke off: all is where it was.
    """
    world = context.world
    about = {"name": vm.name, "id": vm.id.upper()}
    if vm.state not in _STATES or vm.merging:
        raise Problem("migration-state")
    if not paths.is_valid(folder):
        raise Problem("storage-move-path", **about, reason=f"The path '{folder}' cannot be found.")
    seconds = float(trait(world, "seconds"))
    for percent in (10, 60):
        context.sink.progress("Move-VMStorage", f"{vm.name}: copying storage", percent, seconds)
        yield Wait(world.now() + seconds)
        now = world.get(Vm, vm.id)
        if now is None or now.host != context.host.name:
            raise Problem("object-gone", kind="virtual machine")
        vm = now
        if trait(world, "fails_at") == "storage":
            raise Problem("storage-move-broken", **about, phase="storage")
    places = _changed(moving.new_paths(world, vm, folder))
    blocked = moving.obstacle(world, vm.host, places.values())
    if blocked:
        raise Problem("storage-move-path", **about, reason=blocked)
    moving.relocate(world, vm, context.host, places, folder, {})
    context.sink.progress("Move-VMStorage", f"{vm.name}: done", 100, 0)


def _changed(places: Mapping[str, str]) -> dict[str, str]:
    """The files that do not lie where they are to go already."""
    return {key: path for key, path in places.items() if paths.key(path) != key}
