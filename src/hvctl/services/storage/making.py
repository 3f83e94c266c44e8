"""Creates pools, virtual disks and volumes on one host: reads what the plan must know, has it made and run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hvctl.errors import ConflictError, OutcomeUnknownError
from hvctl.models.storage import (
    CreatedStorage,
    PhysicalDisk,
    StoragePool,
    StorageVirtualDisk,
    StorageVirtualDiskDetails,
    Volume,
)
from hvctl.models.storage_create import LAYOUTS, PoolCreate, StorageCreate, VirtualDiskCreate, VolumeCreate
from hvctl.powershell.batch import Batch
from hvctl.services.failures import failure_of, read, with_sight
from hvctl.services.names import folded
from hvctl.services.selection import Selection
from hvctl.services.storage import create
from hvctl.services.storage.create import Making
from hvctl.services.storage.layout import capacity, ceiling, choose_disks, described
from hvctl.services.storage.read import PoolState, VirtualDiskState, plan_pools, plan_virtual_disks
from hvctl.services.storage.service import StorageService
from hvctl.transports.result import Result
from hvctl.transports.session import Session
from hvctl.units import format_size

_SUBSYSTEM = "WINDOWS STORAGE"
_WHAT = {
    "pool": "the pool was not made",
    "virtual_disk": "the virtual disk was not made",
    "disk": "Windows does not see the virtual disk",
    "initialize": "the disk was not initialised",
    "partition": "the partition was not made",
    "format": "the volume was not formatted",
}
"""What failed, by step id."""


class AlreadyThere(ConflictError):
    """What was to be created has a name that is taken."""

    def __init__(self, noun: str, state: PoolState, *, made: bool = True) -> None:
        super().__init__(
            f"A {noun} called '{state.name}' exists already.",
            host=state.host,
            object_name=state.name,
            hint="Choose another name" + (", or add --exist-ok to be shown what is there." if made else "."),
        )
        self.state = state
        self.made = made


class HasVolume(ConflictError):
    """The virtual disk that a volume was to be made on has one."""

    def __init__(self, state: VirtualDiskState) -> None:
        super().__init__(
            f"'{state.name}' has a volume already.",
            host=state.host,
            object_name=state.name,
            hint="Add --exist-ok to be shown what is there.",
        )
        self.state = state


class StorageMaking:
    """Makes Storage Spaces on the host that a session talks to.

    Args:
        session: The host.
        timeout: Seconds that a command may take; None for no limit.
    """

    def __init__(self, session: Session, *, timeout: float | None = 600.0) -> None:
        self._session = session
        self._timeout = timeout
        self.service = StorageService(session, timeout=timeout)

    @property
    def host(self) -> str:
        """The host's name."""
        return self._session.host

    def plan_pool(self, spec: PoolCreate) -> Making:
        """What makes a pool.

        Raises:
            ConflictError: The name is taken, or the disks will not do.
        """
        look = self._look()
        self._require_free_pool(spec.name, look)
        disks = choose_disks(spec.disks, LAYOUTS["simple"], PhysicalDisk.read(self.host, look.of("disks")), self.host)
        batch = create.plan_pool(spec, disks, self._subsystem(look))
        raw = format_size(sum(disk.size for disk in disks))
        note = f"Pool '{spec.name}' of {described(disks)}: {raw} raw."
        return Making(batch, _messages(spec.name), (note,))

    def plan_virtual_disk(self, spec: VirtualDiskCreate) -> Making:
        """What makes a virtual disk in a pool.

        Raises:
            NotFoundError: There is no such pool.
            ConflictError: The name is taken, or the pool has no room.
        """
        for space in self._virtual_disks():
            if folded(space.name) == folded(spec.name):
                raise AlreadyThere("virtual disk", space)
        pool = self.service.pool_states(Selection.of(spec.pool))[0]
        notes = self._require_room(spec, pool)
        return Making(create.plan_virtual_disk(spec, pool), _messages(spec.name), notes)

    def plan_volume(self, spec: VolumeCreate) -> Making:
        """What makes a volume of all of a virtual disk.

        Raises:
            NotFoundError: There is no such virtual disk.
            HasVolume: It has one already.
            ConflictError: It is offline, or the letter is taken.
        """
        space = self.service.virtual_disk_states(Selection.of(spec.virtual_disk))[0]
        look = read(self._session, create.plan_volume_look(space.id), timeout=self._timeout)
        disks = look.of("disk")
        if not disks or disks[0]["OperationalStatus"] in ("Offline", ["Offline"]):
            raise self._conflict(f"Windows does not reach '{space.name}'.", space.name, "hvctl storage health")
        taken = [record for record in look.of("partitions") if record["Type"] not in ("Reserved", "Unknown")]
        if taken:
            raise HasVolume(space)
        self._require_letter(spec.letter, look)
        spec = spec if spec.label is not None else spec.model_copy(update={"label": space.name[:32]})
        raw = disks[0]["PartitionStyle"] in ("RAW", 0, "0")
        note = f"The volume {spec.letter}: takes all of '{space.name}', {format_size(space.size)} before formatting."
        return Making(create.plan_volume(spec, space.id, raw=raw), _messages(space.name), (note,))

    def plan_storage(self, spec: StorageCreate) -> Making:
        """What makes a pool, a virtual disk and a volume in one.

        Raises:
            ConflictError: A name or the letter is taken, the disks will not do, or they are too small.
        """
        look = self._look()
        spaces = VirtualDiskState.read(self.host, look.of("virtual_disks"))
        there = next((space for space in spaces if folded(space.name) == folded(spec.name)), None)
        if there is not None:
            raise AlreadyThere("virtual disk", there)
        self._require_free_pool(spec.name, look, made=False)
        self._require_letter(spec.volume, look)
        disks = choose_disks(spec.disks, spec.layout, PhysicalDisk.read(self.host, look.of("disks")), self.host)
        notes = self._promise(spec, disks)
        return Making(create.plan_storage(spec, disks, self._subsystem(look)), _messages(spec.name), notes)

    def make(self, making: Making, name: str) -> Result:
        """Run what makes something; when a step fails, what was made by then is taken back.

        Raises:
            HvctlError: A step failed; what could not be taken back is named.
        """
        look = Batch((*plan_pools(PoolState).steps, *plan_virtual_disks(VirtualDiskState).steps))
        try:
            result = self._session.run(making.batch, timeout=self._timeout, look=look)
        except OutcomeUnknownError as error:
            raise with_sight(error, _sight(error, name)) from error
        self._check(making, name, result)
        return result

    def foresee(self, making: Making, name: str) -> None:
        """Run the checks and nothing else, as a dry run does."""
        self._check(making, name, self._session.run(making.batch.reading(), timeout=self._timeout))

    def pool_of(self, result: Result) -> StoragePool:
        """The pool that was made."""
        return StoragePool.read(self.host, result.of("pool"))[0]

    def virtual_disk_of(self, result: Result) -> StorageVirtualDisk:
        """The virtual disk that was made."""
        return StorageVirtualDisk.read(self.host, result.of("virtual_disk"))[0]

    def volume_of(self, result: Result) -> Volume:
        """The volume that was made."""
        return Volume.read(self.host, result.of("details"))[0]

    def storage_of(self, name: str, result: Result) -> CreatedStorage:
        """All that was made, as it is now."""
        space = StorageVirtualDisk.read(self.host, result.of("disk_now"))[0]
        return CreatedStorage(
            id=space.id,
            name=name,
            host=self.host,
            pool=StoragePool.read(self.host, result.of("pool_now"))[0],
            virtual_disk=space,
            volume=self.volume_of(result),
        )

    def existing_storage(self, state: PoolState) -> CreatedStorage:
        """The virtual disk of that name with its pool and its volume, as they are.

        Raises:
            ConflictError: It has no volume, or its pool cannot be seen: it is something else than what was asked for.
        """
        shown = self._with_volume(state)
        pools = [pool for pool in self.service.pools() if pool.name == shown.pool]
        if not pools:
            raise self._conflict(f"'{state.name}' is there, but not its pool.", state.name, None)
        fields: dict[str, Any] = {name: getattr(shown, name) for name in StorageVirtualDisk.model_fields}
        space = StorageVirtualDisk.model_construct(**fields)
        return CreatedStorage(
            id=state.id, name=state.name, host=self.host, pool=pools[0], virtual_disk=space, volume=shown.volumes[0]
        )

    def existing_volume(self, state: PoolState) -> Volume:
        """The volume of a virtual disk, as it is.

        Raises:
            ConflictError: Windows has a partition on it, and no volume.
        """
        return self._with_volume(state).volumes[0]

    def _with_volume(self, state: PoolState) -> StorageVirtualDiskDetails:
        shown = self.service.show_virtual_disks(Selection.of(state.id))[0]
        if not shown.volumes:
            raise self._conflict(f"'{state.name}' is there, but without a volume.", state.name, None)
        return shown

    def _look(self) -> Result:
        return read(self._session, create.plan_look(), timeout=self._timeout)

    def _virtual_disks(self) -> Sequence[VirtualDiskState]:
        result = read(self._session, plan_virtual_disks(VirtualDiskState), timeout=self._timeout)
        return VirtualDiskState.read(self.host, result.of("virtual_disks"))

    def _require_free_pool(self, name: str, look: Result, *, made: bool = True) -> None:
        for pool in PoolState.read(self.host, look.of("pools")):
            if folded(pool.name) == folded(name):
                raise AlreadyThere("storage pool", pool, made=made)

    def _require_letter(self, letter: str, look: Result) -> None:
        if any(str(record["DriveLetter"] or "").upper() == letter for record in look.of("volumes")):
            hint = "Choose another. Those taken: hvctl storage volume list"
            raise self._conflict(f"The drive letter {letter}: is taken on {self.host}.", f"{letter}:", hint)

    def _subsystem(self, look: Result) -> str:
        """The id of the subsystem of the host's own storage; a cluster and a storage array have others."""
        known = look.of("subsystems")
        own = [record for record in known if folded(record["FriendlyName"] or "").startswith(_SUBSYSTEM)]
        chosen = own if own else known
        if len(chosen) != 1:
            raise self._conflict(f"{self.host} has {len(chosen)} storage subsystems to choose from.", None, None)
        return str(chosen[0]["UniqueId"])

    def _promise(self, spec: StorageCreate, disks: Sequence[PhysicalDisk]) -> tuple[str, ...]:
        most, about = ceiling(disks, spec.layout), capacity(disks, spec.layout, spec.columns)
        if spec.size is not None and spec.size > most and spec.provisioning == "Fixed":
            raise self._conflict(
                f"{format_size(spec.size)} of {spec.resiliency} does not fit on {described(disks)}: about "
                f"{format_size(about)} at most.",
                spec.name,
                "Choose a smaller size, or --size max.",
            )
        size = "all of it" if spec.size is None else format_size(spec.size)
        room = (
            f"Pool '{spec.name}' of {described(disks)}, {spec.resiliency}: room for about {format_size(about)}; the "
            f"volume {spec.volume}: takes {size}, a little less after formatting."
        )
        return (room, *_overcommitted(spec, about))

    def _require_room(self, spec: VirtualDiskCreate, pool: PoolState) -> tuple[str, ...]:
        """What the pool itself says of its room; a redundancy of two it computes only when the disk is made."""
        look = read(self._session, create.plan_pool_look(pool.id, spec.layout.setting), timeout=self._timeout)
        most = next((record["VirtualDiskSizeMax"] for record in look.of("sizes")), None)
        fixed = spec.provisioning == "Fixed" and spec.layout.redundancy < 2 and spec.columns is None
        if most is not None and fixed and (most == 0 or (spec.size or 0) > most):
            words = f"has room for about {format_size(most)} of {spec.resiliency}" if most else "has too few disks"
            raise self._conflict(f"'{pool.name}' {words}.", spec.name, "hvctl storage pool show")
        room = "an unknown amount" if most is None else f"about {format_size(most)}"
        return (f"'{pool.name}' has room for {room} of {spec.layout.setting.lower()}.", *_overcommitted(spec, most))

    def _conflict(self, words: str, name: str | None, hint: str | None) -> ConflictError:
        return ConflictError(words, host=self.host, object_name=name, hint=hint)

    def _check(self, making: Making, name: str, result: Result) -> None:
        record = result.failure
        if result.ok or record is None:
            return
        message = making.messages.get(record.step or "", f"'{name}' was not created")
        raise failure_of(record, result, host=self.host, object_name=name, message=message)


def _overcommitted(spec: StorageCreate | VirtualDiskCreate, room: int | None) -> tuple[str, ...]:
    """What there is to know of a thin disk that is larger than its pool."""
    if spec.provisioning == "Fixed" or room is None or spec.size is None or spec.size <= room:
        return ()
    return (
        f"{format_size(spec.size)} are more than there is: when the pool is full, the host takes the disk offline.",
    )


def _messages(name: str) -> dict[str, str]:
    return {step: f"'{name}' was not created: {words}" for step, words in _WHAT.items()}


def _sight(error: OutcomeUnknownError, name: str) -> str | None:
    if error.seen is None:
        return None
    there = []
    for step, noun in (("pools", "pool"), ("virtual_disks", "virtual disk")):
        found = any(folded(record["FriendlyName"] or "") == folded(name) for record in error.seen.get(step, ()))
        there.append(f"the {noun} '{name}' is {'there' if found else 'not there'}")
    return ", ".join(there)
