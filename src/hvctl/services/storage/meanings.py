"""What the words of health and operational status, and their reasons, mean, and what to do next.

The keys are words without blanks, signs and case, which Windows versions write differently. In what to do, `{name}` is
the object as a command takes it, `{id}` its UniqueId, `{number}` its number and `{letter}` its drive letter.
"""

from __future__ import annotations

from collections.abc import Mapping

Meanings = Mapping[str, tuple[str, str]]

_SPARE = (
    "Set-PhysicalDisk -UniqueId '{id}' -Usage Retired; then hvctl storage virtual-disk repair --all, and replace it"
)
_RESET = (
    "Reset-PhysicalDisk -UniqueId '{id}' (it loses what is on the disk); then hvctl storage virtual-disk repair --all"
)
_REPAIR = "hvctl storage virtual-disk repair {name}"
_REPAIR_ALL = "hvctl storage virtual-disk repair --all"
_MISSING = "hvctl storage disk list"
_JOBS = "hvctl storage job list"
_AGAIN = "Wait, then: hvctl storage health"
_SHOW_DISK = "hvctl storage disk show {number}"
_WRITABLE = "Set-StoragePool -UniqueId '{id}' -IsReadOnly $false"
_ONLINE = "Set-Disk -Number {number} -IsOffline $false"
_CONNECT = "Connect-VirtualDisk -UniqueId '{id}'"

