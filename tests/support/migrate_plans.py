"""Every batch that the services of migration can make: strategies over machines, their parts, and each spec."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from hvctl.errors import ConflictError
from hvctl.models.migrate import MigrationChange, MigrationHost, Move, StorageMove
from hvctl.models.vm import STATES
from hvctl.powershell.batch import Batch
from hvctl.services.migrate.look import (
    Parts,
    VmToMove,
    plan_compare,
    plan_destination,
    plan_parts,
    plan_settings,
    plan_source,
)
from hvctl.services.migrate.move import plan_arrival, plan_clear, plan_cleared, plan_move, plan_storage
from hvctl.services.migrate.settings import plan_disable, plan_enable

HOST = "hv01"
ADAPTER = "00000000-0000-0000-0000-000000000000"
"""The id of every adapter of a stand-in: each machine has one."""
_ids = st.uuids().map(str)
_some_ids = st.lists(_ids, min_size=1, max_size=3, unique=True)


def plans(paths: st.SearchStrategy[str], names: st.SearchStrategy[str]) -> dict[str, st.SearchStrategy[Batch]]:
    """A strategy for each plan function of the package, over paths and names."""
    several = st.lists(vms(names), min_size=1, max_size=3, unique_by=lambda vm: vm.id)
    computers = st.sampled_from(["HV02", "hv02.example.com", "'; Remove-VM *"])
    return {
        "migrate.look.plan_compare": st.builds(plan_compare, _some_ids, computers, moves(paths, names)),
        "migrate.look.plan_destination": st.builds(plan_destination),
        "migrate.look.plan_parts": _some_ids.map(plan_parts),
        "migrate.look.plan_settings": st.builds(plan_settings),
        "migrate.look.plan_source": st.builds(plan_source),
        "migrate.move.plan_arrival": _some_ids.map(plan_arrival),
        "migrate.move.plan_clear": _some_ids.map(plan_clear),
        "migrate.move.plan_cleared": _some_ids.map(plan_cleared),
        "migrate.move.plan_move": _moved(several, computers, moves(paths, names), names),
        "migrate.move.plan_storage": st.builds(
            lambda vms, path: plan_storage(vms, StorageMove(path=path), HOST).batch, several, paths
        ),
        "migrate.settings.plan_disable": hosts().map(lambda now: plan_disable(now).batch),
        "migrate.settings.plan_enable": st.builds(
            lambda change, now: plan_enable(change, now).batch, changes(), hosts()
        ),
    }


@st.composite
def vms(draw: st.DrawFn, names: st.SearchStrategy[str]) -> VmToMove:
    """A machine in any state."""
    state = draw(st.sampled_from([*STATES, "SomethingNew"]))
    return VmToMove(id=draw(_ids), name=draw(names), host=HOST, state=state, clustered=False, status=("Ok",))


@st.composite
def moves(draw: st.DrawFn, paths: st.SearchStrategy[str], names: st.SearchStrategy[str]) -> Move:
    """Any `migrate vm` that the model lets through."""
    fields: dict[str, Any] = {"switches": draw(st.dictionaries(names, names, max_size=2))}
    if draw(st.booleans()):
        fields["storage_path"] = draw(paths)
    else:
        fields["shared"] = draw(st.booleans())
    return Move.model_validate(fields)


def changes() -> st.SearchStrategy[MigrationChange]:
    """Any `migrate enable`."""
    return st.builds(
        MigrationChange,
        authentication=st.sampled_from([None, "CredSSP", "Kerberos"]),
        performance=st.sampled_from([None, "TCPIP", "Compression", "SMB"]),
        any_network=st.sampled_from([None, True, False]),
        maximum=st.none() | st.integers(1, (1 << 32) - 1),
    )


@st.composite
def hosts(draw: st.DrawFn) -> MigrationHost:
    """A host with any settings, some of which could not be read."""
    return MigrationHost(
        host=HOST,
        enabled=draw(st.sampled_from([None, True, False])),
        authentication=draw(st.sampled_from([None, "CredSSP", "Kerberos"])),
        performance=draw(st.sampled_from([None, "TCPIP", "Compression", "SMB"])),
        any_network=draw(st.sampled_from([None, True, False])),
        maximum=draw(st.sampled_from([None, 2])),
        maximum_storage=2,
    )


def _enabled(change: MigrationChange, now: MigrationHost) -> Batch:
    return plan_enable(change, now).batch


@st.composite
def _moved(
    draw: st.DrawFn,
    several: st.SearchStrategy[list[VmToMove]],
    computers: st.SearchStrategy[str],
    moves: st.SearchStrategy[Move],
    names: st.SearchStrategy[str],
) -> Batch:
    chosen, move = draw(several), draw(moves)
    plugged = st.sampled_from(["", *move.switches]) | names
    parts = {vm.id: Parts(adapters={ADAPTER: draw(plugged)}) for vm in chosen}
    refused = {vm.id: ConflictError("no") for vm in chosen if draw(st.integers(0, 4)) == 0}
    return plan_move(chosen, parts, draw(computers), move, refused).batch
