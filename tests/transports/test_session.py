"""Sessions on a scripted engine: at most once, replayed, cancelled, lost; no real time passes."""

from __future__ import annotations

import pytest
from tests.support.scripted import Answer, ScriptedTransport, done, error, record

from hvctl.errors import (
    CancelledError,
    OutcomeUnknownError,
    ProtocolError,
    TimedOutError,
    UnreachableError,
    UnsupportedError,
)
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.powershell.protocol import Frame
from hvctl.transports.result import ErrorRecord
from hvctl.transports.session import Session

pytestmark = pytest.mark.unit

READ = Batch((Step("vms", Call("Get-VM"), select=("Name",)),))
CHANGE = Batch(
    (
        Step("vms", Call("Get-VM"), select=("Name",)),
        Step("start", Call("Start-VM", {"VM": Ref("vms")})),
    )
)
NAMES = [record("vms", Name="a"), record("vms", Name="b")]


def two_names(_: object) -> list:
    return NAMES


def session_on(transport: ScriptedTransport, **options) -> Session:
    return Session(transport, clock=transport.clock, **options)


def scripted(answer: Answer | None = two_names, **options) -> ScriptedTransport:
    return ScriptedTransport(answer, **options)


def names(result) -> list[str]:
    return [each["Name"] for each in result.of("vms")]


# ---- a plain run


def test_a_batch_runs_and_its_records_come_back():
    transport = scripted()
    result = session_on(transport).run(CHANGE)
    assert (result.ok, names(result)) == (True, ["a", "b"])
    assert transport.log.executed == transport.log.changed
    assert len(transport.log.executed) == 1


def test_every_kind_of_frame_arrives():
    problem = error("start", "InvalidState,StartVM")
    undo = error("start", "AccessDenied,RemoveVM")
    undo[1]["undo"] = True
    said = [
        ("progress", {"step": "start", "activity": "Starting", "status": "", "percent": 5, "seconds_left": None}),
        ("warning", {"step": "start", "message": "slow"}),
        ("verbose", {"step": "start", "message": "chatty"}),
        undo,
        problem,
        done(ok=False, undone=["vms"], not_undone=["start"]),
    ]
    heard: list[Frame] = []
    result = session_on(scripted(lambda _: said), listener=heard.append).run(CHANGE)
    assert [frame.type for frame in heard] == ["progress", "warning", "verbose"]
    assert result.warnings == [("start", "slow")]
    assert (result.ok, result.undone, result.not_undone) == (False, ("vms",), ("start",))
    record_ = ErrorRecord("start", "It failed.", "NotSpecified", "InvalidState,StartVM", "System.Exception")
    assert result.failure == record_
    assert result.of("nothing") == []


def test_an_error_record_as_json():
    assert ErrorRecord("s", "m", "c", "i", "e", 0x8007000E, "t").as_dict() == {
        "message": "m",
        "category": "c",
        "error_id": "i",
        "exception": "e",
        "hresult": "0x8007000E",
        "target": "t",
    }


def test_one_engine_serves_many_batches_and_forgets_what_was_answered():
    transport = scripted()
    session = session_on(transport)
    for _ in range(3):
        session.run(READ)
    assert transport.log.engines == 1
    runs = [request for request in transport.engines[0].requests if request.type == "run"]
    assert [run["ack"] for run in runs] == [[], [runs[0].id], [runs[1].id]]


def test_the_deadline_travels_and_none_means_none():
    transport = scripted()
    session = session_on(transport)
    session.run(READ, timeout=12.5)
    session.run(READ, timeout=None)
    runs = [request for request in transport.engines[0].requests if request.type == "run"]
    assert [run["deadline"] for run in runs] == [12.5, None]


def test_before_sees_each_batch_once_also_when_it_is_repeated():
    transport = scripted()
    transport.on_send = ["lost-after"]
    seen: list[Batch] = []
    session_on(transport, before=seen.append).run(READ)
    assert seen == [READ]


def test_closing_starts_a_new_engine_next_time():
    transport = scripted()
    with session_on(transport) as session:
        session.run(READ)
        session.close()
        session.run(READ)
    assert transport.log.engines == 2
    assert transport.engine is None


