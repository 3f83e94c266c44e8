"""Stand-ins that are compiled cmdlets, as Hyper-V's own are: their values are converted as a compiled cmdlet's are.

PowerShell binds a function's parameters another way: it converts them by an attribute, which has error ids of its own
and is stricter with numbers for switches. A stand-in here returns what was bound, and does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.support.stubs import (
    BASES,
    MEMBERS,
    Cmdlets,
    by_base,
    declarations,
    heading,
    parameter_text,
    quoted,
    write_text,
)

from hvctl.lab.enums import ENUMS

# Without a constructor that takes nothing, no hashtable becomes an object: Hyper-V's classes have none either.
_CLASS = "class {heading} {{ {members}{name}([string]$one, [string]$two){base} {{ }} }}"
_MAKE = "[{name}]::new('', '')"

_LOADER = """\
. "$PSScriptRoot/body.ps1"
Import-Module -Assembly ([FIRST].Assembly)
Export-ModuleMember -Cmdlet *
"""

_VERDICT = """\
function Get-Verdict($cmdlet) {
    $bound = $cmdlet.MyInvocation.BoundParameters
    [pscustomobject]@{ Set = $cmdlet.ParameterSetName; Names = @($bound.Keys); Bound = $bound }
}
"""


def write_compiled(root: Path, name: str, cmdlets: Cmdlets, classes: Iterable[str] = ()) -> None:
    """Write the module folder `root/name`; `Get-Classes` of the module makes an object of each of its classes.

    Args:
        root: The folder that holds module folders; it belongs on PSModulePath.
        name: The module's name.
        cmdlets: The reference to make cmdlets from.
        classes: More classes than the cmdlets' parameters name.
    """
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    enums, named = declarations(cmdlets)
    named |= {base for each in (*named, *classes) for base in _lineage(each)}
    members = {each: list(ENUMS.get(each, values)) for each, values in enums.items()}
    lines = [_enum(each, values) for each, values in sorted(members.items())]
    lines += [_class(each) for each in by_base(named)]
    lines.append(_VERDICT)
    lines += [_cmdlet(each, entry, members) for each, entry in sorted(cmdlets.items())]
    objects = "; ".join(f"{each} = {_MAKE.format(name=each)}" for each in sorted(named))
    lines.append(f"function Get-Classes {{ @{{ {objects} }} }}")
    write_text(folder / "body.ps1", "\n".join([*lines, ""]))
    first = min(cmdlets).replace("-", "")
    write_text(folder / f"{name}.psm1", _LOADER.replace("FIRST", first) + "Export-ModuleMember -Function Get-Classes\n")


def _lineage(name: str) -> list[str]:
    return [name, *_lineage(BASES[name])] if name in BASES else [name]


def _enum(name: str, values: Iterable[str]) -> str:
    numbers = ENUMS.get(name) or {value: number for number, value in enumerate(values)}
    return f"enum {name} {{ {'; '.join(f'{value} = {number}' for value, number in numbers.items())} }}"


def _class(name: str) -> str:
    derived = name in BASES
    return _CLASS.format(
        heading=heading(name),
        name=name,
        members="" if derived else f"{MEMBERS}; ",
        base=" : base($one, $two)" if derived else "",
    )


def _cmdlet(name: str, entry: Mapping[str, Any], enums: Mapping[str, list[str]]) -> str:
    arguments = [quoted(part) for part in name.split("-")]
    if entry["default_parameter_set"]:
        arguments.append(f"DefaultParameterSetName={quoted(entry['default_parameter_set'])}")
    if entry.get("supports_should_process"):
        arguments.append("SupportsShouldProcess=$true")
    properties = "\n".join(
        parameter_text(each, parameter, entry["parameter_sets"], enums)
        for each, parameter in entry["parameters"].items()
    )
    return (
        f"[System.Management.Automation.Cmdlet({', '.join(arguments)})]\n"
        f"class {name.replace('-', '')} : System.Management.Automation.PSCmdlet {{\n{properties}\n"
        "    [void] ProcessRecord() { $this.WriteObject((Get-Verdict $this)) }\n}"
    )
