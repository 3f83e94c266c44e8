"""Where a host's WinRM listens, and how to log in there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from hvctl.errors import UsageError

Auth = Literal["basic", "certificate", "ntlm", "kerberos", "credssp"]
Scheme = Literal["http", "https"]

AUTHS: tuple[Auth, ...] = get_args(Auth)
PORTS: dict[Scheme, int] = {"https": 5986, "http": 5985}
SEALING: tuple[Auth, ...] = ("ntlm", "kerberos", "credssp")
"""The methods that can encrypt messages themselves: only they may go over plain HTTP."""
_SCHEMES: dict[str, Scheme] = {"http": "http", "https": "https"}
_PATH = "/wsman"
_NAME = re.compile(r"[^\W_](?:[\w.-]*\w)?\.?")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A WinRM listener and a login. What is None is found out when the host is first contacted.

    Attributes:
        name: The host as the user wrote it; it stands in results and errors.
        address: Its host name, or IP address without brackets.
        scheme: `http` always means that each message is encrypted.
        path: The path of the URL.
        user: Who logs in; none with a certificate, and with a Kerberos ticket that is there already.
        ca_file: The authorities to trust in place of the system's.
        cert_file: The certificate to log in with, PEM.
        key_file: Its key, PEM.
        verify: Whether the server's certificate is checked.
        delegate: Whether a forwardable Kerberos ticket goes on to the host.
        password: Says the password when it is needed, and may ask for it.
    """

    name: str
    address: str
    scheme: Scheme | None = None
    port: int | None = None
    path: str = _PATH
    user: str | None = None
    auth: Auth | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    verify: bool = True
    delegate: bool = False
    password: Callable[[], str] | None = field(default=None, compare=False, repr=False)

    @property
    def url(self) -> str:
        """The URL that messages are posted to; both `scheme` and `port` must be known."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    @property
    def choices(self) -> tuple[tuple[Scheme, int], ...]:
        """Where the listener may be, what is tried first standing first."""
        if self.scheme is not None:
            return ((self.scheme, self.port or PORTS[self.scheme]),)
        schemes: tuple[Scheme, ...] = ("https",) if self.auth in ("basic", "certificate") else ("https", "http")
        return tuple((scheme, PORTS[scheme]) for scheme in schemes)

    def check(self) -> None:
        """Make sure that the parts fit together.

        Raises:
            UsageError: They do not; no host has been contacted.
        """
        if self.auth is not None and self.auth not in AUTHS:
            raise UsageError(f"'{self.auth}' is no way to log in.", hint=f"Choose one of {', '.join(AUTHS)}.")
        if self.scheme == "http" and self.auth in ("basic", "certificate"):
            raise UsageError(
                f"--auth {self.auth} over plain HTTP is refused: the login and every message would be readable.",
                hint=f"Use https://{self.address}, or --auth ntlm, which encrypts each message.",
            )
        if (self.cert_file is None) != (self.key_file is None):
            raise UsageError("A certificate needs both --cert-file and --key-file.")
        if self.auth == "certificate" and self.cert_file is None:
            raise UsageError("--auth certificate needs --cert-file and --key-file.")
        if not self.user and self.auth in ("basic", "ntlm", "credssp"):
            raise UsageError(
                f"--auth {self.auth} needs a user.", hint="Name one with --user, HVCTL_USER or `user` in its entry."
            )
        for path in (self.ca_file, self.cert_file, self.key_file):
            if path is not None and not path.is_file():
                raise UsageError(f"There is no file {path}.")


def parse(name: str, text: str) -> Endpoint:
    """The endpoint of a host name, an IP address, or a URL.

    Args:
        name: What the user calls the host.
        text: Where it is.

    Raises:
        UsageError: It is none of these.
    """
    if "://" in text:
        return _of_url(name, text)
    address = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    _refuse_zone(address)
    if _is_ipv6(address) or _NAME.fullmatch(address):
        return Endpoint(name, address)
    before, colon, after = text.rpartition(":")
    if colon and after.isdigit() and _NAME.fullmatch(before):
        raise UsageError(
            f"'{text}' is no host: the colon belongs to HOST:VM addresses.",
            hint=f"A port stands in a URL: {'http' if after == '5985' else 'https'}://{text}",
        )
    raise UsageError(f"'{text}' is no host name, IP address or URL.")


def _of_url(name: str, text: str) -> Endpoint:
    try:
        parts = urlsplit(text)
        port, address = parts.port, parts.hostname or ""
    except ValueError as error:
        raise UsageError(f"'{text}' is no URL: {error}.") from error
    if "@" in parts.netloc:
        # The text is not repeated: it may hold a password.
        raise UsageError("A host's URL holds no user and no password.", hint="Name the user with --user.")
    _refuse_zone(address)
    scheme = _SCHEMES.get(parts.scheme)
    fits = (_is_ipv6(address) or _NAME.fullmatch(address)) and text.isprintable() and " " not in text
    if scheme is None or not fits or port == 0 or parts.query or parts.fragment:
        raise UsageError(f"'{text}' is no URL of a host.", hint="Such as https://hv01.example.com:5986/wsman")
    path = _PATH if parts.path in ("", "/") else parts.path
    return Endpoint(name, address, scheme, port or PORTS[scheme], path)


def _refuse_zone(address: str) -> None:
    before, zone, _ = address.partition("%")
    if zone and _is_ipv6(before):
        raise UsageError(
            f"'{address}' names a network of this machine, which no URL of a host can.",
            hint="Use the host's name, or an address of it that is not link-local.",
        )


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True
