"""What a command says and asks: its output, notes, progress, questions and the log."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hvctl.errors import CancelledError, ConsentError, HvctlError, UsageError

if TYPE_CHECKING:
    from logging import Logger

    from hvctl.cli.options import Options
    from hvctl.models.base import Model
    from hvctl.output.progress import Progress
    from hvctl.powershell.batch import Batch
    from hvctl.powershell.protocol import Frame


class Console:
    """Where a command's words go, and where its answers come from.

    Args:
        options: The shared options, from wherever they were given.
        name: The command, as in `vm stop`, for the log.
    """

    def __init__(self, options: Options, name: str) -> None:
        self.options = options
        self.name = name
        self._progress: Progress | None = None
        self._logger: Logger | None = None

    @property
    def writes_lines(self) -> bool:
        """Whether what is written is lines that stand alone, so that each can go out as it comes."""
        return self.options.output in ("ndjson", "name") and not self.options.query and not self.options.sort

    @property
    def asks(self) -> bool:
        """Whether a question about lost data is asked at all: a dry run loses none, and `--yes` has answered it."""
        return not (self.options.yes or self.options.dry_run)

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

        self._end_progress()
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

    def show_powershell(self, batch: Batch, *, host: str | None = None) -> None:
        """Print a batch as PowerShell to stderr, where that was asked for and it is going to run.

        Args:
            batch: What runs.
            host: The one among several hosts that it runs on.
        """
        if self.options.show_powershell:
            from hvctl.powershell.source import render

            text = render(batch).rstrip("\n")
            self._say(f"# On {host}:\n{text}" if host else text)

    def show_hosts(self, done: int, count: int) -> None:
        """Say how many of the hosts are done with."""
        self.show_progress("Hosts", f"{done} of {count}", done * 100 // count)

    def show_progress(self, activity: str, status: str | None, percent: int | None) -> None:
        """Say how far something is that the host does not tell of by itself."""
        from hvctl.powershell.protocol import Frame

        fields = {"step": None, "activity": activity, "status": status, "percent": percent}
        self._listen(Frame("progress", "", 0, fields))

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

    def _noise(self, host: str | None, line: str) -> None:
        where = f"{host}: " if host else ""
        self._log().warning("%snot of the protocol: %s", where, ascii(line))
        self.detail(f"{where}PowerShell printed: {line}")

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
