"""How moving a VM fails."""

from __future__ import annotations

from collections.abc import Mapping

from hvctl.lab.situations import Situation

_AT_SOURCE = (
    "Virtual machine migration operation for '{name}' failed at migration source '{source}'. (Virtual machine ID"
    " {id})\n\n"
)
_AT_DESTINATION = (
    "Virtual machine migration operation for '{name}' failed at migration destination '{destination}'. (Virtual machine"
    " ID {id})\n\n"
)

MIGRATION_SITUATIONS: Mapping[str, Situation] = {
    "migration-source-disabled": Situation(
        "OperationFailed",
        "The source host is not configured for live migration. Use the Enable-VMMigration cmdlet to modify the Hyper-V"
        " settings on the source host to enable migration.",
        sure=False,
    ),
    "migration-target-disabled": Situation(
        "OperationFailed",
        "The destination host is not configured for live migration. Use the Enable-VMMigration cmdlet to modify the"
        " Hyper-V settings on the destination host to enable migration.",
        sure=False,
    ),
    "migration-login": Situation(
        "OperationFailed",
        _AT_SOURCE + "The Virtual Machine Management Service failed to establish a connection for a Virtual Machine"
        " migration with host '{destination}': No credentials are available in the security package (0x8009030E).\n\n"
        "Failed to authenticate the connection at the source host: no suitable credentials available.",
        hresult=0x8009030E,
        sure=False,
    ),
    "migration-unreachable": Situation(
        "OperationFailed",
        _AT_SOURCE + "The Virtual Machine Management Service failed to establish a connection for a Virtual Machine"
        " migration with host '{destination}': {reason}",
        sure=False,
    ),
    "migration-same-host": Situation(
        "InvalidParameter", "The source and the destination of the migration are the same host.", sure=False
    ),
    "migration-busy": Situation(
        "OperationFailed",
        _AT_SOURCE + "The number of simultaneous migrations of the host '{host}' has reached its maximum of {most}.",
        sure=False,
    ),
    "migration-leftover": Situation(
        "OperationFailed",
        _AT_DESTINATION + "A planned virtual machine with the same ID exists already.",
        sure=False,
    ),
    "migration-incompatible": Situation(
        "OperationFailed",
        "The virtual machine '{name}' is not compatible with physical computer '{destination}'.\n\n{reasons}",
        sure=False,
    ),
    "migration-state": Situation(
        "InvalidState",
        "The operation cannot be performed while the virtual machine is in its current state.",
        sure=False,
    ),
    "migration-broken": Situation(
        "OperationFailed", _AT_SOURCE + "The migration broke off ({phase}).", hresult=0x80072746, sure=False
    ),
    "storage-move-broken": Situation(
        "OperationFailed",
        "Storage migration for virtual machine '{name}' ({id}) failed ({phase}).",
        sure=False,
    ),
    "storage-move-path": Situation(
        "OperationFailed",
        "Storage migration for virtual machine '{name}' ({id}) failed.\n\n{reason}",
        sure=False,
    ),
    "planned-gone": Situation("ObjectNotFound", "Not found", sure=False),
}