@pytest.mark.parametrize(("kind", "remote"), [("local", False), ("lab", False), ("winrm", True)])
def test_what_counts_as_remote(kind, remote):
    assert session_on(scripted(kind=kind)).is_remote is remote


# ---- hello


def test_hello_is_asked_once():
    transport = scripted()
    session = session_on(transport)
    assert session.hello()["host"] == "HV01"
    assert session.hello() is session.hello()
    assert transport.log.engines == 1


@pytest.mark.parametrize(
    "wrong",
    [{"protocol": 2}, {"nonce": "other"}, {"engine": "0" * 64}, {"protocol": None}],
    ids=lambda w: next(iter(w)),
)
def test_another_engine_is_refused(wrong):
    transport = scripted()
    transport.hello = wrong
    with pytest.raises(ProtocolError, match="Another engine"):
        session_on(transport).run(CHANGE)
    assert transport.log.executed == []
    assert transport.engine is None


@pytest.mark.parametrize(
    ("greeting", "kind"), [("Hvctl.LanguageMode", UnsupportedError), ("Hvctl.EngineHash", ProtocolError)]
)
def test_an_engine_that_refuses(greeting, kind):
    transport = scripted()
    transport.greeting = greeting
    with pytest.raises(kind) as caught:
        session_on(transport).run(CHANGE)
    assert caught.value.host == "hv01"
    assert caught.value.hint
    assert transport.engine is None


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize(
    ("timeout", "kind", "seconds"),
    [(None, UnreachableError, 90), (600.0, UnreachableError, 90), (5.0, TimedOutError, 25)],
)
def test_no_hello_in_time(timeout, kind, seconds, eager):
    transport = scripted(eager=eager)
    transport.on_receive = ["nothing"] * 100
    with pytest.raises(kind, match=f"within {seconds} seconds"):
        session_on(transport).run(READ, timeout=timeout)
    assert transport.clock.now == 1000.0 + seconds
    assert transport.engine is None


@pytest.mark.parametrize("batch", [READ, CHANGE], ids=["read", "change"])
@pytest.mark.parametrize("eager", [False, True])
def test_a_hello_that_vanished_without_an_error_is_missed_soon(batch, eager):
    transport = scripted(eager=eager)
    transport.on_receive = ["drop"]
    assert names(session_on(transport).run(batch)) == ["a", "b"]
    assert (transport.log.engines, transport.clock.now <= 1011.0) == (2, True)
    assert len(transport.log.changed) == (batch is CHANGE)


def test_an_engine_that_says_everything_but_hello():
    transport = scripted()
    transport.greeting = ""
    with pytest.raises(UnreachableError, match="is lost"):
        session_on(transport).run(CHANGE)
    assert transport.log.executed == []


FAILURES_BEFORE_HELLO = pytest.mark.parametrize("fault", ["doubt-kept", "doubt-dropped", "lost"])


@FAILURES_BEFORE_HELLO
def test_a_failure_before_hello_is_made_good_by_a_fresh_engine(fault):
    transport = scripted()
    transport.on_receive = [fault]
    assert session_on(transport).run(CHANGE).ok
    assert (transport.log.engines, len(transport.log.changed)) == (2, 1)


@FAILURES_BEFORE_HELLO
def test_a_second_failure_before_hello(fault):
    transport = scripted()
    transport.on_receive = [fault, fault]
    session = session_on(transport)
    with pytest.raises(UnreachableError):
        session.run(CHANGE)
    assert transport.log.executed == []
    assert session.run(CHANGE).ok
    assert transport.log.engines == 3


@pytest.mark.parametrize(("timeout", "engines"), [(5.0, 1), (60.0, 2), (None, 2)])
@pytest.mark.parametrize("eager", [False, True])
def test_no_fresh_engine_when_time_is_up(timeout, engines, eager):
    transport = scripted(eager=eager)
    transport.on_receive = ["nothing", "doubt-kept"] * 2
    with pytest.raises(UnreachableError, match="timed out"):
        session_on(transport).run(READ, timeout=timeout)
    assert transport.log.engines == engines


def test_a_local_powershell_that_ends_at_once_is_not_started_again():
    transport = scripted(kind="local")
    transport.on_receive = ["lost"]
    with pytest.raises(UnreachableError, match="exit code 1"):
        session_on(transport).run(READ)
    assert transport.log.engines == 1


