"""Get-CimInstance and Invoke-CimMethod, for what no cmdlet of the Hyper-V module shows: planned VMs, the service."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hvctl.lab import paths
from hvctl.lab.context import Args, Context, Handlers, Output, simulates
from hvctl.lab.entities import Host, Planned
from hvctl.lab.kinds.migration import CIM, RESULT, WindowsService
from hvctl.lab.live import Live, lives
from hvctl.lab.problems import Problem
from hvctl.lab.steps import CIM_RULE, not_allowed, not_simulated

HANDLERS: Handlers = {}
_NAMESPACE = "ROOT\\VIRTUALIZATION\\V2"
_PLANNED = "msvm_plannedcomputersystem"
_SERVICE = "msvm_virtualsystemmanagementservice"
_WINDOWS_SERVICE = "win32_service"
_BY_NAME = re.compile(r"\s*Name\s*=\s*(['\"])(\w+)\1\s*", re.IGNORECASE)


@simulates(HANDLERS, "Get-CimInstance", CIM, "ClassName Namespace Filter")
def get_instance(context: Context, args: Args) -> Iterator[Output]:
    """The planned VMs of the host, or the service that manages VMs; without rights there is neither.

    The Windows service behind the latter, which everybody sees, is found by its name.
    """
    name = args["ClassName"].lower()
    if name == _WINDOWS_SERVICE and not args.get("Namespace"):
        yield from _windows_service(context, args.get("Filter"))
        return
    if args.get("Filter") is not None:
        raise not_simulated("The lab does not simulate this filter of Get-CimInstance.")
    if paths.key(args.get("Namespace") or "") != _NAMESPACE or name not in (_PLANNED, _SERVICE):
        raise not_simulated(f"The lab does not simulate the WMI class {args['ClassName']}.")
    if not context.world.setting("rights"):
        return
    if name == _SERVICE:
        yield Live(context.world, CIM, context.host)
    else:
        yield from lives(context.world, CIM, context.world.find(Planned, host=context.host.name))


def _windows_service(context: Context, wanted: str | None) -> Iterator[Output]:
    by_name = _BY_NAME.fullmatch(wanted or "")
    if by_name is None:
        raise not_simulated("The lab simulates Win32_Service with a filter for one name only.")
    if by_name[2].lower() == "vmms":
        yield Live(context.world, CIM, WindowsService("vmms", "Hyper-V Virtual Machine Management"))


@simulates(HANDLERS, "Invoke-CimMethod", RESULT, "InputObject MethodName Arguments")
def invoke_method(context: Context, args: Args) -> Iterator[Output]:
    """DestroySystem of the service that manages VMs, on a planned VM: it goes, with the files copied for it."""
    ((_, system),) = args["Arguments"].content
    is_planned = isinstance(system, Live) and isinstance(system.entity, Planned)
    if not (is_planned and isinstance(args["InputObject"].entity, Host)):
        raise not_allowed(CIM_RULE)
    if not context.world.find(Planned, host=context.host.name, id=system.entity.id):
        raise Problem("planned-gone")
    context.world.remove(system.entity)
    yield Live(context.world, RESULT, system.entity)
