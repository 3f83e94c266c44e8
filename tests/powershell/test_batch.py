from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from hvctl.powershell.batch import Batch, Call, Credential, Ref, Secret, Step
from hvctl.powershell.cmdlets import CMDLETS

pytestmark = pytest.mark.unit

READ = Call("Get-VM")
CHANGE = Call("Start-VM")


def ids(batch: Batch) -> list[str]:
    return [step.id for step in batch.steps]


def test_a_cmdlet_that_is_not_on_the_allow_list_is_refused() -> None:
    for name in ("Get-Process", "get-vm", "Hyper-V\\Get-VM", "Get-VM; Remove-VM", ""):
        with pytest.raises(ValueError, match="is not on the allow list"):
            Call(name)


def test_every_cmdlet_has_a_module_and_an_effect_and_stands_in_order() -> None:
    assert list(CMDLETS) == sorted(CMDLETS)
    assert {cmdlet.effect for cmdlet in CMDLETS.values()} == {"read", "change", "destroy"}
    for name, cmdlet in CMDLETS.items():
        assert cmdlet.module in ("Hyper-V", "Microsoft.PowerShell.Management", "CimCmdlets", "Storage")
        assert (cmdlet.effect == "read") == (name.partition("-")[0] in ("Compare", "Get", "Test")), name


def test_refs_are_found_wherever_they_stand() -> None:
    first, second, third, fourth = (Ref(name) for name in ("a", "b", "c", "d"))
    call = Call("Set-VM", {"A": first, "B": (1, (second,)), "C": {"k": (third, None), "l": fourth}, "D": "b"})
    assert list(call.refs()) == [first, second, third, fourth]


@pytest.mark.parametrize("step_id", ["", "A", "1a", "a-b", "a b", "_a", "ä", "a\n", "$a"])
def test_a_bad_step_id_is_refused(step_id: str) -> None:
    with pytest.raises(ValueError, match="is not a step id"):
        Step(step_id, READ)


@pytest.mark.parametrize("path", ["", "a b", "Id)", "$_.Id", "A..B", ".A", "A.", "1A", "Id\n"])
@pytest.mark.parametrize("field", ["select", "where"])
def test_a_bad_property_path_is_refused(field: str, path: str) -> None:
    value: Any = (path,) if field == "select" else {path: "x"}
    with pytest.raises(ValueError, match="is not a property path"):
        Step("a", READ, **{field: value})


def test_property_paths() -> None:
    step = Step("a", READ, select=(".", "Id", "NetworkAdapters.IPAddresses"), where={"State": "Off", ".": ("True",)})
    assert step.select[2] == "NetworkAdapters.IPAddresses"


def test_steps_side_by_side_cannot_stop_one_another() -> None:
    with pytest.raises(ValueError, match="cannot stop one another"):
        Step("a", READ, group="g")
    assert Step("a", READ, group="g", on_error="continue").group == "g"


def test_undo_belongs_to_steps_that_stop_the_batch() -> None:
    with pytest.raises(ValueError, match="undo belongs"):
        Step("a", CHANGE, undo=Call("Stop-VM"), on_error="continue")
    assert Step("a", CHANGE, undo=Call("Stop-VM")).undo == Call("Stop-VM")


def test_two_steps_of_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="two steps are called a"):
        Batch((Step("a", READ), Step("b", READ), Step("a", CHANGE)))


@pytest.mark.parametrize(
    "steps",
    [
        (Step("a", Call("Start-VM", {"VM": Ref("a")})),),
        (Step("a", Call("Start-VM", {"VM": Ref("b")})), Step("b", READ)),
        (Step("a", READ), Step("b", Call("Start-VM", {"VM": (Ref("a"), {"x": Ref("c")})}))),
        (Step("a", CHANGE, undo=Call("Stop-VM", {"VM": Ref("b")})), Step("b", READ)),
    ],
    ids=["itself", "later", "unknown", "in an undo"],
)
def test_a_ref_to_what_does_not_come_before_is_refused(steps: tuple[Step, ...]) -> None:
    with pytest.raises(ValueError, match=r"refers to \w, which does not come before it"):
        Batch(steps)


def test_an_undo_may_refer_to_its_own_step() -> None:
    undo = Call("Remove-VM", {"VM": Ref("vm")})
    assert ids(Batch((Step("vm", Call("New-VM"), undo=undo),))) == ["vm"]


@pytest.mark.parametrize("needs", [("a",), ("b",), ("c",)])
def test_a_need_that_does_not_come_before_is_refused(needs: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="needs a step that does not come before it"):
        Batch((Step("a", READ, needs=needs), Step("b", READ)))
    assert ids(Batch((Step("a", READ), Step("b", READ, needs=("a",))))) == ["a", "b"]


def test_what_changes_and_what_only_reads() -> None:
    assert Step("a", CHANGE).changes
    assert Step("a", Call("Remove-VM")).changes
    assert not Step("a", READ).changes
    assert not Step("a", Call("Test-Path")).changes
    assert Batch((Step("a", READ), Step("b", CHANGE))).changes
    assert not Batch((Step("a", READ),)).changes
    assert not Batch(()).changes


def test_the_reading_part_leaves_out_what_hangs_on_a_change() -> None:
    batch = Batch(
        (
            Step("vms", READ),
            Step("new", Call("New-VM"), undo=Call("Remove-VM", {"VM": Ref("new")})),
            Step("of_new", Call("Get-VHD", {"VMId": Ref("new", property="Id")})),
            Step("of_that", Call("Get-VHD", {"Path": Ref("of_new", property="ParentPath")})),
            Step("needs_new", READ, needs=("vms", "new")),
            Step("of_vms", Call("Get-VHD", {"VMId": Ref("vms", property="Id")}), needs=("vms",)),
            Step("start", CHANGE),
            Step("path", Call("Test-Path", {"LiteralPath": "C:\\VMs"})),
        )
    )
    reading = batch.reading()
    assert ids(reading) == ["vms", "of_vms", "path"]
    assert reading.steps[1] is batch.steps[5]


def test_secrets_do_not_show_in_a_repr() -> None:
    batch = Batch((Step("a", Call("New-VM", {"A": Secret("hunter2"), "B": (Credential("me", "hunter2"),)})),))
    assert "hunter2" not in repr(batch)
    assert "me" in repr(batch)


def test_calls_and_steps_are_frozen_and_do_not_share_defaults() -> None:
    for value, name in ((READ, "cmdlet"), (Step("a", READ), "id"), (Ref("a"), "step"), (Batch(()), "steps")):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, "x")
    assert Call("Get-VM").parameters == {}
    assert Step("a", READ).where == Ref("a").where == {}
