"""What a world of the lab holds, to compare two moments of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

PASSING = {"owner", "journal"}
"""Tables that say who is at work, not what there is."""


def everything(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that says what there is; nothing where there is no world yet."""
    if not path.exists():
        return {}
    with closing(sqlite3.connect(path)) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
        return {
            table: sorted(database.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
            for table in tables
            if table not in PASSING
        }


THINGS = ("vm", "nic", "drive", "snapshot", "merge", "switch", "file", "journal")
"""Tables of what a command makes."""
FOLDER = '"kind": "folder"'
"""What stands in the row of a folder; a host keeps the empty folders of machines that are gone."""


def things(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Machines, drives, adapters, switches and files; not folders, the clock, or what ids are made from."""
    with closing(sqlite3.connect(path)) as database:
        return {
            table: sorted(
                (row for row in database.execute(f"SELECT * FROM {table}") if FOLDER not in str(row)), key=repr
            )
            for table in THINGS
        }
