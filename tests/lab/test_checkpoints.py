from __future__ import annotations

from typing import Any

import pytest
from tests.support.simulated import Answer, CallFailed, SimulatedHost

from hvctl.lab import disks, guests, seeds
from hvctl.lab.entities import Drive, File, Vm
from hvctl.lab.world import World
from hvctl.powershell.batch import Call, Ref, Step

pytestmark = pytest.mark.lab
DISK = r"C:\VMs\web1.vhdx"
ALL = ("Id", "Name", "State", "SnapshotType", "IsAutomaticCheckpoint", "ParentSnapshotName", "HardDrives.Path")


@pytest.fixture
def vm(lab: SimulatedHost) -> SimulatedHost:
    """A host with one running VM that has a disk."""
    lab.new_running_vm()
    return lab


def configure(lab: SimulatedHost, **values: Any) -> None:
    with World.open(lab.path) as world, world.transaction():
        for name, value in values.items():
            world.configure(name, value)


def behave(lab: SimulatedHost, **traits: Any) -> None:
    with World.open(lab.path) as world:
        guests.set_behaviour(world, "hv01", "web1", **traits)


def take(lab: SimulatedHost, name: str, **parameters: Any) -> dict[str, Any]:
    given = {"Name": "web1", "SnapshotName": name, "Passthru": True, **parameters}
    (record,) = lab.call("Checkpoint-VM", select=ALL, **given)
    return record


def restore(lab: SimulatedHost, name: str) -> None:
    lab.call("Restore-VMSnapshot", VMName="web1", Name=name, Confirm=False)


def refused(lab: SimulatedHost, cmdlet: str, **parameters: Any) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        lab.call(cmdlet, **parameters)
    return caught.value


def tree(lab: SimulatedHost) -> dict[str, str | None]:
    """The name of each checkpoint's parent, by its own."""
    found = lab.call("Get-VMSnapshot", VMName="web1", select=("Name", "ParentSnapshotName"))
    return {each["Name"]: each["ParentSnapshotName"] for each in found}


def position(lab: SimulatedHost) -> str | None:
    return lab.value("Get-VM", "ParentSnapshotName", Name="web1")


def path(lab: SimulatedHost) -> str:
    return str(lab.value("Get-VMHardDiskDrive", "Path", VMName="web1"))


def files(lab: SimulatedHost) -> list[str]:
    """The virtual hard disks that there are."""
    with World.open(lab.path) as world:
        return sorted(file.path for file in world.find(File) if file.kind == "vhd")


def write(lab: SimulatedHost, word: str) -> None:
    at = path(lab)
    with World.open(lab.path) as world, world.transaction():
        disks.write(world, disks.find(world, "hv01", at), word=word)


def word(lab: SimulatedHost, at: str | None = None) -> str | None:
    at = at or path(lab)
    with World.open(lab.path) as world:
        return disks.contents(world, disks.find(world, "hv01", at)).get("word")


