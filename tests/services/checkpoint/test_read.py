"""Reading checkpoints: how many calls, and what hosts may leave out."""

from __future__ import annotations

import pytest
from tests.support.scripted import ScriptedTransport

from hvctl.errors import AccessError
from hvctl.services.checkpoint.service import CheckpointService
from hvctl.services.selection import Selection
from hvctl.transports.session import Session

pytestmark = pytest.mark.unit
VMS, EACH = 200, 5


def answer(steps):
    said = []
    for vm in range(VMS):
        said.append(("record", {"step": "vms", "data": {"Id": f"id{vm}", "Name": f"vm{vm}", "State": "Off"}}))
        for number in range(EACH):
            data = {
                "Id": f"cp{vm}-{number}",
                "Name": f"cp{number}",
                "VMName": f"vm{vm}",
                "VMId": f"id{vm}",
                "SnapshotType": "Standard",
                "IsAutomaticCheckpoint": None,
                "State": "Off",
                "CreationTime": "2025-01-01T00:00:00Z",
            }
            said.append(("record", {"step": "checkpoints", "data": data}))
    return said


def test_a_list_of_a_thousand_is_one_batch_of_two_calls():
    sent = []

    def note(steps):
        sent.append([step["cmdlet"] for step in steps])
        assert {path for step in steps for path in step["select"]}.isdisjoint({"ParentSnapshotId", "HardDrives.Path"})
        return answer(steps)

    transport = ScriptedTransport(note)
    found = CheckpointService(Session(transport, clock=transport.clock)).list()
    assert len(found) == VMS * EACH
    assert sent == [["Get-VM", "Get-VMSnapshot"]]
    assert found[7].vm == "vm1"


def test_an_empty_answer_to_a_login_without_rights_means_nothing():
    transport = ScriptedTransport(lambda _: [])
    transport.hello = {"rights": []}
    with pytest.raises(AccessError):
        CheckpointService(Session(transport, clock=transport.clock)).list()


def test_a_null_parent_may_be_a_guid_of_zeros():
    node = {
        "Id": "cp1",
        "Name": "a",
        "VMName": "vm1",
        "VMId": "id1",
        "SnapshotType": "SomethingNew",
        "IsAutomaticCheckpoint": False,
        "State": "Off",
        "CreationTime": None,
        "ParentSnapshotId": "00000000-0000-0000-0000-000000000000",
    }
    machine = {"Id": "id1", "Name": "vm1", "State": "Off", "ParentSnapshotId": "cp1"}
    transport = ScriptedTransport(
        lambda _: [("record", {"step": "vms", "data": machine}), ("record", {"step": "checkpoints", "data": node})]
    )
    session = Session(transport, clock=transport.clock)
    machines, nodes = CheckpointService(session).tree(Selection())
    assert (machines[0].position, nodes[0].parent_id, nodes[0].current) == ("cp1", None, True)
