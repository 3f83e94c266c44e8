"""The world's state in SQLite: entities, settings, the clock, identifiers, and the journal of unfinished batches.

Every change is a `BEGIN IMMEDIATE` transaction, so parallel processes queue up and a killed one leaves either all of a
statement's step or nothing. The only module that knows SQL.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from hvctl.errors import ConflictError, HvctlError
from hvctl.lab import paths
from hvctl.lab.entities import Adapter, Drive, Entity, File, Host, Nic, Switch, Vm

APPLICATION = 0x68766C61
SCHEMA = 1
EPOCH = 1735689600.0
"""Where every world's clock starts: 2025-01-01T00:00:00Z."""
TICK = 1.0
"""Seconds by which the lab's clock advances with every step that changes something."""

DEFAULTS: Mapping[str, Any] = {
    "rights": True,
    "get_vm_without_rights": "empty",
    "error_ids": {},
    "default_startup_memory": 512 << 20,
    "new_vhd_creates_folder": False,
    "stop_force_turns_off": True,
    "pace": 0,
    "guest": {},
}
"""What can be set in a world, and how it is otherwise; docs/lab.md says what each means."""

_TABLES: dict[type[Any], tuple[str, tuple[str, ...]]] = {
    Host: ("host", ("name",)),
    Vm: ("vm", ("id", "host", "name")),
    Nic: ("nic", ("id", "host", "vm")),
    Drive: ("drive", ("id", "host", "vm")),
    Switch: ("switch", ("id", "host", "name")),
    Adapter: ("adapter", ("id", "host", "name")),
    File: ("file", ("host", "key")),
}
_KEYS = {Host: ("name",), File: ("host", "key")}
_SCHEMA_SQL = f"""
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE host(name TEXT PRIMARY KEY COLLATE NOCASE, data TEXT NOT NULL);
CREATE TABLE vm(id TEXT PRIMARY KEY, host TEXT NOT NULL REFERENCES host(name), name TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX vm_name ON vm(host, name);
CREATE TABLE nic(id TEXT PRIMARY KEY, host TEXT NOT NULL, vm TEXT NOT NULL REFERENCES vm(id), data TEXT NOT NULL);
CREATE INDEX nic_vm ON nic(vm);
CREATE TABLE drive(id TEXT PRIMARY KEY, host TEXT NOT NULL, vm TEXT NOT NULL REFERENCES vm(id), data TEXT NOT NULL);
CREATE INDEX drive_vm ON drive(vm);
CREATE TABLE switch(id TEXT PRIMARY KEY, host TEXT NOT NULL REFERENCES host(name), name TEXT NOT NULL,
  data TEXT NOT NULL);
CREATE TABLE adapter(id TEXT PRIMARY KEY, host TEXT NOT NULL REFERENCES host(name), name TEXT NOT NULL,
  data TEXT NOT NULL);
CREATE TABLE file(host TEXT NOT NULL REFERENCES host(name), key TEXT NOT NULL, data TEXT NOT NULL,
  PRIMARY KEY(host, key));
CREATE TABLE owner(id TEXT PRIMARY KEY, pid INTEGER NOT NULL, started TEXT, heartbeat REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE journal(owner TEXT NOT NULL REFERENCES owner(id), n INTEGER NOT NULL, host TEXT NOT NULL,
  step TEXT NOT NULL, call TEXT NOT NULL, PRIMARY KEY(owner, n)) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {SCHEMA};
"""

E = TypeVar("E", bound=Entity)


