"""Stand-ins for PowerShell modules, made from the packaged reference, so that PowerShell's own binder judges calls.

Hyper-V's enums and classes become PowerShell enums and classes of the same name. A stand-in returns what was bound, or
does what the test wrote for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

HYPER_V_FILES = ("hyper-v.json", "hyper-v-unlisted.json")

_SAME_NAME = [
    "String",
    "Int16",
    "Int32",
    "Int64",
    "UInt16",
    "UInt32",
    "UInt64",
    "Boolean",
    "Byte",
    "Char",
    "Guid",
    "TimeSpan",
    "DateTime",
    "Version",
    "Hashtable",
    "PSObject",
    "Object",
    "ScriptBlock",
    "SecureString",
    "Uri",
    "Double",
    "Single",
    "Decimal",
]
_DOTNET = {name: name for name in _SAME_NAME} | {
    "SwitchParameter": "switch",
    "PSCredential": "pscredential",
    "CimSession": "Microsoft.Management.Infrastructure.CimSession",
    "CimInstance": "Microsoft.Management.Infrastructure.CimInstance",
    "IDictionary": "System.Collections.IDictionary",
    "IPAddress": "System.Net.IPAddress",
}
_REFERENCE_TYPES = {
    "String",
    "Version",
    "Hashtable",
    "PSObject",
    "Object",
    "ScriptBlock",
    "SecureString",
    "Uri",
    "PSCredential",
    "CimSession",
    "CimInstance",
    "IDictionary",
    "IPAddress",
    "SwitchParameter",
}
_IDENTIFIER = re.compile(r"[A-Za-z]\w*")

BASES = {
    "DvdDrive": "VMComponentObject",
    "HardDiskDrive": "VMComponentObject",
    "VMNetworkAdapter": "VMNetworkAdapterBase",
    "VMNetworkAdapterBase": "VMComponentObject",
    "VMSnapshot": "VirtualMachineBase",
    "VirtualMachine": "VirtualMachineBase",
}
"""The class that one of Hyper-V's classes is made from, where a parameter's type is such a class."""

RETURN_BOUND = (
    "[pscustomobject]@{ Cmdlet = $CmdletName; Set = $PSCmdlet.ParameterSetName; Bound = @($PSBoundParameters.Keys) }"
)
"""What a stand-in without behaviour of its own does."""

# A module's types are made anew in every runspace that loads it, but objects travel between runspaces, as those of a
# real module do: so the module's script block is made once for the process.
_LOADER = """\
$key = "stand-in $PSScriptRoot"
$body = [System.AppDomain]::CurrentDomain.GetData($key)
if ($null -eq $body) {
    $tokens = $errors = $null
    $parser = [System.Management.Automation.Language.Parser]
    $body = $parser::ParseFile("$PSScriptRoot/body.ps1", [ref]$tokens, [ref]$errors).GetScriptBlock()
    if ($errors.Count -gt 0) { throw "$errors" }
    [System.AppDomain]::CurrentDomain.SetData($key, $body)
}
. $body
Export-ModuleMember -Function NAMES
"""

MEMBERS = "[string]$Name; [guid]$Id"
"""What every class has."""

Cmdlets = Mapping[str, Mapping[str, Any]]


def reference(files: Iterable[str] = HYPER_V_FILES) -> dict[str, dict[str, Any]]:
    """The cmdlets of files of the packaged reference, by name."""
    folder = resources.files("hvctl.lab").joinpath("contract")
    cmdlets: dict[str, dict[str, Any]] = {}
    for file in files:
        for name, entry in json.loads(folder.joinpath(file).read_text("utf-8"))["cmdlets"].items():
            if "parameter_sets" in entry:
                cmdlets.setdefault(name, entry)
    return cmdlets


def write_module(
    root: Path,
    behaviour: Mapping[str, str] | None = None,
    *,
    name: str = "Hyper-V",
    cmdlets: Cmdlets | None = None,
    prelude: str = "",
) -> Path:
    """Write the module folder `root/name`; `root` belongs on PSModulePath.

    Args:
        root: The folder that holds module folders.
        behaviour: The process block of a cmdlet, by its name; its parameters are variables there.
        name: The module's name.
        cmdlets: The reference to make functions from; the Hyper-V module's by default.
        prelude: PowerShell text at the top of the module: helper functions and types.
    """
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    cmdlets = reference() if cmdlets is None else cmdlets
    write_text(folder / "body.ps1", module_text(cmdlets, behaviour or {}, prelude))
    write_text(folder / f"{name}.psm1", _LOADER.replace("NAMES", ", ".join(sorted(cmdlets))))
    return root


def read_behaviour(file: Path) -> tuple[str, dict[str, str]]:
    """The prelude and the behaviour in a PowerShell file: what stands first, and a `#region CMDLET` for each cmdlet."""
    prelude, *regions = re.split(r"^#region ", file.read_text("utf-8"), flags=re.MULTILINE)
    bodies = (region.split("\n#endregion", 1)[0].split("\n", 1) for region in regions)
    return prelude, {name.strip(): body for name, body in bodies}


_WITHOUT_WMI = {"CimInstance": "Object", "CimInstance[]": "Object[]", "CimClass": "Object"}


def without_wmi(cmdlets: Cmdlets) -> dict[str, dict[str, Any]]:
    """The reference with plain objects for those of WMI, which no PowerShell makes where there is no WMI."""
    plain: dict[str, dict[str, Any]] = {}
    for name, entry in cmdlets.items():
        parameters = {
            each: {**parameter, "type": _WITHOUT_WMI.get(parameter["type"], parameter["type"])}
            for each, parameter in entry["parameters"].items()
        }
        plain[name] = {**entry, "parameters": parameters}
    return plain


def module_text(cmdlets: Cmdlets, behaviour: Mapping[str, str], prelude: str = "") -> str:
    """The module as PowerShell text."""
    unknown = behaviour.keys() - cmdlets.keys()
    if unknown:
        raise ValueError(f"the reference does not have {', '.join(sorted(unknown))}")
    enums, classes = declarations(cmdlets)
    lines = [f"enum {name} {{ {'; '.join(values)} }}" for name, values in sorted(enums.items())]
    lines += [f"class {heading(name)} {{ {'' if name in BASES else MEMBERS} }}" for name in by_base(classes)]
    lines.append(prelude)
    lines += [_function(name, entry, enums, behaviour.get(name)) for name, entry in sorted(cmdlets.items())]
    return "\n".join([*lines, ""])


def by_base(classes: Iterable[str]) -> list[str]:
    """Class names in alphabetical order, but each after the one it is made from."""
    return sorted(classes, key=lambda name: (len(_ancestors(name)), name))


def heading(name: str) -> str:
    """What follows the word `class` in a class's declaration."""
    return f"{name} : {BASES[name]}" if name in BASES else name


