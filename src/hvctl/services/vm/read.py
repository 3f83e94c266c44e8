"""Lists of virtual machines, and everything there is to know of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, ClassVar

from pydantic import Field

from hvctl.models.base import HostName, Record
from hvctl.models.vm import Drive, NetworkAdapter, VirtualMachine, VmSummary
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.transports.result import Result

ADAPTERS = NetworkAdapter.properties()
DRIVES = Drive.properties()


class VmState(Record):
    """As much of a virtual machine as it takes to choose it."""

    noun: ClassVar[str] = "virtual machine"

    id: str = Field(validation_alias="Id")
    name: str = Field(validation_alias="Name")
    host: HostName
    state: str = Field(validation_alias="State")


class VmSettings(VmState):
    """What `vm set` can change, as it is now."""

    processors: int | None = Field(validation_alias="ProcessorCount")
    memory: int | None = Field(validation_alias="MemoryStartup")
    memory_minimum: int | None = Field(validation_alias="MemoryMinimum")
    memory_maximum: int | None = Field(validation_alias="MemoryMaximum")
    dynamic_memory: bool | None = Field(validation_alias="DynamicMemoryEnabled")
    notes: str | None = Field(validation_alias="Notes")
    automatic_start_action: str | None = Field(validation_alias="AutomaticStartAction")
    automatic_start_delay: float | None = Field(validation_alias="AutomaticStartDelay")
    automatic_stop_action: str | None = Field(validation_alias="AutomaticStopAction")
    checkpoint_type: str | None = Field(validation_alias="CheckpointType")


def plan_list(model: type[Record] = VmSummary) -> Batch:
    """Every virtual machine of the host, with the properties that `model` is made of."""
    return Batch((Step("vms", Call("Get-VM"), select=model.properties()),))


def states_step(step_id: str, ids: Iterable[str]) -> Step:
    """A step that reads id, name and state of some virtual machines."""
    return Step(step_id, Call("Get-VM"), select=VmState.properties(), where={"Id": tuple(ids)})


def plan_details(ids: Sequence[str]) -> Batch:
    """Everything about some virtual machines, one call a kind of thing, however many they are."""
    vms = Step("vms", Call("Get-VM"), select=VirtualMachine.properties(), where={"Id": tuple(ids)})
    return Batch((vms, *detail_steps("vms")))


def detail_steps(vms: str) -> tuple[Step, ...]:
    """The steps that read what belongs to the virtual machines of an earlier step.

    Generation 1 has no firmware: Get-VMFirmware on one is an error, not an empty answer.
    """
    every = Ref(vms, all=True)
    second_generation = Ref(vms, where={"Generation": "2"}, all=True)
    return (
        Step("adapters", Call("Get-VMNetworkAdapter", {"VM": every}), select=ADAPTERS, on_error="continue"),
        Step(
            "vlans",
            Call("Get-VMNetworkAdapterVlan", {"VM": every}),
            select=("ParentAdapter.Id", "OperationMode", "AccessVlanId"),
            on_error="continue",
        ),
        Step("disks", Call("Get-VMHardDiskDrive", {"VM": every}), select=DRIVES, on_error="continue"),
        Step("dvds", Call("Get-VMDvdDrive", {"VM": every}), select=DRIVES, on_error="continue"),
        Step(
            "firmware",
            Call("Get-VMFirmware", {"VM": second_generation}),
            select=("VMId", "SecureBoot", "SecureBootTemplate", "BootOrder.Description", "BootOrder.Device.Path"),
            on_error="continue",
        ),
    )


def assemble(host: str, result: Result, vms: str = "vms") -> list[VirtualMachine]:
    """Put the answers of `detail_steps` together, by virtual machine."""
    vlans = {record["ParentAdapter.Id"]: record for record in result.of("vlans")}
    adapters = _by_vm(NetworkAdapter.read(host, (_with_vlan(a, vlans) for a in result.of("adapters"))))
    disks = _by_vm(Drive.read(host, result.of("disks")))
    dvds = _by_vm(Drive.read(host, result.of("dvds")))
    firmware = {str(record["VMId"]): record for record in result.of("firmware")}
    machines = []
    for machine in VirtualMachine.read(host, result.of(vms)):
        own = adapters.get(machine.id, [])
        extra: dict[str, Any] = {
            "adapters": tuple(own),
            "addresses": tuple(address for adapter in own for address in adapter.addresses),
            "disks": tuple(disks.get(machine.id, [])),
            "dvds": tuple(dvds.get(machine.id, [])),
        }
        if machine.id in firmware:
            extra.update(_firmware(firmware[machine.id]))
        machines.append(machine.model_copy(update=extra))
    return machines


def _with_vlan(adapter: Mapping[str, Any], vlans: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    setting = vlans.get(adapter["Id"])
    if setting is None:
        return dict(adapter)
    access = setting["OperationMode"] == "Access"
    return {**adapter, "vlan_mode": setting["OperationMode"], "vlan": setting["AccessVlanId"] if access else None}


def _firmware(record: Mapping[str, Any]) -> dict[str, Any]:
    # A getter that throws leaves its own list empty.
    entries = zip_longest(record["BootOrder.Device.Path"] or (), record["BootOrder.Description"] or ())
    return {
        "secure_boot": record["SecureBoot"],
        "secure_boot_template": record["SecureBootTemplate"],
        "boot_order": tuple(path or description or "" for path, description in entries),
    }


def _by_vm(items: Iterable[Any]) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = {}
    for item in items:
        grouped.setdefault(item.vm_id, []).append(item)
    return grouped