class World:
    """One open world: read and change it within `transaction()`; close it when done.

    Every process and thread opens its own. Times are seconds since the Unix epoch on the lab's clock.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._db = connection
        self._settings: dict[str, Any] | None = None
        self._clock: float | None = None
        self._serial = 0

    # ---- opening and closing

    @classmethod
    def open(cls, path: Path) -> World:
        """Open the world at `path`, made as the default world if there is none; undo what dead owners left.

        Raises:
            HvctlError: The file is no world, is damaged, or is of another hvctl.
        """
        from hvctl.lab import seeds

        if not path.exists():
            seeds.create(path)
        world = cls(path, _connect(path))
        try:
            if world._is_empty():
                seeds.create(path)
            world._check()
            if world._db.execute("SELECT 1 FROM owner").fetchone():
                from hvctl.lab import recovery

                recovery.recover(world)
        except sqlite3.DatabaseError as error:
            world.close()
            raise _damaged(path, error) from None
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
        path.parent.mkdir(parents=True, exist_ok=True)
        _make_room(path)
        world = cls(path, _connect(path))
        try:
            world._write_ahead()
            with world.transaction():
                if keep and not world._is_empty():
                    yield None
                    return
                world._rebuild()
                yield world
        except sqlite3.DatabaseError as error:
            raise _damaged(path, error) from None
        finally:
            world.close()

    def _write_ahead(self) -> None:
        # SQLite does not wait its turn for this one statement, however long its time-out is.
        for attempt in range(200):
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError:
                if attempt == 199:
                    raise
                time.sleep(0.05)

    def _rebuild(self) -> None:
        for name in self._tables():
            self._db.execute(f'DROP TABLE "{name}"')
        for statement in _SCHEMA_SQL.split(";\n"):
            self._db.execute(statement)

    def _tables(self) -> list[str]:
        rows = self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        return [str(name) for (name,) in rows]

    def _is_empty(self) -> bool:
        return self._db.execute("PRAGMA application_id").fetchone()[0] == 0 and not self._tables()

    def close(self) -> None:
        """Close the file; an open transaction is rolled back."""
        self._db.close()

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _check(self) -> None:
        application = self._db.execute("PRAGMA application_id").fetchone()[0]
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION:
            raise _foreign(self.path)
        if version != SCHEMA:
            raise HvctlError(
                f"The lab world {self.path} is of another version of hvctl: its schema is {version}, not {SCHEMA}.",
                hint="Run `hvctl lab reset` to start over with a fresh world.",
            )

    # ---- transactions

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
        try:
            self._db.execute("BEGIN" if reading else "BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise ConflictError(f"The lab world {self.path} is in use by another process.") from None
            raise
        self._settings = self._clock = None
        self._serial += 1

    def commit(self) -> None:
        """Keep the changes since `begin`."""
        self._clock = None
        self._db.execute("COMMIT")

    def rollback(self) -> None:
        """Drop the changes since `begin`; without effect outside a transaction."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._settings = self._clock = None

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
        self._db.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            if self._serial == serial and self._db.in_transaction:
                self._db.execute("ROLLBACK TO attempt")
                self._db.execute("RELEASE attempt")
                self._settings = self._clock = None
            raise
        if self._serial == serial:
            self._db.execute("RELEASE attempt")

    def trace(self, callback: Callable[[str], object] | None) -> None:
        """Call `callback` with every SQL statement before it runs."""
        self._db.set_trace_callback(callback)

    # ---- settings, clock, identifiers

    def setting(self, name: str) -> Any:  # noqa: ANN401 - a setting is any JSON value
        """A setting of this world, or its default."""
        if self._settings is None:
            rows = self._db.execute("SELECT name, value FROM setting")
            self._settings = {key: json.loads(value) for key, value in rows}
        return self._settings.get(name, DEFAULTS[name])

    def configure(self, name: str, value: Any) -> None:  # noqa: ANN401 - a setting is any JSON value
        """Change a setting.

        Raises:
            KeyError: No setting has that name.
        """
        if name not in DEFAULTS:
            raise KeyError(name)
        self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, json.dumps(value)))
        self._settings = None

    def meta(self, key: str) -> Any:  # noqa: ANN401 - text or a number
        """A fact about the world itself: its kind, seed or Windows version."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def set_meta(self, key: str, value: str | float) -> None:
        """Note a fact about the world itself."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

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

    def advance(self, seconds: float) -> None:
        """Move the lab's clock on."""
        self.set_clock(self.now() + seconds)

    def set_clock(self, moment: float) -> None:
        """Set the lab's clock to a moment."""
        self._clock = None
        self.set_meta("clock", moment)
        self.set_meta("clock_read", time.time())

    def new_id(self, kind: str) -> str:
        """A GUID that follows from the seed and a counter: the same world played twice has the same ids."""
        import hashlib

        counter = int(self.meta("counter")) + 1
        self.set_meta("counter", counter)
        digest = hashlib.sha256(f"{self.meta('seed')}/{kind}/{counter}".encode()).hexdigest()
        variant = "89ab"[int(digest[16], 16) % 4]
        return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"

    # ---- entities

    def add(self, entity: Entity) -> None:
        """Put a new entity into the world."""
        table, columns = _TABLES[type(entity)]
        values = [getattr(entity, column) for column in columns]
        marks = ", ".join("?" * (len(columns) + 1))
        self._db.execute(f"INSERT INTO {table} VALUES ({marks})", (*values, _dump(entity)))  # noqa: S608 - own names

    def save(self, entity: Entity) -> None:
        """Write an entity's changes."""
        table, columns = _TABLES[type(entity)]
        key = _KEYS.get(type(entity), ("id",))
        changes = ", ".join(f"{column} = ?" for column in (*columns, "data"))
        where = " AND ".join(f"{column} = ?" for column in key)
        values = [getattr(entity, column) for column in columns]
        self._db.execute(
            f"UPDATE {table} SET {changes} WHERE {where}",  # noqa: S608 - own names
            (*values, _dump(entity), *(getattr(entity, column) for column in key)),
        )

    def remove(self, entity: Entity) -> None:
        """Take an entity out of the world."""
        table, _columns = _TABLES[type(entity)]
        key = _KEYS.get(type(entity), ("id",))
        where = " AND ".join(f"{column} = ?" for column in key)
        self._db.execute(f"DELETE FROM {table} WHERE {where}", [getattr(entity, column) for column in key])  # noqa: S608

    def find(self, kind: type[E], **columns: str) -> list[E]:
        """The entities of a kind whose columns have these values, in the order they came into the world."""
        table, _columns = _TABLES[kind]
        where = " AND ".join(f"{column} = ?" for column in columns) or "1"
        rows = self._db.execute(
            f"SELECT data FROM {table} WHERE {where} ORDER BY rowid",  # noqa: S608 - own names
            list(columns.values()),
        )
        found = [kind(**json.loads(data)) for (data,) in rows]
        if kind is Vm:
            now = self.now()
            for vm in found:
                settle(vm, now)  # type: ignore[arg-type] # kind is Vm here
        return found

    def get(self, kind: type[E], key: str) -> E | None:
        """The entity of a kind with this id or name; None when it is gone."""
        column = _KEYS.get(kind, ("id",))[-1]
        found = self.find(kind, **{column: key})
        return found[0] if found else None

    def file(self, host: str, path: str) -> File | None:
        """The file or folder of a host at a path, however that is spelled."""
        found = self.find(File, host=host, key=paths.key(path))
        return found[0] if found else None

    # ---- the journal

    def journal(self, owner: str, host: str, step: str, call: str) -> int:
        """Note how to take a step back, in the transaction that makes it; returns the entry's number."""
        n = int(self._db.execute("SELECT coalesce(max(n), 0) + 1 FROM journal WHERE owner = ?", (owner,)).fetchone()[0])
        self._db.execute("INSERT INTO journal VALUES (?, ?, ?, ?, ?)", (owner, n, host, step, call))
        return n

    def forget(self, owner: str, n: int | None = None) -> None:
        """Drop one entry of an owner's journal, or the whole of it and the owner with it."""
        if n is not None:
            self._db.execute("DELETE FROM journal WHERE owner = ? AND n = ?", (owner, n))
            return
        self._db.execute("DELETE FROM journal WHERE owner = ?", (owner,))
        self._db.execute("DELETE FROM owner WHERE id = ?", (owner,))

    def journaled(self, owner: str) -> list[tuple[int, str, str, str]]:
        """An owner's journal, last entry first: number, host, step, call."""
        rows = self._db.execute("SELECT n, host, step, call FROM journal WHERE owner = ? ORDER BY n DESC", (owner,))
        return [(int(n), str(host), str(step), str(call)) for n, host, step, call in rows]

    def own(self, owner: str, pid: int, started: str | None) -> None:
        """Note that a process is in the middle of a batch, or that it still is."""
        self._db.execute("INSERT OR REPLACE INTO owner VALUES (?, ?, ?, ?)", (owner, pid, started, time.time()))

    def owners(self) -> list[tuple[str, int, str | None, float]]:
        """Every owner of a journal: its id, process id, start identity, and when it was last heard of."""
        return [(str(a), int(b), c, float(d)) for a, b, c, d in self._db.execute("SELECT * FROM owner")]