POOL: Meanings = {
    "degraded": ("disks of the pool failed or are missing", "hvctl storage pool show {name}"),
    "readonly": ("the pool cannot be changed", _WRITABLE),
    "majoritydisksunhealthy": ("most disks of the pool failed or are missing", _MISSING),
    "minoritydisksunhealthy": ("some disks of the pool failed or are missing", _MISSING),
}
READ_ONLY: Meanings = {
    "incomplete": ("read-only, for most disks of the pool failed or are missing", f"{_MISSING}; then {_WRITABLE}"),
    "majoritydisksunhealthy": (
        "read-only, for most disks of the pool failed or are missing",
        f"{_MISSING}; then {_WRITABLE}",
    ),
    "policy": ("an administrator made the pool read-only", _WRITABLE),
    "bypolicy": ("an administrator made the pool read-only", _WRITABLE),
    "starting": ("read-only, for the pool waits for its disks", _AGAIN),
}
"""The reasons of a pool that is read-only."""
VIRTUAL_DISK: Meanings = {
    "suboptimal": (
        "the data is not spread evenly over the disks",
        "Get-VirtualDisk -UniqueId '{id}' | Get-StoragePool | Optimize-StoragePool",
    ),
    "inservice": ("it is being repaired", _JOBS),
    "incomplete": (
        "disks failed or are missing; the data is there, but less redundant",
        f"{_MISSING}; with those back or others in their place: {_REPAIR}",
    ),
    "degraded": ("disks failed or are missing, or hold old data; the data is there, but less redundant", _REPAIR),
    "noredundancy": ("too many disks failed: data is lost", "Replace the disks, and restore it from a backup"),
    "detached": ("Windows does not reach it: too many disks are away, or somebody detached it", _CONNECT),
}
DETACHED: Meanings = {
    "bypolicy": ("somebody took it offline, or it is to be attached by hand", _CONNECT),
    "majoritydisksunhealthy": (
        "too many of its disks failed, are missing or hold old data",
        f"{_MISSING}; with them back: {_REPAIR}",
    ),
    "incomplete": ("too few of its disks are there to read it", f"{_MISSING}; with them back: {_REPAIR}"),
    "timeout": ("it took too long to attach it", _CONNECT),
}
"""The reasons of a virtual disk that is detached."""
PHYSICAL_DISK: Meanings = {
    "inservice": ("the disk is at work for the pool", _JOBS),
    "lostcommunication": ("the disk is missing", f"Look at its cable, power and enclosure: {_SHOW_DISK}"),
    "removingfrompool": ("the disk is being emptied", _JOBS),
    "startingmaintenancemode": ("the disk is being prepared for maintenance", _AGAIN),
    "inmaintenancemode": (
        "reads and writes are halted for maintenance",
        "Get-PhysicalDisk -UniqueId '{id}' | Disable-StorageMaintenanceMode",
    ),
    "stoppingmaintenancemode": ("the disk comes back from maintenance", _AGAIN),
    "predictivefailure": ("the disk says that it will fail soon", _SPARE),
    "ioerror": ("the disk had an error for a while", f"If it stays: {_RESET}. If it comes again, replace the disk"),
    "transienterror": (
        "the disk did not answer for a while",
        f"If it stays: {_RESET}. If it comes again, replace the disk",
    ),
    "abnormallatency": ("the disk is much slower than others", "If it goes on, replace it: " + _SPARE),
    "notusable": ("Storage Spaces cannot use the disk", _SPARE),
    "split": ("the disk has been separated from its pool", _RESET),
    "stalemetadata": ("the disk has old data of the pool", f"If it stays: {_REPAIR_ALL}"),
    "unrecognizedmetadata": ("the disk has data of another pool", _RESET),
    "failedmedia": ("the disk is broken", _SPARE),
    "devicehardwarefailure": ("the disk's hardware failed", _SPARE),
    "updatingfirmware": ("the disk's firmware is being updated", _AGAIN),
    "starting": ("the disk is getting ready", _AGAIN),
}
DISK: Meanings = {
    "offline": ("Windows has taken the disk offline", _ONLINE),
    "notready": ("the disk is not ready", _AGAIN),
    "nomedia": ("there is no medium", "hvctl storage virtual-disk list"),
    "failed": ("the disk failed", "hvctl storage virtual-disk list"),
}
OFFLINE: Meanings = {
    "policy": ("somebody, or a policy, took the disk offline", _ONLINE),
    "redundantpath": ("the disk is another path to one that is there", "Set up multipath I/O"),
    "snapshot": ("the disk is a snapshot of another", _ONLINE),
    "collision": ("the disk has the signature or the id of another", "Take one of the two away; then " + _ONLINE),
    "resourceexhaustion": (
        "there was no room for what is written: a thin disk in a pool that is full",
        "Add disks to its pool, or delete others in it (hvctl storage pool list); then " + _ONLINE,
    ),
    "criticalwritefailures": ("writing to it failed", "hvctl storage pool list; then " + _ONLINE),
    "dataintegrityscanrequired": ("its data has to be checked", "Run the task Data Integrity Scan; then " + _ONLINE),
}
"""The reasons of a disk that is offline."""
VOLUME: Meanings = {
    "scanneeded": ("the file system has to be looked through", "Repair-Volume -DriveLetter {letter} -Scan"),
    "spotfixneeded": (
        "the file system has errors that are quickly mended",
        "Repair-Volume -DriveLetter {letter} -SpotFix",
    ),
    "fullrepairneeded": (
        "the file system has errors that are mended only while nobody uses it",
        "Repair-Volume -DriveLetter {letter} -OfflineScanAndFix",
    ),
}
ANY: Meanings = {
    "unknown": ("the host does not know how it is", "{look}"),
    "other": ("its maker has a word of its own for how it is", "{look}"),
    "degraded": ("it works, but not as well as it should", "{look}"),
    "stressed": ("it works, but is overloaded or too hot", "{look}"),
    "predictivefailure": ("it works, and will fail soon", "{look}"),
    "error": ("an error has occurred", "{look}"),
    "nonrecoverableerror": ("an error has occurred that it does not recover from", "{look}"),
    "starting": ("it is starting", _AGAIN),
    "stopping": ("it is stopping", _AGAIN),
    "stopped": ("it has been stopped", "{look}"),
    "inservice": ("it is being worked on", _JOBS),
    "nocontact": ("it was never reached", "{look}"),
    "lostcommunication": ("it is not reached any more", "{look}"),
    "aborted": ("it stopped all of a sudden", "{look}"),
    "dormant": ("it is there, but idle", "{look}"),
    "supportingentityinerror": ("something that it stands on needs a look", "{look}"),
    "completed": ("it has done what it was to do", "{look}"),
    "powermode": ("it saves power", "{look}"),
    "relocating": ("it is being moved", _JOBS),
}
"""What the words mean for whatever has no meaning of its own for them."""
HEALTH: Meanings = {
    "warning": ("it works, but something about it needs you", "{look}"),
    "unhealthy": ("it does not work", "{look}"),
    "unknown": ("the host does not know how it is", "{look}"),
}
"""The words of health, for what has no word of status that says more."""
UNKNOWN = ("this version of hvctl has no words for it", "{look}")
