"""Calls of Invoke-CimMethod as JSON: the one that hvctl may make, and those that no engine must run."""

from __future__ import annotations

from typing import Any

NAMESPACE = "root/virtualization/v2"


def reading(step: str, class_name: str) -> dict[str, Any]:
    """A step that reads the objects of a class."""
    parameters = {"Namespace": NAMESPACE, "ClassName": class_name}
    return {"id": step, "cmdlet": "Get-CimInstance", "parameters": parameters}


READ = (
    reading("manager", "Msvm_VirtualSystemManagementService"),
    reading("planned", "Msvm_PlannedComputerSystem"),
)
"""What the calls refer to."""


def table(**arguments: Any) -> dict[str, Any]:
    """A hashtable."""
    return {"$hashtable": [[name, value] for name, value in arguments.items()]}


MANAGER, PLANNED = {"$ref": "manager"}, {"$ref": "planned"}
DESTROY = {
    "InputObject": MANAGER,
    "MethodName": "DestroySystem",
    "Arguments": table(AffectedSystem=PLANNED),
}
"""The one call that is let through."""
PROGRAM = {"ClassName": "Win32_Process", "MethodName": "Create", "Arguments": table(CommandLine="calc.exe")}
OTHER_FORMS: dict[str, dict[str, Any]] = {
    "a program": PROGRAM,
    "a program, by aliases": {"Class": "Win32_Process", "Name": "Create", "Arguments": PROGRAM["Arguments"]},
    "no parameters": {},
    "another method": {**DESTROY, "MethodName": "ModifySystemSettings"},
    "no method": {key: value for key, value in DESTROY.items() if key != "MethodName"},
    "a method from the host": {**DESTROY, "MethodName": {"$ref": "planned", "property": "Name"}},
    "several methods": {**DESTROY, "MethodName": ["DestroySystem"]},
    "a class beside the object": {**DESTROY, "ClassName": "Win32_Process"},
    "another computer": {**DESTROY, "ComputerName": "HV02"},
    "no object but a text": {**DESTROY, "InputObject": "vmms"},
    "a made-up object": {**DESTROY, "InputObject": table(Name="vmms")},
    "one argument more": {**DESTROY, "Arguments": table(AffectedSystem=PLANNED, Force=True)},
    "another argument": {**DESTROY, "Arguments": table(CommandLine="calc.exe")},
    "a made-up system": {**DESTROY, "Arguments": table(AffectedSystem=table(Name="web1"))},
    "no arguments": {**DESTROY, "Arguments": None},
}
"""Calls of another form: the whole batch is refused."""
OTHER_OBJECTS: dict[str, dict[str, Any]] = {
    "the manager itself": {**DESTROY, "Arguments": table(AffectedSystem=MANAGER)},
    "of a planned machine": {**DESTROY, "InputObject": PLANNED},
    "swapped": {**DESTROY, "InputObject": PLANNED, "Arguments": table(AffectedSystem=MANAGER)},
    "a property": {**DESTROY, "Arguments": table(AffectedSystem={"$ref": "planned", "property": "Name"})},
}
"""Calls of the right form, with refs to other objects: seen when the step is reached."""
