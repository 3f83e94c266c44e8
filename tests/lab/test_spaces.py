"""The Storage module's cmdlets on the lab: their rules, and how they fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.simulated import CallFailed, SimulatedHost
from tests.support.spaces import break_disks

from hvctl.lab import allocation
from hvctl.lab.coverage import coverage
from hvctl.lab.entities import GIB
from hvctl.powershell.batch import Call, Ref, Step
from hvctl.powershell.cmdlets import CMDLETS, STORAGE

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[2]
EMPTY = {"EnclosureNumber", "SlotNumber", "PhysicalLocation", "MediaType", "OfflineReason"}
"""What the disks of the lab have nothing for."""


def pooled(lab: SimulatedHost, *numbers: str, name: str = "data") -> None:
    """A pool of these disks."""
    disks = tuple(Ref("disks", where={"DeviceId": number}) for number in numbers)
    new = {"StorageSubSystemFriendlyName": ("Windows*",), "FriendlyName": name, "PhysicalDisks": disks}
    answer = lab.run(Step("disks", Call("Get-PhysicalDisk")), Step("pool", Call("New-StoragePool", new)))
    if answer.errors:
        raise CallFailed(answer.errors[0].fields)


def space(lab: SimulatedHost, **parameters: object) -> dict[str, object]:
    """A virtual disk in the pool `data`."""
    given = {"StoragePoolFriendlyName": ("data",), "FriendlyName": "space", "Size": 10 * GIB, **parameters}
    select = ["FootprintOnPool", "NumberOfColumns", "ResiliencySettingName", "Size", "NumberOfDataCopies"]
    return lab.call("New-VirtualDisk", select=select, **given)[0]  # type: ignore[arg-type]


def below(lab: SimulatedHost) -> list[str]:
    """The serial numbers of the disks below the one virtual disk."""
    disks = Step("disks", Call("Get-PhysicalDisk", {"VirtualDisk": Ref("space")}), select=("SerialNumber",))
    answer = lab.run(Step("space", Call("Get-VirtualDisk")), disks)
    return sorted(record["SerialNumber"] for record in answer.records("disks"))


def test_every_host_has_a_primordial_pool_and_eight_disks_that_can_be_pooled(lab):
    assert lab.call("Get-StoragePool", select=["FriendlyName", "IsPrimordial"]) == [
        {"FriendlyName": "Primordial", "IsPrimordial": True}
    ]
    assert len(lab.call("Get-PhysicalDisk", select=["DeviceId"], CanPool=True)) == 8
    assert lab.value("Get-PhysicalDisk", "CannotPoolReason", CanPool=False) == "Insufficient Capacity"
    assert lab.value("Get-Volume", "DriveLetter") == "C"
    assert lab.value("Get-StorageSubSystem", "FriendlyName") == "Windows Storage on HV01"


def test_what_is_in_a_pool_is_in_no_other(lab):
    pooled(lab, "1", "2")
    with pytest.raises(CallFailed) as caught:
        pooled(lab, "2", "3", name="second")
    assert caught.value.fields["error_id"] == "StorageWMI 51000,New-StoragePool"
    assert len(lab.call("Get-StoragePool", select=["FriendlyName"], IsPrimordial=(False,))) == 1
    assert len(lab.call("Get-PhysicalDisk", select=["DeviceId"], CanPool=True)) == 6


def test_the_host_itself_lets_two_pools_have_one_name(lab):
    pooled(lab, "1")
    pooled(lab, "2")
    assert len(lab.call("Get-StoragePool", select=["FriendlyName"], FriendlyName=("data",))) == 2


@pytest.mark.parametrize(
    ("parameters", "disks", "footprint", "columns"),
    [
        ({}, "12", 22 * GIB, 1),
        ({"PhysicalDiskRedundancy": 1}, "1234", 22 * GIB, 2),
        ({"ResiliencySettingName": "Parity"}, "123", 17 * GIB, 3),
        ({"ResiliencySettingName": "Mirror", "NumberOfDataCopies": 3}, "12345", 32 * GIB, 1),
        ({"ResiliencySettingName": "Simple", "NumberOfColumns": 1}, "1", 10 * GIB, 1),
        ({"ResiliencySettingName": "Simple", "Size": 16 * GIB}, "12345678", 16 * GIB, 8),
    ],
)
def test_footprints(lab, parameters, disks, footprint, columns):
    pooled(lab, *disks)
    made = space(lab, **parameters)
    assert (made["FootprintOnPool"], made["NumberOfColumns"]) == (footprint, columns)


@pytest.mark.parametrize(
    ("disks", "parameters", "error"),
    [
        ("1", {}, "StorageWMI 1"),
        ("1234", {"PhysicalDiskRedundancy": 2}, "StorageWMI 1"),
        ("12", {"ResiliencySettingName": "Parity"}, "StorageWMI 1"),
        ("123456", {"ResiliencySettingName": "Parity", "PhysicalDiskRedundancy": 2}, "StorageWMI 1"),
        ("12", {"Size": 2000 * GIB}, "StorageWMI 1"),
        ("12", {"NumberOfColumns": 2}, "StorageWMI 1"),
        ("12", {"ResiliencySettingName": "Raid"}, "StorageWMI 49000"),
        ("12", {"Size": 1}, "StorageWMI 4097"),
        ("12", {"UseMaximumSize": True}, "StorageWMI 40005"),
        ("12", {"PhysicalDiskRedundancy": 3}, "StorageWMI 49002"),
        ("12", {"StoragePoolFriendlyName": ("Primordial",)}, "StorageWMI 48000"),
        ("12", {"StoragePoolFriendlyName": ("nope",)}, "CmdletizationQuery_NotFound_FriendlyName"),
        (
            "1234567",
            {"ResiliencySettingName": "Parity", "PhysicalDiskRedundancy": 2, "ProvisioningType": "Thin"},
            "StorageWMI 47001",
        ),
    ],
)
def test_what_a_pool_refuses(lab, disks, parameters, error):
    pooled(lab, *disks)
    given = {"FriendlyName": "space", "StoragePoolFriendlyName": ("data",), "Size": 10 * GIB, **parameters}
    with pytest.raises(CallFailed) as caught:
        lab.call("New-VirtualDisk", select=["Size"], **given)
    assert caught.value.id == error
    assert lab.call("Get-VirtualDisk", select=["FriendlyName"]) == []


@pytest.mark.parametrize(
    ("cmdlet", "parameters", "property_"),
    [
        ("Get-StoragePool", {"FriendlyName": ("x",)}, "FriendlyName"),
        ("Get-VirtualDisk", {"UniqueId": ("x",)}, "UniqueId"),
        ("Get-Disk", {"Number": (77,)}, "Number"),
        ("Get-Volume", {"DriveLetter": ("X",)}, "DriveLetter"),
        ("Get-Partition", {"DriveLetter": ("X",)}, "DriveLetter"),
    ],
)
def test_nothing_found_is_an_error_of_the_query(lab, cmdlet, parameters, property_):
    with pytest.raises(CallFailed) as caught:
        lab.call(cmdlet, **parameters)
    assert caught.value.fields["error_id"] == f"CmdletizationQuery_NotFound_{property_},{cmdlet}"
    assert caught.value.category == "ObjectNotFound"
    assert f"property '{property_}' equal to" in caught.value.fields["message"]


def test_a_pattern_that_matches_nothing_is_no_error(lab):
    assert lab.call("Get-StoragePool", select=["FriendlyName"], FriendlyName=("x*",)) == []


def test_an_object_of_another_class_is_refused(lab):
    wrong = Call("Get-VirtualDisk", {"StoragePool": Ref("disks", where={"DeviceId": "1"})})
    answer = lab.run(Step("disks", Call("Get-PhysicalDisk")), Step("wrong", wrong))
    assert answer.error_ids == ["MismatchedPSTypeName"]


@pytest.mark.parametrize(
    ("cmdlet", "parameters"),
    [
        ("Remove-StoragePool", {"FriendlyName": ("data",)}),
        ("Remove-VirtualDisk", {"FriendlyName": ("space",)}),
        ("Format-Volume", {"DriveLetter": ("C",)}),
        ("Remove-Partition", {"DriveLetter": ("C",)}),
    ],
)
def test_what_would_ask_fails_where_nobody_can_answer(lab, cmdlet, parameters):
    pooled(lab, "1", "2")
    space(lab)
    with pytest.raises(CallFailed) as caught:
        lab.call(cmdlet, **parameters)
    assert caught.value.id == "InvalidOperation"


def test_a_pool_with_virtual_disks_stays(lab):
    pooled(lab, "1", "2")
    space(lab)
    with pytest.raises(CallFailed) as caught:
        lab.call("Remove-StoragePool", FriendlyName=("data",), Confirm=False)
    assert caught.value.fields["error_id"] == "StorageWMI 48008,Remove-StoragePool"
    lab.call("Remove-VirtualDisk", FriendlyName=("space",), Confirm=False)
    lab.call("Remove-StoragePool", FriendlyName=("data",), Confirm=False)
    assert len(lab.call("Get-PhysicalDisk", select=["DeviceId"], CanPool=True)) == 8


def test_the_life_of_a_volume(lab):
    pooled(lab, "1", "2")
    space(lab)
    number = lab.value("Get-Disk", "Number", FriendlyName=("space",))
    with pytest.raises(CallFailed) as caught:
        lab.call("New-Partition", DiskNumber=(number,), UseMaximumSize=True, DriveLetter="D")
    assert caught.value.id == "StorageWMI 41000"
    lab.call("Initialize-Disk", Number=(number,), PartitionStyle="GPT", Confirm=False)
    with pytest.raises(CallFailed) as caught:
        lab.call("Initialize-Disk", Number=(number,), PartitionStyle="GPT", Confirm=False)
    assert caught.value.fields["error_id"] == "StorageWMI 41001,Initialize-Disk"
    with pytest.raises(CallFailed) as caught:
        lab.call("New-Partition", DiskNumber=(number,), UseMaximumSize=True, DriveLetter="C")
    assert caught.value.id == "StorageWMI 42002"
    lab.call("New-Partition", DiskNumber=(number,), UseMaximumSize=True, DriveLetter="D")
    assert lab.value("Test-Path", ".", LiteralPath="D:\\") is False
    lab.call("Format-Volume", DriveLetter=("D",), FileSystem="ReFS", Confirm=False)
    assert lab.value("Test-Path", ".", LiteralPath="D:\\") is True
    assert lab.new_disk(r"D:\disk.vhdx") == r"D:\disk.vhdx"
    lab.call("Format-Volume", DriveLetter=("D",), Confirm=False)
    assert lab.value("Test-Path", ".", LiteralPath=r"D:\disk.vhdx") is False
    lab.call("Remove-VirtualDisk", FriendlyName=("space",), Confirm=False)
    assert lab.value("Test-Path", ".", LiteralPath="D:\\") is False
    assert lab.value("Get-Volume", "DriveLetter") == "C"


def test_windows_has_no_disk_for_a_virtual_disk_that_is_detached(lab):
    pooled(lab, "1", "2", "3")
    space(lab)
    select = ["Number", "OperationalStatus", "OfflineReason"]
    assert lab.call("Get-Disk", select=select, FriendlyName=("space",))[0]["OperationalStatus"] == "Online"
    break_disks(lab.path, {"LAB0101": "failed", "LAB0102": "failed"})
    seen = lab.call("Get-Disk", select=select, FriendlyName=("space",))
    assert [(each["OperationalStatus"], each["OfflineReason"]) for each in seen] == [("Offline", None)]
    with pytest.raises(CallFailed) as caught:
        lab.call("Initialize-Disk", Number=(seen[0]["Number"],), Confirm=False)
    assert caught.value.id == "StorageWMI 41003"
    break_disks(lab.path, {"LAB0101": "lost", "LAB0102": "lost"})
    assert [each["Number"] for each in lab.call("Get-Disk", select=select) if each["Number"] == seen[0]["Number"]] == []
    assert lab.value("Get-VirtualDisk", "DetachedReason") == "Majority Disks Unhealthy"


def test_a_retired_disk_takes_no_new_data_and_a_repair_empties_it(lab):
    pooled(lab, "1", "2", "3")
    break_disks(lab.path, {"LAB0103": "retired"})
    assert lab.value("Get-PhysicalDisk", "Usage", SerialNumber="LAB0103") == "Retired"
    space(lab)
    assert below(lab) == ["LAB0101", "LAB0102"]
    break_disks(lab.path, {"LAB0101": "retired"})
    assert lab.value("Get-VirtualDisk", "HealthStatus") == "Healthy"
    lab.call("Repair-VirtualDisk", FriendlyName=("space",), Confirm=False)
    assert lab.value("Get-VirtualDisk", "OperationalStatus") == "In Service"
    for _ in range(5):
        lab.call("Get-StorageJob", select=["JobState"])
    assert below(lab) == ["LAB0102", "LAB0103"]


def test_a_disk_that_will_fail_goes_on_taking_data(lab):
    pooled(lab, "1", "2")
    break_disks(lab.path, {"LAB0101": "predictive-failure"})
    assert space(lab)["FootprintOnPool"] == 22 * GIB
    lab.call("Repair-VirtualDisk", FriendlyName=("space",), Confirm=False)
    assert lab.call("Get-StorageJob", select=["Name"]) == []


def test_the_disk_of_windows_is_left_alone(lab):
    with pytest.raises(CallFailed) as caught:
        lab.call("Format-Volume", DriveLetter=("C",), Confirm=False)
    assert caught.value.id == "StorageWMI 5"
    assert lab.value("Test-Path", ".", LiteralPath="C:\\VMs") is True


def test_resizing(lab):
    pooled(lab, "1", "2")
    space(lab)
    lab.call("Resize-VirtualDisk", FriendlyName=("space",), Size=20 * GIB)
    assert lab.value("Get-VirtualDisk", "FootprintOnPool") == 42 * GIB
    for size, error in ((GIB, "StorageWMI 4097"), (9000 * GIB, "StorageWMI 40000")):
        with pytest.raises(CallFailed) as caught:
            lab.call("Resize-VirtualDisk", FriendlyName=("space",), Size=size)
        assert caught.value.id == error


def test_the_supported_size_is_what_can_be_made(lab):
    pooled(lab, "1", "2", "5")
    for setting in ("Simple", "Mirror", "Parity"):
        pool = {"StoragePoolFriendlyName": ("data",), "ResiliencySettingName": setting}
        most = lab.value("Get-VirtualDiskSupportedSize", "VirtualDiskSizeMax", **pool)
        made = space(lab, ResiliencySettingName=setting, Size=most)
        assert made["Size"] == most
        lab.call("Remove-VirtualDisk", FriendlyName=("space",), Confirm=False)
        with pytest.raises(CallFailed):
            space(lab, ResiliencySettingName=setting, Size=most + 8 * GIB)


@pytest.mark.parametrize("resiliency", ["Simple", "Mirror", "Parity"])
@pytest.mark.parametrize("sizes", [(8, 8, 8), (3, 8, 20), (1, 1, 50), (10, 10, 10, 10, 2)])
def test_no_disk_gets_more_than_it_has_nor_two_parts_of_a_stripe(resiliency, sizes):
    redundancy = 0 if resiliency == "Simple" else 1
    spread = allocation.layout(resiliency, redundancy, allocation.columns_for(resiliency, redundancy, len(sizes)))
    free = {str(n): size * GIB for n, size in enumerate(sizes)}
    most = allocation.largest(free, spread)
    for size in {GIB, most // 2, most} - {0}:
        placed = allocation.place(free, spread, size)
        if placed is None:
            assert size > most
            continue
        assert sum(placed.values()) == spread.footprint(size)
        assert all(placed[disk] <= free[disk] for disk in placed)
        assert max(placed.values()) <= (spread.units(size) + 1) * GIB
    assert allocation.place(free, spread, most + spread.data * GIB) is None


@pytest.mark.parametrize("cmdlet", [name for name, each in CMDLETS.items() if each.module == STORAGE])
def test_every_simulated_property_can_be_read(lab, cmdlet):
    if not cmdlet.startswith("Get-"):
        return
    pooled(lab, "1", "2", "3")
    space(lab)
    break_disks(lab.path, {"LAB0101": "failed"})
    lab.call("Repair-VirtualDisk", FriendlyName=("space",))
    needed = {"StoragePoolFriendlyName": ("data",)} if cmdlet == "Get-VirtualDiskSupportedSize" else {}
    names = next(row["properties"] for row in coverage() if row["cmdlet"] == cmdlet)
    records = lab.call(cmdlet, select=names, **needed)
    assert records
    assert all(list(record) == names for record in records)
    assert all(any(record[name] is not None for record in records) for name in names if name not in EMPTY)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a child is killed at every statement: that takes fork")
def test_a_creation_killed_at_any_statement_leaves_all_or_nothing(tmp_path):
    words = [sys.executable, "-m", "tests.support.killed_storage", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False, timeout=300, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["killed"] > 100
    assert outcome["absent"] + outcome["present"] == outcome["killed"]
