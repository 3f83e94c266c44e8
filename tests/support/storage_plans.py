"""Every batch that the services of Storage Spaces can make: strategies over disks, pools and each spec."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from hvctl.models.storage import PhysicalDisk, StoragePool, StorageVirtualDisk
from hvctl.models.storage_create import GIB, LAYOUTS, PoolCreate, StorageCreate, VirtualDiskCreate, VolumeCreate
from hvctl.powershell.batch import Batch
from hvctl.services.storage import create, delete, health, read
from hvctl.services.storage.delete import Use
from hvctl.services.storage.read import PoolState, VirtualDiskState

HOST = "hv01"
SUBSYSTEM = "{00000000-0000-0000-0000-000000000009}"


def physical_disk(number: int = 1, **changes: Any) -> PhysicalDisk:
    """A blank disk of 1 TiB, or one with other properties."""
    fields = {
        "id": f"DISK{number}",
        "number": str(number),
        "name": "A disk",
        "host": HOST,
        "serial": f"S{number}",
        "type": "HDD",
        "bus": "SAS",
        "size": 1024 * GIB,
        "used": 0,
        "usage": "Auto-Select",
        "can_pool": True,
        "cannot_pool": (),
        "health": "Healthy",
        "status": ("OK",),
    }
    return PhysicalDisk.model_validate(fields | changes)


def virtual_disk(number: int = 1, name: str = "space", size: int | None = 100 * GIB) -> VirtualDiskState:
    """A virtual disk that is well."""
    return VirtualDiskState(id=f"SPACE{number}", name=name, host=HOST, state="Healthy", size=size)


def pool(number: int = 1, name: str = "pool") -> PoolState:
    """A pool that is well."""
    return PoolState(id=f"{{POOL{number}}}", name=name, host=HOST, state="Healthy")


_letters = st.sampled_from("DEZ")
_labels = st.sampled_from([None, "", "it's “mine”", "Müller 🙂"])
_systems = st.sampled_from(["ReFS", "NTFS"])


@st.composite
def _spaces(draw: st.DrawFn) -> dict[str, Any]:
    """How a new virtual disk is to be: what fits together."""
    resiliency = draw(st.sampled_from(sorted(LAYOUTS)))
    thin = resiliency != "dual-parity" and draw(st.booleans())
    size = draw(st.integers(GIB, 1 << 50)) if thin else draw(st.none() | st.integers(GIB, 1 << 50))
    columns = draw(st.none() | st.integers(1, 16))
    provisioning = "Thin" if thin else "Fixed"
    return {"resiliency": resiliency, "size": size, "provisioning": provisioning, "columns": columns}


@st.composite
def storage_creates(draw: st.DrawFn, names: st.SearchStrategy[str]) -> StorageCreate:
    """Any `storage create` that the model lets through."""
    fields = draw(_spaces()) | {
        "name": draw(names),
        "volume": draw(_letters),
        "file_system": draw(_systems),
        "label": draw(_labels),
        "disks": draw(st.sampled_from([(), ("auto",), ("1", "2")])),
    }
    return StorageCreate.model_validate(fields)


def _members() -> st.SearchStrategy[list[PhysicalDisk]]:
    numbers = st.lists(st.integers(1, 24), min_size=1, max_size=8, unique=True)
    return numbers.map(lambda found: [physical_disk(number) for number in found])


@st.composite
def _pool_deletions(draw: st.DrawFn, names: st.SearchStrategy[str]) -> Batch:
    pools = [pool(number, draw(names)) for number in range(draw(st.integers(1, 3)))]
    members = {
        each.id: [virtual_disk(10 * n + m, draw(names)) for m in range(draw(st.integers(0, 2)))]
        for n, each in enumerate(pools)
    }
    with_them = draw(st.booleans())
    return delete.plan_delete_pools(pools, members, {}, HOST, with_virtual_disks=with_them).plan.batch


@st.composite
def _disk_deletions(draw: st.DrawFn, names: st.SearchStrategy[str]) -> Batch:
    spaces = [virtual_disk(number, draw(names)) for number in range(draw(st.integers(1, 3)))]
    used = {each.id: Use(("D:",), ("web1",)) for each in spaces if draw(st.booleans())}
    with_files = draw(st.booleans())
    return delete.plan_delete_virtual_disks(spaces, used, HOST, with_vm_files=with_files).plan.batch


def plans(names: st.SearchStrategy[str]) -> dict[str, st.SearchStrategy[Batch]]:
    """A strategy for each plan function of the package."""
    ids = st.lists(st.text("ABCDEF0123456789", min_size=32, max_size=32), min_size=1, max_size=3, unique=True)
    volumes = st.builds(VolumeCreate, virtual_disk=names, letter=_letters, file_system=_systems, label=_labels)
    spaces = st.builds(lambda fields, name: VirtualDiskCreate(name=name, pool="pool", **fields), _spaces(), names)
    return {
        "storage.create.plan_look": st.builds(create.plan_look),
        "storage.create.plan_pool": st.builds(
            lambda name, disks: create.plan_pool(PoolCreate(name=name), disks, SUBSYSTEM), names, _members()
        ),
        "storage.create.plan_pool_look": st.sampled_from(["Simple", "Mirror", "Parity"]).map(
            lambda setting: create.plan_pool_look(pool().id, setting)
        ),
        "storage.create.plan_storage": st.builds(
            lambda spec, disks: create.plan_storage(spec, disks, SUBSYSTEM), storage_creates(names), _members()
        ),
        "storage.create.plan_virtual_disk": spaces.map(lambda spec: create.plan_virtual_disk(spec, pool())),
        "storage.create.plan_volume": st.builds(
            lambda spec, raw: create.plan_volume(spec, "SPACE1", raw=raw), volumes, st.booleans()
        ),
        "storage.create.plan_volume_look": st.just(create.plan_volume_look("SPACE1")),
        "storage.delete.plan_delete_pools": _pool_deletions(names),
        "storage.delete.plan_delete_virtual_disks": _disk_deletions(names),
        "storage.delete.plan_members": ids.map(delete.plan_members),
        "storage.delete.plan_repair": names.map(lambda name: delete.plan_repair([virtual_disk(1, name)]).batch),
        "storage.delete.plan_resize": st.integers(GIB, 1 << 50).map(
            lambda size: delete.plan_resize(virtual_disk(), size, HOST).batch
        ),
        "storage.delete.plan_use": ids.map(delete.plan_use),
        "storage.health.plan_health": st.builds(health.plan_health),
        "storage.read.plan_disk_details": ids.map(read.plan_disk_details),
        "storage.read.plan_disks": st.builds(read.plan_disks),
        "storage.read.plan_jobs": st.builds(read.plan_jobs),
        "storage.read.plan_pool_details": ids.map(read.plan_pool_details),
        "storage.read.plan_pools": st.sampled_from([StoragePool, PoolState]).map(read.plan_pools),
        "storage.read.plan_virtual_disk_details": ids.map(read.plan_virtual_disk_details),
        "storage.read.plan_virtual_disks": st.sampled_from([StorageVirtualDisk, VirtualDiskState]).map(
            read.plan_virtual_disks
        ),
        "storage.read.plan_volumes": st.builds(read.plan_volumes),
    }
