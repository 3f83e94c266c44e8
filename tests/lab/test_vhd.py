from __future__ import annotations

from typing import Any

import pytest
from tests.support.simulated import GIB, CallFailed, SimulatedHost

from hvctl.lab import disks
from hvctl.lab.world import World
from hvctl.powershell.batch import Call, Step

pytestmark = pytest.mark.lab
BASE, CHILD, SECOND, LEAF = (rf"C:\VMs\{name}.vhdx" for name in ("base", "child", "second", "leaf"))
BIG = 20 * GIB


def refused(lab: SimulatedHost, cmdlet: str, **parameters: Any) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        lab.call(cmdlet, **parameters)
    return caught.value


def disk(lab: SimulatedHost, path: str, **what: str) -> None:
    """Make a disk, and let a guest write to it."""
    lab.new_disk(path)
    write(lab, path, **what)


def differ(lab: SimulatedHost, path: str, parent: str, **what: str) -> None:
    """Make a differencing disk, and let a guest write to it."""
    lab.call("New-VHD", Path=path, ParentPath=parent, Differencing=True)
    write(lab, path, **what)


def write(lab: SimulatedHost, path: str, **what: str) -> None:
    if what:
        with World.open(lab.path) as world, world.transaction():
            disks.write(world, disks.find(world, "hv01", path), **what)


def read(lab: SimulatedHost, path: str) -> dict[str, str]:
    """What a guest would find on a disk."""
    with World.open(lab.path) as world:
        return disks.contents(world, disks.find(world, "hv01", path))


def exists(lab: SimulatedHost, path: str) -> bool:
    return bool(lab.value("Test-Path", ".", LiteralPath=path))


class TestChains:
    def test_a_guest_reads_through_its_chain(self, lab: SimulatedHost) -> None:
        disk(lab, BASE, a="1", b="1")
        differ(lab, CHILD, BASE, b="2")
        differ(lab, LEAF, CHILD, c="3")
        assert read(lab, LEAF) == {"a": "1", "b": "2", "c": "3"}
        assert read(lab, BASE) == {"a": "1", "b": "1"}

    def test_a_missing_parent_is_named(self, lab: SimulatedHost) -> None:
        disk(lab, BASE)
        differ(lab, CHILD, BASE)
        differ(lab, LEAF, CHILD)
        lab.call("Remove-Item", LiteralPath=BASE)
        for cmdlet in ("Get-VHD", "Test-VHD"):
            error = refused(lab, cmdlet, Path=LEAF)
            assert (error.id, BASE in error.fields["message"]) == ("InvalidParameter", True)

    def test_a_parent_that_was_written_to_breaks_its_children(self, lab: SimulatedHost) -> None:
        disk(lab, BASE)
        differ(lab, CHILD, BASE)
        write(lab, BASE, a="1")
        assert refused(lab, "Get-VHD", Path=CHILD).id == "OperationFailed"
        assert lab.value("Get-VHD", "Size", Path=BASE) == 10 * GIB

    def test_so_does_a_machine_that_starts_from_the_parent(self, lab: SimulatedHost) -> None:
        lab.new_disk(BASE)
        differ(lab, CHILD, BASE)
        lab.new_vm("one", VHDPath=BASE)
        lab.new_vm("two", VHDPath=CHILD)
        lab.call("Start-VM", Name="one")
        lab.call("Stop-VM", Name="one")
        assert refused(lab, "Start-VM", Name="two").fields["hresult"] == 0xC03A000E

    def test_parent_and_child_have_one_format(self, lab: SimulatedHost) -> None:
        lab.new_disk(BASE)
        assert refused(lab, "New-VHD", Path=r"C:\VMs\x.vhd", ParentPath=BASE).id == "InvalidParameter"

    def test_test_vhd_says_false_beside_its_error(self, lab: SimulatedHost) -> None:
        lab.new_disk(BASE)
        assert lab.value("Test-VHD", ".", Path=BASE) is True
        answer = lab.run(Step("test", Call("Test-VHD", {"Path": CHILD}), select=(".",), on_error="continue"))
        assert (answer.records("test"), answer.error_ids) == ([{".": False}], ["InvalidParameter"])


