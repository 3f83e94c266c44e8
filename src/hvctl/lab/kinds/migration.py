"""Compatibility reports, migration networks, and what WMI knows of planned VMs, as live objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hvctl.lab.entities import Planned, Vm
from hvctl.lab.kinds.network import NETWORK_ADAPTER
from hvctl.lab.kinds.vm import VIRTUAL_MACHINE
from hvctl.lab.live import Kind, Live, Property, fields, table
from hvctl.lab.migration import Finding, Order, PlannedAdapter
from hvctl.lab.world import World


def _same(_world: World, entity: Any) -> Any:  # noqa: ANN401 - whatever it is, it lives in the report alone
    return entity


def _vm(live: Live) -> Vm | None:
    return live.world.get(Vm, live.entity.vm)


def _vm_name(live: Live) -> str | None:
    vm = _vm(live)
    return vm.name if vm else None


PLANNED_ADAPTER = Kind(
    "VMNetworkAdapter",
    {
        **NETWORK_ADAPTER.properties,
        **table(
            fields(Name="name", VMId="vm", MacAddress="mac"),
            {
                "SwitchName": lambda live: live.entity.switch or "",
                "Connected": lambda live: live.entity.switch is not None,
                "VMName": _vm_name,
            },
        ),
    },
    text=lambda live: f"VMNetworkAdapter (Name = '{live.entity.name}')",
    reload=_same,
    bases=NETWORK_ADAPTER.bases,
)
"""An adapter of a planned VM; it is plugged in on the destination, once the VM is there."""


def _planned_adapters(live: Live) -> list[Live]:
    return [Live(live.world, PLANNED_ADAPTER, adapter) for adapter in live.entity.adapters]


PLANNED_VM = Kind(
    "VirtualMachine",
    table(
        {
            "Id": lambda live: live.entity.vm,
            "VMId": lambda live: live.entity.vm,
            "Name": _vm_name,
            "VMName": _vm_name,
            "ComputerName": lambda live: live.entity.target.computer_name,
            "VirtualMachineType": lambda _live: "PlannedVirtualMachine",
            "NetworkAdapters": Property(_planned_adapters, PLANNED_ADAPTER),
        }
    ),
    text=lambda live: f"VirtualMachine (Name = '{_vm_name(live)}') [Id = '{live.entity.vm}']",
    reload=_same,
    bases=VIRTUAL_MACHINE.bases,
)
"""What a VM is going to be on the destination, as a compatibility report holds it."""


def _source(live: Live) -> Live | str:
    finding: Finding = live.entity
    if isinstance(finding.source, PlannedAdapter):
        return Live(live.world, PLANNED_ADAPTER, finding.source)
    return str(getattr(finding.source, "name", None) or getattr(finding.source, "path", ""))


INCOMPATIBILITY = Kind(
    "VMCompatibilityError",
    table(
        {
            "Message": lambda live: live.entity.message,
            "MessageId": lambda live: live.entity.id,
            "Source": Property(_source, PLANNED_ADAPTER),
        }
    ),
    text=lambda live: live.entity.message,
    reload=_same,
)


def _findings(live: Live) -> list[Live] | None:
    order: Order = live.entity
    return [Live(live.world, INCOMPATIBILITY, finding) for finding in order.findings] or None


REPORT = Kind(
    "VMCompatibilityReport",
    table(
        {
            "VM": Property(lambda live: Live(live.world, PLANNED_VM, live.entity), PLANNED_VM),
            "OperationType": lambda live: f"MoveVirtualMachine{'' if live.entity.folder is None else 'AndStorage'}",
            "Destination": lambda live: live.entity.target.computer_name,
            "Path": lambda live: live.entity.folder,
            "Incompatibilities": Property(_findings, INCOMPATIBILITY),
        }
    ),
    text=lambda _live: "VMCompatibilityReport",
    reload=_same,
)

MIGRATION_NETWORK = Kind(
    "VMMigrationNetwork",
    table({"Subnet": lambda live: live.entity, "Priority": lambda _live: None}),
    text=lambda live: str(live.entity),
    reload=_same,
)


@dataclass(frozen=True, slots=True)
class WindowsService:
    """A service of Windows: on the lab it always runs."""

    name: str
    display_name: str
    state: str = "Running"
    start_mode: str = "Auto"


def _cim_name(live: Live) -> str:
    if isinstance(live.entity, WindowsService):
        return live.entity.name
    return live.entity.id.upper() if isinstance(live.entity, Planned) else "vmms"


def _of_service(attribute: str) -> Callable[[Live], Any]:
    return lambda live: getattr(live.entity, attribute) if isinstance(live.entity, WindowsService) else None


CIM = Kind(
    "CimInstance",
    table(
        {
            "Name": _cim_name,
            "ElementName": lambda live: None if isinstance(live.entity, WindowsService) else live.entity.name,
            "DisplayName": _of_service("display_name"),
            "State": _of_service("state"),
            "StartMode": _of_service("start_mode"),
        }
    ),
    text=lambda live: f"CimInstance (Name = '{_cim_name(live)}')",
    reload=_same,
)
"""A WMI object: a planned VM, the service that manages VMs, or the service of Windows behind it."""

RESULT = Kind("CimMethodResult", table({"ReturnValue": lambda _live: 0}), text=str, reload=_same)
