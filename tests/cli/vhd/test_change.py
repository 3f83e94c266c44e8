"""`vhd create`, `resize`, `convert` and `merge`: what they do, and what they refuse before anything is touched."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.lab

VMS = "C:\\VMs"
BASE, CHILD, SECOND, DB, OLD = (rf"{VMS}\{name}" for name in ("base.vhdx", "a.vhdx", "b.vhdx", "db.vhdx", "old.vhd"))
NEW = rf"{VMS}\new.vhdx"
GIB = 1 << 30


@pytest.fixture
def lab(hvctl):
    """web1 has a disk that differs from base; db has a disk on SCSI and one on IDE; old.vhd is nobody's."""
    hvctl.like("vhd-change", _lab)
    return hvctl


def _lab(hvctl) -> None:
    hvctl.ok("vhd", "create", BASE, "--size", "10G")
    hvctl.ok("vhd", "create", CHILD, "--parent", BASE)
    hvctl.ok("vhd", "create", OLD, "--size", "1G")
    hvctl.ok("vhd", "create", DB, "--size", "1G")
    hvctl.ok("vhd", "create", rf"{VMS}\ide.vhdx", "--size", "1G")
    hvctl.ok("vm", "create", "web1", "--attach", CHILD)
    hvctl.ok("vm", "create", "db", "--generation", "1", "--attach", rf"{VMS}\ide.vhdx")
    hvctl.host.call("Add-VMHardDiskDrive", VMName="db", Path=DB, ControllerType="SCSI")


def exists(hvctl, path: str) -> bool:
    return bool(hvctl.host.call("Test-Path", select=["."], LiteralPath=path)[0]["."])


def shown(hvctl, path: str, *names: str) -> tuple[object, ...]:
    disk = hvctl.json("vhd", "show", path)
    return tuple(disk[name] for name in names)


class TestCreate:
    @pytest.mark.parametrize(
        ("words", "made"),
        [
            (["--size", "2G"], ("VHDX", "Dynamic", 2 * GIB, None)),
            (["--size", "2G", "--type", "fixed"], ("VHDX", "Fixed", 2 * GIB, None)),
            (["--size", "3146240B", "--block-size", "1M"], ("VHDX", "Dynamic", 3146240, None)),
            (["--parent", BASE], ("VHDX", "Differencing", 10 * GIB, BASE)),
            (["--parent", "c:/vms/base.vhdx", "--type", "differencing"], ("VHDX", "Differencing", 10 * GIB, BASE)),
        ],
        ids=str,
    )
    def test_kinds(self, lab, words, made):
        disk = lab.json("vhd", "create", "c:/VMs/new.vhdx", *words)
        assert tuple(disk[name] for name in ("format", "type", "size", "parent")) == made
        assert exists(lab, NEW)

    @pytest.mark.parametrize(
        ("path", "words", "message"),
        [
            (NEW, [], "--size is needed."),
            (NEW, ["--size", "1M"], "--size: at least 3 MiB."),
            (NEW, ["--size", "65T"], "--size: at most 64 TiB."),
            (NEW, ["--size", "3145729B"], "--size: a multiple of 512"),
            (r"C:\x.vhd", ["--size", "3T"], "A .vhd file holds at most 2040 GiB."),
            (r"C:\x.img", ["--size", "1G"], r"'C:\x.img' does not end in .vhdx or .vhd"),
            (r"C:\x.avhdx", ["--size", "1G"], r"'C:\x.avhdx' does not end in .vhdx or .vhd"),
            ("x.vhdx", ["--size", "1G"], "PATH: this is not a form it can have"),
            (NEW, ["--size", "1G", "--parent", BASE], "A differencing disk has the size of its parent"),
            (NEW, ["--type", "differencing"], "A differencing disk needs --parent"),
            (NEW, ["--size", "1G", "--type", "fixed", "--parent", BASE], "--parent belongs to --type differencing."),
            (NEW, ["--parent", OLD], "A differencing disk has the format of its parent"),
            (NEW, ["--size", "1G", "--block-size", "3M"], "--block-size of a .vhdx file is a power of two"),
            (r"C:\x.vhd", ["--size", "1G", "--block-size", "1M"], "--block-size of a .vhd file is 512K or 2M."),
            (NEW, ["--size", "1G", "--type", "thin"], "--type: input should be"),
        ],
        ids=str,
    )
    def test_what_no_host_is_asked(self, lab, no_change, path, words, message):
        with no_change():
            failed = lab("vhd", "create", path, *words, "-o", "json")
        assert (failed.code, failed.error["message"][: len(message)]) == (2, message)

    @pytest.mark.parametrize(
        ("words", "code", "message"),
        [
            ([DB, "--size", "1G"], 6, f"There is a disk '{DB}' already."),
            (["C:/ISO/ubuntu.iso.vhdx", "--size", "1G"], 0, None),
            (["C:/nope/x.vhdx", "--size", "1G"], 3, "The host has no folder 'C:\\nope'."),
            ([NEW, "--parent", rf"{VMS}\nope.vhdx"], 3, rf"There is no disk '{VMS}\nope.vhdx'."),
        ],
        ids=str,
    )
    def test_what_the_host_must_be_like(self, lab, no_change, words, code, message):
        for dry_run in (["--dry-run"], []):
            if code or dry_run:
                with no_change():
                    ended = lab("vhd", "create", *words, *dry_run, *(() if dry_run else ("-o", "json")))
                assert ended.code == code
        if message is not None:
            assert ended.error["message"] == message

    def test_exist_ok(self, lab, no_change):
        with no_change():
            kept = lab("vhd", "create", DB, "--size", "5G", "--exist-ok")
        assert (kept.code, kept.err) == (0, f"'{DB}' exists already; it was left as it is.\n")

    def test_a_parent_that_is_written_to(self, lab, no_change):
        lab.ok("vm", "start", "db")
        with no_change():
            failed = lab("vhd", "create", NEW, "--parent", DB, "-o", "json")
        assert (failed.code, failed.error["message"]) == (6, f"'{DB}' is in use by 'db' (Running).")
        lab.ok("vm", "stop", "db")
        made = lab.ok("vhd", "create", NEW, "--parent", DB)
        assert made.err == f"{DB} is a disk of db: starting that machine corrupts every disk that differs from it.\n"

    def test_a_parent_that_a_checkpoint_keeps(self, lab, no_change):
        lab.ok("checkpoint", "create", "db", "--name", "x")
        with no_change():
            failed = lab("vhd", "create", NEW, "--parent", DB, "-o", "json")
        assert (failed.code, failed.error["message"]) == (6, f"'{DB}' belongs to the checkpoints of 'db'.")

    def test_a_parent_of_what_a_checkpoint_keeps(self, lab):
        """One disk that many machines share, each with checkpoints: none of them writes to it."""
        lab.ok("checkpoint", "create", "web1", "--name", "x")
        assert lab.json("vhd", "create", NEW, "--parent", BASE)["parent"] == BASE
        lab.ok("checkpoint", "delete", "web1", "x", "--yes")
        assert lab.json("vhd", "show", CHILD)["parent"] == BASE

    def test_it_is_logged(self, lab):
        lab.ok("vhd", "create", NEW, "--size", "1G")
        lab("vhd", "create", r"C:\nope\x.vhdx", "--size", "1G")
        assert f"vhd create: {NEW!a} on lab: changed" in lab.log
        assert "x.vhdx' on lab: failed" in lab.log


