"""The Python API: the services of one host behind plain methods.

    with hvctl.connect("lab") as host:
        host.vms.create("web1", memory="4G", disk="60G", start=True)
        for vm in host.vms.list():
            print(vm.name, vm.state)

Every method raises an `HvctlError` when it fails; `hvctl.errors` describes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict, Unpack

from hvctl.errors import NotFoundError, UsageError
from hvctl.hosts import Login, choose, open_transport
from hvctl.models.base import Outcome
from hvctl.models.checkpoint import CheckpointCreate, CheckpointNode, CheckpointSummary, NewCheckpoint
from hvctl.models.host import Host
from hvctl.models.storage import (
    CreatedStorage,
    HealthFinding,
    PhysicalDisk,
    StoragePool,
    StorageVirtualDisk,
    Volume,
)
from hvctl.models.storage_create import StorageCreate
from hvctl.models.switch import SwitchCreate, SwitchDetails, VirtualSwitch
from hvctl.models.vhd import DiskCreate, DiskSummary, VirtualDisk
from hvctl.models.vm import VirtualMachine, VmCreate, VmSummary
from hvctl.services.checkpoint.delete import Waiting
from hvctl.services.checkpoint.delete import plan_delete as plan_delete_checkpoints
from hvctl.services.checkpoint.read import VmPosition
from hvctl.services.checkpoint.restore import plan_restore
from hvctl.services.checkpoint.service import CheckpointService
from hvctl.services.host import HostService
from hvctl.services.plan import Plan, run_plan
from hvctl.services.selection import EVERYTHING, Name, Selection
from hvctl.services.storage.making import StorageMaking
from hvctl.services.switch import SwitchService
from hvctl.services.switch import plan_delete as plan_delete_switches
from hvctl.services.vhd.read import Scope
from hvctl.services.vhd.service import VhdService
from hvctl.services.vm.power import START, STOP, TURN_OFF, plan_power
from hvctl.services.vm.read import VmState
from hvctl.services.vm.service import VmService
from hvctl.transports.session import Session
from hvctl.units import parse_size

_SIZES = ("memory", "memory_minimum", "memory_maximum", "disk", "size", "block_size")


class LoginSettings(TypedDict, total=False):
    """How to log in to a host over the network; what is not given is what the environment or the configuration says."""

    user: str
    password: str
    auth: str
    ca_file: str | Path
    cert_file: str | Path
    key_file: str | Path
    verify: bool


def connect(
    host: str | None = None,
    *,
    timeout: float | None = 600.0,
    use_pwsh: bool = False,
    **login: Unpack[LoginSettings],
) -> Connection:
    """Connect to a host; PowerShell is started on first use.

    Args:
        host: Its name, as `--host` takes it; the default host where none is given.
        timeout: Seconds that one call may take; None for no limit.
        use_pwsh: Prefer PowerShell 7 to Windows PowerShell.
        login: How to log in, as the options of the same names say; without `verify` no certificate is checked.

    Raises:
        UsageError: No host is called that, or none is chosen, or the login does not fit it.
    """
    settings: dict[str, Any] = dict(login)
    for key in ("ca_file", "cert_file", "key_file"):
        if key in settings:
            settings[key] = Path(settings[key])
    transport = open_transport(choose(host), use_pwsh=use_pwsh, login=Login(**settings), timeout=timeout)
    return Connection(Session(transport), timeout=timeout)


class Connection:
    """One host: its virtual machines, their checkpoints, its switches, its disks, and itself.

    Attributes:
        vms: The virtual machines.
        checkpoints: The checkpoints of virtual machines.
        switches: The virtual switches.
        storage: Storage Spaces.
        disks: The virtual hard disks.
    """

    def __init__(self, session: Session, *, timeout: float | None) -> None:
        self._session = session
        self._timeout = timeout
        self.vms = VirtualMachines(session, timeout=timeout)
        self.checkpoints = Checkpoints(session, timeout=timeout)
        self.switches = VirtualSwitches(session, timeout=timeout)
        self.storage = StorageSpaces(session, timeout=timeout)
        self.disks = VirtualDisks(session, timeout=timeout)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End PowerShell on the host."""
        self._session.close()

    def info(self) -> Host:
        """What the host is."""
        return HostService(self._session, timeout=self._timeout).show()


