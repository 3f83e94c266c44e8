"""Requests and answers: hello, status, replay, acknowledgement, refusals, noise, and a client that goes away."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.engine import Answer, Engine

from hvctl.powershell.batch import Call, Ref, Step
from hvctl.powershell.bootstrap import engine_hash, engine_text
from hvctl.powershell.cmdlets import CMDLETS
from hvctl.transports.base import TransportLost

pytestmark = pytest.mark.powershell


def get(name: str, step_id: str = "s", **step: object) -> Step:
    return Step(step_id, Call("Get-VM", {"Name": (name,)}), **step)


def new(name: str, step_id: str) -> Step:
    return Step(step_id, Call("New-VM", {"Name": name}), undo=Call("Remove-VM", {"VM": Ref(step_id)}))


def ends(engine: Engine, seconds: float = 20.0) -> bytes:
    """Everything that an engine still says until it ends by itself."""
    said = b""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        try:
            said += engine.transport.receive(0.5)
        except TransportLost:
            return said
    raise AssertionError("the engine did not end")


def cancel(engine: Engine, request_id: str) -> Answer:
    """Cancel a request and wait for the end of its answer."""
    engine.send(engine.protocol.simple("cancel", request_id))
    return engine.answer(request_id)


@pytest.fixture
def traced(fresh_engine: Callable[..., Engine], tmp_path: Path) -> tuple[Engine, Callable[[], list[str]]]:
    """A fresh engine, and what its stand-ins did, from a file that outlives it."""
    file = tmp_path / "trace"
    file.touch()
    engine = fresh_engine(HVCTL_TEST_TRACE=str(file))
    engine.run(get("none"))  # the first batch waits for the module to load
    return engine, lambda: file.read_text("utf-8").splitlines()


def test_hello_says_what_the_host_is(engine):
    hello = dict(engine.hello.fields)
    assert set(hello) == {
        "protocol",
        "nonce",
        "engine",
        "powershell",
        "edition",
        "windows",
        "product",
        "host",
        "language",
        "rights",
        "modules",
        "pid",
        "time",
    }
    assert (hello["protocol"], hello["nonce"], hello["engine"]) == (1, engine.nonce, engine_hash())
    assert (hello["language"], hello["edition"] in ("Core", "Desktop")) == ("FullLanguage", True)
    assert re.fullmatch(r"\d+\.\d+.*", hello["powershell"])
    assert list(hello["modules"]) == ["Hyper-V"]
    assert isinstance(hello["pid"], int)
    assert abs(datetime.fromisoformat(hello["time"]) - datetime.now(UTC)) < timedelta(minutes=10)
    assert hello["host"]


@pytest.mark.skipif(os.name == "nt", reason="on Windows these are known")
def test_hello_leaves_open_what_it_cannot_tell(engine):
    assert [engine.hello.get(name) for name in ("windows", "product", "rights")] == [None, None, None]


def test_ping_is_answered_while_a_cmdlet_runs(engine):
    request_id = engine.start(get("sleep 30000"))
    engine.send(engine.protocol.simple("ping", "p"))
    assert engine.next("pong", "p").n == 0
    assert engine.state(request_id) == "running"
    cancel(engine, request_id)


def test_frames_are_numbered(engine):
    answer = engine.run(get("three", select=("Name",)))
    assert [frame.n for frame in answer.frames] == [1, 2, 3, 4]


def test_states_of_a_request(engine):
    request_id = "states"
    assert engine.state(request_id) == "unknown"
    engine.start(get("sleep 30000"), request_id=request_id)
    assert engine.state(request_id) == "running"
    cancel(engine, request_id)
    assert engine.state(request_id) == "done"
    engine.run(get("none"), ack=[request_id, "never heard of", 5])
    assert engine.state(request_id) == "forgotten"


def test_replay_gives_the_frames_after_n_again(engine):
    first = engine.run(get("three", select=("Name",)))
    request_id = first.frames[0].id
    engine.forget()
    engine.request(type="replay", id=request_id, after=0)
    assert engine.answer(request_id) == first
    engine.request(type="replay", id=request_id, after=2)
    engine.protocol._last[request_id] = 2
    assert engine.answer(request_id).frames == first.frames[2:]


def test_replay_of_a_running_request_goes_on(engine):
    request_id = engine.start(
        get("three", "s1", select=("Name",)), get("sleep 700", "s2"), get("one", "s3", select=("Name",))
    )
    for _ in range(3):
        engine.next("record", request_id)
    engine.forget()
    engine.send(engine.protocol.replay(request_id))
    answer = engine.answer(request_id)
    assert answer.values("s1", "Name") == ["alpha", "Beta", "gamma"]
    assert answer.values("s3", "Name") == ["alpha"]


@pytest.mark.parametrize("kind", ["replay", "status"])
def test_unknown_request(engine, kind):
    engine.request(type=kind, id="nothing", after=0)
    assert engine.next("state", "nothing")["state"] == "unknown"


def test_a_request_runs_once(engine):
    engine.run(get("trace"))
    request_id = engine.start(new("a", "s1"), get("sleep 2000", "s2"))
    engine.start(new("b", "s1"), request_id=request_id)
    assert engine.next("state", request_id)["state"] == "running"
    first = engine.answer(request_id)
    engine.forget()
    assert engine.run(new("c", "s1"), request_id=request_id) == first
    assert [text for text in engine.run(get("trace", select=(".",))).values("s", ".") if "New-VM" in text] == [
        "New-VM a"
    ]
    engine.run(get("none"), ack=[request_id])
    engine.start(new("d", "s1"), request_id=request_id)
    assert engine.next("state", request_id)["state"] == "forgotten"


def test_busy_while_another_batch_runs(engine):
    running = engine.start(get("sleep 30000"))
    refused = engine.run(get("one"))
    assert refused.errors == [(None, "Hvctl.Busy")]
    assert refused.done["ok"] is False
    assert cancel(engine, running).errors == [(None, "Hvctl.Cancelled")]


@pytest.mark.parametrize("wrong", [{"nonce": "other"}, {"engine": "0" * 64}, {"nonce": None}])
def test_run_meant_for_another_engine(engine, wrong):
    answer = engine.answer(engine.start(new("a", "s1"), **wrong))
    assert answer.errors == [(None, "Hvctl.WrongSession")]


@pytest.mark.parametrize(
    "cmdlet", ["Invoke-Expression", "Format-Hex", "Get-VM; Remove-VM", "Hyper-V\\Get-VM", "*", "gci"]
)
@pytest.mark.parametrize("place", ["step", "undo"])
def test_only_cmdlets_of_the_allow_list_run(engine, cmdlet, place):
    engine.run(get("trace"))
    call = {"cmdlet": cmdlet, "parameters": {}}
    allowed = {"cmdlet": "New-VM", "parameters": {"Name": "a"}}
    step = {"id": "bad", **call} if place == "step" else {"id": "bad", **allowed, "undo": call}
    answer = engine.answer(engine.start(steps=[{"id": "first", **allowed}, step]))
    assert answer.errors == [("bad", "Hvctl.NotAllowed")]
    assert answer.error["category"] == "PermissionDenied"
    assert engine.run(get("trace", select=(".",))).data("s") == []


def test_allow_list_is_that_of_the_client():
    table = re.search(r"^\$allowList = @\{\n(.*?)^\}", engine_text().decode("ascii"), re.MULTILINE | re.DOTALL)
    lines = re.findall(r"^    '([\w-]+)' = '([\w.-]+)'$", table[1], re.MULTILINE)
    assert len(lines) == len(table[1].splitlines())
    assert dict(lines) == {name: cmdlet.module for name, cmdlet in CMDLETS.items()}
    assert len(lines) == len(CMDLETS)


GOOD = {"id": "s", "cmdlet": "Get-VM", "parameters": {}}


@pytest.mark.parametrize(
    "steps",
    [
        5,
        [5],
        [{}],
        [{"id": "s"}],
        [{**GOOD, "id": ""}],
        [{**GOOD, "id": 5}],
        [GOOD, GOOD],
        [{**GOOD, "cmdlet": 5}],
        [{**GOOD, "parameters": []}],
        [{**GOOD, "parameters": {"Name": "a", "name": "b"}}],
        [{**GOOD, "select": "Name"}],
        [{**GOOD, "select": ["Na me"]}],
        [{**GOOD, "select": ["A..B"]}],
        [{**GOOD, "select": [5]}],
        [{**GOOD, "where": {"Name": "a"}}],
        [{**GOOD, "where": {"$(x)": ["a"]}}],
        [{**GOOD, "where": {"Name": [5]}}],
        [{**GOOD, "expect": "some"}],
        [{**GOOD, "on_error": 5}],
        [{**GOOD, "group": "g"}],
        [{**GOOD, "group": 5, "on_error": "continue"}],
        [{**GOOD, "timeout": "1"}],
        [{**GOOD, "timeout": -1}],
        [{**GOOD, "needs": ["later"]}],
        [{**GOOD, "needs": [5]}],
        [{**GOOD, "needs": "s"}],
        [{**GOOD, "undo": {"parameters": {}}}],
        [{**GOOD, "undo": {"cmdlet": "Remove-VM", "parameters": {"VM": {"$ref": "later"}}}}],
        [{**GOOD, "parameters": {"Name": {"$ref": "s"}}}],
    ],
    ids=str,
)
def test_bad_steps_are_refused(engine, steps):
    answer = engine.answer(engine.start(steps=steps))
    assert [error_id for _, error_id in answer.errors] == ["Hvctl.BadRequest"]
    assert answer.done["ok"] is False


@pytest.mark.parametrize("fields", [{"deadline": "soon"}, {"silence": []}, {"ack": "x"}], ids=str)
def test_bad_run_fields_are_refused(engine, fields):
    assert engine.answer(engine.start(get("one"), **fields)).errors == [(None, "Hvctl.BadRequest")]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"type": 5},
        {"type": "run"},
        {"type": "run", "id": ""},
        {"type": "run", "id": 5},
        {"type": "dance", "id": "x"},
    ],
    ids=str,
)
def test_request_that_is_none_is_an_error_of_the_session(engine, fields):
    engine.request(**fields)
    frame = engine.next("error", "")
    assert (frame.n, frame["error_id"], frame["step"]) == (0, "Hvctl.BadRequest", None)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"garbage",
        b"{",
        b"}",
        b"[]",
        b"null",
        b"5",
        b'"text"',
        b'{"type":"ping","id":"torn',
        b'{"type":"ping","id":"x"} x',
        b'{"type":"ping","id":"x"}}',
        b'{"type":"ping","id":"x",}',
        b'{"type" "ping","id":"x"}',
        b'{"type":"ping":"id":"x"}',
        b'{"type":"ping","type":"ping","id":"x"}',
        b'{"type":"ping","id":"x","y":[1,]}',
        b'{"type":"ping","id":"x","y":[1 2]}',
        b'{"type":"ping","id":"x","y":01}',
        b'{"type":"ping","id":"x","y":NaN}',
        b'{"type":"ping","id":"x","y":"\\q"}',
        b'{"type":"ping","id":"x","y":"\\u12"}',
        b"{'type':'ping','id':'x'}",
        b"{type:1}",
        b"," * 1000,
        b"[" * 5000,
        b"\x00\x1e\xff\xfe",
        b"\r",
    ],
)
def test_line_that_is_no_request_is_dropped(engine, line):
    engine.send(b"\n" + line + b"\n")
    engine.send(engine.protocol.simple("ping", "alive"))
    assert engine.next("pong").id == "alive"


def test_torn_request_does_not_spoil_the_next(engine):
    engine.send(b'\n{"type":"run","id":"to')
    assert engine.run(get("one", select=("Name",))).values("s", "Name") == ["alpha"]


def test_deeply_nested_request(engine):
    value: object = "x"
    for _ in range(200):
        value = [value]
    step = {**GOOD, "parameters": {"ClusterObject": value}, "select": ["Type"]}
    assert engine.answer(engine.start(steps=[step])).values("s", "Type") == ["System.Object[]"]


def test_request_of_two_megabytes(engine):
    began = time.monotonic()
    text = "'ä\"\\" * 250_000
    answer = engine.run(Step("s", Call("Get-VM", {"ClusterObject": text}), select=("Text",)))
    assert answer.values("s", "Text") == [text]
    assert time.monotonic() - began < 60  # 3 seconds on an idle machine


def test_request_of_thousands_of_small_values(engine):
    names = tuple(f"name {number}" for number in range(20_000))
    answer = engine.run(Step("s", Call("Get-VM", {"Name": names}), select=("Names",)))
    assert answer.values("s", "Names") == [list(names)]


def test_ten_thousand_records(engine):
    paths = ("Id", "Name", "State", "On", "Notes", "Index", "Uptime", "Load", "Path", "Memory")
    began = time.monotonic()
    answer = engine.run(get("many 10000", select=paths))
    took = time.monotonic() - began
    records = answer.data("s")
    assert len(records) == 10_000
    assert {name: records[-1][name] for name in paths[1:]} == {
        "Name": "name 9999",
        "State": "Red",
        "On": True,
        "Notes": None,
        "Index": 9999,
        "Uptime": 5,
        "Load": 1.5,
        "Path": "C:\\VMs\\web\\disk.vhdx",
        "Memory": 4294967296,
    }
    assert took < 60  # 2 seconds on an idle machine


def test_old_answers_are_forgotten_beyond_the_limit(fresh_engine):
    engine = fresh_engine()
    for request_id in ("one", "two", "three"):
        engine.run(get("big 12000000", select=("Text",)), request_id=request_id)
    assert [engine.state(request_id) for request_id in ("one", "two", "three")] == ["forgotten", "done", "done"]


def test_stray_output_does_not_reach_stdout(engine):
    engine.noise.clear()
    answer = engine.run(get("loud"), get("one", "next", select=("Name",)))
    assert answer.values("next", "Name") == ["alpha"]
    assert engine.noise == []


def test_output_of_a_child_is_noise(engine):
    engine.noise.clear()
    for text in ("'<Objs>'", r"'#\< CLIXML\n'", r"'\036{not json}\n'", r"'\036\036 x\n'"):
        answer = engine.run(get(f"child printf {text}"), get("one", "next", select=("Name",)))
        assert answer.errors == []
        assert answer.values("next", "Name") == ["alpha"]
    assert "<Objs>" in engine.noise
    assert any("CLIXML" in line for line in engine.noise)


def test_child_that_eats_stdin_takes_requests_but_not_the_session(engine):
    request_id = engine.start(get("child head -n 6 > /dev/null"), get("one", "next", select=("Name",)))
    time.sleep(0.3)
    sent = 0
    while engine.state(request_id, 0.5) != "done":
        sent += 1
        assert sent < 40
    engine.forget()
    engine.send(engine.protocol.replay(request_id))
    assert engine.answer(request_id).values("next", "Name") == ["alpha"]


def test_exit_ends_an_idle_engine_at_once(fresh_engine):
    engine = fresh_engine()
    began = time.monotonic()
    engine.send(engine.protocol.simple("exit"))
    assert ends(engine) == b""
    assert time.monotonic() - began < 10


def test_end_of_stdin_ends_an_idle_engine(fresh_engine):
    engine = fresh_engine()
    engine.transport._process.stdin.close()
    assert ends(engine) == b""


@pytest.mark.parametrize("how", ["stdin", "exit"])
def test_lost_client_lets_the_cmdlet_finish_and_takes_back(traced, how):
    engine, trace = traced
    engine.start(new("a", "s1"), get("sleep 1200", "s2"), new("c", "s3"), request_id="r")
    while "start sleep 1200" not in trace():
        time.sleep(0.05)
    if how == "exit":
        engine.send(engine.protocol.simple("exit"))
    else:
        engine.transport._process.stdin.close()
    said = ends(engine)
    assert trace() == [
        "New-VM a",
        "start sleep 1200",
        "end sleep 1200",
        "left sleep 1200",
        "Remove-VM a",
    ]
    assert b"Hvctl.ClientLost" in said


def test_lost_client_does_not_take_back_a_batch_that_is_complete(traced):
    engine, trace = traced
    engine.start(new("a", "s1"), new("slow", "s2"))
    while "New-VM slow" not in trace():
        time.sleep(0.05)
    engine.transport._process.stdin.close()
    said = ends(engine)
    assert trace() == ["New-VM a", "New-VM slow"]
    assert b'"ok":true' in said


def test_lost_client_is_held_to_the_deadline(traced):
    engine, trace = traced
    engine.start(new("a", "s1"), get("sleep 30000", "s2"), deadline=2)
    while "start sleep 30000" not in trace():
        time.sleep(0.05)
    engine.transport._process.stdin.close()
    ends(engine, 8)
    assert trace() == ["New-VM a", "start sleep 30000", "left sleep 30000", "Remove-VM a"]


def test_lost_client_with_a_group_under_way_is_held_to_the_deadline(traced):
    engine, trace = traced
    group = {"on_error": "continue", "group": "g"}
    short = [get("sleep 400", f"s{number}", **group) for number in range(20)]
    engine.start(get("sleep 30000", "long", **group), *short, deadline=5)
    while "start sleep 30000" not in trace():
        time.sleep(0.05)
    engine.transport._process.stdin.close()
    said = ends(engine, 15)
    assert trace()[-1] == "left sleep 30000"
    assert "end sleep 30000" not in trace()
    assert 0 < trace().count("end sleep 400") < 20
    assert said.count(b"Hvctl.") == said.count(b"Hvctl.ClientLost") == 1


def test_silent_client_is_lost(traced):
    engine, trace = traced
    engine.start(new("a", "s1"), get("sleep 3500", "s2"), new("c", "s3"), silence=2)
    said = ends(engine)
    assert trace()[-3:] == ["end sleep 3500", "left sleep 3500", "Remove-VM a"]
    assert b"Hvctl.ClientLost" in said


def test_pings_break_the_silence(traced):
    engine, trace = traced
    request_id = engine.start(new("a", "s1"), get("sleep 3000", "s2"), new("c", "s3"), silence=2)
    for _ in range(8):
        time.sleep(0.4)
        engine.send(engine.protocol.simple("ping", "p"))
    assert engine.answer(request_id).done["ok"] is True
    assert trace()[-1] == "New-VM c"


def test_silence_between_batches_is_nothing(engine):
    engine.run(get("one"), silence=0.5)
    time.sleep(1.0)
    assert engine.run(get("one", select=("Name",))).values("s", "Name") == ["alpha"]
