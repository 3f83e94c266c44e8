"""Moves that fail or are killed, again and again: the machine is on exactly one host, and what is left is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support import two_hosts
from tests.support.killed_move import MOVE
from tests.support.two_hosts import configure, on, places

from hvctl.errors import CancelledError, HvctlError
from hvctl.lab.migration import PHASES
from hvctl.lab.transport import LabTransport
from hvctl.models.base import Outcome
from hvctl.powershell.protocol import Frame
from hvctl.services.migrate.service import MigrateService
from hvctl.services.plan import run_plan
from hvctl.services.selection import Selection
from hvctl.transports.session import Session

pytestmark = pytest.mark.lab
ROOT = Path(__file__).parents[3]

troubles = st.fixed_dictionaries(
    {"fails_at": st.sampled_from([None, *PHASES]), "leaves_planned": st.booleans(), "replaces_planned": st.booleans()}
)


def attempt(path: Path, here: str, there: str) -> tuple[Outcome, HvctlError | None]:
    """Move `web1`, as the command does."""
    with Session(LabTransport(path, here, here)) as source, Session(LabTransport(path, there, there)) as target:
        service = MigrateService(source)
        move = MOVE.model_copy(update={"storage_path": rf"C:\VMs\on {there}"})
        plan = service.plan_move(target, service.look(target, Selection.of("web1"), move), move).plan
        done = run_plan(source, plan, timeout=None)
    (outcome,) = done.outcomes
    return outcome, done.failures[0] if done.failures else None


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(troubles, st.booleans()), min_size=1, max_size=4))
def test_whatever_fails_the_machine_is_on_one_host_and_what_is_left_is_named(attempts):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "world.db"
        source, _target = two_hosts.make(path)
        source.new_running_vm(SwitchName="lan")
        for trouble, back in attempts:
            configure(path, migration=trouble)
            here, there = ("hv02", "hv01") if back else ("hv01", "hv02")
            before = places(path)
            outcome, failure = attempt(path, here, there)
            after = places(path)
            moves = before["vm"] == here
            fails = moves and trouble["fails_at"] is not None
            assert {**after, "planned": []} == on(before["vm"] if fails else there)
            assert outcome.outcome == ("failed" if fails else "changed" if moves else "unchanged")
            assert outcome.state == "Running"
            if fails:
                assert ("is left on" in failure.message) is (there in after["planned"])
            elif moves:
                assert there not in after["planned"]


def test_a_process_killed_at_any_statement_leaves_one_machine_and_a_second_run_ends_it(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.killed_move", str(tmp_path)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["killed"] > 100
    assert min(outcome["hv01"], outcome["hv02"], outcome["planned"]) > 0


@pytest.mark.parametrize(
    ("seconds", "words", "left"),
    [
        (60, "Now a planned virtual machine of 'web1' is on hv02.", {**on("hv01"), "planned": ["hv02"]}),
        (0, "Now 'web1' is on hv02.", on("hv02")),
    ],
)
def test_an_interrupt_tells_what_is_on_the_other_host(tmp_path, seconds, words, left):
    path = tmp_path / "world.db"
    host, _target = two_hosts.make(path)
    host.new_running_vm(SwitchName="lan")
    configure(path, migration={"seconds": seconds}, pace=0.01)
    interrupts = [KeyboardInterrupt]

    def listener(frame: Frame) -> None:
        if frame.type == "progress" and interrupts:
            raise interrupts.pop()

    source = Session(LabTransport(path, "hv01", "hv01"), listener=listener)
    with source, Session(LabTransport(path, "hv02", "hv02")) as target:
        service = MigrateService(source)
        plan = service.plan_move(target, service.look(target, Selection.of("web1"), MOVE), MOVE).plan
        with pytest.raises(CancelledError) as caught:
            run_plan(source, plan, timeout=None)
    assert places(path) == left
    assert caught.value.message.endswith(words)
