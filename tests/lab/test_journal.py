from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.support.simulated import GIB, SimulatedHost

from hvctl.lab import owners, seeds
from hvctl.lab.entities import File, Vm
from hvctl.lab.world import World
from hvctl.powershell.batch import Call, Ref, Step

pytestmark = pytest.mark.lab
ROOT = Path(__file__).parents[2]


def run_child(*arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def start_children(code: str, arguments: Sequence[Sequence[str]]) -> list[str]:
    """Run the code in processes side by side; what each prints."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, *each],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for each in arguments
    ]
    output = [child.communicate(timeout=120)[0].decode() for child in children]
    assert [child.returncode for child in children] == [0] * len(children), output
    return output


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a child is killed at every statement: that takes fork")
def test_a_creation_killed_at_any_statement_leaves_all_or_nothing(tmp_path: Path) -> None:
    done = run_child("-m", "tests.support.killed", str(tmp_path))
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["killed"] > 100
    assert outcome["absent"] + outcome["present"] == outcome["killed"]


DIE = """
import os, sys
from pathlib import Path
from hvctl.powershell.batch import Call, Ref, Step
from tests.support.simulated import Connection
undo = Call("Remove-VM", {"VM": Ref("vm"), "Force": True})
with Connection(Path(sys.argv[1])) as client:
    client.receive()
    client.start(Step("vm", Call("New-VM", {"Name": "x"}), undo=undo), Step("hang", Call("Stop-VM", {"Name": "web1"})))
    client.receive()
    os._exit(0)
"""


def test_what_a_dead_process_left_is_taken_back_before_the_next_command(lab: SimulatedHost) -> None:
    lab.new_running_vm()
    with World.open(lab.path) as world:
        world.configure("guest", {"ignores_shutdown": True})
    done = run_child("-c", DIE, str(lab.path))
    assert done.returncode == 0, done.stderr
    with World(lab.path) as world:
        assert [vm.name for vm in world.find(Vm)] == ["web1", "x"]
        assert len(world.owners()) == 1
    assert lab.names() == ["web1"]
    with World.open(lab.path) as world:
        assert world.owners() == []


def test_what_a_living_process_is_making_is_left_alone(lab: SimulatedHost) -> None:
    lab.new_running_vm()
    with World.open(lab.path) as world:
        world.configure("guest", {"ignores_shutdown": True})
    undo = Call("Remove-VM", {"VM": Ref("vm"), "Force": True})
    with lab.connect() as client:
        client.receive()
        hang = Step("hang", Call("Stop-VM", {"Name": "web1"}))
        client.start(Step("vm", Call("New-VM", {"Name": "x"}), undo=undo), hang)
        client.receive()
        assert lab.names() == ["web1", "x"]
        with World.open(lab.path) as world:
            assert len(world.owners()) == 1
    assert lab.names() == ["web1"]


def test_a_batch_that_is_whole_leaves_no_journal(lab: SimulatedHost) -> None:
    undo = Call("Remove-VM", {"VM": Ref("vm"), "Force": True})
    lab.run(
        Step("vm", Call("New-VM", {"Name": "x"}), undo=undo),
        Step("more", Call("Set-VM", {"VM": Ref("vm"), "Notes": "n"})),
    )
    with World.open(lab.path) as world:
        assert world.owners() == []
        assert world.journaled("x") == []
    assert lab.names() == ["x"]


def test_an_undo_that_cannot_be_done_does_not_keep_the_world_shut(lab: SimulatedHost) -> None:
    lab.new_running_vm("a")
    with World.open(lab.path) as world, world.transaction():
        (vm,) = world.find(Vm)
        world.own("dead", 2**22 + 1, "never")
        entity = {name: getattr(vm, name) for name in vm.fields}
        live = {"live": "VirtualMachine", "entity": entity}
        call = {"cmdlet": "Remove-VM", "parameters": {"VM": live, "Force": True}}
        world.journal("dead", "hv01", "vm", json.dumps(call))
    assert lab.names() == ["a"]
    with World.open(lab.path) as world:
        assert world.owners() == []


class TestOwners:
    def test_this_process_is_alive(self) -> None:
        assert not owners.is_dead(os.getpid(), owners.start_of(os.getpid()), 0)

    @pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only here can the start of a process be told")
    def test_another_process_with_the_same_number_is_not_the_owner(self) -> None:
        assert owners.is_dead(os.getpid(), "another boot/1", 1e12)

    def test_a_process_that_is_gone_is_dead(self) -> None:
        child = subprocess.Popen([sys.executable, "-c", ""])
        child.wait()
        assert owners.is_dead(child.pid, None, 1e12)

    def test_without_a_start_the_heartbeat_decides(self) -> None:
        assert owners.is_dead(os.getpid(), None, 0)
        assert not owners.is_dead(os.getpid(), None, 1e12)


CREATE = """
import sys
from pathlib import Path
from hvctl.powershell.batch import Call, Ref, Step
from tests.support.simulated import GIB, SimulatedHost
lab = SimulatedHost(Path(sys.argv[1]))
undo = Call("Remove-VM", {"VM": Ref("vm"), "Force": True})
for number in range(6):
    name = f"{sys.argv[2]}{number}"
    answer = lab.run(
        Step("vm", Call("New-VM", {"Name": name, "MemoryStartupBytes": 32 << 20}), undo=undo),
        Step("disk", Call("New-VHD", {"Path": f"C:/VMs/{name}.vhdx", "SizeBytes": GIB})),
        Step("drive", Call("Add-VMHardDiskDrive", {"VM": Ref("vm"), "Path": Ref("disk", property="Path")})),
        Step("start", Call("Start-VM", {"VM": Ref("vm")})),
        Step("all", Call("Get-VM"), select=("Name",)),
    )
    assert answer.error_ids == [], answer.errors
"""


def test_parallel_processes_do_not_disturb_one_another(world_file: Path) -> None:
    # No world is there yet: the four make it as well.
    start_children(CREATE, [[str(world_file), name] for name in "abcd"])
    lab = SimulatedHost(world_file)
    assert lab.names() == sorted(f"{name}{number}" for name in "abcd" for number in range(6))
    macs = [record["MacAddress"] for record in lab.call("Get-VMNetworkAdapter", VMName="*", select=["MacAddress"])]
    assert len(set(macs)) == 24
    with World.open(world_file) as world:
        ids = [vm.id for vm in world.find(Vm)]
        assert len(set(ids)) == 24
        assert world.owners() == []
        assert sum(file.kind == "vhd" for file in world.find(File)) == 24


def test_a_reset_waits_for_nobody_and_breaks_nobody(lab: SimulatedHost) -> None:
    with lab.connect() as client:
        client.run(Step("vm", Call("New-VM", {"Name": "x", "MemoryStartupBytes": GIB})))
        seeds.reset(lab.path, seed=5)
        assert client.run(Step("all", Call("Get-VM"), select=("Name",))).records("all") == []
        client.run(Step("vm", Call("New-VM", {"Name": "y"})))
        seeds.reset(lab.path)
    assert lab.names() == []


def test_a_host_that_a_reset_took_away_is_told(world_file: Path) -> None:
    seeds.reset(world_file, world="two-hosts")
    with SimulatedHost(world_file, "hv02").connect() as client:
        seeds.reset(world_file)
        answer = client.run(Step("vm", Call("New-VM", {"Name": "y"})))
    assert answer.error_ids == ["Hvctl.BadRequest"]
    assert "hv02" in answer.errors[0]["message"]
