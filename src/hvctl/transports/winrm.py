"""A PowerShell on a Windows host behind WinRM: one shell with one command, whose stdin and stdout carry the lines.

What happens to a message that fails is decided here, once: it was never carried out, it may have been, or the engine
is gone.
"""

from __future__ import annotations

import contextlib
import logging
import random
import sys
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from hvctl.errors import HvctlError
from hvctl.powershell.bootstrap import command_line, engine_line
from hvctl.transports.base import TransportDoubt, TransportLost
from hvctl.transports.clixml import readable
from hvctl.transports.wsman_faults import Failure

if TYPE_CHECKING:
    from hvctl.transports.endpoint import Endpoint
    from hvctl.transports.winrm_protocol import Link

T = TypeVar("T")

PIECE = 96 * 1024
"""Bytes of stdin in one message: with everything around it fits the smallest envelope, of 150 KiB."""
UTF_8, OEM = 65001, 437
OPERATION = 20
"""Seconds that a host may take to open a shell, start a command or take what is sent."""
IDLE_MARGIN = 300
"""Seconds that a shell may be idle beyond the time that the work may take."""
IDLE_WITHOUT_LIMIT = 7200
"""Seconds that it may be where the work has no limit: what Windows itself gives a shell."""
_LONGEST_POLL = 15.0 if sys.platform != "win32" else 3.0
"""Seconds of one wait for output: on Windows it keeps Ctrl-C waiting too, and each bounds what a cut one can lose."""
_PATIENCE = 20.0
"""Seconds for which a busy host is asked again."""
_LONGEST_PAUSE = 4.0
_FAREWELL = 5
_LAST_LINES = 5
_LOG = logging.getLogger("hvctl")


