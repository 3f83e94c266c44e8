"""What can be known of a WinRM endpoint without a login: its addresses, its port, its TLS, the methods it offers."""

from __future__ import annotations

import errno
import os
import re
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

import requests

from hvctl.errors import AccessError, UsageError
from hvctl.transports.endpoint import Auth, Endpoint, Scheme
from hvctl.transports.http_sessions import deadline, harden
from hvctl.transports.winrm_errors import broken_tls, failure_of, silent, speechless, unresolved
from hvctl.transports.winrm_protocol import CONNECT, missing_extra
from hvctl.transports.wsman_faults import Failure, http_status

_READ = 10.0
_WHOLE = 15.0
"""Seconds in which a whole answer must be there."""
_PREFERRED = 1.0
"""Seconds that the better port has left once the other one is open."""
_METHOD = re.compile(r"(?:^|,)\s*([A-Za-z]+)(?=\s|,|$)")
_QUOTED = re.compile(r'"[^"]*"')
_UNDER_WAY = (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN, getattr(errno, "WSAEWOULDBLOCK", 0))
_WORDS: dict[Auth, tuple[str, ...]] = {
    "basic": ("basic",),
    "ntlm": ("negotiate", "ntlm"),
    "kerberos": ("kerberos", "negotiate"),
    "credssp": ("credssp",),
    "certificate": (),
}
"""What a server says that offers a method; of certificates it says nothing."""


class Tls(NamedTuple):
    """What a TLS handshake has shown; `expires` is None where the certificate was not checked."""

    version: str
    expires: datetime | None


def settle(endpoint: Endpoint, say: Callable[[str], None]) -> Endpoint:
    """The endpoint with its scheme, port and method known; what the user has said of them is kept.

    Args:
        endpoint: What is known so far.
        say: Told what was chosen.

    Raises:
        Failure: Nobody answers, or the answer is not WinRM's.
        UsageError: The host leaves only a method that needs the user's word.
        AccessError: It offers no method that can be used.
    """
    if endpoint.auth is None and not endpoint.user and missing_extra("kerberos") is not None:
        raise _no_user(endpoint)
    if endpoint.scheme is None or len(resolve(endpoint)) > 1:
        scheme, port = connect(endpoint)
        if endpoint.scheme is None:
            say(f"{endpoint.name}: port {port} ({scheme}) is open")
        endpoint = replace(endpoint, scheme=scheme, port=port)
    if endpoint.auth is None:
        methods = offered(endpoint)
        endpoint = replace(endpoint, auth=choose(endpoint, methods))
        say(f"{endpoint.name} offers {', '.join(methods) or 'no method'}; chosen: {endpoint.auth}")
    endpoint.check()
    return endpoint


