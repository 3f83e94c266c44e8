"""`hvctl storage`."""

from __future__ import annotations

import json

import pytest
from tests.support.spaces import break_disks, stored

from hvctl.lab.world import World

pytestmark = pytest.mark.lab

CREATE = ("storage", "create", "vmstore", "--disks", "1,2", "--size", "100G", "--volume", "D:")


@pytest.fixture
def lab(hvctl):
    """A mirrored pool `vmstore` with the volume D:, and a VM on it."""
    hvctl.like("storage", _lab)
    return hvctl


def _lab(hvctl) -> None:
    hvctl.ok(*CREATE)
    hvctl.ok("vm", "create", "web1", "--disk", "10G", "--disk-path", r"D:\web1.vhdx")


def world(hvctl):
    return hvctl.home / "lab" / "world.db"


def test_creating_says_first_what_it_gives(hvctl):
    made = hvctl.ok(*CREATE, "-o", "json", terminal=True)
    assert "Pool 'vmstore' of 2 x LAB SSD 960, mirror: room for about 892 GiB" in made.err
    assert (made.data["virtual_disk"]["resiliency"], made.data["volume"]["letter"]) == ("Mirror", "D")
    assert made.data["volume"]["file_system"] == "ReFS"
    assert made.data["pool"]["used"] >= made.data["virtual_disk"]["footprint"]


def test_a_dry_run_says_the_same_and_changes_nothing(hvctl):
    hvctl.ok("storage", "pool", "list")
    before = stored(world(hvctl))
    shown = hvctl.ok(*CREATE, "--dry-run")
    assert "about 892 GiB" in shown.err
    assert "New-StoragePool" in shown.out
    assert "# undo: Remove-VirtualDisk" in shown.out
    steps = hvctl.json(*CREATE, "--dry-run")["steps"]
    assert [step["cmdlet"] for step in steps if step["cmdlet"].startswith(("New", "Init", "Format"))] == [
        "New-StoragePool", "New-VirtualDisk", "Initialize-Disk", "New-Partition", "Format-Volume",
    ]  # fmt: skip
    assert stored(world(hvctl)) == before


def test_lists(lab):
    assert lab.ok("storage", "disk", "list", "--columns", "number,name,can_pool,cannot_pool").out == (
        "NO  NAME          CAN POOL  WHY NOT\n"
        " 0  LAB NVMe 480  no        Insufficient Capacity\n"
        " 1  LAB SSD 960   no        In a Pool\n"
        " 2  LAB SSD 960   no        In a Pool\n"
        " 3  LAB SSD 960   yes       -\n"
        " 4  LAB SSD 960   yes       -\n"
        " 5  LAB HDD 4000  yes       -\n"
        " 6  LAB HDD 4000  yes       -\n"
        " 7  LAB HDD 2000  yes       -\n"
        " 8  LAB HDD 2000  yes       -\n"
    )
    assert [each["name"] for each in lab.json("storage", "pool", "list")] == ["vmstore"]
    assert [each["letter"] for each in lab.json("storage", "volume", "list")] == ["C", "D"]
    assert [each["number"] for each in lab.json("storage", "disk", "list", "LAB HDD*")] == ["5", "6", "7", "8"]
    assert lab.json("storage", "job", "list") == []
    assert lab.json("storage", "job", "wait") == []


@pytest.mark.parametrize(
    ("names", "letters"),
    [
        (["d:"], ["D"]),
        (["D:\\", "C"], ["D", "C"]),
        (["VMSTORE"], ["D"]),
        (["vm*"], ["D"]),
        (["x*"], None),
        (["Q"], None),
    ],
)
def test_volumes_by_letter_label_or_pattern(lab, names, letters):
    found = lab("storage", "volume", "list", *names, "-o", "json")
    if letters is None:
        assert (found.code, found.error["hint"]) == (3, "List them: hvctl storage volume list")
    else:
        assert [each["letter"] for each in found.data] == letters


def test_volumes_by_id(lab):
    volumes = lab.json("storage", "volume", "list")
    ids = [each["id"] for each in volumes]
    assert lab.json("storage", "volume", "list", *ids) == volumes
    read = lab("storage", "volume", "list", "-", "-o", "json", stdin="\n".join(ids))
    assert read.data == volumes


