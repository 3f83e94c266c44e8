"""The world's state in SQLite: entities, settings, the clock, identifiers, and the journal of unfinished batches.

Every change is a `BEGIN IMMEDIATE` transaction, so parallel processes queue up and a killed one leaves either all of
its step or nothing. The only module that knows SQL.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from hvctl.errors import ConflictError, HvctlError
from hvctl.lab import paths
from hvctl.lab.entities import Entity, File, Vm
from hvctl.lab.schema import APPLICATION, KEYS, STATEMENTS, TABLES, VERSION
from hvctl.lab.settings import DEFAULTS, guid

E = TypeVar("E", bound=Entity)


class World:
    """One open world: read and change it within `transaction()`; close it when done.

    Every process and thread opens its own. Times are seconds since the Unix epoch on the lab's clock. Whatever SQLite
    raises becomes an HvctlError.

    Attributes:
        path: The world's file.
        delegates: Whether the login that works on the open world can be handed on from host to host, as one at the
            console can.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.delegates = True
        self._settings: dict[str, Any] | None = None
        self._clock: float | None = None
        self._serial = 0
        self._trace: Callable[[str], object] | None = None
        try:
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        except sqlite3.DatabaseError as error:
            raise _explained(path, error) from None
        self._rows("PRAGMA synchronous = NORMAL")

    @classmethod
    def open(cls, path: Path) -> World:
        """Open the world at `path`, made as the default world if there is none; undo what dead owners left.

        Raises:
            HvctlError: The file is no world, is damaged, or is of another hvctl.
        """
        from hvctl.lab import seeds

        if not path.exists():
            seeds.create(path)
        world = cls(path)
        try:
            if world._is_empty():
                seeds.create(path)
            world._check()
            if world.owners():
                from hvctl.lab import recovery

                recovery.recover(world)
        except BaseException:
            world.close()
            raise
        return world

    @classmethod
    @contextmanager
    def rebuilt(cls, path: Path, *, keep: bool) -> Iterator[World | None]:
        """An empty world at `path`, to be filled within; it takes the place of an older one when all is well.

        Gives None when `keep` is set and another process has made a world there meanwhile.

        Raises:
            HvctlError: The file there is something else than a world, which must not be overwritten.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not keep:
                _make_room(path)
        except OSError as error:
            raise HvctlError(f"The lab world {path} cannot be used: {error.strerror}.", hint=_ELSEWHERE) from None
        world = cls(path)
        try:
            world._write_ahead()
            with world.transaction():
                if keep and not world._is_empty():
                    yield None
                    return
                for name in world._tables():
                    world._rows(f'DROP TABLE "{name}"')
                for statement in STATEMENTS:
                    world._rows(statement)
                yield world
        finally:
            world.close()

    def close(self) -> None:
        """Close the file; an open transaction is rolled back."""
        self._db.close()

    def __enter__(self) -> World:
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

    # Transactions

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
        self._settings = self._clock = None

    def trace(self, callback: Callable[[str], object] | None) -> None:
        """Call `callback` with every SQL statement before it runs; what it raises comes out where the statement is."""
        self._trace = callback

    # Settings, clock, identifiers

    def setting(self, name: str) -> Any:  # noqa: ANN401 - a setting is any JSON value
        """A setting of this world, or its default."""
        if self._settings is None:
            self._settings = {key: json.loads(value) for key, value in self._rows("SELECT name, value FROM setting")}
        return self._settings.get(name, DEFAULTS[name])

    def configure(self, name: str, value: Any) -> None:  # noqa: ANN401 - a setting is any JSON value
        """Change a setting.

        Raises:
            KeyError: No setting has that name.
        """
        if name not in DEFAULTS:
            raise KeyError(name)
        self._rows("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, json.dumps(value)))
        if name == "pace":
            self.set_clock(self.now())
        self._forget_read()

    def meta(self, key: str) -> Any:  # noqa: ANN401 - text or a number
        """A fact about the world itself: its kind, seed or Windows version."""
        rows = self._rows("SELECT value FROM meta WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    def set_meta(self, key: str, value: str | float) -> None:
        """Note a fact about the world itself."""
        self._rows("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def now(self) -> float:
        """The time on the lab's clock; with a `pace` it runs with real time, else it stands still between steps."""
        if self._clock is not None:
            return self._clock
        clock = float(self.meta("clock"))
        pace = self.setting("pace")
        if pace:
            return clock + max(0.0, time.time() - float(self.meta("clock_read"))) / float(pace)
        if self._db.in_transaction:
            self._clock = clock
        return clock

    def set_clock(self, moment: float) -> None:
        """Set the lab's clock to a moment."""
        self._clock = None
        self.set_meta("clock", moment)
        self.set_meta("clock_read", time.time())

    def new_id(self, kind: str) -> str:
        """A GUID that follows from the seed and a counter: the same world played twice has the same ids."""
        counter = int(self.meta("counter")) + 1
        self.set_meta("counter", counter)
        return guid(f"{self.meta('seed')}/{kind}/{counter}")

    # Entities

    def add(self, entity: Entity) -> None:
        """Put a new entity into the world."""
        table, columns = TABLES[type(entity)]
        values = [getattr(entity, column) for column in columns]
        marks = ", ".join("?" * (len(columns) + 1))
        self._rows(f"INSERT INTO {table} VALUES ({marks})", (*values, _dump(entity)))  # noqa: S608 - own names

    def save(self, entity: Entity) -> None:
        """Write an entity's changes."""
        table, columns = TABLES[type(entity)]
        changes = ", ".join(f"{column} = ?" for column in (*columns, "data"))
        values = [getattr(entity, column) for column in columns]
        where, key = _where(entity)
        self._rows(f"UPDATE {table} SET {changes} WHERE {where}", (*values, _dump(entity), *key))  # noqa: S608

    def remove(self, entity: Entity) -> None:
        """Take an entity out of the world."""
        table, _columns = TABLES[type(entity)]
        where, key = _where(entity)
        self._rows(f"DELETE FROM {table} WHERE {where}", key)  # noqa: S608 - own names

    def find(self, kind: type[E], **columns: str) -> list[E]:
        """The entities of a kind whose columns have these values, in the order they came into the world."""
        table, _columns = TABLES[kind]
        where = " AND ".join(f"{column} = ?" for column in columns) or "1"
        rows = self._rows(
            f"SELECT data FROM {table} WHERE {where} ORDER BY rowid",  # noqa: S608 - own names
            list(columns.values()),
        )
        found = [kind(**json.loads(data)) for (data,) in rows]
        if kind is Vm and found:
            now = self.now()
            for vm in found:
                vm.settle(now)  # type: ignore[attr-defined] # they are VMs
        return found

    def get(self, kind: type[E], key: str) -> E | None:
        """The entity of a kind with this id or name; None when it is gone."""
        found = self.find(kind, **{KEYS.get(kind, ("id",))[-1]: key})
        return found[0] if found else None

    def file(self, host: str, path: str) -> File | None:
        """The file or folder of a host at a path, however that is spelled."""
        found = self.find(File, host=host, key=paths.key(path))
        return found[0] if found else None

    # The journal

    def journal(self, owner: str, host: str, step: str, call: str) -> int:
        """Note how to take a step back, in the transaction that makes it; returns the entry's number."""
        ((n,),) = self._rows("SELECT coalesce(max(n), 0) + 1 FROM journal WHERE owner = ?", (owner,))
        self._rows("INSERT INTO journal VALUES (?, ?, ?, ?, ?)", (owner, n, host, step, call))
        return int(n)

    def forget(self, owner: str, n: int | None = None) -> None:
        """Drop one entry of an owner's journal, or the whole of it and the owner with it."""
        if n is not None:
            self._rows("DELETE FROM journal WHERE owner = ? AND n = ?", (owner, n))
            return
        self._rows("DELETE FROM journal WHERE owner = ?", (owner,))
        self._rows("DELETE FROM owner WHERE id = ?", (owner,))

    def journaled(self, owner: str) -> list[tuple[str, str, str]]:
        """An owner's journal, last entry first: host, step and call."""
        rows = self._rows("SELECT host, step, call FROM journal WHERE owner = ? ORDER BY n DESC", (owner,))
        return [(str(host), str(step), str(call)) for host, step, call in rows]

    def own(self, owner: str, pid: int, started: str | None) -> None:
        """Note that a process is in the middle of a batch, or that it still is."""
        self._rows("INSERT OR REPLACE INTO owner VALUES (?, ?, ?, ?)", (owner, pid, started, time.time()))

    def owners(self) -> list[tuple[str, int, str | None, float]]:
        """Every owner of a journal: its id, process id, start identity, and when it was last heard of."""
        return [(str(a), int(b), c, float(d)) for a, b, c, d in self._rows("SELECT * FROM owner ORDER BY rowid")]


