"""Binds a call's parameters as PowerShell's binder does, by the published reference.

The order of the checks is the binder's own: it takes the parameters one by one (name, type, values, emptiness), sees
whether any parameter set has them all, then names what it did not know, settles on one set, and looks for missing
mandatory parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from hvctl.lab.conversion import VALUE_TYPES, CannotConvert, NullNotAllowed, Value, convert
from hvctl.lab.enums import members
from hvctl.lab.reference import Facts, Parameter

_SPACE = "System.Management.Automation."
COMMON: Mapping[str, Parameter] = {
    name: Parameter(name, kind, (alias,), everywhere=True)
    for name, alias, kind in (
        ("Verbose", "vb", "SwitchParameter"),
        ("Debug", "db", "SwitchParameter"),
        ("ErrorAction", "ea", "ActionPreference"),
        ("WarningAction", "wa", "ActionPreference"),
        ("InformationAction", "infa", "ActionPreference"),
        ("ErrorVariable", "ev", "String"),
        ("WarningVariable", "wv", "String"),
        ("InformationVariable", "iv", "String"),
        ("OutVariable", "ov", "String"),
        ("OutBuffer", "ob", "Int32"),
        ("PipelineVariable", "pv", "String"),
    )
}
"""The parameters that every cmdlet has."""
SHOULD_PROCESS: Mapping[str, Parameter] = {
    name: Parameter(name, "SwitchParameter", (alias,), everywhere=True)
    for name, alias in (("WhatIf", "wi"), ("Confirm", "cf"))
}
"""The parameters of the cmdlets that support ShouldProcess."""


class BindError(Exception):
    """PowerShell would refuse the call; nothing ran.

    Args:
        error_id: The error id without the cmdlet's class.
        message: What the binder says.
        invalid: Whether the parameter's own rules refuse the value, not the binder.
    """

    def __init__(self, error_id: str, message: str, *, invalid: bool = False) -> None:
        super().__init__(message)
        self.error_id = error_id
        self.message = message
        self.invalid = invalid

    @property
    def category(self) -> str:
        """The category of the error record."""
        if self.error_id == "ParameterBindingFailed":
            return "WriteError"
        return "InvalidData" if self.invalid else "InvalidArgument"

    @property
    def exception(self) -> str:
        """The type of the exception in the error record."""
        return _SPACE + ("ParameterBindingValidationException" if self.invalid else "ParameterBindingException")


class Bound(NamedTuple):
    """A call that PowerShell would run: the parameter set chosen, and the values by exact parameter name."""

    parameter_set: str
    values: Mapping[str, Value]


def bind(facts: Facts, given: Mapping[str, Value]) -> Bound:
    """Bind the parameters of one call.

    Raises:
        BindError: PowerShell would refuse the call.
    """
    values: dict[str, Any] = {}
    unknown: list[str] = []
    chosen_by: list[frozenset[str]] = []
    for name, value in given.items():
        parameter = find(facts, name)
        if parameter is None:
            unknown.append(name)
            continue
        if parameter.name in values:
            raise BindError(
                "ParameterAlreadyBound",
                f"Cannot bind parameter because parameter '{parameter.name}' is specified more than once.",
            )
        values[parameter.name] = _checked(parameter, value)
        if not parameter.everywhere:
            chosen_by.append(parameter.sets)
    possible = frozenset(facts.sets).intersection(*chosen_by)
    if unknown and not _undecided(facts, possible, values):
        raise BindError(
            "NamedParameterNotFound", f"A parameter cannot be found that matches parameter name '{unknown[0]}'."
        )
    chosen = _choose(facts, possible, values)
    _require(facts, chosen, values)
    return Bound(chosen or "__AllParameterSets", values)


def find(facts: Facts, name: str) -> Parameter | None:
    """The parameter that a name, an alias or the beginning of one stands for.

    Raises:
        BindError: Several parameters begin so.
    """
    own = list(facts.parameters.values())
    common = list(COMMON.values()) + (list(SHOULD_PROCESS.values()) if facts.supports_should_process else [])
    folded = name.lower()
    for names in (lambda each: (each.name,), lambda each: each.aliases):
        for parameter in (*own, *common):
            if folded in (each.lower() for each in names(parameter)):
                return parameter
    found = [
        parameter
        for parameter in (*own, *common)
        if any(each.lower().startswith(folded) for each in (parameter.name, *parameter.aliases))
    ]
    if len(found) > 1:
        found = [parameter for parameter in found if parameter in own] or found
    if len(found) > 1:
        likely = " ".join(f"-{parameter.name}" for parameter in found)
        raise BindError(
            "AmbiguousParameter",
            f"Parameter cannot be processed because the parameter name '{name}' is ambiguous. Possible matches include:"
            f" {likely}.",
        )
    return found[0] if found else None


def _checked(parameter: Parameter, value: Value) -> Value:
    try:
        converted = convert(parameter, value)
    except CannotConvert as reason:
        raise BindError(
            "CannotConvertArgument" if reason.by_kind else "CannotConvertArgumentNoMessage",
            f"Cannot bind parameter '{parameter.name}'. Cannot convert the value to type \"{parameter.type}\".",
        ) from None
    except NullNotAllowed:
        raise BindError(
            "ParameterArgumentValidationErrorNullNotAllowed",
            f"Cannot bind argument to parameter '{parameter.name}' because it is null.",
        ) from None
    if parameter.name in COMMON:
        _check_common(parameter, converted)
    _check_values(parameter, converted)
    if parameter.mandatory:
        _check_empty(parameter, converted)
    if _cannot_be_set(parameter, converted):
        raise BindError("ParameterBindingFailed", f"Cannot bind parameter '{parameter.name}' to the target.")
    return converted


def _check_common(parameter: Parameter, value: Value) -> None:
    """A buffer has a size, and a variable's name no drive."""
    is_size, is_variable = parameter.type == "Int32", parameter.type == "String"
    if (is_size and (value is None or value < 0)) or (
        is_variable and value is not None and (not value or ":" in value)
    ):
        raise BindError(
            "ParameterArgumentValidationError",
            f"Cannot validate argument on parameter '{parameter.name}'.",
            invalid=True,
        )


