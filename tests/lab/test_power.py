from __future__ import annotations

import pytest
from tests.support.simulated import GIB, CallFailed, SimulatedHost

from hvctl.lab import guests
from hvctl.lab.world import World
from hvctl.powershell.batch import Call, Step

pytestmark = pytest.mark.lab

ALREADY = "The virtual machine is already in the specified state."
WAYS = {
    "Off": [],
    "Running": ["Start-VM"],
    "Paused": ["Start-VM", "Suspend-VM"],
    "Saved": ["Start-VM", "Save-VM"],
}
ACTIONS: dict[str, tuple[str, dict[str, bool]]] = {
    "start": ("Start-VM", {}),
    "shut down": ("Stop-VM", {}),
    "turn off": ("Stop-VM", {"TurnOff": True}),
    "force": ("Stop-VM", {"Force": True}),
    "stop and save": ("Stop-VM", {"Save": True}),
    "save": ("Save-VM", {}),
    "suspend": ("Suspend-VM", {}),
    "resume": ("Resume-VM", {}),
    "restart": ("Restart-VM", {"Force": True}),
    "remove": ("Remove-VM", {"Force": True}),
}
# Action and state to the state afterwards, "already" for a warning and nothing else, or the error id.
RULES = {
    "start": {"Off": "Running", "Running": "already", "Paused": "Running", "Saved": "Running"},
    "shut down": {"Off": "already", "Running": "Off", "Paused": "InvalidOperation", "Saved": "InvalidOperation"},
    "turn off": {"Off": "already", "Running": "Off", "Paused": "Off", "Saved": "Off"},
    "force": {"Off": "already", "Running": "Off", "Paused": "Off", "Saved": "Off"},
    "stop and save": {"Off": "InvalidState", "Running": "Saved", "Paused": "Saved", "Saved": "already"},
    "save": {"Off": "InvalidState", "Running": "Saved", "Paused": "Saved", "Saved": "already"},
    "suspend": {"Off": "InvalidState", "Running": "Paused", "Paused": "already", "Saved": "InvalidState"},
    "resume": {"Off": "InvalidState", "Running": "already", "Paused": "Running", "Saved": "InvalidState"},
    "restart": {"Off": "InvalidState", "Running": "Running", "Paused": "InvalidState", "Saved": "InvalidState"},
    "remove": {"Off": "gone", "Running": "InvalidState", "Paused": "InvalidState", "Saved": "gone"},
}


@pytest.fixture
def vm(lab: SimulatedHost) -> SimulatedHost:
    """A host with one VM, off, that has a guest."""
    lab.new_running_vm()
    lab.call("Stop-VM", Name="web1", TurnOff=True)
    return lab


@pytest.mark.parametrize("state", WAYS)
@pytest.mark.parametrize("action", RULES)
def test_state_machine(vm: SimulatedHost, action: str, state: str) -> None:
    for cmdlet in WAYS[state]:
        vm.call(cmdlet, Name="web1")
    assert vm.state("web1") == state
    cmdlet, parameters = ACTIONS[action]
    answer = vm.run(Step("call", Call(cmdlet, {"Name": "web1", **parameters})))
    expected = RULES[action][state]
    if expected in ("InvalidState", "InvalidOperation"):
        assert answer.error_ids == [expected]
        assert answer.errors[0]["category"] == "InvalidOperation"
        assert answer.errors[0]["error_id"].endswith(
            "," + "Microsoft.HyperV.PowerShell.Commands." + cmdlet.replace("-", "")
        )
        assert vm.state("web1") == state
        return
    assert answer.error_ids == []
    assert (answer.warnings == [ALREADY]) is (expected == "already")
    if expected == "gone":
        assert vm.names() == []
    else:
        assert vm.state("web1") == (state if expected == "already" else expected)


def test_a_paused_vm_starts_with_a_warning(vm: SimulatedHost) -> None:
    vm.call("Start-VM", Name="web1")
    vm.call("Suspend-VM", Name="web1")
    (warning,) = vm.warnings("Start-VM", Name="web1")
    assert "was paused" in warning


def test_save_and_turn_off_exclude_one_another(vm: SimulatedHost) -> None:
    with pytest.raises(CallFailed) as caught:
        vm.call("Stop-VM", Name="web1", Save=True, TurnOff=True)
    assert caught.value.id == "InvalidParameter"


@pytest.mark.parametrize("cmdlet", ["Restart-VM", "Remove-VM"])
def test_what_prompts_fails_without_force(vm: SimulatedHost, cmdlet: str) -> None:
    if cmdlet == "Restart-VM":
        vm.call("Start-VM", Name="web1")
    with pytest.raises(CallFailed, match="NonInteractive") as caught:
        vm.call(cmdlet, Name="web1", Confirm=False)
    assert caught.value.id == "InvalidOperation"
    assert vm.names() == ["web1"]