class TestTaking:
    def test_the_machine_goes_on_in_a_disk_beside_its_own(self, vm: SimulatedHost) -> None:
        taken = take(vm, "a")
        assert taken["HardDrives.Path"] == [DISK]
        assert path(vm).startswith(r"C:\VMs\web1_")
        assert path(vm).endswith(".avhdx")
        assert vm.value("Get-VHD", "ParentPath", Path=path(vm)) == DISK
        assert position(vm) == "a"

    def test_the_second_disk_has_the_name_of_the_first(self, vm: SimulatedHost) -> None:
        take(vm, "a")
        first = path(vm)
        taken = take(vm, "b")
        assert taken["HardDrives.Path"] == [first]
        assert path(vm).count("_") == 1
        assert vm.value("Get-VHD", "ParentPath", Path=path(vm)) == first

    def test_names_need_not_be_unique(self, vm: SimulatedHost) -> None:
        ids = {take(vm, "a")["Id"], take(vm, "a")["Id"]}
        assert len(ids) == 2
        assert refused(vm, "Restore-VMSnapshot", VMName="web1", Name="a", Confirm=False).id == "InvalidParameter"

    def test_one_without_a_name_is_called_after_machine_and_time(self, vm: SimulatedHost) -> None:
        vm.call("Checkpoint-VM", Name="web1")
        (name,) = tree(vm)
        assert name.startswith("web1 - (1/1/2025 - ")

    @pytest.mark.parametrize("name", ["", "x" * 101])
    def test_names_that_cannot_be(self, vm: SimulatedHost, name: str) -> None:
        assert refused(vm, "Checkpoint-VM", Name="web1", SnapshotName=name).id in (
            "InvalidParameter",
            "ParameterArgumentValidationErrorEmptyStringNotAllowed",
        )
        assert files(vm) == [DISK]

    def test_a_disk_that_is_gone_leaves_nothing_half_done(self, vm: SimulatedHost) -> None:
        second = vm.new_disk(r"C:\VMs\second.vhdx")
        vm.call("Add-VMHardDiskDrive", VMName="web1", Path=second)
        vm.call("Stop-VM", Name="web1", TurnOff=True)
        vm.call("Remove-Item", LiteralPath=second)
        refused(vm, "Checkpoint-VM", Name="web1", SnapshotName="a")
        assert (tree(vm), files(vm), position(vm)) == ({}, [DISK], None)

    def test_there_are_at_most_fifty(self, vm: SimulatedHost) -> None:
        vm.call("Stop-VM", Name="web1", TurnOff=True)
        with vm.connect() as connection:
            for number in range(50):
                assert not connection.run(
                    Step("x", Call("Checkpoint-VM", {"Name": "web1", "SnapshotName": f"{number}"}))
                ).errors
        assert refused(vm, "Checkpoint-VM", Name="web1", SnapshotName="one more").id == "OperationFailed"

    def test_its_files_lie_in_the_folder_for_checkpoints(self, vm: SimulatedHost) -> None:
        vm.call("Set-VM", Name="web1", SnapshotFileLocation=r"C:\ISO")
        taken = take(vm, "a")
        file = rf"C:\ISO\Snapshots\{taken['Id'].upper()}.vmcx"
        assert vm.value("Test-Path", ".", LiteralPath=file) is True
        assert refused(vm, "Set-VM", Name="web1", SnapshotFileLocation=r"C:\VMs").id == "InvalidState"
        vm.call("Remove-VMSnapshot", VMName="web1", Name="a")
        assert vm.value("Test-Path", ".", LiteralPath=file) is False


# Type and state of the machine, to the state of the checkpoint or the error id.
TYPES = {
    ("Standard", "Running"): "Saved",
    ("Standard", "Paused"): "Saved",
    ("Standard", "Saved"): "Saved",
    ("Standard", "Off"): "Off",
    ("Production", "Running"): "Off",
    ("Production", "Paused"): "Saved",
    ("Production", "Saved"): "Saved",
    ("Production", "Off"): "Off",
    ("ProductionOnly", "Running"): "Off",
    ("ProductionOnly", "Paused"): "OperationFailed",
    ("ProductionOnly", "Saved"): "OperationFailed",
    ("ProductionOnly", "Off"): "Off",
    ("Disabled", "Running"): "OperationFailed",
    ("Disabled", "Off"): "OperationFailed",
}
WAYS = {"Running": [], "Paused": ["Suspend-VM"], "Saved": ["Save-VM"], "Off": ["Stop-VM"]}


@pytest.mark.parametrize(("kind", "state"), TYPES)
def test_types(vm: SimulatedHost, kind: str, state: str) -> None:
    vm.call("Set-VM", Name="web1", CheckpointType=kind)
    for cmdlet in WAYS[state]:
        vm.call(cmdlet, Name="web1")
    expected = TYPES[kind, state]
    if expected == "OperationFailed":
        assert refused(vm, "Checkpoint-VM", Name="web1", SnapshotName="a").id == expected
        assert tree(vm) == {}
    else:
        assert take(vm, "a")["State"] == expected
    assert vm.state("web1") == state


