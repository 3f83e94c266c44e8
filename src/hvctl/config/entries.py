"""What the configuration says of a host, and the rules that its names and values keep.

A rule raises ValueError with the end of a sentence, such as "must be true or false": whoever read the value knows
where it stands and how the sentence begins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AUTHS = ("basic", "certificate", "credssp", "kerberos", "ntlm")
"""The ways to log in to a host."""

_TAKEN = ("lab", "localhost", ".")
_NOT_IN_NAMES = " :/@,*?["
_HOST_NAME = re.compile(r"[^\W_](?:[\w.-]*\w)?\.?")


@dataclass(frozen=True, slots=True)
class HostEntry:
    """A configured host; None is what its entry does not say.

    Attributes:
        name: What it is called on the command line, as its entry writes it.
        address: A host name, an IP address, or a URL such as `https://hv01.example.com:5986/wsman`.
        user: Who logs in.
        auth: How, one of `AUTHS`.
        ca_file: Certificates of the authorities that the host's certificate is checked against; absolute.
        cert_file: The certificate to log in with; absolute.
        key_file: Its key; absolute.
        verify: Whether the host's certificate is checked.
        keyring: Whether `hvctl config login` put its password into the platform's key store.
    """

    name: str
    address: str | None = None
    user: str | None = None
    auth: str | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    verify: bool | None = None
    keyring: bool = False

    @classmethod
    def of(cls, name: str, values: Mapping[str, Any], folder: Path) -> HostEntry:
        """The entry of checked values; relative paths begin at `folder`."""
        paths = {key: folder / Path(values[key]).expanduser() for key in PATHS if key in values}
        return cls(name, **{**values, **paths})


def check_name(name: str) -> None:
    """Make sure that a host or a group can be called that.

    Raises:
        ValueError: It cannot, and why.
    """
    if name.casefold() in _TAKEN:
        raise ValueError(f"cannot be called '{name}': that name is taken")
    if not name or name.startswith("-") or not name.isprintable() or any(mark in name for mark in _NOT_IN_NAMES):
        raise ValueError(
            f"cannot be called '{name}': a name has no blanks, colons, slashes, commas, wildcards or @ in it, "
            "and does not begin with a dash"
        )


def check_member(name: object) -> None:
    """Make sure that a group can have a member of that name: a host, this machine, or a host of the lab.

    Raises:
        ValueError: It cannot.
    """
    if isinstance(name, str):
        if name.casefold() in ("lab", "localhost"):
            return
        inner = name[4:] if name.casefold().startswith("lab/") else name
        try:
            check_name(inner)
        except ValueError:
            pass
        else:
            return
    raise ValueError("must be a list of hosts' names; a group has no groups in it")


def _text(value: object) -> None:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError("must be text that is not empty")


def _flag(value: object) -> None:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")


def _auth(value: object) -> None:
    if value not in AUTHS:
        raise ValueError(f"must be one of {', '.join(AUTHS)}")


def _address(value: object) -> None:
    if isinstance(value, str):
        if value.lower().startswith(("http://", "https://")):
            return _url(value)
        if _HOST_NAME.fullmatch(value) or _is_ip(value):
            return None
    raise ValueError("must be a host name, an IP address, or a URL such as https://hv01.example.com:5986")


def _url(value: str) -> None:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(value)
        fits = parts.hostname is not None and (_HOST_NAME.fullmatch(parts.hostname) or _is_ip(parts.hostname))
        fits = fits and parts.port != 0 and not parts.query and not parts.fragment and value.isprintable()
    except ValueError:
        fits = False
    if "@" in value:
        raise ValueError("must not hold a user or a password")
    if not fits or " " in value:
        raise ValueError("must be a URL such as https://hv01.example.com:5986/wsman")


def _is_ip(value: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


RULES: dict[str, Callable[[object], None]] = {
    "address": _address,
    "user": _text,
    "auth": _auth,
    "ca_file": _text,
    "cert_file": _text,
    "key_file": _text,
    "verify": _flag,
    "keyring": _flag,
}
"""The keys of a host's entry, in the order that they are written in, and what each may hold."""

PATHS = ("ca_file", "cert_file", "key_file")
"""The keys that name files."""
