"""Every error hvctl raises, and the exit code each one ends in.

HvctlError                  1  failed
├── UsageError              2  the words given do not make sense
│   └── ConsentError        2  a question had to be asked and could not be
├── NotFoundError           3
├── AccessError             4  login or rights
├── UnreachableError        5  the host, or PowerShell on it, cannot be reached
│   └── QuotaError          5  the host takes no further session for now
├── ConflictError           6  exists, wrong state, in use
├── TimedOutError           7
├── PartialError            8  some objects failed, others did not
├── FindingsError           9  a check found something
├── UnsupportedError       10  not on this host or version
│   └── NotSimulatedError  10  the lab does not simulate it
├── OutcomeUnknownError     1  a change was sent and its answer is lost
├── ProtocolError           1  the engine said something it must not say
└── CancelledError        130  interrupted
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ExitCode(IntEnum):
    """What a command's exit code means."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    ACCESS = 4
    UNREACHABLE = 5
    CONFLICT = 6
    TIMED_OUT = 7
    PARTIAL = 8
    FINDINGS = 9
    UNSUPPORTED = 10
    INTERRUPTED = 130


class HvctlError(Exception):
    """Something failed: what, on which host and object, the cmdlet's own words, and what to do.

    Args:
        message: One sentence that says what failed.
        hint: What the user can do about it.
        host: The host it happened on.
        object_name: The VM, switch or file it happened to.
        cmdlet_error: The error record of the cmdlet as the engine reported it.
        errors: The errors of the parts, where several objects or hosts were asked for.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED
    default_hint: ClassVar[str | None] = None

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        host: str | None = None,
        object_name: str | None = None,
        cmdlet_error: Mapping[str, Any] | None = None,
        errors: Sequence[HvctlError] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint
        self.host = host
        self.object_name = object_name
        self.cmdlet_error = cmdlet_error
        self.errors = tuple(errors)

    @property
    def code(self) -> ExitCode:
        """The exit code of a command that ends in this error."""
        return self.exit_code

    def as_dict(self) -> dict[str, Any]:
        """The error as the JSON object that machine formats put on stderr."""
        return {
            "code": int(self.code),
            "message": self.message,
            "hint": self.hint,
            "host": self.host,
            "object": self.object_name,
            "cmdlet_error": dict(self.cmdlet_error) if self.cmdlet_error else None,
            "errors": [error.as_dict() for error in self.errors],
        }


class UsageError(HvctlError):
    """The words given do not make sense; nothing was touched."""

    exit_code = ExitCode.USAGE


class ConsentError(UsageError):
    """Data would be lost, and nobody was there to be asked."""

    default_hint = "Add --yes to consent."


class NotFoundError(HvctlError):
    """What was named does not exist."""

    exit_code = ExitCode.NOT_FOUND


class AccessError(HvctlError):
    """The login failed, or the account lacks the right."""

    exit_code = ExitCode.ACCESS
    default_hint = "Use an account in the host's Administrators or Hyper-V Administrators group."


class UnreachableError(HvctlError):
    """The host, or PowerShell on it, cannot be reached."""

    exit_code = ExitCode.UNREACHABLE


class QuotaError(UnreachableError):
    """The host takes no further session for now: one of its quotas is used up. Nothing was sent to it."""


class ConflictError(HvctlError):
    """The object exists already, is in the wrong state, or is in use."""

    exit_code = ExitCode.CONFLICT


class TimedOutError(HvctlError):
    """What was asked for did not happen in time."""

    exit_code = ExitCode.TIMED_OUT


class PartialError(HvctlError):
    """Some objects failed; the others did not."""

    exit_code = ExitCode.PARTIAL


class FindingsError(HvctlError):
    """A check found something, or two states differ."""

    exit_code = ExitCode.FINDINGS


class UnsupportedError(HvctlError):
    """This host or Windows version cannot do it."""

    exit_code = ExitCode.UNSUPPORTED


class NotSimulatedError(UnsupportedError):
    """The lab does not simulate it."""

    default_hint = "`hvctl lab coverage` lists what the lab simulates."


class OutcomeUnknownError(HvctlError):
    """A change was sent, and its answer is lost: it may or may not have happened.

    Attributes:
        seen: What a fresh engine read afterwards, step by step; None where it could not.
    """

    seen: Mapping[str, Sequence[Mapping[str, Any]]] | None = None

    default_hint = "Nothing was repeated. Look at the object before you run the command again."


class ProtocolError(HvctlError):
    """The engine said something that it must not say."""

    default_hint = "Run again with --log-file FILE -v; the log holds what PowerShell printed."


class CancelledError(HvctlError):
    """The user interrupted the command.

    Attributes:
        seen: What the same engine read after it had ended the batch, step by step; None where nothing was read.
    """

    seen: Mapping[str, Sequence[Mapping[str, Any]]] | None = None

    exit_code = ExitCode.INTERRUPTED
