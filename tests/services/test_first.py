"""What another host must have done first: run, waited for, and told of when it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from tests.support.scripted import Said, ScriptedTransport, done, error

from hvctl.errors import ConflictError, HvctlError
from hvctl.powershell.batch import Batch, Call, Step
from hvctl.services.first import PATIENCE, First
from hvctl.transports.session import Session

pytestmark = pytest.mark.unit

CLEAR = Batch((Step("clear", Call("Remove-VM", {"Name": "old", "Force": True})),))
GONE = Batch((Step("gone", Call("Get-VM"), expect="none"),))


class Host:
    """A host where what is removed is there for a while still, or cannot be removed at all."""

    def __init__(self, *, stays: int = 0, refuses: bool = False) -> None:
        self.stays = stays
        self.refuses = refuses
        self.asked: list[str] = []
        self.transport = ScriptedTransport(self.answer)

    def answer(self, steps: Sequence[Mapping[str, Any]]) -> list[Said]:
        (step,) = steps
        self.asked.append(step["id"])
        if step["id"] == "clear":
            return [error("clear", "OperationFailed", "No."), done(ok=False)] if self.refuses else []
        self.stays -= 1
        if self.stays < 0:
            return []
        return [error("gone", "Hvctl.ExpectedNone", "It is there.", "ResourceExists"), done(ok=False)]

    def run(self, ended: Batch | None = GONE) -> None:
        with Session(self.transport, clock=self.transport.clock) as session:
            First(session, CLEAR, "It could not be removed", ended).run()


@pytest.mark.parametrize("stays", [0, 1, 5])
def test_it_waits_until_the_host_has_done_it(stays):
    host = Host(stays=stays)
    host.run()
    assert host.asked == ["clear", *["gone"] * (stays + 1)]


def test_what_does_not_go_keeps_the_plan_from_running():
    host = Host(stays=10_000)
    began = host.transport.clock.now
    with pytest.raises(ConflictError, match="It could not be removed"):
        host.run()
    assert PATIENCE <= host.transport.clock.now - began < PATIENCE + 5


def test_what_fails_is_not_waited_for():
    host = Host(refuses=True)
    with pytest.raises(HvctlError, match="It could not be removed"):
        host.run()
    assert host.asked == ["clear"]


def test_without_anything_to_wait_for_it_is_over():
    host = Host()
    host.run(ended=None)
    assert host.asked == ["clear"]
