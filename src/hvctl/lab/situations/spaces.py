"""How the cmdlets of the Storage module fail."""

from __future__ import annotations

from collections.abc import Mapping

from hvctl.lab.situations import Situation

_CIM = "Microsoft.Management.Infrastructure.CimException"
_JOB = "Microsoft.PowerShell.Cmdletization.Cim.CimJobException"
_FORM = (
    "{title}\n\nExtended information:\n{text}\n\nRecommended Actions:\n- {action}\n\nActivity ID: {{{{{activity}}}}}\n"
)
_ACTIVITY = "00000000-0000-0000-0000-000000000000"


def _missing(property_: str) -> Situation:
    text = (
        "No {kind} objects found with property '" + property_ + "' equal to '{value}'.  Verify the value of the"
        " property and retry."
    )
    return Situation(f"CmdletizationQuery_NotFound_{property_}", text, exception=_JOB)


def _code(code: int, title: str, text: str, action: str, *, sure: bool = False) -> Situation:
    words = _FORM.format(title=title, text=text, action=action, activity=_ACTIVITY)
    return Situation(f"StorageWMI {code}", words, exception=_CIM, sure=sure)


SPACES_SITUATIONS: Mapping[str, Situation] = {
    "storage-missing-FriendlyName": _missing("FriendlyName"),
    "storage-missing-UniqueId": _missing("UniqueId"),
    "storage-missing-Number": _missing("Number"),
    "storage-missing-DriveLetter": _missing("DriveLetter"),
    "storage-gone": _code(8, "Not found", "The object is no longer there.", "Look at what there is."),
    "storage-type": Situation(
        "MismatchedPSTypeName",
        "Cannot bind argument to parameter '{parameter}', because PSTypeNames of the argument do not match the"
        " PSTypeName required by the parameter: {kind}.",
        exception="System.Management.Automation.ParameterBindingException",
    ),
    "storage-rights": _code(40001, "Access denied", "Access denied", "Use an account with the right."),
    "storage-resources": _code(
        1,
        "Not Supported",
        "The storage pool does not have sufficient eligible resources for the creation of the specified virtual disk.",
        "Choose a combination of FaultDomainAwareness and NumberOfDataCopies (or PhysicalDiskRedundancy) supported by"
        " the storage pool.",
        sure=True,
    ),
    "storage-size": _code(4097, "Size Not Supported", "The size is not supported.", "Choose another size."),
    "storage-capacity": _code(
        40000, "Not enough available capacity", "Not enough available capacity", "Choose a smaller size.", sure=True
    ),
    "storage-parameter": _code(5, "Invalid Parameter", "{reason}", "Correct the parameter."),
    "storage-which-size": _code(
        40005,
        "You must specify a size by using either the Size or the UseMaximumSize parameter. You can specify only one of"
        " these parameters at a time.",
        "There are both, or none.",
        "Name one of them.",
    ),
    "storage-provisioning": _code(
        47001,
        "This subsystem does not support creation of virtual disks with the specified provisioning type.",
        "Dual parity needs fixed provisioning.",
        "Choose Fixed.",
    ),
    "storage-primordial": _code(
        48000, "This operation is not supported on primordial storage pools.", "It is primordial.", "Create a pool."
    ),
    "storage-resiliency": _code(
        49000, "No resiliency setting with that name exists.", "There is no {name}.", "Choose another."
    ),
    "storage-redundancy": _code(
        49002,
        "The value for PhysicalDiskRedundancy is outside of the supported range of values.",
        "{name} has no redundancy of {redundancy}.",
        "Choose another.",
    ),
    "storage-redundancy-lost": _code(
        50001,
        "There is not enough redundancy remaining to repair the virtual disk.",
        "Too many of its disks failed or are missing.",
        "Bring disks back.",
    ),
    "storage-read-only": _code(
        48007, "The storage pool could not complete the operation because its configuration is read-only.",
        "The pool '{name}' is read-only.", "Take away what keeps it from being written.",
    ),
    "storage-disk": _code(
        51000, "One of the physical disks specified is not supported by this operation.", "{reason}", "Choose others."
    ),
    "storage-in-use": _code(
        48008, "The storage pool contains virtual disks.", "The pool '{name}' is not empty.", "Remove them first."
    ),
    "storage-initialized": _code(
        41001, "The disk has already been initialized.", "The disk has already been initialized.", "Go on.", sure=True
    ),
    "storage-not-initialized": _code(41000, "The disk has not been initialized.", "It is RAW.", "Initialize it."),
    "storage-letter": _code(
        42002, "The requested access path is already in use.", "The letter {letter} is taken.", "Choose another."
    ),
    "storage-offline": _code(41003, "The disk is offline.", "The disk is offline.", "Bring it online first."),
}  # fmt: skip
"""The rows of `problems.SITUATIONS` on Storage Spaces; the activity id is always the same in the lab."""

SPACES_CATEGORIES: Mapping[str, str] = {
    "CmdletizationQuery_NotFound_FriendlyName": "ObjectNotFound",
    "CmdletizationQuery_NotFound_UniqueId": "ObjectNotFound",
    "CmdletizationQuery_NotFound_Number": "ObjectNotFound",
    "CmdletizationQuery_NotFound_DriveLetter": "ObjectNotFound",
    "MismatchedPSTypeName": "InvalidArgument",
    "StorageWMI 1": "InvalidOperation",
    "StorageWMI 5": "InvalidArgument",
    "StorageWMI 8": "NotSpecified",
    "StorageWMI 4097": "NotSpecified",
    "StorageWMI 40000": "NotSpecified",
    "StorageWMI 40001": "PermissionDenied",
    "StorageWMI 40005": "NotSpecified",
    "StorageWMI 41000": "NotSpecified",
    "StorageWMI 41001": "NotSpecified",
    "StorageWMI 41003": "NotSpecified",
    "StorageWMI 42002": "NotSpecified",
    "StorageWMI 47001": "NotSpecified",
    "StorageWMI 48000": "NotSpecified",
    "StorageWMI 48007": "NotSpecified",
    "StorageWMI 48008": "NotSpecified",
    "StorageWMI 49000": "NotSpecified",
    "StorageWMI 49002": "NotSpecified",
    "StorageWMI 50001": "NotSpecified",
    "StorageWMI 51000": "NotSpecified",
}
"""The categories of their ids."""