class TestResize:
    def test_it_grows_and_has_it_already(self, lab):
        (done,) = lab.json("vhd", "resize", BASE.replace("base", "old").replace("x", ""), "--size", "2G")
        assert (done["id"], done["outcome"]) == (OLD, "changed")
        (done,) = lab.json("vhd", "resize", OLD, "--size", "2G")
        assert done["outcome"] == "unchanged"
        assert shown(lab, OLD, "size") == (2 * GIB,)

    def test_online_on_scsi_only(self, lab):
        lab.ok("vm", "start", "db")
        ended = lab("vhd", "resize", "--vm", "db", "--size", "2G", "-o", "json")
        assert {each["name"]: each["outcome"] for each in ended.data} == {DB: "changed", rf"{VMS}\ide.vhdx": "failed"}
        assert ended.code == 8
        assert shown(lab, DB, "size", "attached") == (2 * GIB, True)

    def test_a_saved_state_knows_its_disks(self, lab, no_change):
        lab.ok("vm", "start", "db")
        lab.ok("vm", "save", "db")
        with no_change():
            failed = lab("vhd", "resize", DB, "--size", "2G", "-o", "json")
        assert (failed.code, failed.error["message"]) == (6, f"'{DB}' is in use by 'db' (Saved).")

    def test_shrinking_asks(self, lab, no_change):
        lab.ok("vm", "start", "db")
        lab.ok("vm", "stop", "db")
        lab.ok("vhd", "resize", DB, "--size", "4G")
        with no_change():
            assert lab("vhd", "resize", DB, "--size", "2G").code == 2
            assert lab("vhd", "resize", DB, "--to-minimum").code == 2
            refused = lab("vhd", "resize", DB, "--size", "2G", terminal=True, stdin="n\n")
        assert refused.err.startswith(f"Shrink '{DB}' from 4 GiB to 2 GiB on lab? [y/N]: ")
        lab.ok("vhd", "resize", DB, "--size", "2G", terminal=True, stdin="y\n")
        lab.ok("vhd", "resize", DB, "--to-minimum", "--yes")
        assert shown(lab, DB, "size") == (GIB,)

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            ([BASE, "--size", "20G"], f"Others differ from '{BASE}' and would be corrupted: {CHILD}."),
            ([OLD, "--size", "512M"], f"'{OLD}' is a VHD, which cannot be made smaller."),
            ([OLD, "--size", "3T"], f"'{OLD}': a .vhd file holds at most 2040 GiB."),
            ([CHILD, "--size", "1G"], f"How far '{CHILD}' can shrink cannot be told: "),
        ],
        ids=str,
    )
    def test_what_is_refused(self, lab, no_change, words, message):
        with no_change():
            failed = lab("vhd", "resize", *words, "--yes", "-o", "json")
        assert (failed.code, failed.error["message"][: len(message)]) == (6, message)

    def test_a_disk_beside_it_that_no_machine_has_counts_too(self, lab, no_change):
        loose = r"C:\VMs\loose.vhdx"
        lab.ok("vhd", "create", loose, "--parent", DB)
        with no_change():
            failed = lab("vhd", "resize", DB, "--size", "20G", "-o", "json")
        assert failed.error["message"] == f"Others differ from '{DB}' and would be corrupted: {loose}."

    def test_partitions_are_not_cut(self, lab, no_change):
        lab.ok("vm", "start", "db")
        lab.ok("vm", "stop", "db")
        with no_change():
            failed = lab("vhd", "resize", DB, "--size", "512M", "--yes", "-o", "json")
        assert failed.error["message"] == f"'{DB}' cannot shrink to 512 MiB: its partitions end at 1 GiB."

    def test_disks_of_checkpoints(self, lab, no_change):
        lab.ok("checkpoint", "create", "db", "--name", "x")
        with no_change():
            failed = lab("vhd", "resize", DB, "--vm", "db", "--size", "2G", "-o", "json")
        assert failed.code == 6
        assert {each["error"]["message"].partition("' ")[2] for each in failed.data} == {
            "belongs to the checkpoints of 'db'."
        }

    @pytest.mark.parametrize("words", [["--size", "2G"], [DB], [DB, "--size", "2G", "--to-minimum"]], ids=str)
    def test_what_was_not_said(self, lab, words):
        assert lab("vhd", "resize", *words).code == 2


