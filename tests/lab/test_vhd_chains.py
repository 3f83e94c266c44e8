"""Random changes of disks by hvctl against a model: no content is lost, and every chain is whole."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hvctl.errors import ConflictError
from hvctl.lab import disks, seeds
from hvctl.lab.transport import LabTransport
from hvctl.lab.world import World
from hvctl.models.vhd import DiskConvert, DiskCreate
from hvctl.services.plan import run_plan
from hvctl.services.selection import Selection
from hvctl.services.vhd.service import VhdService
from hvctl.transports.session import Session

pytestmark = pytest.mark.lab

PATHS = tuple(rf"C:\VMs\{name}.vhdx" for name in "abcd")
_path = st.sampled_from(PATHS)
_change = st.one_of(
    st.tuples(st.just("create"), _path),
    st.tuples(st.just("differ"), _path, _path),
    st.tuples(st.just("merge"), _path),
    st.tuples(st.just("move"), _path, _path),
    st.tuples(st.just("write"), _path),
)


class Model:
    """What each disk must hold, and what each differs from."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.service = VhdService(Session(LabTransport(file, "hv01")))
        self.session = self.service._session
        self.contents: dict[str, dict[str, str]] = {}
        self.parents: dict[str, str] = {}
        self.writes = 0

    def apply(self, kind: str, path: str, other: str = "") -> None:
        """Let hvctl do it, or refuse; a refusal changes nothing."""
        getattr(self, kind)(path, other)

    def create(self, path: str, _: str) -> None:
        if self._made(DiskCreate(path=path, size=1 << 30)):
            self.contents[path] = {}

    def differ(self, path: str, parent: str) -> None:
        if parent in self.contents and self._made(DiskCreate(path=path, type="Differencing", parent=parent)):
            self.contents[path] = dict(self.contents[parent])
            self.parents[path] = parent

    def merge(self, path: str, _: str) -> None:
        if path in self.contents and self._ran(self.service.plan_merge(Selection.of(path)).plan):
            parent = self.parents.pop(path)
            self.contents[parent] = self.contents.pop(path)

    def move(self, path: str, destination: str) -> None:
        """Convert, with the source deleted."""
        spec = DiskConvert(destination=destination, delete_source=True)
        if path in self.contents and self._ran(self.service.plan_convert(Selection.of(path), spec).plan):
            self.contents[destination] = self.contents.pop(path)
            self.parents.pop(path, None)

    def write(self, path: str, _: str) -> None:
        """A guest writes to a disk that nothing differs from."""
        if path not in self.contents or path in self.parents.values():
            return
        self.writes += 1
        self.contents[path][f"k{self.writes % 3}"] = str(self.writes)
        with World.open(self.file) as world, world.transaction():
            disks.write(world, disks.find(world, "hv01", path), **{f"k{self.writes % 3}": str(self.writes)})

    def _made(self, spec: DiskCreate) -> bool:
        try:
            self.service.create(spec, self.service.plan_create(spec))
        except ConflictError:
            return False
        return True

    def _ran(self, plan: Any) -> bool:
        done = run_plan(self.session, plan, timeout=60)
        assert all(isinstance(failure, ConflictError) for failure in done.failures)
        return not done.failures

    def check(self) -> None:
        """Every disk is there, whole, and holds what it must."""
        with World.open(self.file) as world:
            found = {path: world.file("hv01", path) for path in PATHS}
            held = {path: disks.contents(world, file) for path, file in found.items() if file is not None}
        assert held == self.contents


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_change, min_size=3, max_size=12))
def test_nothing_is_lost_and_every_chain_is_whole(changes: list[tuple[str, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "world.db"
        seeds.reset(file)
        model = Model(file)
        a, b, c, _ = PATHS
        for change in (("create", a), ("write", a), ("differ", b, a), ("differ", c, b), *changes):
            model.apply(*change)
            model.check()
        model.session.close()