class TestMerge:
    def test_the_child_goes_into_its_parent(self, lab: SimulatedHost) -> None:
        disk(lab, BASE, a="1", b="1")
        differ(lab, CHILD, BASE, b="2")
        lab.call("Merge-VHD", Path=CHILD, Force=True)
        assert not exists(lab, CHILD)
        assert read(lab, BASE) == {"a": "1", "b": "2"}

    def test_it_breaks_other_children_and_those_of_the_child(self, lab: SimulatedHost) -> None:
        disk(lab, BASE)
        for path, parent in ((CHILD, BASE), (SECOND, BASE), (LEAF, CHILD)):
            differ(lab, path, parent)
        lab.call("Merge-VHD", Path=CHILD, Force=True)
        assert refused(lab, "Get-VHD", Path=SECOND).id == "OperationFailed"
        assert refused(lab, "Get-VHD", Path=LEAF).id == "InvalidParameter"

    def test_a_parent_that_adopts_keeps_those_of_the_child_whole(self, lab: SimulatedHost) -> None:
        disk(lab, BASE)
        differ(lab, CHILD, BASE, b="2")
        differ(lab, LEAF, CHILD, c="3")
        with World.open(lab.path) as world, world.transaction():
            disks.merge(world, disks.find(world, "hv01", CHILD))
        assert read(lab, LEAF) == {"b": "2", "c": "3"}
        assert lab.value("Get-VHD", "ParentPath", Path=LEAF) == BASE

    def test_what_it_refuses(self, lab: SimulatedHost) -> None:
        disk(lab, BASE)
        differ(lab, CHILD, BASE)
        assert refused(lab, "Merge-VHD", Path=BASE, Force=True).id == "InvalidParameter"
        assert refused(lab, "Merge-VHD", Path=CHILD).id == "InvalidOperation"
        lab.new_vm("one", VHDPath=CHILD)
        lab.call("Start-VM", Name="one")
        assert refused(lab, "Merge-VHD", Path=CHILD, Force=True).category == "ResourceBusy"
        lab.call("Save-VM", Name="one")
        lab.call("Merge-VHD", Path=CHILD, Force=True)


class TestResize:
    @pytest.mark.parametrize("kind", ["Dynamic", "Fixed"])
    def test_it_grows(self, lab: SimulatedHost, kind: str) -> None:
        lab.new_disk(BASE, **{kind: True})
        lab.call("Resize-VHD", Path=BASE, SizeBytes=BIG)
        assert lab.value("Get-VHD", "Size", Path=BASE) == BIG
        assert (lab.value("Get-VHD", "FileSize", Path=BASE) > BIG) is (kind == "Fixed")

    def test_it_shrinks_to_the_end_of_the_partitions(self, lab: SimulatedHost) -> None:
        disk(lab, BASE, a="1")
        assert lab.value("Get-VHD", "MinimumSize", Path=BASE) == 10 * GIB
        lab.call("Resize-VHD", Path=BASE, SizeBytes=BIG)
        assert refused(lab, "Resize-VHD", Path=BASE, SizeBytes=9 * GIB).id == "OperationFailed"
        lab.call("Resize-VHD", Path=BASE, ToMinimumSize=True)
        assert lab.value("Get-VHD", "Size", Path=BASE) == 10 * GIB

    def test_without_partitions_it_does_not_shrink(self, lab: SimulatedHost) -> None:
        lab.new_disk(BASE)
        assert lab.value("Get-VHD", "MinimumSize", Path=BASE) is None
        for parameters in ({"SizeBytes": 9 * GIB}, {"ToMinimumSize": True}):
            assert refused(lab, "Resize-VHD", Path=BASE, **parameters).id == "OperationFailed"

    def test_kinds_that_keep_their_size(self, lab: SimulatedHost) -> None:
        old, child = r"C:\VMs\old.vhd", r"C:\VMs\child.vhd"
        disk(lab, old, a="1")
        lab.call("Resize-VHD", Path=old, SizeBytes=BIG)
        assert refused(lab, "Resize-VHD", Path=old, SizeBytes=10 * GIB).id == "OperationFailed"
        differ(lab, child, old)
        assert refused(lab, "Resize-VHD", Path=child, SizeBytes=2 * BIG).id == "OperationFailed"
        assert refused(lab, "Resize-VHD", Path=old, SizeBytes=2 * BIG).id == "OperationFailed"

    def test_online_it_works_on_scsi_only(self, lab: SimulatedHost) -> None:
        lab.new_disk(BASE)
        lab.new_disk(SECOND)
        lab.new_vm("one", Generation=1, VHDPath=BASE)
        lab.new_vm("two", VHDPath=SECOND)
        for name in ("one", "two"):
            lab.call("Start-VM", Name=name)
        assert refused(lab, "Resize-VHD", Path=BASE, SizeBytes=BIG).id == "NotSupported"
        lab.call("Resize-VHD", Path=SECOND, SizeBytes=BIG)
        assert lab.value("Get-VHD", "Size", Path=SECOND) == BIG


