"""The tables of a world and which entities live in them."""

from __future__ import annotations

from typing import Any

from hvctl.lab.entities import Adapter, Drive, File, Host, Merge, Nic, Planned, Snapshot, Switch, Vm
from hvctl.lab.spaces import Partition, PhysicalDisk, Pool, StorageJob, VirtualDisk

APPLICATION = 0x68766C61
"""What the header of a world's file calls its application: "hvla"."""
VERSION = 2
TABLES: dict[type[Any], tuple[str, tuple[str, ...]]] = {
    Host: ("host", ("name",)),
    Vm: ("vm", ("id", "host", "name")),
    Nic: ("nic", ("id", "host", "vm")),
    Drive: ("drive", ("id", "host", "vm", "key")),
    Snapshot: ("snapshot", ("id", "host", "vm")),
    Merge: ("merge", ("id", "host", "vm")),
    Planned: ("planned", ("host", "id")),
    Switch: ("switch", ("id", "host", "name")),
    Adapter: ("adapter", ("id", "host", "name")),
    File: ("file", ("host", "key", "parent")),
    PhysicalDisk: ("physical_disk", ("id", "host", "name")),
    Pool: ("pool", ("id", "host", "name")),
    VirtualDisk: ("virtual_disk", ("id", "host", "pool")),
    Partition: ("partition", ("id", "host", "disk")),
    StorageJob: ("storage_job", ("id", "host", "disk")),
}
"""The table of each kind of entity, and its columns; after them stands `data`, the whole entity as JSON."""
KEYS: dict[type[Any], tuple[str, ...]] = {Host: ("name",), File: ("host", "key"), Planned: ("host", "id")}
"""The columns that tell an entity of a kind from others, where that is not its id."""
STATEMENTS = (
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    "CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE host(name TEXT PRIMARY KEY COLLATE NOCASE, data TEXT NOT NULL)",
    "CREATE TABLE vm(id TEXT PRIMARY KEY, host TEXT NOT NULL, name TEXT NOT NULL, data TEXT NOT NULL)",
    "CREATE INDEX vm_name ON vm(host, name)",
    "CREATE TABLE nic(id TEXT PRIMARY KEY, host TEXT NOT NULL, vm TEXT NOT NULL, data TEXT NOT NULL)",
    "CREATE INDEX nic_vm ON nic(vm)",
    "CREATE TABLE drive(id TEXT PRIMARY KEY, host TEXT NOT NULL, vm TEXT NOT NULL, key TEXT, data TEXT NOT NULL)",
    "CREATE INDEX drive_vm ON drive(vm)",
    "CREATE INDEX drive_key ON drive(key)",
    "CREATE TABLE snapshot(id TEXT PRIMARY KEY, host TEXT NOT NULL, vm TEXT NOT NULL, data TEXT NOT NULL)",
    "CREATE INDEX snapshot_vm ON snapshot(vm)",
    "CREATE TABLE merge(id TEXT PRIMARY KEY, host TEXT NOT NULL, vm TEXT NOT NULL, data TEXT NOT NULL)",
    "CREATE TABLE planned(host TEXT NOT NULL, id TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY(host, id))",
    "CREATE TABLE switch(id TEXT PRIMARY KEY, host TEXT NOT NULL, name TEXT NOT NULL, data TEXT NOT NULL)",
    "CREATE TABLE adapter(id TEXT PRIMARY KEY, host TEXT NOT NULL, name TEXT NOT NULL, data TEXT NOT NULL)",
    "CREATE TABLE file(host TEXT NOT NULL, key TEXT NOT NULL, parent TEXT, data TEXT NOT NULL, PRIMARY KEY(host, key))",
    "CREATE INDEX file_parent ON file(parent)",
    "CREATE TABLE physical_disk(id TEXT PRIMARY KEY, host TEXT NOT NULL, name TEXT NOT NULL, data TEXT NOT NULL)",
    "CREATE TABLE pool(id TEXT PRIMARY KEY, host TEXT NOT NULL, name TEXT NOT NULL, data TEXT NOT NULL)",
    "CREATE TABLE virtual_disk(id TEXT PRIMARY KEY, host TEXT NOT NULL, pool TEXT NOT NULL, data TEXT NOT NULL)",
    "CREATE TABLE partition(id TEXT PRIMARY KEY, host TEXT NOT NULL, disk TEXT NOT NULL, data TEXT NOT NULL)",
    "CREATE TABLE storage_job(id TEXT PRIMARY KEY, host TEXT NOT NULL, disk TEXT NOT NULL, data TEXT NOT NULL)",
    "CREATE TABLE owner(id TEXT PRIMARY KEY, pid INTEGER NOT NULL, started TEXT, heartbeat REAL NOT NULL)",
    "CREATE TABLE journal(owner TEXT, n INTEGER, host TEXT NOT NULL, step TEXT NOT NULL, call TEXT NOT NULL)",
    "CREATE UNIQUE INDEX journal_entry ON journal(owner, n)",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {VERSION}",
)
"""What makes an empty file an empty world."""
