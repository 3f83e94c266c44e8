"""Virtual switches: what is sent, and what a host's answers mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from tests.support.scripted import Said, ScriptedTransport, done, error, record

from hvctl.errors import AccessError, ConflictError, NotFoundError, OutcomeUnknownError, UnsupportedError, UsageError
from hvctl.models.switch import SwitchCreate, SwitchDetails, VirtualSwitch
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.services.plan import run_plan
from hvctl.services.selection import Selection
from hvctl.services.switch import (
    SwitchExists,
    SwitchService,
    SwitchState,
    plan_create,
    plan_delete,
    plan_list,
    plan_users,
)
from hvctl.transports.session import Session

pytestmark = pytest.mark.unit

LAN = {
    "Id": "id1",
    "Name": "lan",
    "SwitchType": "Internal",
    "AllowManagementOS": True,
    "NetAdapterInterfaceDescriptions": None,
    "Notes": None,
    "BandwidthReservationMode": "Absolute",
    "EmbeddedTeamingEnabled": False,
    "IovEnabled": False,
}
DMZ = LAN | {"Id": "id2", "Name": "DMZ", "SwitchType": "Private"}

REMOVE = Call("Remove-VMSwitch", {"VMSwitch": Ref("switch"), "Force": True})


def test_lists_select_what_the_model_has():
    for model in (VirtualSwitch, SwitchDetails, SwitchState):
        assert plan_list(model) == Batch((Step("switches", Call("Get-VMSwitch"), select=model.properties()),))


def test_users_take_one_question():
    adapters = Call("Get-VMNetworkAdapter", {"VM": Ref("vms", all=True)})
    assert plan_users() == Batch(
        (Step("vms", Call("Get-VM")), Step("adapters", adapters, select=("VMName", "SwitchId")))
    )


@pytest.mark.parametrize(
    ("fields", "parameters"),
    [
        ({}, {"SwitchType": "Private"}),
        ({"type": "Internal", "notes": "it's"}, {"SwitchType": "Internal", "Notes": "it's"}),
        ({"notes": ""}, {"SwitchType": "Private", "Notes": ""}),
        (
            {"type": "External", "adapter": "Ethernet"},
            {"NetAdapterName": ("Ethernet",), "AllowManagementOS": True},
        ),
        (
            {"type": "External", "adapter": "Ethernet", "management_os": False},
            {"NetAdapterName": ("Ethernet",), "AllowManagementOS": False},
        ),
    ],
)
def test_creation(fields, parameters):
    assert plan_create(SwitchCreate.model_validate({"name": "lan"} | fields)) == Batch(
        (
            Step("absent", Call("Get-VMSwitch"), where={"Name": "lan"}, expect="none"),
            Step("switch", Call("New-VMSwitch", {"Name": "lan"} | parameters), expect="one", undo=REMOVE),
            Step(
                "details",
                Call("Get-VMSwitch", {"Id": Ref("switch", property="Id")}),
                select=SwitchDetails.properties(),
                expect="one",
            ),
        )
    )


def test_deletion():
    states = [
        SwitchState(id="id1", name="lan", host="hv01", state="Internal"),
        SwitchState(id="id2", name="dmz", host="hv01", state="Private"),
    ]
    read = {"call": Call("Get-VMSwitch"), "select": ("Id", "Name", "SwitchType"), "where": {"Id": ("id1", "id2")}}

    def remove(number: int) -> Step:
        call = Call("Remove-VMSwitch", {"VMSwitch": Ref("switches", where={"Id": f"id{number}"}), "Force": True})
        return Step(f"remove_{number - 1}", call, on_error="continue")

    made = plan_delete(states)
    assert made.batch == Batch((Step("switches", **read), remove(1), remove(2), Step("after", **read)))
    assert [(part.goes, part.state) for part in made.parts] == [(True, None), (True, None)]
    assert plan_delete([]).batch == Batch(())


# ---- the service, on a host


Answers = Callable[[Mapping[str, Any]], list[Said]]


class SwitchHost:
    """Answers for some switches and the adapters on them."""

    def __init__(self, *switches: Mapping[str, Any], adapters: Sequence[Mapping[str, Any]] = ()) -> None:
        self.switches, self.adapters = switches, adapters

    def __call__(self, steps: Sequence[Mapping[str, Any]]) -> list[Said]:
        said: list[Said] = []
        for step in steps:
            if step["id"] == "switches":
                said += [record("switches", **{n: each[n] for n in step["select"]}) for each in self.switches]
            if step["id"] == "adapters":
                said += [record("adapters", **each) for each in self.adapters]
        return said


def service(answer: Any, *, kind: str = "lab", rights: Sequence[str] | None = None, faults: Sequence[str] = ()):
    transport = ScriptedTransport(answer, kind=kind)
    transport.hello = {"rights": rights}
    transport.on_send = list(faults)
    return SwitchService(Session(transport, clock=transport.clock)), transport


def test_listing():
    switches, _ = service(SwitchHost(LAN, DMZ))
    assert [each.name for each in switches.list()] == ["lan", "DMZ"]
    assert [each.type for each in switches.list(Selection.of("d*"))] == ["Private"]
    with pytest.raises(NotFoundError, match="No virtual switch 'x'") as caught:
        switches.list(Selection.of("x"))
    assert caught.value.hint == "List them: hvctl switch list"


def test_showing_tells_who_is_connected():
    adapters = [
        {"VMName": "web1", "SwitchId": "id1"},
        {"VMName": "web2", "SwitchId": "id1"},
        {"VMName": "web1", "SwitchId": "id1"},
        {"VMName": "db", "SwitchId": None},
    ]
    switches, _ = service(SwitchHost(LAN, DMZ, adapters=adapters))
    assert [each.vms for each in switches.show(Selection.of("lan", "dmz"))] == [("web1", "web2"), ()]


@pytest.mark.parametrize("rights", [[], ["Users"]])
def test_an_empty_list_without_rights_is_no_answer(rights):
    switches, _ = service(SwitchHost(), rights=rights)
    with pytest.raises(AccessError):
        switches.list()


@pytest.mark.parametrize("rights", [None, ["Administrators"], ["Hyper-V Administrators"]])
def test_an_empty_list_with_rights_is_one(rights):
    switches, _ = service(SwitchHost(), rights=rights)
    assert list(switches.list()) == []


def test_selecting():
    switches, _ = service(SwitchHost(LAN, DMZ))
    assert [each.name for each in switches.select(Selection(everything=True))] == ["lan", "DMZ"]
    assert [each.name for each in switches.select(Selection.of("lan", "x"), missing_ok=True)] == ["lan"]
    with pytest.raises(UsageError):
        switches.select(Selection())


@pytest.mark.parametrize("name", ["lan", "LAN"])
def test_a_name_that_is_taken(name):
    switches, transport = service(SwitchHost(LAN))
    with pytest.raises(SwitchExists, match="A virtual switch called 'lan' exists already") as caught:
        switches.plan_create(SwitchCreate(name=name))
    assert isinstance(caught.value, ConflictError)
    assert caught.value.switch.id == "id1"
    assert transport.log.changed == []


def test_an_external_switch_over_a_network_is_refused():
    switches, transport = service(SwitchHost(), kind="winrm")
    with pytest.raises(UnsupportedError, match="cannot be made on hv01 over the network"):
        switches.plan_create(SwitchCreate(name="wan", type="External", adapter="Ethernet"))
    assert transport.engines == []


@pytest.mark.parametrize("kind", ["lab", "local"])
def test_an_external_switch_on_this_machine(kind):
    switches, _ = service(SwitchHost(), kind=kind)
    assert switches.plan_create(SwitchCreate(name="wan", type="External", adapter="Ethernet")).changes


def test_a_creation_that_fails():
    problem = error("switch", "OperationFailed,X", "The adapter is taken.")
    switches, _ = service(lambda _: [problem, done(ok=False)])
    spec = SwitchCreate(name="wan")
    with pytest.raises(Exception, match="The switch 'wan' was not created: The adapter is taken") as caught:
        switches.create(spec, plan_create(spec))
    assert caught.value.object_name == "wan"


def test_a_creation_whose_answer_is_lost():
    switches, _ = service(SwitchHost(LAN), faults=["lost-after"])
    spec = SwitchCreate(name="LAN")
    with pytest.raises(OutcomeUnknownError, match="Now 'LAN' is there"):
        switches.create(spec, plan_create(spec))


def test_a_dry_run_creates_nothing():
    switches, transport = service(SwitchHost())
    spec = SwitchCreate(name="lan")
    switches.foresee(spec, plan_create(spec))
    assert transport.log.changed == []


def test_a_switch_that_stays_is_told():
    states = [SwitchState(id="id1", name="lan", host="hv01", state="Internal")]
    still = record("after", Id="id1", Name="lan", SwitchType="Internal")
    transport = ScriptedTransport(lambda _: [error("remove_0", "InvalidParameter,X", "No."), still])
    result = run_plan(Session(transport, clock=transport.clock), plan_delete(states), timeout=None)
    assert [(each.outcome, each.state) for each in result.outcomes] == [("failed", None)]
    assert result.failures[0].message == "'lan' was not deleted: No."
