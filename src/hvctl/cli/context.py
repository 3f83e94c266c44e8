"""What a command may reach: its options, a session, its output, questions, the log."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from hvctl.errors import CancelledError, ConsentError, HvctlError, UsageError

M = TypeVar("M", bound="Model")

if TYPE_CHECKING:
    from logging import Logger

    from hvctl.cli.shares import Share
    from hvctl.cli.options import Options
    from hvctl.hosts import Login, Target
    from hvctl.models.base import Model
    from hvctl.output.progress import Progress
    from hvctl.powershell.batch import Batch
    from hvctl.powershell.protocol import Frame
    from hvctl.services.selection import Selection
    from hvctl.transports.base import Transport
    from hvctl.transports.fleet import Interrupts
    from hvctl.transports.session import Session

DEFAULT_TIMEOUT = 600.0
"""Seconds that a command may take where nothing else is said."""


class Context:
    """One run of a command.

    Args:
        options: The shared options, from wherever they were given.
        name: The command, as in `vm stop`, for the log.

    Attributes:
        given: The shared options as they stood on the command line, without what the environment says.
        changes: The command may change something.
    """

    def __init__(self, options: Options, name: str) -> None:
        self.options = options
        self.given = options
        self.changes = False
        self.name = name
        self.named_host: str | None = None
        self._sessions: dict[str, Session] = {}
        self._progress: Progress | None = None
        self._logger: Logger | None = None
        self._typed_password: str | None = None

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
    def writes_lines(self) -> bool:
        """Whether what is written is lines that stand alone, so that each can go out as it comes."""
        return self.options.output in ("ndjson", "name") and not self.options.query and not self.options.sort

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

    @property
    def asks(self) -> bool:
        """Whether a question about lost data is asked at all: a dry run loses none, and `--yes` has answered it."""
        return not (self.options.yes or self.options.dry_run)

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

        addressed = dict.fromkeys(name.host for name in chosen.names if name.host is not None)
        plain = not chosen.names or any(name.host is None for name in chosen.names)
        targets = {target.name: target for target in (self.targets() if plain else ())}
        every = targets | {host: find(host) for host in addressed if host not in targets}
        if len(every) > 1:
            chosen = chosen.searching()
        return [Share(target, chosen.on(name, unaddressed=name in targets)) for name, target in every.items()]

    def begin(self, chosen: Selection | None = None) -> None:
        """Contact the command's host, if it is one over the network: PowerShell starts while the rest of hvctl loads.

        Args:
            chosen: What the command works on, where that may bring its host with it.

        Raises:
            UsageError: A command for one host has several.
            HvctlError: It cannot be reached, or the login failed.
        """
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
        from hvctl.transports.fleet import Interruptible

        return self._open(target, lambda transport: Interruptible(transport, interrupts), among=True)

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
        """
        shares = self.shares(chosen)
        if len(shares) > 1:
            from hvctl.cli.many import read

            read(self, shares, work, model=model)
            return
        items = work(self.session(shares[0].target), chosen)
        self.write(items, single=single and chosen.is_one_literal and len(items) == 1, model=model)

    def write(self, items: Sequence[Model], *, single: bool = False, model: type[Model] | None = None) -> None:
        """Write what the command returns to stdout, in the format that was asked for.

        Args:
            items: What is written; a list stays a list however short it is.
            single: Write the one item as an object, not as a list.
            model: What the items are, for the columns of an empty table.
        """
        from hvctl.cli.output import write

        self._end_progress()
        write(self.options, items, single=single, model=model or (type(items[0]) if items else None))

    def write_done(self, items: Sequence[Model], *, single: bool = False, model: type[Model] | None = None) -> None:
        """Write what a change has come to.

        Raises:
            HvctlError: It was done, but what came of it cannot be written as asked for.
        """
        try:
            self.write(items, single=single, model=model)
        except UsageError as error:
            raise HvctlError(
                f"It was done, but cannot be shown as asked for: {error.message}", hint=error.hint
            ) from error

    def note(self, text: str) -> None:
        """Say something on stderr, unless `--quiet`, or where a program reads JSON: there only errors are said."""
        told_to_program = self.options.output in ("json", "ndjson") and not sys.stderr.isatty()
        if not (self.options.quiet or told_to_program):
            self._say(text)

    def detail(self, text: str) -> None:
        """Say something on stderr that only `--verbose` wants to know."""
        if self.options.verbose:
            self._say(text)

    def require_consent(self, what: str) -> None:
        """Make sure, before any host is contacted, that a question about lost data can be answered.

        Raises:
            ConsentError: There is no terminal to ask on, and no `--yes`.
        """
        if not self.asks:
            return
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise ConsentError(f"{what}, and there is no terminal to ask on.")

    def confirm(self, question: str) -> None:
        """Ask a question whose yes loses data.

        Raises:
            ConsentError: There is no terminal to ask on, and no `--yes`.
            CancelledError: There is no answer.
            HvctlError: The answer is no.
        """
        if self.options.yes:
            return
        self.require_consent(question.rstrip("?"))
        from hvctl.output.streams import printable

        sys.stderr.write(f"{printable(question)} [y/N]: ")
        sys.stderr.flush()
        answer = sys.stdin.readline()
        if not answer:
            raise CancelledError("Interrupted.")
        if answer.strip().lower() not in ("y", "yes"):
            raise HvctlError("Nothing was changed: the answer was no.")

    def require_log(self) -> None:
        """Open the log before anything is changed.

        Raises:
            UsageError: The file that was asked for cannot be written.
        """
        self._log()

    def log_change(self, host: str, object_name: str, outcome: str) -> None:
        """Write the line that a changing command leaves in the log."""
        self._log().info("%s: %s on %s: %s", self.name, ascii(object_name), host, outcome)

    def show_powershell(self, batch: Batch) -> None:
        """Print a batch as PowerShell to stderr, where that was asked for and it is going to run."""
        if self.options.show_powershell:
            from hvctl.powershell.source import render

            self._say(render(batch).rstrip("\n"))

    def show_hosts(self, done: int, count: int) -> None:
        """Say how many of the hosts are done with."""
        from hvctl.powershell.protocol import Frame

        share = done * 100 // count
        fields = {"step": None, "activity": "Hosts", "status": f"{done} of {count}", "percent": share}
        self._listen(Frame("progress", "", 0, fields))

    def _open(
        self, target: Target, wrap: Callable[[Transport], Transport] | None = None, *, among: bool = False
    ) -> Session:
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
        listen = partial(self._listen_among, target.name) if among else self._listen
        return Session(
            wrap(transport) if wrap else transport,
            listener=listen,
            noise=self._noise,
            before=self.show_powershell,
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
        return Login(options.user, options.auth, *files, verify=verify, password=self._typed_password)

    def _listen_among(self, host: str, frame: Frame) -> None:
        """Take what one of several hosts says; their progress is how many of them are done."""
        if frame.type == "warning":
            self.note(f"warning: {host}: {frame['message']}")
        elif frame.type == "verbose":
            self.detail(f"{host}: {frame['message']}")

    def _listen(self, frame: Frame) -> None:
        if frame.type == "warning":
            self.note(f"warning: {frame['message']}")
        elif frame.type == "verbose":
            self.detail(frame["message"])
        elif not self.options.quiet:
            if self._progress is None:
                from hvctl.output.progress import Progress

                self._progress = Progress(sys.stderr)
            self._progress.show(frame)

    def _noise(self, line: str) -> None:
        self._log().warning("not of the protocol: %s", ascii(line))
        self.detail(f"PowerShell printed: {line}")

    def _log(self) -> Logger:
        if self._logger is None:
            from hvctl.cli.logs import open_log

            self._logger = open_log(self.options.log_file, verbose=self.options.verbose)
        return self._logger

    def _end_progress(self) -> None:
        """Take the progress bar away before anything else is written to the same terminal."""
        if self._progress is not None:
            self._progress.close()
            self._progress = None

    @staticmethod
    def _say(text: str) -> None:
        from hvctl.output.streams import say

        say(text, sys.stderr)