class TestConvert:
    def test_another_format_and_type(self, lab):
        (done,) = lab.json("vhd", "convert", OLD, "c:/vms/new.vhdx", "--type", "fixed")
        assert (done["id"], done["name"], done["outcome"]) == (OLD, r"c:\vms\new.vhdx", "changed")
        assert shown(lab, NEW, "format", "type", "size") == ("VHDX", "Fixed", GIB)
        assert exists(lab, OLD)

    def test_a_differencing_disk_stands_alone_afterwards(self, lab):
        lab.ok("vhd", "convert", CHILD, NEW)
        assert shown(lab, NEW, "type", "parent") == ("Dynamic", None)

    def test_one_that_differs(self, lab):
        lab.ok("vhd", "convert", OLD, NEW, "--parent", BASE)
        assert shown(lab, NEW, "type", "parent") == ("Differencing", BASE)

    def test_the_source_goes_if_asked_to(self, lab, no_change):
        with no_change():
            assert lab("vhd", "convert", OLD, NEW, "--delete-source").code == 2
        asked = lab("vhd", "convert", OLD, NEW, "--delete-source", terminal=True, stdin="y\n")
        assert f"Delete '{OLD}' once {NEW} is made on lab? [y/N]: " in asked.err
        assert (exists(lab, OLD), exists(lab, NEW)) == (False, True)

    @pytest.mark.parametrize(
        ("words", "code", "message"),
        [
            ([OLD, DB], 6, f"The host has a file '{DB}' already"),
            ([OLD, r"C:\nope\x.vhdx"], 3, "The host has no folder 'C:\\nope'."),
            ([OLD, OLD.upper()[:-3] + "vhd"], 6, f"'{OLD}' cannot be converted into itself."),
            ([CHILD, NEW, "--delete-source"], 6, f"'{CHILD}' is a disk of web1."),
            ([BASE, NEW, "--delete-source"], 6, f"Others differ from '{BASE}' and would be corrupted: {CHILD}."),
            ([OLD, NEW, "--parent", r"C:\VMs\x.vhdx"], 3, r"There is no disk 'C:\VMs\x.vhdx'."),
            ([rf"{VMS}\nope.vhdx", NEW], 3, rf"No virtual hard disk '{VMS}\nope.vhdx' on lab."),
            ([OLD, r"C:\VMs\x.img"], 2, r"'C:\VMs\x.img' does not end in .vhdx or .vhd"),
            ([OLD, NEW, "--type", "differencing"], 2, "A differencing disk needs --parent"),
        ],
        ids=str,
    )
    def test_what_is_refused(self, lab, no_change, words, code, message):
        with no_change():
            failed = lab("vhd", "convert", *words, "--yes", "-o", "json")
        assert (failed.code, failed.error["message"][: len(message)]) == (code, message)

    def test_what_a_machine_holds(self, lab, no_change):
        lab.ok("vm", "start", "db")
        with no_change():
            failed = lab("vhd", "convert", DB, NEW, "-o", "json")
        assert (failed.code, failed.error["message"]) == (6, f"'{DB}' is in use by 'db' (Running).")

    def test_what_fits_into_no_vhd(self, lab, no_change):
        lab.ok("vhd", "create", NEW, "--size", "3T")
        with no_change():
            failed = lab("vhd", "convert", NEW, r"C:\VMs\x.vhd", "-o", "json")
        assert failed.error["message"] == f"'{NEW}' has 3 TiB, and a .vhd file holds at most 2040 GiB."


