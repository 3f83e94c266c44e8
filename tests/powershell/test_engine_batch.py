"""What a batch does: expectations, refs, groups, undo, time limits, cancel."""

from __future__ import annotations

import time

import pytest
from tests.support.engine import Engine

from hvctl.powershell.batch import Call, Ref, Step

pytestmark = pytest.mark.powershell


def get(name: str, step_id: str = "s", **step: object) -> Step:
    return Step(step_id, Call("Get-VM", {"Name": (name,)}), **step)


def new(name: str, step_id: str, **step: object) -> Step:
    """A VM that is removed again when the batch fails."""
    undo = Call("Remove-VM", {"VM": Ref(step_id), "Force": True, "Confirm": False})
    return Step(step_id, Call("New-VM", {"Name": name}), undo=undo, **step)


def start(name: str, step_id: str, **step: object) -> Step:
    return Step(step_id, Call("Start-VM", {"Name": (name,)}), select=("Name",), on_error="continue", group="g", **step)


def echo(value: object, step_id: str = "echo", **step: object) -> Step:
    return Step(step_id, Call("Set-VM", {"VM": value}), select=("Names",), **step)


def trace(engine: Engine) -> list[str]:
    """What the stand-ins did since this was last asked."""
    return engine.run(get("trace", select=(".",))).values("s", ".")


@pytest.fixture(autouse=True)
def _empty_trace(request: pytest.FixtureRequest) -> None:
    if "engine" in request.fixturenames:
        trace(request.getfixturevalue("engine"))


@pytest.mark.parametrize(
    ("name", "expect", "error"),
    [
        ("one", "one", None),
        ("one", "any", None),
        ("none", "none", None),
        ("none", "any", None),
        ("none", "one", ("Hvctl.ExpectedOne", "ObjectNotFound")),
        ("three", "one", ("Hvctl.ExpectedOne", "InvalidResult")),
        ("three", "none", ("Hvctl.ExpectedNone", "ResourceExists")),
    ],
)
def test_expect(engine, name, expect, error):
    answer = engine.run(get(name, expect=expect), get("one", "next", select=("Name",)))
    assert [(fields["error_id"], fields["category"]) for fields in answer.of("error")] == ([error] if error else [])
    assert answer.done["ok"] is (error is None)
    assert len(answer.data("next")) == (error is None)


def test_expect_counts_what_where_leaves(engine):
    assert engine.run(get("three", where={"Name": "beta"}, expect="one")).done["ok"]
    assert engine.run(get("three", where={"Name": "delta"}, expect="none")).done["ok"]


def test_objects_of_a_missed_expectation_are_records(engine):
    answer = engine.run(get("three", select=("Name",), where={"Name": "beta"}, expect="none"))
    assert answer.values("s", "Name") == ["Beta"]
    assert answer.errors == [("s", "Hvctl.ExpectedNone")]


def test_an_error_of_the_cmdlet_comes_before_the_expectation(engine):
    assert engine.run(get("errors", expect="none")).errors == [("s", "NotFound,Get-VM")]


def test_ref_is_the_live_object(engine):
    answer = engine.run(new("web1", "vm"), echo(Ref("vm")))
    assert answer.values("echo", "Names") == [["web1"]]


def test_ref_with_where_and_property(engine):
    ref = Ref("vms", where={"Id": ("3", "4")}, property="Name")
    call = Call("Set-VM", {"Name": ref, "Notes": Ref("vms", where={"Name": "ALPHA"}, property="Disks.Path")})
    answer = engine.run(get("three", "vms"), Step("s", call, select=("Names", "Notes")))
    assert answer.data("s") == [{"Names": ["gamma"], "Notes": "a.vhdx b.vhdx"}]


@pytest.mark.parametrize(
    ("ref", "error"),
    [
        (Ref("vms"), ("Hvctl.RefAmbiguous", "InvalidResult")),
        (Ref("vms", where={"Name": "delta"}), ("Hvctl.RefNotFound", "ObjectNotFound")),
        (Ref("vms", where={"Colour": "green"}, property="Name"), ("Hvctl.RefAmbiguous", "InvalidResult")),
    ],
)
def test_ref_must_leave_one_object(engine, ref, error):
    answer = engine.run(
        get("three", "vms"),
        echo(ref, on_error="continue"),
        get("one", "next", select=("Name",)),
    )
    assert answer.errors == [("echo", error[0])]
    assert answer.error["category"] == error[1]
    assert len(answer.data("next")) == 1


