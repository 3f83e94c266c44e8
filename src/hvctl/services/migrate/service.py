"""Moves between two hosts: looked at from both, checked, planned."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from hvctl.errors import HvctlError, NotFoundError, UsageError
from hvctl.models.migrate import Finding, MigrationChange, MigrationHost, Move, StorageMove
from hvctl.powershell.batch import Batch
from hvctl.services.arrival import Arrival
from hvctl.services.failures import failure_of, lacks_rights, read, rights_error
from hvctl.services.first import First
from hvctl.services.migrate import check
from hvctl.services.migrate.look import (
    Parts,
    VmToMove,
    objections_of,
    parts_of,
    plan_compare,
    plan_destination,
    plan_parts,
    plan_settings,
    plan_source,
    settings_of,
)
from hvctl.services.migrate.move import plan_arrival, plan_clear, plan_cleared, plan_move, plan_storage
from hvctl.services.migrate.settings import plan_disable, plan_enable
from hvctl.services.names import folded
from hvctl.services.plan import Part, Plan, Prepared
from hvctl.services.selection import Selection, keep_states, match
from hvctl.services.vm.read import VmState
from hvctl.transports.result import Result
from hvctl.transports.session import Session

_LEFTOVER = "A planned virtual machine of '{}' is on {}, from a move that broke off: it is removed first."


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of both hosts before a move.

    Attributes:
        route: The two hosts.
        vms: The machines to be moved.
        arrived: Those that are on the destination already.
        parts: What belongs to each machine, by id.
    """

    route: check.Route
    vms: Sequence[VmToMove]
    arrived: Sequence[VmState] = ()
    parts: Mapping[str, Parts] = field(default_factory=dict)


class MigrateService:
    """Moves away from the host that a session talks to.

    Args:
        session: The host that machines leave.
        timeout: Seconds that looking may take; None for no limit.
    """

    def __init__(self, session: Session, *, timeout: float | None = 600.0) -> None:
        self._session = session
        self._timeout = timeout

    def show(self) -> MigrationHost:
        """What the host is set to."""
        return settings_of(self._session, self._ask(plan_settings()))

    def look(self, target: Session, chosen: Selection, move: Move, *, login: bool = True) -> Sight:
        """Look at both hosts, and at what Compare-VM says of the machines that were chosen.

        Args:
            target: The host they are to go to.
            chosen: Which machines; those that are there already count as chosen too.
            move: What is asked for.
            login: Whether it matters that the login can be handed on.

        Raises:
            UsageError: Both are one host.
            NotFoundError: A name is on neither.
        """
        chosen.require_something()
        here = self._ask(plan_source())
        there = read(target, plan_destination(), timeout=self._timeout)
        if not here.of("vms") and lacks_rights(here):
            raise rights_error(self._session.host)
        leftover = frozenset(folded(str(record["Name"])) for record in there.of("planned"))
        route = check.Route(
            settings_of(self._session, here),
            settings_of(target, there),
            self._session.can_delegate if login else None,
            leftover,
            {folded(record["Name"]): record["Name"] for record in there.of("switches")},
        )
        if folded(route.source.computer_name or "") == folded(route.target.computer_name or " "):
            raise UsageError(f"{self._session.host} and {target.host} are one host.")
        vms, arrived = _choose(chosen, here, there, self._session.host, target.host)
        return Sight(route, vms, arrived, self._parts(vms, route, move))

    def findings(self, sight: Sight, move: Move) -> list[Finding]:
        """Everything that stands against a move, or should be known of it."""
        found = list(check.host_findings(sight.route))
        for vm in sight.vms:
            found += check.vm_findings(vm, sight.parts.get(vm.id, Parts()), sight.route, move)
        return found

    def plan_move(self, target: Session, sight: Sight, move: Move, *, limit: float = math.inf) -> Prepared:
        """The plan of a move, as far as nothing stands against it.

        Args:
            target: The host that machines go to.
            sight: What was seen of both hosts.
            move: What is asked for.
            limit: Seconds that all moves together may take.

        Raises:
            UsageError: A machine's disks are local, and nothing was said of them.
            HvctlError: Nothing can be moved between these hosts as they are.
        """
        settled = tuple(Part(vm.id, vm.name, vm.state, host=vm.host) for vm in sight.arrived)
        if not sight.vms:
            return Prepared(Plan("migrate vm", Batch(()), settled))
        _require_storage(sight, move)
        refusal = check.refusal(list(check.host_findings(sight.route)), self._session.host)
        if refusal is not None:
            raise refusal
        destination = sight.route.target.computer_name or target.host
        plan = plan_move(sight.vms, sight.parts, destination, move, _refused(sight, move))
        going = [part.id for part in plan.parts if part.steps]
        plan = replace(plan, parts=(*plan.parts, *settled), deadline=limit)
        notes = tuple(f"No adapter is plugged into a switch '{name}'." for name in _unused(sight, move))
        if not going:
            return Prepared(plan, notes=notes)
        arrival = Arrival(target, plan_arrival(going), plan.parts)
        plan = replace(plan, finish=arrival.settle, elsewhere=arrival.sight)
        leftover = [vm for vm in sight.vms if vm.id in going and folded(vm.id) in sight.route.leftover]
        if not leftover:
            return Prepared(plan, notes=notes)
        failed = f"What a move that broke off has left on {target.host} could not be removed"
        ids = [vm.id for vm in leftover]
        first = First(target, plan_clear(ids), failed, ended=plan_cleared(ids))
        notes += tuple(_LEFTOVER.format(vm.name, target.host) for vm in leftover)
        return Prepared(replace(plan, first=first), notes=notes)

    def plan_storage(self, chosen: Selection, move: StorageMove, *, limit: float = math.inf) -> Plan:
        """The plan of moving storage within the host, in at most `limit` seconds."""
        from hvctl.services.vm.service import VmService

        vms: Sequence[VmState] = VmService(self._session, timeout=self._timeout).select(chosen, VmState)
        return replace(plan_storage(vms, move, self._session.host), deadline=limit)

    def plan_enable(self, change: MigrationChange) -> Plan:
        """The plan that lets the host take part in moves; nothing where all is so already."""
        return plan_enable(change, self.show())

    def plan_disable(self) -> Plan:
        """The plan that lets the host take part in no moves; nothing where it takes part in none."""
        return plan_disable(self.show())

    def _ask(self, batch: Batch) -> Result:
        return read(self._session, batch, timeout=self._timeout)

    def _parts(self, vms: Sequence[VmToMove], route: check.Route, move: Move) -> dict[str, Parts]:
        if not vms:
            return {}
        ids = [vm.id for vm in vms]
        target = route.target.host
        parts = parts_of(self._ask(plan_parts(ids)))
        ready = check.refusal(list(check.host_findings(route)), self._session.host) is None
        # One that is being moved may be gone before it is compared, and cannot be moved in any case.
        compared = [vm for vm in vms if not vm.is_busy]
        if not ready or not compared or not _is_said(parts, move):
            return parts
        batch = plan_compare([vm.id for vm in compared], route.target.computer_name or "", move)
        result = self._session.run(batch, timeout=self._timeout)
        told = dict(parts)
        for number, vm in enumerate(compared):
            step = f"report_{number}"
            record = next((error for error in result.errors if error.step in (step, None)), None)
            message = f"'{vm.name}' cannot be moved to {target}"
            failure = None
            if record is not None:
                failure = failure_of(record, result, host=self._session.host, object_name=vm.name, message=message)
            known = parts.get(vm.id, Parts())
            told[vm.id] = replace(known, objections=objections_of(result.of(step)), failure=failure)
        return told


