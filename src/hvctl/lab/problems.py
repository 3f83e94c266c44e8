"""How the simulated cmdlets fail: the text, the id, the category and the HRESULT of each situation, in tables.

A row marked `sure=False` has a text or an id that no public capture of a real host confirms;
`World.configure("error_ids", {situation: id})` changes an id without code.
"""

from __future__ import annotations

from collections.abc import Mapping

from hvctl.lab.situations import Situation
from hvctl.lab.situations.checkpoint import CHECKPOINT_SITUATIONS
from hvctl.lab.situations.disk import DISK_SITUATIONS
from hvctl.lab.situations.migration import MIGRATION_SITUATIONS
from hvctl.lab.situations.spaces import SPACES_CATEGORIES, SPACES_SITUATIONS
from hvctl.powershell.cmdlets import CMDLETS, STORAGE

CATEGORIES: Mapping[str, str] = {
    "AccessDenied": "PermissionDenied",
    "InvalidOperation": "InvalidOperation",
    "InvalidParameter": "InvalidArgument",
    "InvalidState": "InvalidOperation",
    "NotSupported": "InvalidOperation",
    "ObjectInUse": "ResourceBusy",
    "ObjectNotFound": "ObjectNotFound",
    "OperationFailed": "NotSpecified",
    "OutOfMemory": "FromStdErr",
    "PathNotFound": "ObjectNotFound",
    "RemoveFileSystemItemIOError": "WriteError",
    "Unspecified": "NotSpecified",
    **SPACES_CATEGORIES,
}
"""The category that goes with an error id."""


class Problem(Exception):
    """A cmdlet fails in a known situation.

    Args:
        situation: A key of SITUATIONS.
        target: What the error record calls its target, if anything.
        fields: What the situation's text says in braces.
    """

    def __init__(self, situation: str, *, target: str | None = None, **fields: object) -> None:
        super().__init__(situation)
        self.situation = situation
        self.target = target
        self.fields = fields


def describe(problem: Problem, cmdlet_class: str, ids: Mapping[str, str]) -> dict[str, object]:
    """The fields of the error frame; `ids` are the world's own choices of error ids."""
    situation = SITUATIONS[problem.situation]
    error_id = ids.get(problem.situation, situation.id)
    return {
        "message": situation.text.format(**problem.fields).replace("\n", "\r\n"),
        "category": CATEGORIES.get(error_id, "NotSpecified"),
        "error_id": f"{error_id},{cmdlet_class}",
        "exception": situation.exception,
        "hresult": situation.hresult,
        "target": problem.target,
    }


def cmdlet_class(cmdlet: str) -> str:
    """The class that stands behind the comma of an error id."""
    if CMDLETS[cmdlet].module == STORAGE:
        return cmdlet
    verb, _dash, noun = cmdlet.partition("-")
    if cmdlet in ("Get-ChildItem", "Remove-Item", "Test-Path"):
        return f"Microsoft.PowerShell.Commands.{verb}{noun}Command"
    if noun == "VHD":
        return f"Microsoft.Vhd.PowerShell.Cmdlets.{_VHD_CLASSES.get(cmdlet, verb + 'Vhd')}"
    if noun.startswith("Cim"):
        return f"Microsoft.Management.Infrastructure.CimCmdlets.{verb}{noun}Command"
    return f"Microsoft.HyperV.PowerShell.Commands.{verb}{noun}"


_VHD_CLASSES = {"Get-VHD": "GetVHD"}
_STATE = "The operation cannot be performed while the virtual machine is in its current state."
_START = "'{name}' failed to start.\n\n'{name}' failed to start. (Virtual machine ID {id})\n\n"
_POWER_ON = "{controller} (Instance ID {instance}): Failed to Power on with Error '{reason}' ({code}).\n\n"
_MEMORY = "Failed to modify device 'Memory'.\n\n"

