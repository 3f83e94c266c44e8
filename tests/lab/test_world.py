from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest
from tests.support.simulated import GIB, SimulatedHost

from hvctl.errors import ExitCode, HvctlError, UsageError
from hvctl.lab import seeds, world
from hvctl.lab.entities import Adapter, Host
from hvctl.lab.settings import EPOCH, TICK
from hvctl.lab.world import World
from hvctl.powershell.batch import Call, Ref, Step

pytestmark = pytest.mark.lab


def test_a_missing_world_is_made_as_the_default_one(world_file: Path) -> None:
    assert seeds.describe(world_file) == {
        "world": "one-host",
        "windows": "2025",
        "seed": 0,
        "hosts": ["hv01"],
        "vms": 0,
        "switches": 0,
        "isos": ["C:\\ISO\\ubuntu.iso", "C:\\ISO\\windows.iso"],
        "path": str(world_file),
    }
    with World.open(world_file) as opened:
        assert [adapter.name for adapter in opened.find(Adapter)] == ["Ethernet", "Ethernet 2"]
    host = SimulatedHost(world_file)
    names = ["Name", "LogicalProcessorCount", "MemoryCapacity", "VirtualMachinePath", "VirtualHardDiskPath"]
    assert host.call("Get-VMHost", select=names) == [
        dict(zip(names, ["HV01", 16, 64 * GIB, r"C:\VMs", r"C:\VMs\Virtual Hard Disks"], strict=True))
    ]


def test_two_hosts_are_two(world_file: Path) -> None:
    seeds.reset(world_file, world="two-hosts", windows="2022")
    first, second = SimulatedHost(world_file), SimulatedHost(world_file, "HV02")
    second.new_vm("there")
    assert first.names() == []
    assert second.names() == ["there"]
    assert second.value("Get-VMHost", "Name") == "HV02"
    assert seeds.describe(world_file)["hosts"] == ["hv01", "hv02"]
    first.call("New-VHD", Path=r"C:\VMs\x.vhdx", SizeBytes=GIB)
    assert second.value("Test-Path", ".", LiteralPath=r"C:\VMs\x.vhdx") is False
    assert (world.vm_names(world_file, "hv01"), world.vm_names(world_file, "HV02")) == ([], ["there"])


def test_an_unknown_host_is_told(world_file: Path) -> None:
    with pytest.raises(HvctlError) as caught:
        SimulatedHost(world_file, "hv02").names()
    assert caught.value.code is ExitCode.NOT_FOUND
    assert "hv01" in caught.value.message