class TestMerge:
    def test_the_machine_gets_the_parent(self, lab):
        asked = lab("vhd", "merge", CHILD, terminal=True, stdin="y\n")
        assert asked.code == 0
        assert f"web1 will use {BASE} in place of {CHILD}." in asked.err
        assert f"Merge '{CHILD}' into '{BASE}', which changes for good, on lab? [y/N]: " in asked.err
        assert not exists(lab, CHILD)
        assert [disk["path"] for disk in lab.json("vm", "show", "web1")["disks"]] == [BASE]
        lab.ok("vm", "start", "web1")

    def test_it_asks(self, lab, no_change):
        with no_change():
            assert lab("vhd", "merge", CHILD).code == 2
            assert lab("vhd", "merge", CHILD, terminal=True, stdin="n\n").code == 1
            assert lab("vhd", "merge", CHILD, "--dry-run").code == 0

    def test_other_children_are_named(self, lab, no_change):
        lab.ok("vhd", "create", SECOND, "--parent", BASE)
        with no_change():
            failed = lab("vhd", "merge", CHILD, "--yes", "-o", "json")
        words = f"Others differ from '{BASE}' and would be corrupted: {SECOND}."
        assert (failed.code, failed.error["message"]) == (6, words)

    def test_so_are_its_own(self, lab, no_change):
        lab.ok("vhd", "create", SECOND, "--parent", CHILD)
        with no_change():
            failed = lab("vhd", "merge", CHILD, "--yes", "-o", "json")
        assert failed.error["message"] == f"Others differ from '{CHILD}' and would be corrupted: {SECOND}."

    def test_a_disk_beside_them_that_cannot_be_read_may_be_one(self, lab, no_change):
        lost = rf"{VMS}\lost.vhdx"
        lab.ok("vhd", "create", SECOND, "--size", "1G")
        lab.ok("vhd", "create", lost, "--parent", SECOND)
        lab.host.call("Remove-Item", LiteralPath=SECOND, Force=True)
        with no_change():
            failed = lab("vhd", "merge", CHILD, "--yes", "-o", "json")
        words = f"Whether {lost} differs from '{CHILD}' cannot be told: it cannot be read."
        assert (failed.code, failed.error["message"]) == (6, words)

    @pytest.mark.parametrize(("verb", "state"), [("start", "Running"), ("save", "Saved"), ("suspend", "Paused")])
    def test_a_machine_that_is_not_off(self, lab, no_change, verb, state):
        lab.ok("vm", "start", "web1")
        lab.ok("vm", verb, "web1")
        with no_change():
            failed = lab("vhd", "merge", CHILD, "--yes", "-o", "json")
        assert (failed.code, failed.error["message"]) == (6, f"'{CHILD}' is in use by 'web1' ({state}).")

    def test_a_disk_of_a_checkpoint(self, lab, no_change):
        lab.ok("checkpoint", "create", "web1", "--name", "x")
        (disk,) = lab.json("vm", "show", "web1")["disks"]
        for path in (CHILD, disk["path"]):
            with no_change():
                failed = lab("vhd", "merge", path, "--yes", "-o", "json")
            assert (failed.code, failed.error["message"]) == (6, f"'{path}' belongs to the checkpoints of 'web1'.")

    def test_a_parent_that_another_machine_has(self, lab, no_change):
        lab.ok("vm", "create", "other", "--attach", BASE)
        with no_change():
            failed = lab("vhd", "merge", CHILD, "--yes", "-o", "json")
        assert failed.error["message"] == f"'{BASE}' is a disk of other, which would find other content on it."

    def test_a_disk_that_differs_from_nothing(self, lab, no_change):
        with no_change():
            failed = lab("vhd", "merge", OLD, "--yes", "-o", "json")
        assert (failed.code, failed.error["message"]) == (
            6,
            f"'{OLD}' is not a differencing disk: it has no parent to be merged into.",
        )
