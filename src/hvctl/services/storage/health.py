"""What the words of health and operational status mean, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hvctl.models.storage import HealthFinding, PhysicalDisk, StorageJob, StoragePool, StorageVirtualDisk, Volume
from hvctl.powershell.batch import Batch
from hvctl.services.storage.read import disks_step, plan_jobs, plan_volumes, pools_step, virtual_disks_step
from hvctl.transports.result import Result

_Meanings = Mapping[str, tuple[str, str | None]]
_REPLACE = "Replace it: retire it (Set-PhysicalDisk -Usage Retired), then hvctl storage virtual-disk repair NAME"
_REPAIR = "hvctl storage virtual-disk repair {name}"
_WATCH = "hvctl storage job list"
_CABLES = "Look at its cable, power and enclosure: hvctl storage disk show {number}"

POOL: _Meanings = {
    "degraded": ("disks of the pool failed or are missing", "hvctl storage pool show '{name}'"),
    "readonly": (
        "the pool cannot be changed: too many disks are missing, or it was set so",
        "Bring its disks back; if it was set so: Set-StoragePool -IsReadOnly $false",
    ),
    "incomplete": ("most disks of the pool failed or are missing", "Bring its disks back"),
    "policy": ("an administrator made the pool read-only", "Set-StoragePool -IsReadOnly $false"),
    "starting": ("the pool waits for its disks", "Wait, and look again: hvctl storage health"),
}
VIRTUAL_DISK: _Meanings = {
    "suboptimal": ("the data is not spread evenly over the disks", "Optimize-StoragePool"),
    "inservice": ("it is being repaired", _WATCH),
    "incomplete": ("disks are missing; the data is there, but less redundant", "hvctl storage disk list"),
    "degraded": ("disks failed or are missing, or hold old data; the data is there, but less redundant", _REPAIR),
    "noredundancy": ("too many disks failed: data is lost", "Restore it from a backup"),
    "detached": ("it is not to be used: too many disks are away, or it was detached", "Connect-VirtualDisk"),
}
DISK: _Meanings = {
    "inservice": ("the disk is at work for the pool", None),
    "lostcommunication": ("the disk is missing", _CABLES),
    "removingfrompool": ("the disk is being emptied", _WATCH),
    "startingmaintenancemode": ("the disk is being prepared for maintenance", "Wait"),
    "inmaintenancemode": ("reads and writes are halted for maintenance", "Disable-StorageMaintenanceMode"),
    "stoppingmaintenancemode": ("the disk comes back from maintenance", "Wait"),
    "predictivefailure": ("the disk says that it will fail soon", _REPLACE),
    "ioerror": ("the disk could not be reached for a while", _REPLACE),
    "transienterror": ("the disk had an error that passed", "If it comes again, replace it"),
    "abnormallatency": ("the disk is much slower than others", "If it goes on, replace it"),
    "notusable": ("Storage Spaces cannot use the disk", _REPLACE),
    "split": ("the disk has been separated from its pool", "Reset-PhysicalDisk; it loses what is on the disk"),
    "stalemetadata": ("the disk has old data of the pool", _REPAIR.format(name="NAME")),
    "unrecognizedmetadata": ("the disk belongs to something else", "Reset-PhysicalDisk; it loses what is on the disk"),
    "failedmedia": ("the disk is broken", _REPLACE),
    "devicehardwarefailure": ("the disk's hardware failed", _REPLACE),
    "updatingfirmware": ("the disk's firmware is being updated", "Wait"),
    "starting": ("the disk is getting ready", "Wait"),
}
_FINE = ("ok", "online")
_BUSY_DISK = "inservice"


def plan_health() -> Batch:
    """Every pool, virtual disk, physical disk, volume and job, in one batch."""
    return Batch(
        (
            pools_step(StoragePool),
            virtual_disks_step(StorageVirtualDisk),
            disks_step(PhysicalDisk),
            *plan_volumes().steps,
            *plan_jobs().steps,
        )
    )


def findings(host: str, result: Result) -> list[HealthFinding]:
    """What is not as it should be, pools first; each word of status by itself."""
    found: list[HealthFinding] = []
    kinds: Sequence[tuple[Iterable[Any], _Meanings]] = (
        (StoragePool.read(host, result.of("pools")), POOL),
        (StorageVirtualDisk.read(host, result.of("virtual_disks")), VIRTUAL_DISK),
        (PhysicalDisk.read(host, result.of("disks")), DISK),
        (Volume.read(host, result.of("volumes")), {}),
    )
    for items, meanings in kinds:
        for item in items:
            found += findings_of(item, meanings)
    for job in StorageJob.read(host, result.of("jobs")):
        if job.state == "Suspended":
            found.append(_suspended(job))
    return found


def findings_of(item: Any, meanings: _Meanings) -> list[HealthFinding]:  # noqa: ANN401 - any of the records with a health
    """The findings of one object: a row for each word that it should not have."""
    words = [word for word in item.status if _plain(word) not in _FINE]
    if item.health == "Healthy" and isinstance(item, PhysicalDisk):
        words = [word for word in words if _plain(word) != _BUSY_DISK]
    if item.health in ("Healthy", None) and not words:
        return []
    return [_finding(item, word, meanings) for word in words or item.status or ("Unknown",)]


def _finding(item: Any, word: str, meanings: _Meanings) -> HealthFinding:  # noqa: ANN401 - as above
    meaning, command = meanings.get(_plain(word), ("this version of hvctl has no words for it", None))
    number = getattr(item, "number", None)
    label = f"{item.name} ({number})" if number is not None else item.name or getattr(item, "letter", None) or item.id
    return HealthFinding(
        type=item.noun,
        id=item.id,
        name=label,
        host=item.host,
        health=item.health,
        status=word,
        meaning=meaning,
        next=command.format(name=item.name, number=number) if command else None,
    )


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
