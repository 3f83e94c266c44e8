"""What would be lost with a virtual disk, put together from what a host says."""

from __future__ import annotations

import pytest
from tests.support.storage_plans import virtual_disk

from hvctl.powershell.protocol import Frame
from hvctl.services.storage.delete import Use, plan_delete_virtual_disks, uses
from hvctl.transports.result import Result

pytestmark = pytest.mark.unit


def host(*, number: int | None = 9, paths: tuple[str, ...] = ()) -> Result:
    """A host where the machine `db` has disk 9 itself, and `web` files on D: and below a folder of C:."""
    records = {
        "disk_0": [] if number is None else [{"Number": number, "PartitionStyle": "RAW"}],
        "partitions_0": [{"AccessPaths": list(paths), "DriveLetter": None}] if paths else [],
        "vms": [{"Name": "web", "Path": "D:\\VMs\\web"}, {"Name": "db", "Path": "C:\\VMs"}],
        "drives": [
            {"VMName": "db", "Path": "Disk 9 100.00 GB Bus 0 Lun 1 Target 0", "DiskNumber": 9},
            {"VMName": "web", "Path": "C:\\mount\\web.vhdx", "DiskNumber": None},
        ],
        "snapshots": [{"VMName": "old", "HardDrives.Path": ["d:\\old.avhdx", None]}],
    }
    return Result(Frame("hello", "", 0, {}), ok=True, records=records)


@pytest.mark.parametrize(
    ("number", "paths", "use"),
    [
        (9, (), Use((), ("db",))),
        (8, (), Use()),
        (None, (), Use()),
        (8, ("D:\\", "\\\\?\\Volume{1}\\"), Use(("D:",), ("web", "old"))),
        (8, ("C:\\mount\\",), Use(("C:\\mount",), ("web",))),
        (8, ("C:\\mou",), Use(("C:\\mou",), ())),
        (9, ("E:\\",), Use(("E:",), ("db",))),
    ],
)
def test_a_machine_uses_a_disk_by_its_files_or_as_a_whole(number, paths, use):
    assert uses(["SPACE1"], host(number=number, paths=paths)) == {"SPACE1": use}


def test_a_disk_that_a_machine_has_as_a_whole_stays_unless_told():
    space = virtual_disk(1, "data")
    used = {space.id: Use((), ("db",))}
    refused = plan_delete_virtual_disks([space], used, "hv01", with_vm_files=False)
    assert not refused.plan.batch.steps
    assert str(refused.plan.parts[0].failure).startswith("'data' holds files of db.")
    told = plan_delete_virtual_disks([space], used, "hv01", with_vm_files=True)
    assert told.losses == ("'data' (100 GiB, files of db)",)
