"""Virtual switches of one host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from hvctl.errors import ConflictError, OutcomeUnknownError, UnsupportedError
from hvctl.models.base import HostName, Record
from hvctl.models.switch import SwitchCreate, SwitchDetails, VirtualSwitch
from hvctl.powershell.batch import Batch, Call, Ref, Step, Value
from hvctl.services.failures import failure_of, lacks_rights, read, rights_error, sight_of_name, with_sight
from hvctl.services.names import folded
from hvctl.services.plan import Part, Plan, make_plan
from hvctl.services.selection import EVERYTHING, Selection, match
from hvctl.transports.result import Result
from hvctl.transports.session import Session

NOUN = "virtual switch"


class SwitchState(Record):
    """As much of a switch as it takes to choose it; a switch has no state, its type stands in for one."""

    noun: ClassVar[str] = NOUN

    id: str = Field(validation_alias="Id")
    name: str = Field(validation_alias="Name")
    host: HostName
    state: str = Field(validation_alias="SwitchType")


def plan_list(model: type[Record]) -> Batch:
    """Every switch of the host, with the properties that `model` is made of."""
    return Batch((Step("switches", Call("Get-VMSwitch"), select=model.properties()),))


def plan_users() -> Batch:
    """Every network adapter of every virtual machine, and the switch it is connected to."""
    adapters = Call("Get-VMNetworkAdapter", {"VM": Ref("vms", all=True)})
    return Batch((Step("vms", Call("Get-VM")), Step("adapters", adapters, select=("VMName", "SwitchId"))))


def plan_create(spec: SwitchCreate) -> Batch:
    """The batch for a new switch; the step `details` holds it."""
    parameters: dict[str, Value] = {"Name": spec.name}
    if spec.type == "External":
        parameters["NetAdapterName"] = (spec.adapter,)
        parameters["AllowManagementOS"] = True if spec.management_os is None else spec.management_os
    else:
        parameters["SwitchType"] = spec.type
    if spec.notes is not None:
        parameters["Notes"] = spec.notes
    remove = Call("Remove-VMSwitch", {"VMSwitch": Ref("switch"), "Force": True})
    absent = Step("absent", Call("Get-VMSwitch"), where={"Name": spec.name}, expect="none")
    new = Step("switch", Call("New-VMSwitch", parameters), expect="one", undo=remove)
    details = Call("Get-VMSwitch", {"Id": Ref("switch", property="Id")})
    return Batch((absent, new, Step("details", details, select=SwitchDetails.properties(), expect="one")))


def plan_delete(switches: Sequence[SwitchState]) -> Plan:
    """Delete switches; the adapters on them stay, disconnected."""
    parts: list[Part] = []
    steps: list[Step] = []
    for number, switch in enumerate(switches):
        target = Ref("switches", where={"Id": switch.id})
        step = Step(
            f"remove_{number}", Call("Remove-VMSwitch", {"VMSwitch": target, "Force": True}), on_error="continue"
        )
        steps.append(step)
        messages = {step.id: f"'{switch.name}' was not deleted"}
        parts.append(Part(switch.id, switch.name, None, (step.id,), goes=True, messages=messages))
    ids = tuple(switch.id for switch in switches)
    before = (_states_step("switches", ids),)
    return make_plan("switch delete", parts, steps, before=before, after=_states_step("after", ids))


def _states_step(step_id: str, ids: tuple[str, ...]) -> Step:
    return Step(step_id, Call("Get-VMSwitch"), select=("Id", "Name", "SwitchType"), where={"Id": ids})


class SwitchService:
    """Virtual switches of the host that a session talks to.

    Args:
        session: The host.
        timeout: Seconds that a command may take; None for no limit.
    """

    def __init__(self, session: Session, *, timeout: float | None = 600.0) -> None:
        self._session = session
        self._timeout = timeout

    def list(self, selection: Selection = EVERYTHING) -> Sequence[VirtualSwitch]:
        """The switches that a selection means; all of them where it names none."""
        switches = VirtualSwitch.read(self._session.host, self._records(VirtualSwitch))
        return match(selection.names, switches, NOUN, self._session.host) if selection.names else switches

    def show(self, selection: Selection) -> Sequence[SwitchDetails]:
        """Everything about the switches that a selection means."""
        switches = SwitchDetails.read(self._session.host, self._records(SwitchDetails))
        chosen = match(selection.names, switches, NOUN, self._session.host) if selection.names else switches
        vms = self.users()
        return [switch.model_copy(update={"vms": tuple(vms.get(switch.id, ()))}) for switch in chosen]

    def select(self, selection: Selection, *, missing_ok: bool = False) -> Sequence[SwitchState]:
        """The switches that a changing verb is to work on; with `missing_ok` without the names that match nothing."""
        selection.require_something()
        switches = SwitchState.read(self._session.host, self._records(SwitchState))
        if not selection.names:
            return switches
        return match(selection.names, switches, NOUN, self._session.host, missing_ok=missing_ok)

    def users(self) -> Mapping[str, Sequence[str]]:
        """The names of the virtual machines connected to each switch, by switch id."""
        vms: dict[str, dict[str, None]] = {}
        for adapter in read(self._session, plan_users(), timeout=self._timeout).of("adapters"):
            vms.setdefault(str(adapter["SwitchId"]), {})[adapter["VMName"]] = None
        return {switch_id: tuple(names) for switch_id, names in vms.items()}

    def plan_create(self, spec: SwitchCreate) -> Batch:
        """The batch for a new switch on this host.

        Raises:
            UnsupportedError: An external switch over a network: it can cut the connection that makes it.
            ConflictError: The name is taken.
        """
        if spec.type == "External" and self._session.is_remote:
            raise UnsupportedError(
                f"An external switch cannot be made on {self._session.host} over the network: it takes the network "
                "adapter that this connection may run on.",
                host=self._session.host,
                object_name=spec.name,
                hint="Run hvctl on the host itself.",
            )
        for switch in SwitchState.read(self._session.host, self._records(SwitchState)):
            if folded(switch.name) == folded(spec.name):
                raise SwitchExists(switch)
        return plan_create(spec)

    def create(self, spec: SwitchCreate, batch: Batch) -> SwitchDetails:
        """Create a switch; when a step fails, nothing of it is left."""
        try:
            result = self._session.run(batch, timeout=self._timeout, look=plan_list(SwitchState))
        except OutcomeUnknownError as error:
            raise with_sight(error, sight_of_name(error, "switches", spec.name)) from error
        self._check(spec, result)
        return SwitchDetails.read(self._session.host, result.of("details"))[0]

    def foresee(self, spec: SwitchCreate, batch: Batch) -> None:
        """Run the checks of a creation and nothing else, as a dry run does."""
        self._check(spec, self._session.run(batch.reading(), timeout=self._timeout))

    def _check(self, spec: SwitchCreate, result: Result) -> None:
        if not result.ok and result.failure is not None:
            message = f"The switch '{spec.name}' was not created"
            raise failure_of(result.failure, result, host=self._session.host, object_name=spec.name, message=message)

    def _records(self, model: type[Record]) -> Sequence[Mapping[str, Any]]:
        result = read(self._session, plan_list(model), timeout=self._timeout)
        if not result.of("switches") and lacks_rights(result):
            raise rights_error(self._session.host)
        return result.of("switches")


class SwitchExists(ConflictError):
    """The name of a switch that was to be created is taken."""

    def __init__(self, switch: SwitchState) -> None:
        super().__init__(
            f"A virtual switch called '{switch.name}' exists already.",
            host=switch.host,
            object_name=switch.name,
            hint="Choose another name, or add --exist-ok to be shown the one that is there.",
        )
        self.switch = switch
