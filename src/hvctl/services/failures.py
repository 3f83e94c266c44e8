"""Error records of cmdlets and of the engine become hvctl's errors: by id, then HRESULT, then category; never by text.

Messages of Windows are localised. What stands in them in every language is a code such as (0x80070050), so those count
as HRESULTs.
Facts: the error ids of the Hyper-V module 2.0, of Windows PowerShell's binder and of docs/protocol.md.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hvctl.errors import (
    AccessError,
    CancelledError,
    ConflictError,
    HvctlError,
    NotFoundError,
    NotSimulatedError,
    OutcomeUnknownError,
    ProtocolError,
    TimedOutError,
    UnsupportedError,
)
from hvctl.powershell.batch import Batch
from hvctl.services.names import folded
from hvctl.transports.result import ErrorRecord, Result
from hvctl.transports.session import Session


class _Kind(NamedTuple):
    """The error, what to do about it, and our words where the cmdlet's first line misleads."""

    error: type[HvctlError]
    hint: str | None = None
    words: str | None = None


_NO_MODULE = "Install the Hyper-V role and its PowerShell module on the host."
_STATE = "Look at its state: hvctl vm list"
_POOL_ROOM = "The pool has too few disks or too little room for it: hvctl storage pool show"
_NO_ANSWER = _Kind(
    ConflictError,
    "It is still starting, or lacks integration services. --save keeps what it does, --turn-off cuts its power.",
    "The guest does not answer.",
)
_LOGIN_THERE = _Kind(
    AccessError,
    "The other host did not take the login: hvctl migrate check says how two hosts come to trust each other.",
)
_MEMORY = _Kind(HvctlError, "The host has too little free memory: stop other VMs, or give this one less.")

_BY_ID: tuple[tuple[re.Pattern[str], _Kind], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"Hvctl\.ExpectedNone$", _Kind(ConflictError)),
        (r"Hvctl\.(ExpectedOne|RefNotFound)$", _Kind(NotFoundError)),
        (r"Hvctl\.RefAmbiguous$", _Kind(ConflictError)),
        (r"Hvctl\.Deadline$", _Kind(TimedOutError, "Allow more time with --timeout.", "Time ran out.")),
        (r"Hvctl\.StepTimedOut$", _Kind(TimedOutError)),
        (r"Hvctl\.(Cancelled|ClientLost)$", _Kind(CancelledError)),
        (r"Hvctl\.NotSimulated$", _Kind(NotSimulatedError)),
        (r"Hvctl\.", _Kind(ProtocolError)),
        (r"CommandNotFoundException$|CouldNotAutoLoadModule", _Kind(UnsupportedError, _NO_MODULE)),
        (r"NamedParameterNotFound\b", _Kind(UnsupportedError, "The host's Windows version lacks this setting.")),
        (
            r"InvalidParameter,Microsoft\.HyperV\.PowerShell\.Commands\.(GetVM|GetVMSwitch)(Command)?$",
            _Kind(NotFoundError),
        ),
        # What Stop-VM says instead of asking whether to turn off a VM whose guest it cannot reach.
        (r"InvalidOperation,Microsoft\.HyperV\.PowerShell\.Commands\.StopVM", _NO_ANSWER),
        (r"CmdletizationQuery_NotFound", _Kind(NotFoundError)),
        # The number is what the storage provider's method returned.
        (
            r"StorageWMI (1,(New|Repair)-VirtualDisk|40000,|40002,|48004,|49002,|49003,|49006,)",
            _Kind(ConflictError, _POOL_ROOM),
        ),
        (r"StorageWMI 3\b", _Kind(TimedOutError)),
        (r"StorageWMI 40001\b", _Kind(AccessError, "Storage needs an account in the host's Administrators group.")),
        (r"StorageWMI 48007\b", _Kind(ConflictError, "Look at the pool: hvctl storage health")),
        (r"StorageWMI (6|41001|41003|42002|48000|48006|48008|50001|50003|51000|51002)\b", _Kind(ConflictError)),
        (r"ObjectNotFound\b|FileNotFound\b", _Kind(NotFoundError)),
        (r"AccessDenied\b|LogonFailure\b", _Kind(AccessError)),
        (r"InvalidState\b", _Kind(ConflictError, _STATE)),
        (r"ObjectInUse\b", _Kind(ConflictError)),
        (r"OperationTimeout\b", _Kind(TimedOutError)),
        (r"OutOfMemory\b", _MEMORY),
        (r"NotSupported\b", _Kind(UnsupportedError)),
    )
)

