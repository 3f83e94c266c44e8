"""The world's state: entities, settings, the clock, identifiers, and the journal of unfinished batches.

The rows behind them are in SQLite; `database` speaks to it, and nothing outside of the two knows SQL.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from hvctl.errors import HvctlError
from hvctl.lab import paths
from hvctl.lab.database import ELSEWHERE, Database, make_room
from hvctl.lab.entities import Entity, File, Vm
from hvctl.lab.schema import KEYS, STATEMENTS, TABLES
from hvctl.lab.settings import DEFAULTS, guid

E = TypeVar("E", bound=Entity)


class World(Database):
    """One open world: read and change it within `transaction()`; close it when done.

    Every process and thread opens its own. Times are seconds since the Unix epoch on the lab's clock. Whatever SQLite
    raises becomes an HvctlError.

    Attributes:
        path: The world's file.
        delegates: Whether the login that works on the open world can be handed on from host to host, as one at the
            console can.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.delegates = True
        self._settings: dict[str, Any] | None = None
        self._clock: float | None = None

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
                make_room(path)
        except OSError as error:
            raise HvctlError(f"The lab world {path} cannot be used: {error.strerror}.", hint=ELSEWHERE) from None
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

    def _forget_read(self) -> None:
        self._settings = self._clock = None

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
        self._rows(f"UPDATE {table} SET {changes} WHERE {where}", (*values, _dump(entity), *key))  # noqa: S608 - own names

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
            for entity in found:
                if isinstance(entity, Vm):
                    entity.settle(now)
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


def _where(entity: Entity) -> tuple[str, list[Any]]:
    columns = KEYS.get(type(entity), ("id",))
    return " AND ".join(f"{column} = ?" for column in columns), [getattr(entity, column) for column in columns]


def _dump(entity: Entity) -> str:
    # What is as its class has it is left out: shorter to write, and much quicker to read.
    return json.dumps({name: value for name, value in vars(entity).items() if not entity.is_default(name, value)})