def test_what_was_created_is_a_table_that_can_be_read(hvctl):
    made = hvctl.ok(*CREATE, "--resiliency", "two-way", "--columns", "pool,virtual_disk,volume")
    assert made.out == (
        "POOL          vmstore, 1.75 TiB, 202.5 GiB used\n"
        "VIRTUAL DISK  Mirror, 100 GiB, takes 202 GiB of the pool\n"
        "VOLUME        D: vmstore ReFS 99.86 GiB free\n"
    )


def test_a_thin_disk_larger_than_its_pool_is_told_of(hvctl):
    thin = (*CREATE, "--size", "4T", "--thin")
    made = hvctl.ok(*thin, terminal=True)
    assert "4 TiB are more than there is: when the pool is full, the host takes the disk offline." in made.err
    more = ("storage", "virtual-disk", "create", "more", "--pool", "vmstore", "--thin")
    assert "more than there is" in hvctl.ok(*more, "--size", "5T", "--dry-run", terminal=True).err
    assert "more than there is" not in hvctl.ok(*more, "--size", "1G", "--dry-run", terminal=True).err


def test_the_ways_of_a_mirror(hvctl):
    three = ("storage", "create", "three", "--disks", "1,2,3,4", "--disks", "5", "--size", "10G", "--volume", "E")
    made = hvctl.json(*three, "--resiliency", "Three-Way")["virtual_disk"]
    assert (made["resiliency"], made["copies"], made["redundancy"]) == ("Mirror", 3, 2)


def test_jobs_are_waited_for_as_long_as_was_said(hvctl):
    hvctl.ok("storage", "create", "vmstore", "--disks", "1,2,3", "--size", "100G", "--volume", "D:")
    break_disks(world(hvctl), {"LAB0101": "failed"})
    with World.open(world(hvctl)) as opened, opened.transaction():
        opened.configure("pace", 1000)
    hvctl.ok("storage", "virtual-disk", "repair", "vmstore")
    late = hvctl("storage", "job", "wait", "vmstore*", "--timeout", "1s", "-o", "json")
    assert (late.code, "Still at work" in late.error["message"]) == (7, True)
    assert [each["state"] for each in hvctl.json("storage", "job", "list", "vmstore-repair")] == ["Running"]
    with World.open(world(hvctl)) as opened, opened.transaction():
        opened.configure("pace", 0)
    (over,) = hvctl.json("storage", "job", "wait")
    assert (over["state"], over["percent"]) == ("Completed", 100)
    assert hvctl("storage", "job", "wait", "nope").code == 3


def test_showing(lab):
    disk = lab.json("storage", "disk", "show", "1")
    assert (disk["pool"], disk["virtual_disks"]) == ("vmstore", ["vmstore"])
    assert lab.json("storage", "disk", "show", "LAB0103")["pool"] is None
    pool = lab.json("storage", "pool", "show", "VMSTORE")
    assert ([each["number"] for each in pool["physical_disks"]], pool["virtual_disks"]) == (["1", "2"], ["vmstore"])
    space = lab.json("storage", "virtual-disk", "show", "vmstore")
    assert ([each["letter"] for each in space["volumes"]], space["pool"], space["disk_number"]) == (["D"], "vmstore", 9)
    assert lab.json("storage", "virtual-disk", "show", space["id"]) == space
    assert "1 LAB SSD 960" in lab.ok("storage", "pool", "show", "vmstore").out
    assert "D: vmstore ReFS" in lab.ok("storage", "virtual-disk", "show", "vmstore").out


