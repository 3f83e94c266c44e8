"""What a restore sends, by the state that the machine is in."""

from __future__ import annotations

import pytest

from hvctl.models.checkpoint import CheckpointNode
from hvctl.powershell.batch import Call, Ref, Step
from hvctl.services.checkpoint.read import VmPosition
from hvctl.services.checkpoint.restore import plan_restore

pytestmark = pytest.mark.unit

TARGET = CheckpointNode.read(
    "hv01",
    [
        dict.fromkeys(CheckpointNode.properties())
        | {"Id": "cp1", "Name": "a", "VMName": "web1", "VMId": "id1", "State": "Off"}
    ],
)[0]


def steps(state: str, keep_as: str | None = None) -> dict[str, Step]:
    row = {"Id": "id1", "Name": "web1", "State": state, "ParentSnapshotId": "cp1"}
    (vm,) = VmPosition.read("hv01", [row])
    plan = plan_restore(vm, TARGET, [TARGET], keep_as=keep_as, start=False).plan
    return {step.id: step for step in plan.batch.steps}


@pytest.mark.parametrize("state", ["Running", "Paused", "Saved"])
def test_nothing_is_restored_unless_the_memory_was_kept(state: str) -> None:
    kept = steps(state, "before")["kept"]
    assert kept.where == {"Name": "before", "State": ("Saved", "FastSaved", "Hibernated")}
    assert (kept.expect, kept.on_error, kept.needs) == ("one", "stop", ("take",))
    assert list(steps(state, "before"))[-4:-1] == ["take", "kept", "restore"]


def test_a_machine_that_is_off_has_no_memory_to_keep() -> None:
    assert list(steps("Off", "before")) == ["vms", "checkpoints", "take", "restore", "after"]


@pytest.mark.parametrize(("state", "undo"), [("Running", True), ("Paused", False)])
def test_only_one_that_ran_is_started_when_it_fails(state: str, *, undo: bool) -> None:
    save = steps(state)["save"]
    assert save.call == Call("Save-VM", {"VM": Ref("vms", where={"Id": "id1"})})
    assert (save.undo is not None) is undo


def test_one_at_rest_is_not_saved() -> None:
    assert "save" not in steps("Saved")
