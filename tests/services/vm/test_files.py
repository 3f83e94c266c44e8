"""Which files go with a machine that has checkpoints, and how long a host may hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pytest
from tests.support.scripted import Said, ScriptedTransport, error, record

from hvctl.errors import AccessError, CancelledError, TimedOutError
from hvctl.models.base import Outcome
from hvctl.powershell.batch import SELF
from hvctl.services.disks import Disks, Use, key
from hvctl.services.plan import Done
from hvctl.services.vm.files import Files, Late, delete_late, files_of
from hvctl.services.vm.read import VmState
from hvctl.transports.session import Session

pytestmark = pytest.mark.unit

VM = VmState(id="id1", name="web1", host="hv01", state="Off")
TEMPLATE, DISK, OLD = r"C:\VMs\base.vhdx", r"C:\VMs\a.vhdx", r"C:\VMs\old.vhdx"
LINK, LEAF, SIDE = r"C:\VMs\a_1.avhdx", r"C:\VMs\a_2.AVHDX", r"C:\VMs\a_3.avhdx"
PARENTS = {TEMPLATE: None, DISK: TEMPLATE, LINK: DISK, LEAF: LINK, SIDE: LINK, OLD: None}


def known(*checkpoints: str, drives: Sequence[str] = (LEAF,), users: Mapping[str, set[str]] | None = None) -> Disks:
    """The disks of a host on which a machine has drives and checkpoints."""
    return Disks(
        of_vm={"id1": list(drives)},
        users={key(path): ids for path, ids in (users or {}).items()},
        names={"id2": "web2"},
        uses=tuple(Use("id1", path, f"of {path}") for path in checkpoints),
        records={key(path): {"Path": path, "ParentPath": parent} for path, parent in PARENTS.items()},
    )


class TestFiles:
    def test_every_branch_goes_and_the_template_stays(self) -> None:
        files = files_of(VM, known(DISK, LINK, SIDE))
        assert set(files.takes) == {LEAF, SIDE, LINK, DISK}
        assert files.takes[2:] == (LINK, DISK)
        assert (files.disks, files.leaves, files.late) == ([DISK], (), True)

    def test_a_disk_that_only_a_checkpoint_has_stays(self) -> None:
        files = files_of(VM, known(DISK, OLD))
        assert set(files.takes) == {LEAF, LINK, DISK}
        assert files.leaves == (f"{OLD} stays: only checkpoints of 'web1' have it.",)

    @pytest.mark.parametrize("path", [DISK, LINK, LEAF])
    def test_what_another_machine_needs_stays_whole(self, path: str) -> None:
        files = files_of(VM, known(DISK, SIDE, users={path: {"id1", "id2"}}))
        assert files == Files((), (f"{path} stays: it is needed by web2.",), late=True)

    def test_a_machine_without_checkpoints_loses_its_own_disks_only(self) -> None:
        assert files_of(VM, known(drives=[DISK, OLD])) == Files((DISK, OLD), (), late=False)


class Host:
    """A host that holds each file for some looks, and then lets it go."""

    def __init__(self, *, category: str = "ResourceBusy", **looks: int) -> None:
        self.looks = {path: looks.get(name, 0) for name, path in (("leaf", LEAF), ("disk", DISK))}
        self.category = category
        self.rounds: list[list[str]] = []
        self.transport = ScriptedTransport(self.answer)

    def answer(self, steps: Sequence[Mapping[str, Any]]) -> list[Said]:
        paths = [each["parameters"]["LiteralPath"] for each in steps if each["cmdlet"] == "Test-Path"]
        self.rounds.append(paths)
        said: list[Said] = []
        for number, path in enumerate(paths):
            self.looks[path] -= 1
            is_held = self.looks[path] >= 0
            if is_held:
                said.append(error(f"remove_{number}", "RemoveFileSystemItem", "It is held.", self.category))
            said.append(record(f"there_{number}", **{SELF: is_held}))
        return said

    def end(self, limit: float | None = None, outcome: Literal["changed", "failed"] = "changed") -> Done:
        session = Session(self.transport, clock=self.transport.clock)
        gone = Outcome(id="id1", name="web1", host="hv01", outcome=outcome, state=None)
        return delete_late([Late("id1", "web1", (LEAF, DISK))])(session, Done((gone,), ()), limit)


class TestWaiting:
    def test_a_disk_goes_after_what_differs_from_it(self) -> None:
        host = Host(leaf=2, disk=1)
        assert host.end().failures == ()
        assert host.rounds == [[LEAF]] * 3 + [[DISK]] * 2

    def test_a_machine_that_is_still_there_keeps_its_files(self) -> None:
        host = Host()
        host.end(outcome="failed")
        assert host.rounds == []

    def test_it_ends_in_time(self) -> None:
        done = Host(disk=10_000).end(limit=9.0)
        (failure,) = done.failures
        assert isinstance(failure, TimedOutError)
        assert failure.message == f"'web1' is gone, but its disk {DISK} could not be deleted: It is held."
        assert [(each.outcome, each.error and each.error["code"]) for each in done.outcomes] == [("failed", 7)]

    def test_what_no_waiting_helps_against_is_said_at_once(self) -> None:
        host = Host(category="PermissionDenied", leaf=10_000)
        (failure,) = host.end().failures
        assert isinstance(failure, AccessError)
        assert host.rounds == [[LEAF]]

    def test_an_interrupt_names_the_files(self) -> None:
        host = Host(leaf=10_000)

        def stop(_seconds: float) -> None:
            raise KeyboardInterrupt

        host.transport.clock.sleep = stop  # type: ignore[method-assign]  # a user who has had enough
        with pytest.raises(CancelledError) as ended:
            host.end()
        assert ended.value.message == f"Interrupted. Deleted: 'web1'; these files may be there still: {LEAF}, {DISK}."