@pytest.mark.parametrize("noun", ["disk", "pool", "virtual-disk"])
def test_what_is_not_there(lab, noun):
    failed = lab("storage", noun, "show", "nope", "-o", "json")
    assert (failed.code, failed.error["hint"]) == (3, f"List them: hvctl storage {noun} list")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--size", "9"], 2, "has no unit"),
        (["--size", "1M"], 2, "at least"),
        (["--resiliency", "raid5"], 2, "--resiliency"),
        (["--volume", "DD"], 2, "--volume: a drive letter is one of A to Z"),
        (["--volume", "É"], 2, "--volume: a drive letter is one of A to Z"),
        (["--disks", ""], 2, "--disks names no disk"),
        (["--disks", "3,"], 2, "--disks names no disk"),
        (["--disks", "Auto"], 2, "--disks auto chooses by itself"),
        (["--fs", "ext4"], 2, "--fs"),
        (["--resiliency", "dual-parity", "--thin"], 2, "fixed"),
        (["--thin", "--size", "max"], 2, "size of its own"),
        (["--resiliency", "three-way-mirror"], 6, "at least 5 disks"),
        (["--disks", "77"], 3, "No physical disk '77'"),
        (["--disks", "0,1"], 6, "cannot be pooled"),
        (["--volume", "C:"], 6, "C: is taken"),
        (["--size", "5T"], 6, "does not fit"),
        (["--number-of-columns", "9"], 6, "was not created"),
    ],
)
def test_what_cannot_be(hvctl, words, code, message):
    hvctl.ok("storage", "pool", "list")
    before = stored(world(hvctl))
    failed = hvctl(*CREATE, *words, "-o", "json")
    assert failed.code == code, failed
    assert message in failed.error["message"]
    assert stored(world(hvctl)) == before


def test_again(lab):
    before = stored(world(lab))
    assert lab(*CREATE).code == 6
    again = lab.ok(*CREATE, "--exist-ok", "-o", "json")
    assert again.data["virtual_disk"]["name"] == "vmstore"
    assert stored(world(lab)) == before
    assert lab.json("storage", "pool", "create", "vmstore", "--exist-ok")["name"] == "vmstore"
    more = ("storage", "virtual-disk", "create", "VMSTORE", "--pool", "vmstore", "--size", "1G")
    assert lab(*more).code == 6
    assert lab.json(*more, "--exist-ok")["name"] == "vmstore"


def test_names_with_everything(hvctl):
    name = "it's “Müller” [1]*"
    made = hvctl.json("storage", "create", name, "--disks", "3,4", "--size", "max", "--volume", "e", "--fs", "NTFS")
    assert (made["pool"]["name"], made["volume"]["name"], made["volume"]["letter"]) == (name, name, "E")
    gone = hvctl.json("storage", "pool", "delete", name, "--with-virtual-disks", "--yes")
    assert [each["outcome"] for each in gone] == ["changed"]


def test_a_pool_with_virtual_disks_stays_unless_told(lab):
    failed = lab("storage", "pool", "delete", "vmstore", "--yes", "-o", "json")
    assert failed.code == 6
    assert "'vmstore' has virtual disks: 'vmstore'" in failed.error["message"]
    failed = lab("storage", "pool", "delete", "vmstore", "--with-virtual-disks", "--yes", "-o", "json")
    assert (failed.code, failed.error["message"]) == (6, "'vmstore' holds files of web1 (D:).")


def test_a_virtual_disk_with_files_of_machines_stays_unless_told(lab):
    failed = lab("storage", "virtual-disk", "delete", "vmstore", "--yes", "-o", "json")
    assert (failed.code, failed.error["message"]) == (6, "'vmstore' holds files of web1 (D:).")
    assert "--with-vm-files" in failed.error["hint"]
    asked = lab("storage", "virtual-disk", "delete", "vmstore", "--with-vm-files", stdin="n\n", terminal=True)
    assert "Delete 'vmstore' (100 GiB, volume D:, files of web1)" in asked.err
    assert asked.code == 1
    done = lab.json("storage", "virtual-disk", "delete", "vmstore", "--with-vm-files", "--yes")
    assert done[0]["outcome"] == "changed"
    assert [each["letter"] for each in lab.json("storage", "volume", "list")] == ["C"]
    asked = lab("storage", "pool", "delete", "vmstore", stdin="y\n", terminal=True)
    assert (asked.code, "Delete 'vmstore' on" in asked.err) == (0, True)
    assert all(each["can_pool"] for each in lab.json("storage", "disk", "list", "LAB SSD*"))


@pytest.mark.parametrize("words", [["pool", "delete", "x"], ["virtual-disk", "delete", "x"]], ids=str)
def test_without_a_terminal_a_loss_is_refused_before_anything_is_asked(hvctl, words):
    failed = hvctl("storage", *words, "-o", "json")
    assert failed.code == 2
    assert "no terminal to ask on" in failed.error["message"]
    assert not world(hvctl).exists()


