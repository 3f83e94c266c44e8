"""Switches, network adapters and their VLAN settings as live objects."""

from __future__ import annotations

from hvctl.lab import guests
from hvctl.lab.entities import Adapter, Nic, Switch, Vm
from hvctl.lab.live import Kind, Live, Property, constants, fields, table
from hvctl.lab.world import World


def switch_of(world: World, nic: Nic) -> Switch | None:
    """The switch that an adapter is plugged into, if it still exists."""
    return world.get(Switch, nic.switch) if nic.switch else None


def vm_of(live: Live) -> Vm | None:
    """The VM that an adapter belongs to."""
    return live.world.get(Vm, live.entity.vm)


def _addresses(live: Live) -> list[str]:
    vm = vm_of(live)
    return guests.addresses(live.world, vm, live.entity) if vm else []


def _status(live: Live) -> list[str] | None:
    vm = vm_of(live)
    if vm is None or vm.state == "Off":
        return None
    return ["Ok"] if guests.answers(live.world, vm) else ["NoContact"]


def _switch_name(live: Live) -> str:
    switch = switch_of(live.world, live.entity)
    return switch.name if switch else ""


def _switch_id(live: Live) -> str | None:
    switch = switch_of(live.world, live.entity)
    return switch.id if switch else None


def _vm_name(live: Live) -> str | None:
    vm = vm_of(live)
    return vm.name if vm else None


def _wire_id(live: Live) -> str:
    return f"Microsoft:{live.entity.vm.upper()}\\{live.entity.id.upper()}"


def _reload(world: World, nic: Nic) -> Nic | None:
    return world.get(Nic, nic.id)


_PARENT = Kind(
    "VMNetworkAdapter",
    table(fields(Name="name", VMId="vm", MacAddress="mac"), {"Id": _wire_id, "VMName": _vm_name}),
    text=lambda live: f"VMNetworkAdapter (Name = '{live.entity.name}')",
    reload=_reload,
)
VLAN_SETTING = Kind(
    "VMNetworkAdapterVlanSetting",
    table(
        fields(
            OperationMode="vlan_mode",
            AccessVlanId="vlan",
            NativeVlanId="native_vlan",
            AllowedVlanIdList="allowed_vlans",
            PrimaryVlanId="primary_vlan",
            SecondaryVlanId="secondary_vlan",
            SecondaryVlanIdList="secondary_vlans",
            VMId="vm",
        ),
        {
            "ParentAdapter": Property(lambda live: Live(live.world, _PARENT, live.entity), _PARENT),
            "PrivateVlanMode": lambda live: live.entity.private_vlan_mode,
            "VMName": _vm_name,
            "ComputerName": lambda live: live.entity.host.upper(),
        },
    ),
    text=lambda live: f"VMNetworkAdapterVlanSetting (OperationMode = '{live.entity.vlan_mode}')",
    reload=_reload,
)
NETWORK_ADAPTER = Kind(
    "VMNetworkAdapter",
    table(
        fields(
            Name="name",
            VMId="vm",
            MacAddress="mac",
            DynamicMacAddressEnabled="dynamic_mac",
            IsLegacy="legacy",
        ),
        constants(
            IsManagementOs=False,
            IsDeleted=False,
            MacAddressSpoofing="Off",
            DhcpGuard="Off",
            RouterGuard="Off",
            AllowTeaming="Off",
            PortMirroringMode="None",
            ClusterMonitored=True,
            VirtualSubnetId=0,
            VMSnapshotName=None,
        ),
        {
            "Id": _wire_id,
            "VMName": _vm_name,
            "ComputerName": lambda live: live.entity.host.upper(),
            "IsSynthetic": lambda live: not live.entity.legacy,
            "SwitchName": _switch_name,
            "SwitchId": _switch_id,
            "Connected": lambda live: switch_of(live.world, live.entity) is not None,
            "IPAddresses": _addresses,
            "Status": _status,
            "VlanSetting": Property(lambda live: Live(live.world, VLAN_SETTING, live.entity), VLAN_SETTING),
        },
    ),
    text=lambda live: f"VMNetworkAdapter (Name = '{live.entity.name}')",
    reload=_reload,
    bases=("VMNetworkAdapterBase", "VMComponentObject"),
)


def _adapter(live: Live) -> Adapter | None:
    return live.world.get(Adapter, live.entity.adapter) if live.entity.adapter else None


def _description(live: Live) -> str | None:
    adapter = _adapter(live)
    return adapter.description if adapter else None


def _listed(value: str | None) -> list[str]:
    return [] if value is None else [value]


SWITCH = Kind(
    "VMSwitch",
    table(
        fields(
            Name="name",
            Id="id",
            Notes="notes",
            SwitchType="type",
            BandwidthReservationMode="bandwidth_mode",
            IovEnabled="iov",
            PacketDirectEnabled="packet_direct",
        ),
        constants(EmbeddedTeamingEnabled=False, IsDeleted=False),
        {
            "AllowManagementOS": lambda live: live.entity.adapter is not None and live.entity.management,
            "ComputerName": lambda live: live.entity.host.upper(),
            "NetAdapterInterfaceDescription": _description,
            "NetAdapterInterfaceDescriptions": lambda live: _listed(_description(live)),
            "NetAdapterInterfaceGuid": lambda live: _listed(live.entity.adapter),
        },
    ),
    text=lambda live: f"VMSwitch (Name = '{live.entity.name}') [Id = '{live.entity.id}']",
    reload=lambda world, switch: world.get(Switch, switch.id),
)
