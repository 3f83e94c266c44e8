"""Every batch that the services of virtual hard disks can make: strategies over disks, who uses them, and each spec."""

from __future__ import annotations

import ntpath
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from hypothesis import strategies as st

from hvctl.models.vhd import GIB, MIB, DiskConvert, DiskCreate, DiskResize
from hvctl.powershell.batch import Batch
from hvctl.services.disks import Disks, Use, key
from hvctl.services.vhd.change import plan_merge, plan_resize
from hvctl.services.vhd.create import plan_clear, plan_convert, plan_create, plan_drop, plan_look
from hvctl.services.vhd.service import plan_test

HOST = "hv01"
VMS = tuple(str(uuid5(NAMESPACE_DNS, name)) for name in ("one", "two"))


def plans(paths: st.SearchStrategy[str]) -> dict[str, st.SearchStrategy[Batch]]:
    """A strategy for each plan function of the package, over paths without an extension."""
    files = st.builds("{}{}".format, paths, st.sampled_from([".vhdx", ".vhd", ".avhdx", ".VHDX"]))
    several = st.lists(files, min_size=1, max_size=3)
    return {
        "vhd.change.plan_merge": _over(several, lambda files, disks: plan_merge(files[0], disks, HOST).plan.batch),
        "vhd.change.plan_resize": st.builds(
            lambda spec, made: plan_resize(made[0], spec, made[1], HOST).plan.batch, resizes(), _hosts(several)
        ),
        "vhd.create.plan_clear": st.builds(plan_clear, files),
        "vhd.create.plan_convert": st.builds(
            lambda spec, made: _conversion(spec, *made),
            converts(paths),
            _hosts(several),
        ),
        "vhd.create.plan_create": st.builds(lambda spec: plan_create(spec).batch, creates(paths)),
        "vhd.create.plan_drop": st.builds(plan_drop, files, files),
        "vhd.create.plan_look": st.builds(plan_look, files),
        "vhd.service.plan_test": st.builds(plan_test, several),
    }


def _conversion(spec: DiskConvert, files: list[str], disks: Disks) -> Batch:
    disks.gone = frozenset({key(spec.destination)})
    return plan_convert(files[0], spec, disks, HOST).plan.batch


def _over(several: st.SearchStrategy[list[str]], make: Any) -> st.SearchStrategy[Batch]:
    return _hosts(several).map(lambda made: make(*made))


@st.composite
def _hosts(draw: st.DrawFn, several: st.SearchStrategy[list[str]]) -> tuple[list[str], Disks]:
    """Disks, each built on the next or on nothing, and what is known of them."""
    files = draw(several)
    user = draw(st.sampled_from([None, *VMS]))
    if user is not None:
        files = [rf"C:\VMs\{user}.vhdx", *files]
    files = list({key(path): path for path in files}.values())
    records = {}
    for path, below in zip(files, [*files[1:], None], strict=True):
        parent = below if below and draw(st.booleans()) else ""
        records[key(path)] = {
            "Path": path,
            "ParentPath": parent,
            "VhdType": "Differencing" if parent else draw(st.sampled_from(["Dynamic", "Fixed"])),
            "VhdFormat": "VHD" if ntpath.splitext(path)[1].lower() == ".vhd" else "VHDX",
            "Size": draw(st.integers(1, 64)) * GIB,
            "MinimumSize": draw(st.sampled_from([None, GIB])),
            "Attached": draw(st.integers(0, 4)) == 0,
            "DiskNumber": None,
            "DiskIdentifier": path,
        }
    uses = () if user is None else (Use(user, files[0], None, draw(st.sampled_from(["IDE", "SCSI"]))),)
    names, states = dict.fromkeys(VMS, "web"), dict.fromkeys(VMS, "Off")
    disks = Disks(names=names, states=states, uses=uses, records=records)
    for use in uses:
        for link in disks.chain(use.path):
            disks.users.setdefault(key(link), set()).add(use.vm_id)
    return files, disks


def _blocks(ending: str) -> st.SearchStrategy[int | None]:
    return st.sampled_from([None, 2 * MIB] if ending == ".vhd" else [None, MIB, 256 * MIB])


@st.composite
def creates(draw: st.DrawFn, paths: st.SearchStrategy[str]) -> DiskCreate:
    """Any `vhd create` that the model lets through."""
    ending = draw(st.sampled_from([".vhdx", ".vhd"]))
    fields: dict[str, Any] = {"path": draw(paths) + ending, "block_size": draw(_blocks(ending))}
    fields["type"] = draw(st.sampled_from(["Dynamic", "Fixed", "Differencing"]))
    if fields["type"] == "Differencing":
        fields["parent"] = draw(paths) + ending
    else:
        fields["size"] = draw(st.integers(6144, 2040 * GIB // 512)) * 512
    return DiskCreate.model_validate(fields)


@st.composite
def converts(draw: st.DrawFn, paths: st.SearchStrategy[str]) -> DiskConvert:
    """Any `vhd convert` that the model lets through."""
    ending = draw(st.sampled_from([".vhdx", ".vhd"]))
    kind = draw(st.sampled_from([None, "Dynamic", "Fixed", "Differencing"]))
    fields = {
        "destination": draw(paths) + ending,
        "type": kind,
        "parent": draw(paths) + ending if kind == "Differencing" else None,
        "block_size": draw(_blocks(ending)),
        "delete_source": draw(st.booleans()),
    }
    return DiskConvert.model_validate(fields)


def resizes() -> st.SearchStrategy[DiskResize]:
    """Any `vhd resize` that the model lets through."""
    sizes = st.integers(6144, (64 << 40) // 512).map(lambda sectors: sectors * 512)
    return st.builds(DiskResize, size=sizes) | st.just(DiskResize(to_minimum=True))
