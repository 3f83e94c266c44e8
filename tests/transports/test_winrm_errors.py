"""Whatever the libraries under WinRM raise becomes one failure; none of their exceptions is forgotten."""

from __future__ import annotations

import errno
import inspect
import socket
import ssl
from types import ModuleType
from xml.etree import ElementTree

import pytest
import requests
import requests.exceptions
import spnego.exceptions
import urllib3.exceptions
import winrm.exceptions

from hvctl.errors import HvctlError, QuotaError
from hvctl.transports.winrm_errors import failure_of
from hvctl.transports.wsman_faults import FAULTS, HTTP, Failure, code_text, fault, http_status

pytestmark = pytest.mark.unit

URL = "https://hv01:5986/wsman"
MODULES: list[ModuleType] = [winrm.exceptions, requests.exceptions, urllib3.exceptions, spnego.exceptions]

KINDS = {
    "unreachable": {
        "ConnectTimeout",
        "ConnectTimeoutError",
        "NewConnectionError",
        "NameResolutionError",
        "ProxyError",
        "SSLError",
    },
    "login": {
        "AuthenticationError",
        "BasicAuthDisabledError",
        "InvalidCredentialsError",
        "InvalidCredentialError",
        "NoCredentialError",
        "CredentialsExpiredError",
        "BadBindingsError",
        "BadMechanismError",
        "BadNameError",
    },
    "refused": {
        "InvalidURL",
        "InvalidSchema",
        "MissingSchema",
        "InvalidProxyURL",
        "URLRequired",
        "InvalidHeader",
        "LocationValueError",
        "LocationParseError",
        "URLSchemeUnknown",
        "ProxySchemeUnknown",
        "TooManyRedirects",
    },
    "timeout": {"WinRMOperationTimeoutError"},
    "silence": {"Timeout", "ReadTimeout", "TimeoutError", "ReadTimeoutError"},
}
"""What an exception means by its name; every other one leaves what happened in doubt."""


def exceptions_of(module: ModuleType) -> list[type[Exception]]:
    return [
        each
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, Exception) and not issubclass(each, Warning)
    ]


def made(kind: type[Exception]) -> Exception:
    """An exception of a class, without its constructor, whose arguments are the library's own business."""
    error = kind.__new__(kind)
    for name in ("wsman_fault_code", "wmierror_code", "_message", "_context_message", "_error_code", "base_error"):
        if not isinstance(getattr(kind, name, None), property):
            error.__dict__[name] = None
    error.__dict__["reason"] = "it was so"
    return error


EVERY = sorted(
    {each for module in MODULES for each in exceptions_of(module)},
    key=lambda each: (each.__module__, each.__qualname__),  # two of a name: every process must find one order
)


@pytest.mark.parametrize("kind", EVERY, ids=lambda each: f"{each.__module__}.{each.__name__}")
def test_every_exception_of_every_library_is_a_failure_of_a_known_kind(kind):
    if kind is winrm.exceptions.WinRMTransportError:
        error: Exception = kind("http", 500, "")
    elif kind is requests.exceptions.InvalidHeader:
        error = kind()
    else:
        error = made(kind)
    failure = failure_of(error, URL)
    expected = next((name for name, names in KINDS.items() if kind.__name__ in names), "doubt")
    if kind is urllib3.exceptions.InvalidHeader:
        expected = "doubt"  # an answer's, where that of requests is a request's
    assert failure.kind == expected
    assert failure.message
    assert isinstance(failure.as_error("hv01"), HvctlError)


def test_the_libraries_are_looked_through():
    assert {each.__name__ for each in EVERY} >= set().union(*KINDS.values()) | {"WSManFaultError", "BadMICError"}
    assert len(EVERY) > 60


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (socket.gaierror(-2, "unknown"), "unreachable"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "unreachable"),
        (OSError(errno.EHOSTUNREACH, "no route"), "unreachable"),
        (OSError(errno.ENETUNREACH, "no network"), "unreachable"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "doubt"),
        (BrokenPipeError(errno.EPIPE, "pipe"), "doubt"),
        (TimeoutError("slow"), "silence"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "unreachable"),
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), "doubt"),
        (PermissionError("Access denied: Server did not respond with NTLM challenge token"), "login"),
        (KeyError("www-authenticate"), "doubt"),
        (AssertionError(), "doubt"),
        (ElementTree.ParseError("no element found"), "doubt"),
        (StopIteration(), "doubt"),
        (AttributeError("'NoneType' object has no attribute 'wrap'"), "doubt"),
        (UnicodeDecodeError("utf-8", b"", 0, 1, "bad"), "doubt"),
        (ValueError("bad length"), "doubt"),
    ],
    ids=repr,
)
def test_what_else_comes_out_of_them(error, kind):
    assert failure_of(error, URL).kind == kind


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_cause_is_found_however_deep_it_lies(depth):
    error: Exception = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
    for _ in range(depth):
        error = requests.exceptions.ConnectionError(urllib3.exceptions.MaxRetryError(None, URL, error))
    assert failure_of(error, URL).message == f"Nothing listens at {URL}."