class VirtualMachines:
    """The virtual machines of a host. Names may be patterns or ids."""

    def __init__(self, session: Session, *, timeout: float | None) -> None:
        self._session = session
        self._timeout = timeout
        self._service = VmService(session, timeout=timeout)

    def list(self, *names: str) -> Sequence[VmSummary]:
        """All virtual machines, or those of the names."""
        return self._service.list(Selection.of(*names) if names else EVERYTHING)

    def show(self, name: str) -> VirtualMachine:
        """Everything about one virtual machine."""
        return self._service.show(Selection.of(name))[0]

    def create(self, name: str, **settings: Any) -> VirtualMachine:  # noqa: ANN401 - the fields of VmCreate
        """Create a virtual machine; when a step fails, nothing of it is left.

        Args:
            name: Its name; no other may have it.
            settings: The fields of `hvctl.models.vm.VmCreate`; sizes in bytes or as text such as "4G".
        """
        try:
            spec = VmCreate.model_validate({**_in_bytes(settings), "name": name})
        except ValueError as error:
            raise UsageError(str(error)) from error
        return self._service.create(spec, self._service.plan_create(spec))

    def start(self, *names: str) -> tuple[Outcome, ...]:
        """Start virtual machines."""
        return self._run(plan_power(START, self._select(names), self._session.host), self._timeout)

    def stop(self, *names: str, timeout: float = 600.0, turn_off: bool = False) -> tuple[Outcome, ...]:
        """Shut guests down, each within `timeout` seconds; or cut their power."""
        plan = plan_power(TURN_OFF if turn_off else STOP, self._select(names), self._session.host, timeout=timeout)
        return self._run(plan, timeout)

    def delete(self, *names: str, turn_off: bool = False, with_disks: bool = False) -> tuple[Outcome, ...]:
        """Delete virtual machines, with the disks that nothing else needs if asked to. It does not ask back."""
        deletion = self._service.plan_delete(self._select(names), turn_off=turn_off, with_disks=with_disks)
        return self._run(deletion.plan, self._timeout)

    def _select(self, names: Sequence[str]) -> Sequence[VmState]:
        return self._service.select(Selection.of(*names), VmState)

    def _run(self, plan: Plan, timeout: float | None) -> tuple[Outcome, ...]:
        return _run(self._session, plan, timeout)


class Checkpoints:
    """The checkpoints of a host's virtual machines. A checkpoint is named by its name or its id."""

    def __init__(self, session: Session, *, timeout: float | None) -> None:
        self._session = session
        self._timeout = timeout
        self._service = CheckpointService(session, timeout=timeout)

    def list(self, *vms: str) -> Sequence[CheckpointSummary]:
        """The checkpoints of all virtual machines, or of those named."""
        return self._service.list(Selection.of(*vms) if vms else EVERYTHING)

    def create(self, vm: str, name: str = "{vm} ({date} {time})", *, kind: str | None = None) -> NewCheckpoint:
        """Take a checkpoint of a virtual machine.

        Args:
            vm: The machine.
            name: Its name; {vm}, {date} and {time} are filled in.
            kind: "Standard", "Production" or "ProductionOnly"; the machine's own setting if not given.
        """
        try:
            spec = CheckpointCreate.model_validate({"name": name, "type": kind})
        except ValueError as error:
            raise UsageError(str(error)) from error
        creation = self._service.plan_create(Selection((Name(vm, literal=True),)), spec, datetime.now())
        made, failures = self._service.create(creation)
        if failures:
            raise failures[0]
        return made[0]

    def restore(self, vm: str, checkpoint: str, *, start: bool = False) -> Outcome:
        """Bring a virtual machine back to a checkpoint; its present state is lost. It does not ask back."""
        machine, every = self._machine(vm)
        (target,) = self._service.select(machine, [Name(checkpoint, literal=True)], every)
        plan = plan_restore(machine, target, every, keep_as=None, start=start).plan
        return _run(self._session, plan, self._timeout)[0]

    def delete(self, vm: str, *checkpoints: str, subtree: bool = False) -> tuple[Outcome, ...]:
        """Delete checkpoints of a virtual machine and wait until its disks are merged. It does not ask back."""
        machine, every = self._machine(vm)
        chosen = self._service.select(machine, [Name(each) for each in checkpoints], every)
        plan = plan_delete_checkpoints(machine, chosen, every, subtree=subtree, waiting=Waiting(limit=self._timeout))
        return _run(self._session, plan.plan, self._timeout)

    def _machine(self, vm: str) -> tuple[VmPosition, Sequence[CheckpointNode]]:
        found = self._service.of_vm(Selection((Name(vm, literal=True),)))
        if found is None:
            raise NotFoundError(f"'{vm}' went away.", host=self._session.host, object_name=vm)
        return found


