"""A batch as it arrives, checked whole before its first step runs: JSON to steps, refs and tagged values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from hvctl.lab.conversion import Tagged
from hvctl.powershell.cmdlets import CMDLETS

_PATH = r"\.|[A-Za-z]\w*(\.[A-Za-z]\w*)*"
_TAGS = {
    "$secure": "SecureString",
    "$credential": "PSCredential",
    "$datetime": "DateTime",
    "$timespan": "TimeSpan",
    "$hashtable": "Hashtable",
}
Where = Mapping[str, frozenset[str]]
"""Property paths to the texts, in lower case, of which the value must be one."""


class Refused(Exception):
    """The engine itself refuses or fails something; it becomes an error frame.

    Args:
        error_id: The name after `Hvctl.`.
        category: The category of the error record.
        message: What is wrong.
        step: The step it belongs to, where that is not plain from where it is raised.
    """

    def __init__(self, error_id: str, category: str, message: str, step: str | None = None) -> None:
        super().__init__(message)
        self.step = step
        self.record: dict[str, object] = {
            "message": message,
            "category": category,
            "error_id": f"Hvctl.{error_id}",
            "exception": None,
            "hresult": None,
            "target": None,
        }


def bad_request(message: str) -> Refused:
    """The request is not of the protocol's form."""
    return Refused("BadRequest", "InvalidData", message)


CIM_RULE = "Of all methods of WMI, hvctl may run DestroySystem on planned virtual machines alone."


def not_allowed(message: str, step: str | None = None) -> Refused:
    """What was asked for is more than hvctl may do."""
    return Refused("NotAllowed", "PermissionDenied", message, step)


def not_simulated(message: str) -> Refused:
    """The lab does not simulate what was asked for."""
    return Refused("NotSimulated", "NotImplemented", message)


class RefArgument(NamedTuple):
    """A ref among the parameters: which step's objects, which of them, and which property."""

    step: str
    where: Where
    property: str | None
    all: bool


class LabCall(NamedTuple):
    """A cmdlet and its parameters; refs are still refs."""

    cmdlet: str
    parameters: Mapping[str, Any]


class LabStep(NamedTuple):
    """One step of a batch, as docs/protocol.md describes it."""

    id: str
    call: LabCall
    select: tuple[str, ...]
    where: Where
    expect: str
    on_error: str
    undo: LabCall | None
    needs: tuple[str, ...]
    group: str | None
    timeout: float | None


def read_steps(entries: Any) -> list[LabStep]:  # noqa: ANN401 - unchecked JSON
    """The steps of a `run` request.

    Raises:
        Refused: One of them is not of the protocol's form, or its cmdlet is not on the allow list.
    """
    if not isinstance(entries, list):
        raise bad_request("'steps' must be a list.")
    known: set[str] = set()
    return [_read_step(entry, known) for entry in entries]


def seconds(entry: Mapping[str, Any], name: str) -> float | None:
    """A member that is a number of seconds, or null.

    Raises:
        Refused: It is something else.
    """
    value = entry.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise bad_request(f"'{name}' must be a number of seconds.")
    return float(value)


def _read_step(entry: Any, known: set[str]) -> LabStep:  # noqa: ANN401 - unchecked JSON
    if not isinstance(entry, dict):
        raise bad_request("An object is missing.")
    step_id = _text(entry, "id")
    if step_id in known:
        raise bad_request(f"Two steps are called '{step_id}'.")
    call = _read_call(entry, step_id, known)
    on_error = _choice(entry, "on_error", ("stop", "continue"))
    group = entry.get("group")
    if group is not None and on_error == "stop":
        raise bad_request(f"Step '{step_id}' runs beside others and cannot stop them.")
    needs = tuple(_list(entry, "needs"))
    if not all(isinstance(need, str) and need in known for need in needs):
        raise bad_request(f"Step '{step_id}' needs a step that does not come before it.")
    known.add(step_id)
    undo = entry.get("undo")
    return LabStep(
        id=step_id,
        call=call,
        select=tuple(_path(path) for path in _list(entry, "select")),
        where=_read_where(entry.get("where")),
        expect=_choice(entry, "expect", ("any", "one", "none")),
        on_error=on_error,
        undo=None if undo is None else _read_call(undo, step_id, known),
        needs=needs,
        group=group,
        timeout=seconds(entry, "timeout"),
    )