_BY_HRESULT: dict[int, _Kind] = {
    0x8007000E: _MEMORY,
    0x800705AA: _MEMORY,
    0x80070050: _Kind(ConflictError, "A file of that name is there already; choose another path."),
    0x80070020: _Kind(ConflictError, "Another process or VM holds the file."),
    0x80070005: _Kind(AccessError, "The host's service account may lack the right to the file."),
    0x8009030D: _LOGIN_THERE,
    0x8009030E: _LOGIN_THERE,
    0x80090322: _LOGIN_THERE,
    0x80070002: _Kind(NotFoundError),
    0x80070003: _Kind(NotFoundError),
}

_BY_CATEGORY: dict[str, type[HvctlError]] = {
    "ObjectNotFound": NotFoundError,
    "PermissionDenied": AccessError,
    "SecurityError": AccessError,
    "ResourceExists": ConflictError,
    "ResourceBusy": ConflictError,
    "OperationTimeout": TimedOutError,
    "NotImplemented": UnsupportedError,
    "NotInstalled": UnsupportedError,
}

_HRESULT = re.compile(r"\(0x([0-9A-Fa-f]{8})\)")
_OUTER = re.compile(r"(.*\S)\s*\([^()]*[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\)")
"""The line that Hyper-V puts around the reason: it ends in the virtual machine's id, whatever the language."""
_MEMORY_CODES = (0x8007000E, 0x800705AA)


def failure_of(
    record: ErrorRecord, result: Result, *, host: str, object_name: str | None = None, message: str | None = None
) -> HvctlError:
    """The error that a cmdlet's error record stands for.

    Args:
        record: What the engine reported.
        result: The batch it belongs to; tells the rights of the session and what was undone.
        host: The host it happened on.
        object_name: The VM, switch or file that was worked on.
        message: What failed, in our words; the cmdlet's own words otherwise.
    """
    kind = _kind(record, result)
    own = kind.words or first_line(record.message)
    words = message or own
    if message is not None and not record.error_id.startswith("Hvctl.Expected"):
        words = f"{message.rstrip('.')}: {own}"
    if result.not_undone:
        words += f" Could not be taken back: {', '.join(result.not_undone)}."
    return kind.error(words, hint=kind.hint, host=host, object_name=object_name, cmdlet_error=record.as_dict())


def with_sight(error: OutcomeUnknownError, sight: str | None) -> OutcomeUnknownError:
    """The error, with what was seen afterwards in words."""
    told = OutcomeUnknownError(f"{error.message} Now {sight}." if sight else error.message, host=error.host)
    told.seen = error.seen
    return told


def sight_of_name(error: OutcomeUnknownError, step: str, name: str) -> str | None:
    """Whether something of that name was seen afterwards, in words."""
    if error.seen is None:
        return None
    is_there = any(folded(record["Name"]) == folded(name) for record in error.seen.get(step, ()))
    return f"'{name}' is {'there' if is_there else 'not there'}"


def read(session: Session, batch: Batch, *, timeout: float | None) -> Result:
    """Run a batch that must succeed.

    Raises:
        HvctlError: A step failed.
    """
    result = session.run(batch, timeout=timeout)
    if not result.ok and result.failure is not None:
        raise failure_of(result.failure, result, host=session.host)
    return result


def lacks_rights(result: Result) -> bool:
    """Whether this login is known to be neither Administrator nor Hyper-V Administrator on the host.

    Such a login gets an empty list from Get-VM, not an error.
    """
    rights = result.hello.get("rights")
    return rights is not None and not {"Administrators", "Hyper-V Administrators"} & set(rights)


def rights_error(host: str) -> AccessError:
    """The error for an empty answer to a login without rights."""
    return AccessError(f"This login may not manage Hyper-V on {host}: an empty answer means nothing.", host=host)


def first_line(text: str) -> str:
    """The first line of a cmdlet's message that says anything, and the next one where it only says of what."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and (outer := _OUTER.fullmatch(lines[0])):
        return f"{outer[1]} {lines[1]}"
    return lines[0] if lines else text


def _kind(record: ErrorRecord, result: Result) -> _Kind:
    codes = _codes(record)
    if any(code in _MEMORY_CODES for code in codes):
        return _MEMORY
    if record.error_id == "Hvctl.ExpectedOne" and record.category == "InvalidResult":
        return _Kind(ConflictError)
    by_id = next((kind for pattern, kind in _BY_ID if pattern.match(record.error_id)), None)
    by_code = next((_BY_HRESULT[code] for code in codes if code in _BY_HRESULT), None)
    if by_id or by_code:
        return by_id or by_code or _Kind(HvctlError)
    if record.error_id.startswith("Unspecified,") and lacks_rights(result):
        return _Kind(AccessError)
    return _Kind(_BY_CATEGORY.get(record.category, HvctlError))


def _codes(record: ErrorRecord) -> list[int]:
    codes = [] if record.hresult is None else [record.hresult]
    return codes + [int(code, 16) for code in _HRESULT.findall(record.message)]