class VirtualSwitches:
    """The virtual switches of a host. Names may be patterns or ids."""

    def __init__(self, session: Session, *, timeout: float | None) -> None:
        self._session = session
        self._timeout = timeout
        self._service = SwitchService(session, timeout=timeout)

    def list(self, *names: str) -> Sequence[VirtualSwitch]:
        """All switches, or those of the names."""
        return self._service.list(Selection.of(*names) if names else EVERYTHING)

    def show(self, name: str) -> SwitchDetails:
        """Everything about one switch."""
        return self._service.show(Selection.of(name))[0]

    def create(self, name: str, **settings: Any) -> SwitchDetails:  # noqa: ANN401 - the fields of SwitchCreate
        """Create a switch.

        Args:
            name: Its name; no other may have it.
            settings: The fields of `hvctl.models.switch.SwitchCreate`.
        """
        try:
            spec = SwitchCreate.model_validate({**settings, "name": name})
        except ValueError as error:
            raise UsageError(str(error)) from error
        return self._service.create(spec, self._service.plan_create(spec))

    def delete(self, *names: str) -> tuple[Outcome, ...]:
        """Delete switches; what is on them stays, disconnected. It does not ask back."""
        plan = plan_delete_switches(self._service.select(Selection.of(*names)))
        return _run(self._session, plan, self._timeout)


class VirtualDisks:
    """The virtual hard disks of a host. Paths may be patterns over those that something uses."""

    def __init__(self, session: Session, *, timeout: float | None) -> None:
        self._service = VhdService(session, timeout=timeout)

    def list(self, *paths: str, folders: Sequence[str] = ()) -> Sequence[DiskSummary]:
        """The disks of all virtual machines and checkpoints and those in folders, or those of the paths."""
        return self._service.list(Selection.of(*paths), Scope(tuple(folders)))

    def show(self, path: str) -> VirtualDisk:
        """Everything about one disk."""
        return self._service.show(Selection.of(path))[0]

    def create(self, path: str, **settings: Any) -> VirtualDisk:  # noqa: ANN401 - the fields of DiskCreate
        """Create a disk; when a step fails, nothing of it is left.

        Args:
            path: Its path on the host; .vhdx or .vhd is its format.
            settings: The fields of `hvctl.models.vhd.DiskCreate`; sizes in bytes or as text such as "4G".
        """
        try:
            spec = DiskCreate.model_validate({**_in_bytes(settings), "path": path})
        except ValueError as error:
            raise UsageError(str(error)) from error
        return self._service.create(spec, self._service.plan_create(spec))


def _in_bytes(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: parse_size(value) if name in _SIZES and isinstance(value, str) else value
        for name, value in settings.items()
    }


class StorageSpaces:
    """Disks, pools, virtual disks and volumes of a host. Names may be patterns or ids."""

    def __init__(self, session: Session, *, timeout: float | None) -> None:
        self._making = StorageMaking(session, timeout=timeout)
        self._service = self._making.service

    def disks(self, *names: str) -> Sequence[PhysicalDisk]:
        """All physical disks, or those of the numbers, serial numbers, ids or names."""
        return self._service.disks(Selection.of(*names))

    def pools(self, *names: str) -> Sequence[StoragePool]:
        """All pools, or those of the names."""
        return self._service.pools(Selection.of(*names))

    def virtual_disks(self, *names: str) -> Sequence[StorageVirtualDisk]:
        """All virtual disks, or those of the names."""
        return self._service.virtual_disks(Selection.of(*names))

    def volumes(self) -> Sequence[Volume]:
        """The volumes of the host."""
        return self._service.volumes()

    def health(self) -> Sequence[HealthFinding]:
        """What is not as it should be; nothing when all is well."""
        return self._service.health()

    def create(self, name: str, **settings: Any) -> CreatedStorage:  # noqa: ANN401 - the fields of StorageCreate
        """Create a pool, a virtual disk and a volume; when a step fails, disks and pools are as they were.

        Args:
            name: The name of the pool and of the virtual disk.
            settings: The fields of `hvctl.models.storage_create.StorageCreate`; the size in bytes or as text.
        """
        try:
            spec = StorageCreate.model_validate({**_in_bytes(settings), "name": name})
        except ValueError as error:
            raise UsageError(str(error)) from error
        return self._making.storage_of(name, self._making.make(self._making.plan_storage(spec), name))


def _run(session: Session, plan: Plan, timeout: float | None) -> tuple[Outcome, ...]:
    done = run_plan(session, plan, timeout=timeout)
    error = done.error(plan.verb)
    if error is not None:
        raise error
    return done.outcomes
