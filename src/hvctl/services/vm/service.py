"""Virtual machines of one host: the plans of this package, run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from hvctl.errors import ConflictError, HvctlError, NotFoundError, OutcomeUnknownError
from hvctl.models.vm import VirtualMachine, VmSummary
from hvctl.powershell.batch import Batch
from hvctl.services.failures import failure_of, lacks_rights, read, rights_error, sight_of_name, with_sight
from hvctl.services.names import folded
from hvctl.services.selection import EVERYTHING, Name, Selection, Stateful, keep_states, match
from hvctl.services.vm import read as reading
from hvctl.services.vm.read import VmSettings, VmState
from hvctl.transports.result import Result
from hvctl.transports.session import Session

if TYPE_CHECKING:
    from hvctl.models.vm import VmCreate
    from hvctl.services.plan import Prepared
    from hvctl.services.vm.create import Creation

R = TypeVar("R", VmSummary, VmState, VmSettings)


class VmService:
    """Virtual machines of the host that a session talks to.

    Args:
        session: The host.
        timeout: Seconds that a command may take; None for no limit.
    """

    def __init__(self, session: Session, *, timeout: float | None = 600.0) -> None:
        self._session = session
        self._timeout = timeout

    def everyone(self, model: type[R]) -> Sequence[R]:
        """Every virtual machine of the host, as `model`.

        Raises:
            AccessError: The list is empty and the login lacks the rights to see any.
        """
        result = self._ask(reading.plan_list(model))
        if not result.of("vms") and lacks_rights(result):
            raise rights_error(self._session.host)
        return model.read(self._session.host, result.of("vms"))

    def list(self, selection: Selection = EVERYTHING) -> Sequence[VmSummary]:
        """The virtual machines that a selection means; all of them where it names none."""
        return self._chosen(selection, VmSummary)

    def show(self, selection: Selection) -> Sequence[VirtualMachine]:
        """Everything about the virtual machines that a selection means."""
        chosen = self._chosen(selection, VmState)
        return self.details([vm.id for vm in chosen])

    def details(self, ids: Sequence[str]) -> Sequence[VirtualMachine]:
        """Everything about virtual machines, by id, in that order.

        Raises:
            NotFoundError: One of them went away meanwhile.
        """
        if not ids:
            return []
        host = self._session.host
        machines = {vm.id: vm for vm in reading.assemble(host, self._ask(reading.plan_details(ids)))}
        for vm_id in ids:
            if vm_id not in machines:
                raise NotFoundError(f"The virtual machine {vm_id} on {host} went away.", host=host, object_name=vm_id)
        return [machines[vm_id] for vm_id in ids]

    def select(self, selection: Selection, model: type[R], *, missing_ok: bool = False) -> Sequence[R]:
        """The virtual machines that a changing verb is to work on, as `model`.

        Args:
            selection: What was asked for; it must ask for something.
            model: What is read of each.
            missing_ok: Leave out names that match nothing.

        Raises:
            NotFoundError: A name matches nothing.
            ConflictError: A name fits several.
        """
        selection.require_something()
        return self._chosen(selection, model, missing_ok=missing_ok)

    def plan_create(self, spec: VmCreate) -> Creation:
        """Look at the host, and make the batch that creates a virtual machine there.

        Raises:
            AlreadyThere: The name is taken.
            ConflictError: Several machines have it.
            HvctlError: The host does not say what must be known.
        """
        from hvctl.services.vm import create as creating

        host = self._session.host
        result = self._session.run(creating.plan_look(), timeout=self._timeout)
        failure = None if result.ok else result.failure
        if not result.of("vms") and lacks_rights(result) and (failure is None or failure.step == "host"):
            raise rights_error(host)
        if failure is not None:
            raise failure_of(failure, result, host=host, object_name=spec.name)
        taken = [vm for vm in VmState.read(host, result.of("vms")) if folded(vm.name) == folded(spec.name)]
        if taken:
            raise AlreadyThere(match([Name(spec.name, literal=True)], taken, "virtual machine", host)[0])
        folder = result.of("host")[0]["VirtualHardDiskPath"]
        if folder is None and spec.disk is not None and not (spec.disk_path or spec.path):
            words = f"{host} does not say where its new disks go."
            raise HvctlError(words, host=host, object_name=spec.name, hint="Say where: --disk-path")
        return creating.plan_create(spec, folder or "")

    def create(self, spec: VmCreate, creation: Creation) -> VirtualMachine:
        """Create a virtual machine; when a step fails, nothing of it is left.

        Raises:
            HvctlError: What failed, and what could not be taken back.
        """
        look = Batch((reading.plan_list(VmState).steps[0],))
        try:
            result = self._session.run(creation.batch, timeout=self._timeout, look=look)
        except OutcomeUnknownError as error:
            raise with_sight(error, sight_of_name(error, "vms", spec.name)) from error
        self._check_creation(spec, creation, result)
        return reading.assemble(self._session.host, result, "details")[0]

    def foresee(self, spec: VmCreate, creation: Creation) -> None:
        """Run the checks of a creation and nothing else, as a dry run does.

        Raises:
            HvctlError: A check fails.
        """
        result = self._session.run(creation.batch.reading(), timeout=self._timeout)
        self._check_creation(spec, creation, result)

    def plan_delete(self, vms: Sequence[Stateful], *, turn_off: bool, with_disks: bool) -> Prepared:
        """Read what deletion must know, and make its plan."""
        from hvctl.services.disks import read_disks
        from hvctl.services.vm import delete as deleting

        owners = deleting.Owners()
        disks = None
        if vms:
            owners = deleting.owners_of(self._ask(deleting.plan_owners([vm.id for vm in vms])))
            disks = read_disks(self._session, timeout=self._timeout) if with_disks else None
        return deleting.plan_delete(vms, owners, disks, self._session.host, turn_off=turn_off)

    def _chosen(self, selection: Selection, model: type[R], *, missing_ok: bool = False) -> Sequence[R]:
        everyone = self.everyone(model)
        if selection.names:
            everyone = match(selection.names, everyone, "virtual machine", self._session.host, missing_ok=missing_ok)
        return keep_states(everyone, selection.states)

    def _ask(self, batch: Batch) -> Result:
        return read(self._session, batch, timeout=self._timeout)

    def _check_creation(self, spec: VmCreate, creation: Creation, result: Result) -> None:
        record = result.failure
        if result.ok or record is None:
            return
        failed = f"'{spec.name}' was not created"
        message = creation.messages.get(record.step or "", failed)
        if message.endswith(".") and not record.error_id.startswith("Hvctl.Expected"):
            message = failed  # a check that could not be made says nothing of what it would have found
        raise failure_of(record, result, host=self._session.host, object_name=spec.name, message=message)


class AlreadyThere(ConflictError):
    """The name of a virtual machine that was to be created is taken."""

    def __init__(self, vm: VmState) -> None:
        super().__init__(
            f"A virtual machine called '{vm.name}' exists already.",
            host=vm.host,
            object_name=vm.name,
            hint="Choose another name, or add --exist-ok to be shown the one that is there.",
        )
        self.vm = vm
