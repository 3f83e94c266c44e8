"""One run of a command: its options, and the hosts it works on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from hvctl.cli.console import Console
from hvctl.errors import UsageError

M = TypeVar("M", bound="Model")

if TYPE_CHECKING:
    from hvctl.cli.options import Options
    from hvctl.cli.shares import Share
    from hvctl.credentials import Passwords
    from hvctl.hosts import Login, Target
    from hvctl.models.base import Model
    from hvctl.services.selection import Selection
    from hvctl.transports.fleet import Interrupts
    from hvctl.transports.session import Session

DEFAULT_TIMEOUT = 600.0
"""Seconds that a command may take where nothing else is said."""


class Context(Console):
    """One run of a command.

    Args:
        options: The shared options, from wherever they were given.
        name: The command, as in `vm stop`, for the log.

    Attributes:
        given: The shared options as they stood on the command line, without what the environment says.
        changes: The command may change something.
    """

    def __init__(self, options: Options, name: str) -> None:
        super().__init__(options, name)
        self.given = options
        self.changes = False
        self.named_host: str | None = None
        self._sessions: dict[str, Session] = {}
        self._typed_password: str | None = None
        self._passwords: Passwords | None = None

    @classmethod
    def of(cls, options: Options, command_path: str, *, changes: bool) -> Context:
        """The context of a command, `hvctl vm stop`, with the environment's settings filled in."""
        from hvctl.cli.output import wanted

        context = cls(options.with_environment(), command_path.partition(" ")[2])
        context.given = options
        context.changes = changes
        wanted(context.options)
        if options.password_stdin:
            from hvctl.credentials import read_stdin

            context._typed_password = read_stdin()
        return context

    def __enter__(self) -> Context:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_progress()
        for session in self._sessions.values():
            session.close()

    @property
    def workers(self) -> int:
        """How many hosts are worked on at once."""
        from hvctl.transports.fleet import WORKERS

        return self.options.parallel or WORKERS

    @property
    def timeout(self) -> float:
        """Seconds that the command may take.

        Raises:
            UsageError: `--timeout` is not a duration.
        """
        from hvctl.units import parse_duration

        text = self.options.timeout
        seconds = DEFAULT_TIMEOUT if text is None else parse_duration(text)
        if seconds <= 0:
            raise UsageError("--timeout must be longer than nothing.")
        return seconds

    @property
    def patience(self) -> float:
        """Seconds for what takes as long as it takes, such as a move: what `--timeout` says, else infinity."""
        return math.inf if self.options.timeout is None else self.timeout

    def targets(self) -> list[Target]:
        """The hosts that the command works on, but for those that names bring with them."""
        from hvctl.hosts import choose_all, find

        if self.named_host is not None:
            return [find(self.named_host)]
        return choose_all(self.options.host or (), every=self.options.all_hosts)

    def target(self) -> Target:
        """The one host that the command works on.

        Raises:
            UsageError: Several are named.
        """
        targets = self.targets()
        if len(targets) > 1:
            names = ", ".join(target.name for target in targets)
            raise UsageError(f"`{self.name}` works on one host, and these are named: {names}.")
        return targets[0]

    def shares(self, chosen: Selection) -> list[Share]:
        """What each host's share of a selection is: a name of one host is its host's, any other name everyone's."""
        from hvctl.cli.shares import Share
        from hvctl.hosts import find

        addressed = dict.fromkeys(name.host for name in chosen.every_name if name.host is not None)
        plain = not chosen.every_name or any(name.host is None for name in chosen.every_name)
        targets = {target.name: target for target in (self.targets() if plain else ())}
        every = targets | {host: find(host) for host in addressed if host not in targets}
        if len(every) > 1:
            chosen = chosen.searching()
        return [Share(target, chosen.on(name, unaddressed=name in targets)) for name, target in every.items()]

    def begin(self, chosen: Selection | None = None) -> None:
        """Contact the command's host, if it is one over the network: PowerShell starts while the rest of hvctl loads.

        Not so where columns are named: whether there are such is looked at first, and takes what is loaded then.

        Args:
            chosen: What the command works on, where that may bring its host with it.

        Raises:
            UsageError: A command for one host has several.
            HvctlError: It cannot be reached, or the login failed.
        """
        if self.options.columns or self.options.sort:
            return
        targets = [self.target()] if chosen is None else [share.target for share in self.shares(chosen)]
        if len(targets) == 1 and targets[0].kind == "winrm":
            self.session(targets[0]).begin()

    def session(self, target: Target | None = None) -> Session:
        """The session with the command's host, or with another; opened on first use."""
        target = target or self.target()
        if target.name not in self._sessions:
            self._sessions[target.name] = self._open(target)
        return self._sessions[target.name]

    def open(self, target: Target, interrupts: Interrupts) -> Session:
        """A session of its own for a host among several, worked on in a thread of its own."""
        return self._open(target, interrupts)

    def read(
        self,
        chosen: Selection,
        work: Callable[[Session, Selection], Sequence[M]],
        *,
        model: type[M],
        single: bool = False,
    ) -> None:
        """Write what a reading command finds.

        Args:
            chosen: What was asked for.
            work: Reads that from a host.
            model: What the items are.
            single: Write an object, not a list, where one literal name was asked for.

        Raises:
            UsageError: There is no such column as is asked for; no host is contacted then.
        """
        self._check_columns(model)
        shares = self.shares(chosen)
        if len(shares) > 1:
            from hvctl.cli.many import read

            read(self, shares, work, model=model)
            return
        items = work(self.session(shares[0].target), chosen)
        self.write(items, single=single and chosen.is_one_literal and len(items) == 1, model=model)

    def read_hosts(self, work: Callable[[Session], M], *, model: type[M]) -> None:
        """Write what a host itself is like, as an object; of several hosts a list.

        Args:
            work: Reads that from a host.
            model: What it is.

        Raises:
            UsageError: There is no such column as is asked for; no host is contacted then.
        """
        from hvctl.services.selection import EVERYTHING

        self._check_columns(model)
        shares = self.shares(EVERYTHING)
        if len(shares) > 1:
            from hvctl.cli.many import read

            read(self, shares, lambda session, _: [work(session)], model=model)
            return
        self.write([work(self.session(shares[0].target))], single=True, model=model)

    def _check_columns(self, model: type[Model]) -> None:
        if self.options.columns or self.options.sort:
            from hvctl.cli.output import check_columns

            check_columns(self.options, model)

    def _open(self, target: Target, interrupts: Interrupts | None = None) -> Session:
        from hvctl.hosts import open_transport
        from hvctl.transports.session import Session

        self.detail(f"host: {target.name} ({target.kind})")
        if target.kind != "lab":
            self._log()
        transport = open_transport(
            target, use_pwsh=self.options.pwsh, login=self.login(), timeout=self.timeout, say=self.detail
        )
        endpoint = target.endpoint
        if endpoint and endpoint.scheme != "http" and (self.options.insecure or not endpoint.verify):
            self.note(f"warning: the certificate of {target.name} is not checked: anyone between can read along")
        if interrupts is not None:
            from hvctl.transports.fleet import Interruptible

            transport = Interruptible(transport, interrupts)
        return Session(
            transport,
            listener=self._listen if interrupts is None else partial(self._listen_among, target.name),
            noise=partial(self._noise, None if interrupts is None else target.name),
            before=self.show_powershell if interrupts is None else partial(self.show_powershell, host=target.name),
            meanwhile=None if target.kind == "lab" else self._load_output,
        )

    def _load_output(self) -> None:
        """Load what writes the output, which takes longest for tables, while there is nothing else to do."""
        from hvctl.cli.output import load

        load(self.options)

    def login(self) -> Login:
        """How to log in to hosts over the network, as the options say."""
        from hvctl.hosts import Login

        options = self.options
        verify = False if options.insecure else None
        files = (options.ca_file, options.cert_file, options.key_file)
        return Login(options.user, options.auth, *files, verify=verify, find_password=self._password)

    def find_passwords(self, targets: Iterable[Target]) -> None:
        """Find the passwords of hosts, or ask for them, before they are worked on side by side.

        Raises:
            AccessError: The answer is empty, or the terminal would show it.
            CancelledError: There is no answer.
        """
        from hvctl.hosts import user_with_password

        login = self.login()
        users = {target.name: user_with_password(target, login) for target in targets}
        logins = [(host, user) for host, user in users.items() if user is not None]
        if logins:
            self._known_passwords().gather(logins)

    def _password(self, host: str, user: str) -> str:
        return self._known_passwords().of(host, user)

    def _known_passwords(self) -> Passwords:
        if self._passwords is None:
            from hvctl.credentials import Passwords

            self._passwords = Passwords(self._typed_password, self._end_progress)
        return self._passwords
