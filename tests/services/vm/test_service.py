"""Virtual machines of a host, asked for and created over a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from tests.support.scripted import Said, ScriptedTransport, done, error, record

from hvctl.errors import AccessError, ConflictError, HvctlError, NotFoundError, OutcomeUnknownError, UsageError
from hvctl.models.vm import VirtualMachine, VmCreate
from hvctl.services.selection import Selection
from hvctl.services.vm.create import plan_look
from hvctl.services.vm.read import VmState
from hvctl.services.vm.service import AlreadyThere, VmService
from hvctl.transports.session import Session

pytestmark = pytest.mark.unit


class VmHost:
    """Answers for some machines: whatever is asked for of them is there, and nothing else is."""

    def __init__(self, *machines: Mapping[str, Any], **said: Sequence[Said]) -> None:
        self.machines, self.said = machines, said

    def __call__(self, steps: Sequence[Mapping[str, Any]]) -> list[Said]:
        answer: list[Said] = []
        for step in steps:
            if step["id"] in self.said:
                answer += self.said[step["id"]]
            elif step["cmdlet"] == "Get-VM" and step["select"]:
                answer += [self.record_of(step, each) for each in self.machines if self._is_meant(step, each)]
        return answer

    @staticmethod
    def _is_meant(step: Mapping[str, Any], machine: Mapping[str, Any]) -> bool:
        return all(machine[path] in wanted for path, wanted in step["where"].items())

    @staticmethod
    def record_of(step: Mapping[str, Any], machine: Mapping[str, Any]) -> Said:
        return record(step["id"], **{path: machine.get(path) for path in step["select"]})


def machine(number: int, state: str = "Off", **changes: Any) -> dict[str, Any]:
    return {"Id": f"id{number}", "Name": f"web{number}", "State": state} | changes


def service(answer: Any, *, rights: Sequence[str] | None = ("Administrators",), faults: Sequence[str] = ()):
    transport = ScriptedTransport(answer)
    transport.hello = {"rights": rights if rights is None else list(rights)}
    transport.on_send = list(faults)
    return VmService(Session(transport, clock=transport.clock)), transport


HOST = VmHost(machine(1, "Running"), machine(2), machine(3, "Saved"))


def test_listing_is_one_question():
    vms, transport = service(HOST)
    assert [vm.name for vm in vms.list()] == ["web1", "web2", "web3"]
    assert len(transport.log.executed) == 1


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (Selection.of("web2", "web1"), ["web2", "web1"]),
        (Selection.of("*[13]"), ["web1", "web3"]),
        (Selection(states=frozenset({"off", "saved"})), ["web2", "web3"]),
        (Selection(Selection.of("web1", "web2").names, frozenset({"off"})), ["web2"]),
        (Selection.of("id3"), ["web3"]),
    ],
)
def test_selecting(selection, names):
    vms, _ = service(HOST)
    assert [vm.name for vm in vms.list(selection)] == names
    assert [vm.name for vm in vms.select(selection, VmState)] == names


def test_a_changing_verb_needs_a_selection():
    vms, transport = service(HOST)
    with pytest.raises(UsageError):
        vms.select(Selection(), VmState)
    assert transport.engines == []


@pytest.mark.parametrize("rights", [(), ("Users",)])
def test_an_empty_list_without_rights_is_no_answer(rights):
    vms, _ = service(VmHost(), rights=rights)
    for ask in (
        vms.list,
        lambda: vms.show(Selection.of("x")),
        lambda: vms.select(Selection.of("x"), VmState, missing_ok=True),
        lambda: vms.plan_create(VmCreate(name="x")),
    ):
        with pytest.raises(AccessError, match="may not manage Hyper-V on hv01"):
            ask()


@pytest.mark.parametrize("rights", [None, ("Administrators",), ("Users", "Hyper-V Administrators")])
def test_an_empty_list_with_rights_is_one(rights):
    vms, _ = service(VmHost(), rights=rights)
    assert list(vms.list()) == []


def test_a_failure_is_raised():
    vms, _ = service(VmHost(vms=[error("vms", "AccessDenied,X", "No."), done(ok=False)]))
    with pytest.raises(AccessError, match=r"No\."):
        vms.list()


def test_showing_takes_two_questions_and_keeps_the_order():
    vms, transport = service(HOST)
    assert [vm.name for vm in vms.show(Selection.of("web3", "web1"))] == ["web3", "web1"]
    assert len(transport.log.executed) == 2
    assert list(vms.show(Selection(states=frozenset({"paused"})))) == []


LOOK = {"host": [record("host", VirtualHardDiskPath=r"E:\Disks")]}


def test_planning_a_creation_looks_at_the_host():
    vms, transport = service(VmHost(machine(1), **LOOK))
    creation = vms.plan_create(VmCreate(name="web2", disk=1 << 30))
    (disk,) = [step for step in creation.batch.steps if step.id == "disk"]
    assert disk.call.parameters["Path"] == r"E:\Disks\web2.vhdx"
    assert transport.log.changed == []


def test_a_name_that_several_have():
    vms, _ = service(VmHost(machine(1), machine(2, Name="WEB1"), **LOOK))
    with pytest.raises(ConflictError, match="2 virtual machines on hv01 are called 'web1'") as caught:
        vms.plan_create(VmCreate(name="web1"))
    assert not isinstance(caught.value, AlreadyThere)
    assert caught.value.hint == "Use an id: id1, id2"


@pytest.mark.parametrize("name", ["web1", "WEB1"])
def test_a_name_that_is_taken(name):
    vms, _ = service(VmHost(machine(1), **LOOK))
    with pytest.raises(AlreadyThere, match="A virtual machine called 'web1' exists already") as caught:
        vms.plan_create(VmCreate(name=name))
    assert isinstance(caught.value, ConflictError)
    assert (caught.value.vm.id, caught.value.object_name) == ("id1", "web1")


NO_HOST = [error("host", "Hvctl.ExpectedOne", "Get-VMHost returned no such object.", "ObjectNotFound"), done(ok=False)]


@pytest.mark.parametrize(("rights", "kind"), [(["Administrators"], NotFoundError), ([], AccessError)])
def test_planning_a_creation_on_a_host_that_says_nothing_of_itself(rights, kind):
    vms, transport = service(VmHost(host=NO_HOST), rights=rights)
    with pytest.raises(kind, match=r"Get-VMHost returned no such object|may not manage"):
        vms.plan_create(SPEC)
    (step,) = [step for step in plan_look().steps if step.id == "host"]
    assert step.expect == "one"
    assert transport.log.changed == []


def test_planning_a_disk_on_a_host_that_has_no_folder_for_it():
    vms, _ = service(VmHost(host=[record("host", VirtualHardDiskPath=None)]))
    with pytest.raises(HvctlError, match="hv01 does not say where its new disks go") as caught:
        vms.plan_create(VmCreate(name="web2", disk=1 << 30))
    assert caught.value.hint == "Say where: --disk-path"
    assert vms.plan_create(SPEC).messages["vm"] == "'web2' was not created"


SPEC = VmCreate(name="web2")


def created(answer: Any, **options: Any):
    vms, transport = service(VmHost(**LOOK), **options)
    creation = vms.plan_create(SPEC)
    transport.answer = transport.engines[0].answer = answer
    return vms, creation, transport


DETAILS = {"id": "details", "select": VirtualMachine.properties()}


def test_a_creation_returns_the_machine():
    vms, creation, transport = created(VmHost(machine(2), details=[VmHost.record_of(DETAILS, machine(2))]))
    assert vms.create(SPEC, creation).id == "id2"
    assert len(transport.log.changed) == 1


@pytest.mark.parametrize(
    ("problem", "kind", "words"),
    [
        (
            error("absent", "Hvctl.ExpectedNone", category="ResourceExists"),
            ConflictError,
            r"^A virtual machine called 'web2' exists already\.$",
        ),
        (error("vm", "OperationFailed,X", "No."), HvctlError, r"^'web2' was not created: No\.$"),
        (
            error("start", "OutOfMemory,X", "Too little."),
            HvctlError,
            r"^'web2' was not created, it could not be started: Too little\.$",
        ),
        (
            error("connect", "ObjectNotFound,X", "No."),
            NotFoundError,
            r"^'web2' was not created, it could not be connected to '.*': No\.$",
        ),
    ],
)
def test_a_creation_that_fails(problem, kind, words):
    vms, creation, _ = created(lambda _: [problem, done(ok=False)])
    with pytest.raises(kind, match=words) as caught:
        vms.create(SPEC, creation)
    assert caught.value.object_name == "web2"


def test_a_creation_that_could_not_be_taken_back():
    vms, creation, _ = created(lambda _: [error("vm", "X", "No."), done(ok=False, not_undone=["disk"])])
    with pytest.raises(HvctlError, match=r"Could not be taken back: disk\."):
        vms.create(SPEC, creation)


@pytest.mark.parametrize(("there", "words"), [(machine(2), "is there"), (machine(1), "is not there")])
def test_a_creation_whose_answer_is_lost(there, words):
    vms, creation, transport = created(VmHost(there))
    transport.on_send = ["lost-after"]
    with pytest.raises(OutcomeUnknownError, match=f"Now 'web2' {words}"):
        vms.create(SPEC, creation)
    assert len(transport.log.changed) == 1


def test_a_dry_run_of_a_creation_only_checks():
    vms, creation, transport = created(VmHost())
    vms.foresee(SPEC, creation)
    assert transport.log.changed == []
    vms, creation, transport = created(
        lambda _: [error("absent", "Hvctl.ExpectedNone", category="ResourceExists"), done(ok=False)]
    )
    with pytest.raises(ConflictError, match="exists already"):
        vms.foresee(SPEC, creation)


def test_planning_a_deletion_of_nothing_asks_nothing():
    vms, transport = service(VmHost())
    assert vms.plan_delete([], turn_off=False, with_disks=True).plan.parts == ()
    assert transport.engines == []


def test_planning_a_deletion_asks_for_owners_and_for_disks_only_where_they_go():
    vms, transport = service(VmHost(machine(1, IsClustered=True)))
    states = vms.select(Selection.of("web1"), VmState)
    deletion = vms.plan_delete(states, turn_off=False, with_disks=False)
    assert "belongs to a cluster" in str(deletion.plan.parts[0].failure)
    assert len(transport.log.executed) == 2
    vms.plan_delete(states, turn_off=False, with_disks=True)
    assert len(transport.log.executed) == 4
