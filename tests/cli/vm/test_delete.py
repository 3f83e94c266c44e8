"""`vm delete`: what is refused, what stays, what goes."""

from __future__ import annotations

import pytest

from hvctl.lab.entities import Drive
from hvctl.lab.world import World

pytestmark = pytest.mark.lab

DISKS = r"C:\VMs\Virtual Hard Disks"


@pytest.fixture
def lab(hvctl):
    """web1 running, web2 saved, web3 and db off; each with a disk of its own."""
    hvctl.like("delete", _lab)
    return hvctl


def _lab(hvctl) -> None:
    for name in ("web1", "web2", "web3", "db"):
        hvctl.ok("vm", "create", name, "--disk", "1G")
    hvctl.ok("vm", "start", "web1", "web2")
    hvctl.ok("vm", "save", "web2")


def has_file(hvctl, path: str) -> bool:
    return bool(hvctl.host.call("Test-Path", select=["."], LiteralPath=path)[0]["."])


def names(hvctl) -> list[str]:
    return sorted(vm["name"] for vm in hvctl.json("vm", "list"))


def outcomes(hvctl, *words: str) -> tuple[int, dict[str, str]]:
    ended = hvctl("vm", "delete", *words, "--yes", "-o", "json")
    return ended.code, {each["name"]: each["outcome"] for each in ended.data}


def test_disks_stay(lab):
    assert outcomes(lab, "db", "web2") == (0, {"db": "changed", "web2": "changed"})
    assert names(lab) == ["web1", "web3"]
    assert has_file(lab, rf"{DISKS}\db.vhdx")


def test_disks_go_where_they_are_asked_to(lab):
    assert outcomes(lab, "db", "--with-disks") == (0, {"db": "changed"})
    assert not has_file(lab, rf"{DISKS}\db.vhdx")
    assert has_file(lab, rf"{DISKS}\web1.vhdx")


def test_a_running_machine_is_refused(lab, no_change):
    with no_change():
        refused = lab("vm", "delete", "web1", "--yes", "-o", "json")
    assert (refused.code, refused.error["message"]) == (6, "'web1' is Running.")
    assert refused.error["hint"] == "Shut it down first (hvctl vm stop), or add --turn-off."
    assert [(each["outcome"], each["state"]) for each in refused.data] == [("failed", "Running")]


def test_its_power_is_cut_where_that_is_asked_for(lab):
    assert outcomes(lab, "web1", "--turn-off", "--with-disks") == (0, {"web1": "changed"})
    assert names(lab) == ["db", "web2", "web3"]
    assert not has_file(lab, rf"{DISKS}\web1.vhdx")


@pytest.mark.parametrize("state", ["Running", "Paused"])
def test_a_machine_that_is_not_at_rest_stays(lab, state):
    if state == "Paused":
        lab.ok("vm", "suspend", "web1")
    assert outcomes(lab, "web1") == (6, {"web1": "failed"})
    assert lab.state("web1") == state
    assert outcomes(lab, "web1", "--turn-off") == (0, {"web1": "changed"})


def test_some_are_refused_beside_others(lab):
    assert outcomes(lab, "web1", "db") == (8, {"web1": "failed", "db": "changed"})
    assert names(lab) == ["web1", "web2", "web3"]


def test_all_of_them(lab):
    assert outcomes(lab, "--all", "--turn-off", "--with-disks")[0] == 0
    assert names(lab) == []
    assert [has_file(lab, rf"{DISKS}\{name}.vhdx") for name in ("web1", "web2", "web3", "db")] == [False] * 4


def test_those_in_a_state(lab):
    assert outcomes(lab, "--state", "off,saved") == (0, {"db": "changed", "web2": "changed", "web3": "changed"})


def test_one_that_is_not_there(lab, no_change):
    with no_change():
        assert lab("vm", "delete", "x", "db", "--yes").code == 3
    assert outcomes(lab, "x", "--missing-ok") == (0, {})
    assert outcomes(lab, "x*", "db", "--missing-ok") == (0, {"db": "changed"})


def told(lab, *words: str) -> tuple[int, str]:
    ended = lab("vm", "delete", *words, "--yes", "--with-disks")
    return ended.code, ended.err


def test_a_disk_that_two_machines_have_stays(lab):
    lab.host.call("Add-VMHardDiskDrive", VMName="web3", Path=rf"{DISKS}\db.vhdx")
    code, err = told(lab, "db")
    assert (code, err.count("stays: it is needed by")) == (0, 1)
    assert has_file(lab, rf"{DISKS}\db.vhdx")
    assert told(lab, "web3")[0] == 0
    assert not has_file(lab, rf"{DISKS}\db.vhdx")
    assert not has_file(lab, rf"{DISKS}\web3.vhdx")


