"""The faults with which a WinRM service refuses: their codes, and what they say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A fault as it looks on the wire.

    Attributes:
        code: The number that clients decide on.
        subcode: The SOAP subcode, with its prefix.
        reason: The text; `{0}` stands for what it is about.
        sender: Whether the client is to blame.
        wmi: The number arrives as the error code of an MSFT_WmiError, as hosts do for some quotas.
    """

    code: int
    subcode: str
    reason: str
    sender: bool = False
    wmi: bool = False


class Refusal(Exception):
    """An operation is answered with a fault.

    Args:
        kind: Which one.
        about: What its text is about: a shell's id, a number.
    """

    def __init__(self, kind: Kind, about: object = "") -> None:
        self.kind = kind
        self.reason = kind.reason.format(about)
        super().__init__(self.reason)


_SERVICE = "The WS-Management service cannot process the request. "

TIMED_OUT = Kind(
    2150858793,
    "w:TimedOut",
    "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.",
)
ABORTED = Kind(
    995,
    "w:InternalError",
    "The I/O operation has been aborted because of either a thread exit or an application request.",
)
BUSY = Kind(170, "w:InternalError", "The requested resource is in use.")
PIPE_CLOSING = Kind(232, "w:InternalError", "The pipe is being closed.")
ACCESS_DENIED = Kind(5, "w:AccessDenied", "Access is denied.", sender=True)

INVALID_XML = Kind(2150858819, "w:SchemaValidationError", "The SOAP packet contains invalid XML.", sender=True)
SCHEMA = Kind(
    2150858817,
    "w:SchemaValidationError",
    "The SOAP XML in the message does not match the corresponding XML schema definition: {0}.",
    sender=True,
)
UNKNOWN_ACTION = Kind(
    2150858771,
    "a:ActionNotSupported",
    "The WS-Management service does not support the action specified in the request.",
    sender=True,
)
UNKNOWN_RESOURCE = Kind(
    2150858752,
    "a:DestinationUnreachable",
    _SERVICE + "The service cannot find the resource identified by the resource URI and selectors.",
    sender=True,
)
ENVELOPE_TOO_LARGE = Kind(
    2150858823, "w:EncodingLimit", "The request is larger than the maximum envelope size, {0} bytes.", sender=True
)
NO_SHELL = Kind(
    2150858843,
    "w:InvalidSelectors",
    "The request for the Windows Remote Shell with ShellId {0} failed because the shell was not found on the server.",
    sender=True,
)
NO_COMMAND = Kind(
    2150858843,
    "w:InvalidSelectors",
    "The request for the command with CommandId {0} failed because the command was not found in the shell.",
    sender=True,
)
OTHER_USER = Kind(
    2150859177,
    "w:AccessDenied",
    _SERVICE + "The shell {0} was created with a different authorization token.",
    sender=True,
)
SHELL_EXISTS = Kind(2150858803, "w:AlreadyExists", "The shell {0} exists already.", sender=True)

MAX_SHELLS = Kind(
    2150859173,
    "w:QuotaLimit",
    _SERVICE + "This user is allowed a maximum number of {0} concurrent shells, which has been exceeded.",
)
MAX_OPERATIONS = Kind(
    2150859174,
    "w:QuotaLimit",
    _SERVICE + "This user is allowed a maximum number of {0} concurrent operations, which has been exceeded.",
    wmi=True,
)
USER_QUOTA = Kind(
    2150859175,
    "w:QuotaLimit",
    _SERVICE + "The maximum number of requests for this user within a time window has been exceeded.",
    wmi=True,
)
MAX_USERS = Kind(
    2150859179,
    "w:QuotaLimit",
    _SERVICE + "The maximum number of users executing shell operations, {0}, has been exceeded.",
)
MAX_COMMANDS = Kind(
    2150859241, "w:QuotaLimit", _SERVICE + "The shell is allowed a maximum number of {0} concurrent commands."
)
