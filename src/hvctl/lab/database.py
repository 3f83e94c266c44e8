"""A world's file: a connection to SQLite, its transactions, and what is wrong when it cannot be used.

Every change is a `BEGIN IMMEDIATE` transaction, so parallel processes queue up and a killed one leaves either all of
its step or nothing.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from hvctl.errors import ConflictError, HvctlError
from hvctl.lab.schema import APPLICATION, VERSION

ELSEWHERE = "Check the folder's rights and free space, or name another home with HVCTL_HOME."


class Database:
    """An open database; whatever SQLite raises becomes an HvctlError.

    Attributes:
        path: Its file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._serial = 0
        self._trace: Callable[[str], object] | None = None
        try:
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        except sqlite3.DatabaseError as error:
            raise _explained(path, error) from None
        self._rows("PRAGMA synchronous = NORMAL")

    def close(self) -> None:
        """Close the file; an open transaction is rolled back."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if self._trace is not None:
            self._trace(statement)
        try:
            return self._db.execute(statement, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise _explained(self.path, error) from None

    def _write_ahead(self) -> None:
        # SQLite does not wait its turn for this one statement, however long its time-out is.
        for _attempt in range(200):
            try:
                self._rows("PRAGMA journal_mode = WAL")
            except ConflictError:
                time.sleep(0.05)
            else:
                return
        raise _explained(self.path, sqlite3.OperationalError("database is locked"))

    def _tables(self) -> list[str]:
        rows = self._rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        return [str(name) for (name,) in rows]

    def _is_empty(self) -> bool:
        return self._rows("PRAGMA application_id") == [(0,)] and not self._tables()

    def _check(self) -> None:
        if self._rows("PRAGMA application_id") != [(APPLICATION,)]:
            raise _foreign(self.path)
        ((version,),) = self._rows("PRAGMA user_version")
        if version != VERSION:
            raise HvctlError(
                f"The lab world {self.path} is of another version of hvctl: its schema is {version}, not {VERSION}.",
                hint="Run `hvctl lab reset` to start over with a fresh world.",
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes within commit together, or not at all."""
        self.begin()
        try:
            yield
        except BaseException:
            self.rollback()
            raise
        self.commit()

    def begin(self, *, reading: bool = False) -> None:
        """Begin a transaction, after the changes that other processes have under way; one that reads never waits.

        Raises:
            ConflictError: Another process has kept the world for half a minute.
        """
        self._rows("BEGIN" if reading else "BEGIN IMMEDIATE")
        self._forget_read()
        self._serial += 1

    def commit(self) -> None:
        """Keep the changes since `begin`."""
        self._rows("COMMIT")
        self._forget_read()

    def rollback(self) -> None:
        """Drop the changes since `begin`; without effect outside a transaction."""
        if self._db.in_transaction:
            self._rows("ROLLBACK")
        self._forget_read()

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._db.in_transaction

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Take back the changes within if they end in an exception, and leave the transaction open.

        What was committed meanwhile, by a cmdlet that had to wait, stays.
        """
        serial = self._serial
        self._rows("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            if self._serial == serial and self._db.in_transaction:
                self._rows("ROLLBACK TO attempt")
                self._rows("RELEASE attempt")
                self._forget_read()
            raise
        if self._serial == serial:
            self._rows("RELEASE attempt")

    def _forget_read(self) -> None:
        """What was read may have changed."""

    def trace(self, callback: Callable[[str], object] | None) -> None:
        """Call `callback` with every SQL statement before it runs; what it raises comes out where the statement is."""
        self._trace = callback


def make_room(path: Path) -> None:
    """Delete a damaged world, so that a fresh one can take its place; refuse to overwrite anything else."""
    head = _head(path)
    if not head:
        return
    was_ours = head[68:72] == APPLICATION.to_bytes(4, "big")
    database = sqlite3.connect(path, timeout=30)
    try:
        damaged = database.execute("PRAGMA quick_check").fetchall() != [("ok",)]
        # A fresh world's header may still lie in the write-ahead log: only SQLite knows it.
        ours = database.execute("PRAGMA application_id").fetchone() == (APPLICATION,)
        empty = not database.execute("SELECT 1 FROM sqlite_master").fetchall()
    except sqlite3.OperationalError as error:
        raise _explained(path, error) from None
    except sqlite3.DatabaseError:
        damaged, ours, empty = True, was_ours, False
    finally:
        database.close()
    if not (ours or empty):
        raise _foreign(path)
    if damaged:
        for end in ("", "-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(100)
    except FileNotFoundError:
        return b""


def _foreign(path: Path) -> HvctlError:
    return HvctlError(f"{path} is not a lab world.", hint="Move it away, or name another home with HVCTL_HOME.")


def _explained(path: Path, error: sqlite3.DatabaseError) -> HvctlError:
    if isinstance(error, sqlite3.OperationalError):
        if "locked" in str(error):
            return ConflictError(f"The lab world {path} is in use by another process.", hint="Try again in a moment.")
        return HvctlError(f"The lab world {path} cannot be used: {error}.", hint=ELSEWHERE)
    hint = "Run `hvctl lab reset` to start over with a fresh world, or delete the file."
    if error.sqlite_errorname == "SQLITE_NOTADB":
        hint = "It is no world of the lab: move it away, or name another home with HVCTL_HOME."
    return HvctlError(f"The lab world {path} is damaged: {error}.", hint=hint)
