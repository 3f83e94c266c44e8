"""Virtual hard disks of one host: the plans of this package, run."""

from __future__ import annotations

import ntpath
from collections.abc import Sequence

from hvctl.errors import CancelledError, ConflictError, OutcomeUnknownError
from hvctl.models.vhd import ChainLink, DiskConvert, DiskCreate, DiskResize, DiskSummary, DiskTest, VirtualDisk
from hvctl.powershell.batch import SELF, Batch, Call, Step
from hvctl.services.disks import Disks, read_disks
from hvctl.services.failures import failure_of, first_line, with_sight
from hvctl.services.plan import Prepared
from hvctl.services.selection import EVERYTHING, ElsewhereError, Selection
from hvctl.services.vhd import change as changing
from hvctl.services.vhd import create as creating
from hvctl.services.vhd.read import NOUN, Scope, chain_links, choose, describe, folders_of, literal_paths, spelled
from hvctl.transports.result import Result
from hvctl.transports.session import Session

HOST_WIDE = Scope()


def plan_test(paths: Sequence[str]) -> Batch:
    """Test each disk by itself: errors of one call over many do not say whose they are."""
    return Batch(
        tuple(
            Step(f"test_{number}", Call("Test-VHD", {"Path": (path,)}), select=(SELF,), on_error="continue")
            for number, path in enumerate(paths)
        )
    )


