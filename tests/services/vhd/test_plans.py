"""What is sent to change disks, what is refused before, and that a batch that fails leaves no file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.support.scripted import Said, ScriptedTransport, done, error, record
from tests.support.simulated import SimulatedHost

from hvctl.errors import ConflictError, HvctlError, NotFoundError, OutcomeUnknownError, TimedOutError
from hvctl.models.vhd import DiskConvert, DiskCreate, DiskResize
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.services.disks import Disks, Use, key
from hvctl.services.plan import Prepared, run_plan
from hvctl.services.vhd.change import plan_merge, plan_resize
from hvctl.services.vhd.create import plan_convert, plan_create, plan_drop
from hvctl.services.vhd.service import VhdService
from hvctl.transports.session import Session

GIB = 1 << 30
BASE, CHILD, OTHER, NEW = (rf"C:\VMs\{name}.vhdx" for name in ("base", "a", "b", "new"))
DISK: dict[str, Any] = {
    "ParentPath": "",
    "VhdType": "Dynamic",
    "VhdFormat": "VHDX",
    "Size": 10 * GIB,
    "FileSize": GIB,
    "MinimumSize": 4 * GIB,
    "Attached": False,
    "DiskNumber": None,
}


def known(
    *records: dict[str, Any], uses: tuple[Use, ...] = (), state: str = "Off", unclear: tuple[str, ...] = ()
) -> Disks:
    """A host with these disks and one machine, web1."""
    made = {key(each["Path"]): {**DISK, "DiskIdentifier": each["Path"], **each} for each in records}
    disks = Disks(names={"id1": "web1"}, states={"id1": state}, uses=uses, records=made, unclear=unclear)
    disks.gone = frozenset({key(NEW)})
    for use in uses:
        for link in disks.chain(use.path):
            disks.users.setdefault(key(link), set()).add(use.vm_id)
    return disks


FAMILY = ({"Path": BASE}, {"Path": CHILD, "ParentPath": BASE, "VhdType": "Differencing"})


def refusal(prepared: Prepared) -> HvctlError:
    """Why nothing is sent."""
    assert prepared.plan.batch == Batch(())
    (part,) = prepared.plan.parts
    assert part.failure is not None
    return part.failure


@pytest.mark.unit
class TestResize:
    def resize(self, disks: Disks, size: int | None = 20 * GIB, path: str = BASE) -> Prepared:
        spec = DiskResize(size=size) if size else DiskResize(to_minimum=True)
        return plan_resize([path], spec, disks, "hv01")

    def test_what_is_sent(self) -> None:
        made = self.resize(known({"Path": BASE}))
        call = Call("Resize-VHD", {"Path": (BASE,), "SizeBytes": 20 * GIB})
        assert made.plan.batch == Batch((Step("resize_0", call, on_error="continue"),))
        assert made.losses == ()

    def test_less_is_a_loss(self) -> None:
        assert self.resize(known({"Path": BASE}), 5 * GIB).losses == (f"'{BASE}' from 10 GiB to 5 GiB",)
        made = self.resize(known({"Path": BASE}), None)
        assert made.plan.batch.steps[0].call == Call("Resize-VHD", {"Path": (BASE,), "ToMinimumSize": True})
        assert made.losses == (f"'{BASE}' from 10 GiB to 4 GiB",)

    def test_nothing_to_do(self) -> None:
        made = self.resize(known({"Path": BASE, "MinimumSize": 10 * GIB}), None)
        assert (made.plan.batch, made.plan.parts[0].failure) == (Batch(()), None)

    def test_a_differencing_vhd_does_not_grow(self) -> None:
        path = r"C:\VMs\a.vhd"
        disks = known({"Path": path, "VhdFormat": "VHD", "VhdType": "Differencing", "ParentPath": r"C:\VMs\b.vhd"})
        assert "it has the size of its parent" in refusal(self.resize(disks, path=path)).message

    @pytest.mark.parametrize(
        ("record", "words"),
        [
            ({"DiskNumber": 3, "Attached": True}, "is mounted on hv01 as disk 3"),
            ({"Attached": True}, "is held open, by whom cannot be told"),
        ],
    )
    def test_a_disk_that_is_held(self, record: dict[str, Any], words: str) -> None:
        failure = refusal(self.resize(known({"Path": BASE, **record})))
        assert isinstance(failure, ConflictError)
        assert words in failure.message

    @pytest.mark.parametrize(
        ("controller", "state", "disk", "goes"),
        [
            ("SCSI", "Running", {}, True),
            ("SCSI", "Paused", {}, True),
            ("SCSI", "RunningCritical", {}, True),
            ("IDE", "Running", {}, False),
            ("SCSI", "Saved", {}, False),
            ("SCSI", "Starting", {}, False),
            ("SCSI", "Running", {"VhdFormat": "VHD"}, False),
            (None, "Running", {}, False),
        ],
    )
    def test_online(self, controller: str | None, state: str, disk: dict[str, Any], *, goes: bool) -> None:
        use = Use("id1", BASE, controller=controller)
        disks = known({"Path": BASE, "Attached": state != "Saved", **disk}, uses=(use,), state=state)
        assert (self.resize(disks).plan.batch.steps != ()) is goes

    def test_the_same_file_under_another_path(self) -> None:
        share = r"\\hv01\c$\VMs\base.vhdx"
        same = {"DiskIdentifier": "X"}
        disks = known({"Path": BASE, **same}, {"Path": share, **same}, uses=(Use("id1", BASE),))
        failure = refusal(self.resize(disks, path=share))
        assert failure.message == f"'{share}' looks like the same file as {BASE}, which web1 needs."
        assert "Set-VHD -ResetDiskIdentifier" in str(failure.hint)
        copy = known({"Path": BASE, **same}, {"Path": share, **same, "FileSize": 2 * GIB}, uses=(Use("id1", BASE),))
        assert self.resize(copy, path=share).plan.batch.changes

    def test_a_file_that_is_not_there(self) -> None:
        disks = known()
        disks.gone = frozenset({key(BASE)})
        assert isinstance(refusal(self.resize(disks)), NotFoundError)
        assert isinstance(refusal(self.resize(known(unclear=(BASE,)))), ConflictError)


@pytest.mark.unit
class TestMerge:
    def test_what_is_sent(self) -> None:
        made = plan_merge(CHILD, known(*FAMILY, uses=(Use("id1", CHILD.upper()),)), "hv01")
        merge = Call("Merge-VHD", {"Path": CHILD, "DestinationPath": BASE, "Force": True})
        drive = Ref("drives", where={"VMId": "id1"})
        give = Call("Set-VMHardDiskDrive", {"VMHardDiskDrive": drive, "Path": BASE})
        drives = Call("Get-VMHardDiskDrive", {"VM": Ref("vms", all=True)})
        assert made.plan.batch == Batch(
            (
                Step("vms", Call("Get-VM"), where={"Id": ("id1",)}),
                Step("drives", drives, where={"Path": (CHILD.upper(),)}),
                Step("merge", merge, on_error="continue"),
                Step("drive_0", give, on_error="continue", needs=("merge",)),
            )
        )
        assert made.plan.parts[0].goes
        assert made.losses == (f"'{CHILD}' into '{BASE}', which changes for good,",)
        assert made.notes == (f"web1 will use {BASE} in place of {CHILD}.",)

    def test_a_machine_that_could_not_be_given_the_parent(self) -> None:
        plan = plan_merge(CHILD, known(*FAMILY, uses=(Use("id1", CHILD),)), "hv01").plan
        transport = ScriptedTransport(lambda _: [error("drive_0", "ObjectNotFound,X")])
        (failure,) = run_plan(Session(transport, clock=transport.clock), plan, timeout=60).failures
        words = f"'{CHILD}' was merged, but 'web1' still looks for it: give its drive {BASE}"
        assert failure.message.startswith(words)

    def test_a_parent_that_cannot_be_read(self) -> None:
        disks = known(FAMILY[1], unclear=(BASE,))
        assert refusal(plan_merge(CHILD, disks, "hv01")).message.startswith(
            f"'{BASE}' cannot be used: it cannot be read"
        )


@pytest.mark.unit
class TestConvert:
    def convert(self, disks: Disks, path: str = BASE, **spec: Any) -> Prepared:
        return plan_convert(path, DiskConvert(destination=NEW, **spec), disks, "hv01")

    def test_a_saved_machine_s_disk_can_be_copied(self) -> None:
        disks = known({"Path": BASE}, uses=(Use("id1", BASE),), state="Saved")
        assert self.convert(disks).plan.batch.changes

    @pytest.mark.parametrize(
        ("source", "wanted"), [("Fixed", "Fixed"), ("Dynamic", "Dynamic"), ("Differencing", "Dynamic")]
    )
    def test_the_type_is_always_said(self, source: str, wanted: str) -> None:
        steps = {step.id: step for step in self.convert(known({"Path": BASE, "VhdType": source})).plan.batch.steps}
        assert steps["disk"].call.parameters["VHDType"] == wanted

    def test_the_source_goes_by_a_batch_that_nothing_takes_back(self) -> None:
        made = self.convert(known({"Path": BASE}), delete_source=True)
        assert "Remove-Item" not in [step.call.cmdlet for step in made.plan.batch.steps]
        assert made.losses == (f"'{BASE}' once {NEW} is made",)
        assert [step.call.cmdlet for step in plan_drop(BASE, NEW).steps] == ["Test-VHD", "Get-VHD", "Remove-Item"]
        assert not any(step.undo for step in plan_drop(BASE, NEW).steps)

    @pytest.mark.parametrize("problem", ["disk", "check"])
    def test_what_was_not_made_costs_no_source(self, problem: str) -> None:
        plan = self.convert(known({"Path": BASE}), delete_source=True).plan
        seen: list[str] = []

        def answer(steps: Sequence[Mapping[str, Any]]) -> list[Said]:
            seen.extend(step["cmdlet"] for step in steps)
            return [error(problem, "OperationFailed,X"), done(ok=False)]

        transport = ScriptedTransport(answer)
        outcome = run_plan(Session(transport, clock=transport.clock), plan, timeout=60)
        assert [each.outcome for each in outcome.outcomes] == ["failed"]
        assert "Remove-Item" not in seen

    def test_a_source_that_could_not_be_deleted(self) -> None:
        plan = self.convert(known({"Path": BASE}), delete_source=True).plan

        def answer(steps: Sequence[Mapping[str, Any]]) -> list[Said]:
            dropping = any(step["id"] == "drop" for step in steps)
            return [error("drop", "ObjectInUse,X"), done(ok=False)] if dropping else [done()]

        transport = ScriptedTransport(answer)
        (failure,) = run_plan(Session(transport, clock=transport.clock), plan, timeout=60).failures
        assert failure.message.startswith(f"{NEW} was made, but '{BASE}' could not be deleted")

    @pytest.mark.parametrize(
        "uses", [(Use("id1", BASE),), (Use("id1", BASE, checkpoint="x"),), (Use("id1", CHILD),)], ids=str
    )
    def test_a_source_that_is_needed_stays(self, uses: tuple[Use, ...]) -> None:
        refusal(self.convert(known(*FAMILY, uses=uses), delete_source=True))

    def test_the_new_disk_s_own_parent_stays(self) -> None:
        failure = refusal(self.convert(known({"Path": BASE}), parent=BASE, type="Differencing", delete_source=True))
        assert failure.message == f"'{BASE}' cannot be deleted: the new disk differs from it."


FAILS = Step("fails", Call("Get-VM", {"Name": "nowhere"}), expect="one")


@pytest.mark.lab
class TestUndo:
    @pytest.mark.parametrize("fixed", [False, True])
    def test_a_creation_that_fails_leaves_nothing(self, lab: SimulatedHost, *, fixed: bool) -> None:
        spec = DiskCreate(path=NEW, size=100 * GIB, type="Fixed" if fixed else "Dynamic")
        answer = lab.run(*plan_create(spec).batch.steps, FAILS)
        assert answer.done is not None
        assert (answer.done["undone"], answer.done["not_undone"]) == (["disk"], [])
        assert lab.value("Test-Path", ".", LiteralPath=NEW) is False

    def test_so_does_a_conversion(self, lab: SimulatedHost) -> None:
        lab.new_disk(BASE)
        disks = known({"Path": BASE})
        plan = plan_convert(BASE, DiskConvert(destination=NEW, delete_source=True), disks, "hv01").plan
        answer = lab.run(*plan.batch.steps, FAILS)
        assert answer.done is not None
        assert answer.done["undone"] == ["disk"]
        assert lab.value("Test-Path", ".", LiteralPath=NEW) is False
        assert lab.value("Test-Path", ".", LiteralPath=BASE) is True


@pytest.fixture
def lab(tmp_path: Path) -> SimulatedHost:
    """A fresh host."""
    return SimulatedHost(tmp_path / "world.db")


@pytest.mark.unit
@pytest.mark.parametrize(("there", "words"), [(True, "is there"), (False, "is not there")])
def test_a_creation_whose_answer_is_lost(*, there: bool, words: str) -> None:
    transport = ScriptedTransport(lambda _: [record("there", **{".": there})])
    transport.on_send = ["lost-after"]
    spec = DiskCreate(path=NEW, size=GIB)
    with pytest.raises(OutcomeUnknownError, match=rf"new.vhdx' {words}"):
        VhdService(Session(transport, clock=transport.clock)).create(spec, plan_create(spec))


@pytest.mark.unit
def test_tests_that_time_ran_out_for() -> None:
    transport = ScriptedTransport(_late)
    with pytest.raises(TimedOutError, match="The disks were not tested"):
        VhdService(Session(transport, clock=transport.clock)).test()


def _late(steps: Sequence[Mapping[str, Any]]) -> list[Said]:
    if steps[0]["cmdlet"] != "Test-VHD":
        return [
            record("every", Id="id1", Name="web1", State="Off"),
            record("drives", VMId="id1", Path=BASE, DiskNumber=None, ControllerType="SCSI"),
            record("parents", Path=BASE, ParentPath=None),
        ]
    late = {"step": None, "message": "late", "category": "OperationTimeout", "error_id": "Hvctl.Deadline"}
    return [("error", late), done(ok=False)]
