"""Error records to errors: by id, then HRESULT, then category; never by text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from hvctl.powershell.protocol import Frame
from hvctl.services.failures import failure_of, first_line, lacks_rights, rights_error, sight_of_name, with_sight
from hvctl.transports.result import ErrorRecord, Result

pytestmark = pytest.mark.unit

VM = "Microsoft.HyperV.PowerShell.Commands."
VHD = "Microsoft.Vhd.PowerShell.Cmdlets."

REAL = [
    # What real hosts say: fully qualified id, category, HRESULT; then the error and its exit code.
    (f"InvalidParameter,{VM}GetVM", "InvalidArgument", None, NotFoundError, 3),
    (f"InvalidParameter,{VM}GetVMCommand", "InvalidArgument", None, NotFoundError, 3),
    (f"InvalidParameter,{VM}GetVMSwitch", "InvalidArgument", None, NotFoundError, 3),
    (f"ObjectNotFound,{VM}GetVM", "ObjectNotFound", None, NotFoundError, 3),
    (f"ObjectNotFound,{VM}StartVM", "ObjectNotFound", None, NotFoundError, 3),
    (f"ObjectNotFound,{VM}GetVMSnapshot", "ObjectNotFound", None, NotFoundError, 3),
    (f"ObjectNotFound,{VM}SetVMSwitch", "ObjectNotFound", 0x80070490, NotFoundError, 3),
    ("CmdletizationQuery_NotFound_FriendlyName,Get-StoragePool", "ObjectNotFound", None, NotFoundError, 3),
    ("FileNotFound,x", "ObjectNotFound", None, NotFoundError, 3),
    ("PathNotFound,Microsoft.PowerShell.Commands.RemoveItemCommand", "ObjectNotFound", None, NotFoundError, 3),
    (f"AccessDenied,{VM}SetVMDvdDrive", "PermissionDenied", 0x80070005, AccessError, 4),
    (f"AccessDenied,{VM}StartVM", "PermissionDenied", None, AccessError, 4),
    ("LogonFailure,PSSessionStateBroken", "OpenError", None, AccessError, 4),
    ("AccessDenied,PSSessionStateBroken", "OpenError", None, AccessError, 4),
    (f"OperationFailed,{VM}StartVM", "NotSpecified", 0x80070005, AccessError, 4),
    (f"InvalidState,{VM}SuspendVM", "InvalidOperation", None, ConflictError, 6),
    (f"InvalidState,{VM}RemoveVM", "InvalidOperation", None, ConflictError, 6),
    (f"ObjectInUse,{VHD}GetVHD", "ResourceBusy", None, ConflictError, 6),
    (f"OperationFailed,{VHD}NewVhd", "NotSpecified", 0x80070050, ConflictError, 6),
    (f"OperationFailed,{VM}StartVM", "NotSpecified", 0x80070020, ConflictError, 6),
    (f"OperationTimeout,{VM}StopVM", "OperationTimeout", None, TimedOutError, 7),
    ("NotSupported,Microsoft.Vhd.PowerShell.ResizeVhdCommand", "NotImplemented", None, UnsupportedError, 10),
    (f"NotSupported,{VM}SetVM", "InvalidOperation", None, UnsupportedError, 10),
    ("CommandNotFoundException", "ObjectNotFound", None, UnsupportedError, 10),
    ("CouldNotAutoLoadModule", "ObjectNotFound", None, UnsupportedError, 10),
    (f"NamedParameterNotFound,{VM}StartVM", "InvalidArgument", None, UnsupportedError, 10),
    (f"OutOfMemory,{VM}StartVM", "FromStdErr", 0x8007000E, HvctlError, 1),
    (f"Unspecified,{VM}StartVM", "NotSpecified", 0x800705AA, HvctlError, 1),
    (f"OperationFailed,{VM}StartVM", "NotSpecified", None, HvctlError, 1),
    (f"OperationFailed,{VM}ImportVM", "InvalidOperation", None, HvctlError, 1),
    (f"{VM}ImportVMCommand", "NotSpecified", None, HvctlError, 1),
    (f"InvalidOperation,{VM}StopVM", "InvalidOperation", None, ConflictError, 6),
    (f"InvalidParameter,{VM}RemoveVMSwitch", "InvalidArgument", None, HvctlError, 1),
    (f"AmbiguousParameterSet,{VM}NewVM", "InvalidArgument", None, HvctlError, 1),
    ("Windows System Error 87,New-NetNat", "InvalidArgument", None, HvctlError, 1),
    ("StorageWMI 1,New-VirtualDisk", "InvalidOperation", None, ConflictError, 6),
    ("StorageWMI 40000,Resize-VirtualDisk", "NotSpecified", None, ConflictError, 6),
    ("StorageWMI 40001,Get-PhysicalDisk", "PermissionDenied", None, AccessError, 4),
    ("StorageWMI 48007,New-VirtualDisk", "NotSpecified", None, ConflictError, 6),
    ("StorageWMI 41001,Initialize-Disk", "NotSpecified", None, ConflictError, 6),
    ("StorageWMI 42002,New-Partition", "NotSpecified", None, ConflictError, 6),
    ("StorageWMI 48008,Remove-StoragePool", "NotSpecified", None, ConflictError, 6),
    ("StorageWMI 50001,Repair-VirtualDisk", "NotSpecified", None, ConflictError, 6),
    ("StorageWMI 6,Remove-StoragePool", "NotSpecified", None, ConflictError, 6),
    ("StorageWMI 3,New-StoragePool", "NotSpecified", None, TimedOutError, 7),
    ("StorageWMI 4,Remove-StoragePool", "NotSpecified", None, HvctlError, 1),
    ("", "", None, HvctlError, 1),
    # What the engine says.
    ("Hvctl.ExpectedNone", "ResourceExists", None, ConflictError, 6),
    ("Hvctl.ExpectedOne", "ObjectNotFound", None, NotFoundError, 3),
    ("Hvctl.ExpectedOne", "InvalidResult", None, ConflictError, 6),
    ("Hvctl.RefNotFound", "ObjectNotFound", None, NotFoundError, 3),
    ("Hvctl.RefAmbiguous", "InvalidResult", None, ConflictError, 6),
    ("Hvctl.StepTimedOut", "OperationTimeout", None, TimedOutError, 7),
    ("Hvctl.Deadline", "OperationTimeout", None, TimedOutError, 7),
    ("Hvctl.Cancelled", "OperationStopped", None, CancelledError, 130),
    ("Hvctl.ClientLost", "OperationStopped", None, CancelledError, 130),
    ("Hvctl.NotSimulated", "NotImplemented", None, NotSimulatedError, 10),
    ("Hvctl.BadRequest", "InvalidArgument", None, ProtocolError, 1),
    ("Hvctl.WrongSession", "InvalidOperation", None, ProtocolError, 1),
    ("Hvctl.NotAllowed", "PermissionDenied", None, ProtocolError, 1),
    ("Hvctl.Busy", "ResourceBusy", None, ProtocolError, 1),
    # What is left is told by its category.
    ("Strange,X", "PermissionDenied", None, AccessError, 4),
    ("Strange,X", "SecurityError", None, AccessError, 4),
    ("Strange,X", "ResourceExists", None, ConflictError, 6),
    ("Strange,X", "ResourceBusy", None, ConflictError, 6),
    ("Strange,X", "OperationTimeout", None, TimedOutError, 7),
    ("Strange,X", "NotImplemented", None, UnsupportedError, 10),
    ("HyperVModuleNotAvailable,X", "NotInstalled", None, UnsupportedError, 10),
]


def result(rights=("Administrators",), **fields) -> Result:
    return Result(Frame("hello", "", 0, {"rights": None if rights is None else list(rights)}), **fields)


def failure(error_id, category, hresult=None, *, text="Es ging nicht.", whole=None, **words) -> HvctlError:
    record = ErrorRecord("step", text, category, error_id, "System.Exception", hresult)
    return failure_of(record, whole or result(), host="hv01", **words)


def test_what_to_do_with_a_guest_that_does_not_answer_is_told():
    error = failure(f"InvalidOperation,{VM}StopVM", "InvalidOperation", None)
    assert "--turn-off" in str(error.hint)


@pytest.mark.parametrize(("error_id", "category", "hresult", "kind", "code"), REAL)
def test_real_errors(error_id, category, hresult, kind, code):
    error = failure(error_id, category, hresult)
    assert type(error) is kind
    assert int(error.code) == code
    assert error.cmdlet_error is not None
    assert error.cmdlet_error["error_id"] == error_id


@given(
    st.sampled_from(REAL),
    st.sampled_from(
        [
            "Hyper-V was unable to find a virtual machine with name x.",
            "Access denied. You do not have the required permission to complete this task.",
            "Not enough memory in the system to start the virtual machine x.",
            "Die Datei ist vorhanden.",
            "",
        ]
    ),
)
def test_the_text_never_matters(case, text):
    error_id, category, hresult, kind, _ = case
    assert type(failure(error_id, category, hresult, text=text)) is kind


def test_a_code_in_the_text_counts_as_hresult():
    """The module's exceptions carry the code of what failed below in their text only, in every language."""
    text = "Fehler beim Erstellen.\r\n\r\nDas System konnte 'p' nicht erstellen: Die Datei ist vorhanden. (0x80070050)."
    error = failure(f"OperationFailed,{VHD}NewVhd", "NotSpecified", 0x80131500, text=text)
    assert type(error) is ConflictError
    assert error.hint == "A file of that name is there already; choose another path."