class VhdService:
    """Virtual hard disks of the host that a session talks to.

    Args:
        session: The host.
        timeout: Seconds that a command may take; None for no limit.
    """

    def __init__(self, session: Session, *, timeout: float | None = 600.0) -> None:
        self._session = session
        self._timeout = timeout

    def list(self, selection: Selection = EVERYTHING, scope: Scope = HOST_WIDE) -> Sequence[DiskSummary]:
        """The disks that a selection means; all that are known where it names none."""
        paths, disks = self._chosen(selection, scope)
        return describe(DiskSummary, paths, disks, self._session.host)

    def show(self, selection: Selection = EVERYTHING, scope: Scope = HOST_WIDE) -> Sequence[VirtualDisk]:
        """Everything about the disks that a selection means, with the disks beside them that differ from them."""
        paths, disks = self._chosen(selection, scope, beside=True)
        return describe(VirtualDisk, paths, disks, self._session.host)

    def chain(self, selection: Selection = EVERYTHING, scope: Scope = HOST_WIDE) -> Sequence[ChainLink]:
        """Every link of the chains of the disks that a selection means; where it names none, of what VMs use."""
        paths, disks = self._chosen(selection, scope, beside=True)
        if not selection.every_name:
            paths = [path for path in paths if not disks.children(path)]
        return chain_links(paths, disks, self._session.host)

    def test(self, selection: Selection = EVERYTHING, scope: Scope = HOST_WIDE) -> Sequence[DiskTest]:
        """Whether each of the disks that a selection means can be used, its chain included."""
        paths, _ = self._chosen(selection, scope)
        if not paths:
            return []
        result = self._session.run(plan_test(paths), timeout=self._timeout)
        whole = next((record for record in result.errors if record.step is None), None)
        if whole is not None:
            raise failure_of(whole, result, host=self._session.host, message="The disks were not tested")
        return [self._tested(path, f"test_{number}", result) for number, path in enumerate(paths)]

    def plan_create(self, spec: DiskCreate) -> creating.Creation:
        """Look at the host, and make the batch that creates a disk there.

        Raises:
            DiskExists: There is a disk at that path.
            ConflictError: There is another file, or the parent is one that something writes to.
        """
        host = self._session.host
        result = self._session.run(creating.plan_look(spec.path), timeout=self._timeout)
        failure = next((record for record in result.errors if record.step != "found"), None)
        if failure is not None:
            raise failure_of(failure, result, host=host, object_name=spec.path)
        found = VirtualDisk.read(host, result.of("found"))
        if found:
            raise DiskExists(found[0])
        if [each[SELF] for each in result.of("there")] == [True]:
            raise ConflictError(f"There is a file '{spec.path}' already.", host=host, object_name=spec.path)
        if spec.parent is None:
            return creating.plan_create(spec)
        disks = read_disks(self._session, [spec.parent], timeout=self._timeout)
        refusal = creating.parent_refusal(spec.parent, disks, host)
        if refusal is not None:
            raise refusal
        return creating.plan_create(spec, creating.parent_notes(spec.parent, disks))

    def create(self, spec: DiskCreate, creation: creating.Creation) -> VirtualDisk:
        """Create a disk; when it fails, nothing of it is left.

        Raises:
            HvctlError: What failed, and what could not be taken back.
        """
        look = Batch((creating.plan_look(spec.path).steps[0],))
        try:
            result = self._session.run(creation.batch, timeout=self._timeout, look=look)
        except OutcomeUnknownError as error:
            raise with_sight(error, _sight(error, spec.path)) from error
        except CancelledError as error:
            raise self.cleared(error, spec.path) from error
        if "disk" in result.not_undone and self._clear(spec.path):
            result.not_undone = tuple(step for step in result.not_undone if step != "disk")
        self._check(spec, creation, result)
        return VirtualDisk.read(self._session.host, result.of("disk"))[0]

    def foresee(self, spec: DiskCreate, creation: creating.Creation) -> None:
        """Run the checks of a creation and nothing else, as a dry run does."""
        self._check(spec, creation, self._session.run(creation.batch.reading(), timeout=self._timeout))

    def cleared(self, error: CancelledError, path: str) -> CancelledError:
        """Delete what an interrupted creation or conversion left, and say so; its plan saw that nothing was there."""
        if error.seen is None or [each[SELF] for each in error.seen.get("there", ())] != [True]:
            return error
        words = "What had been made was deleted." if self._clear(path) else f"'{path}' is there, half-made: delete it."
        return CancelledError(f"Interrupted. {words}", host=self._session.host, object_name=path)

    def plan_resize(self, selection: Selection, spec: DiskResize) -> Prepared:
        """Read what resizing must know, and make its plan."""
        paths, disks = self._chosen(selection, HOST_WIDE, beside=True)
        return changing.plan_resize(paths, spec, disks, self._session.host)

    def plan_merge(self, selection: Selection, scope: Scope = HOST_WIDE) -> Prepared:
        """Read what merging must know, and make its plan."""
        path, disks = self._one(selection, scope)
        return changing.plan_merge(path, disks, self._session.host)

    def plan_convert(self, selection: Selection, spec: DiskConvert) -> Prepared:
        """Read what converting must know, and make its plan."""
        path, disks = self._one(selection, HOST_WIDE, (spec.destination, *((spec.parent,) if spec.parent else ())))
        return creating.plan_convert(path, spec, disks, self._session.host)

    def _chosen(
        self, selection: Selection, scope: Scope, also: tuple[str, ...] = (), *, beside: bool = False
    ) -> tuple[Sequence[str], Disks]:
        """The disks that are meant, and what is known of the host's; with `beside`, of those next to them too."""
        wanted = spelled(selection)
        paths = [*literal_paths(wanted), *also]
        disks = self._read(paths, scope.folders, recurse=scope.recurse)
        chosen = choose(wanted, disks, self._session.host)
        folders = folders_of(chosen, disks) if beside else []
        if folders:
            disks = self._read(paths, [*scope.folders, *folders], recurse=scope.recurse)
        return chosen, disks

    def _one(self, selection: Selection, scope: Scope, also: tuple[str, ...] = ()) -> tuple[str, Disks]:
        paths, disks = self._chosen(selection, scope, also, beside=True)
        if not paths:
            raise ElsewhereError(f"It is not on {self._session.host}.", host=self._session.host)
        if len(paths) != 1:
            words = f"This is about one {NOUN}, and {len(paths)} are meant."
            raise ConflictError(words, host=self._session.host, hint=f"Name one of: {', '.join(paths)}")
        return paths[0], disks

    def _read(self, paths: Sequence[str], folders: Sequence[str], *, recurse: bool) -> Disks:
        return read_disks(self._session, paths, folders, recurse=recurse, timeout=self._timeout)

    def _clear(self, path: str) -> bool:
        return self._session.run(creating.plan_clear(path), timeout=60.0).ok

    def _tested(self, path: str, step: str, result: Result) -> DiskTest:
        error = next((record for record in result.errors if record.step == step), None)
        healthy = error is None and [each[SELF] for each in result.of(step)] == [True]
        return DiskTest(
            id=path,
            name=ntpath.basename(path),
            path=path,
            host=self._session.host,
            healthy=healthy,
            problem=None if error is None else first_line(error.message),
        )

    def _check(self, spec: DiskCreate, creation: creating.Creation, result: Result) -> None:
        record = result.failure
        if result.ok or record is None:
            return
        failed = f"'{spec.path}' was not created"
        message = creation.messages.get(record.step or "", failed)
        if message.endswith(".") and not record.error_id.startswith("Hvctl.Expected"):
            message = failed  # a check that could not be made says nothing of what it would have found
        raise failure_of(record, result, host=self._session.host, object_name=spec.path, message=message)


class DiskExists(ConflictError):
    """There is a disk where one was to be created."""

    def __init__(self, disk: VirtualDisk) -> None:
        super().__init__(
            f"There is a disk '{disk.path}' already.",
            host=disk.host,
            object_name=disk.path,
            hint="Choose another path, or add --exist-ok to be shown the one that is there.",
        )
        self.disk = disk


def _sight(error: OutcomeUnknownError, path: str) -> str | None:
    if error.seen is None:
        return None
    there = [each[SELF] for each in error.seen.get("there", ())]
    return f"'{path}' is {'there' if there == [True] else 'not there'}"
