"""`storage create` through a real PowerShell: whichever step fails, nothing that was made is left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.pwsh import require_pwsh
from tests.support.spaces import SPEC, spoiled, spoiled_undo, ways_to_fail
from tests.support.storage_plans import physical_disk

from hvctl.errors import HvctlError
from hvctl.powershell.batch import Batch, Call, Step
from hvctl.services.storage.create import Making, plan_storage
from hvctl.services.storage.making import StorageMaking
from hvctl.transports.local import LocalTransport
from hvctl.transports.session import Session

pytestmark = pytest.mark.powershell

THERE = ["MSFT_PhysicalDisk DISK1", "MSFT_PhysicalDisk DISK2", "MSFT_StorageSubSystem S"]
MAKING = Making(plan_storage(SPEC, [physical_disk(1), physical_disk(2)], "S"))


class Host:
    """A host with two disks that can be pooled."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.service = StorageMaking(session)

    def reset(self) -> None:
        """Nothing is there but the disks and their subsystem."""
        self._ask("here", *(f"storage {each}" for each in THERE))

    def make(self, batch: Batch) -> None:
        """Run a batch as `storage create` does."""
        self.service.make(replace(MAKING, batch=batch), SPEC.name)

    def left(self) -> list[str]:
        """What there is of storage."""
        return self._ask("storage")

    def _ask(self, *words: str) -> list[str]:
        step = Step("talk", Call("Get-VMHost", {"ComputerName": words}), select=(".",))
        return [record["."] for record in self.session.run(Batch((step,))).of("talk")]


@pytest.fixture(scope="module")
def running(willing_modules: Path) -> Iterator[Host]:
    session = Session(LocalTransport("here", require_pwsh()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PSModulePath", str(willing_modules))
        session.hello()
    yield Host(session)
    session.close()


@pytest.fixture
def host(running: Host) -> Host:
    running.reset()
    return running


def test_all_goes_well(host):
    host.make(MAKING.batch)
    made = ("MSFT_StoragePool", "MSFT_VirtualDisk", "MSFT_Partition")
    assert host.left() == [*THERE, *(f"{each} new {each}" for each in made)]


@pytest.mark.parametrize(("step", "how"), list(ways_to_fail()))
def test_whichever_step_fails_nothing_is_left(host, step, how):
    with pytest.raises(HvctlError) as caught:
        host.make(spoiled(MAKING.batch, step, how))
    assert caught.value.object_name == "vmstore"
    assert "Could not be taken back" not in caught.value.message
    assert host.left() == THERE


def test_what_cannot_be_taken_back_is_named(host):
    with pytest.raises(HvctlError, match=r"Could not be taken back: pool[.]"):
        host.make(spoiled_undo(spoiled(MAKING.batch, "format", "at once"), "pool"))
    assert "MSFT_StoragePool new MSFT_StoragePool" in host.left()


def test_what_the_query_did_not_find_is_told_as_such(host):
    """A CDXML cmdlet's own error id reaches the caller."""
    step = Step("gone", Call("Get-StoragePool", {"UniqueId": "nowhere"}))
    result = host.session.run(Batch((step,)))
    assert result.failure is not None
    assert result.failure.error_id == "CmdletizationQuery_NotFound_UniqueId,Get-StoragePool"
    assert result.failure.category == "ObjectNotFound"
