from __future__ import annotations

import pytest
from tests.support.simulated import CallFailed, SimulatedHost

from hvctl.lab import seeds
from hvctl.lab.world import World
from hvctl.powershell.batch import Call, Step

pytestmark = pytest.mark.lab


@pytest.fixture
def stranger(lab: SimulatedHost) -> SimulatedHost:
    """A host with one VM, for a user who may not see it."""
    lab.new_vm()
    with World.open(lab.path) as world:
        world.configure("rights", value=False)
    return lab


def test_hello_says_that_there_are_no_rights(stranger: SimulatedHost) -> None:
    with stranger.connect() as client:
        (hello,) = client.receive()
    assert hello["rights"] == []


def test_get_vm_shows_nothing_and_says_nothing(stranger: SimulatedHost) -> None:
    assert stranger.names() == []
    with pytest.raises(CallFailed, match="unable to find") as caught:
        stranger.call("Get-VM", Name="web1")
    assert caught.value.id == "InvalidParameter"
    assert stranger.call("Get-VM", Name="web*", select=["Name"]) == []
    with pytest.raises(CallFailed) as caught:
        stranger.call("Get-VM", Id="c4a2a2d3-1b5e-4a57-8a52-2f6f1c1d3f11")
    assert caught.value.id == "ObjectNotFound"


def test_get_vm_may_fail_instead(stranger: SimulatedHost) -> None:
    with World.open(stranger.path) as world:
        world.configure("get_vm_without_rights", "error")
    with pytest.raises(CallFailed, match="required permission"):
        stranger.names()


@pytest.mark.parametrize(
    "call",
    [
        Call("Get-VMHost"),
        Call("Get-VMSwitch"),
        Call("New-VM", {"Name": "x"}),
        Call("Start-VM", {"Name": "web1"}),
        Call("New-VHD", {"Path": r"C:\VMs\x.vhdx", "SizeBytes": 1 << 30}),
    ],
    ids=lambda call: call.cmdlet,
)
def test_everything_else_is_refused(stranger: SimulatedHost, call: Call) -> None:
    answer = stranger.run(Step("x", call))
    assert answer.error_ids == ["Unspecified"]
    assert answer.errors[0]["category"] == "NotSpecified"
    assert "HV01" in answer.errors[0]["message"]


def test_a_world_can_be_made_without_rights(lab: SimulatedHost) -> None:
    seeds.reset(lab.path, rights=False)
    with pytest.raises(CallFailed):
        lab.value("Get-VMHost", "Name")
    assert lab.value("Test-Path", ".", LiteralPath=r"C:\VMs") is True
