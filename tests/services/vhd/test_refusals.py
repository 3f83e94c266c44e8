"""Which disks deleting a checkpoint writes to: no other disk may be built on those."""

from __future__ import annotations

import pytest

from hvctl.services.disks import Disks, Use, key
from hvctl.services.vhd.refusals import merged_into

pytestmark = pytest.mark.unit

BASE, OWN, FIRST, SECOND = (rf"C:\VMs\{name}" for name in ("base.vhdx", "web1.vhdx", "1.avhdx", "2.avhdx"))
CHAIN = {BASE: None, OWN: BASE, FIRST: OWN, SECOND: FIRST}
"""The second checkpoint's present differs from the first one's, that from the machine's own disk, that from a base."""


def _disks(*checkpoints: str) -> Disks:
    uses = [Use("1", SECOND), *(Use("1", path, checkpoint="x") for path in checkpoints)]
    records = {key(path): {"Path": path, "ParentPath": parent} for path, parent in CHAIN.items()}
    return Disks(names={"1": "web1"}, uses=tuple(uses), records=records)


@pytest.mark.parametrize(
    "checkpoints",
    [
        pytest.param((OWN, FIRST), id="two checkpoints"),
        pytest.param((FIRST,), id="the first is deleted, its merge is not done"),
        pytest.param((), id="both are deleted, no merge is done"),
    ],
)
def test_a_checkpoint_writes_to_its_own_disk_and_not_to_what_that_differs_from(checkpoints):
    disks = _disks(*checkpoints)
    refused = {path for path in CHAIN if merged_into(path, disks, "hv01") is not None}
    assert refused == {OWN, FIRST, SECOND}
    assert "belongs to the checkpoints of 'web1'" in str(merged_into(OWN, disks, "hv01"))