@pytest.mark.parametrize("code", [0x8007000E, 0x800705AA])
@pytest.mark.parametrize("error_id", ["OutOfMemory,X", "Unspecified,X", "OperationFailed,X", "InvalidState,X"])
def test_lack_of_memory_is_told_by_its_code_first(error_id, code):
    error = failure(error_id, "NotSpecified", code)
    assert type(error) is HvctlError
    assert "memory" in str(error.hint)


def test_an_unspecified_error_of_a_login_without_rights_is_its_lack_of_rights():
    one = (f"Unspecified,{VM}GetVM", "NotSpecified")
    assert type(failure(*one, whole=result(rights=()))) is AccessError
    assert type(failure(*one, whole=result(rights=("Administrators",)))) is HvctlError
    assert type(failure(*one, whole=result(rights=None))) is HvctlError


@pytest.mark.parametrize(
    ("rights", "lacks"),
    [
        ((), True),
        (("Users",), True),
        (("Administrators",), False),
        (("Hyper-V Administrators",), False),
        (None, False),
    ],
)
def test_lacking_rights(rights, lacks):
    assert lacks_rights(result(rights=rights)) is lacks


def test_our_words_come_before_the_cmdlet_s():
    error = failure(
        f"InvalidState,{VM}StartVM", "InvalidOperation", text="\r\nNo.\r\nMore.", message="'a' did not start"
    )
    assert error.message == "'a' did not start: No."
    assert failure("X", "Y", text="\n\n Erste.\nZweite.").message == "Erste."


