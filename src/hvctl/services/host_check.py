"""What hvctl needs of a host beyond the network: login, PowerShell, rights, Hyper-V, modules, clock, second hop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hvctl.errors import CancelledError, HvctlError, NotFoundError
from hvctl.models.host import HostCheck
from hvctl.powershell.batch import Batch, Call, Step
from hvctl.powershell.protocol import Frame
from hvctl.services import host_words as words
from hvctl.services.failures import failure_of, lacks_rights
from hvctl.services.host_words import Found
from hvctl.transports.result import ErrorRecord, Result
from hvctl.transports.session import Session

LEGS = (
    "login",
    "powershell",
    "rights",
    "hyper-v",
    "service",
    "modules",
    "clock",
    "second-hop",
)
"""What is looked at, in this order; the first two are needed by all after them."""
LONGEST = 60.0
"""Seconds that one leg may take, whatever the command may: a check must end."""


def plan_check() -> Batch:
    """The state of the service that manages virtual machines, and whether Hyper-V answers."""
    service = Call("Get-CimInstance", {"ClassName": "Win32_Service", "Filter": "Name='vmms'"})
    return Batch(
        (
            Step("service", service, select=("State", "StartMode"), on_error="continue"),
            Step(
                "host",
                Call("Get-VMHost"),
                select=("VirtualMachineMigrationAuthenticationType",),
                on_error="continue",
            ),
        )
    )


def unmet(host: str, names: Sequence[str], because: str) -> list[HostCheck]:
    """The rows of legs that could not be tried, because one before them failed."""
    return [HostCheck(name=name, host=host, status="skipped", message=f"not tried: {because} failed") for name in names]


class HostCheckService:
    """The legs that a session can see.

    Args:
        session: The host.
        timeout: Seconds that a leg may take.
        user: Who logs in, for the commands that mend; None where that is not known.
        now: This machine's clock.
    """

    def __init__(
        self,
        session: Session,
        *,
        timeout: float = LONGEST,
        user: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._session = session
        self._timeout = min(timeout, LONGEST)
        self._user = user
        self._now = now

    def check(self) -> list[HostCheck]:
        """Every leg, in order; one that fails is a row, and so are those that cannot be tried without it.

        Raises:
            NotFoundError: There is no such host in the lab.
            CancelledError: The user interrupted.
        """
        login = self._login()
        if login.status == "failed":
            return [self._row("login", login), *unmet(self._session.host, LEGS[1:], "login")]
        try:
            hello = self._session.hello(self._timeout)
        except (CancelledError, NotFoundError):
            raise
        except HvctlError as error:
            rows = [self._row("login", login), self._row("powershell", words.no_powershell(error))]
            return [*rows, *unmet(self._session.host, LEGS[2:], "powershell")]
        seen = _Seen(hello, self._now(), self._user)
        self._ask(seen)
        return [self._row("login", login), *(self._row(name, found) for name, found in self._found(seen))]

    def _login(self) -> Found:
        if not self._session.is_remote:
            return Found("ok", "none is needed: it is this machine's own user")
        try:
            self._session.begin()
        except CancelledError:
            raise
        except HvctlError as error:
            return words.no_login(error, self._session.host, self._user)
        return Found("ok", f"{self._user} is logged in" if self._user else "it worked")

    def _ask(self, seen: _Seen) -> None:
        try:
            seen.result = self._session.run(plan_check(), timeout=self._timeout)
        except CancelledError:
            raise
        except HvctlError as error:
            seen.error = error

    def _found(self, seen: _Seen) -> Iterator[tuple[str, Found]]:
        hello = seen.hello
        yield "powershell", words.powershell(hello.get("powershell"), hello.get("edition"), hello.get("language"))
        yield "rights", words.rights(hello.get("rights"), self._user)
        yield "hyper-v", words.module((hello.get("modules") or {}).get("Hyper-V"), hello.get("product"))
        yield "service", _service(seen, self._session.host)
        yield "modules", words.modules(hello.get("modules") or {})
        yield "clock", words.clock(_difference(seen))
        yield (
            "second-hop",
            words.second_hop(
                remote=self._session.is_remote, delegates=self._session.can_delegate, migration=seen.migration
            ),
        )

    def _row(self, name: str, found: Found) -> HostCheck:
        return HostCheck(name=name, host=self._session.host, **found._asdict())


@dataclass(slots=True)
class _Seen:
    """What the host has said.

    Attributes:
        hello: What its engine said of itself.
        heard: When that was, by this machine's clock.
        user: Who is logged in.
        result: What it returned; None where it did not.
        error: Why it did not.
    """

    hello: Frame
    heard: datetime
    user: str | None
    result: Result | None = None
    error: HvctlError | None = field(default=None)

    @property
    def migration(self) -> str | None:
        """How its migrations log in to the other host; None where that is not known."""
        records = self.result.of("host") if self.result else []
        return records[0]["VirtualMachineMigrationAuthenticationType"] if records else None


def _difference(seen: _Seen) -> timedelta | None:
    """How far the host's clock is ahead of ours; None where it does not say what it shows."""
    try:
        return datetime.fromisoformat(seen.hello.get("time") or "") - seen.heard
    except (TypeError, ValueError):
        return None


def _service(seen: _Seen, host: str) -> Found:
    result = seen.result
    if result is None:
        assert seen.error is not None
        return Found("failed", seen.error.message, seen.error.hint)
    errors = {error.step: error for error in reversed(result.errors)}
    answers = bool(result.of("host"))
    state = next(iter(result.of("service")), None)
    if state is not None and state["State"] != "Running":
        return words.stopped(state["State"], state["StartMode"])
    if state is None and "service" not in errors and not answers:
        return words.no_role(seen.hello.get("product"))
    if answers or lacks_rights(result):
        return Found("ok", "it runs, and Hyper-V answers" if answers else "it runs; Hyper-V was not asked anything")
    return _no_answer(seen, result, errors.get("host") or errors.get("service"), host)


def _no_answer(seen: _Seen, result: Result, refused: ErrorRecord | None, host: str) -> Found:
    """Hyper-V says nothing although its service runs, as far as that can be seen."""
    if "Hyper-V" not in (seen.hello.get("modules") or {}):
        return Found("skipped", "not tried: hyper-v failed")
    if refused is None:
        return Found("failed", "Hyper-V does not answer")
    error = failure_of(refused, result, host=host)
    return Found("failed", f"Hyper-V does not answer: {error.message}", error.hint)
