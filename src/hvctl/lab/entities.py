"""What a world holds, as plain records: hosts, VMs with their parts, switches, adapters and files.

A default that a host would choose (New-VM's, mostly) is the default of the field.
"""

from __future__ import annotations

from typing import Any, ClassVar, dataclass_transform

from hvctl.lab import paths

MIB = 1 << 20
GIB = 1 << 30
TIB = 1 << 40


@dataclass_transform(kw_only_default=True)
class Record:
    """A record of named fields, much cheaper to define and to make than a dataclass: every command pays for it."""

    fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        cls.fields = tuple(cls.__annotations__)

    def __init__(self, **values: Any) -> None:  # noqa: ANN401 - each field has its own type
        self.__dict__.update(values)

    @classmethod
    def is_default(cls, name: str, value: object) -> bool:
        """Whether a field has this value unless it is given."""
        return name in cls.__dict__ and cls.__dict__[name] == value and type(cls.__dict__[name]) is type(value)


class Host(Record):
    """A Hyper-V host: what it is and where it puts things."""

    name: str
    number: int
    windows: str
    computer_name: str
    logical_processors: int
    memory: int
    virtual_machine_path: str
    virtual_hard_disk_path: str
    domain: str = "lab.test"
    created: float = 0
    migration_enabled: bool = False
    migration_authentication: str = "CredSSP"
    migration_performance: str = "Compression"
    migration_any_network: bool = False
    migrations: int = 2
    storage_migrations: int = 2
    processor_maker: str = "Intel"
    processor_level: int = 1


class Vm(Record):
    """A virtual machine: its settings, and the state it is in.

    `until` and `target` stand for a state that passes by itself: at `until` of the lab's clock the VM is in `target`.
    `snapshot` is the checkpoint that its present state is based on, `memory_image` names what its memory holds,
    `merging` is whether disks of it are being merged.
    """

    id: str
    host: str
    name: str
    generation: int
    version: str
    path: str
    created: float
    boot_order: list[str]
    startup_order: list[str]
    guest: dict[str, Any]
    state: str = "Off"
    until: float | None = None
    target: str | None = None
    started: float | None = None
    uptime: float = 0
    booted_at: float | None = None
    notes: str = ""
    processors: int = 1
    memory_startup: int = 512 * MIB
    memory_minimum: int = 512 * MIB
    memory_maximum: int = TIB
    dynamic_memory: bool = False
    memory_assigned: int = 0
    start_action: str = "StartIfRunning"
    start_delay: int = 0
    stop_action: str = "Save"
    critical_error_action: str = "Pause"
    critical_error_timeout: int = 30
    checkpoint_type: str = "Production"
    automatic_checkpoints: bool = False
    lock_on_disconnect: str = "Off"
    guest_controlled_cache_types: bool = False
    low_mmio: int = 128 * MIB
    high_mmio: int = 512 * MIB
    snapshot_location: str = ""
    smart_paging_path: str = ""
    secure_boot: str = "On"
    secure_boot_template: str = "MicrosoftWindows"
    network_boot_protocol: str = "IPv4"
    console_mode: str = "Default"
    pause_after_boot_failure: str = "Off"
    num_lock: bool = True
    snapshot: str | None = None
    memory_image: str | None = None
    merging: bool = False
    migration_compatible: bool = False

    def settle(self, now: float) -> None:
        """Let a state that passes by itself have passed."""
        if self.until is not None and now >= self.until and self.target is not None:
            self.state, self.until, self.target = self.target, None, None
            if self.state == "Off":
                self.started, self.uptime, self.memory_assigned, self.booted_at = None, 0, 0, None
                self.memory_image = None


class Nic(Record):
    """A network adapter of a VM."""

    id: str
    host: str
    vm: str
    allowed_vlans: list[int]
    secondary_vlans: list[int]
    name: str = "Network Adapter"
    legacy: bool = False
    switch: str | None = None
    mac: str = "000000000000"
    dynamic_mac: bool = True
    vlan_mode: str = "Untagged"
    vlan: int = 0
    native_vlan: int = 0
    private_vlan_mode: str | None = None
    primary_vlan: int = 0
    secondary_vlan: int = 0


class Drive(Record):
    """A hard disk or DVD drive of a VM: where it is plugged in and what is in it."""

    id: str
    host: str
    vm: str
    kind: str
    controller: str
    number: int
    location: int
    path: str | None = None

    @property
    def key(self) -> str | None:
        """The path folded for comparison."""
        return None if self.path is None else paths.key(self.path)


class Snapshot(Record):
    """A checkpoint of a VM: its settings and parts as they were, and the disks that were frozen for it.

    `type` is its SnapshotType; `frozen` holds the VM's fields, `drives` and `nics` those of its parts.
    """

    id: str
    host: str
    vm: str
    name: str
    created: float
    frozen: dict[str, Any]
    drives: list[dict[str, Any]]
    nics: list[dict[str, Any]]
    parent: str | None = None
    state: str = "Off"
    type: str = "Standard"
    automatic: bool = False


class Merge(Record):
    """A differencing disk that is being merged into its parent, until a moment of the lab's clock."""

    id: str
    host: str
    vm: str
    path: str
    until: float


class Planned(Record):
    """A planned VM: what a move makes on its destination first, and leaves there when it breaks off.

    `mover` is the process that is moving it, None when nobody is; `until` is when that one is to be heard of again.
    """

    id: str
    host: str
    name: str
    source: str
    created: float
    mover: dict[str, Any] | None = None
    until: float = 0


class Switch(Record):
    """A virtual switch; with an adapter it is external, with a port for the host alone internal, else private."""

    id: str
    host: str
    name: str
    notes: str = ""
    adapter: str | None = None
    management: bool = False
    bandwidth_mode: str = "Absolute"
    iov: bool = False
    packet_direct: bool = False
    created: float = 0

    @property
    def type(self) -> str:
        """Private, Internal or External, derived from its ports as Hyper-V does."""
        if self.adapter is not None:
            return "External"
        return "Internal" if self.management else "Private"


class Adapter(Record):
    """A physical network adapter of a host."""

    id: str
    host: str
    name: str
    description: str
    mac: str


class File(Record):
    """A file or folder of a host; `key` is its path folded for comparison."""

    host: str
    key: str
    path: str
    kind: str
    disk: dict[str, Any]
    size: int = 0

    @property
    def parent(self) -> str | None:
        """The key of the disk that this one differs from."""
        return paths.key(self.disk["parent"]) if self.disk.get("parent") else None


Entity = Record
"""What a world can hold; schema.TABLES lists the kinds."""
