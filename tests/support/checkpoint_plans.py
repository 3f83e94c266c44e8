"""Every batch that the services for checkpoints can make, as strategies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from hvctl.errors import ConflictError
from hvctl.models.checkpoint import Checkpoint, CheckpointCreate, CheckpointNode, CheckpointSummary
from hvctl.powershell.batch import Batch
from hvctl.services.checkpoint.create import plan_create
from hvctl.services.checkpoint.delete import plan_delete, plan_rename
from hvctl.services.checkpoint.merge import plan_look
from hvctl.services.checkpoint.read import VmPosition, plan_list, plan_of_vms
from hvctl.services.checkpoint.restore import name_before, plan_restore
from hvctl.services.vm.read import VmSettings, VmState

HOST = "hv01"
NOW = datetime(2025, 1, 2, 3, 4, 5)
TYPES = ("Standard", "Production", "ProductionOnly")
_ids = st.uuids().map(str)


@st.composite
def trees(draw: st.DrawFn, names: st.SearchStrategy[str], states: Sequence[str]) -> tuple[VmPosition, list[Any]]:
    """A virtual machine in any state with a tree of checkpoints, and where it is in it."""
    ids = draw(st.lists(_ids, min_size=2, max_size=6, unique=True))
    vm_id, *own = ids
    nodes = []
    for number, each in enumerate(own):
        parent = draw(st.sampled_from([None, *own[:number]]))
        nodes.append(
            CheckpointNode(
                id=each,
                name=draw(names),
                vm="web1",
                vm_id=vm_id,
                host=HOST,
                type=draw(st.sampled_from(["Standard", "Recovery", None])),
                automatic=draw(st.booleans()),
                state=draw(st.sampled_from(["Off", "Saved", None])),
                created=NOW,
                parent_id=parent,
            )
        )
    position = draw(st.sampled_from([None, *own]))
    vm = VmPosition(id=vm_id, name="web1", host=HOST, state=draw(st.sampled_from(states)), position=position)
    return vm, nodes


@st.composite
def creations(draw: st.DrawFn, vms: st.SearchStrategy[list[VmSettings]]) -> Batch:
    """Any `checkpoint create`."""
    name = draw(st.sampled_from(["{vm}", "{vm} ({date} {time})", "'; Remove-VM *", "“{date}”"]))
    spec = CheckpointCreate(name=name, type=draw(st.sampled_from([None, *TYPES])))
    return plan_create(draw(vms), spec, HOST, NOW).batch


@st.composite
def deletions(draw: st.DrawFn, drawn: st.SearchStrategy[Any]) -> Batch:
    """Any `checkpoint delete`."""
    vm, nodes = draw(drawn)
    chosen = draw(st.lists(st.sampled_from(nodes), min_size=1, unique_by=lambda node: node.id))
    return plan_delete(vm, chosen, nodes, subtree=draw(st.booleans())).plan.batch


@st.composite
def restorations(draw: st.DrawFn, drawn: st.SearchStrategy[Any]) -> Batch:
    """Any `checkpoint restore`."""
    vm, nodes = draw(drawn)
    target = draw(st.sampled_from(nodes))
    keep_as = draw(st.sampled_from([None, name_before(target.name, "2025-01-02 03:04:05")]))
    try:
        return plan_restore(vm, target, nodes, keep_as=keep_as, start=draw(st.booleans())).plan.batch
    except ConflictError:
        return Batch(())


def plans(
    names: st.SearchStrategy[str], states: Sequence[str], vms: st.SearchStrategy[list[VmSettings]]
) -> dict[str, st.SearchStrategy[Batch]]:
    """A strategy of batches for each plan function.

    Args:
        names: Names of checkpoints.
        states: States of virtual machines.
        vms: Virtual machines with their settings.
    """
    drawn = trees(names, states)
    models = st.sampled_from([(CheckpointSummary, VmState), (CheckpointNode, VmPosition), (Checkpoint, VmPosition)])
    return {
        "checkpoint.create.plan_create": creations(vms),
        "checkpoint.delete.plan_delete": deletions(drawn),
        "checkpoint.delete.plan_rename": st.builds(
            lambda tree, name: plan_rename(tree[0], tree[1][0], name).batch, drawn, names
        ),
        "checkpoint.merge.plan_look": _ids.map(plan_look),
        "checkpoint.read.plan_list": models.map(lambda pair: plan_list(*pair)),
        "checkpoint.read.plan_of_vms": st.builds(
            lambda ids, pair: plan_of_vms(ids, *pair), st.lists(_ids, min_size=1, max_size=3), models
        ),
        "checkpoint.restore.plan_restore": restorations(drawn),
    }
