"""What can be set in a world, where its clock starts and how it moves, and how its ids are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    "merge": 0,
    "pace": 0,
    "restore_restarts": True,
    "guest": {},
    "kerberos_delegation": True,
    "migration": {},
    "migration_networks": {},
    "shared_folders": [],
    "disk_faults": {},
    "endpoint_faults": [],
    "clock_ahead": 0,
}
"""What can be set in a world, and how it is otherwise.

`rights`: the user may administer Hyper-V; else `get_vm_without_rights` says whether Get-VM gives nothing ("empty") or
an "error". `error_ids`: error ids by situation. `default_startup_memory`: what New-VM gives, in bytes.
`new_vhd_creates_folder`: New-VHD makes missing folders. `stop_force_turns_off`: Stop-VM -Force pulls the plug when the
guest does not shut down. `merge`: seconds of the lab's clock that merging a disk takes. `restore_restarts`: a VM that
ran and has memory in the checkpoint runs on after a restore. `pace`: real seconds that a second of the lab's clock
takes; 0 for none. `guest`: how guests behave (see guests.BEHAVIOUR). `kerberos_delegation`: the hosts' accounts may
hand logins on to each other. `migration`: how moves go (see migration.BEHAVIOUR). `migration_networks`: the subnets
that a host takes moves on, by its name. `shared_folders`: folders that all hosts see.
`disk_faults`: what is wrong with physical disks, by serial number (see faulty.FAULTS).
`endpoint_faults`: what the endpoint is to do wrong (see endpoint/faults.py).
`clock_ahead`: seconds by which the hosts' clocks are ahead of the real time in `hello`; the lab's clock is another.
"""


def guid(text: str) -> str:
    """A GUID that follows from a text."""
    import hashlib

    digest = hashlib.sha256(text.encode()).hexdigest()
    variant = "89ab"[int(digest[16], 16) % 4]
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"
