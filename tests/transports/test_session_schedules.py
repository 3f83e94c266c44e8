"""Sessions under random faults: never a change twice, never a lost answer that is not declared, never a hang."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support.scripted import ScriptedTransport, done, record

from hvctl.errors import CancelledError, HvctlError, OutcomeUnknownError, TimedOutError, UnreachableError
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.transports.session import Session

pytestmark = pytest.mark.unit

VMS = Step("vms", Call("Get-VM"), select=("Name",))
READ = Batch((VMS,))
CHANGE = Batch((VMS, Step("start", Call("Start-VM", {"VM": Ref("vms")}))))
NAMES = [str(number) for number in range(7)]

SEND = ["", "", "", "doubt-before", "doubt-torn", "doubt-after", "lost-before", "lost-after"]
RECEIVE = ["", "", "", "doubt-kept", "doubt-dropped", "lost", "drop", "spoil", "repeat", "piece", "noise", "nothing"]

calm = st.lists(st.sampled_from(SEND), max_size=12), st.lists(st.sampled_from(RECEIVE), max_size=25)
interrupted = (
    st.lists(st.sampled_from([*SEND, "interrupt-before", "interrupt-after"]), max_size=12),
    st.lists(st.sampled_from([*RECEIVE, "interrupt", "interrupt-dropped"]), max_size=25),
)
batches = st.lists(st.sampled_from([READ, CHANGE]), min_size=1, max_size=4)
durations = st.sampled_from([0.0, 0.5, 45.0, 200.0])


def transport_with(on_send: list[str], on_receive: list[str], takes: float) -> ScriptedTransport:
    transport = ScriptedTransport(lambda _: [*(record("vms", Name=name) for name in NAMES), done()], takes=takes)
    transport.on_send, transport.on_receive = list(on_send), list(on_receive)
    return transport


def run_all(transport: ScriptedTransport, wanted: list[Batch]) -> None:
    session = Session(transport, clock=transport.clock)
    for batch in wanted:
        before = len(transport.log.changed)
        started = transport.clock.now
        interrupts = [fault for fault in transport.on_send + transport.on_receive if fault.startswith("interrupt")]
        try:
            result = session.run(batch, timeout=600.0, look=READ)
        except (UnreachableError, TimedOutError):
            # A batch that changes ends so only where no engine said hello.
            assert len(transport.log.changed) == before
        except OutcomeUnknownError:
            assert batch is CHANGE
            assert len(transport.log.changed) <= before + 1
        except (CancelledError, KeyboardInterrupt):
            assert interrupts
            assert len(transport.log.changed) <= before + 1
        else:
            assert [each["Name"] for each in result.of("vms")] == NAMES
            assert result.ok
            assert len(transport.log.changed) == before + (batch is CHANGE)
        assert transport.clock.now - started < 2000.0
    assert len(set(transport.log.executed)) == len(transport.log.executed)


@settings(max_examples=400, deadline=None)
@given(*calm, batches, durations)
@example(["lost-after", "lost-after"], [], [READ, CHANGE], 0.0)
def test_faults_at_random(on_send, on_receive, wanted, takes):
    run_all(transport_with(on_send, on_receive, takes), wanted)


@settings(max_examples=400, deadline=None)
@given(*interrupted, batches, durations)
def test_faults_and_interrupts_at_random(on_send, on_receive, wanted, takes):
    run_all(transport_with(on_send, on_receive, takes), wanted)


@settings(max_examples=150, deadline=None)
@given(*calm, durations)
def test_a_session_recovers_once_the_faults_are_over(on_send, on_receive, takes):
    transport = transport_with(on_send, on_receive, takes)
    session = Session(transport, clock=transport.clock)
    for _ in range(40):
        if not transport.on_send and not transport.on_receive:
            break
        try:
            session.run(READ)
        except HvctlError:
            continue
    assert session.run(CHANGE).ok