# ---- a read that travels with the engine


class Noting(ScriptedTransport):
    """Notes what happens to it."""

    def __init__(self) -> None:
        super().__init__(two_names, eager=True)
        self.happened: list[str] = []

    def open(self, nonce: str) -> None:
        super().open(nonce)
        self.happened.append("open")

    def send(self, data: bytes) -> None:
        self.happened.append("send")
        super().send(data)

    def receive(self, timeout: float) -> bytes:
        self.happened.append("receive")
        return super().receive(timeout)


@pytest.mark.parametrize(
    ("batch", "happened"),
    [(READ, ["open", "send", "receive"]), (CHANGE, ["open", "receive", "send", "receive"])],
    ids=["read", "change"],
)
def test_a_read_travels_with_an_eager_engine_and_a_change_waits_for_hello(batch, happened):
    transport = Noting()
    result = session_on(transport).run(batch)
    assert (names(result), result.hello["host"]) == (["a", "b"], "HV01")
    assert transport.happened == happened


@pytest.mark.parametrize("fault", ["doubt-before", "doubt-torn", "doubt-after", "lost-before", "lost-after"])
def test_an_eager_read_whose_sending_fails(fault):
    transport = scripted(eager=True)
    transport.on_send = [fault]
    assert names(session_on(transport).run(READ)) == ["a", "b"]
    assert transport.log.engines == 2


@pytest.mark.parametrize("faults", [["doubt-dropped"], ["piece"] * 30, ["noise"], ["repeat"], ["spoil"]])
def test_an_eager_read_whose_answer_comes_badly(faults):
    transport = scripted(eager=True)
    transport.on_receive = list(faults)
    assert names(session_on(transport).run(READ)) == ["a", "b"]


def test_an_interrupt_before_hello_ends_the_engine():
    transport = scripted(eager=True)
    transport.on_receive = ["interrupt"]
    session = session_on(transport)
    with pytest.raises(KeyboardInterrupt):
        session.run(READ)
    assert transport.engine is None
    assert names(session.run(READ)) == ["a", "b"]


@pytest.mark.parametrize("greeting", ["Hvctl.LanguageMode", "Hvctl.EngineHash"])
def test_an_eager_engine_that_refuses(greeting):
    transport = scripted(eager=True)
    transport.greeting = greeting
    with pytest.raises((UnsupportedError, ProtocolError)):
        session_on(transport).run(READ)
    assert transport.engine is None


# ---- leaving


@pytest.mark.parametrize(("batch", "left"), [(READ, 0), (CHANGE, 1)], ids=["read", "change"])
def test_a_change_under_way_is_left_to_finish(batch, left):
    transport = scripted(takes=100.0)
    transport.on_receive = ["", "interrupt", "interrupt"]
    with session_on(transport) as session, pytest.raises(CancelledError):
        session.run(batch)
    assert (transport.left, transport.engine) == (left, None)


def test_an_engine_with_nothing_to_do_is_ended():
    transport = scripted()
    with session_on(transport) as session:
        session.run(CHANGE)
    assert (transport.left, transport.engine) == (0, None)


def test_a_host_that_cannot_be_opened_is_tried_again_next_time():
    class Closed(ScriptedTransport):
        tries = 0

        def open(self, nonce: str) -> None:
            self.tries += 1
            if self.tries == 1:
                raise UnreachableError("no PowerShell", host=self.host)
            super().open(nonce)

    transport = Closed(two_names)
    session = session_on(transport)
    with pytest.raises(UnreachableError):
        session.run(READ)
    assert session.run(READ).ok


# ---- doubt


SEND_DOUBTS = ["doubt-before", "doubt-torn", "doubt-after"]


@pytest.mark.parametrize("batch", [READ, CHANGE], ids=["read", "change"])
@pytest.mark.parametrize("takes", [0.0, 100.0], ids=["quick", "slow"])
@pytest.mark.parametrize("fault", SEND_DOUBTS)
def test_doubt_on_sending(fault, takes, batch):
    transport = scripted(takes=takes)
    transport.on_send = [fault]
    result = session_on(transport).run(batch)
    assert (result.ok, names(result)) == (True, ["a", "b"])
    assert len(transport.log.executed) == 1
    assert transport.resets == 1


