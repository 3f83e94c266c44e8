from __future__ import annotations

from typing import Any

import pytest
from tests.support.simulated import CallFailed, SimulatedHost

pytestmark = pytest.mark.lab


def refused(lab: SimulatedHost, cmdlet: str, **parameters: Any) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        lab.call(cmdlet, **parameters)
    return caught.value


@pytest.mark.parametrize(
    ("parameters", "switch_type", "management", "adapters"),
    [
        ({"SwitchType": "Private"}, "Private", False, []),
        ({"SwitchType": "Internal"}, "Internal", False, []),
        ({"NetAdapterName": "ethernet"}, "External", True, ["Intel(R) Ethernet Controller X550"]),
        (
            {"NetAdapterName": "Ethernet", "AllowManagementOS": False},
            "External",
            False,
            ["Intel(R) Ethernet Controller X550"],
        ),
        (
            {"NetAdapterInterfaceDescription": "Intel(R) Ethernet Controller X550 #2"},
            "External",
            True,
            ["Intel(R) Ethernet Controller X550 #2"],
        ),
    ],
)
def test_new_switch(
    lab: SimulatedHost, parameters: dict[str, Any], switch_type: str, management: bool, adapters: list[str]
) -> None:
    names = ["Name", "SwitchType", "AllowManagementOS", "NetAdapterInterfaceDescriptions", "BandwidthReservationMode"]
    lab.call("New-VMSwitch", Name="lan", **parameters)
    assert lab.call("Get-VMSwitch", select=names) == [
        dict(zip(names, ["lan", switch_type, management, adapters, "Absolute"], strict=True))
    ]


def test_an_adapter_serves_one_switch(lab: SimulatedHost) -> None:
    lab.call("New-VMSwitch", Name="lan", NetAdapterName="Ethernet")
    assert refused(lab, "New-VMSwitch", Name="wan", NetAdapterName="Ethernet").id == "OperationFailed"
    assert refused(lab, "New-VMSwitch", Name="wan", NetAdapterName="Ethernet 3").id == "InvalidParameter"
    assert refused(lab, "New-VMSwitch", Name="wan", NetAdapterName=("Ethernet", "Ethernet 2")).id == "InvalidParameter"
    lab.call("New-VMSwitch", Name="wan", NetAdapterName="Ethernet 2")
    lab.call("Remove-VMSwitch", Name="lan", Force=True)
    lab.call("New-VMSwitch", Name="lan", NetAdapterName="Ethernet")


def test_finding_switches(lab: SimulatedHost) -> None:
    for name, kind in (("a", "Private"), ("b", "Internal"), ("a", "Internal")):
        lab.call("New-VMSwitch", Name=name, SwitchType=kind)
    assert len(lab.call("Get-VMSwitch", Name="A", select=["Id"])) == 2
    assert len(lab.call("Get-VMSwitch", SwitchType="Internal", select=["Id"])) == 2
    assert lab.call("Get-VMSwitch", Name="x*", select=["Id"]) == []
    first = lab.value("Get-VMSwitch", "Id", Name="b")
    assert lab.value("Get-VMSwitch", "Name", Id=first) == "b"
    error = refused(lab, "Get-VMSwitch", Name="x")
    assert (error.id, error.category, error.fields["target"]) == ("InvalidParameter", "InvalidArgument", "x")
    lab.new_vm()
    ambiguous = refused(lab, "Connect-VMNetworkAdapter", VMName="web1", SwitchName="a")
    assert ambiguous.id == "InvalidParameter"


def test_removing_a_switch_unplugs_adapters(lab: SimulatedHost) -> None:
    lab.call("New-VMSwitch", Name="lan", SwitchType="Private")
    lab.new_vm(SwitchName="lan")
    assert refused(lab, "Remove-VMSwitch", Name="lan").id == "InvalidOperation"
    lab.call("Remove-VMSwitch", Name="lan", Force=True)
    assert lab.call("Get-VMNetworkAdapter", VMName="web1", select=["Connected", "SwitchName", "SwitchId"]) == [
        {"Connected": False, "SwitchName": "", "SwitchId": None}
    ]
    assert refused(lab, "Remove-VMSwitch", Name="lan", Force=True).id == "ObjectNotFound"