@pytest.mark.parametrize("traits", [{"vss": False}, {"answers": False}])
def test_a_guest_that_cannot_freeze_its_disks(vm: SimulatedHost, traits: dict[str, bool]) -> None:
    behave(vm, **traits)
    assert take(vm, "a")["State"] == "Saved"
    vm.call("Set-VM", Name="web1", CheckpointType="ProductionOnly")
    assert "Production checkpoints cannot be created." in str(refused(vm, "Checkpoint-VM", Name="web1"))


# State of the machine and of the checkpoint, to the state after the restore.
RESTORES = {
    ("Off", "Off"): "Off",
    ("Off", "Saved"): "Saved",
    ("Running", "Off"): "Off",
    ("Running", "Saved"): "Running",
    ("Paused", "Off"): "Off",
    ("Paused", "Saved"): "Saved",
    ("Saved", "Off"): "Off",
    ("Saved", "Saved"): "Saved",
}


class TestRestoring:
    @pytest.mark.parametrize(("state", "frozen"), RESTORES)
    def test_from_each_state_to_each(self, vm: SimulatedHost, state: str, frozen: str) -> None:
        vm.call("Set-VM", Name="web1", CheckpointType="Standard" if frozen == "Saved" else "Production")
        write(vm, "before")
        take(vm, "a")
        write(vm, "after")
        for cmdlet in WAYS[state]:
            vm.call(cmdlet, Name="web1")
        restore(vm, "a")
        assert vm.state("web1") == RESTORES[state, frozen]
        assert (word(vm), position(vm), len(files(vm))) == ("before", "a", 2)

    def test_whether_it_runs_on_is_the_world_s_choice(self, vm: SimulatedHost) -> None:
        configure(vm, restore_restarts=False)
        vm.call("Set-VM", Name="web1", CheckpointType="Standard")
        take(vm, "a")
        restore(vm, "a")
        assert vm.state("web1") == "Saved"

    def test_siblings_make_a_tree(self, vm: SimulatedHost) -> None:
        for name in ("a", "b"):
            take(vm, name)
        restore(vm, "a")
        take(vm, "c")
        assert tree(vm) == {"a": None, "b": "a", "c": "a"}
        assert position(vm) == "c"

    def test_settings_come_back(self, vm: SimulatedHost) -> None:
        vm.call("Stop-VM", Name="web1", TurnOff=True)
        vm.call("Set-VM", Name="web1", Notes="old", ProcessorCount=2)
        take(vm, "a")
        vm.call("Set-VM", Name="web1", Notes="new", ProcessorCount=4)
        vm.call("Rename-VM", Name="web1", NewName="web2")
        vm.call("Rename-VM", Name="web2", NewName="web1")
        vm.call("Add-VMHardDiskDrive", VMName="web1", Path=vm.new_disk(r"C:\VMs\more.vhdx"))
        restore(vm, "a")
        assert vm.value("Get-VM", "Notes", Name="web1") == "old"
        assert vm.value("Get-VM", "ProcessorCount", Name="web1") == 2
        assert len(vm.call("Get-VMHardDiskDrive", VMName="web1", select=["Path"])) == 1
        assert r"C:\VMs\more.vhdx" in files(vm), "a disk that came later is unplugged, and not lost"

    def test_a_switch_that_is_gone_leaves_the_adapter_unplugged(self, vm: SimulatedHost) -> None:
        vm.call("New-VMSwitch", Name="lan", SwitchType="Private")
        vm.call("Connect-VMNetworkAdapter", VMName="web1", SwitchName="lan")
        take(vm, "a")
        vm.call("Remove-VMSwitch", Name="lan", Force=True)
        restore(vm, "a")
        assert not vm.value("Get-VMNetworkAdapter", "SwitchName", VMName="web1")

    def test_a_disk_that_is_gone_changes_nothing(self, vm: SimulatedHost) -> None:
        vm.call("Stop-VM", Name="web1", TurnOff=True)
        take(vm, "a")
        take(vm, "b")
        with World.open(vm.path) as world, world.transaction():
            world.remove(disks.find(world, "hv01", DISK))
        before = path(vm)
        refused(vm, "Restore-VMSnapshot", VMName="web1", Name="a", Confirm=False)
        assert (path(vm), position(vm)) == (before, "b")

    def test_it_asks(self, vm: SimulatedHost) -> None:
        take(vm, "a")
        assert refused(vm, "Restore-VMSnapshot", VMName="web1", Name="a").id == "InvalidOperation"

    def test_one_that_is_not_there(self, vm: SimulatedHost) -> None:
        assert refused(vm, "Restore-VMSnapshot", VMName="web1", Name="x", Confirm=False).id == "ObjectNotFound"