def test_ref_to_a_step_that_failed_finds_nothing(engine):
    answer = engine.run(get("unknown", "vms", on_error="continue"), echo(Ref("vms"), on_error="continue"))
    assert answer.errors == [("vms", "CommandNotFoundException"), ("echo", "Hvctl.RefNotFound")]


@pytest.mark.parametrize(
    ("ref", "names"),
    [
        (Ref("vms", all=True, property="Name"), ["alpha", "Beta", "gamma"]),
        (Ref("vms", all=True, property="Name", where={"Colour": "green"}), ["Beta", "gamma"]),
        (Ref("vms", all=True, property="Disks.Path"), ["a.vhdx", "b.vhdx", "c.vhdx"]),
        (Ref("vms", all=True, property="On"), ["True", "False"]),
    ],
)
def test_ref_to_all(engine, ref, names):
    call = Call("Set-VM", {"Name": ref})
    answer = engine.run(get("three", "vms"), Step("s", call, select=("Names",)))
    assert answer.values("s", "Names") == [names]


@pytest.mark.parametrize(
    "ref",
    [
        Ref("vms", all=True, where={"Name": "delta"}),
        Ref("vms", all=True, property="Missing"),
        (Ref("vms", all=True, where={"Name": "delta"}), "x"),
    ],
)
def test_step_without_objects_is_skipped(engine, ref):
    answer = engine.run(
        get("three", "vms"),
        Step("skipped", Call("Set-VM", {"Name": ref}), select=("Names",), expect="one"),
        Step("after", Call("Set-VM", {"VM": Ref("skipped", all=True)}), select=("Names",)),
        get("one", "next", select=("Name",)),
    )
    assert answer.errors == []
    assert answer.data("skipped") == answer.data("after") == []
    assert answer.values("next", "Name") == ["alpha"]
    assert answer.done["ok"] is True


def test_step_is_skipped_unless_what_it_needs_succeeded(engine):
    answer = engine.run(
        get("one", "good"),
        get("throws", "bad", on_error="continue"),
        get("one", "s1", needs=("good",), select=("Name",)),
        get("one", "s2", needs=("good", "bad"), select=("Name",), expect="none"),
        get("one", "s3", needs=("s2",), select=("Name",)),
        echo(Ref("s2", all=True), "s4"),
        get("one", "s5", needs=("s4",), select=("Name",)),
    )
    assert answer.errors == [("bad", "thrown text")]
    assert [len(answer.data(f"s{number}")) for number in range(1, 6)] == [1, 0, 0, 0, 0]
    assert answer.done["ok"] is True


def test_group_runs_side_by_side(engine):
    answer = engine.run(*(start(f"vm{number}", f"s{number}") for number in range(8)))
    assert [text.split()[0] for text in trace(engine)[:3]] == ["in"] * 3
    assert sorted(name for step in range(8) for name in answer.values(f"s{step}", "Name")) == [
        f"vm{number}" for number in range(8)
    ]


def test_group_of_more_than_sixteen_and_its_failures(engine):
    steps = [start("bad" if number % 10 == 3 else f"vm{number}", f"s{number}") for number in range(24)]
    answer = engine.run(*steps, get("one", "next", select=("Name",)))
    said = trace(engine)
    running = [sum(1 if text.startswith("in") else -1 for text in said[: end + 1]) for end in range(len(said))]
    assert 8 < max(running) <= 16
    assert answer.errors == [
        ("s3", "InvalidState,Start-VM"),
        ("s13", "InvalidState,Start-VM"),
        ("s23", "InvalidState,Start-VM"),
    ]
    assert len(answer.data("next")) == 1


def test_only_neighbours_form_a_group(engine):
    engine.run(start("a", "s1"), get("one", "s2"), start("b", "s3"))
    assert trace(engine) == ["in a", "out a", "in b", "out b"]