def _cannot_be_set(parameter: Parameter, value: Value) -> bool:
    """A number or an enum is never null, and no preference suspends a cmdlet."""
    if value is None:
        return not (parameter.nullable or parameter.is_array) and _is_value_type(parameter)
    return parameter.type == "ActionPreference" and value == "Suspend"


def _check_values(parameter: Parameter, value: Value) -> None:
    is_enum = parameter.element != "String" and members(parameter.element, parameter.values) is not None
    if not parameter.values or (
        is_enum and set(parameter.values) == set(members(parameter.element, parameter.values) or ())
    ):
        return
    allowed = {each.lower() for each in parameter.values}
    for item in value if isinstance(value, list) else [value]:
        if str(item).lower() not in allowed:
            raise BindError(
                "ParameterArgumentValidationError",
                f"Cannot validate argument on parameter '{parameter.name}'. The argument \"{item}\" does not belong"
                f' to the set "{",".join(parameter.values)}".',
                invalid=True,
            )


def _check_empty(parameter: Parameter, value: Value) -> None:
    problem = ("EmptyArrayNotAllowed", "an empty array") if value == [] else None
    for item in value if isinstance(value, list) else [value]:
        if item is None and (value is None or not _is_value_type(parameter)):
            problem = ("NullNotAllowed", "null")
        elif item == "":
            problem = ("EmptyStringNotAllowed", "an empty string")
        if problem is not None:
            break
    if value is not None and parameter.element in ("Object", "PSObject"):
        return
    if problem is not None:
        raise BindError(
            "ParameterArgumentValidationError" + problem[0],
            f"Cannot bind argument to parameter '{parameter.name}' because it is {problem[1]}.",
            invalid=True,
        )


def _is_value_type(parameter: Parameter) -> bool:
    return parameter.element in VALUE_TYPES or members(parameter.element, parameter.values) is not None


def _undecided(facts: Facts, possible: frozenset[str], values: Mapping[str, Value]) -> bool:
    """Whether nothing that could still be bound, from the pipeline or by default, would settle on a set."""
    if not facts.sets:
        return False
    from_pipeline = any(
        each.pipeline and each.name not in values and each.sets & possible for each in facts.parameters.values()
    )
    return not from_pipeline and _settled(facts, possible, values) is None


def _choose(facts: Facts, possible: frozenset[str], values: Mapping[str, Value]) -> str | None:
    if not facts.sets:
        return None
    chosen = _settled(facts, possible, values)
    if chosen is None:
        raise BindError(
            "AmbiguousParameterSet", "Parameter set cannot be resolved using the specified named parameters."
        )
    return chosen


def _settled(facts: Facts, possible: frozenset[str], values: Mapping[str, Value]) -> str | None:
    """The one set that is left, the default one, or the only one that lacks nothing mandatory."""
    if len(possible) == 1:
        return next(iter(possible))
    if facts.default_set in possible:
        return facts.default_set
    complete = [each for each in possible if not _missing(facts, each, values)]
    return complete[0] if len(complete) == 1 else None


def _missing(facts: Facts, parameter_set: str | None, values: Mapping[str, Value]) -> list[str]:
    return [
        parameter.name
        for parameter in facts.parameters.values()
        if parameter.name not in values
        and (parameter_set in parameter.mandatory or (parameter.everywhere and parameter.mandatory))
    ]


def _require(facts: Facts, parameter_set: str | None, values: Mapping[str, Value]) -> None:
    missing = _missing(facts, parameter_set, values)
    if missing:
        raise BindError(
            "MissingMandatoryParameter",
            f"Cannot process command because of one or more missing mandatory parameters: {' '.join(missing)}.",
        )
