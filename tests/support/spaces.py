"""Storage Spaces to test against: a whole `storage create`, ways to spoil it, and what a world has of storage."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support.storage_plans import physical_disk

from hvctl.lab.world import World
from hvctl.models.storage_create import GIB, StorageCreate
from hvctl.powershell.batch import Batch, Call, Step
from hvctl.services.storage.create import plan_storage

TABLES = ("physical_disk", "pool", "virtual_disk", "partition", "file", "storage_job")
SPEC = StorageCreate(name="vmstore", size=100 * GIB, volume="D", disks=("1", "2"))
"""What the tests of failures ask for."""


def stored(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every disk, pool, virtual disk, partition, file and job of a world."""
    with closing(sqlite3.connect(path)) as database:
        return {table: sorted(database.execute(f"SELECT * FROM {table}"), key=repr) for table in TABLES}


def break_disks(path: Path, faults: Mapping[str, str]) -> None:
    """Let disks have faults, by serial number."""
    with World.open(path) as world, world.transaction():
        world.configure("disk_faults", dict(faults))


def ways_to_fail() -> Iterator[tuple[str, str]]:
    """Each step of `storage create`, and each way in which it can fail: at once, or when its work is done."""
    for step in plan_storage(SPEC, [physical_disk(1), physical_disk(2)], "{S}").steps:
        yield step.id, "at once"
        if step.changes:
            yield step.id, "afterwards"


def spoiled(batch: Batch, step_id: str, how: str) -> Batch:
    """The batch with a step that fails: it has a parameter that no cmdlet has, or misses what it expects."""
    return Batch(tuple(_spoiled(step, how) if step.id == step_id else step for step in batch.steps))


def spoiled_undo(batch: Batch, *step_ids: str) -> Batch:
    """The batch with steps that cannot be taken back."""
    return Batch(
        tuple(
            replace(step, undo=Call(step.undo.cmdlet, {**step.undo.parameters, "Nonsense": True}))
            if step.id in step_ids and step.undo
            else step
            for step in batch.steps
        )
    )


def _spoiled(step: Step, how: str) -> Step:
    if how == "at once":
        return replace(step, call=Call(step.call.cmdlet, {**step.call.parameters, "Nonsense": True}))
    # What returns nothing, and so cannot miss anything, is asked for one object.
    return replace(step, expect="none" if step.expect == "one" else "one")