@pytest.mark.parametrize("batch", [READ, CHANGE], ids=["read", "change"])
@pytest.mark.parametrize("fault", ["doubt-kept", "doubt-dropped"])
@pytest.mark.parametrize("which", range(1, 5))
def test_doubt_on_receiving(which, fault, batch):
    transport = scripted(takes=70.0)
    transport.on_receive = [""] * which + [fault]
    result = session_on(transport).run(batch)
    assert names(result) == ["a", "b"]
    assert len(transport.log.executed) == 1


def test_doubt_about_doubt():
    transport = scripted()
    transport.on_send = ["doubt-after", "doubt-before", "doubt-after"]
    transport.on_receive = ["", "doubt-dropped", "doubt-dropped"]
    result = session_on(transport).run(CHANGE)
    assert names(result) == ["a", "b"]
    assert len(transport.log.executed) == 1


def test_doubt_without_end_while_reading():
    transport = scripted()
    transport.on_send = ["doubt-before"] * 1000
    with pytest.raises(UnreachableError, match="again and again"):
        session_on(transport).run(READ)
    assert transport.log.executed == []


def test_doubt_without_end_while_changing():
    transport = scripted()
    transport.on_send = ["doubt-after"] + ["doubt-before"] * 5
    with pytest.raises(OutcomeUnknownError, match="again and again") as caught:
        session_on(transport).run(CHANGE, look=READ)
    assert len(transport.log.changed) == 1
    assert caught.value.seen == {"vms": [{"Name": "a"}, {"Name": "b"}]}


def test_an_engine_that_does_not_answer_a_status_is_asked_again():
    transport = scripted()
    transport.on_send = ["doubt-after", "doubt-before"]
    transport.on_receive = ["", *["nothing"] * 15]
    assert names(session_on(transport).run(CHANGE)) == ["a", "b"]
    assert len(transport.log.executed) == 1


@pytest.mark.parametrize(("batch", "executed"), [(READ, 2), (CHANGE, 1)], ids=["read", "change"])
def test_an_answer_that_the_engine_forgot(batch, executed):
    transport = scripted()
    transport.on_receive = ["", "forgotten"]
    session = session_on(transport)
    if batch is READ:
        assert names(session.run(batch)) == ["a", "b"]
    else:
        with pytest.raises(OutcomeUnknownError, match="no longer has the answer"):
            session.run(batch)
    assert len(transport.log.executed) == executed


class Swallowing(ScriptedTransport):
    """Loses the first `swallows` requests to run a batch without a word."""

    swallows = 1

    def send(self, data: bytes) -> None:
        if self.swallows and b'"type":"run"' in data:
            self.swallows -= 1
            data = b""
        super().send(data)


@pytest.mark.parametrize("batch", [READ, CHANGE], ids=["read", "change"])
@pytest.mark.parametrize("timeout", [600.0, None])
@pytest.mark.parametrize("swallows", [1, 3])
def test_a_request_that_vanished_without_an_error_is_sent_again(batch, timeout, swallows):
    transport = Swallowing(two_names, takes=50.0)
    transport.swallows = swallows
    result = session_on(transport).run(batch, timeout=timeout)
    assert (result.ok, names(result)) == (True, ["a", "b"])
    assert len(transport.log.executed) == 1
    assert transport.clock.now < 1200.0


def test_an_engine_that_forgot_what_is_waited_for_ends_the_wait():
    transport = scripted()
    transport.on_receive = ["", "spoil"]
    session = session_on(transport, noise=lambda _: transport.engines[0].forget())
    with pytest.raises(OutcomeUnknownError, match="no longer has the answer"):
        session.run(CHANGE, timeout=None)
    assert transport.clock.now < 1100.0
    assert len(transport.log.executed) == 1


# ---- pieces, gaps, repetition, noise