def test_a_check_of_ours_needs_no_words_of_the_engine():
    error = failure("Hvctl.ExpectedNone", "ResourceExists", message="A virtual machine called 'a' exists already.")
    assert error.message == "A virtual machine called 'a' exists already."


def test_what_could_not_be_taken_back_is_named():
    error = failure("X", "Y", text="No.", whole=result(not_undone=("disk", "vm")))
    assert error.message == "No. Could not be taken back: disk, vm."


def test_host_and_object_are_kept():
    error = failure("X", "Y", object_name="web1")
    assert (error.host, error.object_name) == ("hv01", "web1")


def test_the_error_of_an_empty_answer():
    error = rights_error("hv01")
    assert (int(error.code), error.host) == (4, "hv01")
    assert error.hint


@pytest.mark.parametrize(("text", "line"), [("a\nb", "a"), ("\r\n\r\n a \r\n", "a"), ("", ""), ("\n", "\n")])
def test_first_lines(text, line):
    assert first_line(text) == line


def unknown(seen) -> OutcomeUnknownError:
    error = OutcomeUnknownError("Outcome unknown: lost.", host="hv01")
    error.seen = seen
    return error


def test_what_was_seen_afterwards_is_told():
    told = with_sight(unknown({"vms": []}), "'a' is Off")
    assert told.message == "Outcome unknown: lost. Now 'a' is Off."
    assert (told.seen, told.host) == ({"vms": []}, "hv01")
    assert with_sight(unknown(None), None).message == "Outcome unknown: lost."


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({"vms": [{"Name": "WEB1"}]}, "'web1' is there"),
        ({"vms": [{"Name": "web2"}]}, "'web1' is not there"),
        ({}, "'web1' is not there"),
        (None, None),
    ],
)
def test_whether_a_new_thing_was_seen(seen, words):
    assert sight_of_name(unknown(seen), "vms", "web1") == words


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Outer 'x'. (Virtual machine ID 7CCA7664-0000-0000-0000-000000000000)\r\n\r\nReason.", "Outer 'x'. Reason."),
        ("Au\u00dfen. (ID des virtuellen Computers 7CCA7664-0000-0000-0000-000000000000)", None),
        ("One.\r\n\r\nTwo.", "One."),
    ],
)
def test_a_line_around_the_reason_does_not_stand_alone(text, told):
    assert first_line(text) == (told or text)
