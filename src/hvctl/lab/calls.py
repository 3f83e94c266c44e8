"""One call of one simulated cmdlet: bound, checked against what is simulated, and run."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import Any

from hvctl.lab import binder, cmdlets, reference
from hvctl.lab.context import Context, Failure, Output
from hvctl.lab.problems import Problem, cmdlet_class
from hvctl.lab.steps import not_simulated
from hvctl.powershell.cmdlets import CMDLETS, HYPER_V, STORAGE

_ANSWERS_WITHOUT_RIGHTS = ("Get-VM",)


def invoke(context: Context, given: Mapping[str, Any], paths: Iterable[str] = ()) -> Generator[Output, None, None]:
    """Run a cmdlet; `paths` are the properties that will be read of what it returns.

    Raises:
        Failure: The cmdlet ends with an error.
        Refused: The lab does not simulate the cmdlet, a parameter of the call, or a property.
    """
    handler = cmdlets.handler(context.cmdlet)
    if handler is None:
        raise not_simulated(f"The lab does not simulate {context.cmdlet}.")
    values = _bind(context, given)
    unknown = [name for name in values if name not in handler.parameters and name != "Confirm"]
    if unknown:
        raise not_simulated(f"The lab does not simulate -{unknown[0]} of {context.cmdlet}.")
    for path in paths:
        if path != "." and handler.output.property(path) is None:
            raise not_simulated(f"The lab does not simulate the property {path} of {context.cmdlet}'s objects.")
    try:
        _check_may(context, values)
        yield from handler.run(context, values)
    except Problem as problem:
        raise context.failure(problem) from None


def _bind(context: Context, given: Mapping[str, Any]) -> Mapping[str, Any]:
    facts = reference.load(context.cmdlet, context.host.windows)
    if facts is None:
        raise Failure(
            {
                "message": f"The term '{context.cmdlet}' is not recognized as the name of a cmdlet, function, script"
                " file, or operable program.",
                "category": "ObjectNotFound",
                "error_id": "CommandNotFoundException",
                "exception": "System.Management.Automation.CommandNotFoundException",
                "hresult": None,
                "target": context.cmdlet,
            }
        )
    try:
        return binder.bind(facts, given).values
    except binder.BindError as error:
        raise Failure(
            {
                "message": error.message,
                "category": error.category,
                "error_id": f"{error.error_id},{cmdlet_class(context.cmdlet)}",
                "exception": error.exception,
                "hresult": None,
                "target": None,
            }
        ) from None


def _check_may(context: Context, values: Mapping[str, Any]) -> None:
    if values.get("Confirm"):
        raise Problem("prompt")
    if CMDLETS[context.cmdlet].module == STORAGE and not context.world.setting("rights"):
        raise Problem("storage-rights")
    in_module = CMDLETS[context.cmdlet].module == HYPER_V
    if in_module and context.cmdlet not in _ANSWERS_WITHOUT_RIGHTS and not context.world.setting("rights"):
        raise Problem("rights", computer=context.host.computer_name)
