"""What the cmdlets of the Storage module have in common: objects as parameters, filters, and what is not found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from hvctl.lab import faulty, lookup
from hvctl.lab.context import Args, Context
from hvctl.lab.kinds.spaces import primordial
from hvctl.lab.live import Kind, Live
from hvctl.lab.problems import Problem
from hvctl.lab.spaces import Partition, PhysicalDisk, Pool, VirtualDisk

T = TypeVar("T")
Disk = PhysicalDisk | VirtualDisk


def objects(args: Args, parameter: str, kind: Kind) -> list[Any]:
    """The entities behind a parameter's objects, as they are now.

    Raises:
        Problem: One is of another class, or is gone.
    """
    given = args[parameter]
    found = []
    for live in given if isinstance(given, list) else [given]:
        if not isinstance(live, Live) or live.kind is not kind:
            raise Problem("storage-type", parameter=parameter, kind=kind.name)
        if not live.refresh():
            raise Problem("storage-gone")
        found.append(live.entity)
    return found


def one(args: Args, parameter: str, kind: Kind) -> Any:  # noqa: ANN401 - the kind's own entity
    """The entity behind a parameter's one object.

    Raises:
        Problem: It is of another class, or is gone.
    """
    return objects(args, parameter, kind)[0]


def kept(context: Context, found: Sequence[T], args: Args, kind: Kind, filters: Mapping[str, str]) -> list[T]:
    """The entities that a cmdlet's filters keep; a text that matches none is reported, as in any CDXML cmdlet.

    Args:
        context: The cmdlet.
        found: What there is.
        args: Its parameters.
        kind: The kind of the objects.
        filters: The parameters that filter, and the attribute of the entity that each looks at.
    """
    for parameter, attribute in filters.items():
        if parameter not in args:
            continue
        left: list[T] = []
        for value in _values(args[parameter]):
            matching = [each for each in found if _matches(value, getattr(each, attribute))]
            if not matching and not lookup.has_wildcards(str(value)):
                context.fail(Problem(f"storage-missing-{parameter}", kind=kind.name, value=value, target=None))
            left += [each for each in matching if each not in left]
        found = left
    return list(found)


def _values(given: object) -> Iterable[object]:
    return given if isinstance(given, list) else [given]


def _matches(value: object, actual: object) -> bool:
    return lookup.matches(value, str(actual)) if isinstance(value, str) else value == actual


def pools(context: Context) -> list[Pool]:
    """The pools of the host, the primordial one first."""
    return [primordial(context.host.name), *context.world.find(Pool, host=context.host.name)]


def disks(context: Context) -> list[Disk]:
    """The disks that Windows sees: physical ones that no pool has, and virtual ones that are attached."""
    world, host = context.world, context.host.name
    physical = [each for each in world.find(PhysicalDisk, host=host) if each.pool is None]
    attached = [each for each in world.find(VirtualDisk, host=host) if not faulty.is_detached(world, each)]
    return [*physical, *attached]


def partitions_of(context: Context, disk: Disk) -> list[Partition]:
    """The partitions of a disk."""
    return context.world.find(Partition, disk=disk.id)


def require_answer(args: Args) -> None:
    """Fail as a cmdlet does that would ask where nobody can answer.

    Raises:
        Problem: `-Confirm:$false` was not given.
    """
    if args.get("Confirm") is not False:
        raise Problem("prompt")
