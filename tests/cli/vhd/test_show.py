"""`vhd list`, `show`, `chain` and `test`."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.lab

VMS = "C:\\VMs"
BASE, WEB, DB = rf"{VMS}\base.vhdx", rf"{VMS}\web1.vhdx", rf"{VMS}\db.vhdx"
COPY = r"C:\VMs\Virtual Hard Disks\db.vhdx"


@pytest.fixture
def lab(hvctl):
    """web1 runs on a disk that differs from base; db has a disk of its own; another db.vhdx is nobody's."""
    hvctl.like("vhd", _lab)
    return hvctl


def _lab(hvctl) -> None:
    hvctl.ok("vhd", "create", BASE, "--size", "10G")
    hvctl.ok("vhd", "create", WEB, "--parent", BASE)
    hvctl.ok("vhd", "create", DB, "--size", "1G", "--type", "fixed")
    hvctl.ok("vhd", "create", COPY, "--size", "1G")
    hvctl.ok("vm", "create", "web1", "--attach", WEB)
    hvctl.ok("vm", "create", "db", "--attach", DB)
    hvctl.ok("vm", "start", "web1")


def paths(hvctl, *words: str) -> list[str]:
    return [each["path"] for each in hvctl.json("vhd", "list", *words)]


def test_the_disks_of_all_machines_with_what_they_differ_from(lab):
    assert lab.ok("vhd", "list", "--columns", "path,type,size,attached,used_by").out == (
        "PATH              TYPE            SIZE  ATTACHED  USED BY\n"
        "C:\\VMs\\base.vhdx  Dynamic       10 GiB  yes       -\n"
        "C:\\VMs\\db.vhdx    Fixed          1 GiB  no        db\n"
        "C:\\VMs\\web1.vhdx  Differencing  10 GiB  yes       web1\n"
    )


def test_a_list_is_one_batch_and_one_more_a_link(lab):
    run = lab("vhd", "list", "--show-powershell")
    assert (run.code, run.err.count("Get-VM "), run.err.count("Get-VHD")) == (0, 1, 2)
    lab.ok("vm", "delete", "web1", "--turn-off", "--yes")
    assert lab("vhd", "list", "--show-powershell").err.count("Get-VHD") == 1


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--path", VMS], [BASE, DB, WEB]),
        (["--path", "c:/vms", "--recurse"], [BASE, DB, COPY, WEB]),
        (["--vm", "web1"], [WEB]),
        (["--vm", "web1", "--vm", "D*"], [WEB, DB]),
        (["--vm", "web1", DB], [DB, WEB]),
        ([r"C:\VMs\*"], [BASE, DB, WEB]),
        (["B*.vhdx"], [BASE]),
        (["WEB1.vhdx"], [WEB]),
        (["c:/vms/./x/../db.VHDX"], [DB]),
        ([COPY.lower()], [COPY]),
        ([DB, BASE, DB], [DB, BASE]),
    ],
    ids=str,
)
def test_selection(lab, words, found):
    assert paths(lab, *words) == found


def test_paths_come_from_stdin_and_are_no_patterns(lab):
    assert [each["path"] for each in lab.json("vhd", "list", "-", stdin=f"{DB}\r\n{WEB}\n")] == [DB, WEB]
    assert lab("vhd", "list", "-", stdin="C:\\VMs\\*\n").code == 3


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nope.vhdx"], 3, "No virtual hard disk 'nope.vhdx' on lab."),
        ([r"C:\VMs\nope.vhdx", DB], 3, r"No virtual hard disk 'C:\VMs\nope.vhdx' on lab."),
        (["--vm", "nope"], 3, "No virtual machine 'nope' on lab."),
        (["--path", "C:/nope"], 3, "The host's disks could not be read: Cannot find path 'C:\\nope'"),
        (["db.vhdx", "--path", VMS, "--recurse"], 6, "2 disks on lab are called 'db.vhdx'."),
        ([r"x\db.vhdx"], 2, r"'x\db.vhdx' does not start at a drive or a share."),
        (["--path", "VMs"], 2, "'VMs' does not start at a drive or a share."),
        (["--recurse"], 2, "--recurse belongs to --path."),
    ],
    ids=str,
)
def test_what_cannot_be_selected(lab, words, code, message):
    failed = lab("vhd", "list", *words, "-o", "json")
    assert (failed.code, failed.error["message"][: len(message)]) == (code, message)


def test_everything_about_one_disk(lab):
    shown = lab.json("vhd", "show", BASE)
    wanted = {
        "id": BASE, "name": "base.vhdx", "path": BASE, "format": "VHDX", "type": "Dynamic", "size": 10 << 30,
        "parent": None, "attached": True, "used_by": [], "problem": None, "children": [WEB], "block_size": 32 << 20,
    }  # fmt: skip
    assert {name: shown[name] for name in wanted} == wanted
    assert lab.json("vhd", "show", COPY)["used_by"] == []
    assert [each["path"] for each in lab.json("vhd", "show", "--vm", "web1")] == [WEB]
    assert lab.ok("vhd", "show", "web1.vhdx", "-o", "name").out == f"{WEB}\n"


def test_a_chain_is_drawn(lab):
    lab.ok("vhd", "create", rf"{VMS}\other.vhdx", "--parent", BASE)
    assert lab.ok("vhd", "chain", "--vm", "web1", "--columns", "branch,type,used_by").out == (
        "DISK                 TYPE          USED BY\n"
        "C:\\VMs\\base.vhdx     Dynamic       -\n"
        "└─ C:\\VMs\\web1.vhdx  Differencing  web1\n"
    )
    links = lab.json("vhd", "chain", WEB)
    assert [(each["chain"], each["depth"], each["path"]) for each in links] == [(WEB, 0, BASE), (WEB, 1, WEB)]
    assert links[0]["children"] == [rf"{VMS}\other.vhdx", WEB]
    assert [each["chain"] for each in lab.json("vhd", "chain")] == [DB, WEB, WEB]


def test_what_checkpoints_keep(lab):
    lab.ok("checkpoint", "create", "db", "--name", "before")
    old, new = lab.json("vhd", "list", rf"{VMS}\db*")
    assert (old["path"], old["used_by"]) == (DB, ["db (checkpoint 'before')"])
    assert (new["parent"], new["used_by"]) == (DB, ["db"])


def test_disks_that_are_whole(lab):
    assert [each["healthy"] for each in lab.json("vhd", "test")] == [True, True, True]


def test_disks_that_are_not(lab):
    lab.ok("vm", "stop", "web1", "--turn-off")
    lab.host.call("Remove-Item", LiteralPath=BASE, Force=True)
    lab.host.call("Remove-Item", LiteralPath=DB, Force=True)
    failed = lab("vhd", "test", "-o", "json")
    found = {each["path"]: each["problem"] for each in failed.data if not each["healthy"]}
    missing = "'{}' is not an existing virtual hard disk file."
    assert found == {DB: missing.format(DB), WEB: missing.format(BASE)}
    assert (failed.code, failed.error["message"]) == (9, f"Not usable: {DB}, {WEB}.")
    assert {each["path"]: each["problem"] for each in lab.json("vhd", "list")} == {
        DB: "the file is not there",
        WEB: "it cannot be read; hvctl vhd test says why",
    }
    assert [each["problem"] for each in lab.json("vhd", "chain", "--vm", "db")] == ["the file is not there"]


def test_a_login_without_rights_sees_no_empty_host(hvctl):
    from hvctl.lab import seeds

    seeds.reset(hvctl.world_file, rights=False)
    assert hvctl("vhd", "list").code == 4