class TestDeleting:
    @pytest.fixture
    def chain(self, vm: SimulatedHost) -> SimulatedHost:
        """Three checkpoints in a row, each with a word of its own."""
        for name in ("a", "b", "c"):
            write(vm, name)
            take(vm, name)
        write(vm, "now")
        return vm

    @pytest.mark.parametrize(
        ("name", "parents"),
        [("a", {"b": None, "c": "b"}), ("b", {"a": None, "c": "a"}), ("c", {"a": None, "b": "a"})],
    )
    def test_one_of_a_row(self, chain: SimulatedHost, name: str, parents: dict[str, str | None]) -> None:
        chain.call("Remove-VMSnapshot", VMName="web1", Name=name)
        assert tree(chain) == parents
        assert (word(chain), len(files(chain))) == ("now", 3)
        for each in chain.call("Get-VMSnapshot", VMName="web1", select=ALL):
            assert word(chain, each["HardDrives.Path"][0]) == each["Name"]

    def test_all_of_them(self, chain: SimulatedHost) -> None:
        chain.call("Remove-VMSnapshot", VMName="web1")
        assert (tree(chain), files(chain), path(chain), word(chain)) == ({}, [DISK], DISK, "now")
        assert chain.state("web1") == "Running"

    def test_with_all_below(self, chain: SimulatedHost) -> None:
        restore(chain, "a")
        take(chain, "d")
        chain.call("Remove-VMSnapshot", VMName="web1", Name="b", IncludeAllChildSnapshots=True)
        assert tree(chain) == {"a": None, "d": "a"}
        assert len(files(chain)) == 3

    def test_a_name_that_fits_none_is_no_error(self, chain: SimulatedHost) -> None:
        chain.call("Remove-VMSnapshot", VMName="web1", Name="x")
        assert len(tree(chain)) == 3

    def test_a_branch_that_the_machine_is_not_on(self, chain: SimulatedHost) -> None:
        restore(chain, "a")
        chain.call("Remove-VMSnapshot", VMName="web1", Name="c")
        assert (tree(chain), word(chain)) == ({"a": None, "b": "a"}, "a")
        assert len(files(chain)) == 3, "the base, what b holds, and where the machine is"

    def test_a_disk_that_a_template_s_child_needs_is_not_written_to(self, vm: SimulatedHost) -> None:
        """Another machine's disk that differs from the base would be broken by a merge."""
        write(vm, "base")
        take(vm, "a")
        vm.call("New-VHD", Path=r"C:\VMs\other.vhdx", ParentPath=DISK, Differencing=True)
        write(vm, "now")
        vm.call("Remove-VMSnapshot", VMName="web1", Name="a")
        assert word(vm, r"C:\VMs\other.vhdx") == "base"
        assert (word(vm), len(files(vm))) == ("now", 3)

    def test_old_disks_stay_old(self, lab: SimulatedHost) -> None:
        lab.call("New-VM", Name="web1", Generation=1, NoVHD=True)
        lab.call("Add-VMHardDiskDrive", VMName="web1", Path=lab.new_disk(r"C:\VMs\old.vhd"))
        take(lab, "a")
        assert path(lab).endswith(".avhd")
        lab.call("Remove-VMSnapshot", VMName="web1")
        assert path(lab) == r"C:\VMs\old.vhd"