class TestConvert:
    def test_a_whole_chain_becomes_one_disk(self, lab: SimulatedHost) -> None:
        disk(lab, BASE, a="1")
        differ(lab, CHILD, BASE, b="2")
        lab.call("Convert-VHD", Path=CHILD, DestinationPath=r"C:\VMs\new.vhd", VHDType="Fixed")
        assert read(lab, r"C:\VMs\new.vhd") == {"a": "1", "b": "2"}
        names = ("VhdFormat", "VhdType", "ParentPath", "Size", "MinimumSize")
        (record,) = lab.call("Get-VHD", Path=r"C:\VMs\new.vhd", select=names)
        assert record == dict(zip(names, ("VHD", "Fixed", None, 10 * GIB, 10 * GIB), strict=True))
        assert exists(lab, CHILD)

    def test_it_takes_the_source_away_if_told_to(self, lab: SimulatedHost) -> None:
        disk(lab, BASE, a="1")
        lab.call("Convert-VHD", Path=BASE, DestinationPath=CHILD, DeleteSource=True)
        assert (exists(lab, BASE), read(lab, CHILD)) == (False, {"a": "1"})

    @pytest.mark.parametrize(
        ("parameters", "error_id"),
        [
            ({"DestinationPath": SECOND}, "OperationFailed"),
            ({"DestinationPath": r"C:\VMs\x.img"}, "InvalidParameter"),
            ({"DestinationPath": LEAF, "VHDType": "Differencing"}, "InvalidParameter"),
            ({"DestinationPath": LEAF, "VHDType": "Fixed", "ParentPath": SECOND}, "InvalidParameter"),
            ({"DestinationPath": LEAF, "Path": r"C:\VMs\nope.vhdx"}, "InvalidParameter"),
        ],
    )
    def test_what_it_refuses(self, lab: SimulatedHost, parameters: dict[str, Any], error_id: str) -> None:
        lab.new_disk(BASE)
        lab.new_disk(SECOND)
        assert refused(lab, "Convert-VHD", **{"Path": BASE, **parameters}).id == error_id
        assert not exists(lab, LEAF)

    def test_what_a_machine_holds_is_busy(self, lab: SimulatedHost) -> None:
        lab.new_running_vm()
        error = refused(lab, "Convert-VHD", Path=r"C:\VMs\web1.vhdx", DestinationPath=LEAF)
        assert (error.id, error.category) == ("ObjectInUse", "ResourceBusy")


def test_long_work_takes_the_clock_s_time_and_tells_how_far_it_is(lab: SimulatedHost) -> None:
    def elapsed(cmdlet: str, **parameters: Any) -> float:
        with World.open(lab.path) as world:
            before = world.now()
        answer = lab.run(Step("work", Call(cmdlet, parameters)))
        percents = [frame["percent"] for frame in answer.frames if frame.type == "progress"]
        assert (answer.error_ids, percents) == ([], [0, 20, 40, 60, 80])
        with World.open(lab.path) as world:
            return world.now() - before

    assert elapsed("New-VHD", Path=BASE, SizeBytes=100 * GIB, Fixed=True) >= disks.seconds(100 * GIB)
    assert elapsed("Convert-VHD", Path=BASE, DestinationPath=CHILD) >= disks.seconds(100 * GIB)
    assert elapsed("Resize-VHD", Path=BASE, SizeBytes=200 * GIB) >= disks.seconds(100 * GIB)


class TestGetChildItem:
    def test_files_of_a_folder(self, lab: SimulatedHost) -> None:
        lab.new_disk(BASE)
        lab.new_disk(r"C:\VMs\Virtual Hard Disks\deep.VHD")
        shown = lab.call("Get-ChildItem", LiteralPath=r"c:/vms", File=True, select=["FullName", "Extension", "Length"])
        assert shown == [{"FullName": BASE, "Extension": ".vhdx", "Length": 4 << 20}]
        names = lab.call("Get-ChildItem", LiteralPath="C:\\", File=True, Recurse=True, select=["Name"])
        assert [each["Name"] for each in names] == ["ubuntu.iso", "windows.iso", "base.vhdx", "deep.VHD"]
        folders = lab.call("Get-ChildItem", LiteralPath="C:\\", Directory=True, select=["Name", "Length"])
        assert folders == [{"Name": "ISO", "Length": None}, {"Name": "VMs", "Length": None}]

    def test_a_file_stands_for_itself(self, lab: SimulatedHost) -> None:
        lab.new_disk(BASE)
        assert lab.value("Get-ChildItem", "Name", LiteralPath=BASE) == "base.vhdx"

    def test_what_is_missing(self, lab: SimulatedHost) -> None:
        error = refused(lab, "Get-ChildItem", LiteralPath=r"C:\nope")
        assert (error.fields["error_id"], error.category) == (
            "PathNotFound,Microsoft.PowerShell.Commands.GetChildItemCommand",
            "ObjectNotFound",
        )
        assert refused(lab, "Get-ChildItem").id == "Hvctl.NotSimulated"
