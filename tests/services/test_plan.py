"""Running plans: an outcome an object, and the one error a command ends in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.support.scripted import Said, ScriptedTransport, done, error, record

from hvctl.errors import (
    CancelledError,
    ConflictError,
    HvctlError,
    NotFoundError,
    OutcomeUnknownError,
    PartialError,
    TimedOutError,
)
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.services.plan import Done, Part, Plan, checked, foresee, make_plan, run_plan
from hvctl.services.vm.read import VmState, states_step
from hvctl.transports.session import Session

pytestmark = pytest.mark.unit

IDS = ("id1", "id2")


def start(number: int) -> Step:
    return Step(
        f"start_{number}", Call("Start-VM", {"VM": Ref("vms", where={"Id": f"id{number}"})}), on_error="continue"
    )


def part(number: int, **changes) -> Part:
    fields = {
        "id": f"id{number}",
        "name": f"web{number}",
        "state": "Off",
        "steps": (f"start_{number}",),
        "wanted": "Running",
        "messages": {f"start_{number}": f"'web{number}' did not start"},
    }
    return Part(**(fields | changes))


def plan(*parts: Part) -> Plan:
    steps = [start(int(each.id[-1])) for each in parts if each.steps]
    return make_plan("vm start", parts, steps, before=(states_step("vms", IDS),), after=states_step("after", IDS))


def after(number: int, state: str) -> Said:
    return record("after", Id=f"id{number}", Name=f"web{number}", State=state)


def transport_that_says(*said: Said) -> ScriptedTransport:
    return ScriptedTransport(lambda _: list(said))


def run(made: Plan, *said: Said) -> Done:
    transport = transport_that_says(*said)
    return run_plan(Session(transport, clock=transport.clock), made, timeout=60.0)


def outcomes(result: Done) -> list[tuple[str, str, str | None]]:
    return [(each.name, each.outcome, each.state) for each in result.outcomes]


def test_all_went_well():
    result = run(plan(part(1), part(2)), after(1, "Running"), after(2, "Running"))
    assert outcomes(result) == [("web1", "changed", "Running"), ("web2", "changed", "Running")]
    assert result.error("vm start") is None
    assert result.outcomes[0].model_dump() == {
        "id": "id1",
        "name": "web1",
        "host": "hv01",
        "outcome": "changed",
        "state": "Running",
        "error": None,
    }


def test_nothing_to_do_contacts_nobody():
    transport = transport_that_says()
    made = plan(part(1, steps=(), state="Running"))
    result = run_plan(Session(transport, clock=transport.clock), made, timeout=None)
    assert outcomes(result) == [("web1", "unchanged", "Running")]
    assert transport.engines == []


def test_a_refused_one_alone_contacts_nobody():
    transport = transport_that_says()
    vm = VmState(id="id1", name="web1", host="hv01", state="Running")
    result = run_plan(Session(transport, clock=transport.clock), plan(checked(vm, "hv01", "No.")), timeout=None)
    assert outcomes(result) == [("web1", "failed", "Running")]
    assert transport.engines == []
    assert isinstance(result.error("vm start"), ConflictError)


def test_one_fails_and_the_other_does_not():
    problem = error("start_1", "OutOfMemory,X", "Too little.")
    result = run(plan(part(1), part(2)), problem, after(1, "Off"), after(2, "Running"), done())
    assert outcomes(result) == [("web1", "failed", "Off"), ("web2", "changed", "Running")]
    whole = result.error("vm start")
    assert isinstance(whole, PartialError)
    assert whole.message == "vm start: 1 of 2 failed."
    assert [each.message for each in whole.errors] == ["'web1' did not start: Too little."]
    assert result.outcomes[0].error == whole.errors[0].as_dict()


def test_all_fail_alike():
    problems = [error(f"start_{number}", "InvalidState,X") for number in (1, 2)]
    whole = run(plan(part(1), part(2)), *problems, after(1, "Off"), after(2, "Off")).error("vm start")
    assert type(whole) is ConflictError
    assert whole.message == "vm start: 2 of 2 failed."
    assert len(whole.errors) == 2


def test_all_fail_in_their_own_ways():
    problems = [error("start_1", "InvalidState,X"), error("start_2", "ObjectNotFound,X")]
    whole = run(plan(part(1), part(2)), *problems, after(1, "Off"), after(2, "Off")).error("vm start")
    assert type(whole) is HvctlError


def test_the_only_one_fails():
    whole = run(plan(part(1)), error("start_1", "ObjectNotFound,X", "Gone."), after(1, "Off")).error("vm start")
    assert type(whole) is NotFoundError
    assert whole.message == "'web1' did not start: Gone."


def test_a_failure_of_all_concerns_each():
    """At the deadline the engine stops whatever runs; what was done by then shows in the states."""
    late = error(None, "Hvctl.Deadline", "Too late.", "OperationTimeout")
    result = run(plan(part(1), part(2), part(3, steps=(), state="Running")), late, done(ok=False))
    assert [each.outcome for each in result.outcomes] == ["failed", "failed", "unchanged"]
    assert [type(each) for each in result.failures] == [TimedOutError, TimedOutError]


def test_what_is_read_first_may_fail_for_all():
    gone = error("vms", "AccessDenied,X")
    result = run(plan(part(1), part(2)), gone, done(ok=False))
    assert [each.outcome for each in result.outcomes] == ["failed", "failed"]


def test_a_step_that_may_fail_fails_nobody_else():
    files = Step("files", Call("Get-VHD", {"Path": ("x",)}), on_error="continue")
    made = make_plan(
        "vm delete", [part(1)], [start(1)], before=(states_step("vms", IDS), files), after=states_step("after", IDS)
    )
    result = run(made, error("files", "InvalidParameter,X"), after(1, "Running"))
    assert outcomes(result) == [("web1", "changed", "Running")]


def test_an_undo_that_failed_is_no_failure_of_its_own():
    undo = error("start_1", "X")
    undo[1]["undo"] = True
    assert outcomes(run(plan(part(1)), undo, after(1, "Running"))) == [("web1", "changed", "Running")]


@pytest.mark.parametrize(
    ("said", "words"),
    [([after(1, "Off")], "'web1' is Off, not Running."), ([], "'web1' is gone.")],
    ids=["another state", "gone"],
)
def test_the_state_is_read_again(said, words):
    """That a cmdlet did not complain proves nothing."""
    whole = run(plan(part(1)), *said).error("vm start")
    assert isinstance(whole, ConflictError)
    assert whole.message == words


def test_any_state_will_do_where_none_is_wanted():
    result = run(plan(part(1, wanted=None)), after(1, "Paused"))
    assert outcomes(result) == [("web1", "changed", "Paused")]


def test_what_should_be_gone():
    made = plan(part(1, goes=True, wanted=None), part(2, goes=True, wanted=None))
    result = run(made, after(2, "Off"))
    assert outcomes(result) == [("web1", "changed", None), ("web2", "failed", "Off")]
    assert [each.message for each in result.failures] == ["'web2' is still there."]


def test_what_has_no_state_can_be_still_there():
    made = plan(part(1, goes=True, wanted=None, state=None))
    result = run(made, record("after", Id="id1", Name="web1", SwitchType="Private"))
    assert outcomes(result) == [("web1", "failed", None)]


def test_a_new_name_is_the_outcome_s():
    renamed = part(1, new_name="web9", wanted=None)
    assert outcomes(run(plan(renamed), after(1, "Off"))) == [("web9", "changed", "Off")]
    failed = run(plan(renamed), error("start_1", "InvalidState,X"), after(1, "Off"))
    assert outcomes(failed) == [("web1", "failed", "Off")]
    assert failed.failures[0].object_name == "web1"


def test_an_interrupt_of_the_engine_is_an_interrupt():
    cancelled = error(None, "Hvctl.Cancelled")
    assert isinstance(run(plan(part(1)), cancelled, done(ok=False)).error("x"), CancelledError)


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ([after(1, "Off")], " Now 'web1' is Off, 'web2' is not there."),
        ([after(2, "Running"), after(1, "Off")], " Now 'web1' is Off, 'web2' is Running."),
        ([record("after", Id="id1", Name="web1")], " Now 'web1' is there, 'web2' is not there."),
    ],
)
def test_a_lost_answer_tells_what_is_there_now(seen: Sequence[Said], words: str):
    transport = transport_that_says(*seen)
    transport.on_send = ["lost-after"]
    with pytest.raises(OutcomeUnknownError) as caught:
        run_plan(Session(transport, clock=transport.clock), plan(part(1), part(2)), timeout=60.0)
    assert caught.value.message.endswith(f"(exit code 1).{words}")
    assert caught.value.host == "hv01"
    assert len(transport.log.changed) == 1


def test_a_lost_answer_tells_what_another_host_has_too():
    transport = transport_that_says(record("after", Id="id9"))
    transport.on_send = ["lost-after"]
    moved = replace(plan(part(1, goes=True)), elsewhere=lambda: "'web1' is on hv02")
    with pytest.raises(OutcomeUnknownError) as caught:
        run_plan(Session(transport, clock=transport.clock), moved, timeout=60.0)
    assert caught.value.message.endswith(" Now 'web1' is not there, 'web1' is on hv02.")


def out_of_time(*seen: Said):
    late = {"step": None, "message": "late", "category": "OperationTimeout", "error_id": "Hvctl.Deadline"}
    ended = [("error", late), ("done", {"ok": False, "undone": [], "not_undone": []})]
    transport = ScriptedTransport(lambda steps: ended if len(steps) > 1 else list(seen))
    return Session(transport, clock=transport.clock)


def test_out_of_time_each_is_judged_by_what_it_is_now():
    result = run_plan(out_of_time(after(1, "Running"), after(2, "Off")), plan(part(1), part(2)), timeout=60.0)
    assert outcomes(result) == [("web1", "changed", "Running"), ("web2", "failed", "Off")]
    assert result.failures[0].message == "Time ran out. 'web2' is still Off."
    assert isinstance(result.error("vm start"), PartialError)


def test_out_of_time_a_state_from_before_proves_nothing():
    result = run_plan(
        out_of_time(after(1, "Running"), after(2, "Off")),
        plan(part(1, state="Running"), part(2, state="Running")),
        timeout=60.0,
    )
    assert outcomes(result) == [("web1", "failed", "Running"), ("web2", "failed", "Off")]
    assert [each.message for each in result.failures] == [
        "Time ran out. 'web1' is still Running.",
        "Time ran out. 'web2' is now Off.",
    ]


def test_out_of_time_what_is_gone_was_deleted():
    result = run_plan(out_of_time(after(2, "Off")), plan(part(1, goes=True), part(2, goes=True)), timeout=60.0)
    assert outcomes(result) == [("web1", "changed", None), ("web2", "failed", "Off")]


def test_a_lost_answer_and_a_lost_look():
    transport = transport_that_says()
    transport.on_send = ["lost-after", "lost-after"]
    with pytest.raises(OutcomeUnknownError) as caught:
        run_plan(Session(transport, clock=transport.clock), plan(part(1)), timeout=60.0)
    assert caught.value.message.endswith("(exit code 1).")
    assert caught.value.seen is None


# ---- dry runs


def foreseen(made: Plan, *said: Said) -> tuple[Done, ScriptedTransport]:
    transport = transport_that_says(*said)
    return foresee(Session(transport, clock=transport.clock), made), transport


def test_a_dry_run_reads_and_tells_what_would_be():
    result, transport = foreseen(plan(part(1), part(2, steps=(), state="Running")), after(1, "Off"))
    assert outcomes(result) == [("web1", "changed", "Running"), ("web2", "unchanged", "Running")]
    assert (len(transport.log.executed), transport.log.changed) == (1, [])


def test_a_dry_run_of_what_would_go():
    result, _ = foreseen(plan(part(1, goes=True, wanted=None)), after(1, "Off"))
    assert outcomes(result) == [("web1", "changed", None)]
    assert result.error("vm delete") is None


def test_a_dry_run_refuses_what_would_be_refused():
    vm = VmState(id="id1", name="web1", host="hv01", state="Running")
    result, _ = foreseen(plan(checked(vm, "hv01", "No."), part(2)))
    assert isinstance(result.error("vm start"), PartialError)


def test_a_dry_run_fails_where_reading_fails():
    result, _ = foreseen(plan(part(1)), error("vms", "AccessDenied,X"), done(ok=False))
    assert result.error("vm start") is not None


def test_a_dry_run_of_nothing_contacts_nobody():
    result, transport = foreseen(Plan("vm start", Batch(()), (part(1, steps=()),)))
    assert outcomes(result) == [("web1", "unchanged", "Off")]
    assert transport.engines == []