def test_live_objects_reach_every_worker_of_a_group(engine):
    vms = [new(f"vm{number}", f"n{number}") for number in range(4)]
    steps = [
        Step(f"s{number}", Call("Set-VM", {"VM": Ref(f"n{number}")}), select=("Names",), on_error="continue", group="g")
        for number in range(4)
    ]
    answer = engine.run(*vms, *steps)
    assert [answer.values(f"s{number}", "Names") for number in range(4)] == [[[f"vm{number}"]] for number in range(4)]


def test_failure_takes_finished_steps_back_last_first(engine):
    answer = engine.run(new("a", "s1"), new("b", "s2"), get("one", "s3"), new("bad", "s4"), new("never", "s5"))
    assert answer.errors == [("s4", "no bad")]
    assert {name: answer.done[name] for name in ("ok", "undone", "not_undone")} == {
        "ok": False,
        "undone": ["s2", "s1"],
        "not_undone": [],
    }
    assert trace(engine) == ["New-VM a", "New-VM b", "New-VM bad", "Remove-VM b", "Remove-VM a"]


@pytest.mark.parametrize("failing", range(4))
def test_batch_that_fails_at_any_step_leaves_nothing(engine, failing):
    steps = [new("bad" if number == failing else f"vm{number}", f"s{number}") for number in range(4)]
    answer = engine.run(*steps)
    said = trace(engine)
    made = [text.split()[1] for text in said if text.startswith("New-VM vm")]
    removed = [text.split()[1] for text in said if text.startswith("Remove-VM")]
    assert removed == made[::-1] == [f"vm{number}" for number in range(failing)][::-1]
    assert answer.done["undone"] == [f"s{number}" for number in range(failing)][::-1]


def test_failing_step_that_returned_something_is_taken_back_too(engine):
    answer = engine.run(new("a", "s1"), new("half", "s2"))
    assert answer.done["undone"] == ["s2", "s1"]
    assert trace(engine)[-2:] == ["Remove-VM half", "Remove-VM a"]


def test_missed_expectation_takes_its_own_step_back(engine):
    answer = engine.run(new("a", "s1", expect="none"))
    assert answer.done["undone"] == ["s1"]


def test_nothing_is_taken_back_after_success_or_a_failure_that_may_go_on(engine):
    answer = engine.run(new("a", "s1"), get("throws", "s2", on_error="continue"))
    assert (answer.done["ok"], answer.done["undone"]) == (True, [])
    assert trace(engine) == ["New-VM a"]


def test_failing_undo_is_named_and_the_others_run(engine):
    answer = engine.run(new("a", "s1"), new("stuck", "s2"), new("c", "s3"), get("throws", "s4"))
    assert answer.errors == [("s4", "thrown text"), ("s2", "InvalidState,Remove-VM")]
    assert [fields["undo"] for fields in answer.of("error")] == [False, True]
    assert (answer.done["undone"], answer.done["not_undone"]) == (["s3", "s1"], ["s2"])


def test_undo_whose_object_is_not_there_is_named(engine):
    missing = Step("s1", Call("Get-VM", {"Name": ("none",)}), undo=Call("Remove-VM", {"VM": Ref("s1")}))
    answer = engine.run(missing, get("throws", "s2"))
    assert answer.errors == [("s2", "thrown text"), ("s1", "Hvctl.RefNotFound")]
    assert (answer.done["undone"], answer.done["not_undone"]) == ([], ["s1"])


def test_undo_of_no_objects_is_nothing_to_do(engine):
    none = Step("s1", Call("Get-VM", {"Name": ("none",)}), undo=Call("Remove-VM", {"VM": Ref("s1", all=True)}))
    answer = engine.run(none, get("throws", "s2"))
    assert (answer.done["undone"], answer.done["not_undone"]) == ([], [])


def test_step_time_limit_stops_that_step_alone(engine):
    began = time.monotonic()
    answer = engine.run(get("sleep 20000", timeout=0.3, on_error="continue"), get("one", "next", select=("Name",)))
    assert time.monotonic() - began < 15
    assert [(fields["error_id"], fields["category"]) for fields in answer.of("error")] == [
        ("Hvctl.StepTimedOut", "OperationTimeout")
    ]
    assert answer.values("next", "Name") == ["alpha"]
    assert trace(engine) == ["start sleep 20000", "left sleep 20000"]