class TestMerging:
    @pytest.fixture
    def slow(self, vm: SimulatedHost) -> SimulatedHost:
        """A world where a disk takes three seconds to merge, and a machine with two checkpoints."""
        configure(vm, merge=3)
        for name in ("a", "b"):
            write(vm, name)
            take(vm, name)
        return vm

    def status(self, lab: SimulatedHost) -> list[str]:
        return list(lab.value("Get-VM", "OperationalStatus", Name="web1"))

    def test_the_cmdlet_returns_first(self, slow: SimulatedHost) -> None:
        slow.call("Remove-VMSnapshot", VMName="web1")
        assert tree(slow) == {}
        assert self.status(slow) == ["InService", "MergingDisks"]
        looks = 1
        while "MergingDisks" in self.status(slow):
            looks += 1
        # Each batch turns the clock by a second; two went before the first look, and the disks follow one another.
        assert looks == 3
        assert (self.status(slow), files(slow), word(slow)) == (["Ok"], [DISK], "b")

    def test_a_checkpoint_meanwhile(self, slow: SimulatedHost) -> None:
        slow.call("Remove-VMSnapshot", VMName="web1")
        taken = take(slow, "c")
        while "MergingDisks" in self.status(slow):
            pass
        (record,) = slow.call("Get-VMSnapshot", VMName="web1", select=ALL)
        assert record["HardDrives.Path"] == [DISK] != taken["HardDrives.Path"]
        assert word(slow, DISK) == "b"

    def test_a_machine_that_is_deleted_meanwhile(self, slow: SimulatedHost) -> None:
        slow.call("Stop-VM", Name="web1", TurnOff=True)
        slow.call("Remove-VMSnapshot", VMName="web1")
        slow.call("Remove-VM", Name="web1", Force=True)
        assert files(slow) == [DISK]
        assert word(slow, DISK) == "b"

    def test_a_deleted_machine_s_disk_is_held_while_it_is_merged(self, slow: SimulatedHost) -> None:
        slow.call("Stop-VM", Name="web1", TurnOff=True)
        slow.call("Remove-VM", Name="web1", Force=True)
        busy = refused(slow, "Remove-Item", LiteralPath=DISK)
        assert "RemoveFileSystemItemIOError" in str(busy)
        for _ in range(3):
            slow.call("Get-VM")
        slow.call("Remove-Item", LiteralPath=DISK)
        assert files(slow) == []

    def test_on_a_clock_with_a_pace(self, slow: SimulatedHost) -> None:
        configure(slow, pace=0.02)
        slow.call("Remove-VMSnapshot", VMName="web1", Name="a")
        while "MergingDisks" in self.status(slow):
            pass
        assert len(files(slow)) == 2


def test_a_deleted_machine_leaves_its_present_disk(vm: SimulatedHost) -> None:
    for name in ("a", "b"):
        write(vm, name)
        take(vm, name)
    restore(vm, "a")
    vm.call("Remove-VM", Name="web1", Force=True)
    assert files(vm) == [DISK]
    assert word(vm, DISK) == "a"
    with World.open(vm.path) as world:
        assert [file.path for file in world.find(File) if "SNAPSHOTS\\" in file.key] == []


