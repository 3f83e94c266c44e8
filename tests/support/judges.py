"""Two judges of a cmdlet call: PowerShell's own binder, with compiled stand-ins, and the lab's."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.calls import RandomCall, Special, lineage
from tests.support.pwsh import require_pwsh

from hvctl.lab import binder, reference
from hvctl.lab.conversion import Tagged
from hvctl.lab.live import Kind, Live
from hvctl.powershell.bootstrap import encoded_command

_SCRIPT = Path(__file__).parents[1] / "powershell" / "binder_judge.ps1"
_MARK = "answers "
_A_LINE = 500
_LONG = 1 << 63
_TICKS = 10_000_000
_EPOCH = datetime(1, 1, 1, tzinfo=UTC)


class Verdict(NamedTuple):
    """What a binder makes of a call: the set and the values, or the error."""

    parameter_set: str | None = None
    values: Mapping[str, Any] | None = None
    error_id: str | None = None
    category: str | None = None
    exception: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether the call would run."""
        return self.error_id is None


def by_powershell(modules: Path, calls: Sequence[RandomCall], module: str = "Hyper-V") -> list[Verdict]:
    """What PowerShell's binder makes of calls, all in one process.

    Args:
        modules: The folder of the compiled stand-ins.
        calls: The calls.
        module: The module whose cmdlets are called.
    """
    lines = [
        json.dumps([_sent(call, module) for call in calls[i : i + _A_LINE]]) for i in range(0, len(calls), _A_LINE)
    ]
    command = [require_pwsh(), "-NoLogo", "-NoProfile", "-NonInteractive", "-InputFormat", "Text"]
    command += ["-OutputFormat", "Text", "-EncodedCommand", encoded_command(_SCRIPT.read_text("utf-8"))]
    done = subprocess.run(
        command,
        input="\n".join([*lines, ""]).encode("ascii"),
        capture_output=True,
        env={**os.environ, "PSModulePath": str(modules), "HVCTL_TEST_MODULE": module},
        timeout=600,
        check=False,
    )
    said = done.stdout.decode("utf-8").splitlines()
    answers = [answer for line in said if line.startswith(_MARK) for answer in json.loads(line.removeprefix(_MARK))]
    assert len(answers) == len(calls), done.stderr.decode("utf-8", "replace")
    return [_verdict(answer) for answer in answers]


def by_lab(call: RandomCall, windows: str = "2025", *, facts: reference.Facts | None = None) -> Verdict:
    """What the lab's binder makes of a call, by the packaged reference or by other facts."""
    facts = facts or reference.load(call.cmdlet, windows)
    assert facts is not None, call.cmdlet
    try:
        bound = binder.bind(facts, {name: _for_lab(value) for name, value in call.parameters})
    except binder.BindError as error:
        return Verdict(error_id=error.error_id, category=error.category, exception=error.exception)
    return Verdict(bound.parameter_set, {name: _from_lab(value) for name, value in bound.values.items()})


def _sent(call: RandomCall, module: str) -> dict[str, Any]:
    parameters = [[name, _for_powershell(value)] for name, value in call.parameters]
    return {"cmdlet": f"{module}\\{call.cmdlet}", "parameters": parameters}


def _verdict(answer: Mapping[str, Any]) -> Verdict:
    if "exception" in answer:
        error_id = str(answer["error"] or answer["message"]).partition(",")[0]
        return Verdict(error_id=error_id, category=answer["category"], exception=answer["exception"])
    values = answer.get("values")
    return Verdict(answer.get("set"), values and {name: _from_powershell(value) for name, value in values.items()})


def _for_powershell(value: Any) -> Any:
    """A value as binder_judge.ps1 reads it: a text that begins with its kind."""
    if isinstance(value, list):
        return [_for_powershell(item) for item in value]
    if isinstance(value, Special):
        return value.letter + value.text
    if isinstance(value, int) and value >= _LONG:
        return f"u{value}"
    return _LETTERS[type(value)] + (repr(value) if isinstance(value, float) else str(value))


_LETTERS = {str: "t", bool: "b", int: "i", float: "d", type(None): "n"}


def _from_powershell(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_powershell(item) for item in value]
    return value.removeprefix("t") if isinstance(value, str) else value


def _for_lab(value: Any) -> Any:
    """A value as the lab's engine hands it to its binder."""
    if isinstance(value, list):
        return [_for_lab(item) for item in value]
    return _SPECIALS[value.letter](value.text) if isinstance(value, Special) else value


def _object(name: str) -> Live:
    kind = Kind(name, {}, lambda live: live.kind.name, lambda _world, entity: entity, tuple(lineage(name)[1:]))
    return Live(None, kind, name)  # type: ignore[arg-type] # binding reads no world


def _moment(ticks: str) -> Tagged:
    return Tagged("DateTime", (_EPOCH + timedelta(seconds=int(ticks) // _TICKS)).strftime("%Y-%m-%dT%H:%M:%SZ"))


_SPECIALS: Mapping[str, Callable[[str], Any]] = {
    "o": _object,
    "D": _moment,
    "S": lambda text: Tagged("TimeSpan", float(text)),
    "s": lambda text: Tagged("SecureString", text),
    "c": lambda text: Tagged("PSCredential", {"user": text, "password": ""}),
    "h": lambda text: Tagged("Hashtable", [[text, 1]]),
}


def _from_lab(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_lab(item) for item in value]
    if isinstance(value, Tagged) and value.type == "DateTime":
        return str(int((datetime.fromisoformat(value.content) - _EPOCH).total_seconds()) * _TICKS)
    return str(value) if isinstance(value, Live | Tagged) else value
