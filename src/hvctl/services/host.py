"""What a host is: its Windows, its size, its modules, and the rights of this login."""

from __future__ import annotations

from hvctl.errors import AccessError, HvctlError, TimedOutError, UnreachableError, UnsupportedError
from hvctl.models.host import Host, HostRow, HostSettings, HostStatus, HostSummary
from hvctl.powershell.batch import Batch, Call, Step
from hvctl.services.failures import failure_of, lacks_rights, rights_error
from hvctl.transports.result import Result
from hvctl.transports.session import Session


def plan_show() -> Batch:
    """The host's settings, and the states of its virtual machines to count them, with their memory."""
    return Batch(
        (
            Step("host", Call("Get-VMHost"), select=HostSettings.properties(), expect="one"),
            Step("vms", Call("Get-VM"), select=("State", "MemoryAssigned")),
        )
    )


def failed_row(host: str, error: HvctlError) -> HostRow:
    """The row of a host that failed: it has its name, and what is wrong with it."""
    nothing = dict.fromkeys(HostSummary.model_fields)
    return HostRow.model_validate(
        {**nothing, "name": host, "host": host, "status": status_of(error), "error": error.as_dict()}
    )


def status_of(error: HvctlError) -> HostStatus:
    """What is wrong with a host whose command ended in an error, in a word or two."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), "failed")


_STATUSES: tuple[tuple[type[HvctlError], HostStatus], ...] = (
    (UnreachableError, "unreachable"),
    (AccessError, "no access"),
    (TimedOutError, "timed out"),
    (UnsupportedError, "not supported"),
)


class HostService:
    """The host that a session talks to.

    Args:
        session: The host.
        timeout: Seconds that a command may take; None for no limit.
    """

    def __init__(self, session: Session, *, timeout: float | None = 600.0) -> None:
        self._session = session
        self._timeout = timeout

    def row(self) -> HostRow:
        """The host in one row of several."""
        shown = self.show()
        return HostRow(status="ok", **{name: getattr(shown, name) for name in HostSummary.model_fields})

    def show(self) -> Host:
        """Everything about the host.

        Raises:
            AccessError: The login lacks the rights to ask Hyper-V anything.
        """
        result = self._session.run(plan_show(), timeout=self._timeout)
        if not result.ok and result.failure is not None:
            if lacks_rights(result):
                raise rights_error(self._session.host)
            raise failure_of(result.failure, result, host=self._session.host)
        settings = HostSettings.read(self._session.host, result.of("host"))[0]
        return _host(settings, result)


def _host(settings: HostSettings, result: Result) -> Host:
    hello = result.hello
    states = [record["State"] for record in result.of("vms")]
    unseen = not states and lacks_rights(result)
    rights = hello.get("rights")
    return Host(
        name=settings.host,
        host=settings.host,
        computer_name=hello.get("host"),
        windows=hello.get("product") or hello.get("windows"),
        build=hello.get("windows"),
        processors=settings.processors,
        memory=settings.memory,
        vms=None if unseen else len(states),
        running=None if unseen else states.count("Running"),
        memory_assigned=None if unseen else sum(record["MemoryAssigned"] or 0 for record in result.of("vms")),
        powershell=hello.get("powershell"),
        edition=hello.get("edition"),
        modules=dict(hello.get("modules") or {}),
        rights=None if rights is None else tuple(rights),
        vm_path=settings.vm_path,
        disk_path=settings.disk_path,
        vm_versions=settings.vm_versions,
        migration_enabled=settings.migration_enabled,
    )