def test_a_vm_without_a_guest_cannot_be_shut_down(lab: SimulatedHost) -> None:
    lab.new_vm()
    lab.call("Start-VM", Name="web1")
    assert lab.value("Get-VM", "Heartbeat", Name="web1") == "NoContact"
    with pytest.raises(CallFailed) as caught:
        lab.call("Stop-VM", Name="web1")
    assert caught.value.id == "InvalidOperation"
    assert lab.state("web1") == "Running"
    lab.call("Stop-VM", Name="web1", Force=True)
    assert lab.state("web1") == "Off"


def test_memory_runs_out(lab: SimulatedHost) -> None:
    lab.new_vm("big", MemoryStartupBytes=40 * GIB)
    lab.new_vm("bigger", MemoryStartupBytes=30 * GIB)
    lab.call("Start-VM", Name="big")
    assert lab.value("Get-VM", "MemoryAssigned", Name="big") == 40 * GIB
    with pytest.raises(CallFailed) as caught:
        lab.call("Start-VM", Name="bigger")
    assert (caught.value.id, caught.value.category) == ("OutOfMemory", "FromStdErr")
    assert caught.value.fields["hresult"] == 0x8007000E
    lab.call("Save-VM", Name="big")
    lab.call("Start-VM", Name="bigger")
    assert lab.value("Get-VM", "MemoryAssigned", Name="big") == 0


def test_a_missing_disk_keeps_a_vm_from_starting(vm: SimulatedHost) -> None:
    vm.call("Remove-Item", LiteralPath=r"C:\VMs\web1.vhdx")
    with pytest.raises(CallFailed, match="Failed to Power on") as caught:
        vm.call("Start-VM", Name="web1")
    assert caught.value.fields["hresult"] == 0x80070002
    assert vm.state("web1") == "Off"


def test_two_running_vms_cannot_have_one_disk(vm: SimulatedHost) -> None:
    vm.new_vm("web2")
    vm.call("Add-VMHardDiskDrive", VMName="web2", Path=r"C:\VMs\web1.vhdx")
    vm.call("Start-VM", Name="web1")
    with pytest.raises(CallFailed, match="being used by another process") as caught:
        vm.call("Start-VM", Name="web2")
    assert caught.value.id == "OperationFailed"
    assert caught.value.fields["hresult"] == 0x80070020
    vm.call("Save-VM", Name="web1")
    vm.call("Start-VM", Name="web2")


def test_a_child_disk_holds_its_parent(vm: SimulatedHost) -> None:
    vm.call("New-VHD", Path=r"C:\VMs\child.vhdx", ParentPath=r"C:\VMs\web1.vhdx", Differencing=True)
    vm.new_vm("web2")
    vm.call("Add-VMHardDiskDrive", VMName="web2", Path=r"C:\VMs\child.vhdx")
    vm.call("Start-VM", Name="web2")
    with pytest.raises(CallFailed, match="being used by another process"):
        vm.call("Start-VM", Name="web1")
    with pytest.raises(CallFailed, match="being used by another process"):
        vm.call("Remove-Item", LiteralPath=r"C:\VMs\web1.vhdx")


def test_an_iso_may_be_in_two_running_vms(lab: SimulatedHost) -> None:
    for name in ("a", "b"):
        lab.new_vm(name)
        lab.call("Add-VMDvdDrive", VMName=name, Path=r"C:\ISO\ubuntu.iso")
        lab.call("Start-VM", Name=name)
        assert lab.value("Get-VM", "Heartbeat", Name=name) == "OkApplicationsHealthy"


def test_uptime_counts_running_time(vm: SimulatedHost) -> None:
    vm.call("Start-VM", Name="web1")
    with World.open(vm.path) as world, world.transaction():
        world.set_clock(world.now() + 100)
    before = vm.value("Get-VM", "Uptime", Name="web1")
    assert before >= 100
    vm.call("Suspend-VM", Name="web1")
    with World.open(vm.path) as world, world.transaction():
        world.set_clock(world.now() + 1000)
    assert before <= vm.value("Get-VM", "Uptime", Name="web1") < 1000
    vm.call("Resume-VM", Name="web1")
    vm.call("Restart-VM", Name="web1", Force=True)
    assert vm.value("Get-VM", "Uptime", Name="web1") < 100
    vm.call("Stop-VM", Name="web1")
    assert vm.value("Get-VM", "Uptime", Name="web1") == 0


def test_one_missing_name_does_not_keep_the_others_from_starting(lab: SimulatedHost) -> None:
    lab.new_vm("a")
    lab.new_vm("b")
    step = Step(
        "call", Call("Start-VM", {"Name": ("a", "nix", "b"), "Passthru": True}), select=("Name",), on_error="continue"
    )
    answer = lab.run(step)
    assert answer.error_ids == ["ObjectNotFound"]
    assert [record["Name"] for record in answer.records("call")] == ["a", "b"]
    assert [lab.state(name) for name in ("a", "b")] == ["Running", "Running"]


