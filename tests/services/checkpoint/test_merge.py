"""Waiting for a merge: what counts as its end, and how long it may take."""

from __future__ import annotations

import pytest
from tests.support.scripted import ScriptedTransport

from hvctl.models.base import Outcome
from hvctl.services.checkpoint.merge import LONGEST_PAUSE, await_merge
from hvctl.services.checkpoint.read import VmPosition
from hvctl.services.plan import Done
from hvctl.transports.session import Session

pytestmark = pytest.mark.unit
VM = VmPosition(id="id1", name="web1", host="hv01", state="Running", position=None)
DELETED = Outcome(id="cp1", name="a", host="hv01", outcome="changed", state=None)
MERGING, QUIET = ["InService", "MergingDisks"], ["Ok"]


class Host:
    """What a host says, look after look; the last one again and again."""

    def __init__(self, *looks: tuple[list[str], str, bool]) -> None:
        self.looks = list(looks)
        self.transport = ScriptedTransport(self.answer)
        self.reports: list[str] = []

    def answer(self, _steps):
        status, path, has_checkpoints = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        said = [
            ("record", {"step": "vms", "data": {"Id": "id1", "OperationalStatus": status}}),
            ("record", {"step": "drives", "data": {"Path": path}}),
        ]
        return [*said, ("record", {"step": "checkpoints", "data": {"Id": "cp2"}})] if has_checkpoints else said

    def wait(self, limit: float | None) -> tuple[Done, int, float]:
        clock = self.transport.clock
        session = Session(self.transport, clock=clock, listener=lambda frame: self.reports.append(frame["activity"]))
        started = clock.now
        done = await_merge(VM, limit)(session, Done((DELETED,), ()), None)
        return done, len(self.transport.log.executed), clock.now - started


BASE, LEAF = r"C:\VMs\web1.vhdx", r"C:\VMs\web1_1.AVHDX"


def test_it_takes_two_quiet_looks():
    host = Host((QUIET, BASE, False))
    done, looks, _ = host.wait(None)
    assert (done.failures, looks) == ((), 2)


def test_a_merge_that_begins_late_is_seen():
    host = Host((QUIET, LEAF, True), *[(MERGING, LEAF, True)] * 5, (QUIET, LEAF, True))
    assert host.wait(None)[1] == 8
    assert set(host.reports) == {"Merging the disks of web1"}


def test_a_disk_left_over_is_given_more_time():
    assert Host((QUIET, LEAF, False)).wait(None)[1] == 8
    assert Host((QUIET, LEAF, False), (QUIET, LEAF, False), (QUIET, BASE, False)).wait(None)[1] == 3


def test_looks_become_rarer():
    host = Host(*[(MERGING, LEAF, True)] * 30, (QUIET, BASE, True))
    _, looks, seconds = host.wait(None)
    assert looks == 32
    assert 0.8 * LONGEST_PAUSE < seconds / looks <= 1.1 * LONGEST_PAUSE


def test_it_ends_in_time():
    done, _, seconds = Host((MERGING, LEAF, True)).wait(5)
    assert 5 <= seconds < 6
    assert [type(failure).__name__ for failure in done.failures] == ["TimedOutError"]
    assert done.outcomes[0].outcome == "failed"


def test_there_is_nothing_to_wait_for_where_nothing_was_deleted():
    host = Host((MERGING, LEAF, True))
    session = Session(host.transport, clock=host.transport.clock)
    failed = Done((DELETED.model_copy(update={"outcome": "failed"}),), ())
    assert await_merge(VM, None)(session, failed, None) is failed
    assert host.transport.log.executed == []


def test_an_interrupt_says_that_the_host_goes_on():
    from hvctl.errors import CancelledError

    host = Host((MERGING, LEAF, True))
    host.transport.on_receive = ["", "interrupt"]
    with pytest.raises(CancelledError, match="the host goes on merging"):
        host.wait(None)