SITUATIONS: Mapping[str, Situation] = {
    # Finding things
    "vm-missing-get": Situation("InvalidParameter", 'Hyper-V was unable to find a virtual machine with name "{name}".'),
    "vm-missing": Situation("ObjectNotFound", 'Hyper-V was unable to find a virtual machine with name "{name}".'),
    "vm-missing-id": Situation("ObjectNotFound", 'Hyper-V was unable to find a virtual machine with id "{id}".'),
    "switch-missing-get": Situation(
        "InvalidParameter", 'Hyper-V was unable to find a virtual switch with name "{name}".'
    ),
    "switch-missing": Situation(
        "ObjectNotFound", 'Hyper-V was unable to find a virtual switch with name "{name}".', sure=False
    ),
    "switch-missing-connect": Situation(
        "InvalidParameter", 'Hyper-V was unable to find a virtual switch with name "{name}".'
    ),
    "switch-ambiguous": Situation(
        "InvalidParameter", 'More than one Ethernet switch exists with the name "{name}".', sure=False
    ),
    "drive-missing": Situation(
        "ObjectNotFound",
        "Hyper-V was unable to find a drive at controller {number}, location {location} of the virtual machine"
        ' "{name}".',
        sure=False,
    ),
    "adapter-missing": Situation(
        "ObjectNotFound", 'Hyper-V was unable to find a network adapter with name "{name}".', sure=False
    ),
    "object-gone": Situation("ObjectNotFound", "The {kind} has been deleted.", sure=False),
    # Rights and prompts
    "rights": Situation(
        "Unspecified",
        "You do not have the required permission to complete this task. Contact the administrator of the authorization"
        " policy for the computer '{computer}'.",
        sure=False,
    ),
    "prompt": Situation(
        "InvalidOperation",
        "Windows PowerShell is in NonInteractive mode. Read and Prompt functionality is not available.",
        exception="System.Management.Automation.PSInvalidOperationException",
    ),
    # States
    "state": Situation("InvalidState", "'{name}' failed to change state.\n\n" + _STATE, sure=False),
    "remove-running": Situation("InvalidState", _STATE, sure=False),
    "set-running": Situation(
        "InvalidState",
        "Failed to modify device '{device}'.\n\nCannot modify device '{device}' of '{name}' because the virtual machine"
        " is running. (Virtual machine ID {id})\n\n" + _STATE,
        sure=False,
    ),
    "shutdown-failed": Situation(
        "OperationFailed",
        "Failed to shut down the virtual machine.\n\nThe guest operating system of '{name}' did not shut down in time."
        " (Virtual machine ID {id})",
        sure=False,
    ),
    "exclusive-save-turnoff": Situation("InvalidParameter", "The Save and TurnOff parameters are mutually exclusive."),
    "out-of-memory": Situation(
        "OutOfMemory",
        "'{name}' failed to start.\n\nNot enough memory in the system to start the virtual machine {name}.\n\nCould not"
        " initialize memory: Not enough memory resources are available to complete this operation. (0x8007000E).",
        hresult=0x8007000E,
    ),
    "disk-missing-start": Situation(
        "ObjectNotFound",
        _START + _POWER_ON + "'{name}': Attachment '{path}' not found. Error: '{reason}' ({code}). (Virtual machine ID"
        " {id})",
        hresult=0x80070002,
        sure=False,
    ),
    "disk-busy-start": Situation(
        "OperationFailed",
        _START + _POWER_ON + "'{name}': Attachment '{path}' failed to open because of error: '{reason}' ({code})."
        " (Virtual machine ID {id})",
        hresult=0x80070020,
        sure=False,
    ),
    "no-mac": Situation(
        "OperationFailed",
        _START + "No available MAC address for virtual machine '{name}'. (Virtual machine ID {id})",
        sure=False,
    ),
    # Making and changing VMs
    "name-empty": Situation("InvalidParameter", "The name of a virtual machine must not be empty.", sure=False),
    "name-long": Situation(
        "InvalidParameter", "The name of a virtual machine must not be longer than 100 characters.", sure=False
    ),
    "new-vm-path": Situation(
        "ObjectNotFound",
        "Failed to create a new virtual machine.\n\n'{name}' failed to realize. (Virtual machine ID {id})\n\nFailed to"
        " access configuration store: The system cannot find the path specified. (0x80070003).",
        hresult=0x80070003,
    ),
    "version": Situation(
        "InvalidParameter", "The configuration version {version} is not supported by this host.", sure=False
    ),
    "generation2-vhd": Situation(
        "InvalidParameter", "Generation 2 virtual machines do not support .vhd or .avhd format.", sure=False
    ),
    "new-vhd-extension": Situation(
        "InvalidParameter", "The path for a new virtual hard disk must use the .VHDX file extension.", sure=False
    ),
    "boot-device": Situation(
        "InvalidParameter", "A generation {generation} virtual machine cannot boot from {device}.", sure=False
    ),
    "processor-count": Situation(
        "InvalidParameter",
        "Failed to modify device 'Processor'.\n\nThe number of virtual processors must be between 1 and {most}.",
        sure=False,
    ),
    "memory-aligned": Situation(
        "InvalidParameter",
        _MEMORY
        + "Invalid memory value assigned for '{name}'. Memory values must be properly aligned.\n\nThe memory value"
        " assigned ('{megabytes}' MB) is not properly aligned. Try again with a memory value that is properly aligned."
        " (Virtual machine ID {id})",
    ),
    "memory-range": Situation(
        "InvalidParameter",
        _MEMORY + "Invalid memory value assigned for '{name}': {what} must be between {least} MB and {most} MB."
        " (Virtual machine ID {id})",
        sure=False,
    ),
    "memory-order": Situation(
        "InvalidParameter",
        _MEMORY
        + "Invalid startup memory value assigned for '{name}'. The minimum memory value must not exceed the startup"
        " memory, and the startup memory must not exceed the maximum. (Virtual machine ID {id})",
        sure=False,
    ),
    "memory-static": Situation(
        "InvalidParameter",
        "Setting maximum, minimum, and buffer settings requires Dynamic Memory to be enabled.",
        sure=False,
    ),
    "dynamic-and-static": Situation(
        "InvalidParameter", "The DynamicMemory and StaticMemory parameters are mutually exclusive.", sure=False
    ),
    "firmware-generation1": Situation(
        "InvalidParameter",
        'The Generation 1 virtual machine or snapshot "{name}" does not support the VMFirmware cmdlets. Use Get-VMBios'
        " and Set-VMBios instead.",
        sure=False,
    ),
    "bios-generation2": Situation(
        "InvalidParameter",
        'The Generation 2 virtual machine or snapshot "{name}" does not support the VMBios cmdlets. Use Get-VMFirmware'
        " and Set-VMFirmware instead.",
        sure=False,
    ),
    "template-unknown": Situation(
        "ObjectNotFound", 'Hyper-V was unable to find a Secure Boot template with name "{name}".', sure=False
    ),
    "boot-order-foreign": Situation(
        "InvalidParameter", 'The boot device does not belong to the virtual machine "{name}".', sure=False
    ),
    "startup-order": Situation(
        "InvalidParameter", "The startup order must name each of the four boot devices once.", sure=False
    ),
    **CHECKPOINT_SITUATIONS,
    **DISK_SITUATIONS,
    **MIGRATION_SITUATIONS,
    **SPACES_SITUATIONS,
    # Networking
    "switch-adapter-missing": Situation(
        "InvalidParameter", 'No physical network adapter was found with the {what} "{name}".', sure=False
    ),
    "switch-adapter-taken": Situation(
        "OperationFailed",
        "Failed while adding virtual Ethernet switch connections.\n\nExternal Ethernet adapter '{name}' is already"
        " bound to the Microsoft Virtual Switch protocol.",
        sure=False,
    ),
    "switch-teaming": Situation(
        "InvalidParameter", "More than one network adapter requires -EnableEmbeddedTeaming.", sure=False
    ),
    "vlan-modes": Situation("InvalidParameter", "The VLAN modes exclude one another: name one.", sure=False),
    "vlan-needs": Situation("InvalidParameter", "The VLAN mode {mode} needs {needs}.", sure=False),
    "vlan-range": Situation("InvalidParameter", "The VLAN id {vlan} is not between 1 and 4094.", sure=False),
}
