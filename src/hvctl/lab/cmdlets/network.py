"""Network adapters of VMs: Get-, Connect- and the VLAN cmdlets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hvctl.lab import lookup
from hvctl.lab.context import Args, Context, Handlers, Output, simulates
from hvctl.lab.entities import Nic, Switch
from hvctl.lab.kinds.migration import PLANNED_ADAPTER, PLANNED_VM
from hvctl.lab.kinds.network import NETWORK_ADAPTER, VLAN_SETTING
from hvctl.lab.live import Live, lives
from hvctl.lab.problems import Problem

HANDLERS: Handlers = {}
_MODES = ("Untagged", "Access", "Trunk", "Isolated", "Community", "Promiscuous")
_HIGHEST = 4094
_NEEDS = {
    "Untagged": (),
    "Access": ("VlanId",),
    "Trunk": ("AllowedVlanIdList", "NativeVlanId"),
    "Isolated": ("PrimaryVlanId", "SecondaryVlanId"),
    "Community": ("PrimaryVlanId", "SecondaryVlanId"),
    "Promiscuous": ("PrimaryVlanId", "SecondaryVlanIdList"),
}


@simulates(HANDLERS, "Get-VMNetworkAdapter", NETWORK_ADAPTER, "VMName VM Name IsLegacy")
def get_adapter(context: Context, args: Args) -> Iterator[Output]:
    """The network adapters of VMs, by name or pattern; those of a planned VM are as they are going to be."""
    planned = [live for live in args.get("VM") or () if live.kind is PLANNED_VM]
    for live in planned:
        yield from live.get("NetworkAdapters")
    if planned:
        return
    for nic in _of_vms(context, args, args.get("Name")):
        if args.get("IsLegacy") in (None, nic.legacy):
            yield Live(context.world, NETWORK_ADAPTER, nic)


def _of_vms(context: Context, args: Args, name: str | None) -> Iterator[Nic]:
    by_vm: dict[str, list[Nic]] = {}
    for nic in context.world.find(Nic, host=context.host.name):
        by_vm.setdefault(nic.vm, []).append(nic)
    for vm in lookup.vms(context, args):
        own = by_vm.get(vm.id, [])
        found = [nic for nic in own if name is None or lookup.matches(name, nic.name)]
        if not found and name is not None and not lookup.has_wildcards(name):
            context.fail(Problem("adapter-missing", name=name))
        yield from found


def _adapters(context: Context, args: Args, names: list[str] | None) -> Iterator[Nic]:
    if "VMNetworkAdapter" not in args:
        every: list[str | None] = [None]
        for name in names or every:
            yield from _of_vms(context, args, name)
        return
    for live in args["VMNetworkAdapter"]:
        nic = context.world.get(Nic, live.entity.id)
        if nic is None:
            context.fail(Problem("object-gone", kind="network adapter"))
        else:
            yield nic


@simulates(
    HANDLERS,
    "Connect-VMNetworkAdapter",
    NETWORK_ADAPTER,
    "VMName Name VMNetworkAdapter SwitchName VMSwitch Passthru",
)
def connect_adapter(context: Context, args: Args) -> Iterator[Output]:
    """Plug network adapters into a switch, whatever they were plugged into before."""
    planned = [live for live in args.get("VMNetworkAdapter") or () if live.kind is PLANNED_ADAPTER]
    if planned:
        for live in planned:
            live.entity.switch = args["SwitchName"]
        return
    switch = _switch(context, args)

    def connect(nic: Nic) -> Iterator[Output]:
        nic.switch = switch.id
        context.world.save(nic)
        if args.get("Passthru"):
            yield Live(context.world, NETWORK_ADAPTER, nic)

    yield from context.each(_adapters(context, args, args.get("Name")), connect)


def _switch(context: Context, args: Args) -> Switch:
    if "VMSwitch" not in args:
        return lookup.one_switch(context, args["SwitchName"], "switch-missing-connect")
    switch = context.world.get(Switch, args["VMSwitch"].entity.id)
    if switch is None:
        raise Problem("object-gone", kind="virtual switch")
    return switch


@simulates(HANDLERS, "Get-VMNetworkAdapterVlan", VLAN_SETTING, "VMName VM VMNetworkAdapter VMNetworkAdapterName")
def get_vlan(context: Context, args: Args) -> Iterator[Output]:
    """The VLAN settings of network adapters."""
    yield from lives(context.world, VLAN_SETTING, _adapters(context, args, _names(args)))


def _names(args: Args) -> list[str] | None:
    name = args.get("VMNetworkAdapterName")
    return None if name is None else [name]


@simulates(
    HANDLERS,
    "Set-VMNetworkAdapterVlan",
    VLAN_SETTING,
    "VMName VM VMNetworkAdapter VMNetworkAdapterName VlanId NativeVlanId AllowedVlanIdList PrimaryVlanId"
    " SecondaryVlanId SecondaryVlanIdList Passthru " + " ".join(_MODES),
)
def set_vlan(context: Context, args: Args) -> Iterator[Output]:
    """Put network adapters into a VLAN mode; the modes exclude one another and each needs its ids."""
    modes = [mode for mode in _MODES if args.get(mode)]
    if len(modes) > 1:
        raise Problem("vlan-modes")
    mode = modes[0] if modes else "Access"
    missing = [name for name in _NEEDS[mode] if args.get(name) is None]
    if missing:
        raise Problem("vlan-needs", mode=mode, needs=" and ".join(f"-{name}" for name in missing))

    def change(nic: Nic) -> Iterator[Output]:
        _apply(nic, mode, args)
        context.world.save(nic)
        if args.get("Passthru"):
            yield Live(context.world, VLAN_SETTING, nic)

    yield from context.each(_adapters(context, args, _names(args)), change)


def _apply(nic: Nic, mode: str, args: Args) -> None:
    private = mode in ("Isolated", "Community", "Promiscuous")
    nic.vlan_mode = "Private" if private else mode
    nic.private_vlan_mode = mode if private else None
    nic.vlan = _id(args, "VlanId") if mode == "Access" else 0
    nic.native_vlan = _native(args) if mode == "Trunk" else 0
    nic.allowed_vlans = _list(args, "AllowedVlanIdList") if mode == "Trunk" else []
    nic.primary_vlan = _id(args, "PrimaryVlanId") if private else 0
    nic.secondary_vlan = _id(args, "SecondaryVlanId") if mode in ("Isolated", "Community") else 0
    nic.secondary_vlans = _list(args, "SecondaryVlanIdList") if mode == "Promiscuous" else []


def _id(args: Args, name: str) -> int:
    return _checked(args[name])


def _native(args: Args) -> int:
    """The native VLAN of a trunk, which may be 0: none."""
    native: int = args["NativeVlanId"]
    return native if native == 0 else _checked(native)


def _checked(vlan: int) -> int:
    if not 1 <= vlan <= _HIGHEST:
        raise Problem("vlan-range", vlan=vlan)
    return vlan


def _list(args: Args, name: str) -> list[int]:
    """VLAN ids from text such as 1-10,20."""
    ids: set[int] = set()
    for part in args[name].split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if match is None:
            raise Problem("vlan-range", vlan=part.strip())
        first = _checked(int(match[1]))
        ids.update(range(first, _checked(int(match[2] or first)) + 1))
    return sorted(ids)
