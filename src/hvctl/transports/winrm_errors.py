"""Every exception that the libraries under WinRM raise, as one `Failure` that says what it means."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
from collections.abc import Iterator

import requests
import spnego.exceptions
import urllib3.exceptions
from winrm import exceptions as winrm

from hvctl.errors import AccessError, ProtocolError
from hvctl.transports.wsman_faults import Failure, fault, http_status

TRUST_HINT = (
    "Trust the authority that signed it with --ca-file FILE, or use http://NAME:5985 with --auth ntlm, which encrypts "
    "each message. --insecure skips the check, and anyone between can then read along."
)
_NAME_MISMATCH = (62, 64)  # of a host name, and of an IP address
_EXPIRED = 10
_LOGIN = (
    spnego.exceptions.InvalidCredentialError,
    spnego.exceptions.NoCredentialError,
    spnego.exceptions.CredentialsExpiredError,
    spnego.exceptions.BadBindingsError,
    spnego.exceptions.BadMechanismError,
    spnego.exceptions.BadNameError,
)
_LOGIN_MODULES = ("kerberos", "winkerberos", "requests_credssp", "winrm.vendor.requests_kerberos")
"""Libraries that are there only with an extra, and of whose errors only the module tells."""
_BUGS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.URLRequired,
    requests.exceptions.InvalidHeader,
    urllib3.exceptions.LocationValueError,
)
_NO_WAY = {
    errno.EHOSTUNREACH: "There is no way to the host",
    errno.ENETUNREACH: "There is no way to the host's network",
    errno.EACCES: "This machine's firewall forbids the connection",
}


def failure_of(error: Exception, url: str) -> Failure:
    """What an exception of pywinrm, requests, urllib3, spnego or the socket means.

    Args:
        error: What was raised.
        url: Where the message was to go.
    """
    known = _of_winrm(error) or _of_login(error) or _of_connection(error, url)
    if known is not None:
        return known
    if isinstance(error, _BUGS):
        return Failure("refused", f"The URL {url} cannot be used: {error}", error=ProtocolError)
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return Failure(
            "refused", f"What listens at {url} is not WinRM: it sends the client elsewhere.", hint="Look at the URL."
        )
    return Failure("doubt", f"The connection failed ({type(error).__name__}: {_words(error)}).")


def _of_winrm(error: Exception) -> Failure | None:
    if isinstance(error, Failure):
        return error
    if isinstance(error, winrm.WinRMOperationTimeoutError):
        return fault(2150858793)
    if isinstance(error, winrm.WSManFaultError):
        return fault(error.wsman_fault_code or 0, quota=error.wmierror_code, text=error.reason)
    if isinstance(error, winrm.WinRMTransportError):
        return http_status(error.code, str(error.response_text)) if len(error.args) == 3 else None
    if isinstance(error, winrm.AuthenticationError):
        return http_status(401)
    return None


def _of_login(error: Exception) -> Failure | None:
    module = type(error).__module__
    if isinstance(error, PermissionError) and error.errno is None:
        return http_status(401)  # of requests_ntlm: the server offers NTLM, and then does not challenge
    if isinstance(error, _LOGIN) or any(module == name or module.startswith(f"{name}.") for name in _LOGIN_MODULES):
        return Failure("login", f"The login failed: {_words(error)}.", error=AccessError)
    return None


def _of_connection(error: Exception, url: str) -> Failure | None:
    causes = list(_causes(error))
    return _of_tls(causes, url) or _no_way(causes, url) or _broken(causes, url)


def _of_tls(causes: list[BaseException], url: str) -> Failure | None:
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _untrusted(cause, url)
    for cause in causes:
        if isinstance(cause, ssl.SSLError | requests.exceptions.SSLError | urllib3.exceptions.SSLError):
            return _no_tls(cause, url)
    return None


def _no_way(causes: list[BaseException], url: str) -> Failure | None:
    """A connection that was never there: nothing was sent."""
    found: Failure | None = None
    for cause in causes:
        if isinstance(cause, socket.gaierror | urllib3.exceptions.NameResolutionError):
            return unresolved(url)
        if isinstance(cause, requests.exceptions.ProxyError | urllib3.exceptions.ProxyError):
            return Failure("unreachable", "A proxy stands between.", hint="WinRM needs a direct way to the host.")
        if isinstance(cause, ConnectionRefusedError):
            return refused(url)
        words = _NO_WAY.get(cause.errno or 0) if isinstance(cause, OSError) else None
        if words:
            return Failure("unreachable", f"{words}: {url}", hint="Look at routes, VPN and firewall.")
        if isinstance(cause, requests.exceptions.ConnectTimeout | urllib3.exceptions.ConnectTimeoutError):
            found = silent(url)
    return found


def _broken(causes: list[BaseException], url: str) -> Failure | None:
    """A connection that was there and broke: what was under way is in doubt."""
    waiting = (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
    if any(isinstance(cause, waiting) for cause in causes):
        return speechless(url)
    cut = (ConnectionError, http.client.RemoteDisconnected, http.client.IncompleteRead)
    if any(isinstance(cause, cut) for cause in causes):
        return Failure("doubt", "The host closed the connection.", hint=_cut_hint(url))
    if any(isinstance(cause, http.client.BadStatusLine) for cause in causes):
        return Failure("doubt", f"What listens at {url} does not speak HTTP.", hint="Look at the port.")
    return None


def _cut_hint(url: str) -> str:
    maybe_tls = "If the port speaks TLS, write https://. " if url.lower().startswith("http:") else ""
    return f"{maybe_tls}Look at the WinRM service there (Get-Service WinRM), and at what stands between."


def speechless(url: str) -> Failure:
    """The failure of a host that takes a connection and then says nothing, or not all of it in time."""
    other = "http:// port that was taken for a TLS one" if url.lower().startswith("https:") else "TLS port"
    return Failure(
        "silence",
        "The host did not answer in time.",
        hint=f"Its WinRM service may hang (Restart-Service WinRM there), or {url} is another service's or a {other}.",
    )


def unresolved(url: str) -> Failure:
    """The failure of a name that nobody knows."""
    return Failure(
        "unreachable", f"The host's name cannot be resolved: {url}", hint="Look at its spelling, at DNS and the VPN."
    )


def refused(url: str) -> Failure:
    """The failure of a port where nothing listens."""
    return Failure(
        "unreachable",
        f"Nothing listens at {url}.",
        hint="WinRM is off there, or listens elsewhere. On the host: winrm enumerate winrm/config/listener",
    )


def silent(url: str) -> Failure:
    """The failure of a host that says nothing."""
    return Failure(
        "unreachable",
        f"No answer from {url} within 5 seconds.",
        hint="The host is down, or a firewall drops the port (5985 for HTTP, 5986 for HTTPS).",
    )


def _untrusted(cause: ssl.SSLCertVerificationError, url: str) -> Failure:
    reason = (cause.verify_message or "not trusted").rstrip(".")
    hint = TRUST_HINT
    if cause.verify_code in _NAME_MISMATCH:
        hint = "Use the name that stands in the certificate, or give the host a certificate for this name."
    elif cause.verify_code == _EXPIRED:
        hint = "Renew the host's certificate, or set the clocks right."
    return Failure("unreachable", f"The certificate of {url} is refused: {reason}.", hint=hint)


def broken_tls() -> Failure:
    """A TLS connection that ended where it must not; another program may listen there, or it was cut."""
    return Failure("doubt", "The TLS connection broke.")


def _no_tls(cause: BaseException, url: str) -> Failure:
    words = f"{getattr(cause, 'reason', None) or ''} {cause}"
    if "WRONG_VERSION_NUMBER" in words or "HTTP_REQUEST" in words or "RECORD_LAYER_FAILURE" in words:
        hint = "The port speaks plain HTTP: write http:// with port 5985, which needs --auth ntlm or kerberos."
        return Failure("unreachable", f"There is no TLS at {url}.", hint=hint)
    if isinstance(cause, ssl.SSLEOFError) or "EOF" in words:
        return broken_tls()
    return Failure("unreachable", f"TLS with {url} failed: {_words(cause)}.", hint="Look at the host's certificate.")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that stand behind it; requests and urllib3 keep them in `args` and `reason`."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop(0)
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]


def _words(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # some take their text from arguments that they were not given
        text = ""
    return " ".join(text.split())[:200].rstrip(".") or "no words"
