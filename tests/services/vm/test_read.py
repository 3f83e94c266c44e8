"""Lists, and what belongs to a machine put together."""

from __future__ import annotations

from typing import Any

import pytest

from hvctl.models.vm import VmSummary
from hvctl.powershell.batch import Batch, Call, Step
from hvctl.powershell.protocol import Frame
from hvctl.services.vm.read import VmSettings, VmState, assemble, detail_steps, plan_details, plan_list, states_step
from hvctl.transports.result import Result

pytestmark = pytest.mark.unit

COSTLY = {
    "SizeOfSystemFiles",
    "NumaAligned",
    "NetworkAdapters",
    "VMIntegrationService",
    "HardDrives",
    "ResourceMeteringEnabled",
    "IsClustered",
    "ParentSnapshotId",
    "ParentSnapshotName",
    "Groups",
}
"""Properties that cost the host a query a machine."""


def details(vm_id: str, **changes: Any) -> dict[str, Any]:
    record = {
        "Id": vm_id,
        "Name": f"vm {vm_id}",
        "State": "Off",
        "Generation": 2,
        "ProcessorCount": 1,
        "CPUUsage": 0,
        "MemoryAssigned": 0,
        "MemoryDemand": 0,
        "MemoryStartup": 1 << 30,
        "DynamicMemoryEnabled": False,
        "Uptime": 0,
        "Heartbeat": None,
        "Status": "Operating normally",
        "Version": "12.0",
        "CreationTime": "2025-01-01T00:00:00Z",
        "Notes": "",
        "Path": r"C:\VMs",
        "MemoryMinimum": 1 << 29,
        "MemoryMaximum": 1 << 40,
        "AutomaticStartAction": "Nothing",
        "AutomaticStartDelay": 0,
        "AutomaticStopAction": "Save",
        "CheckpointType": "Production",
        "AutomaticCheckpointsEnabled": False,
        "IsClustered": False,
    }
    return record | changes


def adapter(vm_id: str, number: int, **changes: Any) -> dict[str, Any]:
    record = {
        "VMId": vm_id,
        "Id": f"Microsoft:{vm_id}\\{number}",
        "Name": "Network Adapter",
        "SwitchName": "lan",
        "Connected": True,
        "MacAddress": "00155D010203",
        "DynamicMacAddressEnabled": True,
        "IsLegacy": False,
        "IPAddresses": [],
    }
    return record | changes


def drive(vm_id: str, path: str | None, **changes: Any) -> dict[str, Any]:
    record = {"VMId": vm_id, "ControllerType": "SCSI", "ControllerNumber": 0, "ControllerLocation": 0, "Path": path}
    return record | changes


def result(**records: list[dict[str, Any]]) -> Result:
    return Result(Frame("hello", "", 0, {}), ok=True, records=records)


def test_a_list_asks_once_and_only_for_what_is_cheap():
    for model in (VmSummary, VmState, VmSettings):
        (step,) = plan_list(model).steps
        assert step == Step("vms", Call("Get-VM"), select=model.properties())
        assert not COSTLY & set(step.select)


def test_states_of_some():
    assert states_step("after", ["a", "b"]) == Step(
        "after", Call("Get-VM"), select=("Id", "Name", "State"), where={"Id": ("a", "b")}
    )


def test_details_take_one_call_a_kind_of_thing_however_many_they_are():
    assert len(plan_details(["a"]).steps) == len(plan_details(list("abcdefgh")).steps) == 6


def test_details_go_on_where_a_kind_cannot_be_read():
    assert [step.on_error for step in detail_steps("vms")] == ["continue"] * 5
    assert not Batch(plan_details(["a"]).steps).changes


def test_everything_is_put_where_it_belongs():
    answer = result(
        vms=[details("a"), details("b", Generation=1)],
        adapters=[
            adapter("b", 1, IPAddresses=["10.0.0.2", "fe80::2"]),
            adapter("a", 1, IPAddresses=["10.0.0.1"]),
            adapter("a", 2, SwitchName="", Connected=False, IPAddresses=None),
        ],
        vlans=[
            {"ParentAdapter.Id": "Microsoft:a\\1", "OperationMode": "Access", "AccessVlanId": 7},
            {"ParentAdapter.Id": "Microsoft:a\\2", "OperationMode": "Untagged", "AccessVlanId": 0},
        ],
        disks=[drive("a", r"C:\a.vhdx"), drive("a", r"C:\b.vhdx", ControllerLocation=1)],
        dvds=[drive("b", None, ControllerType="IDE", ControllerNumber=1)],
        firmware=[
            {
                "VMId": "a",
                "SecureBoot": "On",
                "SecureBootTemplate": "MicrosoftWindows",
                "BootOrder.Description": ["EFI SCSI Device", "EFI Network", None],
                "BootOrder.Device.Path": [r"C:\a.vhdx", None, None],
            }
        ],
    )
    one, other = assemble("hv01", answer)
    assert [(each.id[-1], each.vlan_mode, each.vlan) for each in one.adapters] == [
        ("1", "Access", 7),
        ("2", "Untagged", None),
    ]
    assert one.addresses == ("10.0.0.1",)
    assert [disk.path for disk in one.disks] == [r"C:\a.vhdx", r"C:\b.vhdx"]
    assert one.dvds == ()
    assert (one.secure_boot, one.secure_boot_template) == ("On", "MicrosoftWindows")
    assert one.boot_order == (r"C:\a.vhdx", "EFI Network", "")
    assert other.addresses == ("10.0.0.2", "fe80::2")
    assert [(each.vlan_mode, each.vlan) for each in other.adapters] == [(None, None)]
    assert [(dvd.controller, dvd.number, dvd.path) for dvd in other.dvds] == [("IDE", 1, None)]
    assert (other.disks, other.secure_boot, other.boot_order) == ((), None, ())


def test_a_machine_alone_has_nothing():
    (machine,) = assemble("hv01", result(vms=[details("a")]))
    assert (machine.adapters, machine.disks, machine.dvds, machine.addresses) == ((), (), (), ())


def test_firmware_without_a_boot_order():
    firmware = {"VMId": "a", "SecureBoot": None, "SecureBootTemplate": None}
    order = {"BootOrder.Description": None, "BootOrder.Device.Path": []}
    (machine,) = assemble("hv01", result(vms=[details("a")], firmware=[firmware | order]))
    assert machine.boot_order == ()


def test_the_step_that_holds_them_may_have_another_name():
    (machine,) = assemble("hv01", result(details=[details("a")], disks=[drive("a", "x")]), "details")
    assert machine.disks[0].path == "x"
