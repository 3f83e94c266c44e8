"""Disks, pools, virtual disks, volumes and jobs of one host."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from hvctl.errors import AccessError, NotFoundError, TimedOutError
from hvctl.models.base import Record
from hvctl.models.storage import (
    HealthFinding,
    PhysicalDisk,
    PhysicalDiskDetails,
    StorageJob,
    StoragePool,
    StoragePoolDetails,
    StorageVirtualDisk,
    StorageVirtualDiskDetails,
    Volume,
)
from hvctl.models.storage_create import drive_letter
from hvctl.powershell.batch import Batch
from hvctl.services.failures import read
from hvctl.services.plan import Plan, Prepared
from hvctl.services.selection import EVERYTHING, ElsewhereError, Name, Selectable, Selection, match
from hvctl.services.storage import delete
from hvctl.services.storage.health import findings, plan_health
from hvctl.services.storage.layout import find_disks
from hvctl.services.storage.read import (
    PoolState,
    VirtualDiskState,
    disk_details,
    plan_disk_details,
    plan_disks,
    plan_jobs,
    plan_pool_details,
    plan_pools,
    plan_virtual_disk_details,
    plan_virtual_disks,
    plan_volumes,
    pool_details,
    virtual_disk_details,
)
from hvctl.transports.result import Result
from hvctl.transports.session import Session

T = TypeVar("T", bound=Selectable)
R = TypeVar("R", bound=Record)
WORKING = ("New", "Starting", "Running", "Suspended", "Shutting Down", "ShuttingDown", "Service", "Query Pending")
"""The states of a job that is not over."""
_FIRST_LOOK, _LAST_LOOK = 0.2, 5.0


class StorageService:
    """Storage Spaces of the host that a session talks to.

    Args:
        session: The host.
        timeout: Seconds that a command may take; None for no limit.
    """

    def __init__(self, session: Session, *, timeout: float | None = 600.0) -> None:
        self._session = session
        self._timeout = timeout

    @property
    def host(self) -> str:
        """The host's name."""
        return self._session.host

    def disks(self, selection: Selection = EVERYTHING) -> Sequence[PhysicalDisk]:
        """The physical disks that a selection means, by id, number, serial number, name or pattern."""
        return self._disks(selection, PhysicalDisk)

    def show_disks(self, selection: Selection) -> Sequence[PhysicalDiskDetails]:
        """Everything about the physical disks that a selection means."""
        ids = [disk.id for disk in self.disks(selection)]
        return disk_details(self.host, ids, self._ask(plan_disk_details(ids)))

    def pools(self, selection: Selection = EVERYTHING) -> Sequence[StoragePool]:
        """The pools that a selection means; never the primordial one."""
        return self._chosen(selection, StoragePool, plan_pools(StoragePool), "pools")

    def show_pools(self, selection: Selection) -> Sequence[StoragePoolDetails]:
        """Everything about the pools that a selection means."""
        ids = [pool.id for pool in self.pools(selection)]
        return pool_details(self.host, ids, self._ask(plan_pool_details(ids)))

    def virtual_disks(self, selection: Selection = EVERYTHING) -> Sequence[StorageVirtualDisk]:
        """The virtual disks that a selection means."""
        return self._chosen(selection, StorageVirtualDisk, plan_virtual_disks(StorageVirtualDisk), "virtual_disks")

    def show_virtual_disks(self, selection: Selection) -> Sequence[StorageVirtualDiskDetails]:
        """Everything about the virtual disks that a selection means."""
        ids = [space.id for space in self.virtual_disks(selection)]
        return virtual_disk_details(self.host, ids, self._ask(plan_virtual_disk_details(ids)))

    def volumes(self, selection: Selection = EVERYTHING) -> Sequence[Volume]:
        """The volumes that a selection means, by drive letter, label, id or pattern."""
        volumes = Volume.read(self.host, self._ask(plan_volumes()).of("volumes"))
        known = {volume.id: volume.id for volume in volumes}
        known |= {volume.letter.upper(): volume.id for volume in volumes if volume.letter}
        names = [_exactly(name, known.get(drive_letter(name.text))) for name in selection.names]
        return match(names, volumes, Volume.noun, self.host) if names else volumes

    def jobs(self, selection: Selection = EVERYTHING) -> Sequence[StorageJob]:
        """The jobs of the host's pools that a selection means, by name, id or pattern."""
        return self._chosen(selection, StorageJob, plan_jobs(), "jobs")

    def health(self) -> Sequence[HealthFinding]:
        """What is not as it should be."""
        return findings(self.host, self._ask(plan_health()))

    def wait_for_jobs(
        self,
        selection: Selection = EVERYTHING,
        *,
        seen: Callable[[Sequence[StorageJob]], None],
        limit: float = math.inf,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Sequence[StorageJob]:
        """Wait until none of the jobs that a selection means is at work; the jobs as they were last seen.

        Args:
            selection: The jobs; without names also those that begin meanwhile.
            seen: Is told of the jobs each time they are looked at.
            limit: Seconds to wait.
            sleep: Waits for some seconds.

        Raises:
            NotFoundError: There is no such job.
            TimedOutError: Some still are when time is up.
        """
        until = time.monotonic() + limit
        pause = _FIRST_LOOK
        last: dict[str, StorageJob] = {job.id: job for job in self.jobs(selection)}
        wanted = set(last)
        while True:
            jobs = [job for job in self.jobs() if not selection.names or job.id in wanted]
            seen(jobs)
            working = [job for job in jobs if job.state in WORKING]
            last |= {job.id: job for job in jobs}
            if not working:
                # A job that is over may not be listed any more.
                return list(last.values())
            if time.monotonic() + pause > until:
                names = ", ".join(f"'{job.name}' ({job.percent} %)" for job in working)
                raise TimedOutError(f"Still at work on {self.host}: {names}.", host=self.host)
            sleep(pause)
            pause = min(_LAST_LOOK, 2 * pause)

    def pool_states(self, selection: Selection, *, missing_ok: bool = False) -> Sequence[PoolState]:
        """The pools that a changing verb is to work on."""
        selection.require_something()
        batch = plan_pools(PoolState)
        return self._chosen(selection, PoolState, batch, "pools", missing_ok=missing_ok)

    def virtual_disk_states(self, selection: Selection, *, missing_ok: bool = False) -> Sequence[VirtualDiskState]:
        """The virtual disks that a changing verb is to work on."""
        selection.require_something()
        batch = plan_virtual_disks(VirtualDiskState)
        return self._chosen(selection, VirtualDiskState, batch, "virtual_disks", missing_ok=missing_ok)

    def virtual_disk_state(self, selection: Selection) -> VirtualDiskState:
        """What changing one virtual disk must know.

        Raises:
            ElsewhereError: Several hosts are searched, and it is not on this one.
        """
        found = self.virtual_disk_states(selection)
        if not found:
            raise ElsewhereError(f"It is not on {self.host}.", host=self.host)
        return found[0]

    def plan_delete_pools(self, pools: Sequence[PoolState], *, with_virtual_disks: bool) -> Prepared:
        """Delete pools, with their virtual disks if asked to."""
        ids = [pool.id for pool in pools]
        result = self._ask(delete.plan_members(ids))
        members = {
            pool_id: VirtualDiskState.read(self.host, result.of(f"members_{number}"))
            for number, pool_id in enumerate(ids)
        }
        used = self._uses([space for spaces in members.values() for space in spaces]) if with_virtual_disks else {}
        return delete.plan_delete_pools(pools, members, used, self.host, with_virtual_disks=with_virtual_disks)

    def plan_delete_virtual_disks(self, spaces: Sequence[VirtualDiskState], *, with_vm_files: bool) -> Prepared:
        """Delete virtual disks; those with files of virtual machines only if asked to."""
        used = self._uses(spaces)
        return delete.plan_delete_virtual_disks(spaces, used, self.host, with_vm_files=with_vm_files)

    def plan_resize(self, space: VirtualDiskState, size: int) -> Plan:
        """Make a virtual disk larger."""
        return delete.plan_resize(space, size, self.host)

    def _uses(self, spaces: Sequence[VirtualDiskState]) -> Mapping[str, delete.Use]:
        ids = [space.id for space in spaces]
        return delete.uses(ids, self._ask(delete.plan_use(ids))) if ids else {}

    def _disks(self, selection: Selection, model: type[PhysicalDisk]) -> Sequence[PhysicalDisk]:
        records = self._ask(plan_disks(model)).of("disks")
        if not records:
            self._require_rights()
        disks = model.read(self.host, records)
        if not selection.names:
            return disks
        found: dict[str, PhysicalDisk] = {}
        for name in selection.names:
            found.update((disk.id, disk) for disk in self._named(name, disks, model.noun))
        return list(found.values())

    def _named(self, name: Name, disks: Sequence[PhysicalDisk], noun: str) -> Sequence[PhysicalDisk]:
        several = match([name], disks, noun, self.host) if name.is_pattern else ()
        try:
            found = several or find_disks([name.text], disks, self.host)
        except NotFoundError:
            if name.found_on is None:
                raise
            return ()
        if name.found_on is not None:
            name.found_on.add(self.host)
        return found

    def _chosen(
        self, selection: Selection, model: type[R], batch: Batch, step: str, *, missing_ok: bool = False
    ) -> Sequence[R]:
        items = model.read(self.host, self._ask(batch).of(step))
        if not selection.names:
            return items
        return match(selection.names, items, model.noun, self.host, missing_ok=missing_ok)  # type: ignore[type-var] # each has id and name

    def _require_rights(self) -> None:
        """A host has a disk at least: who sees none may not look."""
        rights = self._session.hello().get("rights")
        if rights is not None and "Administrators" not in rights:
            raise AccessError(
                f"This login may not see the storage of {self.host}: an empty answer means nothing.",
                host=self.host,
                hint="Storage needs an account in the host's Administrators group.",
            )

    def _ask(self, batch: Batch) -> Result:
        return read(self._session, batch, timeout=self._timeout)


def _exactly(name: Name, text: str | None) -> Name:
    """A name that stands for one object by that text; without one the name as it is. A volume's id has a `?`."""
    return name if text is None else replace(name, text=text, literal=True)