def test_a_disk_that_another_disk_builds_on_stays(lab):
    child = lab.host.new_disk(
        r"C:\VMs\child.vhdx", ParentPath=rf"{DISKS}\db.vhdx", Differencing=True, SizeBytes=1 << 30
    )
    lab.host.call("Add-VMHardDiskDrive", VMName="web3", Path=child)
    code, err = told(lab, "db")
    assert code == 0
    assert rf"{DISKS}\db.vhdx stays: it is needed by" in err
    assert has_file(lab, rf"{DISKS}\db.vhdx")


def test_a_disk_that_is_a_link_of_a_longer_chain_stays(lab):
    path = rf"{DISKS}\db.vhdx"
    for number in range(3):
        parent, path = path, rf"C:\VMs\link{number}.vhdx"
        lab.host.new_disk(path, ParentPath=parent, Differencing=True, SizeBytes=1 << 30)
    lab.host.call("Add-VMHardDiskDrive", VMName="web3", Path=path)
    assert told(lab, "db")[0] == 0
    assert has_file(lab, rf"{DISKS}\db.vhdx")
    assert has_file(lab, r"C:\VMs\link0.vhdx")
    assert told(lab, "web3")[0] == 0
    assert not has_file(lab, r"C:\VMs\link2.vhdx")
    assert has_file(lab, r"C:\VMs\link1.vhdx")


@pytest.fixture
def branched(lab):
    """db with three checkpoints in two branches, and web3 with a disk that only a checkpoint has any more."""
    lab.ok("checkpoint", "create", "db", "--name", "a")
    lab.ok("checkpoint", "create", "db", "--name", "b")
    lab.ok("checkpoint", "restore", "db", "a", "--yes")
    lab.ok("checkpoint", "create", "db", "--name", "c")
    return lab


def disk_files(hvctl) -> list[str]:
    found = hvctl.json("vhd", "list", "--path", DISKS)
    return sorted(each["name"] for each in found)


@pytest.mark.parametrize("seconds", [0, 3])
def test_checkpoints_go_with_their_disks(branched, seconds):
    with World.open(branched.world_file) as world, world.transaction():
        world.configure("merge", seconds)
    assert len(disk_files(branched)) == 4 + 3
    asked = branched("vm", "delete", "db", "--with-disks", stdin="y\n", terminal=True)
    assert (asked.code, names(branched)) == (0, ["web1", "web2", "web3"])
    assert rf"Delete 'db' (its checkpoints are lost) with {DISKS}\db.vhdx on lab?" in asked.err
    assert disk_files(branched) == ["web1.vhdx", "web2.vhdx", "web3.vhdx"]


def test_checkpoints_are_merged_into_disks_that_stay(branched):
    assert outcomes(branched, "db") == (0, {"db": "changed"})
    assert disk_files(branched) == ["db.vhdx", "web1.vhdx", "web2.vhdx", "web3.vhdx"]


def test_a_host_that_does_not_let_go_of_a_disk(branched):
    with World.open(branched.world_file) as world, world.transaction():
        world.configure("merge", 100_000)
    late = branched("vm", "delete", "db", "--with-disks", "--yes", "--timeout", "1", "-o", "json")
    assert (late.code, late.data[0]["outcome"], names(branched)) == (7, "failed", ["web1", "web2", "web3"])
    assert late.error["message"].startswith(rf"'db' is gone, but its disk {DISKS}\db.vhdx could not be deleted")


def test_a_disk_that_a_checkpoint_only_has_stays(branched):
    branched.ok("checkpoint", "create", "web3", "--name", "a")
    with World.open(branched.world_file) as world, world.transaction():
        (drive,) = [each for each in world.find(Drive) if "web3" in (each.path or "")]
        world.remove(drive)
    code, err = told(branched, "web3")
    assert (code, err) == (0, rf"{DISKS}\web3.vhdx stays: only checkpoints of 'web3' have it." + "\n")
    assert has_file(branched, rf"{DISKS}\web3.vhdx")


def test_a_disk_that_is_gone_already(lab):
    lab.host.call("Remove-Item", LiteralPath=rf"{DISKS}\db.vhdx")
    code, err = told(lab, "db")
    assert (code, err) == (0, rf"{DISKS}\db.vhdx is not there any more." + "\n")
    assert names(lab) == ["web1", "web2", "web3"]


def test_notes_leave_json_alone(lab):
    lab.host.call("Remove-Item", LiteralPath=rf"{DISKS}\db.vhdx")
    ended = lab("vm", "delete", "db", "web1", "--with-disks", "--yes", "-o", "json")
    assert (ended.code, ended.error["errors"][0]["object"]) == (8, "web1")


def test_a_deletion_is_logged(lab):
    lab("vm", "delete", "db", "web1", "--yes")
    assert [line.split("INFO ")[1] for line in lab.log.splitlines()[-2:]] == [
        "vm delete: 'db' on lab: changed",
        "vm delete: 'web1' on lab: failed",
    ]