def _refused(sight: Sight, move: Move) -> dict[str, HvctlError]:
    """Why machines cannot be moved, by id."""
    refused = {}
    for vm in sight.vms:
        parts = sight.parts.get(vm.id, Parts())
        found = list(check.vm_findings(vm, parts, sight.route, move))
        failure = parts.failure or check.vm_refusal(vm, found, sight.route.target.host)
        if failure is not None:
            refused[vm.id] = failure
    return refused


def _unused(sight: Sight, move: Move) -> list[str]:
    """The switches that were mapped, and that none of the machines is plugged into; a misspelt one is such."""
    used = {folded(switch) for vm in sight.vms for switch in sight.parts.get(vm.id, Parts()).adapters.values()}
    return [name for name in move.switches if folded(name) not in used]


def _is_said(parts: Mapping[str, Parts], move: Move) -> bool:
    """Whether it is known what becomes of the disks."""
    return move.shared or move.storage_path is not None or not any(check.local_disks(each) for each in parts.values())


def _require_storage(sight: Sight, move: Move) -> None:
    for vm in sight.vms:
        local = check.local_disks(sight.parts.get(vm.id, Parts()))
        if local and not (move.shared or move.storage_path is not None):
            raise UsageError(
                f"'{vm.name}' has disks on {vm.host} itself ({', '.join(local)}), and it is not said what becomes of "
                "them.",
                hint=f"{check.storage_ways(vm.name)}.",
                host=vm.host,
                object_name=vm.name,
            )


def _choose(
    chosen: Selection, here: Result, there: Result, source: str, target: str
) -> tuple[list[VmToMove], list[VmState]]:
    """The machines that are meant: those here, and those that are there already."""
    vms = VmToMove.read(source, here.of("vms"))
    others = VmState.read(target, there.of("vms"))
    if not chosen.names:
        return keep_states(vms, chosen.states), []
    found: list[VmToMove] = []
    arrived: list[VmState] = []
    for name in chosen.names:
        own = match([name], vms, "virtual machine", source, missing_ok=True)
        found += [vm for vm in own if vm not in found]
        away = [] if own else match([name], others, "virtual machine", target, missing_ok=True)
        arrived += [vm for vm in away if vm not in arrived]
        if not own and not away:
            raise NotFoundError(
                f"No virtual machine '{name.text}' on {source}, nor on {target}.",
                host=source,
                object_name=name.text,
                hint="List them: hvctl vm list",
            )
    return keep_states(found, chosen.states), arrived
