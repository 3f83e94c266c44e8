"""A batch as PowerShell text, for people to read and paste; hvctl itself never runs it.

What a user wrote stands in this text only inside literals, and a literal holds only printable characters: everything
else is spelled as a `[char]`, so that no newline ends a comment and nothing is lost between a terminal and a clipboard.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby

from hvctl.powershell.batch import SELF, Batch, Call, Credential, DateTime, Ref, Secret, Step, TimeSpan, Value, Where
from hvctl.powershell.literals import number, quote

MASK = "***"

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_INDENT = "    "

_SWITCHES = frozenset(
    {
        "Differencing",
        "Dynamic",
        "DynamicMemory",
        "Fixed",
        "Force",
        "NoVHD",
        "Passthru",
        "Save",
        "StaticMemory",
        "Trunk",
        "TurnOff",
        "Untagged",
    }
)
"""Parameters that are switches wherever they occur; `-Name:$true` is right for these and for Booleans, but longer."""

_RESERVED = re.compile(
    r"args|consolefilename|enabledexperimentalfeatures|error|errorview|event|eventargs|eventsubscriber|executioncontext"
    r"|false|foreach|formatenumerationlimit|home|host|input|iscoreclr|islinux|ismacos|iswindows|lastexitcode|log\w+event"
    r"|matches|maximum\w+count|myinvocation|nestedpromptlevel|null|ofs|outputencoding|pid|\w+preference|profile|ps\w+|pwd"
    r"|sender|shellid|stacktrace|switch|this|transcript|true"
)
"""Variables that PowerShell sets or reads by itself; a step of that name gets another one."""


@dataclass(frozen=True, slots=True)
class _Names:
    """How a script quotes a text, and the variables of the results and of the successes that are needed again."""

    quote: Callable[[str], str]
    results: Mapping[str, str]
    successes: Mapping[str, str]


def render(batch: Batch, *, ascii_only: bool = False) -> str:
    """The batch as a script that does the same, ending in a newline; secrets are asked for, never shown.

    Steps that stop the batch are wrapped into one script block: pasted line by line, a failed check would stop nothing.

    Args:
        batch: What is rendered.
        ascii_only: Use nothing but ASCII, for a script that goes into a file or pipe whose code page nobody knows.

    Raises:
        ValueError: A parameter or property is no name, or a number is not finite; no batch that can be sent has these.
    """
    names = _name_variables(batch, partial(quote, ascii_only=ascii_only))
    lines: list[str] = []
    for group, members in groupby(batch.steps, key=lambda step: step.group):
        steps = list(members)
        if group is not None and len(steps) > 1:
            lines.append(f"# hvctl runs the next {len(steps)} steps side by side; here they run one after another.")
        for step in steps:
            lines.extend(_step(step, names))
    if len(batch.steps) > 1 and any(step.on_error == "stop" for step in batch.steps):
        lines = ["& {", *_indented(lines), "}"]
    return "".join(f"{line}\n" for line in lines)


def mask(batch: Batch) -> Batch:
    """The same batch with every secret replaced by asterisks, fit to be shown as data."""
    return Batch(
        tuple(
            replace(step, call=_masked_call(step.call), undo=_masked_call(step.undo) if step.undo else None)
            for step in batch.steps
        )
    )


def _name_variables(batch: Batch, quote: Callable[[str], str]) -> _Names:
    taken = {step.id for step in batch.steps}
    referred = {ref.step for step in batch.steps for ref in _refs(step)}
    needed = {step_id for step in batch.steps for step_id in step.needs}
    results, successes = {}, {}
    for step in batch.steps:
        if step.id in referred or step.expect != "any":
            results[step.id] = _free(f"{step.id}_", taken) if _RESERVED.fullmatch(step.id) else step.id
        if step.id in needed:
            successes[step.id] = _free(f"{step.id}_done", taken)
    return _Names(quote, results, successes)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _refs(step: Step) -> Iterator[Ref]:
    yield from step.call.refs()
    if step.undo is not None:
        yield from step.undo.refs()


def _step(step: Step, names: _Names) -> list[str]:
    lines = [f"# hvctl stops this step after {step.timeout:g} seconds."] if step.timeout is not None else []
    body = list(_statements(step, names))
    if step.undo is not None:
        body.append(f"# undo: {_call(step.undo, names)}")
    conditions = [f"${names.successes[step_id]}" for step_id in step.needs]
    conditions += [_some(ref, names) for ref in step.call.refs() if ref.all]
    if conditions:
        alone = len(conditions) == 1 and conditions[0].startswith("(")
        condition = conditions[0] if alone else f"({' -and '.join(conditions)})"
        body = [f"if {condition} {{", *_indented(body), "}"]
    return lines + body


def _statements(step: Step, names: _Names) -> Iterator[str]:
    result, success = names.results.get(step.id), names.successes.get(step.id)
    pipeline = _pipeline(step, names)
    shown = step.select if not step.changes and step.select != (SELF,) else ()
    if result is None:
        yield pipeline + (f" | {_selection(shown)}" if shown else "")
    else:
        yield f"${result} = {pipeline}"
    if success is not None:
        yield f"${success} = $?"
    if result is None:
        return
    if step.expect != "any":
        yield _check(step, result, success)
    if shown:
        yield f"${result} | {_selection(shown)}"
    elif step.select and not step.changes:
        yield f"${result}"


def _pipeline(step: Step, names: _Names) -> str:
    pipeline = _call(step.call, names)
    if "ErrorAction" not in step.call.parameters:
        pipeline += f" -ErrorAction {step.on_error.capitalize()}"
    return f"{pipeline} | {_filter(step.where, names)}" if step.where else pipeline


def _check(step: Step, result: str, success: str | None) -> str:
    count, words = (1, "exactly one object was expected") if step.expect == "one" else (0, "no object was expected")
    sentence = quote(f"Step {step.id}: {words}.")
    if step.on_error == "stop":
        action = f"throw {sentence}"
    else:
        action = f"Write-Error {sentence}" + (f"; ${success} = $false" if success else "")
    return f"if (@(${result}).Count -ne {count}) {{ {action} }}"


def _call(call: Call, names: _Names) -> str:
    return " ".join([call.cmdlet, *(_parameter(name, value, names) for name, value in call.parameters.items())])


def _parameter(name: str, value: Value, names: _Names) -> str:
    if value is True and name in _SWITCHES:
        return f"-{name}"
    if isinstance(value, bool):
        return f"-{_name(name)}:{_value(value, names)}"
    return f"-{_name(name)} {_value(value, names)}"


def _value(value: Value, names: _Names) -> str:  # noqa: C901, PLR0911 - one return a kind of value
    match value:
        case None:
            return "$null"
        case bool():
            return "$true" if value else "$false"
        case int() | float():
            return number(value)
        case str():
            return names.quote(value)
        case Ref():
            return _ref(value, names)
        case Secret():
            return "(Read-Host -Prompt 'Secret' -AsSecureString)"
        case Credential():
            return f"(Get-Credential -UserName {names.quote(value.user)} -Message 'Password')"
        case TimeSpan():
            return f"([TimeSpan]::FromTicks({number(round(value.seconds * 10_000_000))}))"
        case DateTime():
            culture = "[Globalization.CultureInfo]::InvariantCulture"
            return f"([DateTime]::Parse({names.quote(value.iso)}, {culture}, 'AssumeUniversal, AdjustToUniversal'))"
        case Mapping():
            pairs = (f"{names.quote(key)} = {_value(item, names)}" for key, item in value.items())
            return f"@{{ {'; '.join(pairs)} }}" if value else "@{}"
        case tuple():
            return _array(value, names)


def _array(items: tuple[Value, ...], names: _Names) -> str:
    texts = [_value(item, names) for item in items]
    if len(items) == 1 and isinstance(items[0], tuple):
        return f"@(, {texts[0]})"
    return f"@({', '.join(texts)})"


def _ref(ref: Ref, names: _Names) -> str:
    variable = f"${names.results[ref.step]}"
    if ref.all and ref.property is not None:
        parts = [variable]
        if ref.where:
            parts.append(_filter(ref.where, names))
        parts += [f"ForEach-Object {{ {_path(ref.property)} }}", "Where-Object { $null -ne $_ }"]
        return f"@({' | '.join(parts)})"
    picked = f"({variable} | {_filter(ref.where, names)})" if ref.where else variable
    return f"{picked}.{_property(ref.property)}" if ref.property is not None else picked


def _some(ref: Ref, names: _Names) -> str:
    """The condition under which a step that takes all of something has anything to take."""
    text = _ref(ref, names)
    return f"{text}.Count" if text.startswith("@") else text


def _filter(where: Where, names: _Names) -> str:
    return f"Where-Object {{ {' -and '.join(_equals(path, wanted, names) for path, wanted in where.items())} }}"


def _equals(path: str, wanted: str | tuple[str, ...], names: _Names) -> str:
    texts = (wanted,) if isinstance(wanted, str) else wanted
    # `$true -eq 'False'` is true in PowerShell, which makes a Boolean of any text; -in compares the texts.
    if len(texts) == 1 and texts[0].lower() not in {"true", "false"}:
        return f"{_path(path)} -eq {names.quote(texts[0])}"
    return f"{_path(path)} -in @({', '.join(names.quote(text) for text in texts)})"


def _selection(paths: Iterable[str]) -> str:
    return f"Select-Object -Property {', '.join(_column(path) for path in paths)}"


def _column(path: str) -> str:
    if _NAME.fullmatch(path):
        return path
    return f"@{{ Name = {quote(path)}; Expression = {{ {_path(path)} }} }}"


def _path(path: str) -> str:
    return "$_" if path == SELF else f"$_.{_property(path)}"


def _property(path: str) -> str:
    return ".".join(_name(part) for part in path.split("."))


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a parameter or property")
    return name


def _indented(lines: Iterable[str]) -> list[str]:
    return [_INDENT + line for line in lines]


def _masked_call(call: Call) -> Call:
    return Call(call.cmdlet, {name: _masked(value) for name, value in call.parameters.items()})


def _masked(value: Value) -> Value:
    match value:
        case Secret():
            return Secret(MASK)
        case Credential():
            return Credential(value.user, MASK)
        case Mapping():
            return {key: _masked(item) for key, item in value.items()}
        case tuple():
            return tuple(_masked(item) for item in value)
        case _:
            return value