def test_step_time_limit_in_a_stop_batch_takes_back(engine):
    answer = engine.run(new("a", "s1"), get("sleep 20000", "s2", timeout=0.3))
    assert answer.errors == [("s2", "Hvctl.StepTimedOut")]
    assert answer.done["undone"] == ["s1"]


def test_deadline_stops_and_takes_back(engine):
    answer = engine.run(new("a", "s1"), get("sleep 20000", "s2"), get("one", "s3", select=("Name",)), deadline=2)
    assert answer.errors == [(None, "Hvctl.Deadline")]
    assert answer.error["category"] == "OperationTimeout"
    assert (answer.done["ok"], answer.done["undone"]) == (False, ["s1"])
    assert 2 <= answer.done["elapsed"] < 15
    assert trace(engine) == ["New-VM a", "start sleep 20000", "left sleep 20000", "Remove-VM a"]


def test_deadline_stops_a_whole_group(engine):
    group = {"on_error": "continue", "group": "g"}
    answer = engine.run(get("sleep 20000", "s1", **group), get("sleep 20001", "s2", **group), deadline=2)
    assert answer.errors == [(None, "Hvctl.Deadline")]
    assert sum(text.startswith("left") for text in trace(engine)) == 2


def test_cancel_stops_and_takes_back(engine):
    request_id = engine.start(new("a", "s1", select=("Name",)), get("sleep 20000", "s2"))
    engine.next("record", request_id)
    engine.send(engine.protocol.simple("cancel", request_id))
    answer = engine.answer(request_id)
    assert answer.errors == [(None, "Hvctl.Cancelled")]
    assert answer.error["category"] == "OperationStopped"
    assert (answer.done["ok"], answer.done["undone"]) == (False, ["s1"])


def test_what_was_stopped_before_it_returned_anything_is_named(engine):
    request_id = engine.start(new("slow", "s1"))
    time.sleep(0.5)
    engine.send(engine.protocol.simple("cancel", request_id))
    answer = engine.answer(request_id)
    assert answer.errors == [(None, "Hvctl.Cancelled"), ("s1", "Hvctl.RefNotFound")]
    assert (answer.done["undone"], answer.done["not_undone"]) == ([], ["s1"])
    assert "Remove-VM slow" not in trace(engine)


def test_what_was_stopped_midway_is_taken_back_where_that_is_possible(engine):
    undo = Call("Remove-VM", {"VM": Ref("vm")})
    request_id = engine.start(
        Step("vm", Call("New-VM", {"Name": "a"}), select=("Name",)), get("sleep 20000", "slow", undo=undo)
    )
    engine.next("record", request_id)
    time.sleep(0.5)
    engine.send(engine.protocol.simple("cancel", request_id))
    assert engine.answer(request_id).done["undone"] == ["slow"]
    assert trace(engine)[-1] == "Remove-VM a"


def test_cancel_of_a_request_that_is_not_running_tells_its_state(engine):
    engine.send(engine.protocol.simple("cancel", "never sent"))
    assert engine.next("state", "never sent")["state"] == "unknown"


def test_cmdlet_that_cannot_be_stopped_is_left_to_itself(fresh_engine):
    engine = fresh_engine()
    engine.run(get("none"))  # the first batch waits for the module to load
    began = time.monotonic()
    answer = engine.run(new("a", "s1"), get("block 12000", "s2"), deadline=2)
    assert answer.errors == [(None, "Hvctl.Deadline")]
    assert answer.done["undone"] == ["s1"]
    assert 7 <= time.monotonic() - began < 13.5
    assert engine.run(get("one", select=("Name",))).values("s", "Name") == ["alpha"]


def test_hundreds_of_steps_in_one_batch(engine):
    answer = engine.run(*(get("one", f"s{number}", select=("Name",)) for number in range(300)))
    assert [answer.values(f"s{number}", "Name") for number in range(300)] == [["alpha"]] * 300
    assert answer.errors == []
