"""Random calls of every cmdlet of the allow list, put to PowerShell's binder and to the lab's: they must agree.

HVCTL_TEST_SEED and HVCTL_TEST_CALLS try other calls, or more of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from tests.support.calls import Calls, RandomCall, Special, lineage
from tests.support.compiled import write_compiled
from tests.support.judges import Verdict, by_lab, by_powershell
from tests.support.stubs import HYPER_V_FILES, declarations, reference

from hvctl.powershell.cmdlets import CMDLETS, HYPER_V

pytestmark = pytest.mark.powershell

SEED = int(os.environ.get("HVCTL_TEST_SEED", "1"))
COUNT = int(os.environ.get("HVCTL_TEST_CALLS", "4000"))

REFERENCE = {name: entry for name, entry in reference((*HYPER_V_FILES, "core.json")).items() if name in CMDLETS}
CLASSES = sorted({each for name in declarations(REFERENCE)[1] for each in lineage(name)})
ERROR_IDS = {
    "AmbiguousParameter",
    "AmbiguousParameterSet",
    "CannotConvertArgument",
    "CannotConvertArgumentNoMessage",
    "MissingMandatoryParameter",
    "NamedParameterNotFound",
    "ParameterAlreadyBound",
    "ParameterArgumentValidationError",
    "ParameterArgumentValidationErrorEmptyArrayNotAllowed",
    "ParameterArgumentValidationErrorEmptyStringNotAllowed",
    "ParameterArgumentValidationErrorNullNotAllowed",
    "ParameterBindingFailed",
}
"""Every way in which a binder refuses a call that has its cmdlet."""

MOMENT = Special("D", "638397615600000000")


def _of_sessions(key: str) -> set[tuple[str, str]]:
    """The sets or parameters that demand a CimSession, which the PowerShell of the tests cannot make."""
    return {
        (name, each)
        for name, entry in REFERENCE.items()
        for each in entry[key]
        if name in DEMANDING and each.endswith("CimSession")
    }


DEMANDING = ("Compare-VM", "Disable-VMMigration", "Enable-VMMigration", "Get-VMHost", "Move-VM", "Set-VMHost")
"""Cmdlets with a set in which -CimSession must be given."""


@dataclass(frozen=True)
class Difference:
    """What the two binders are known to differ in.

    Attributes:
        reason: Why that is right.
        example: A call in which they differ; when they do not any more, the entry must go.
        explains: Whether a call on which they differ is such a one.
    """

    reason: str
    example: RandomCall
    explains: Callable[[RandomCall, Verdict], bool]


def gives(call: RandomCall, type_name: str) -> list[object]:
    """The values given to parameters of a type, whatever the parameter's name is cut to."""
    types = {
        name.lower(): each["type"].removesuffix("[]") for name, each in REFERENCE[call.cmdlet]["parameters"].items()
    }
    return [
        value
        for given, value in call.parameters
        if any(kind == type_name and name.startswith(given.lower()) for name, kind in types.items())
    ]


DIFFERENCES = (
    Difference(
        "-ProgressAction came with PowerShell 7.4; the lab plays Windows PowerShell 5.1, where -P is -PipelineVariable",
        RandomCall("Get-VMHost", (("P", "x"),)),
        lambda call, verdict: (
            verdict.error_id == "AmbiguousParameter"
            and any("progressaction".startswith(name.lower()) for name, _value in call.parameters)
        ),
    ),
    Difference(
        "the engine of the tests has no CIM library, and the lab simulates no -CimSession",
        RandomCall("Get-VMHost", (("CimSession", "hv02"),)),
        lambda call, verdict: (
            (verdict.error_id or "").startswith("Unable to load shared library 'libmi'")
            and bool(gives(call, "CimSession"))
        ),
    ),
    Difference(
        "PowerShell does not write to its own variables; the lab simulates none of the parameters that name a variable",
        RandomCall("Get-VMHost", (("OutVariable", "true"),)),
        lambda _call, verdict: verdict.error_id == "VariableNotWritable",
    ),
    Difference(
        "PowerShell makes moments of numbers and texts; hvctl sends moments, and the lab takes nothing else",
        RandomCall("Test-Path", (("Path", "x"), ("NewerThan", 7))),
        lambda call, _verdict: any(value is not None and value != MOMENT for value in gives(call, "DateTime")),
    ),
    Difference(
        "the pages give two parameters of these sets one position, to which the value of an unknown name falls; the lab"
        " knows no positions, for a call names its parameters",
        RandomCall("New-VHD", (("Path", "x"), ("Differencing", True), ("Zzz", True))),
        lambda _call, verdict: verdict.error_id == "AmbiguousPositionalParameterNoName",
    ),
)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[RandomCall, Verdict, Verdict]]:
    """Call, PowerShell's verdict, the lab's: the listed differences' examples, every parameter, then random calls."""
    root = tmp_path_factory.mktemp("compiled")
    write_compiled(root, HYPER_V, REFERENCE)
    source = Calls(SEED, REFERENCE, CLASSES)
    calls = [*(each.example for each in DIFFERENCES), *source.one_by_one(), *(source.next() for _ in range(COUNT))]
    verdicts = by_powershell(root, calls)
    return [(call, verdict, by_lab(call)) for call, verdict in zip(calls, verdicts, strict=True)]


def test_the_binders_agree(judged: list[tuple[RandomCall, Verdict, Verdict]]) -> None:
    differing = [
        f"{call}\n  PowerShell: {powershell}\n  the lab:    {lab}"
        for call, powershell, lab in judged
        if powershell != lab and not any(each.explains(call, powershell) for each in DIFFERENCES)
    ]
    assert not differing, f"{len(differing)} of {len(judged)} calls, seed {SEED}:\n" + "\n".join(differing[:10])


@pytest.mark.parametrize("number", range(len(DIFFERENCES)), ids=[each.reason[:40] for each in DIFFERENCES])
def test_a_listed_difference_is_one(judged: list[tuple[RandomCall, Verdict, Verdict]], number: int) -> None:
    call, powershell, lab = judged[number]
    assert powershell != lab
    assert DIFFERENCES[number].explains(call, powershell)


def test_the_calls_reach_everything(judged: list[tuple[RandomCall, Verdict, Verdict]]) -> None:
    refused = {verdict.error_id for _call, verdict, _lab in judged if not verdict.accepted}
    assert refused >= ERROR_IDS
    accepted = [(call.cmdlet, verdict) for call, verdict, _lab in judged if verdict.accepted]
    sets = {(cmdlet, verdict.parameter_set) for cmdlet, verdict in accepted}
    every_set = {(name, each) for name, entry in REFERENCE.items() for each in entry["parameter_sets"]}
    assert every_set - sets <= _of_sessions("parameter_sets")
    bound = {(cmdlet, name) for cmdlet, verdict in accepted for name in verdict.values or ()}
    every_parameter = {(name, each) for name, entry in REFERENCE.items() for each in entry["parameters"]}
    assert every_parameter - bound <= _of_sessions("parameters")