@pytest.mark.parametrize(
    ("code", "hint"),
    [(62, "name that stands in the certificate"), (64, "in the certificate"), (10, "clocks"), (19, "--ca-file")],
)
def test_a_certificate_that_is_refused_says_what_to_do(code, hint):
    error = ssl.SSLCertVerificationError(1, "bad")
    error.verify_code, error.verify_message = code, "it is so"
    failure = failure_of(requests.exceptions.SSLError(error), URL)
    assert (failure.kind, "it is so" in failure.message) == ("unreachable", True)
    assert hint in str(failure.hint)


def test_no_tls_where_some_was_expected():
    failure = failure_of(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), URL)
    assert "plain HTTP" in str(failure.hint)


# ---- codes

DOCUMENTED = [
    *(2150858793, 2150858843, 2150859173, 2150859174, 2150859175, 2150859176, 2150859179, 2150859180),
    *(*range(2150859236, 2150859243), 2150859177, 2150859194, 2150859193, 2150858770, 2150858752, 2150858811),
    *(2150858817, 2150858823, 2150858824, 2150858825, 2150858764, 2150859072, 2150858980, 2150859229, 2150859235),
    *(5, 995, 170, 1460, 109, 232, 233, 14, 1018, 1115, 2147943418, 1311, 1312, 1326),
]


@pytest.mark.parametrize("code", DOCUMENTED)
def test_a_code_keeps_its_number_and_the_server_s_words(code):
    error = fault(code, text="Die Worte des Servers").as_error("hv01")
    assert error.cmdlet_error["error_id"] == f"WSManFault 0x{code:08X} ({code})"
    assert error.cmdlet_error["message"] == "Die Worte des Servers"
    assert (error.host, error.message != "") == ("hv01", True)
    assert FAULTS[code].hint or FAULTS[code].kind not in ("refused", "unreachable")


def test_every_code_is_documented():
    assert set(FAULTS) == {*DOCUMENTED, 2150859206}


def test_a_quota_stands_in_the_inner_code():
    failure = fault(2150858817, quota=2150859174)
    assert (failure.kind, failure.code) == ("gone", 2150859174)


@pytest.mark.parametrize(
    "failure",
    [
        *(fault(code) for code in (2150859173, 2150859174, 2150859175, 2150859176, 2150859179)),
        *(fault(2150858817, quota=code) for code in range(2150859236, 2150859243)),
        http_status(503),
    ],
    ids=lambda each: str(each.code),
)
def test_a_quota_is_an_error_of_its_own(failure):
    error = failure.as_error("hv01")
    assert (type(error), "hv01" in error.message, bool(error.hint)) == (QuotaError, True, True)


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("The host denies access.", "hv01 denies access."),
        ("PowerShell on the host has ended.", "PowerShell on hv01 has ended."),
        ("Nothing listens at https://10.0.0.1:5986/wsman.", "hv01: Nothing listens at https://10.0.0.1:5986/wsman."),
        ("Nothing listens at https://hv01:5986/wsman.", "Nothing listens at https://hv01:5986/wsman."),
    ],
)
def test_an_error_names_its_host(message, named):
    assert Failure("doubt", message).as_error("hv01").message == named


def test_a_code_that_nobody_knows_is_in_doubt_and_told():
    failure = fault(2150859999, text="neu")
    assert (failure.kind, failure.code) == ("doubt", 2150859999)
    assert "neu" in failure.message


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((400, "doubt"), (401, "login"), (413, "large"), (500, "doubt"), (502, "doubt"), (503, "busy")),
        *((status, "refused") for status in (302, 403, 404, 405, 407, 418)),
    ],
)
def test_a_status_without_a_fault(status, kind):
    failure = http_status(status, "<html>\n words </html>")
    assert (failure.kind, failure.code, code_text(status)) == (kind, status, f"HTTP {status}")
    assert failure.as_error("h").cmdlet_error["message"] == "<html> words </html>"
    assert status in HTTP or status >= 300


def test_a_failure_stays_itself():
    failure = Failure("gone", "It went.")
    assert failure_of(failure, URL) is failure
    assert failure.as_error("h").cmdlet_error is None