class WinRMTransport:
    """Carries lines to an engine on another machine; implements `transports.base.Transport`.

    Args:
        endpoint: Where the host is, and who logs in.
        timeout: Seconds that the work may take; None for no limit.
        use_pwsh: Start PowerShell 7 in place of Windows PowerShell.
        say: Told what was chosen where the user left it open.
    """

    kind = "winrm"
    eager = True

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout: float | None = 600.0,
        use_pwsh: bool = False,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.host = endpoint.name
        self._endpoint = endpoint
        self._idle_timeout = IDLE_WITHOUT_LIMIT if timeout is None else int(timeout) + IDLE_MARGIN
        self._patience = OPERATION if timeout is None else max(1, min(OPERATION, int(timeout)))
        self._executable = "pwsh.exe" if use_pwsh else "powershell.exe"
        self._say = say or _LOG.debug
        self._secret: str | None = None
        self._piece = PIECE
        self._link: Link | None = None
        self._refusals = 0
        self._gone = False
        self._shell = self._command = ""
        self._forget()

    @property
    def delegates(self) -> bool:
        """Whether the login goes on to another host: CredSSP hands over the password, Kerberos a ticket if told to."""
        return self._endpoint.auth == "credssp" or (self._endpoint.auth == "kerberos" and self._endpoint.delegate)

    def open(self, nonce: str) -> None:
        """Log in, open a shell and start PowerShell in it; the engine itself travels with what is sent next.

        Raises:
            UnreachableError: Nobody answers there, or the host has no room for a shell.
            AccessError: The login failed, or the account may not open a shell.
            UnsupportedError: A library is missing, or what answers has no command shell.
            UsageError: Something about the endpoint does not fit together.
        """
        self._forget()
        try:
            link = self._connected()
            try:
                self._launch(link)
            except Failure as failure:
                if failure.kind != "gone":
                    raise
                # A shell that went before anything ran in it is no loss; but it may be there, and count.
                self._delete(link)
                self._launch(link)
        except Failure as failure:
            self.close()
            raise self._error(failure) from failure
        except BaseException:
            self.close()
            raise
        self._unsent = engine_line(nonce)

    def send(self, data: bytes) -> None:
        """Send whole request lines, in pieces that every host takes.

        Raises:
            TransportDoubt: Some of it may have arrived.
            TransportLost: The shell or its PowerShell is gone.
        """
        data, self._unsent = self._unsent + data, b""
        while data:
            piece = data[: self._piece]
            if self._sent(piece):
                data = data[len(piece) :]

    def receive(self, timeout: float) -> bytes:
        """Return what has arrived, waiting up to `timeout` seconds for it, in steps of whole seconds.

        Raises:
            TransportDoubt: Something may have arrived and been lost.
            TransportLost: PowerShell has ended and everything it said has been returned.
        """
        if self._unsent:
            self.send(b"")
        give_up = time.monotonic() + timeout
        while not self._ended:
            seconds = int(min(_LONGEST_POLL, max(1.0, give_up - time.monotonic())))
            data = self._received(seconds)
            if data or time.monotonic() >= give_up:
                return data
        raise TransportLost(self._ended)

    def reset(self) -> None:
        """Close the connection; the shell stays, and the next message logs in anew."""
        if self._link is not None:
            self._link.drop()

    def close(self) -> None:
        """Close the shell, which ends PowerShell with everything it is doing."""
        link, self._link = self._link, None
        if link is None:
            return
        try:
            self._delete(link)
        finally:
            self._shell = ""
            link.drop()

    def leave(self) -> None:
        """Close only PowerShell's stdin: it finishes and undoes, ends, and the host reaps the idle shell."""
        link = self._link
        if link is None or self._unsent:
            self.close()
            return
        try:
            if self._command and not self._gone:
                with contextlib.suppress(Failure):
                    link.send(self._shell, self._command, b"", end=True)
        finally:
            self._gone = True
            self.close()

    def _forget(self) -> None:
        """Know nothing of an engine."""
        self._shell = self._command = ""
        self._unsent = b""
        self._ended = ""
        self._gone = False
        self._partial = b""
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)

    def _connected(self) -> Link:
        """A link to the endpoint, which is looked for and asked for its methods where the user has not named them."""
        if self._link is None:
            from hvctl.transports.probe import settle
            from hvctl.transports.winrm_protocol import Link, missing_extra

            missing = missing_extra(self._endpoint.auth)
            if missing is not None:
                missing.host = self.host
                raise missing
            self._endpoint.check()
            self._endpoint = settle(self._endpoint, self._say)
            self._link = Link(self._endpoint, self._password(), self._patience)
        return self._link

    def _password(self) -> str:
        if self._secret is None:
            needed = self._endpoint.auth in ("basic", "ntlm", "credssp") and self._endpoint.password is not None
            self._secret = self._endpoint.password() if needed and self._endpoint.password else ""
        return self._secret

    def _launch(self, link: Link) -> None:
        self._shell = self._create(link)
        executable, *arguments = command_line(self._executable)
        self._command = self._begun(lambda: link.run(self._shell, executable, arguments))

    def _delete(self, link: Link) -> None:
        """Close the shell, with a second try where the first may have failed: one that is left counts for its user."""
        shell, self._shell = self._shell, ""
        for _ in range(0 if self._gone or not shell else 2):
            try:
                link.delete(shell, _FAREWELL)
            except Failure as failure:
                if failure.kind in ("silence", "unreachable", "refused"):
                    return
            else:
                return

    def _create(self, link: Link) -> str:
        """Open a shell, with less and less asked for where the host does not know what is asked for."""
        options: list[tuple[int | None, int]] = [(self._idle_timeout, UTF_8), (None, UTF_8), (None, OEM)]
        for idle_timeout, code_page in options[:-1]:
            try:
                return self._begun(partial(link.create, idle_timeout, code_page))
            except Failure as failure:
                if failure.kind != "options":
                    raise
        return self._begun(partial(link.create, *options[-1]))

    def _begun(self, work: Callable[[], T]) -> T:
        """Begin something; again where that may have failed: what is begun twice is idle and the host reaps it.

        A host that has no room for it is asked for as long as there is patience, less and less often.
        """
        give_up = time.monotonic() + min(self._patience, _PATIENCE)
        refusals, doubts = 0, 0
        while True:
            try:
                return work()
            except Failure as failure:
                busy = failure.kind == "busy"
                refusals, doubts = refusals + busy, doubts + (not busy)
                if (time.monotonic() >= give_up) if busy else not (doubts == 1 and self._may_begin_again(failure)):
                    raise
                _LOG.info("begun again: %s", failure)
            if busy:
                _pause(refusals)

    def _may_begin_again(self, failure: Failure) -> bool:
        # A login that opened the shell is refused only by accident.
        return failure.kind in ("doubt", "timeout") or (failure.kind == "login" and bool(self._shell))

    def _error(self, failure: Failure) -> HvctlError:
        if failure.kind == "login":
            from hvctl.transports.probe import refused_login

            return refused_login(self._endpoint, failure)
        return failure.as_error(self.host)

    def _sent(self, piece: bytes) -> bool:
        """Send one piece; False when it is to be sent again, in smaller pieces maybe."""
        give_up = time.monotonic() + min(self._patience, _PATIENCE)
        while True:
            try:
                self._alive().send(self._shell, self._command, piece)
            except Failure as failure:
                if failure.kind == "ended":
                    return True  # its last words, and the answers before them, are still to be received
                if failure.kind == "large" and self._piece > 4096:
                    self._piece //= 2
                    return False
                if failure.kind != "busy" or time.monotonic() >= give_up:
                    raise self._judged(failure) from failure
                _pause()
            else:
                self._refusals = 0
                return True

    def _received(self, seconds: int) -> bytes:
        try:
            output = self._alive().receive(self._shell, self._command, seconds)
        except Failure as failure:
            if failure.kind == "timeout":
                return b""
            if failure.kind == "busy":
                _pause()
                return b""
            raise self._judged(failure) from failure
        self._refusals = 0
        self._log_lines(output.stderr, at_end=output.code is not None)
        if output.code is not None:
            words = " ".join(self._last_lines)
            code = output.code & 0xFFFFFFFF
            self._ended = f"PowerShell ended with exit code {code}" + (f": {words}" if words else "")
        elif not output.stdout:
            time.sleep(0.05)  # some answer at once with nothing
        return output.stdout

    def _judged(self, failure: Failure) -> TransportDoubt | TransportLost:
        """What a message that failed means for the conversation."""
        _LOG.info("%s: %s (%s)", self.host, failure, failure.kind)
        self._refusals = self._refusals + 1 if failure.kind == "login" else 0
        if failure.kind in ("doubt", "silence", "timeout", "unreachable", "busy") or self._refusals == 1:
            return TransportDoubt(str(failure))
        # A second refusal in a row is no accident, and a third could lock the account.
        self._gone = failure.kind == "login"
        return TransportLost(failure.message.rstrip("."))

    def _alive(self) -> Link:
        if self._link is None:
            raise TransportLost("PowerShell is not running")
        return self._link

    def _log_lines(self, data: bytes, *, at_end: bool) -> None:
        """Log what PowerShell has printed to stderr; a line may arrive in pieces."""
        *lines, self._partial = (self._partial + data).split(b"\n")
        if at_end:
            lines, self._partial = [*lines, self._partial], b""
        for line in lines:
            text = readable(line.decode("utf-8", "replace"))
            if text:
                self._last_lines.append(text)
                _LOG.info("PowerShell on %s: %s", self.host, text)


def _pause(refusals: int = 1) -> None:
    longest = min(0.7 * 2 ** (refusals - 1), _LONGEST_PAUSE)
    time.sleep(longest * (0.5 + random.random() / 2))  # noqa: S311 - so that many clients do not come back at once
