"""What goes wrong at a WinRM endpoint: kinds of failure, the fault codes of Windows, and advice for each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from hvctl.errors import AccessError, HvctlError, ProtocolError, QuotaError, UnreachableError, UnsupportedError

Kind = Literal[
    "unreachable", "login", "refused", "timeout", "busy", "large", "ended", "gone", "options", "silence", "doubt"
]
"""What a failure means for who sent the message.

unreachable: nothing was sent. login: the host wants another login. refused: it understood, and will not. timeout: the
operation ran out of time on the host. busy: it did nothing, later it may. large: it did nothing, the message is too
large. ended: the command's process has ended. gone: the shell is. options: it does not know an option of the shell.
silence: no answer came in time. doubt: there was another failure. In both the message may or may not have been carried
out.
"""

_THE_HOST = re.compile(r"\b[Tt]he host\b")


class Failure(Exception):
    """One message failed; what it means for the whole is for the transport to say.

    Args:
        kind: What it means for who sent the message.
        message: What failed, as a sentence.
        hint: What to do about it.
        error: What it becomes where nothing better is known.
        code: The fault's code, or the HTTP status.
        text: The server's own words, in its language.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        hint: str | None = None,
        error: type[HvctlError] = UnreachableError,
        code: int | None = None,
        text: str = "",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint
        self.error = error
        self.code = code
        self.text = text

    def as_error(self, host: str) -> HvctlError:
        """The error of a command that ends here."""
        record = None
        if self.code is not None:
            record = {
                "message": self.text,
                "category": "ConnectionError",
                "error_id": code_text(self.code),
                "exception": None,
                "hresult": None if 300 <= self.code < 600 else f"0x{self.code:08X}",
                "target": None,
            }
        return self.error(_named(self.message, host), hint=self.hint, host=host, cmdlet_error=record)


def _named(message: str, host: str) -> str:
    """A sentence about "the host" as one that says which."""
    if host in message:
        return message
    named, found = _THE_HOST.subn(lambda _: host, message)
    return named if found else f"{host}: {message}"


@dataclass(frozen=True, slots=True)
class Fault:
    """A code's meaning."""

    kind: Kind
    message: str
    hint: str | None = None
    error: type[HvctlError] = UnreachableError


_RIGHTS = (
    "The login worked, but the account may not open a shell: put it into the host's Administrators or Remote "
    "Management Users group (for virtual machines also Hyper-V Administrators), or see `winrm configSDDL default`."
)
_ENABLE = "On the host, as an administrator: Enable-PSRemoting -Force, or `winrm quickconfig`."
_NO_PROCESS = "The host could not launch a process: look at its memory and at its event log, and try again."
_LOGON = "Ask whether a domain controller can be reached from the host, and whether the account's password has expired."
_QUOTA = "Wait, end sessions that nobody needs, or raise {} under WSMan:\\localhost\\Shell on the host."
_PLUGIN = "Wait, or raise the quotas under WSMan:\\localhost\\Plugin\\microsoft.powershell\\Quotas on the host."
_CHANGED = "The host's shell belongs to another login."
_LARGE = Fault("large", "The message is larger than the host takes.", "Raise MaxEnvelopeSizekb on the host.")
_PIPE = Fault("ended", "PowerShell on the host has ended.")
_RATE = Fault("busy", "The host takes no more requests for now.", "Wait a moment and try again.", QuotaError)
_HELPLESS = Fault("refused", "The host could not launch a process.", _NO_PROCESS)
_LOST_LOGON = Fault("refused", "The host could not check the login.", _LOGON, AccessError)
_NO_SHELL = Fault(
    "refused",
    "What answers on the host is WS-Management, but has no command shell.",
    "Use a listener of Windows with the default endpoint: neither OMI nor a restricted (JEA-only) one.",
    UnsupportedError,
)
_CLIENT = "Look at the host's name, its listener and the firewall between."
_PLUGIN_QUOTA = Fault("busy", "A quota of the host's WinRM plug-in is used up.", _PLUGIN, QuotaError)