def resolve(endpoint: Endpoint, seconds: float = CONNECT) -> list[str]:
    """The addresses of the endpoint's name.

    Raises:
        Failure: There are none, or nobody said so in time.
    """
    found: list[str] = []

    def look() -> None:
        try:
            infos = socket.getaddrinfo(endpoint.address, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.extend(dict.fromkeys(str(info[4][0]) for info in infos))

    # A resolver whose servers do not answer takes its own time, and cannot be interrupted.
    thread = threading.Thread(target=look, name="resolver", daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        raise unresolved(endpoint.address)
    return found


def connect(endpoint: Endpoint, seconds: float = CONNECT) -> tuple[Scheme, int]:
    """The scheme and port that take a connection, the preferred one if both do.

    Raises:
        Failure: None does within `seconds`.
    """
    give_up = time.monotonic() + seconds
    addresses = resolve(endpoint, seconds)
    with _Race() as race:
        for rank, (_, port) in enumerate(endpoint.choices):
            for address in addresses:
                race.start(rank, address, port)
        best = race.run(give_up)
    if best is not None:
        return endpoint.choices[best]
    where = " and ".join(replace(endpoint, scheme=scheme, port=port).url for scheme, port in endpoint.choices)
    raise silent(where) if race.waiting or not race.error else failure_of(race.error, where)


def handshake(endpoint: Endpoint) -> Tls:
    """Do a TLS handshake as a login would.

    Raises:
        Failure: It fails, or the certificate is refused.
    """
    context = ssl.create_default_context(cafile=None if endpoint.ca_file is None else str(endpoint.ca_file))
    if not endpoint.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((endpoint.address, endpoint.port or 0), CONNECT) as raw,
            context.wrap_socket(raw, server_hostname=endpoint.address) as wrapped,
        ):
            end = (wrapped.getpeercert() or {}).get("notAfter")
            version = wrapped.version() or "TLS"
    except (ConnectionResetError, ConnectionAbortedError, BrokenPipeError) as error:
        raise broken_tls() from error  # as where it is closed: which of them it is is chance
    except (OSError, ValueError) as error:
        raise failure_of(error, endpoint.url) from error
    return Tls(version, datetime.fromtimestamp(ssl.cert_time_to_seconds(end), UTC) if isinstance(end, str) else None)


def offered(endpoint: Endpoint) -> tuple[str, ...]:
    """The authentication methods that the server offers, in its own words, from one empty request without a login.

    Raises:
        Failure: It cannot be reached, or what answers is not WinRM.
    """
    session = requests.Session()
    with session, deadline(lambda: session, _WHOLE) as limit:
        try:
            harden(session, url=endpoint.url, verify=endpoint.verify, own_authority=endpoint.ca_file is not None)
            session.verify = str(endpoint.ca_file) if endpoint.verify and endpoint.ca_file else endpoint.verify
            answer = session.post(
                endpoint.url,
                headers={"Content-Type": "application/soap+xml;charset=UTF-8"},
                timeout=(CONNECT, _READ),
                allow_redirects=False,
            )
            lines = answer.raw.headers.getlist("WWW-Authenticate")
        except Exception as error:
            raise (speechless(endpoint.url) if limit.is_over else failure_of(error, endpoint.url)) from error
        if limit.is_over:
            raise speechless(endpoint.url)  # a head that was cut looks like one that is complete
    if answer.status_code != 401:
        raise http_status(answer.status_code if answer.status_code >= 400 else 404)
    return tuple(dict.fromkeys(word for line in lines for word in _METHOD.findall(_QUOTED.sub("", line))))


def choose(endpoint: Endpoint, methods: Iterable[str]) -> Auth:
    """The method to log in with, of those that a server offers.

    Raises:
        UsageError: There is no user, or only a method that the user must ask for.
        AccessError: There is none that can be used.
    """
    has_kerberos = offers("kerberos", methods) and missing_extra("kerberos") is None
    if not endpoint.user:
        if has_kerberos:
            return "kerberos"
        raise _no_user(endpoint)
    if offers("ntlm", methods):
        return "ntlm"
    if has_kerberos:
        return "kerberos"
    if offers("basic", methods) and endpoint.scheme == "https":
        if endpoint.verify:
            return "basic"
        raise UsageError(
            f"{endpoint.name} offers only Basic, which hands the password over, and its certificate is not checked.",
            hint="Give --ca-file in place of --insecure; or add --auth basic if you mean it.",
        )
    raise AccessError(
        f"{endpoint.name} offers no method that can be used: {', '.join(methods) or 'none'}.",
        hint="On the host: Enable-PSRemoting turns Negotiate on. Kerberos and CredSSP need hvctl[kerberos] or "
        "hvctl[credssp] and --auth.",
        host=endpoint.name,
    )


def _no_user(endpoint: Endpoint) -> UsageError:
    return UsageError(f"{endpoint.name} needs a user.", hint="Name one with --user, HVCTL_USER or `user` in its entry.")


def refused_login(endpoint: Endpoint, failure: Failure) -> AccessError:
    """The error of a refused login, with what the server offers and what to look at, the likeliest first."""
    try:
        methods: tuple[str, ...] | None = offered(endpoint)
    except Failure:
        methods = None
    auth = endpoint.auth or "ntlm"
    who = f" of {endpoint.user}" if endpoint.user else ""
    offer = f"; it offers {', '.join(methods) or 'no method'}" if methods is not None else ""
    if methods is not None and auth != "certificate" and not offers(auth, methods):
        advice = [f"{auth} is not enabled there: choose another --auth, or on the host: {ENABLING[auth]}"]
    else:
        advice = _advice(endpoint, auth)
    error = failure.as_error(endpoint.name)
    return AccessError(
        f"{endpoint.name} refuses the login{who} by {auth}{offer}.",
        hint=" ".join(advice),
        host=endpoint.name,
        cmdlet_error=error.cmdlet_error,
    )


ENABLING: dict[Auth, str] = {
    "basic": "Set-Item WSMan:\\localhost\\Service\\Auth\\Basic $true",
    "ntlm": "Set-Item WSMan:\\localhost\\Service\\Auth\\Negotiate $true",
    "kerberos": "Set-Item WSMan:\\localhost\\Service\\Auth\\Kerberos $true",
    "credssp": "Enable-WSManCredSSP -Role Server",
    "certificate": "Set-Item WSMan:\\localhost\\Service\\Auth\\Certificate $true",
}
"""The command on a host that turns a method on."""


def _advice(endpoint: Endpoint, auth: Auth) -> list[str]:
    if auth == "certificate":
        mapping = "Look at the certificate's mapping to a user there (WSMan:\\localhost\\ClientCertificate)."
        return [mapping, f"Is its method on? {ENABLING[auth]}"]
    if auth == "kerberos":
        return ["Is there a ticket (klist), is --host the name in the domain, and is the clock right?"]
    wrong = "The user name or the password is wrong, or the account is locked, disabled or expired."
    if auth == "basic":
        return [wrong, "Basic knows only accounts of the host itself: for one of a domain use --auth ntlm."]
    advice = [wrong, "An account of a domain is written DOMAIN\\user or user@domain."]
    advice.append("An account of the host other than Administrator needs LocalAccountTokenFilterPolicy = 1 there.")
    if endpoint.scheme == "https":
        advice.append("Where a proxy ends the TLS, the host's channel binding (CbtHardeningLevel) refuses every login.")
    return advice


def offers(auth: Auth, methods: Iterable[str]) -> bool:
    """Whether a server that offers these methods takes a login by `auth`; of certificates it never says so."""
    return any(method.lower() in _WORDS[auth] for method in methods)


class _Race:
    """Connections begun at the same time; the best rank wins."""

    def __init__(self) -> None:
        self.error: OSError | None = None
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> _Race:
        return self

    def __exit__(self, *_: object) -> None:
        self.waiting = bool(self._selector.get_map())
        for key in list(self._selector.get_map().values()):
            key.data[1].close()
        self._selector.close()

    def start(self, rank: int, address: str, port: int) -> None:
        """Begin a connection."""
        family, kind, protocol, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, protocol)
        sock.settimeout(0.0)
        code = sock.connect_ex(where)
        if code in _UNDER_WAY:
            self._selector.register(sock, selectors.EVENT_WRITE, (rank, sock))
        else:
            self._fail(sock, code)

    def run(self, give_up: float) -> int | None:
        """The best rank that is connected when it is clear that none better will be."""
        best: int | None = None
        while self._selector.get_map() and (left := give_up - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                rank, sock = key.data
                self._selector.unregister(sock)
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code:
                    self._fail(sock, code)
                    continue
                sock.close()
                best = rank if best is None else min(best, rank)
                give_up = min(give_up, time.monotonic() + _PREFERRED)
            if best is not None and all(key.data[0] >= best for key in self._selector.get_map().values()):
                break
        return best

    def _fail(self, sock: socket.socket, code: int) -> None:
        self.error = OSError(code, os.strerror(code))
        sock.close()
