"""Which of a step's objects are meant, and what of them is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hvctl.lab.conversion import text
from hvctl.lab.live import Kind, Live, Read, flatten
from hvctl.lab.steps import LabStep, Refused, Where


def miss(step: LabStep, count: int) -> list[dict[str, object]]:
    """The error record where a step's `expect` is not met by what it returned."""
    cmdlet = step.call.cmdlet
    if step.expect == "one" and count == 0:
        return [Refused("ExpectedOne", "ObjectNotFound", f"{cmdlet} returned no such object.").record]
    if step.expect == "one" and count > 1:
        message = f"{cmdlet} returned {count} such objects, not one."
        return [Refused("ExpectedOne", "InvalidResult", message).record]
    if step.expect == "none" and count:
        message = f"{cmdlet} returned an object where none must be."
        return [Refused("ExpectedNone", "ResourceExists", message).record]
    return []


def raw(output: Any, path: str) -> Any:  # noqa: ANN401 - a property is any value
    """The value at a property path as it is; `.` is the object itself."""
    if path == ".":
        return output
    return output.get(path) if isinstance(output, Live) else None


def records(outputs: Iterable[Any], paths: Sequence[str]) -> list[dict[str, Any]]:
    """A record for each object, with the values at the paths; none where no path is wanted."""
    if not paths:
        return []
    plans: dict[Kind | None, list[tuple[str, Read]]] = {}
    found = []
    for output in outputs:
        kind = output.kind if isinstance(output, Live) else None
        if kind not in plans:
            plans[kind] = [(path, _reader(kind, path)) for path in paths]
        found.append({path: flatten(reader(output)) for path, reader in plans[kind]})
    return found


def _reader(kind: Kind | None, path: str) -> Read:
    """What reads a path of objects of a kind; a property of the object itself is read without detours."""
    known = kind.properties.get(path.lower()) if kind else None
    return known.read if known else lambda output: raw(output, path)


def read(output: Any, path: str) -> Any:  # noqa: ANN401 - any value as JSON
    """The value at a property path as records carry it."""
    return flatten(raw(output, path))


def matches(output: Any, where: Where) -> bool:  # noqa: ANN401 - an object or a plain value
    """Whether each property reads as one of the texts wanted of it; of a collection, any item does."""
    return all(any(each in wanted for each in _texts(read(output, path))) for path, wanted in where.items())


def _texts(value: Any) -> list[str]:  # noqa: ANN401 - any value as JSON
    if isinstance(value, list):
        return [each for item in value for each in _texts(item)]
    return [] if value is None else [text(value).lower()]


def flat(values: list[Any]) -> list[Any]:
    """Values without the lists around them, and without nulls."""
    found: list[Any] = []
    for value in values:
        found += flat(value) if isinstance(value, list) else [] if value is None else [value]
    return found