def vm_names(path: Path, host: str) -> list[str]:
    """The names of a host's VMs, for completion; empty when there is no such world."""
    return _column(path, "SELECT name FROM vm WHERE host = ? COLLATE NOCASE ORDER BY name", host)


def switch_names(path: Path, host: str) -> list[str]:
    """The names of a host's switches, for completion; empty when there is no such world."""
    return _column(path, "SELECT name FROM switch WHERE host = ? COLLATE NOCASE ORDER BY name", host)


def host_names(path: Path) -> list[str]:
    """The names of a world's hosts; empty when there is no such world."""
    return _column(path, "SELECT name FROM host ORDER BY rowid")


def _column(path: Path, query: str, *values: str) -> list[str]:
    if not path.exists():
        return []
    try:
        with World(path) as world:
            return [str(value) for (value,) in world._rows(query, values)]
    except HvctlError:
        return []


def _make_room(path: Path) -> None:
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


def _where(entity: Entity) -> tuple[str, list[Any]]:
    columns = KEYS.get(type(entity), ("id",))
    return " AND ".join(f"{column} = ?" for column in columns), [getattr(entity, column) for column in columns]


def _dump(entity: Entity) -> str:
    # What is as its class has it is left out: shorter to write, and much quicker to read.
    return json.dumps({name: value for name, value in vars(entity).items() if not entity.is_default(name, value)})


_ELSEWHERE = "Check the folder's rights and free space, or name another home with HVCTL_HOME."


def _foreign(path: Path) -> HvctlError:
    return HvctlError(f"{path} is not a lab world.", hint="Move it away, or name another home with HVCTL_HOME.")


def _explained(path: Path, error: sqlite3.DatabaseError) -> HvctlError:
    if isinstance(error, sqlite3.OperationalError):
        if "locked" in str(error):
            return ConflictError(f"The lab world {path} is in use by another process.", hint="Try again in a moment.")
        return HvctlError(f"The lab world {path} cannot be used: {error}.", hint=_ELSEWHERE)
    hint = "Run `hvctl lab reset` to start over with a fresh world, or delete the file."
    if error.sqlite_errorname == "SQLITE_NOTADB":
        hint = "It is no world of the lab: move it away, or name another home with HVCTL_HOME."
    return HvctlError(f"The lab world {path} is damaged: {error}.", hint=hint)
