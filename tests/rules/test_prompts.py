"""Cmdlets that can ask: each call to one is told the answer, exactly where the cmdlet knows the switch."""

from __future__ import annotations

import json
from importlib import resources

import pytest
from hypothesis import HealthCheck, given, settings
from tests.support.plans import PLANS, calls

from hvctl.powershell.batch import Batch, Call, Ref
from hvctl.powershell.cmdlets import CMDLETS, HYPER_V, STORAGE

pytestmark = pytest.mark.contract


def reference(file: str = "hyper-v.json") -> dict:
    folder = resources.files("hvctl.lab").joinpath("contract")
    return json.loads(folder.joinpath(file).read_text("utf-8"))["cmdlets"]


ASKS_WITHOUT_FORCE = {
    "Merge-VHD",
    "Remove-VM",
    "Remove-VMGroup",
    "Remove-VMSwitch",
    "Restart-VM",
    "Set-VHD",
    "Stop-VM",
}
"""They ask by ShouldContinue, which only -Force answers."""

ASKS_BY_IMPACT = {"Complete-VMFailover", "Restore-VMSnapshot", "Start-VMFailover", "Update-VMVersion"}
"""Their ConfirmImpact is High: -Confirm:$false answers."""

STORAGE_ASKS = {name for name, entry in reference("storage.json").items() if entry["supports_should_process"]}
"""Cmdlets of the Storage module that can ask; -Confirm:$false answers, and is a binding error for the others."""

HAS_FORCE = {
    "Add-VMHostAssignableDevice",
    "Copy-VMFile",
    "Debug-VM",
    "Disable-VMEventing",
    "Dismount-VMHostAssignableDevice",
    "Enable-VMEventing",
    "Merge-VHD",
    "New-VM",
    "Remove-VM",
    "Remove-VMGroup",
    "Remove-VMHostAssignableDevice",
    "Remove-VMSwitch",
    "Restart-VM",
    "Set-VHD",
    "Set-VMReplicationServer",
    "Stop-VM",
    "Update-VMVersion",
}
"""The only cmdlets of the Hyper-V module that have -Force."""


def _unanswered_by_storage(call: Call) -> str | None:
    asks = call.cmdlet in STORAGE_ASKS
    if (call.parameters.get("Confirm") is False) is asks:
        return None
    return f"{call.cmdlet} {'asks without' if asks else 'has no'} -Confirm:$false"


def unanswered(call: Call) -> str | None:
    """What is wrong with a call's answers to prompts."""
    return (_unanswered_by_storage if CMDLETS[call.cmdlet].module == STORAGE else _unanswered_elsewhere)(call)


def _unanswered_elsewhere(call: Call) -> str | None:
    force, confirm = call.parameters.get("Force"), call.parameters.get("Confirm")
    if call.cmdlet == "Stop-VM":
        # There -Force means to pull the plug where the guest does not answer: only who turns off may say so.
        wrong = bool(force) is not bool(call.parameters.get("TurnOff"))
        return "Stop-VM needs -Force with -TurnOff, and must not have it without" if wrong else None
    if call.cmdlet in ASKS_WITHOUT_FORCE and force is not True:
        return f"{call.cmdlet} asks without -Force"
    if call.cmdlet in ASKS_BY_IMPACT and confirm is not False:
        return f"{call.cmdlet} asks without -Confirm:$false"
    if call.cmdlet == "Remove-Item" and (force is not True or call.parameters.get("Recurse")):
        return "Remove-Item takes a file, read-only or not, and never a folder's content"
    if force is not None and CMDLETS[call.cmdlet].module == HYPER_V and call.cmdlet not in HAS_FORCE:
        return f"{call.cmdlet} has no -Force"
    return None


def test_the_tables_are_the_reference_s():
    cmdlets = reference()
    assert {name for name, entry in cmdlets.items() if "Force" in entry["parameters"]} == HAS_FORCE
    assert {name for name, entry in cmdlets.items() if entry.get("confirm_impact") == "High"} == ASKS_BY_IMPACT
    assert ASKS_WITHOUT_FORCE <= HAS_FORCE


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (Call("Stop-VM", {"VM": Ref("vms"), "Force": True}), "must not have it"),
        (Call("Stop-VM", {"VM": Ref("vms"), "TurnOff": True}), "needs -Force"),
        (Call("Remove-VM", {"VM": Ref("vms")}), "asks without -Force"),
        (Call("Remove-VMSwitch", {"VMSwitch": Ref("s"), "Force": False}), "asks without -Force"),
        (Call("Start-VM", {"VM": Ref("vms"), "Force": True}), "has no -Force"),
        (Call("Remove-Item", {"LiteralPath": "x", "Force": True, "Recurse": True}), "never a folder"),
        (Call("Remove-StoragePool", {"FriendlyName": ("x",)}), "asks without"),
        (Call("New-StoragePool", {"FriendlyName": "x", "Confirm": False}), "has no"),
    ],
)
def test_the_rule_catches(call, words):
    assert words in str(unanswered(call))


@pytest.mark.parametrize("name", PLANS)
def test_no_plan_makes_a_cmdlet_ask(name):
    @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(PLANS[name])
    def judge(batch: Batch) -> None:
        assert [problem for call in calls(batch) if (problem := unanswered(call))] == []

    judge()


@pytest.mark.parametrize("name", PLANS)
def test_a_file_is_removed_only_by_a_path_that_a_record_named(name):
    @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(PLANS[name])
    def judge(batch: Batch) -> None:
        cmdlets = {step.id: step.call.cmdlet for step in batch.steps}
        for call in calls(batch):
            if call.cmdlet == "Remove-Item":
                path = call.parameters["LiteralPath"]
                assert isinstance(path, Ref)
                assert (path.property, cmdlets[path.step] in ("Convert-VHD", "Get-VHD", "New-VHD")) == ("Path", True)
                assert set(call.parameters) == {"LiteralPath", "Force"}

    judge()
