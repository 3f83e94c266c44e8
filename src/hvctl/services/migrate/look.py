"""What a move must know of the two hosts, and of the virtual machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from hvctl.errors import HvctlError
from hvctl.models.base import TextList
from hvctl.models.migrate import MigrationHost, MigrationSettings, Move
from hvctl.powershell.batch import Batch, Call, Ref, Step, Value
from hvctl.services.vm.read import VmState
from hvctl.transports.result import Result
from hvctl.transports.session import Session

WMI = "root/virtualization/v2"
PLANNED = Call("Get-CimInstance", {"Namespace": WMI, "ClassName": "Msvm_PlannedComputerSystem"})
"""The planned virtual machines of a host: no cmdlet of the Hyper-V module lists them."""
MANAGER = Call("Get-CimInstance", {"Namespace": WMI, "ClassName": "Msvm_VirtualSystemManagementService"})
MOVING = frozenset(
    {"MigratingVirtualMachine", "MigratingPlannedVm", "StorageMigrationPhaseOne", "StorageMigrationPhaseTwo"}
)
"""What the operational status of a virtual machine has while it is being moved, depending on the phase."""
BUSY = "InService"
"""What it has while anything is being done with it."""


class VmToMove(VmState):
    """As much of a virtual machine as it takes to see whether it can be moved."""

    clustered: bool | None = Field(validation_alias="IsClustered")
    status: TextList = Field(validation_alias="OperationalStatus")

    @property
    def is_moving(self) -> bool:
        """Whether it is being moved at this moment."""
        return not MOVING.isdisjoint(self.status)

    @property
    def is_busy(self) -> bool:
        """Whether anything is being done with it at this moment; it may be gone at the next."""
        return self.is_moving or BUSY in self.status


@dataclass(frozen=True, slots=True)
class Parts:
    """What belongs to one virtual machine, and what Compare-VM says of its move.

    Attributes:
        disks: The paths of its disks; None for one that is no file.
        adapters: The switch of each adapter, by the adapter's id.
        objections: What Compare-VM has against the move: message id and message.
        failure: Why Compare-VM could not tell.
    """

    disks: tuple[str | None, ...] = ()
    adapters: Mapping[str, str] = field(default_factory=dict)
    objections: tuple[tuple[int | None, str], ...] = ()
    failure: HvctlError | None = None


def plan_settings() -> Batch:
    """What a host is set to, and the networks it takes moves on."""
    return Batch(_settings_steps())


def plan_source() -> Batch:
    """The settings of the host that machines leave, and its machines."""
    return Batch((*_settings_steps(), Step("vms", Call("Get-VM"), select=VmToMove.properties())))


def plan_destination() -> Batch:
    """The settings of the host that machines go to, what is there, and what broken moves have left."""
    vms = Step("vms", Call("Get-VM"), select=VmState.properties())
    switches = Step("switches", Call("Get-VMSwitch"), select=("Name",))
    return Batch((*_settings_steps(), vms, switches, Step("planned", PLANNED, select=("Name",))))


def _settings_steps() -> tuple[Step, ...]:
    return (
        Step("host", Call("Get-VMHost"), select=MigrationSettings.properties(), expect="one"),
        Step("networks", Call("Get-VMMigrationNetwork"), select=("Subnet",), on_error="continue"),
    )


def plan_parts(ids: Sequence[str]) -> Batch:
    """The disks and adapters of some virtual machines."""
    every = Ref("vms", all=True)
    return Batch(
        (
            Step("vms", Call("Get-VM"), select=("Id",), where={"Id": tuple(ids)}),
            Step("disks", Call("Get-VMHardDiskDrive", {"VM": every}), select=("VMId", "Path")),
            Step("adapters", Call("Get-VMNetworkAdapter", {"VM": every}), select=("VMId", "Id", "SwitchName")),
        )
    )


def plan_compare(ids: Sequence[str], destination: str, move: Move) -> Batch:
    """What Compare-VM has against moving each of some virtual machines; a step a machine, in that order."""
    steps = [Step("vms", Call("Get-VM"), where={"Id": tuple(ids)})]
    for number, vm_id in enumerate(ids):
        call = Call("Compare-VM", {"VM": Ref("vms", where={"Id": vm_id}), **where_to(destination, move)})
        select = ("Incompatibilities.MessageId", "Incompatibilities.Message")
        steps.append(Step(f"report_{number}", call, select=select, on_error="continue"))
    return Batch(tuple(steps))


def where_to(destination: str, move: Move) -> dict[str, Value]:
    """What Compare-VM and Move-VM are told of the destination, which is the host's own computer name."""
    if move.storage_path is None:
        # Without it the call would fit two parameter sets.
        return {"DestinationHost": destination, "IncludeStorage": False}
    return {"DestinationHost": destination, "IncludeStorage": True, "DestinationStoragePath": move.storage_path}


def settings_of(session: Session, result: Result) -> MigrationHost:
    """What a host is set to, as `plan_settings` read it."""
    known = MigrationHost.read(session.host, result.of("host"))[0]
    networks = tuple(str(record["Subnet"]) for record in result.of("networks"))
    return known.model_copy(update={"computer_name": result.hello.get("host"), "networks": networks})


def parts_of(result: Result) -> dict[str, Parts]:
    """What belongs to each virtual machine, by id, as `plan_parts` read it."""
    disks = _by_vm(result.of("disks"))
    adapters = _by_vm(result.of("adapters"))
    return {
        str(record["Id"]): Parts(
            disks=tuple(disk["Path"] for disk in disks.get(str(record["Id"]), ())),
            adapters={each["Id"]: each["SwitchName"] or "" for each in adapters.get(str(record["Id"]), ())},
        )
        for record in result.of("vms")
    }


def objections_of(records: Sequence[Mapping[str, Any]]) -> tuple[tuple[int | None, str], ...]:
    """What a compatibility report holds against a move: message ids and messages."""
    found: list[tuple[int | None, str]] = []
    for record in records:
        ids = record["Incompatibilities.MessageId"] or ()
        messages = record["Incompatibilities.Message"] or ()
        found += zip(ids, messages, strict=True)
    return tuple(found)


def _by_vm(records: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        grouped.setdefault(str(record["VMId"]), []).append(record)
    return grouped