@pytest.mark.parametrize(
    "faults",
    [["", "piece", "piece", "piece"], ["", "repeat"], ["", "drop"], ["piece"] * 40, ["", "noise", "noise"]],
    ids=["pieces", "repeated", "gap", "many pieces", "noise"],
)
def test_frames_come_out_once_and_in_order(faults):
    transport = scripted()
    transport.on_receive = list(faults)
    assert names(session_on(transport).run(CHANGE)) == ["a", "b"]
    assert len(transport.log.executed) == 1


def test_a_spoilt_last_frame_is_asked_for_again():
    transport = scripted()
    transport.on_receive = ["", "spoil"]
    result = session_on(transport).run(CHANGE)
    assert (result.ok, names(result)) == (True, ["a", "b"])
    assert transport.clock.now <= 1031.0


def test_a_gap_is_not_asked_for_with_every_piece():
    transport = ScriptedTransport(lambda _: [record("vms", Name=str(n)) for n in range(500)])
    transport.on_receive = ["", "drop", *["piece"] * 30]
    result = session_on(transport).run(READ)
    assert names(result) == [str(n) for n in range(500)]
    assert [request.type for request in transport.engines[0].requests].count("replay") <= 3


def test_frames_of_an_earlier_batch_are_dropped():
    transport = scripted()
    session = session_on(transport)
    session.run(READ)
    engine = transport.engines[0]
    engine.say("record", "0" * 32, {"step": "vms", "data": {"Name": "late"}}, 1)
    assert names(session.run(READ)) == ["a", "b"]


def test_noise_is_handed_on():
    transport = scripted()
    transport.on_receive = ["noise", "noise"]
    heard: list[str] = []
    session_on(transport, noise=heard.append).run(READ)
    assert heard == ["WARNING: \x1enoise"] * 2


# ---- pings and silence


def pings(transport: ScriptedTransport) -> int:
    return [request.type for request in transport.engines[0].requests].count("ping")


def test_a_waiting_client_says_that_it_is_there():
    transport = scripted(takes=100.0)
    session_on(transport).run(CHANGE)
    assert pings(transport) == 3


def test_a_client_that_is_kept_busy_says_so_as_well():
    transport = scripted(takes=300.0)
    busy = transport.receive

    def receive(timeout: float) -> bytes:
        engine = transport.engines[0]
        if engine.requests and engine.next_event < float("inf"):
            return busy(min(timeout, 1.0)) or b"PowerShell prints every second\n"
        return busy(timeout)

    transport.receive = receive
    session_on(transport).run(CHANGE)
    assert pings(transport) >= 9


def test_a_batch_without_a_deadline_is_waited_for():
    transport = scripted(takes=20_000.0)
    assert session_on(transport).run(CHANGE, timeout=None).ok
    assert transport.clock.now >= 21_000.0


@pytest.mark.parametrize("timeout", [60.0, None])
def test_silence_while_changing(timeout):
    transport = scripted(takes=1.0)
    transport.on_receive = ["", *["nothing"] * 100]
    with pytest.raises(OutcomeUnknownError) as caught:
        session_on(transport).run(CHANGE, timeout=timeout, look=READ)
    assert caught.value.host == "hv01"
    assert transport.clock.now < 1400.0
    assert len(transport.log.changed) == 1


@pytest.mark.parametrize(("timeout", "kind"), [(60.0, TimedOutError), (None, UnreachableError)])
def test_silence_while_reading(timeout, kind):
    transport = scripted(takes=1.0)
    transport.on_receive = ["", *["nothing"] * 1000]
    with pytest.raises(kind):
        session_on(transport).run(READ, timeout=timeout)
    assert transport.engine is None


def test_an_engine_that_lives_and_does_not_end():
    transport = scripted(takes=10_000.0)
    with pytest.raises(OutcomeUnknownError, match="in time"):
        session_on(transport).run(CHANGE, timeout=60.0)
    assert 1120.0 <= transport.clock.now <= 1160.0


# ---- a lost engine


@pytest.mark.parametrize("fault", ["lost-before", "lost-after"])
def test_a_read_is_repeated_on_a_fresh_engine(fault):
    transport = scripted()
    transport.on_send = [fault]
    assert names(session_on(transport).run(READ)) == ["a", "b"]
    assert transport.log.engines == 2


