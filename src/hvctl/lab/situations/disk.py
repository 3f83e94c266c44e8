"""How drives, virtual hard disks and files fail."""

from __future__ import annotations

from collections.abc import Mapping

from hvctl.lab.situations import Situation

_ITEM_MISSING = "System.Management.Automation.ItemNotFoundException"
_DEVICE = "Failed to add device '{device}'.\n\n'{name}' failed to add device '{device}'. (Virtual machine ID {id})\n\n"
_NEW_DISK = "Failed to create the virtual hard disk.\n\nThe system failed to create '{path}': "
_START = "'{name}' failed to start.\n\n'{name}' failed to start. (Virtual machine ID {id})\n\n"
_RESIZE = "Failed to resize the virtual disk.\n\n"

DISK_SITUATIONS: Mapping[str, Situation] = {
    "disk-broken-start": Situation(
        "OperationFailed",
        _START
        + "{controller} (Instance ID {instance}): Failed to Power on with Error '{reason}' ({code}).\n\n'{name}':"
        " Attachment '{path}' failed to open because of error: '{reason}' ({code}). (Virtual machine ID {id})",
        hresult=0xC03A000E,
        sure=False,
    ),
    "drive-taken": Situation(
        "InvalidParameter",
        "A drive is already attached at {controller} controller {number}, location {location} of '{name}'.",
        sure=False,
    ),
    "controller-missing": Situation(
        "ObjectNotFound",
        "Hyper-V was unable to find {controller} controller {number} with a location {location} on '{name}'.",
        sure=False,
    ),
    "controllers-full": Situation("InvalidParameter", "'{name}' has no free location for another drive.", sure=False),
    "ide-running": Situation(
        "InvalidState", _DEVICE + "IDE drives cannot be added while the virtual machine is running.", sure=False
    ),
    "attachment-missing": Situation(
        "ObjectNotFound",
        _DEVICE + "Attachment '{path}' not found. Error: 'The system cannot find the file specified.' (0x80070002).",
        hresult=0x80070002,
        sure=False,
    ),
    "attachment-busy": Situation(
        "ObjectInUse",
        _DEVICE
        + "Attachment '{path}' failed to open because of error: 'The process cannot access the file because it is"
        " being used by another process.' (0x80070020).",
        hresult=0x80070020,
        sure=False,
    ),
    "attachment-kind": Situation(
        "OperationFailed",
        _DEVICE + "Attachment '{path}' failed to open because of error: 'The file or directory is corrupted and"
        " unreadable.' (0x80070570).",
        hresult=0x80070570,
        sure=False,
    ),
    "attached-twice": Situation(
        "ObjectInUse", _DEVICE + "'{path}' is already attached to the virtual machine.", sure=False
    ),
    "vhd-missing": Situation("InvalidParameter", "'{path}' is not an existing virtual hard disk file."),
    "vhd-exists": Situation(
        "OperationFailed",
        _NEW_DISK + "The file exists. (0x80070050).",
        hresult=0x80070050,
    ),
    "vhd-folder": Situation(
        "OperationFailed",
        _NEW_DISK + "The system cannot find the path specified. (0x80070003).",
        hresult=0x80070003,
        sure=False,
    ),
    "vhd-name": Situation(
        "OperationFailed",
        _NEW_DISK + "The filename, directory name, or volume label syntax is incorrect. (0x8007007B).",
        hresult=0x8007007B,
        sure=False,
    ),
    "vhd-extension": Situation(
        "InvalidParameter", "'{path}' does not have the extension of a virtual hard disk: .vhd or .vhdx.", sure=False
    ),
    "vhd-size": Situation(
        "InvalidParameter",
        _NEW_DISK + "the size {size} is not valid: {reason}.",
        hresult=0x80070057,
        sure=False,
    ),
    "vhd-parent-format": Situation(
        "InvalidParameter",
        _NEW_DISK + "its format is not that of its parent '{parent}'.",
        hresult=0x80070057,
        sure=False,
    ),
    "vhd-chain": Situation("OperationFailed", "Getting the information for virtual disk '{path}' failed."),
    "vhd-not-differencing": Situation(
        "InvalidParameter",
        'The requested operation cannot be performed on virtual hard disk file "{path}" because it is not a'
        " differencing disk.",
        sure=False,
    ),
    "vhd-busy": Situation("ObjectInUse", "The operation cannot be performed while the object is in use."),
    "vhd-resize": Situation("OperationFailed", _RESIZE + "The system failed to resize '{path}': {reason}.", sure=False),
    "vhd-resize-online": Situation(
        "NotSupported", _RESIZE + "The system failed to resize '{path}'.\n\nThe operation is not supported.", sure=False
    ),
    "vhd-convert-parent": Situation(
        "InvalidParameter",
        "Failed to convert the virtual disk.\n\nA parent path goes with the type Differencing, and with no other.",
        sure=False,
    ),
    "item-missing": Situation(
        "PathNotFound", "Cannot find path '{path}' because it does not exist.", exception=_ITEM_MISSING
    ),
    "item-busy": Situation(
        "RemoveFileSystemItemIOError",
        "Cannot remove item {path}: The process cannot access the file '{path}' because it is being used by another"
        " process.",
        hresult=0x80070020,
        exception="System.IO.IOException",
    ),
}
"""The rows of `problems.SITUATIONS` on disks."""
