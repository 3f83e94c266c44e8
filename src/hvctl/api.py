"""The Python API: the services of one host behind plain methods.

    with hvctl.connect("lab") as host:
        host.vms.create("web1", memory="4G", disk="60G", start=True)
        for vm in host.vms.list():
            print(vm.name, vm.state)

Every method raises an `HvctlError` when it fails; `hvctl.errors` describes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

from hvctl.errors import UsageError
from hvctl.hosts import Login, choose, open_transport
from hvctl.models.base import Outcome
from hvctl.models.host import Host
from hvctl.models.switch import SwitchCreate, SwitchDetails, VirtualSwitch
from hvctl.models.vhd import DiskCreate, DiskSummary, VirtualDisk
from hvctl.models.vm import VirtualMachine, VmCreate, VmSummary
from hvctl.services.host import HostService
from hvctl.services.plan import Plan, run_plan
from hvctl.services.selection import EVERYTHING, Selection
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
        login: How to log in, as the options of the same names say; `verify=False` skips the check of certificates.

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
    """One host: its virtual machines, its switches, its disks, and itself.

    Attributes:
        vms: The virtual machines.
        switches: The virtual switches.
        disks: The virtual hard disks.
    """

    def __init__(self, session: Session, *, timeout: float | None) -> None:
        self._session = session
        self._timeout = timeout
        self.vms = VirtualMachines(session, timeout=timeout)
        self.switches = VirtualSwitches(session, timeout=timeout)
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
        return self._service.list(Selection.of(*paths), Scope(folders=tuple(folders)))

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


def _run(session: Session, plan: Plan, timeout: float | None) -> tuple[Outcome, ...]:
    done = run_plan(session, plan, timeout=timeout)
    error = done.error(plan.verb)
    if error is not None:
        raise error
    return done.outcomes