def test_a_read_is_repeated_only_once():
    transport = scripted()
    transport.on_send = ["lost-after", "lost-after"]
    with pytest.raises(UnreachableError, match="exit code 1"):
        session_on(transport).run(READ)
    assert transport.log.engines == 2


@pytest.mark.parametrize(("fault", "changed"), [("lost-before", 0), ("lost-after", 1)])
def test_a_change_is_never_repeated_and_the_host_is_looked_at(fault, changed):
    transport = scripted()
    transport.on_send = [fault]
    session = session_on(transport)
    with pytest.raises(OutcomeUnknownError, match="exit code 1") as caught:
        session.run(CHANGE, look=READ)
    assert len(transport.log.changed) == changed
    assert caught.value.seen == {"vms": [{"Name": "a"}, {"Name": "b"}]}
    assert session.run(READ).ok


def test_a_change_whose_engine_ends_while_it_runs():
    transport = scripted(takes=50.0)
    transport.on_receive = ["", "", "lost"]
    with pytest.raises(OutcomeUnknownError) as caught:
        session_on(transport).run(CHANGE)
    assert len(transport.log.changed) == 1
    assert caught.value.seen is None


@pytest.mark.parametrize("fault", ["lost", "doubt-kept", "interrupt", "nothing"])
def test_a_look_that_fails_does_not_hide_the_loss(fault):
    transport = scripted()
    transport.on_send = ["lost-after"]
    transport.on_receive = ["", *[fault] * 200]
    with pytest.raises(OutcomeUnknownError) as caught:
        session_on(transport).run(CHANGE, look=READ)
    assert caught.value.seen is None


def test_an_engine_that_ended_between_two_batches():
    transport = scripted()
    session = session_on(transport)
    session.run(READ)
    transport.engines[0].alive = False
    assert session.run(READ).ok
    assert transport.log.engines == 2


# ---- interrupts


def test_an_interrupt_cancels_and_says_what_was_taken_back():
    transport = scripted(takes=100.0)
    transport.on_receive = ["", "interrupt"]
    with pytest.raises(CancelledError) as caught:
        session_on(transport).run(CHANGE)
    assert caught.value.message == "Interrupted. Taken back: vm."
    assert caught.value.host == "hv01"


def test_an_interrupted_change_is_looked_at_on_the_same_engine():
    transport = scripted(takes=100.0)
    transport.on_receive = ["", "interrupt"]
    with pytest.raises(CancelledError) as caught:
        session_on(transport).run(CHANGE, look=READ)
    assert caught.value.seen == {"vms": [{"Name": "a"}, {"Name": "b"}]}
    assert (transport.log.engines, len(transport.log.executed)) == (1, 2)


def test_a_second_interrupt_ends_the_look():
    transport = scripted(takes=100.0)
    transport.on_receive = ["", "interrupt", "", "interrupt", "interrupt"]
    with pytest.raises(CancelledError, match="Taken back: vm") as caught:
        session_on(transport).run(CHANGE, look=READ)
    assert caught.value.seen is None


def test_an_interrupt_before_anything_was_sent_looks_at_nothing():
    transport = scripted()
    transport.on_send = ["interrupt-before"]
    with pytest.raises(CancelledError) as caught:
        session_on(transport).run(CHANGE, look=READ)
    assert (caught.value.seen, transport.log.executed) == (None, [])


def test_an_interrupt_names_what_could_not_be_taken_back():
    transport = ScriptedTransport(lambda _: [error("start", "Hvctl.Cancelled"), done(ok=False, not_undone=["start"])])
    transport.on_receive = ["", "interrupt"]
    with pytest.raises(CancelledError) as caught:
        session_on(transport).run(CHANGE)
    assert caught.value.message == "Interrupted. Could not be taken back: start."


def test_an_interrupt_that_came_too_late():
    transport = scripted()
    transport.on_receive = ["", "interrupt"]
    with pytest.raises(CancelledError) as caught:
        session_on(transport).run(CHANGE)
    assert caught.value.message == "Interrupted. Everything was done by then."


def test_an_interrupt_that_swallows_the_answer():
    """It came between the arrival of the last frames and their taking: they are asked for again, at once."""
    transport = scripted()
    transport.on_receive = ["", "interrupt-dropped"]
    with pytest.raises(CancelledError, match="Everything was done by then"):
        session_on(transport).run(CHANGE)
    assert transport.clock.now < 1002.0