def test_missing_ok(lab):
    assert lab.json("storage", "pool", "delete", "nope", "--missing-ok", "--yes") == []
    assert lab("storage", "pool", "delete", "nope", "--yes").code == 3


def test_resizing(lab):
    assert lab("storage", "virtual-disk", "resize", "vmstore", "--size", "50G").code == 6
    same = lab.json("storage", "virtual-disk", "resize", "vmstore", "--size", "100G")
    assert same[0]["outcome"] == "unchanged"
    assert lab.json("storage", "virtual-disk", "resize", "vmstore", "--size", "200G")[0]["outcome"] == "changed"
    assert lab.json("storage", "virtual-disk", "show", "vmstore")["size"] == 200 << 30
    failed = lab("storage", "virtual-disk", "resize", "vmstore", "--size", "2T", "-o", "json")
    assert (failed.code, failed.error["cmdlet_error"]["error_id"]) == (6, "StorageWMI 40000,Resize-VirtualDisk")
    assert "'vmstore' was not resized" in failed.error["message"]


def test_more_than_one_volume_of_a_pool(lab):
    space = lab.ok(
        *("storage", "virtual-disk", "create", "scratch", "--pool", "vmstore", "--size", "50G"),
        *("--resiliency", "simple", "--thin", "-o", "json"),
        terminal=True,
    )
    assert "'vmstore' has room for about" in space.err
    assert space.data["provisioning"] == "Thin"
    new = ("storage", "volume", "create", "scratch", "--letter", "E:", "--label", "tmp")
    planned = lab.ok(*new, "--dry-run", terminal=True)
    assert "The volume E: takes all of 'scratch', 50 GiB before formatting." in planned.err
    volume = lab.json(*new)
    assert (volume["letter"], volume["name"], volume["file_system"]) == ("E", "tmp", "NTFS")
    assert lab("storage", "volume", "create", "scratch", "--letter", "F").code == 6
    assert lab.json(*new, "--exist-ok") == volume
    bare = ("storage", "virtual-disk", "create", "bare", "--pool", "vmstore", "--size", "1G")
    lab.ok(*bare)
    assert lab("storage", "volume", "create", "bare", "--letter", "E", "--exist-ok").code == 6
    assert lab("storage", "volume", "create", "nope", "--letter", "F").code == 3


def test_health(lab):
    assert lab.ok("storage", "health", "-o", "json").data == []
    break_disks(world(lab), {"LAB0101": "failed"})
    sick = lab("storage", "health", "-o", "json")
    assert sick.code == 9
    assert [(each["type"], each["status"]) for each in sick.data] == [
        ("storage pool", "Degraded"),
        ("virtual disk", "Degraded"),
        ("physical disk", "Failed Media"),
    ]
    assert sick.error["code"] == 9
    assert all(each["meaning"] and each["next"] for each in sick.data)
    assert "hvctl storage virtual-disk repair vmstore" in lab("storage", "health").out
    failed = lab("storage", "virtual-disk", "repair", "vmstore", "-o", "json")
    assert failed.code == 6
    assert "The repair of 'vmstore' did not begin" in failed.error["message"]


def test_several_at_once(hvctl):
    hvctl.ok("storage", "pool", "create", "a", "--disks", "1")
    hvctl.ok("storage", "pool", "create", "b", "--disks", "2")
    names = hvctl.ok("storage", "pool", "list", "-o", "name").out
    gone = hvctl("storage", "pool", "delete", "-", "--yes", "-o", "json", stdin=names)
    assert (gone.code, [each["outcome"] for each in json.loads(gone.out)]) == (0, ["changed", "changed"])
    assert hvctl("storage", "pool", "delete").code == 2
    assert hvctl("storage", "pool", "delete", "a", "--all", "--yes").code == 2


def test_two_hosts(hvctl):
    hvctl.ok("lab", "reset", "--world", "two-hosts", "--yes")
    hvctl.ok(*CREATE, "--host", "lab/hv02")
    found = hvctl.json("storage", "pool", "list", "--host", "lab/hv01,lab/hv02")
    assert [(each["name"], each["host"]) for each in found] == [("vmstore", "lab/hv02")]
    assert hvctl.ok("storage", "health", "--host", "lab/hv01,lab/hv02", "-o", "json").data == []
