"""Words become what a model asks for, or a usage error that names the option."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from hvctl.errors import UsageError
from hvctl.units import format_size, parse_size

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from hvctl.models.base import Model

M = TypeVar("M", bound="Model")


def sizes(**texts: str | None) -> dict[str, int]:
    """The sizes among options, in bytes; those not given are left out.

    Raises:
        UsageError: One is not a size; it names the option.
    """
    found = {}
    for name, text in texts.items():
        if text is None:
            continue
        try:
            found[name] = parse_size(text)
        except UsageError as error:
            raise UsageError(f"{option(name)}: {error.message}", hint=error.hint) from error
    return found


def given(**values: object) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in values.items() if value is not None}


def checked(model: type[M], values: dict[str, Any], **names: str) -> M:
    """The model that options make.

    Args:
        model: What is asked for.
        values: Its fields, as the options gave them.
        names: How a field is called on the command line, where that is not its option.

    Raises:
        UsageError: They do not fit; every misfit is named with its option.
    """
    from pydantic import ValidationError

    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = [_sentence(problem, names) for problem in error.errors()]
        raise UsageError(" ".join(problems)) from error


def option(field: str) -> str:
    """The option of a field."""
    return f"--{field.replace('_', '-')}"


def _sentence(problem: ErrorDetails, names: dict[str, str]) -> str:
    field = str(problem["loc"][0]) if problem["loc"] else None
    limits = {name: _limit(field, value) for name, value in problem.get("ctx", {}).items()}
    text = _KINDS.get(problem["type"], "{msg}").format(msg=problem["msg"], **limits)
    text = text.removeprefix("Value error, ").rstrip(".")
    if field is None:
        return f"{text[:1].upper()}{text[1:]}."
    return f"{names.get(field, option(field))}: {text[:1].lower()}{text[1:]}."


def _limit(field: str | None, value: object) -> object:
    return format_size(value) if field in _SIZES and isinstance(value, int) else value


_SIZES = ("block_size", "size", "memory", "memory_minimum", "memory_maximum", "disk")
_KINDS = {
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "string_pattern_mismatch": "this is not a form it can have: a path starts with a drive or \\\\server\\share, "
    "and a name holds no control characters",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "it is empty",
}