def _ancestors(name: str) -> list[str]:
    return [BASES[name], *_ancestors(BASES[name])] if name in BASES else []


def write_text(file: Path, text: str) -> None:
    """Write a PowerShell file."""
    # Windows PowerShell reads a file without a byte-order mark in the ANSI code page.
    file.write_text(text, encoding="utf-8-sig")


def quoted(text: str) -> str:
    """A text as a single-quoted PowerShell string."""
    return "'" + text.replace("'", "''") + "'"


def _element(type_name: str) -> str:
    return type_name.removesuffix("[]")


def declarations(cmdlets: Cmdlets) -> tuple[dict[str, list[str]], set[str]]:
    """The enums (name to values) and the classes that the parameters mention."""
    enums: dict[str, list[str]] = {}
    classes: set[str] = set()
    for entry in cmdlets.values():
        for parameter in entry["parameters"].values():
            name, values = _element(parameter["type"]), parameter.get("values", [])
            if name in _DOTNET or not _IDENTIFIER.fullmatch(name):
                continue
            if values and all(_IDENTIFIER.fullmatch(value) for value in values):
                enums[name] = list(dict.fromkeys(enums.get(name, []) + values))
            else:
                classes.add(name)
    return enums, classes - enums.keys()


def _type_literal(parameter: Mapping[str, Any], enums: Mapping[str, list[str]]) -> str:
    element = _element(parameter["type"])
    name = _DOTNET.get(element, element)
    name = name if re.fullmatch(r"[\w.]+", name) else "object"
    if parameter["type"].endswith("[]"):
        return f"[{name}[]]"
    is_value = element in enums or (element in _DOTNET and element not in _REFERENCE_TYPES)
    if parameter.get("nullable") and is_value:
        return f"[System.Nullable[{name}]]"
    return f"[{name}]"


def parameter_text(
    name: str, parameter: Mapping[str, Any], sets: Mapping[str, Any], enums: Mapping[str, list[str]]
) -> str:
    """A parameter's declaration: its attributes, its type and its name."""
    attributes = []
    for set_name, members in sets.items():
        if name not in members["parameters"]:
            continue
        flags = [] if set_name == "__AllParameterSets" else [f"ParameterSetName={quoted(set_name)}"]
        if name in members["mandatory"] or name in members.get("mandatory_switches", []):
            flags.append("Mandatory")
        position = parameter.get("positions")
        position = position.get(set_name) if isinstance(position, dict) else position
        if position is not None:
            flags.append(f"Position={position}")
        pipeline = parameter["pipeline"] or ""
        flags += ["ValueFromPipeline"] if "ByValue" in pipeline else []
        flags += ["ValueFromPipelineByPropertyName"] if "ByPropertyName" in pipeline else []
        attributes.append(f"[Parameter({', '.join(flags)})]")
    if parameter["aliases"]:
        attributes.append(f"[Alias({', '.join(map(quoted, parameter['aliases']))})]")
    if parameter.get("values") and set(parameter["values"]) != set(enums.get(_element(parameter["type"]), ())):
        attributes.append(f"[ValidateSet({', '.join(map(quoted, parameter['values']))})]")
    return f"    {''.join(attributes)}{_type_literal(parameter, enums)}${name}"


def _function(name: str, entry: Mapping[str, Any], enums: Mapping[str, list[str]], behaviour: str | None) -> str:
    binding = ["PositionalBinding=$false"]
    if entry["default_parameter_set"]:
        binding.append(f"DefaultParameterSetName={quoted(entry['default_parameter_set'])}")
    if entry.get("supports_should_process"):
        binding.append("SupportsShouldProcess")
        if entry.get("confirm_impact"):
            binding.append(f"ConfirmImpact={quoted(entry['confirm_impact'])}")
    parameters = ",\n".join(
        parameter_text(each, parameter, entry["parameter_sets"], enums)
        for each, parameter in entry["parameters"].items()
    )
    body = behaviour if behaviour is not None else RETURN_BOUND.replace("$CmdletName", quoted(name))
    return (
        f"function {name} {{\n  [CmdletBinding({', '.join(binding)})] param(\n{parameters}\n  )\n"
        f"  process {{\n{body}\n  }}\n}}"
    )