def _read_call(entry: Any, step_id: str, known: set[str]) -> LabCall:  # noqa: ANN401 - unchecked JSON
    if not isinstance(entry, dict):
        raise bad_request("An object is missing.")
    cmdlet = _text(entry, "cmdlet")
    if cmdlet not in CMDLETS:
        raise not_allowed(f"{cmdlet} is not a cmdlet that hvctl may run.", step_id)
    given = entry.get("parameters")
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise bad_request("'parameters' must be an object.")
    if len({name.lower() for name in given}) < len(given):
        raise bad_request(f"A parameter of {cmdlet} is given twice.")
    parameters = {name: _argument(value, known) for name, value in given.items()}
    if cmdlet.lower() == "invoke-cimmethod" and not _is_allowed_method(parameters):
        raise not_allowed(CIM_RULE, step_id)
    return LabCall(cmdlet, parameters)


def _is_allowed_method(parameters: Mapping[str, Any]) -> bool:
    """Whether Invoke-CimMethod is called in the one form that is let through."""
    given = {name.lower(): value for name, value in parameters.items()}
    arguments = given.get("arguments")
    return (
        given.keys() == {"inputobject", "methodname", "arguments"}
        and given["methodname"] == "DestroySystem"
        and isinstance(given["inputobject"], RefArgument)
        and isinstance(arguments, Tagged)
        and arguments.type == _TAGS["$hashtable"]
        and [name.lower() for name, _ in arguments.content] == ["affectedsystem"]
        and isinstance(arguments.content[0][1], RefArgument)
    )


def _argument(value: Any, known: set[str]) -> Any:  # noqa: ANN401 - unchecked JSON
    if isinstance(value, list):
        return [_argument(item, known) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _read_ref(value, known)
    if len(value) != 1:
        raise bad_request("A value has no tag that is known, or several.")
    ((tag, content),) = value.items()
    if tag not in _TAGS:
        raise bad_request(f"The tag '{tag}' is not known.")
    if not _fits(tag, content):
        raise bad_request(f"A value tagged '{tag}' cannot be read.")
    if tag == "$hashtable":
        content = [[key, _argument(item, known)] for key, item in content]
    return Tagged(_TAGS[tag], content)


def _fits(tag: str, content: Any) -> bool:  # noqa: ANN401 - unchecked JSON
    if tag == "$timespan":
        return isinstance(content, (int, float)) and not isinstance(content, bool)
    if tag == "$credential":
        return isinstance(content, dict) and all(isinstance(content.get(name), str) for name in ("user", "password"))
    if tag == "$hashtable":
        return isinstance(content, list) and all(
            isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in content
        )
    return isinstance(content, str)


def _read_ref(value: dict[str, Any], known: set[str]) -> RefArgument:
    for name in value:
        if name not in ("$ref", "where", "property", "all"):
            raise bad_request(f"A ref has no '{name}'.")
    step = _text(value, "$ref")
    if step not in known:
        raise bad_request(f"A ref names '{step}', which does not come before it.")
    path = value.get("property")
    return RefArgument(
        step=step,
        where=_read_where(value.get("where")),
        property=None if path is None else _path(path),
        all=value.get("all") is True,
    )


def _read_where(entry: Any) -> Where:  # noqa: ANN401 - unchecked JSON
    if entry is None:
        return {}
    if not isinstance(entry, dict):
        raise bad_request("'where' must be an object.")
    where = {}
    for path, wanted in entry.items():
        if not isinstance(wanted, list) or not all(isinstance(text, str) for text in wanted):
            raise bad_request("'where' must name texts.")
        where[_path(path)] = frozenset(text.lower() for text in wanted)
    return where


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not value:
        raise bad_request(f"'{name}' must be a text.")
    return value


def _choice(entry: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
    value = entry.get(name)
    if value is None:
        return choices[0]
    if value not in choices:
        raise bad_request(f"'{name}' must be one of: {', '.join(choices)}.")
    return str(value)


def _list(entry: Mapping[str, Any], name: str) -> list[Any]:
    value = entry.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise bad_request(f"'{name}' must be a list.")
    return value


def _path(value: Any) -> str:  # noqa: ANN401 - unchecked JSON
    if not isinstance(value, str) or not re.fullmatch(_PATH, value):
        raise bad_request(f"'{value}' is not a property path.")
    return value