class TestAutomatic:
    def test_servers_take_none(self, vm: SimulatedHost) -> None:
        assert vm.value("Get-VM", "AutomaticCheckpointsEnabled", Name="web1") is False
        assert tree(vm) == {}

    def test_where_they_are_on(self, vm: SimulatedHost) -> None:
        vm.call("Stop-VM", Name="web1")
        vm.call("Set-VM", Name="web1", AutomaticCheckpointsEnabled=True)
        vm.call("Start-VM", Name="web1")
        (record,) = vm.call("Get-VMSnapshot", VMName="web1", select=ALL)
        assert (record["IsAutomaticCheckpoint"], record["State"]) == (True, "Off")
        vm.call("Save-VM", Name="web1")
        vm.call("Start-VM", Name="web1")
        assert len(tree(vm)) == 1
        vm.call("Stop-VM", Name="web1")
        assert (tree(vm), files(vm)) == ({}, [DISK])


class TestFinding:
    def test_by_name_and_pattern(self, vm: SimulatedHost) -> None:
        for name in ("a1", "a2", "b"):
            take(vm, name)
        found = vm.call("Get-VMSnapshot", VMName="web*", Name="a*", select=["Name"])
        assert [each["Name"] for each in found] == ["a1", "a2"]
        assert vm.call("Get-VMSnapshot", VMName="web1", Name="x*", select=["Name"]) == []
        assert vm.call("Get-VMSnapshot", VMName="web1", SnapshotType="Recovery", select=["Name"]) == []
        assert refused(vm, "Get-VMSnapshot", VMName="web1", Name="x").id == "ObjectNotFound"

    def test_by_object(self, vm: SimulatedHost) -> None:
        taken = take(vm, "a")
        found = Step("found", Call("Get-VMSnapshot", {"VMName": "web1"}), select=("Id",))
        this = Ref("found", where={"Id": taken["Id"]})
        renamed = Step("renamed", Call("Rename-VMSnapshot", {"VMSnapshot": this, "NewName": "b"}))
        removed = Step("removed", Call("Remove-VMSnapshot", {"VMSnapshot": this}))
        gone = Step("gone", Call("Rename-VMSnapshot", {"VMSnapshot": this, "NewName": "c"}))
        answer: Answer = vm.run(found, renamed, removed, gone)
        assert answer.error_ids == ["ObjectNotFound"]
        assert answer.errors[0]["step"] == "gone"
        assert tree(vm) == {}

    def test_a_checkpoint_is_taken_back(self, vm: SimulatedHost) -> None:
        """An undo by the object that the step returned, also from the journal."""
        take_it = Call("Checkpoint-VM", {"Name": "web1", "SnapshotName": "a", "Passthru": True})
        step = Step("take", take_it, undo=Call("Remove-VMSnapshot", {"VMSnapshot": Ref("take")}))
        failing = Step("fails", Call("Get-VM", {"Name": "nobody"}))
        answer = vm.run(step, failing)
        assert answer.done is not None
        assert answer.done["undone"] == ["take"]
        assert (tree(vm), files(vm)) == ({}, [DISK])


def test_two_machines_have_trees_of_their_own(vm: SimulatedHost) -> None:
    vm.new_running_vm("web2")
    vm.call("Checkpoint-VM", Name=("web1", "web2"), SnapshotName="a")
    vm.call("Remove-VMSnapshot", VMName="web1")
    found = vm.call("Get-VMSnapshot", VMName="*", select=["VMName", "Name"])
    assert found == [{"VMName": "web2", "Name": "a"}]
    with World.open(vm.path) as world:
        (machine,) = world.find(Vm, name="web2")
        (drive,) = world.find(Drive, vm=machine.id)
        assert drive.path is not None
        assert drive.path.endswith(".avhdx")


def test_an_old_version_has_no_production_checkpoints(world_file: Any) -> None:
    seeds.reset(world_file, windows="2016")
    host = SimulatedHost(world_file)
    host.new_vm(Version="5.0")
    host.call("Add-VMHardDiskDrive", VMName="web1", Path=host.new_disk(DISK))
    host.call("Start-VM", Name="web1")
    assert take(host, "a")["State"] == "Saved"
