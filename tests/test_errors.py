"""The tree of errors: whole, described, and each with its exit code."""

from __future__ import annotations

import json

import pytest

from hvctl import errors
from hvctl.errors import ConflictError, ExitCode, HvctlError, PartialError, UsageError

pytestmark = pytest.mark.unit

CODES = {
    "HvctlError": 1,
    "UsageError": 2,
    "ConsentError": 2,
    "NotFoundError": 3,
    "AccessError": 4,
    "UnreachableError": 5,
    "QuotaError": 5,
    "ConflictError": 6,
    "TimedOutError": 7,
    "PartialError": 8,
    "FindingsError": 9,
    "UnsupportedError": 10,
    "NotSimulatedError": 10,
    "OutcomeUnknownError": 1,
    "ProtocolError": 1,
    "CancelledError": 130,
}


def every_error() -> dict[str, type[HvctlError]]:
    return {
        name: value for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, HvctlError)
    }


def test_the_tree_is_the_table():
    assert {name: int(kind.exit_code) for name, kind in every_error().items()} == CODES


@pytest.mark.parametrize("name", CODES)
def test_every_error_is_described_and_drawn(name):
    kind = every_error()[name]
    assert kind.__doc__
    assert kind.__doc__ not in [base.__doc__ for base in kind.__mro__[1:]]
    lines = [line for line in str(errors.__doc__).splitlines() if f" {name} " in f" {line} "]
    assert len(lines) == 1
    numbers = [int(word) for word in lines[0].split() if word.isdigit()]
    assert numbers == [CODES[name]]


def test_the_drawing_has_the_tree_s_shape():
    """Each line hangs under its parent: as deep as its class is."""
    for line in str(errors.__doc__).splitlines():
        words = line.replace("│", " ").replace("├──", "   ").replace("└──", "   ").split()
        if words and words[0] in CODES:
            indent = line.index(words[0]) // 4
            depth = every_error()[words[0]].__mro__.index(HvctlError)
            assert indent == depth, line


def test_exit_codes():
    assert {code.name: code.value for code in ExitCode} == {
        "DONE": 0,
        "FAILED": 1,
        "USAGE": 2,
        "NOT_FOUND": 3,
        "ACCESS": 4,
        "UNREACHABLE": 5,
        "CONFLICT": 6,
        "TIMED_OUT": 7,
        "PARTIAL": 8,
        "FINDINGS": 9,
        "UNSUPPORTED": 10,
        "INTERRUPTED": 130,
    }


def test_an_error_as_json_holds_everything():
    part = ConflictError("'a' is Running.", host="hv01", object_name="a", hint="Stop it.")
    error = PartialError(
        "1 of 2 failed.", host="hv01", object_name="x", cmdlet_error={"message": "No."}, errors=[part], hint="Look."
    )
    shown = {
        "code": 8,
        "message": "1 of 2 failed.",
        "hint": "Look.",
        "host": "hv01",
        "object": "x",
        "cmdlet_error": {"message": "No."},
        "errors": [
            {
                "code": 6,
                "message": "'a' is Running.",
                "hint": "Stop it.",
                "host": "hv01",
                "object": "a",
                "cmdlet_error": None,
                "errors": [],
            }
        ],
    }
    assert error.as_dict() == shown
    assert json.loads(json.dumps(error.as_dict())) == shown
    assert error.code is ExitCode.PARTIAL
    assert str(error) == "1 of 2 failed."


def test_a_bare_error_is_none_everywhere():
    assert UsageError("What?").as_dict() == {
        "code": 2,
        "message": "What?",
        "hint": None,
        "host": None,
        "object": None,
        "cmdlet_error": None,
        "errors": [],
    }


@pytest.mark.parametrize(
    "name", ["ConsentError", "AccessError", "NotSimulatedError", "OutcomeUnknownError", "ProtocolError"]
)
def test_errors_that_always_know_what_to_do(name):
    kind = every_error()[name]
    assert kind("x").hint
    assert kind("x", hint="Do this.").hint == "Do this."