def test_an_interrupt_in_the_middle_of_the_answer():
    progress = {"step": "start", "activity": "Starting", "status": "", "percent": 5, "seconds_left": None}

    def interrupt(_: Frame) -> None:
        interrupts.pop()
        raise KeyboardInterrupt

    interrupts = [1]
    transport = ScriptedTransport(lambda _: [record("vms", Name="a"), ("progress", progress), *NAMES, done(ok=True)])
    session = session_on(transport, listener=lambda frame: interrupt(frame) if interrupts else None)
    with pytest.raises(CancelledError, match="Everything was done by then"):
        session.run(CHANGE)
    assert transport.clock.now < 1002.0


def test_a_session_goes_on_after_an_interrupt():
    transport = scripted(takes=100.0)
    transport.on_receive = ["", "interrupt"]
    session = session_on(transport)
    with pytest.raises(CancelledError):
        session.run(CHANGE)
    assert session.run(READ).ok
    assert transport.log.engines == 1


@pytest.mark.parametrize(
    ("fault", "executed", "words"),
    [
        ("interrupt-before", 0, "Interrupted before anything was sent."),
        ("interrupt-after", 1, "Interrupted. Taken back: vm."),
    ],
)
def test_an_interrupt_while_sending(fault, executed, words):
    transport = scripted(takes=100.0)
    transport.on_send = [fault]
    with pytest.raises(CancelledError) as caught:
        session_on(transport).run(CHANGE)
    assert caught.value.message == words
    assert len(transport.log.executed) == executed


@pytest.mark.parametrize("batch", [READ, CHANGE], ids=["read", "change"])
@pytest.mark.parametrize("fault", SEND_DOUBTS)
def test_doubt_on_sending_a_cancel(fault, batch):
    transport = scripted(takes=100.0)
    transport.on_send = ["", fault]
    transport.on_receive = ["", "interrupt"]
    with pytest.raises(CancelledError, match="Taken back: vm"):
        session_on(transport).run(batch)
    assert len(transport.log.executed) == 1


def test_an_interrupt_while_the_request_is_in_doubt_does_not_send_it_again():
    transport = scripted()
    transport.on_send = ["doubt-before"]
    transport.on_receive = ["", "interrupt"]
    with pytest.raises(CancelledError, match="before anything was sent"):
        session_on(transport).run(CHANGE)
    assert transport.log.executed == []


@pytest.mark.parametrize(
    ("batch", "kind"), [(READ, CancelledError), (CHANGE, OutcomeUnknownError)], ids=["read", "change"]
)
def test_an_engine_that_is_lost_after_an_interrupt(batch, kind):
    transport = scripted(takes=100.0)
    transport.on_receive = ["", "interrupt", "lost"]
    with pytest.raises(kind):
        session_on(transport).run(batch)
    assert len(transport.log.executed) == 1


@pytest.mark.parametrize(
    ("batch", "words"),
    [(READ, "a read finishes"), (CHANGE, "an unfinished change is undone")],
    ids=["read", "change"],
)
def test_a_second_interrupt_leaves_at_once(batch, words):
    transport = scripted(takes=100.0)
    transport.on_receive = ["", "interrupt", "interrupt"]
    with pytest.raises(CancelledError, match=words):
        session_on(transport).run(batch)
    assert transport.clock.now == 1000.0
    assert transport.engine is None


@pytest.mark.parametrize(
    ("batch", "kind"), [(READ, CancelledError), (CHANGE, OutcomeUnknownError)], ids=["read", "change"]
)
def test_silence_after_an_interrupt(batch, kind):
    transport = scripted(takes=10.0)
    transport.on_receive = ["", "interrupt", *["nothing"] * 100]
    with pytest.raises(kind):
        session_on(transport).run(batch)
    assert transport.clock.now <= 1100.0


@pytest.mark.parametrize(("kind", "delegates"), [("winrm", False), ("local", True), ("lab", True)])
def test_whether_a_login_can_be_handed_on_is_the_transport_s_to_say(kind, delegates):
    assert Session(ScriptedTransport(kind=kind)).can_delegate is delegates