FAULTS: dict[int, Fault] = {
    5: Fault("refused", "The host denies access.", _RIGHTS, AccessError),
    14: _HELPLESS,
    109: _PIPE,
    170: Fault("busy", "The host is busy with the request before."),
    232: _PIPE,
    233: _PIPE,
    995: Fault("doubt", "The host aborted the operation."),
    1018: _HELPLESS,
    1115: Fault("refused", "The host is shutting down.", "Wait until it is up again."),
    1311: _LOST_LOGON,
    1312: _LOST_LOGON,
    1326: Fault("login", "The host says that the user name or the password is wrong.", None, AccessError),
    1460: Fault("doubt", "The operation took the host too long."),
    2147943418: _HELPLESS,
    2150858752: _NO_SHELL,
    2150858764: Fault("options", "The host does not take the time-out.", None, ProtocolError),
    2150858770: Fault("unreachable", "The destination cannot be reached.", _CLIENT),
    2150858793: Fault("timeout", "The operation ran out of time on the host."),
    2150858811: _NO_SHELL,
    2150858817: Fault(
        "refused",
        "The host says that a message of hvctl is not of the right form.",
        "This is a bug. Run again with --log-file FILE -v, and please report it.",
        ProtocolError,
    ),
    2150858823: _LARGE,
    2150858824: _LARGE,
    2150858825: _LARGE,
    2150858843: Fault("gone", "The host no longer knows the shell."),
    2150858980: Fault("refused", "The host is not trusted for this way to log in.", _ENABLE, AccessError),
    2150859072: Fault("options", "The host does not know the code page.", None, UnsupportedError),
    2150859173: Fault(
        "busy", "The user has too many shells open on the host.", _QUOTA.format("MaxShellsPerUser"), QuotaError
    ),
    2150859174: Fault(
        "gone",
        "The user has too many operations under way on the host.",
        "Wait, or raise MaxConcurrentOperationsPerUser under WSMan:\\localhost\\Service on the host.",
        QuotaError,
    ),
    2150859175: _RATE,
    2150859176: _RATE,
    2150859177: Fault("gone", _CHANGED),
    2150859179: Fault(
        "busy", "Too many users have shells open on the host.", _QUOTA.format("MaxConcurrentUsers"), QuotaError
    ),
    2150859180: Fault(
        "refused",
        "The host does not allow remote shells.",
        "Set AllowRemoteShellAccess there to true: WSMan:\\localhost\\Shell, or Group Policy.",
        AccessError,
    ),
    2150859193: Fault("unreachable", "The host's name cannot be resolved.", _CLIENT),
    2150859194: Fault("unreachable", "The TLS connection broke.", _CLIENT),
    2150859206: Fault("gone", _CHANGED),
    2150859229: Fault("refused", "Remote access is disabled on the host.", _ENABLE, AccessError),
    2150859235: Fault("refused", "The host does not allow remote connections.", _ENABLE, AccessError),
    **dict.fromkeys(range(2150859236, 2150859243), _PLUGIN_QUOTA),
}
"""The fault codes of Windows; one that is not here leaves what happened in doubt."""

HTTP: dict[int, Fault] = {
    # Windows answers so to a message that was encrypted for a connection which is gone; it never carries it out.
    400: Fault(
        "doubt",
        "The host could not read the message.",
        "Try again. If it stays, look at what stands between (a proxy, a balancer), or Restart-Service WinRM there.",
    ),
    401: Fault("login", "The host refuses the login.", None, AccessError),
    403: Fault(
        "refused",
        "The host forbids it.",
        "Ask for its certificate mapping, the listener's IP filter, and a proxy between.",
        AccessError,
    ),
    404: Fault("refused", "What listens on the host is not WinRM.", "Look at port and path: WinRM's is /wsman."),
    405: Fault("refused", "What listens on the host is not WinRM.", "Look at port and path: WinRM's is /wsman."),
    407: Fault("refused", "A proxy stands between, and wants a login.", "WinRM needs a direct way to the host."),
    413: _LARGE,
    503: Fault(
        "busy", "The host's WinRM service is starting, or out of its quota.", "Wait a moment and try again.", QuotaError
    ),
}
"""HTTP statuses without a fault in them."""


def fault(code: int, *, quota: int | None = None, text: str = "") -> Failure:
    """The failure that a fault's codes mean.

    Args:
        code: The code of the WS-Management fault, or 0.
        quota: The code of the WMI error that it wraps; quotas stand there.
        text: The server's own words.
    """
    known = FAULTS.get(quota or 0) or FAULTS.get(code)
    shown = quota if quota in FAULTS else code
    if known is None:
        known = Fault("doubt", f"The host answered with a fault: {text or 'no words'}.")
    return Failure(known.kind, known.message, hint=known.hint, error=known.error, code=shown or None, text=text)


def http_status(status: int, body: str = "") -> Failure:
    """The failure that an HTTP status without a fault means."""
    known = HTTP.get(status)
    words = " ".join(body.split())[:200]
    if known is None:
        # A 5xx may stand for a message that was carried out; anything else was not WinRM's.
        kind: Kind = "doubt" if status >= 500 else "refused"
        known = Fault(kind, f"The host answered with HTTP status {status}.", "Is it WinRM that listens there?")
    return Failure(known.kind, known.message, hint=known.hint, error=known.error, code=status, text=words)


def code_text(code: int) -> str:
    """A code as administrators look it up: hexadecimal and decimal; an HTTP status as such."""
    return f"HTTP {code}" if 300 <= code < 600 else f"WSManFault 0x{code:08X} ({code})"
