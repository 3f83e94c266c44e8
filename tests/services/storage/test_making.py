"""Making pools, virtual disks and volumes on the lab: what is refused, and what is left when a step fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.spaces import SPEC, break_disks, spoiled, spoiled_undo, stored, ways_to_fail

from hvctl.errors import AccessError, ConflictError, HvctlError, NotFoundError
from hvctl.lab import seeds
from hvctl.lab.entities import GIB, TIB
from hvctl.lab.transport import LabTransport
from hvctl.models.storage_create import LAYOUTS, PoolCreate, StorageCreate, VirtualDiskCreate, VolumeCreate
from hvctl.services.selection import Selection
from hvctl.services.storage.making import AlreadyThere, StorageMaking
from hvctl.services.storage.service import StorageService
from hvctl.transports.session import Session

pytestmark = pytest.mark.lab


@pytest.fixture
def world(tmp_path: Path) -> Path:
    path = tmp_path / "world.db"
    seeds.reset(path)
    return path


@pytest.fixture
def making(world: Path) -> Iterator[StorageMaking]:
    session = Session(LabTransport(world))
    yield StorageMaking(session)
    session.close()


def create(making: StorageMaking, **changes: object) -> object:
    spec = SPEC.model_copy(update=changes)
    return making.storage_of(spec.name, making.make(making.plan_storage(spec), spec.name))


@pytest.mark.parametrize(("step", "how"), list(ways_to_fail()))
def test_whichever_step_fails_disks_and_pools_are_as_they_were(making, world, step, how):
    before = stored(world)
    planned = making.plan_storage(SPEC)
    with pytest.raises(HvctlError) as caught:
        making.make(replace(planned, batch=spoiled(planned.batch, step, how)), SPEC.name)
    assert caught.value.message.startswith("'vmstore' was not created") or "Expected" in str(caught.value.cmdlet_error)
    assert caught.value.object_name == "vmstore"
    assert "Could not be taken back" not in caught.value.message
    assert stored(world) == before


@pytest.mark.parametrize(
    ("undoes", "named", "left"),
    [
        (("pool",), "pool", (1, 0)),
        (("virtual_disk",), "virtual_disk, pool", (1, 1)),
        (("virtual_disk", "pool"), "virtual_disk, pool", (1, 1)),
    ],
)
def test_what_cannot_be_taken_back_is_named(making, world, undoes, named, left):
    planned = making.plan_storage(SPEC)
    batch = spoiled_undo(spoiled(planned.batch, "format", "at once"), *undoes)
    with pytest.raises(HvctlError, match=f"Could not be taken back: {named}[.]"):
        making.make(replace(planned, batch=batch), SPEC.name)
    now = stored(world)
    assert (len(now["pool"]), len(now["virtual_disk"])) == left


@given(st.sampled_from(sorted(LAYOUTS)), st.integers(1, 8), st.integers(1, 2000), st.sampled_from(["Fixed", "Thin"]))
def test_it_is_made_whole_or_not_at_all(resiliency, disks, size, provisioning):
    """Whatever is asked for: with too few or too small disks nothing is there, else all that was promised."""
    if resiliency == "dual-parity":
        provisioning = "Fixed"
    spec = StorageCreate(
        name="vmstore",
        size=size * GIB,
        volume="D",
        disks=tuple(str(number) for number in range(1, disks + 1)),
        resiliency=resiliency,
        provisioning=provisioning,
    )
    with fresh() as path:
        before = stored(path)
        session = Session(LabTransport(path))
        maker = StorageMaking(session)
        try:
            made = maker.storage_of(spec.name, maker.make(maker.plan_storage(spec), spec.name))
        except HvctlError:
            assert stored(path) == before
        else:
            assert disks >= LAYOUTS[resiliency].disks
            assert made.virtual_disk.size >= size * GIB
            assert made.volume.letter == "D"
            if provisioning == "Fixed" and resiliency != "simple":
                assert made.virtual_disk.footprint > made.virtual_disk.size
            assert made.pool.used <= made.pool.size
        finally:
            session.close()


@contextmanager
def fresh() -> Iterator[Path]:
    """A world in a folder of its own."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "world.db"
        seeds.reset(path)
        yield path


def test_the_footprints_are_those_that_hosts_show(making):
    """10 GB: 22 GB as a two-way mirror, 17 GB as parity over three columns."""
    mirror = create(making, size=10 * GIB)
    assert mirror.virtual_disk.footprint == 22 * GIB
    parity = create(making, name="second", size=10 * GIB, volume="E", disks=("3", "4", "5"), resiliency="parity")
    assert (parity.virtual_disk.footprint, parity.virtual_disk.columns) == (17 * GIB, 3)


