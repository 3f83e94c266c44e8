"""`vm create` through the service and a real PowerShell: where a step fails, and where an undo fails too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.plans import whole_vm_create
from tests.support.pwsh import require_pwsh

from hvctl.errors import HvctlError
from hvctl.powershell.batch import Batch, Call, Step
from hvctl.services.vm.create import plan_create
from hvctl.services.vm.service import VmService
from hvctl.transports.local import LocalTransport
from hvctl.transports.session import Session

pytestmark = pytest.mark.powershell

STOPPING = [
    (generation, step.id)
    for generation in (1, 2)
    for step in plan_create(whole_vm_create(generation), "C:\\").batch.steps
    if step.on_error == "stop"
]


class Spoiling(LocalTransport):
    """Gives some steps, or their undo, of the batch that creates a machine a parameter that no cmdlet has."""

    steps: frozenset[str] = frozenset()
    undoes: frozenset[str] = frozenset()

    def send(self, data: bytes) -> None:
        lines = []
        for line in data.splitlines():
            request: dict[str, Any] = json.loads(line) if line.startswith(b"{") else {}
            steps = request.get("steps", ())
            for step in steps if any(each["cmdlet"] == "New-VM" for each in steps) else ():
                if step["id"] in self.steps:
                    step["parameters"]["Nonsense"] = True
                if step["id"] in self.undoes:
                    step["undo"]["parameters"]["Nonsense"] = True
            lines.append(json.dumps(request).encode("ascii") if request else line)
        super().send(b"\n".join(lines) + b"\n")


class Host:
    """A host with a switch `lan`, and the service that works on it."""

    def __init__(self, transport: Spoiling) -> None:
        self.transport = transport
        self.session = Session(transport)
        self.service = VmService(self.session)

    def reset(self) -> None:
        """Nothing is there but the switch, and nothing is spoilt."""
        self.transport.steps = self.transport.undoes = frozenset()
        self._ask("here", "switch 0c6a81b6-1e4e-4d3f-9b0f-93d6d1e2b0aa lan")

    def create(self, generation: int) -> None:
        """`vm create` with every option."""
        spec = whole_vm_create(generation)
        self.service.create(spec, self.service.plan_create(spec))

    def left(self) -> tuple[list[str], list[str]]:
        """The names of the machines, and the paths of the disks that were made and are still there."""
        machines = self.session.run(Batch((Step("vms", Call("Get-VM"), select=("Name",)),))).of("vms")
        return [each["Name"] for each in machines], self._ask("disks")

    def _ask(self, *words: str) -> list[str]:
        step = Step("talk", Call("Get-VMHost", {"ComputerName": words}), select=(".",))
        return [record["."] for record in self.session.run(Batch((step,))).of("talk")]


@pytest.fixture(scope="module")
def running(willing_modules: Path) -> Iterator[Host]:
    executable = require_pwsh()
    host = Host(Spoiling("here", executable))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PSModulePath", str(willing_modules))
        host.session.hello()
    yield host
    host.session.close()


@pytest.fixture
def host(running: Host) -> Host:
    running.reset()
    return running


@pytest.mark.parametrize("generation", [1, 2])
def test_all_goes_well(host: Host, generation: int) -> None:
    host.create(generation)
    assert host.left() == (["web1"], [r"D:\Disks\web1.vhdx"])


@pytest.mark.parametrize(("generation", "step"), STOPPING)
def test_a_failure_leaves_nothing_and_is_told(host: Host, generation: int, step: str) -> None:
    host.transport.steps = frozenset({step})
    with pytest.raises(HvctlError) as caught:
        host.create(generation)
    cmdlet = {each.id: each.call.cmdlet for each in plan_create(whole_vm_create(generation), "C:\\").batch.steps}[step]
    assert caught.value.cmdlet_error is not None
    assert caught.value.cmdlet_error["error_id"] == f"NamedParameterNotFound,{cmdlet}"
    assert (caught.value.host, caught.value.object_name) == ("here", "web1")
    assert "Could not be taken back" not in caught.value.message
    assert host.left() == ([], [])


@pytest.mark.parametrize(
    ("undoes", "named", "left"),
    [
        ({"vm"}, "vm", (["web1"], [])),
        ({"disk"}, "disk", ([], [r"D:\Disks\web1.vhdx"])),
        ({"disk", "vm"}, "disk, vm", (["web1"], [r"D:\Disks\web1.vhdx"])),
    ],
)
def test_what_cannot_be_taken_back_is_named(host: Host, undoes: set[str], named: str, left: Any) -> None:
    host.transport.steps, host.transport.undoes = frozenset({"vlan"}), frozenset(undoes)
    with pytest.raises(HvctlError, match=f"Could not be taken back: {named}[.]") as caught:
        host.create(2)
    assert caught.value.cmdlet_error is not None
    assert caught.value.cmdlet_error["error_id"] == "NamedParameterNotFound,Set-VMNetworkAdapterVlan"
    assert host.left() == left
