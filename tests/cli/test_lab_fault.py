"""`hvctl lab fault`."""

from __future__ import annotations

import re

import pytest

from hvctl.lab.endpoint.faults import ANY, KINDS

pytestmark = pytest.mark.lab


def test_a_rule_is_written_listed_and_cleared(hvctl):
    written = hvctl.json(
        "lab", "fault", "add", "slow", "--action", "receive", "--after", "1", "--times", "2", "--seconds", "0.5"
    )
    assert written == {
        "id": "1",
        "kind": "slow",
        "host": None,
        "action": "Receive",
        "times": 2,
        "after": 1,
        "seconds": 0.5,
    }
    assert hvctl.json("lab", "fault", "list") == [written]
    assert hvctl.json("lab", "fault", "clear") == [written]
    assert hvctl.json("lab", "fault", "list") == []
    assert hvctl.json("lab", "fault", "clear") == []


def test_the_ids_of_rules(hvctl):
    hvctl.ok("lab", "fault", "add", "refuse")
    hvctl.ok("lab", "fault", "add", "noise", "--host-name", "HV01")
    assert hvctl.ok("lab", "fault", "list", "-o", "name").out.splitlines() == ["1", "2"]
    assert [rule["host"] for rule in hvctl.json("lab", "fault", "list")] == [None, "hv01"]


def test_rules_as_a_table(hvctl):
    hvctl.ok("lab", "fault", "add", "drop-reply")
    header, row = hvctl.ok("lab", "fault", "list").out.splitlines()
    assert header.split() == ["ID", "KIND", "HOST", "ACTION", "TIMES", "AFTER", "SECONDS"]
    assert row.split() == ["1", "drop-reply", "-", "Send", "1", "0", "0.0"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["bla"], 2, "There is no fault 'bla'."),
        (["refuse", "--action", "Send"], 2, "The fault 'refuse' cannot strike a Send."),
        (["busy", "--times", "0"], 2, "--times is 0."),
        (["slow", "--seconds", "nan"], 2, "--seconds is nan."),
        (["busy", "--host-name", "hv02"], 3, "The lab has no host 'hv02'; it has hv01."),
    ],
)
def test_what_makes_no_rule(hvctl, words, code, said):
    refused = hvctl("lab", "fault", "add", *words, "-o", "json")
    assert (refused.code, refused.error["message"]) == (code, said)
    assert hvctl.json("lab", "fault", "list") == []


def test_the_help_names_every_kind(hvctl):
    told = re.sub(r"-\s+", "-", hvctl.ok("lab", "fault", "add", "--help").out)
    assert {word.strip(".,:") for word in told.split()} >= KINDS.keys()


def test_a_reset_drops_the_rules(hvctl):
    hvctl.ok("lab", "fault", "add", "refuse")
    hvctl.ok("lab", "reset", "--yes")
    assert hvctl.json("lab", "fault", "list") == []


@pytest.mark.parametrize(("before", "values"), [(("add",), tuple(KINDS)), (("add", "busy", "--action"), ANY)])
def test_kinds_and_actions_are_completed(hvctl, before, values):
    told = hvctl.ok("__complete", "=", "lab", "fault", *before).out.split()
    assert tuple(told) == values