def settle(vm: Vm, now: float) -> None:
    """Let a state that passes by itself have passed."""
    if vm.until is not None and now >= vm.until and vm.target is not None:
        vm.state, vm.until, vm.target = vm.target, None, None
        if vm.state == "Off":
            vm.started, vm.uptime, vm.memory_assigned, vm.booted_at = None, 0, 0, None


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
        connection = _connect(path)
    except HvctlError:
        return []
    try:
        return [str(row[0]) for row in connection.execute(query, values)]
    except sqlite3.DatabaseError:
        return []
    finally:
        connection.close()


def _connect(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.DatabaseError as error:
        raise _damaged(path, error) from None
    return connection


def _make_room(path: Path) -> None:
    """Delete a damaged world, so that a fresh one can take its place; refuse to overwrite anything else."""
    head = path.open("rb").read(100) if path.exists() else b""
    if not head:
        return
    if head[:16] != b"SQLite format 3\0" or head[68:72] not in (APPLICATION.to_bytes(4, "big"), bytes(4)):
        raise _foreign(path)
    connection = _connect(path)
    try:
        connection.execute("PRAGMA quick_check").fetchone()
    except sqlite3.DatabaseError:
        for end in ("", "-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
    finally:
        connection.close()


def _foreign(path: Path) -> HvctlError:
    return HvctlError(f"{path} is not a lab world.", hint="Move it away, or name another home with HVCTL_HOME.")


def _dump(entity: Entity) -> str:
    return json.dumps({name: getattr(entity, name) for name in entity.fields}, separators=(",", ":"))


def _damaged(path: Path, error: sqlite3.DatabaseError) -> HvctlError:
    return HvctlError(
        f"The lab world {path} cannot be read: {error}.",
        hint="Delete the file, or run `hvctl lab reset` to start over with a fresh world.",
    )
