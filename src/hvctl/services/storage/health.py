"""What is not as it should be: a row for each word of health and operational status that says so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from hvctl.models.storage import (
    Disk,
    HealthFinding,
    PhysicalDisk,
    StorageJob,
    StoragePool,
    StorageVirtualDisk,
    Volume,
)
from hvctl.powershell.batch import Batch, Call, Step
from hvctl.services.storage import meanings
from hvctl.services.storage.meanings import Meanings
from hvctl.services.storage.read import disks_step, plan_jobs, plan_volumes, pools_step, virtual_disks_step
from hvctl.transports.result import Result

Item = StoragePool | StorageVirtualDisk | PhysicalDisk | Disk | Volume

_WORDS: Mapping[type[Item], Meanings] = {
    StoragePool: meanings.POOL,
    StorageVirtualDisk: meanings.VIRTUAL_DISK,
    PhysicalDisk: meanings.PHYSICAL_DISK,
    Disk: meanings.DISK,
    Volume: meanings.VOLUME,
}
_LOOK: Mapping[type[Item], str] = {
    StoragePool: "hvctl storage pool show {name}",
    StorageVirtualDisk: "hvctl storage virtual-disk show {name}",
    PhysicalDisk: "hvctl storage disk show {number}",
    Disk: "hvctl storage virtual-disk list",
    Volume: "hvctl storage volume list",
}
_FINE = ("ok", "online")
_SPACES = ("spaces", "storagespaces", "16")
"""How hosts call the bus of a virtual disk; other disks that are offline may be meant to be, as those of VMs are."""


def plan_health() -> Batch:
    """Every pool, virtual disk, physical disk, disk, volume and job, in one batch."""
    return Batch(
        (
            pools_step(StoragePool),
            virtual_disks_step(StorageVirtualDisk),
            disks_step(PhysicalDisk),
            Step("seen", Call("Get-Disk"), select=Disk.properties()),
            *plan_volumes().steps,
            *plan_jobs().steps,
        )
    )


def findings(host: str, result: Result) -> list[HealthFinding]:
    """What is not as it should be, pools first; each word of status by itself."""
    seen = [disk for disk in Disk.read(host, result.of("seen")) if _plain(disk.bus or "") in _SPACES]
    items: Sequence[Iterable[Item]] = (
        StoragePool.read(host, result.of("pools")),
        StorageVirtualDisk.read(host, result.of("virtual_disks")),
        PhysicalDisk.read(host, result.of("disks")),
        # How well a disk is follows from the virtual disk behind it; whether it is online does not.
        [disk.model_copy(update={"health": None}) for disk in seen],
        Volume.read(host, result.of("volumes")),
    )
    found = [finding for kind in items for item in kind for finding in findings_of(item)]
    return found + [_suspended(job) for job in StorageJob.read(host, result.of("jobs")) if job.state == "Suspended"]


def findings_of(item: Item) -> list[HealthFinding]:
    """The findings of one object: a row for each word that it should not have, or else one for its health."""
    words = [word for word in item.status if _plain(word) not in _FINE]
    if item.health == "Healthy" and isinstance(item, PhysicalDisk):
        words = [word for word in words if _plain(word) != "inservice"]
    if words:
        return [_finding(item, word, _meaning(item, word)) for word in words]
    if item.health in ("Healthy", None):
        return []
    meaning = meanings.HEALTH.get(_plain(item.health), meanings.UNKNOWN)
    return [_finding(item, ", ".join(item.status) or "Unknown", meaning)]


def _meaning(item: Item, word: str) -> tuple[str, str]:
    """What a word means for an object, its reason looked up first."""
    plain = _plain(word)
    reasons: Meanings = {}
    reason: str | None = None
    if isinstance(item, StoragePool) and plain == "readonly":
        reasons, reason = meanings.READ_ONLY, item.read_only_reason
    elif isinstance(item, StorageVirtualDisk) and plain == "detached":
        reasons, reason = meanings.DETACHED, item.detached
    elif isinstance(item, Disk) and plain == "offline":
        reasons, reason = meanings.OFFLINE, item.offline_reason
    own = reasons.get(_plain(reason or "")) or _WORDS[type(item)].get(plain)
    return own or meanings.ANY.get(plain, meanings.UNKNOWN)


def _finding(item: Item, word: str, meaning: tuple[str, str]) -> HealthFinding:
    number = getattr(item, "number", None)
    letter = getattr(item, "letter", None)
    label = f"{item.name} ({number})" if number is not None else item.name or letter or item.id
    words, command = meaning
    known = {"name": _argument(item), "id": item.id, "number": number, "letter": letter or "LETTER"}
    return HealthFinding(
        type=item.noun,
        id=item.id,
        name=label,
        host=item.host,
        health=item.health,
        status=word,
        meaning=words,
        next=command.replace("{look}", _LOOK[type(item)]).format(**known),
    )


def _argument(item: Item) -> str:
    """An object as an argument of a command in any shell: its name, or its id where the name needs quotes."""
    return item.name if re.fullmatch(r"\w[\w.-]*", item.name) else f"'{item.id}'"


def _suspended(job: StorageJob) -> HealthFinding:
    return HealthFinding(
        type=job.noun,
        id=job.id,
        name=job.name,
        host=job.host,
        health=None,
        status="Suspended",
        meaning="the job does not go on, most often because disks are away",
        next="hvctl storage disk list",
    )


def _plain(word: str) -> str:
    """A word of status without what different Windows versions write differently."""
    return "".join(letter for letter in word.lower() if letter.isalnum())
