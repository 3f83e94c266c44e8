"""The legs of the way to a WinRM host that need no login, each tried once: name, port, TLS, ways to log in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from hvctl.errors import HvctlError, UsageError
from hvctl.powershell.literals import quote, word
from hvctl.transports.endpoint import Endpoint, Scheme
from hvctl.transports.probe import ENABLING, choose, connect, handshake, offered, offers, resolve
from hvctl.transports.winrm_errors import silent
from hvctl.transports.wsman_faults import Failure

NAMES = ("name", "port", "tls", "authentication")
"""The legs, in the order in which each needs the one before it."""
SOON = timedelta(days=30)
"""How long before its end a certificate is worth a warning."""
_OUT_OF_DATE_OR_OF_ANOTHER = (10, 62, 64)
"""What OpenSSL calls a certificate that has expired, or that is another name's or address's."""
_HINTS = {
    "tls": "Something else than WinRM may listen there; or the connection was cut: try again.",
    "authentication": "Something else than WinRM may listen there, or the port speaks TLS; or try again.",
}
"""What failures mean that say nothing themselves."""


class Leg(NamedTuple):
    """What became of one leg.

    Attributes:
        name: Which leg it is.
        status: Whether it is as it should be.
        message: What was seen.
        meaning: What that means, where it is not as it should be.
        command: What mends it, to be run here if it begins with hvctl, else in a PowerShell on the host.
    """

    name: str
    status: Literal["ok", "warning", "failed", "skipped"]
    message: str
    meaning: str | None = None
    command: str | None = None


def walk(endpoint: Endpoint, *, configured: bool = False) -> Iterator[Leg]:
    """Try the legs of the way to an endpoint, up to the first that fails; those after it are skipped.

    Args:
        endpoint: Where the host is, and how it is to be logged in there.
        configured: Whether the configuration has an entry for it.

    Raises:
        UsageError: What is said of the endpoint does not fit together; nothing was contacted.
    """
    replace(endpoint, user=endpoint.user or "anybody").check()
    yield from _Walk(endpoint, configured=configured).legs()


class _Walk:
    """One way to an endpoint, of which more and more becomes known."""

    def __init__(self, endpoint: Endpoint, *, configured: bool) -> None:
        self._endpoint = endpoint
        self._configured = configured

    def legs(self) -> Iterator[Leg]:
        broken: str | None = None
        for name, look in zip(NAMES, (self._name, self._port, self._tls, self._authentication), strict=True):
            leg = self._tried(name, look) if broken is None else Leg(name, "skipped", f"not tried: {broken} failed")
            yield leg
            if leg.status == "failed":
                broken = name

    def _tried(self, name: str, look: Callable[[], Leg]) -> Leg:
        try:
            return look()
        except Failure as failure:
            return Leg(name, "failed", failure.message, failure.hint or _HINTS.get(name), self._mending(name, failure))
        except HvctlError as error:
            return Leg(name, "failed", error.message, error.hint, self._login_options(error))

    def _name(self) -> Leg:
        addresses = resolve(self._endpoint)
        if addresses == [self._endpoint.address]:
            return Leg("name", "ok", f"{self._endpoint.address} is an address")
        return Leg("name", "ok", f"{self._endpoint.address} is {', '.join(addresses)}")

    def _port(self) -> Leg:
        scheme, port = connect(self._endpoint)
        self._endpoint = replace(self._endpoint, scheme=scheme, port=port)
        return Leg("port", "ok", f"port {port} ({scheme}) is open")

    def _tls(self) -> Leg:
        if self._endpoint.scheme == "http":
            return Leg("tls", "ok", "there is none: over HTTP the login itself encrypts each message")
        version, expires = handshake(self._endpoint)
        if expires is None:
            meaning = "Anyone between can read along and pretend to be the host."
            return Leg("tls", "warning", f"{version}; the certificate was not checked", meaning)
        message = f"{version}; the certificate is trusted, and good until {expires:%Y-%m-%d}"
        if expires - datetime.now(UTC) < SOON:
            meaning = "When it has expired, hvctl refuses the connection."
            return Leg("tls", "warning", message, meaning, self._new_certificate())
        return Leg("tls", "ok", message)

    def _authentication(self) -> Leg:
        methods = offered(self._endpoint)
        said = f"the host offers {', '.join(methods) or 'no method'}"
        auth = self._endpoint.auth
        if auth is None:
            return Leg("authentication", "ok", f"{said}; chosen: {choose(self._endpoint, methods)}")
        if auth != "certificate" and not offers(auth, methods):
            meaning = f"It takes no login by {auth}: turn that on there, or choose another --auth."
            return Leg("authentication", "failed", f"{said}, not {auth}", meaning, ENABLING[auth])
        if not self._endpoint.user and auth in ("basic", "ntlm", "credssp"):
            return Leg("authentication", "failed", f"{said}; no user is named", None, self._again("--user USER"))
        return Leg("authentication", "ok", f"{said}; {auth} is used")

    def _mending(self, name: str, failure: Failure) -> str | None:
        if name == "name":
            known = self._configured
            entry = f"set {word(self._endpoint.name)}" if known else f"add {word(self._endpoint.address)}"
            return f"hvctl config host {entry} --address ADDRESS"
        if name == "port":
            return self._opening(failure)
        return self._trusting(failure) if name == "tls" else self._answering(failure)

    def _opening(self, failure: Failure) -> str:
        """What opens the port: a rule of the firewall where nobody answers, else a listener."""
        scheme, port = self._endpoint.choices[-1]
        if scheme == "http":
            return "Enable-PSRemoting -Force"
        if failure.hint == silent("").hint:
            rule = "New-NetFirewallRule -DisplayName 'WinRM over HTTPS' -Direction Inbound -Protocol TCP"
            return f"{rule} -LocalPort {port} -Action Allow"
        return "winrm quickconfig -transport:https"

    def _trusting(self, failure: Failure) -> str:
        code = getattr(failure.__cause__, "verify_code", None)
        if code in _OUT_OF_DATE_OR_OF_ANOTHER:
            return self._new_certificate()
        if code is not None:
            return self._again("--ca-file FILE", keep=True)
        return f"hvctl host check {word(self._url('http'))} --auth ntlm"

    def _answering(self, failure: Failure) -> str | None:
        if self._endpoint.scheme == "http" and failure.kind in ("doubt", "silence"):
            return f"hvctl host check {word(self._url('https'))}"
        return None

    def _url(self, scheme: Scheme) -> str:
        return replace(self._endpoint, scheme=scheme).url

    def _new_certificate(self) -> str:
        store = r"-CertStoreLocation Cert:\LocalMachine\My"
        selector = "-SelectorSet @{Address='*';Transport='HTTPS'}"
        made = f"(New-SelfSignedCertificate -DnsName {quote(self._endpoint.address)} {store}).Thumbprint"
        return f"Set-WSManInstance winrm/config/Listener {selector} -ValueSet @{{CertificateThumbprint={made}}}"

    def _login_options(self, error: HvctlError) -> str | None:
        if not isinstance(error, UsageError):
            return ENABLING["ntlm"]
        return self._again("--user USER" if not self._endpoint.user else "--auth basic")

    def _again(self, options: str, *, keep: bool = False) -> str:
        """This check with other options, or, where they are to be `kept`, the configuration's entry with them."""
        verb = "config host set" if keep and self._configured else "host check"
        return f"hvctl {verb} {word(self._endpoint.name)} {options}"
