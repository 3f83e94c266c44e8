"""Random lives of a virtual machine with checkpoints, on the lab through the services, against a model of them.

No state is lost: what was written before a checkpoint is in it, and in no other. Every chain is whole.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.support.simulated import SimulatedHost

from hvctl.lab import disks, seeds
from hvctl.lab.entities import Drive, File, Merge, Snapshot, Vm
from hvctl.lab.transport import LabTransport
from hvctl.lab.world import World
from hvctl.models.checkpoint import CheckpointCreate
from hvctl.services.checkpoint.delete import Waiting, plan_delete
from hvctl.services.checkpoint.restore import plan_restore
from hvctl.services.checkpoint.service import CheckpointService
from hvctl.services.plan import Plan, run_plan
from hvctl.services.selection import Selection
from hvctl.services.vm import power
from hvctl.services.vm.read import VmState
from hvctl.services.vm.service import VmService
from hvctl.transports.session import Session

pytestmark = pytest.mark.lab
NOW = datetime(2025, 1, 2)
WEB1 = Selection.of("web1")


@dataclass(frozen=True)
class Moment:
    """What a machine holds at a moment: what is on its disk, in its memory if there is any, and a setting."""

    disk: str | None = None
    memory: str | None = None
    state: str = "Off"
    type: str = "Production"


@dataclass
class Model:
    """The machine as it must be."""

    present: Moment = Moment()
    position: str | None = None
    checkpoints: dict[str, tuple[str | None, Moment]] = field(default_factory=dict)

    def below(self, chosen: str) -> set[str]:
        """A checkpoint and all that are based on it."""
        found = {chosen}
        while more := {each for each, (parent, _) in self.checkpoints.items() if parent in found} - found:
            found |= more
        return found


class Life(RuleBasedStateMachine):
    """A machine that is written to, saved, restored and so on."""

    template: Path | None = None

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="hvctl-life-"))
        self.path = self.folder / "world.db"
        shutil.copy(self._template(), self.path)
        self.session = Session(LabTransport(self.path, ""))
        self.service = CheckpointService(self.session)
        self.model = Model()
        self.count = 0

    @classmethod
    def _template(cls) -> Path:
        if cls.template is None:
            cls.template = Path(tempfile.mkdtemp(prefix="hvctl-life-")) / "world.db"
            seeds.reset(cls.template)
            host = SimulatedHost(cls.template)
            host.new_running_vm()
            host.call("Stop-VM", Name="web1", TurnOff=True)
            with World(cls.template) as world:
                world._rows("PRAGMA journal_mode = DELETE")
        return cls.template

    def teardown(self) -> None:
        self.session.close()
        shutil.rmtree(self.folder)

    @initialize(merge=st.sampled_from([0, 2]))
    def merging(self, merge: int) -> None:
        with World.open(self.path) as world, world.transaction():
            world.configure("merge", merge)

    # ---- what happens to it

    @precondition(lambda self: self.model.present.state in ("Running", "Paused"))
    @rule()
    def write(self) -> None:
        """The guest writes to its disk and to its memory."""
        self.count += 1
        word = f"word {self.count}"
        with World.open(self.path) as world, world.transaction():
            (vm,) = world.find(Vm, name="web1")
            disks.write(world, _disk(world, vm), word=word)
            vm.memory_image = word
            world.save(vm)
        self.model.present = replace(self.model.present, disk=word, memory=word)

    @rule(kind=st.sampled_from([None, "Standard", "Production"]))
    def create(self, kind: Any) -> None:
        spec = CheckpointCreate(name=f"number {self.count}", type=kind)
        made, failures = self.service.create(self.service.plan_create(WEB1, spec, NOW))
        assert failures == []
        (checkpoint,) = made
        present = self.model.present
        if present.state in ("Running", "Paused"):
            # A guest that is paused takes no part in a production checkpoint.
            standard = (kind or present.type) == "Standard" or present.state == "Paused"
            assert checkpoint.became == ("Standard" if standard else "Production")
            frozen = replace(present, state="Saved") if standard else Moment(present.disk)
        else:
            frozen = present
        # Every setting is in a checkpoint, and so is the type that it was taken with.
        frozen = replace(frozen, type=kind or present.type)
        self.model.checkpoints[checkpoint.id] = (self.model.position, frozen)
        self.model.position = checkpoint.id

    @precondition(lambda self: self.model.checkpoints)
    @rule(data=st.data(), start=st.booleans(), keep=st.booleans())
    def restore(self, data: st.DataObject, start: bool, keep: bool) -> None:
        vm, every = self.service.of_vm(WEB1) or pytest.fail("it is gone")
        target = data.draw(st.sampled_from(every))
        before = self.model.present
        self.count += 1
        prepared = plan_restore(vm, target, every, keep_as=f"kept {self.count}" if keep else None, start=start)
        self.run(prepared.plan)
        if keep:
            known = {node.id for node in every}
            (kept,) = [node for node in self.service.tree(WEB1)[1] if node.id not in known]
            state = "Off" if before.state == "Off" else "Saved"
            self.model.checkpoints[kept.id] = (self.model.position, replace(before, state=state))
        frozen = self.model.checkpoints[target.id][1]
        runs = start or (before.state == "Running" and frozen.state == "Saved")
        self.model.position = target.id
        self.model.present = self._started(frozen) if runs else frozen

    @precondition(lambda self: self.model.checkpoints)
    @rule(data=st.data(), subtree=st.booleans())
    def delete(self, data: st.DataObject, subtree: bool) -> None:
        vm, every = self.service.of_vm(WEB1) or pytest.fail("it is gone")
        chosen = data.draw(st.lists(st.sampled_from(every), min_size=1, max_size=3, unique_by=lambda node: node.id))
        self.run(plan_delete(vm, chosen, every, subtree=subtree, waiting=Waiting(wanted=False)).plan)
        going = {node.id for node in chosen}
        if subtree:
            going = {each for node in chosen for each in self.model.below(node.id)}
        parents = {each: parent for each, (parent, _) in self.model.checkpoints.items()}

        def left(each: str | None) -> str | None:
            while each in going:
                each = parents[each]
            return each

        self.model.checkpoints = {
            each: (left(parent), moment)
            for each, (parent, moment) in self.model.checkpoints.items()
            if each not in going
        }
        self.model.position = left(self.model.position)

    @rule(verb=st.sampled_from([power.START, power.TURN_OFF, power.SAVE, power.SUSPEND, power.RESUME]))
    def switch(self, verb: power.Verb) -> None:
        """Change its power state, where that is possible."""
        state = self.model.present.state
        if not any(state in states for states in verb.calls.values()):
            return
        vms = VmService(self.session).select(WEB1, VmState)
        self.run(power.plan_power(verb, vms, self.session.host))
        present = self.model.present
        if verb.ends_in == "Running":
            self.model.present = self._started(present)
        elif verb.ends_in == "Off":
            self.model.present = Moment(present.disk, type=present.type)
        else:
            self.model.present = replace(present, state=verb.ends_in)

    def run(self, plan: Plan) -> None:
        assert run_plan(self.session, plan, timeout=60).failures == ()

    def _started(self, moment: Moment) -> Moment:
        if moment.state == "Off":
            with World.open(self.path) as world:
                (vm,) = world.find(Vm, name="web1")
            return replace(moment, state="Running", memory=vm.memory_image)
        return replace(moment, state="Running")

    # ---- what holds at any time

    @invariant()
    def nothing_is_lost(self) -> None:
        with World.open(self.path) as world:
            (vm,) = world.find(Vm, name="web1")
            seen = Moment(_word(world, _disk(world, vm)), vm.memory_image, vm.state, vm.checkpoint_type)
            assert seen == self.model.present
            assert vm.snapshot == self.model.position
            found = {each.id: (each.parent, _frozen(world, each)) for each in world.find(Snapshot, vm=vm.id)}
            assert found == self.model.checkpoints

    @invariant()
    def no_file_is_left_over(self) -> None:
        with World.open(self.path) as world:
            needed = {drive.path for drive in world.find(Drive) if drive.kind == "disk"}
            held = {each["path"] for snapshot in world.find(Snapshot) for each in snapshot.drives}
            links = {
                link.key
                for path in needed | held
                if path
                for link in disks.chain(world, disks.find(world, "hv01", path))
            }
            files = {file.key for file in world.find(File) if file.kind == "vhd"}
            assert files == links
            configurations = [file for file in world.find(File) if "SNAPSHOTS\\" in file.key]
            assert len(configurations) == 2 * len(self.model.checkpoints)
            if not world.find(Merge):
                # The base, a disk for each checkpoint beyond the first and one for the present at most.
                heads = {parent for parent, _ in self.model.checkpoints.values()} | {self.model.position}
                branches = sum(1 for each in self.model.checkpoints if each not in heads)
                assert len(files) <= 1 + 2 * len(self.model.checkpoints) + branches


def _disk(world: World, vm: Vm) -> File:
    (drive,) = [drive for drive in world.find(Drive, vm=vm.id) if drive.kind == "disk"]
    assert drive.path is not None
    return disks.find(world, vm.host, drive.path)


def _word(world: World, file: File) -> str | None:
    return disks.contents(world, file).get("word")


def _frozen(world: World, snapshot: Snapshot) -> Moment:
    (drive,) = [each for each in snapshot.drives if each["kind"] == "disk"]
    word = _word(world, disks.find(world, snapshot.host, drive["path"]))
    return Moment(word, snapshot.frozen["memory_image"], snapshot.state, snapshot.frozen["checkpoint_type"])


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=300, stateful_step_count=10, deadline=None)