def test_the_note_says_about_how_much_there_is_room_for(making):
    note = making.plan_storage(SPEC.model_copy(update={"disks": ("auto",)})).notes[0]
    assert "2 x LAB HDD 4000, 2 x LAB HDD 2000, mirror: room for about 3.63 TiB" in note
    most = create(making, size=None, disks=("auto",))
    assert 3.6 * TIB < most.virtual_disk.size < 3.7 * TIB


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"disks": ("0", "1")}, "Disk 0 .* cannot be pooled: Insufficient Capacity"),
        ({"disks": ("1",)}, "needs at least 2 disks, and 1 is there"),
        ({"disks": ("1", "1", "LAB0101")}, "and 1 is there"),
        ({"disks": ("1", "2", "3", "4"), "resiliency": "three-way-mirror"}, "at least 5 disks"),
        ({"disks": ("1", "2"), "resiliency": "parity"}, "at least 3 disks"),
        ({"disks": tuple("123456"), "resiliency": "dual-parity"}, "at least 7 disks"),
        ({"volume": "C"}, "drive letter C: is taken"),
        ({"size": 3 * TIB}, "3 TiB of mirror does not fit on 2 x LAB SSD 960: about 892 GiB at most"),
        ({"disks": ("LAB SSD 960", "5")}, "4 physical disks on .* are called 'LAB SSD 960'"),
    ],
)
def test_what_will_not_do_is_refused_before_anything_is_touched(making, world, changes, words):
    before = stored(world)
    with pytest.raises(ConflictError, match=words):
        making.plan_storage(SPEC.model_copy(update=changes))
    assert stored(world) == before


def test_a_disk_that_is_not_there(making):
    with pytest.raises(NotFoundError, match="No physical disk '77'"):
        making.plan_storage(SPEC.model_copy(update={"disks": ("77", "1")}))


def test_a_disk_that_is_away_cannot_be_pooled(making, world):
    break_disks(world, {"LAB0101": "lost"})
    with pytest.raises(ConflictError, match=r"Disk 1 .* cannot be pooled: Not Healthy"):
        making.plan_storage(SPEC)


def test_names_are_kept_unique_although_hosts_do_not(making):
    create(making)
    with pytest.raises(AlreadyThere, match="virtual disk called 'vmstore' exists"):
        making.plan_storage(SPEC.model_copy(update={"name": "VMSTORE", "volume": "E"}))
    with pytest.raises(AlreadyThere, match="storage pool called 'vmstore' exists"):
        making.plan_pool(PoolCreate(name="vmstore", disks=("3",)))


def test_a_disk_that_somebody_else_took_meanwhile(making, world):
    """The plan names each disk by itself, so that one that is no longer free ends it before anything is made."""
    late = making.plan_storage(SPEC)
    create(making, name="first", volume="E", disks=("2", "3"))
    before = stored(world)
    with pytest.raises(NotFoundError, match="'vmstore' was not created"):
        making.make(late, "vmstore")
    assert stored(world) == before


def test_piece_by_piece(making):
    pool = making.pool_of(making.make(making.plan_pool(PoolCreate(name="data", disks=("1", "2", "3"))), "data"))
    assert (pool.name, pool.health) == ("data", "Healthy")
    planned = making.plan_virtual_disk(VirtualDiskCreate(name="disk", pool="data", size=50 * GIB))
    assert "'data' has room for about" in planned.notes[0]
    space = making.virtual_disk_of(making.make(planned, "disk"))
    volume = making.volume_of(making.make(making.plan_volume(VolumeCreate(virtual_disk="disk", letter="F")), "disk"))
    assert (volume.letter, volume.name, volume.file_system) == ("F", "disk", "NTFS")
    shown = StorageService(making._session).show_virtual_disks(Selection.of(space.id))[0]
    assert (shown.pool, [each.letter for each in shown.volumes], len(shown.physical_disks)) == ("data", ["F"], 3)
    with pytest.raises(ConflictError, match="'disk' has a volume already"):
        making.plan_volume(VolumeCreate(virtual_disk="disk", letter="G"))
    with pytest.raises(ConflictError, match="'data' has room for about"):
        making.plan_virtual_disk(VirtualDiskCreate(name="big", pool="data", size=9 * TIB))
    making.make(making.plan_virtual_disk(VirtualDiskCreate(name="bare", pool="data", size=5 * GIB)), "bare")
    with pytest.raises(ConflictError, match="letter F: is taken"):
        making.plan_volume(VolumeCreate(virtual_disk="bare", letter="F"))


@pytest.mark.parametrize("step", ["disk", "initialize", "partition", "format", "details"])
def test_a_volume_that_fails_leaves_no_partition(making, world, step):
    making.make(making.plan_pool(PoolCreate(name="data", disks=("1", "2", "3"))), "data")
    making.make(making.plan_virtual_disk(VirtualDiskCreate(name="disk", pool="data", size=50 * GIB)), "disk")
    before = stored(world)
    planned = making.plan_volume(VolumeCreate(virtual_disk="disk", letter="F"))
    with pytest.raises(HvctlError):
        making.make(replace(planned, batch=spoiled(planned.batch, step, "at once")), "disk")
    now = stored(world)
    assert (now["partition"], now["file"], now["pool"]) == (before["partition"], before["file"], before["pool"])


def test_a_login_without_rights(tmp_path):
    path = tmp_path / "world.db"
    seeds.reset(path, rights=False)
    session = Session(LabTransport(path))
    with pytest.raises(AccessError):
        StorageService(session).disks()
    session.close()
