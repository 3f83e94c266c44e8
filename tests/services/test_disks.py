"""Who uses which disk of a host, and on what each is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from tests.support.scripted import Said, ScriptedTransport, error, record

from hvctl.errors import HvctlError, TimedOutError
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.services.disks import DISK, Disks, Use, key, plan_disks, plan_parents, read_disks
from hvctl.transports.session import Session

pytestmark = pytest.mark.unit

NONE: frozenset[str] = frozenset()
A, B, C = r"C:\VMs\a.vhdx", r"C:\VMs\b.vhdx", r"C:\VMs\base.vhdx"


class DiskHost:
    """A host's drives, checkpoints and disk files, as an engine answers for them."""

    def __init__(
        self,
        drives: Mapping[str, Sequence[str]],
        parents: Mapping[str, str | None],
        *,
        checkpoints: Mapping[str, Sequence[str]] | None = None,
        unreadable: Sequence[str] = (),
        passed_through: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.drives, self.parents = drives, {path.upper(): parent for path, parent in parents.items()}
        self.checkpoints = checkpoints or {}
        self.unreadable = [path.upper() for path in unreadable]
        self.passed_through = passed_through
        self.names = {path.upper(): path for path in parents}

    def __call__(self, steps: Sequence[Mapping[str, Any]]) -> list[Said]:
        answers = {
            "Get-VM": self._vms,
            "Get-VMHardDiskDrive": self._drives,
            "Get-VMSnapshot": self._snapshots,
            "Get-VHD": self._parents,
            "Test-Path": self._files,
        }
        said: list[Said] = []
        for step in steps:
            said += answers[step["cmdlet"]](step)
        return said

    def _vms(self, step: Mapping[str, Any]) -> list[Said]:
        return [record("every", Id=vm_id, Name=f"machine {vm_id}") for vm_id in self.drives]

    def _drives(self, step: Mapping[str, Any]) -> list[Said]:
        own = [(vm_id, path, None) for vm_id, paths in self.drives.items() for path in paths]
        whole = [(vm_id, path, 2) for vm_id, path in self.passed_through]
        return [record("drives", VMId=vm_id, Path=path, DiskNumber=number) for vm_id, path, number in own + whole]

    def _snapshots(self, step: Mapping[str, Any]) -> list[Said]:
        return [
            record("snapshots", **{"VMId": vm_id, "HardDrives.Path": list(paths) or None})
            for vm_id, paths in self.checkpoints.items()
        ]

    def _parents(self, step: Mapping[str, Any]) -> list[Said]:
        wanted = step["parameters"]["Path"]
        if isinstance(wanted, dict):
            wanted = [path for paths in self.drives.values() for path in paths]
        said: list[Said] = []
        for path in wanted:
            if path.upper() in self.parents and path.upper() not in self.unreadable:
                said.append(record("parents", Path=self.names[path.upper()], ParentPath=self.parents[path.upper()]))
            else:
                said.append(error("parents", "InvalidParameter,Microsoft.Vhd.PowerShell.Cmdlets.GetVHD"))
        return said

    def _files(self, step: Mapping[str, Any]) -> list[Said]:
        return [record(step["id"], **{".": step["parameters"]["LiteralPath"].upper() in self.parents})]


def disks_of(host: DiskHost) -> tuple[Disks, int]:
    transport = ScriptedTransport(host)
    disks = read_disks(Session(transport, clock=transport.clock), timeout=60)
    return disks, len(transport.log.executed)


def test_disks_of_a_plain_host_take_one_question():
    disks, questions = disks_of(DiskHost({"id1": [A], "id2": [B]}, {A: None, B: ""}))
    names = {"id1": "machine id1", "id2": "machine id2"}
    assert (disks.of_vm, disks.names) == ({"id1": [A], "id2": [B]}, names)
    assert disks.users == {A.upper(): {"id1"}, B.upper(): {"id2"}}
    assert questions == 1


def test_a_parent_is_needed_by_its_child_s_machine():
    disks, _ = disks_of(DiskHost({"id1": [C], "id2": [B]}, {B: C.upper(), C: None}))
    assert disks.users[C.upper()] == {"id1", "id2"}


def test_a_chain_is_followed_to_its_end():
    links = [rf"C:\VMs\{number}.vhdx" for number in range(5)]
    parents = dict(zip(links, [*links[1:], None], strict=True))
    disks, questions = disks_of(DiskHost({"id1": [links[0]], "id2": [links[4]]}, parents))
    assert disks.users == {link.upper(): {"id1"} for link in links[:4]} | {links[4].upper(): {"id1", "id2"}}
    assert questions == 4
    assert disks.unclear == ()


def test_a_chain_that_bites_its_tail_ends():
    disks, _ = disks_of(DiskHost({"id1": [A]}, {A: B, B: A}))
    assert disks.users == {A.upper(): {"id1"}, B.upper(): {"id1"}}


def test_what_a_checkpoint_holds_is_needed():
    disks, _ = disks_of(DiskHost({"id1": [B]}, {A: None, B: None}, checkpoints={"id2": [A], "id3": []}))
    assert disks.users[A.upper()] == {"id2"}
    assert disks.of_vm == {"id1": [B]}


def test_a_file_that_is_gone():
    disks, _ = disks_of(DiskHost({"id1": [A, B]}, {B: None}))
    assert (disks.gone, disks.unclear) == (frozenset({A.upper()}), (A,))


def test_a_file_that_nothing_can_be_said_of_is_not_gone():
    class Closed(DiskHost):
        def _files(self, step: Mapping[str, Any]) -> list[Said]:
            return [error(step["id"], "ItemExistsUnauthorizedAccessError,X")]

    disks, _ = disks_of(Closed({"id1": [A, B]}, {B: None}))
    assert (disks.gone, disks.unclear) == (NONE, (A,))


def test_files_that_were_not_asked_for_in_time_are_not_gone():
    class Slow(DiskHost):
        def _files(self, step: Mapping[str, Any]) -> list[Said]:
            return [
                (
                    "error",
                    {"step": None, "message": "late", "category": "OperationTimeout", "error_id": "Hvctl.Deadline"},
                ),
                ("done", {"ok": False, "undone": [], "not_undone": []}),
            ]

    with pytest.raises(TimedOutError, match="The host's disks could not be read"):
        disks_of(Slow({"id1": [A]}, {}))


def test_a_file_that_cannot_be_read():
    disks, _ = disks_of(DiskHost({"id1": [A, B]}, {A: None, B: None}, unreadable=[B]))
    assert (disks.gone, disks.unclear) == (NONE, (B,))


def test_a_parent_that_cannot_be_read():
    disks, _ = disks_of(DiskHost({"id1": [A]}, {A: C, C: None}, unreadable=[C]))
    assert disks.unclear == (C,)


def test_a_whole_disk_is_no_file():
    disks, _ = disks_of(DiskHost({"id1": [A]}, {A: None}, passed_through=[("id1", "Disk 2 1.00 TB Bus 0")]))
    assert disks.of_vm == {"id1": [A]}


def test_drives_that_cannot_be_read():
    def answer(_: Any) -> list[Said]:
        return [error("drives", "AccessDenied,X"), ("done", {"ok": False, "undone": [], "not_undone": []})]

    transport = ScriptedTransport(answer)
    with pytest.raises(HvctlError, match="The host's disks could not be read"):
        read_disks(Session(transport, clock=transport.clock), timeout=60)


def test_the_batches_of_the_question():
    every = Ref("every", all=True)
    read = {"select": DISK, "on_error": "continue"}
    there = {"select": (".",), "on_error": "continue"}
    plain = (
        Step("every", Call("Get-VM"), select=("Id", "Name", "State")),
        Step(
            "drives",
            Call("Get-VMHardDiskDrive", {"VM": every}),
            select=("VMId", "Path", "DiskNumber", "ControllerType"),
        ),
        Step("snapshots", Call("Get-VMSnapshot", {"VM": every}), select=("VMId", "Name", "HardDrives.Path")),
        Step("parents", Call("Get-VHD", {"Path": Ref("drives", property="Path", all=True)}), **read),
    )
    assert plan_disks() == Batch(plain)
    assert {"Path", "ParentPath"} <= set(DISK)
    listing = Call("Get-ChildItem", {"LiteralPath": (r"D:\x",), "File": True, "Recurse": True})
    only = {"Extension": (".vhdx", ".vhd", ".avhdx", ".avhd")}
    assert plan_disks([A], [r"D:\x"], recurse=True) == Batch(
        (
            *plain,
            Step("files", listing, select=("FullName",), where=only),
            Step("found", Call("Get-VHD", {"Path": Ref("files", property="FullName", all=True)}), **read),
            Step("asked", Call("Get-VHD", {"Path": (A,)}), **read),
            Step("file_0", Call("Test-Path", {"LiteralPath": A}), **there),
        )
    )
    assert plan_parents([A, B]) == Batch(
        (
            Step("parents", Call("Get-VHD", {"Path": (A, B)}), **read),
            Step("file_0", Call("Test-Path", {"LiteralPath": A}), **there),
            Step("file_1", Call("Test-Path", {"LiteralPath": B}), **there),
        )
    )


def test_spellings_of_one_path():
    assert key("c:/vms/./x/../a.VHDX") == key(A)
    assert key(A) != key(B)


def known(*records: Mapping[str, Any], uses: tuple[Use, ...] = ()) -> Disks:
    return Disks(uses=uses, records={key(each["Path"]): each for each in records})


def test_what_is_known_of_a_disk():
    disks = known(
        {"Path": C, "ParentPath": ""},
        {"Path": A, "ParentPath": C.lower()},
        {"Path": B, "ParentPath": C},
        uses=(Use("id1", A.upper()), Use("id1", C, checkpoint="before")),
    )
    assert disks.chain(A.lower()) == [A, C]
    assert disks.children("c:/vms/base.vhdx") == [A, B]
    assert disks.direct(A) == [Use("id1", A.upper())]
    assert disks.direct(C) == [Use("id1", C, checkpoint="before")]
    assert (disks.chain(r"C:\nope.vhdx"), disks.children(A), disks.parent(C)) == ([r"C:\nope.vhdx"], [], None)


def test_one_file_under_two_paths():
    same = {"DiskIdentifier": "X", "Size": 10, "FileSize": 4, "Attached": True, "VhdType": "Dynamic"}
    share = r"\\hv01\c$\VMs\a.vhdx"
    others = [{"Path": B, **same, "FileSize": 5}, {"Path": C, **same, "DiskIdentifier": None}]
    disks = known({"Path": A, **same}, {"Path": share, **same}, *others)
    assert (disks.twins(A), disks.twins(share), disks.twins(B)) == ([share], [A], [])
    assert (disks.twins(C), disks.twins(r"C:\nope.vhdx")) == ([], [])