@pytest.mark.parametrize("arguments", [{"world": "three-hosts"}, {"windows": "2012"}])
def test_unknown_worlds_are_refused(world_file: Path, arguments: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        seeds.reset(world_file, **arguments)
    assert not world_file.exists()


def play(path: Path, seed: int) -> list[object]:
    seeds.reset(path, seed=seed)
    lab = SimulatedHost(path)
    lab.call("New-VMSwitch", Name="lan", SwitchType="Private")
    lab.new_running_vm("a", SwitchName="lan")
    lab.new_running_vm("b", SwitchName="lan")
    answer = lab.run(
        Step("vms", Call("Get-VM"), select=("Id", "CreationTime", "Uptime")),
        Step("nics", Call("Get-VMNetworkAdapter", {"VM": Ref("vms", all=True)}), select=("Id", "MacAddress")),
        Step("disks", Call("Get-VMHardDiskDrive", {"VM": Ref("vms", all=True)}), select=("Id",)),
        Step("switches", Call("Get-VMSwitch"), select=("Id",)),
    )
    return [frame["data"] for frame in answer.frames if frame.type == "record"]


def test_the_same_seed_gives_the_same_world(tmp_path: Path) -> None:
    first, again, other = play(tmp_path / "1.db", 7), play(tmp_path / "2.db", 7), play(tmp_path / "3.db", 8)
    assert first == again
    assert all(one != two for one, two in zip(first, other, strict=True))


def test_ids_are_guids_and_never_the_same(lab: SimulatedHost) -> None:
    with World.open(lab.path) as opened, opened.transaction():
        ids = [opened.new_id("vm") for _ in range(500)]
    assert len(set(ids)) == 500
    assert all(len(each) == 36 and each[14] == "4" and each[19] in "89ab" for each in ids)


def test_a_read_does_not_move_the_clock_and_a_change_does(lab: SimulatedHost) -> None:
    def now() -> float:
        with World.open(lab.path) as opened:
            return opened.now()

    start = now()
    lab.names()
    assert now() == start == EPOCH
    lab.new_vm()
    assert now() == start + TICK
    with pytest.raises(Exception, match="unable to find"):
        lab.call("Start-VM", Name="nix")
    assert now() == start + TICK


def test_settings(lab: SimulatedHost) -> None:
    with World.open(lab.path) as opened:
        with pytest.raises(KeyError):
            opened.configure("purple", value=True)
        opened.configure("error_ids", {"remove-running": "OperationFailed"})
        assert opened.setting("pace") == 0
    lab.new_running_vm()
    answer = lab.run(Step("x", Call("Remove-VM", {"Name": "web1", "Force": True})))
    assert answer.error_ids == ["OperationFailed"]
    assert answer.errors[0]["category"] == "NotSpecified"


def fail() -> None:
    raise ZeroDivisionError


def test_a_failed_transaction_changes_nothing(lab: SimulatedHost) -> None:
    with World.open(lab.path) as opened:
        with suppress(ZeroDivisionError), opened.transaction():
            opened.configure("pace", 5)
            fail()
        assert opened.setting("pace") == 0
        with opened.transaction():
            opened.configure("pace", 1)
            with suppress(ZeroDivisionError), opened.savepoint():
                opened.configure("pace", 2)
                fail()
        assert opened.setting("pace") == 1


class TestFiles:
    """A file that is no world, or no longer one."""

    def test_a_foreign_file_is_neither_read_nor_overwritten(self, world_file: Path) -> None:
        world_file.parent.mkdir()
        world_file.write_text("my notes " * 100, encoding="ascii")
        for use in (World.open, seeds.reset):
            with pytest.raises(HvctlError) as caught:
                use(world_file)
            assert caught.value.hint
        assert world_file.read_text(encoding="ascii").startswith("my notes")

    @pytest.mark.parametrize("application", [0, 7])
    def test_a_foreign_database_is_neither_read_nor_overwritten(self, world_file: Path, application: int) -> None:
        world_file.parent.mkdir()
        foreign = sqlite3.connect(world_file)
        foreign.execute(f"PRAGMA application_id = {application}")
        foreign.execute("CREATE TABLE precious(x)")
        foreign.close()
        for use in (World.open, seeds.reset):
            with pytest.raises(HvctlError, match="not a lab world"):
                use(world_file)
        assert world.vm_names(world_file, "hv01") == []

    def test_a_world_of_another_version_is_told_and_can_be_reset(self, lab: SimulatedHost) -> None:
        database = sqlite3.connect(lab.path)
        database.execute("PRAGMA user_version = 99")
        database.close()
        with pytest.raises(HvctlError, match="another version") as caught:
            World.open(lab.path)
        assert "lab reset" in str(caught.value.hint)
        seeds.reset(lab.path)
        assert lab.names() == []

    def test_a_damaged_world_is_told_and_can_be_reset(self, lab: SimulatedHost) -> None:
        lab.new_vm()
        data = bytearray(lab.path.read_bytes())
        data[4096:] = b"\xa5" * (len(data) - 4096)
        lab.path.write_bytes(data)
        with pytest.raises(HvctlError) as caught:
            lab.names()
        assert "lab reset" in str(caught.value.hint)
        seeds.reset(lab.path)
        assert lab.names() == []

    def test_an_empty_file_becomes_a_world(self, world_file: Path) -> None:
        world_file.parent.mkdir()
        world_file.touch()
        assert seeds.describe(world_file)["vms"] == 0

    def test_a_folder_in_the_way_is_told(self, world_file: Path) -> None:
        world_file.mkdir(parents=True)
        for use in (World.open, seeds.reset):
            with pytest.raises(HvctlError):
                use(world_file)

    def test_completion_never_fails(self, world_file: Path) -> None:
        assert world.host_names(world_file) == []
        assert world.vm_names(world_file, "hv01") == []
        assert not world_file.exists()
        world_file.parent.mkdir()
        world_file.write_text("no world", encoding="ascii")
        assert world.host_names(world_file) == []
        assert world.switch_names(world_file, "hv01") == []


def test_names_for_completion(lab: SimulatedHost) -> None:
    lab.new_vm("b")
    lab.new_vm("a")
    lab.call("New-VMSwitch", Name="lan", SwitchType="Private")
    assert world.vm_names(lab.path, "hv01") == ["a", "b"]
    assert world.switch_names(lab.path, "hv01") == ["lan"]
    assert world.host_names(lab.path) == ["hv01"]


def test_hosts_have_what_their_windows_has(lab: SimulatedHost) -> None:
    seeds.reset(lab.path, windows="2016")
    with World.open(lab.path) as opened:
        assert [host.windows for host in opened.find(Host)] == ["2016"]
    assert lab.value("Get-VMHost", "SupportedVmVersions") == ["5.0", "6.2", "7.0", "7.1", "8.0"]
