"""`--query`: JMESPath over the data of a document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hvctl.errors import UsageError

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult

_FAILURES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What jmespath raises: its own errors are ValueErrors, and it lets Python's through where an expression is odd."""


def check(expression: str) -> None:
    """Make sure that a text is JMESPath, as far as can be told without the data.

    Raises:
        UsageError: It is not; the message says where.
    """
    from jmespath.functions import Functions

    for name in _functions(_compiled(expression).parsed):
        if name not in Functions.FUNCTION_TABLE:
            known = ", ".join(sorted(Functions.FUNCTION_TABLE))
            raise UsageError(f"The query is not JMESPath: there is no function {name}().", hint=f"There are: {known}.")


def search(expression: str, data: Any) -> Any:  # noqa: ANN401 - any JSON value
    """What the expression finds in the data, as JSON-ready data.

    Raises:
        UsageError: The expression is not JMESPath, does not fit the data, or yields what is no data.
    """
    compiled = _compiled(expression)
    try:
        found = compiled.search(data)
    except _FAILURES as error:
        raise UsageError(f"The query does not fit the data: {_first_line(error)}.") from error
    try:
        json.dumps(found, allow_nan=False)
    except _FAILURES as error:
        raise UsageError("The query yields what cannot be written as data, such as an expression or NaN.") from error
    return found


def _functions(tree: Any) -> Iterator[str]:  # noqa: ANN401 - the tree's type is internal to jmespath
    if tree["type"] == "function_expression":
        yield tree["value"]
    for child in tree["children"]:
        if isinstance(child, dict):
            yield from _functions(child)


def _compiled(expression: str) -> ParsedResult:
    import jmespath
    from jmespath.exceptions import ParseError

    try:
        return jmespath.compile(expression)
    except ParseError as error:
        place = f" at character {error.lex_position + 1}" if isinstance(error.lex_position, int) else ""
        raise UsageError(
            f"The query is not JMESPath{place}: {_reason(error)}.", hint=f"It is: {expression}", object_name=expression
        ) from error
    except _FAILURES as error:
        raise UsageError(f"The query is not JMESPath: {_first_line(error)}.") from error


def _reason(error: Any) -> str:  # noqa: ANN401 - jmespath's exceptions have no common attributes
    from jmespath.exceptions import IncompleteExpressionError, LexerError

    if isinstance(error, IncompleteExpressionError):
        return "the expression is incomplete"
    return str(error.message if isinstance(error, LexerError) else error.msg)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