def test_connecting(lab: SimulatedHost) -> None:
    lab.call("New-VMSwitch", Name="lan", SwitchType="Private")
    lab.new_vm()
    lab.call("Connect-VMNetworkAdapter", VMName="web1", SwitchName="lan")
    assert lab.value("Get-VMNetworkAdapter", "SwitchName", VMName="web1") == "lan"
    error = refused(lab, "Connect-VMNetworkAdapter", VMName="web1", SwitchName="nope")
    assert (error.id, error.category) == ("InvalidParameter", "InvalidArgument")
    assert refused(lab, "Connect-VMNetworkAdapter", VMName="web1", Name="nic2", SwitchName="lan").id == "ObjectNotFound"


def test_a_mac_address_is_given_at_the_first_start_and_stays(lab: SimulatedHost) -> None:
    lab.call("New-VMSwitch", Name="lan", SwitchType="Private")
    for name in ("a", "b"):
        lab.new_running_vm(name, SwitchName="lan")
    macs = [lab.value("Get-VMNetworkAdapter", "MacAddress", VMName=name) for name in ("a", "b")]
    assert macs == ["00155D01000A", "00155D01000B"]
    lab.call("Stop-VM", Name="a")
    lab.call("Start-VM", Name="a")
    assert lab.value("Get-VMNetworkAdapter", "MacAddress", VMName="a") == macs[0]


def test_addresses_are_there_while_a_connected_guest_runs(lab: SimulatedHost) -> None:
    lab.call("New-VMSwitch", Name="lan", SwitchType="Private")
    lab.new_running_vm("a", SwitchName="lan")
    lab.new_running_vm("b")
    addresses = lab.value("Get-VMNetworkAdapter", "IPAddresses", VMName="a")
    assert addresses == ["10.1.0.10", "fe80::215:5dff:fe01:a"]
    assert lab.value("Get-VMNetworkAdapter", "IPAddresses", VMName="b") == []
    lab.call("Stop-VM", Name="a")
    assert lab.call("Get-VMNetworkAdapter", VMName="a", select=["IPAddresses", "Status"]) == [
        {"IPAddresses": [], "Status": None}
    ]


VLAN = ["OperationMode", "AccessVlanId", "NativeVlanId", "AllowedVlanIdList", "PrivateVlanMode", "PrimaryVlanId"]


@pytest.mark.parametrize(
    ("parameters", "values"),
    [
        ({"Access": True, "VlanId": 7}, ["Access", 7, 0, [], None, 0]),
        ({"Untagged": True}, ["Untagged", 0, 0, [], None, 0]),
        (
            {"Trunk": True, "NativeVlanId": 1, "AllowedVlanIdList": "5-7,10"},
            ["Trunk", 0, 1, [5, 6, 7, 10], None, 0],
        ),
        ({"Isolated": True, "PrimaryVlanId": 3, "SecondaryVlanId": 4}, ["Private", 0, 0, [], "Isolated", 3]),
    ],
)
def test_vlan_modes(lab: SimulatedHost, parameters: dict[str, Any], values: list[Any]) -> None:
    lab.new_vm()
    lab.call("Set-VMNetworkAdapterVlan", VMName="web1", Access=True, VlanId=99)
    lab.call("Set-VMNetworkAdapterVlan", VMName="web1", **parameters)
    assert lab.call("Get-VMNetworkAdapterVlan", VMName="web1", select=VLAN) == [dict(zip(VLAN, values, strict=True))]


@pytest.mark.parametrize(
    "parameters",
    [
        {"Access": True},
        {"Access": True, "VlanId": 0},
        {"Access": True, "VlanId": 4095},
        {"Access": True, "VlanId": 5, "Trunk": True},
        {"Trunk": True, "NativeVlanId": 1},
        {"Trunk": True, "NativeVlanId": 1, "AllowedVlanIdList": "5-x"},
        {"Isolated": True, "PrimaryVlanId": 3},
        {"Promiscuous": True, "PrimaryVlanId": 3, "SecondaryVlanId": 3},
    ],
)
def test_what_vlan_settings_refuse(lab: SimulatedHost, parameters: dict[str, Any]) -> None:
    lab.new_vm()
    assert refused(lab, "Set-VMNetworkAdapterVlan", VMName="web1", **parameters).id == "InvalidParameter"
    assert lab.value("Get-VMNetworkAdapterVlan", "OperationMode", VMName="web1") == "Untagged"
