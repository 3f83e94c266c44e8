"""Get-VMSwitch, New-VMSwitch and Remove-VMSwitch."""

from __future__ import annotations

from collections.abc import Iterator

from hvctl.lab import lookup
from hvctl.lab.context import Args, Context, Handlers, Output, simulates
from hvctl.lab.entities import Adapter, Nic, Switch
from hvctl.lab.kinds.network import SWITCH
from hvctl.lab.live import Live, lives
from hvctl.lab.problems import Problem

HANDLERS: Handlers = {}


@simulates(HANDLERS, "Get-VMSwitch", SWITCH, "Name Id SwitchType")
def get_switch(context: Context, args: Args) -> Iterator[Output]:
    """The switches of the host, by name, pattern, id or type."""
    world = context.world
    if args.get("Name") is not None:
        found = list(lookup.switches(context, [args["Name"]], "switch-missing-get"))
    else:
        found = world.find(Switch, host=context.host.name)
    if args.get("Id") is not None:
        found = [switch for switch in found if switch.id in args["Id"]]
    if args.get("SwitchType") is not None:
        found = [switch for switch in found if switch.type in args["SwitchType"]]
    yield from lives(world, SWITCH, found)


@simulates(
    HANDLERS,
    "New-VMSwitch",
    SWITCH,
    "Name SwitchType NetAdapterName NetAdapterInterfaceDescription AllowManagementOS Notes MinimumBandwidthMode",
)
def new_switch(context: Context, args: Args) -> Iterator[Output]:
    """Create a switch: private, internal, or external on a network adapter that no other switch has."""
    world = context.world
    adapter = _adapter(context, args)
    switch = Switch(
        id=world.new_id("switch"),
        host=context.host.name,
        name=args["Name"],
        notes=args.get("Notes") or "",
        adapter=adapter.id if adapter else None,
        management=args.get("AllowManagementOS", True) if adapter else args["SwitchType"] == "Internal",
        bandwidth_mode=args.get("MinimumBandwidthMode") or "Absolute",
        created=world.now(),
    )
    world.add(switch)
    yield Live(world, SWITCH, switch)


def _adapter(context: Context, args: Args) -> Adapter | None:
    if "NetAdapterName" in args:
        names, attribute, what = args["NetAdapterName"], "name", "name"
    elif "NetAdapterInterfaceDescription" in args:
        names, attribute, what = args["NetAdapterInterfaceDescription"], "description", "interface description"
    else:
        return None
    if len(names) > 1:
        raise Problem("switch-teaming")
    world = context.world
    adapters = world.find(Adapter, host=context.host.name)
    found = [each for each in adapters if getattr(each, attribute).lower() == names[0].lower()]
    if not found:
        raise Problem("switch-adapter-missing", what=what, name=names[0])
    if any(switch.adapter == found[0].id for switch in world.find(Switch, host=context.host.name)):
        raise Problem("switch-adapter-taken", name=found[0].description)
    return found[0]


@simulates(HANDLERS, "Remove-VMSwitch", SWITCH, "Name VMSwitch Force")
def remove_switch(context: Context, args: Args) -> Iterator[Output]:
    """Delete switches; adapters that were connected to them are left unconnected."""

    def remove(switch: Switch) -> Iterator[Output]:
        if not args.get("Force"):
            raise Problem("prompt")
        for nic in context.world.find(Nic, host=switch.host):
            if nic.switch == switch.id:
                nic.switch = None
                context.world.save(nic)
        context.world.remove(switch)
        yield from ()

    yield from context.each(_switches(context, args), remove)


def _switches(context: Context, args: Args) -> Iterator[Switch]:
    if "VMSwitch" not in args:
        yield from lookup.switches(context, args["Name"], "switch-missing")
        return
    for live in args["VMSwitch"]:
        switch = context.world.get(Switch, live.entity.id)
        if switch is None:
            context.fail(Problem("object-gone", kind="virtual switch"))
        else:
            yield switch
