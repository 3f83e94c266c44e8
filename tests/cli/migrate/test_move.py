"""`migrate vm`, `storage` and `check` on two hosts of the lab, as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Hvctl
from tests.support import two_hosts
from tests.support.simulated import SimulatedHost
from tests.support.two_hosts import STORAGE, configure, on, places

from hvctl.powershell.batch import Call, Step

pytestmark = pytest.mark.lab

TO = ("--to", "lab/hv02", "--storage-path", STORAGE)


@pytest.fixture
def world(hvctl: Hvctl) -> Path:
    """Two hosts, `web1` running on the first."""
    hvctl.world_file.parent.mkdir(parents=True)
    source, _target = two_hosts.make(hvctl.world_file)
    source.new_running_vm(SwitchName="lan")
    return hvctl.world_file


@pytest.fixture
def there(world: Path) -> SimulatedHost:
    return SimulatedHost(world, "hv02")


def outcome(done: Any) -> dict[str, Any]:
    (only,) = json.loads(done.out)
    return only


def test_a_running_machine_is_moved(hvctl, world):
    made = hvctl.json("migrate", "vm", "web1", *TO)
    assert [(each["name"], each["host"], each["outcome"], each["state"]) for each in made] == [
        ("web1", "lab/hv02", "changed", "Running")
    ]
    assert places(world) == on("hv02")
    assert "migrate vm: 'web1' on lab: changed" in hvctl.log or "'web1' on lab/hv02: changed" in hvctl.log


def test_one_that_is_there_already_is_left_alone(hvctl, world):
    vm_id = hvctl.json("vm", "show", "web1")["id"]
    hvctl.ok("migrate", "vm", "web1", *TO)
    for name in ("web1", vm_id, "w*"):
        (again,) = hvctl.json("migrate", "vm", name, *TO)
        assert (again["host"], again["outcome"], again["state"]) == ("lab/hv02", "unchanged", "Running")
    assert places(world) == on("hv02")


def test_a_name_that_is_on_neither_host_moves_nothing(hvctl, world):
    done = hvctl("migrate", "vm", "web1", "web2", *TO)
    assert done.code == 3
    assert "'web2' on lab, nor on lab/hv02" in done.err
    assert places(world) == on("hv01")


def test_several_machines_and_one_that_is_in_the_way(hvctl, world):
    source = SimulatedHost(world, "hv01")
    source.new_vm("bare")
    source.new_vm("odd", SwitchName="lan")
    source.call("New-VMSwitch", Name="only here", SwitchType="Private")
    source.call("Connect-VMNetworkAdapter", VMName="odd", SwitchName="only here")
    done = hvctl("migrate", "vm", "--all", *TO, "-o", "json")
    assert done.code == 8
    assert {each["name"]: each["outcome"] for each in done.data} == {
        "web1": "changed",
        "bare": "changed",
        "odd": "failed",
    }
    assert "its switch 'only here' is not on lab/hv02" in done.err


@pytest.mark.parametrize("words", [(), ("--shared", "--storage-path", STORAGE)])
def test_what_becomes_of_local_disks_must_be_said(hvctl, world, no_change, words):
    with no_change():
        assert hvctl("migrate", "vm", "web1", "--to", "lab/hv02", *words).code == 2


def test_local_disks_are_not_shared(hvctl, world):
    done = hvctl("migrate", "vm", "web1", "--to", "lab/hv02", "--shared")
    assert done.code == 6
    assert "cannot be reached" in done.err


def test_shared_disks_stay_where_they_are(hvctl, world, there):
    configure(world, shared_folders=[r"C:\VMs"])
    (made,) = hvctl.json("migrate", "vm", "web1", "--to", "lab/hv02", "--shared")
    assert (made["host"], made["outcome"], made["state"]) == ("lab/hv02", "changed", "Running")
    assert there.value("Get-VMHardDiskDrive", "Path", VMName="web1") == r"C:\VMs\web1.vhdx"
    assert places(world) == on("hv02")
    there.call("Stop-VM", Name="web1", TurnOff=True, Force=True)
    there.call("Start-VM", Name="web1")


def test_the_host_itself_is_no_destination(hvctl, world):
    done = hvctl("migrate", "vm", "web1", "--to", "lab/hv01", "--storage-path", STORAGE)
    assert done.code == 2
    assert "are one host" in done.err


def test_an_unknown_destination_is_a_usage_error(hvctl, world):
    assert hvctl("migrate", "vm", "web1", "--to", "no/where", "--storage-path", STORAGE).code == 2


def test_a_switch_is_mapped(hvctl, world, there):
    there.call("Remove-VMSwitch", Name="lan", Force=True)
    there.call("New-VMSwitch", Name="it's \u201cthe\u201d net", SwitchType="Internal")
    done = hvctl("migrate", "vm", "web1", *TO)
    assert done.code == 6
    assert "its switch 'lan' is not on lab/hv02" in done.err
    assert hvctl("migrate", "vm", "web1", *TO, "--map-switch", "lan=nothing").code == 6
    hvctl.ok("migrate", "vm", "web1", *TO, "--map-switch", "LAN=it's \u201cthe\u201d net")
    assert there.value("Get-VMNetworkAdapter", "SwitchName", VMName="web1") == "it's \u201cthe\u201d net"


def test_a_mapping_of_a_switch_that_is_not_used_is_told(hvctl, world, there):
    done = hvctl.ok("migrate", "vm", "web1", *TO, "--map-switch", "lna=lan", "--map-switch", "LAN=lan")
    assert "No adapter is plugged into a switch 'lna'." in done.err
    assert "'LAN'" not in done.err
    assert places(world) == on("hv02")


def test_advice_quotes_a_name_with_a_quote_in_it(hvctl, world, there):
    source = SimulatedHost(world, "hv01")
    source.call("New-VMSwitch", Name="it's new", SwitchType="Internal")
    source.call("Connect-VMNetworkAdapter", VMName="web1", SwitchName="it's new")
    (finding,) = hvctl("migrate", "check", "web1", *TO, "-o", "json").data
    assert '--map-switch "it\'s new=NAME"' in finding["mend"]
    assert 'hvctl switch create "it\'s new" --host lab/hv02' in finding["mend"]


@pytest.mark.parametrize("text", ["lan", "=net", "lan=", "="])
def test_a_mapping_has_two_sides(hvctl, world, text):
    assert hvctl("migrate", "vm", "web1", *TO, "--map-switch", text).code == 2


def test_hosts_that_take_no_part_are_named_with_what_mends_it(hvctl, world):
    for host in ("hv01", "hv02"):
        SimulatedHost(world, host).call("Disable-VMMigration")
    done = hvctl("migrate", "vm", "web1", *TO)
    assert done.code == 6
    assert "hvctl migrate enable --host" in done.err
    assert places(world) == on("hv01")


def test_a_dry_run_moves_nothing_and_checks_all_the_same(hvctl, world, there, no_change):
    with no_change():
        done = hvctl.ok("migrate", "vm", "web1", *TO, "--dry-run")
        assert "Move-VM -VM" in done.out
        assert "-DestinationHost 'HV02'" in done.out
    there.call("Remove-VMSwitch", Name="lan", Force=True)
    with no_change():
        assert hvctl("migrate", "vm", "web1", *TO, "--dry-run").code == 6


@pytest.mark.parametrize("phase", ["planned", "storage", "memory", "final"])
def test_a_move_that_breaks_off_is_named_and_run_again(hvctl, world, phase):
    configure(world, migration={"fails_at": phase})
    done = hvctl("migrate", "vm", "web1", *TO, "-o", "json")
    assert done.code == 1
    assert outcome(done)["outcome"] == "failed"
    assert outcome(done)["state"] == "Running"
    assert "A planned virtual machine of it is left on lab/hv02." in done.error["message"]
    assert places(world) == {**on("hv01"), "planned": ["hv02"]}
    configure(world, migration={})
    again = hvctl.ok("migrate", "vm", "web1", *TO)
    assert "A planned virtual machine of 'web1' is on lab/hv02" in again.err
    assert places(world) == on("hv02")


def test_a_dry_run_does_not_remove_what_is_left(hvctl, world, no_change):
    configure(world, migration={"fails_at": "memory"})
    hvctl("migrate", "vm", "web1", *TO)
    with no_change():
        done = hvctl("migrate", "vm", "web1", *TO, "--dry-run")
        assert "Invoke-CimMethod" in done.out


def test_a_check_that_finds_nothing_says_so(hvctl, world, no_change):
    with no_change():
        done = hvctl.ok("migrate", "check", "web1", *TO)
        assert "Nothing stands against the move to lab/hv02." in done.err
        assert hvctl.json("migrate", "check", "web1", *TO) == []


def test_a_check_names_everything_with_what_mends_it(hvctl, world, there):
    there.call("Disable-VMMigration")
    there.call("Remove-VMSwitch", Name="lan", Force=True)
    done = hvctl("migrate", "check", "web1", *TO, "-o", "json")
    assert done.code == 9
    found = {each["name"]: each for each in done.data}
    assert found["lab/hv02"]["mend"] == "hvctl migrate enable --host lab/hv02"
    assert found["web1"]["message_id"] == 33012
    assert "hvctl switch create 'lan' --host lab/hv02" in found["web1"]["mend"]
    assert all(each["blocks"] for each in done.data)


def test_a_check_asks_hyper_v_about_the_machine(hvctl, world):
    SimulatedHost(world).call("Add-VMDvdDrive", VMName="web1", Path=r"C:\ISO\ubuntu.iso")
    done = hvctl("migrate", "check", "web1", *TO, "-o", "json")
    assert done.code == 9
    assert [(each["blocks"], each["message_id"] < 0) for each in done.data] == [(True, True)]
    assert "ubuntu.iso" in done.data[0]["finding"]


def test_what_mends_a_finding_does(hvctl, world, there):
    there.call("Disable-VMMigration")
    there.call("Set-VMHost", UseAnyNetworkForMigration=False)
    for _ in range(2):
        done = hvctl("migrate", "check", "web1", *TO, "-o", "json")
        assert done.code == 9
        mend = done.data[0]["mend"].split()
        hvctl.ok(*mend[1:])
    hvctl.ok("migrate", "check", "web1", *TO)


def test_kerberos_is_a_note_and_no_obstacle(hvctl, world):
    for host in ("hv01", "hv02"):
        hvctl.ok("migrate", "enable", "--authentication", "kerberos", "--host", f"lab/{host}")
    (found,) = hvctl.json("migrate", "check", "web1", *TO)
    assert (found["blocks"], "trusted for delegation" in found["finding"]) == (False, True)
    configure(world, kerberos_delegation=False)
    done = hvctl("migrate", "vm", "web1", *TO)
    assert done.code == 4
    assert places(world) == on("hv01")


def test_a_machine_on_the_move_is_not_moved_twice(hvctl, world):
    configure(world, migration={"seconds": 30}, pace=0.02)
    with SimulatedHost(world).connect() as connection:
        from hvctl.powershell.batch import Call, Step

        along = {"IncludeStorage": True, "DestinationStoragePath": STORAGE}
        request = connection.start(Step("move", Call("Move-VM", {"Name": "web1", "DestinationHost": "HV02", **along})))
        while not any(frame.type == "progress" for frame in connection.receive()):
            pass
        done = hvctl("migrate", "vm", "web1", *TO)
        assert done.code == 6
        assert "it is being moved at this moment" in done.err
        assert connection.finish(request).error_ids == []
    assert places(world) == on("hv02")


def test_storage_moves_on_its_host(hvctl, world):
    (made,) = hvctl.json("migrate", "storage", "web1", "--path", r"C:\elsewhere")
    assert (made["outcome"], made["state"]) == ("changed", "Running")
    assert hvctl.json("vm", "show", "web1")["disks"][0]["path"] == r"C:\elsewhere\Virtual Hard Disks\web1.vhdx"


def test_storage_that_does_not_move_is_told(hvctl, world):
    done = hvctl("migrate", "storage", "web1", "--path", "Q:\\")
    assert done.code == 1
    assert "The storage of 'web1' was not moved" in done.err
    assert hvctl("migrate", "storage", "web1", "--path", "elsewhere").code == 2


@pytest.mark.parametrize("verb", [("vm", *TO), ("check", *TO), ("storage", "--path", STORAGE)])
def test_something_must_be_chosen(hvctl, world, verb):
    assert hvctl("migrate", verb[0], *verb[1:]).code == 2


def test_a_time_limit_that_is_given_holds(hvctl, world):
    configure(world, migration={"seconds": 1000}, pace=1)
    done = hvctl("migrate", "vm", "web1", *TO, "--timeout", "2s")
    assert done.code == 7
    assert places(world)["vm"] == "hv01"


def test_one_that_is_being_moved_is_not_compared(hvctl, world):
    """By the time it is, it may be gone from here."""
    source = SimulatedHost(world, "hv01")
    configure(world, migration={"seconds": 60}, pace=0.001)
    move = Call(
        "Move-VM",
        {"Name": "web1", "DestinationHost": "HV02", "IncludeStorage": True, "DestinationStoragePath": STORAGE},
    )
    with source.connect() as connection:
        request = connection.start(Step("move", move))
        while not any(frame.type == "progress" for frame in connection.receive()):
            pass
        done = hvctl("migrate", "vm", "web1", *TO, "--show-powershell")
        assert (done.code, "it is being moved at this moment" in done.err) == (6, True)
        assert "Compare-VM" not in done.err
        assert connection.finish(request).error_ids == []
    assert places(world) == on("hv02")