def test_what_was_done_before_the_first_error_stays(lab: SimulatedHost) -> None:
    lab.new_vm("a")
    lab.new_vm("b")
    answer = lab.run(Step("call", Call("Start-VM", {"Name": ("a", "nix", "b")})))
    assert answer.error_ids == ["ObjectNotFound"]
    assert [lab.state(name) for name in ("a", "b")] == ["Running", "Off"]


class TestGuests:
    def test_a_slow_guest_shuts_down_in_the_lab_s_time(self, vm: SimulatedHost) -> None:
        guests_of(vm, shutdown=120)
        vm.call("Start-VM", Name="web1")
        with World.open(vm.path) as world:
            before = world.now()
        answer = vm.run(Step("call", Call("Stop-VM", {"Name": "web1"})))
        assert answer.error_ids == []
        assert [frame["seconds_left"] for frame in answer.frames if frame.type == "progress"] == [120]
        assert vm.state("web1") == "Off"
        with World.open(vm.path) as world:
            assert 120 <= world.now() - before <= 130

    def test_slow_guests_of_a_group_shut_down_side_by_side(self, lab: SimulatedHost) -> None:
        names = ["a", "b", "c"]
        for name in names:
            lab.new_running_vm(name)
            guests_of(lab, name, shutdown=100)
        with World.open(lab.path) as world:
            before = world.now()
        steps = [
            Step(f"stop_{name}", Call("Stop-VM", {"Name": name}), on_error="continue", group="stop") for name in names
        ]
        assert lab.run(*steps).error_ids == []
        assert [lab.state(name) for name in names] == ["Off"] * 3
        with World.open(lab.path) as world:
            assert world.now() - before < 200

    def test_a_guest_may_take_real_time(self, vm: SimulatedHost) -> None:
        guests_of(vm, shutdown=10)
        with World.open(vm.path) as world:
            world.configure("pace", 0.02)
        vm.call("Start-VM", Name="web1")
        answer = vm.run(Step("call", Call("Stop-VM", {"Name": "web1"})))
        assert answer.done is not None
        assert 0.15 < answer.done["elapsed"] < 2
        assert vm.state("web1") == "Off"

    def test_a_guest_that_ignores_the_request_runs_on(self, vm: SimulatedHost) -> None:
        guests_of(vm, ignores_shutdown=True)
        vm.call("Start-VM", Name="web1")
        answer = vm.run(Step("call", Call("Stop-VM", {"Name": "web1"}), on_error="continue", timeout=0.1))
        assert answer.error_ids == ["Hvctl.StepTimedOut"]
        assert vm.state("web1") == "Running"

    def test_force_turns_off_a_guest_that_ignores_the_request(self, vm: SimulatedHost) -> None:
        guests_of(vm, ignores_shutdown=True)
        vm.call("Start-VM", Name="web1")
        with pytest.raises(CallFailed):
            vm.call("Stop-VM", Name="web1", Force=True)
        assert vm.state("web1") == "Off"

    def test_a_guest_that_does_not_answer(self, vm: SimulatedHost) -> None:
        guests_of(vm, answers=False)
        vm.call("Start-VM", Name="web1")
        assert vm.value("Get-VM", "Heartbeat", Name="web1") == "NoContact"
        with pytest.raises(CallFailed) as caught:
            vm.call("Stop-VM", Name="web1")
        assert caught.value.id == "InvalidOperation"

    def test_a_guest_takes_its_time_to_boot(self, vm: SimulatedHost) -> None:
        guests_of(vm, boot=60)
        vm.call("Start-VM", Name="web1")
        assert vm.value("Get-VM", "Heartbeat", Name="web1") == "NoContact"
        vm.call("Restart-VM", Name="web1", Force=True, Wait=True, For="Heartbeat")
        assert vm.value("Get-VM", "Heartbeat", Name="web1") == "OkApplicationsHealthy"

    def test_waiting_for_a_guest_that_never_comes_ends_at_its_timeout(self, vm: SimulatedHost) -> None:
        guests_of(vm, answers=False)
        vm.call("Start-VM", Name="web1")
        vm.call("Restart-VM", Name="web1", Force=True, Wait=True, Timeout=30)
        assert vm.state("web1") == "Running"

    def test_the_world_can_set_how_all_guests_behave(self, vm: SimulatedHost) -> None:
        with World.open(vm.path) as world:
            world.configure("guest", {"installed": False})
        vm.call("Start-VM", Name="web1")
        assert vm.value("Get-VM", "Heartbeat", Name="web1") == "NoContact"

    def test_an_unknown_trait_is_refused(self, vm: SimulatedHost) -> None:
        with pytest.raises(KeyError):
            guests_of(vm, color="blue")


def guests_of(lab: SimulatedHost, name: str = "web1", **traits: object) -> None:
    with World.open(lab.path) as world:
        guests.set_behaviour(world, "hv01", name, **traits)
