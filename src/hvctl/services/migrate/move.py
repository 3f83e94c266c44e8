"""Moving virtual machines to another host, and their storage to another folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hvctl.errors import HvctlError
from hvctl.models.migrate import Move, StorageMove
from hvctl.powershell.batch import Batch, Call, Ref, Step, Value
from hvctl.services.migrate.look import MANAGER, PLANNED, Parts, VmToMove, where_to
from hvctl.services.names import folded
from hvctl.services.plan import Part, Plan, checked, make_plan
from hvctl.services.vm.power import plain
from hvctl.services.vm.read import VmState, states_step


def plan_clear(ids: Sequence[str]) -> Batch:
    """Remove planned virtual machines that broken moves have left on a host."""
    steps = [
        Step("planned", PLANNED, select=("Name", "ElementName"), where={"Name": tuple(ids)}),
        Step("manager", MANAGER, expect="one"),
    ]
    for number, vm_id in enumerate(ids):
        arguments: dict[str, Value] = {"AffectedSystem": Ref("planned", where={"Name": vm_id})}
        destroy: dict[str, Value] = {
            "InputObject": Ref("manager"),
            "MethodName": "DestroySystem",
            "Arguments": arguments,
        }
        steps.append(Step(f"destroy_{number}", Call("Invoke-CimMethod", destroy)))
    return Batch(tuple(steps))


def plan_cleared(ids: Sequence[str]) -> Batch:
    """Goes well once they are gone: the host may take its time (DestroySystem answers 4096: a job was started)."""
    return Batch((Step("gone", PLANNED, where={"Name": tuple(ids)}, expect="none"),))


def plan_arrival(ids: Sequence[str]) -> Batch:
    """What of some virtual machines is on the host that they were moved to: themselves, or what is half made."""
    left = Step("left", PLANNED, select=("Name",), where={"Name": tuple(ids)}, on_error="continue")
    return Batch((states_step("there", ids), left))


def plan_move(
    vms: Sequence[VmToMove],
    parts: Mapping[str, Parts],
    destination: str,
    move: Move,
    refused: Mapping[str, HvctlError],
) -> Plan:
    """Move virtual machines, one after the other; each stays where it is when its move fails.

    Args:
        vms: The machines.
        parts: What belongs to each, by id.
        destination: The computer name of the host they go to.
        move: What was asked for.
        refused: Those that cannot be moved, by id, and why.
    """
    made: list[Part] = []
    steps: list[Step] = []
    for number, vm in enumerate(vms):
        failure = refused.get(vm.id)
        if failure is not None:
            made.append(Part(vm.id, vm.name, vm.state, failure=failure))
            continue
        plugs = _plugs(parts.get(vm.id, Parts()), move.switches)
        own = _steps(vm, number, plugs, destination, move)
        steps += own
        messages = {step.id: f"'{vm.name}' was not moved" for step in own}
        made.append(
            Part(
                vm.id,
                vm.name,
                vm.state,
                tuple(messages),
                wanted=plain(vm.state),
                goes=True,
                messages=messages,
            )
        )
    ids = [part.id for part in made if part.steps]
    before, after = (states_step("vms", ids),), states_step("after", ids)
    return make_plan("migrate vm", made, steps, before=before, after=after)


def _plugs(parts: Parts, switches: Mapping[str, str]) -> dict[str, str]:
    """The switch on the destination of each adapter that is to have another, by the adapter's id."""
    there = {folded(here): name for here, name in switches.items()}
    return {adapter: there[folded(switch)] for adapter, switch in parts.adapters.items() if folded(switch) in there}


def _steps(vm: VmToMove, number: int, plugs: Mapping[str, str], destination: str, move: Move) -> list[Step]:
    target: dict[str, Value] = {"VM": Ref("vms", where={"Id": vm.id}), **where_to(destination, move)}
    if not plugs:
        return [Step(f"move_{number}", Call("Move-VM", target), on_error="continue")]
    # The report holds the machine as it is going to be: what is changed in it holds on the destination alone.
    report, adapters = f"report_{number}", f"adapters_{number}"
    planned = Call("Get-VMNetworkAdapter", {"VM": (Ref(report, property="VM"),)})
    steps = [
        Step(report, Call("Compare-VM", target), expect="one", on_error="continue"),
        Step(adapters, planned, on_error="continue", needs=(report,)),
    ]
    for place, (adapter, switch) in enumerate(plugs.items()):
        plug = Call(
            "Connect-VMNetworkAdapter",
            {"VMNetworkAdapter": (Ref(adapters, where={"Id": adapter}),), "SwitchName": switch},
        )
        steps.append(Step(f"plug_{number}_{place}", plug, on_error="continue", needs=(adapters,)))
    needs = tuple(step.id for step in steps)
    moving = Call("Move-VM", {"CompatibilityReport": Ref(report)})
    return [*steps, Step(f"move_{number}", moving, on_error="continue", needs=needs)]


def plan_storage(vms: Sequence[VmState], move: StorageMove, host: str) -> Plan:
    """Move the files of virtual machines below a folder of their host, running or not."""
    made: list[Part] = []
    steps: list[Step] = []
    for number, vm in enumerate(vms):
        if plain(vm.state) not in ("Running", "Paused", "Off", "Saved"):
            made.append(checked(vm, host, f"'{vm.name}' is {vm.state}: its storage cannot be moved."))
            continue
        call = Call("Move-VMStorage", {"VM": Ref("vms", where={"Id": vm.id}), "DestinationStoragePath": move.path})
        step = Step(f"move_{number}", call, on_error="continue")
        steps.append(step)
        messages = {step.id: f"The storage of '{vm.name}' was not moved"}
        made.append(Part(vm.id, vm.name, vm.state, (step.id,), messages=messages))
    ids = [part.id for part in made if part.steps]
    before, after = (states_step("vms", ids),), states_step("after", ids)
    return make_plan("migrate storage", made, steps, before=before, after=after)
