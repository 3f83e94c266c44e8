from __future__ import annotations

import json
from importlib import resources

import pytest
from tests.support.simulated import SimulatedHost
from tests.support.two_hosts import configure

from hvctl.lab import cmdlets
from hvctl.lab.coverage import coverage
from hvctl.lab.problems import CATEGORIES, SITUATIONS, cmdlet_class
from hvctl.powershell.batch import Call, Step
from hvctl.powershell.cmdlets import CMDLETS, STORAGE

pytestmark = pytest.mark.lab
ROWS = {row["cmdlet"]: row for row in coverage()}


def test_every_cmdlet_of_the_reference_has_a_row() -> None:
    documented = {"hyper-v.json": 226, "hyper-v-unlisted.json": 14, "storage.json": 44}
    for file, count in documented.items():
        text = resources.files("hvctl.lab").joinpath("contract", file).read_text("utf-8")
        names = [name for name, entry in json.loads(text)["cmdlets"].items() if "parameter_sets" in entry]
        assert (file, len(names)) == (file, count)
        assert set(names) <= set(ROWS)
    assert {name for name, row in ROWS.items() if row["simulated"]} == set(CMDLETS)


def test_a_row_tells_what_is_simulated() -> None:
    row = ROWS["Start-VM"]
    assert row["parameters"] == ["Confirm", "Name", "Passthru", "VM"]
    assert row["missing"] == ["AsJob", "CimSession", "ComputerName", "Credential", "WhatIf"]
    assert {"Id", "State", "Uptime"} <= set(row["properties"])
    empty = ROWS["Measure-VM"]
    assert (empty["simulated"], empty["parameters"], empty["properties"]) == (False, [], [])
    assert "Name" in empty["missing"]


@pytest.mark.parametrize("cmdlet", sorted(cmdlets.AREAS))
def test_every_simulated_property_can_be_read(lab: SimulatedHost, cmdlet: str) -> None:
    lab.call("New-VMSwitch", Name="lan", NetAdapterName="Ethernet")
    lab.new_running_vm("web1", SwitchName="lan")
    lab.call("Add-VMDvdDrive", VMName="web1", Path=r"C:\ISO\ubuntu.iso")
    lab.call("Checkpoint-VM", Name="web1")
    configure(lab.path, migration_networks={"hv01": ["10.0.0.0/24"]})
    if not cmdlet.startswith("Get-") or CMDLETS[cmdlet].module == STORAGE:
        return
    parameters = {
        "Get-VMHost": {},
        "Get-VM": {},
        "Get-VMSwitch": {},
        "Get-ChildItem": {"LiteralPath": r"C:\ISO\ubuntu.iso"},
        "Get-VHD": {"Path": r"C:\VMs\web1.vhdx"},
        "Get-CimInstance": {
            "Namespace": "root/virtualization/v2",
            "ClassName": "Msvm_VirtualSystemManagementService",
        },
        "Get-VMMigrationNetwork": {},
    }.get(cmdlet, {"VMName": "web1"})
    names = tuple(ROWS[cmdlet]["properties"])
    answer = lab.run(Step("x", Call(cmdlet, parameters), select=names))
    assert answer.error_ids == []
    assert [tuple(record) for record in answer.records("x")] == [names]


@pytest.mark.parametrize(
    ("cmdlet", "name"),
    [
        ("Get-VM", "Microsoft.HyperV.PowerShell.Commands.GetVM"),
        ("New-VHD", "Microsoft.Vhd.PowerShell.Cmdlets.NewVhd"),
        ("Get-VHD", "Microsoft.Vhd.PowerShell.Cmdlets.GetVHD"),
        ("Remove-Item", "Microsoft.PowerShell.Commands.RemoveItemCommand"),
    ],
)
def test_the_class_in_an_error_id(cmdlet: str, name: str) -> None:
    assert cmdlet_class(cmdlet) == name


def test_every_error_id_has_a_category() -> None:
    assert {situation.id for situation in SITUATIONS.values()} <= CATEGORIES.keys()
