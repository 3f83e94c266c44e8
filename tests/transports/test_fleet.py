"""Work on many hosts: side by side and bounded, every failure its own, interrupts for all."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest

from hvctl.errors import CancelledError, HvctlError, NotFoundError, QuotaError, UnreachableError
from hvctl.lab import guests, seeds
from hvctl.lab.transport import LabTransport
from hvctl.lab.world import World
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.transports import fleet
from hvctl.transports.fleet import Interruptible, Interrupts, run
from hvctl.transports.session import Session

pytestmark = pytest.mark.unit

PATIENCE = 20.0


def interrupt() -> None:
    """What Ctrl-C does."""
    signal.raise_signal(signal.SIGINT)


def test_every_job_has_its_result():
    answers = dict(run(range(100), lambda job, _: job * 2, workers=7))
    assert answers == {job: job * 2 for job in range(100)}


def test_no_jobs_are_no_results():
    assert list(run([], lambda job, _: job)) == []


def test_no_more_at_once_than_workers():
    lock = threading.Lock()
    full = threading.Barrier(4)
    now: set[int] = set()
    most = 0

    def work(job: int, _: Interrupts) -> None:
        nonlocal most
        with lock:
            now.add(job)
            most = max(most, len(now))
        full.wait(PATIENCE)
        with lock:
            now.discard(job)

    assert len(list(run(range(16), work, workers=4))) == 16
    assert most == 4


def test_a_failure_is_its_own():
    def work(job: str, _: Interrupts) -> str:
        if job == "dead":
            raise UnreachableError("It is away.", host=job)
        return "fine"

    answers = dict(run(["a", "dead", "b"], work))
    assert answers["a"] == answers["b"] == "fine"
    assert isinstance(answers["dead"], UnreachableError)


def test_a_bug_is_no_answer():
    def work(job: int, _: Interrupts) -> int:
        raise ZeroDivisionError(job)

    with pytest.raises(ZeroDivisionError):
        list(run([1], work))


def test_who_is_away_costs_no_worker():
    """A host that is away is found out beside the work: the one worker is never kept from hosts that are there."""
    found_out = threading.Event()

    def check(job: str) -> None:
        if job == "away":
            assert found_out.wait(PATIENCE)
            raise UnreachableError("It is away.", host=job)

    def work(job: str, _: Interrupts) -> str:
        return job

    seen = []
    for job, answer in run(["away", "a", "b"], work, workers=1, check=check):
        seen.append(job)
        if len(seen) == 2:
            found_out.set()
        assert (job == "away") is isinstance(answer, HvctlError)
    assert sorted(seen[:2]) == ["a", "b"]
    assert seen[2] == "away"


def test_a_quota_is_waited_for(monkeypatch):
    monkeypatch.setattr(Interrupts, "sleep", lambda _, seconds: seconds >= 0)
    tries: list[int] = []

    def work(job: int, _: Interrupts) -> str:
        tries.append(job)
        if len(tries) < 3:
            raise QuotaError("Too many shells.")
        return "in"

    assert list(run([1], work)) == [(1, "in")]
    assert len(tries) == 3


def test_a_quota_that_stays_is_the_answer(monkeypatch):
    pauses: list[float] = []
    monkeypatch.setattr(Interrupts, "sleep", lambda _, seconds: pauses.append(seconds) or True)

    def work(job: int, _: Interrupts) -> str:
        raise QuotaError("Too many shells.")

    ((_, answer),) = run([1], work)
    assert isinstance(answer, QuotaError)
    assert len(pauses) == fleet._ATTEMPTS - 1
    assert all(0 <= pause <= 2.0**n for n, pause in enumerate(pauses))


def test_results_are_taken_before_more_are_made():
    """Memory is bounded: with nobody to take results, work stops."""
    begun: list[int] = []
    answers = run(range(1000), lambda job, _: begun.append(job), workers=3)
    next(answers)
    for _ in range(50):
        threading.Event().wait(0.002)
    assert len(begun) <= 1 + 3 + 3 + 3
    assert len(list(answers)) == 999


def test_an_interrupt_ends_all_and_begins_none():
    began = threading.Barrier(3)
    seen: list[int] = []

    def work(job: int, interrupts: Interrupts) -> None:
        seen.append(job)
        began.wait(PATIENCE)
        while not interrupts.count:
            interrupts.sleep(PATIENCE)
        raise KeyboardInterrupt

    def interrupt_soon() -> None:
        began.wait(PATIENCE)
        interrupt()

    threading.Thread(target=interrupt_soon, daemon=True).start()
    with pytest.raises(CancelledError, match="8 of 10 hosts were not asked"):
        list(run(range(10), work, workers=2))
    assert len(seen) == 2


def test_a_consumer_that_stops_ends_the_work():
    ended = threading.Event()

    def work(job: int, interrupts: Interrupts) -> int:
        if job == 0:
            return job
        while not interrupts.count:
            interrupts.sleep(PATIENCE)
        ended.set()
        raise KeyboardInterrupt

    answers = run([0, 1], work, workers=2)
    assert next(answers) == (0, 0)
    answers.close()
    assert ended.is_set()


@pytest.fixture
def world(tmp_path: Path) -> Path:
    path = tmp_path / "world.db"
    seeds.reset(path, world="two-hosts")
    return path


def session(path: Path, host: str, interrupts: Interrupts) -> Session:
    return Session(Interruptible(LabTransport(path, host, name=f"lab/{host}"), interrupts))


def test_sessions_side_by_side(world):
    def work(host: str, interrupts: Interrupts) -> str:
        with session(world, host, interrupts) as opened:
            return opened.run(Batch((Step("host", Call("Get-VMHost"), select=("Name",)),))).of("host")[0]["Name"]

    answers = dict(run(["hv01", "hv02", "hv09"], work))
    assert {name: answer for name, answer in answers.items() if name != "hv09"} == {"hv01": "HV01", "hv02": "HV02"}
    assert isinstance(answers["hv09"], NotFoundError)


def test_an_interrupt_is_one_in_every_session(world):
    """A guest that does not shut down is let be, as after Ctrl-C on its host alone."""
    stop = Batch(
        (
            Step("vms", Call("Get-VM")),
            Step("stop", Call("Stop-VM", {"VM": Ref("vms"), "Confirm": False}), on_error="continue"),
        )
    )
    new = {"Name": "web1", "MemoryStartupBytes": 1 << 30, "NewVHDPath": r"C:\VMs\web1.vhdx", "NewVHDSizeBytes": 1 << 30}
    make = Batch((Step("vm", Call("New-VM", new)),))
    for host in ("hv01", "hv02"):
        with Session(LabTransport(world, host)) as opened:
            assert opened.run(make).ok
            with World.open(world) as entered:
                guests.set_behaviour(entered, host, "web1", installed=True, ignores_shutdown=True)
            assert opened.run(Batch((Step("vms", Call("Get-VM")), Step("on", Call("Start-VM", {"VM": Ref("vms")}))))).ok
    with World.open(world) as entered, entered.transaction():
        entered.configure("pace", value=1)
        entered.configure("guest", value={"installed": True})
    waiting = threading.Barrier(3)

    def work(host: str, interrupts: Interrupts) -> None:
        with session(world, host, interrupts) as opened:
            opened.hello()
            waiting.wait(PATIENCE)
            opened.run(stop)

    def interrupt_soon() -> None:
        waiting.wait(PATIENCE)
        threading.Event().wait(0.3)
        interrupt()

    threading.Thread(target=interrupt_soon, daemon=True).start()
    answers: list[tuple[str, object]] = []
    with pytest.raises(CancelledError):
        answers.extend(run(["hv01", "hv02"], work))
    assert {host for host, _ in answers} == {"hv01", "hv02"}
    assert all(isinstance(answer, CancelledError) for _, answer in answers)
