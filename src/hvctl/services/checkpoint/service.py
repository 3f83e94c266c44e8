"""Checkpoints of one host: the plans of this package, run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hvctl.errors import HvctlError, NotFoundError, OutcomeUnknownError
from hvctl.models.checkpoint import (
    Checkpoint,
    CheckpointCreate,
    CheckpointNode,
    CheckpointSummary,
    NewCheckpoint,
)
from hvctl.powershell.batch import Batch
from hvctl.services.checkpoint import read as reading
from hvctl.services.checkpoint.create import Creation, Taking, plan_create, taken
from hvctl.services.checkpoint.read import VmPosition
from hvctl.services.failures import lacks_rights, read, rights_error, sight_of_name, with_sight
from hvctl.services.selection import EVERYTHING, ElsewhereError, Name, Selection, match
from hvctl.services.vm.read import VmSettings, VmState
from hvctl.services.vm.service import VmService
from hvctl.transports.result import Result
from hvctl.transports.session import Session

NOUN = "checkpoint"


class CheckpointService:
    """Checkpoints on the host that a session talks to.

    Args:
        session: The host.
        timeout: Seconds that a command may take; None for no limit.
    """

    def __init__(self, session: Session, *, timeout: float | None = 600.0) -> None:
        self._session = session
        self._timeout = timeout

    def list(self, vms: Selection = EVERYTHING) -> Sequence[CheckpointSummary]:
        """The checkpoints of the virtual machines that a selection means; of all where it names none."""
        result = self._read(vms, CheckpointSummary, VmState)
        return CheckpointSummary.read(self._session.host, result.of("checkpoints"))

    def tree(self, vms: Selection = EVERYTHING) -> tuple[Sequence[VmPosition], Sequence[CheckpointNode]]:
        """Virtual machines and their checkpoints, with parents and present positions."""
        return reading.nodes(self._session.host, self._read(vms, CheckpointNode, VmPosition))

    def show(self, vm: Selection, chosen: Selection) -> Sequence[Checkpoint]:
        """Everything about the checkpoints of a virtual machine that a selection means; all where it names none.

        Raises:
            ElsewhereError: Several hosts are searched, and the machine is not on this one.
            NotFoundError: There is no such machine, or no such checkpoint.
        """
        result = self._read(vm, Checkpoint, VmPosition)
        if not result.of("vms"):
            raise ElsewhereError(f"It is not on {self._session.host}.", host=self._session.host)
        found = reading.details(self._session.host, result)
        return match(chosen.names, found, NOUN, self._session.host) if chosen.names else found

    def of_vm(self, vm: Selection) -> tuple[VmPosition, Sequence[CheckpointNode]] | None:
        """One virtual machine, and its checkpoints; None where several hosts are searched and it is not on this one.

        Raises:
            NotFoundError: There is no such machine.
            ConflictError: Several have the name.
        """
        machines, found = self.tree(vm)
        return (machines[0], found) if machines else None

    def select(
        self, vm: VmPosition, names: Sequence[Name], every: Sequence[CheckpointNode]
    ) -> Sequence[CheckpointNode]:
        """The checkpoints of a virtual machine that names, ids or patterns mean.

        Raises:
            NotFoundError: A name fits none; the machine is named.
            ConflictError: A name fits several; their ids are in the hint.
        """
        try:
            return match(names, every, NOUN, self._session.host)
        except NotFoundError as error:
            words = f"{error.message.removesuffix('.')} belongs to '{vm.name}'."
            hint = f"List them: hvctl checkpoint list {vm.name}"
            raise NotFoundError(words, host=vm.host, object_name=error.object_name, hint=hint) from error

    def plan_create(self, vms: Selection, spec: CheckpointCreate, now: datetime) -> Creation:
        """Look at the virtual machines, and make the batches that take a checkpoint of each."""
        machines = VmService(self._session, timeout=self._timeout).select(vms, VmSettings)
        return plan_create(machines, spec, self._session.host, now)

    def create(self, creation: Creation) -> tuple[Sequence[NewCheckpoint], Sequence[HvctlError]]:
        """Take checkpoints; those taken, and what failed, machine by machine."""
        made: list[NewCheckpoint] = []
        failures = list(creation.refused)
        for batch, takings in creation.groups:
            more, failed = taken(takings, self._take(batch, takings), self._session.host)
            made += more
            failures += failed
        return made, failures

    def foresee(self, creation: Creation) -> Sequence[HvctlError]:
        """Run what the batches read, as a dry run does; what would fail."""
        for batch, _ in creation.groups:
            self._ask(batch.reading())
        return creation.refused

    def _take(self, batch: Batch, takings: Sequence[Taking]) -> Result:
        look = reading.plan_of_vms([taking.vm.id for taking in takings])
        try:
            return self._session.run(batch, timeout=self._timeout, look=look)
        except OutcomeUnknownError as error:
            sights = {taking.name: sight_of_name(error, "checkpoints", taking.name) for taking in takings}
            raise with_sight(error, ", ".join(words for words in sights.values() if words) or None) from error

    def _read(self, vms: Selection, model: type[CheckpointSummary], vm_model: type[VmState]) -> Result:
        if not (vms.names or vms.states):
            result = self._ask(reading.plan_list(model, vm_model))
            if not result.of("vms") and lacks_rights(result):
                raise rights_error(self._session.host)
            return result
        chosen = VmService(self._session, timeout=self._timeout).select(vms, VmState)
        return self._ask(reading.plan_of_vms([vm.id for vm in chosen], model, vm_model))

    def _ask(self, batch: Batch) -> Result:
        return read(self._session, batch, timeout=self._timeout)
