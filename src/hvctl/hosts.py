"""Which host a command means, and the transport that reaches it.

The lab is never a silent fallback: a forgotten setting in a CI job must not look like success.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hvctl.config import default_host, home, host, load
from hvctl.errors import UsageError
from hvctl.transports.base import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hvctl.transports.endpoint import Endpoint
    from hvctl.transports.legs import Leg

LOCAL_NAMES = ("localhost", ".")
HOW_TO_CHOOSE = (
    "Name one with --host, or HVCTL_HOST: a name or URL, localhost for this machine, lab for the simulator. "
    "`hvctl lab use` makes the simulator the default."
)


@dataclass(frozen=True, slots=True)
class Target:
    """A host: its name on the command line, what kind it is, and its name within that kind or where it listens."""

    name: str
    kind: Literal["lab", "local", "winrm"]
    inner: str | None = None
    endpoint: Endpoint | None = None


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in, as it was given for one command; None is what was not given.

    Attributes:
        verify: False skips the check of the server's certificate.
        password: What was read from standard input.
        find_password: Finds the password of a host and its user, in place of what is read, kept or asked for.
    """

    user: str | None = None
    auth: str | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    verify: bool | None = None
    password: str | None = field(default=None, repr=False)
    find_password: Callable[[str, str], str] | None = field(default=None, repr=False)


def choose(named: str | None = None) -> Target:
    """The host a command means: `--host`, else `HVCTL_HOST`, else the configured default, else this machine's Hyper-V.

    Raises:
        UsageError: None is named and this machine has no Hyper-V, or the name is not known.
    """
    name = named or os.environ.get("HVCTL_HOST") or default_host()
    if name:
        return find(name)
    if has_hyper_v():
        return Target("localhost", "local")
    raise UsageError("No host is named, and this machine has no Hyper-V.", hint=HOW_TO_CHOOSE)


def choose_all(named: Sequence[str] = (), *, every: bool = False) -> list[Target]:
    """The hosts a command means, each once: those named, `@GROUP` for a group's; else the one that `choose` finds.

    Args:
        named: What `--host` says: names, groups, several as `A,B`.
        every: All hosts of the configuration; where the lab is the default, all of the lab.

    Raises:
        UsageError: None is named, or a name or group is not known.
    """
    texts = list(named) or [text for text in (os.environ.get("HVCTL_HOST") or default_host(),) if text]
    if every:
        if named:
            raise UsageError("--host and --all-hosts contradict each other.")
        return _every_host(texts)
    names = [part.strip() for text in texts for part in text.split(",")]
    if not names:
        return [choose()]
    if not all(names):
        raise UsageError("The name of a host is empty.", hint=HOW_TO_CHOOSE)
    expanded = [member for name in names for member in _members(name)]
    return list({target.name: target for target in map(find, expanded)}.values())


def _members(name: str) -> Sequence[str]:
    """The hosts of a group, `@NAME`; any other name is one host's."""
    if not name.startswith("@"):
        return (name,)
    configuration = load()
    members = configuration.group(name[1:])
    if members is None:
        known = ", ".join(configuration.groups) or "none"
        raise UsageError(f"There is no group '{name}'.", hint=f"The groups are: {known}.")
    if not members:
        raise UsageError(f"The group '{name}' has no hosts.")
    return members


def _every_host(default: Sequence[str]) -> list[Target]:
    if default and _is_lab(default[0]):
        return siblings(find("lab"))
    names = list(load().hosts)
    if not names:
        raise UsageError("No host is configured.", hint="Add one: hvctl config host add NAME --address ADDRESS")
    return [find(name) for name in names]


def every_host() -> list[Target]:
    """All hosts there are: of the lab, where that is the default; else the configured ones, this machine, the default.

    Raises:
        UsageError: There is none.
    """
    named = os.environ.get("HVCTL_HOST") or default_host()
    if named and _is_lab(named):
        return siblings(find("lab"))
    known = [find(name) for name in load().hosts]
    if has_hyper_v():
        known.append(Target("localhost", "local"))
    if named or not known:
        known += choose_all()
    return list({target.name: target for target in known}.values())


def _is_lab(names: str) -> bool:
    return names.partition(",")[0].partition("/")[0].lower() == "lab"


def find(name: str) -> Target:
    """The host of a name: this machine, the lab's, a configured one, else one to be reached by that name or URL.

    Raises:
        UsageError: Nothing can be called that, or what the configuration or the environment says of it is wrong.
    """
    known = _known(name)
    if known is not None:
        return known
    from hvctl.transports.endpoint import parse

    if name.lower() != "lab/" and name.strip():
        return Target(name, "winrm", endpoint=_with_environment(parse(name, name)))
    raise UsageError(f"No host is called '{name}'.", hint=HOW_TO_CHOOSE)


def _known(name: str) -> Target | None:
    """The host of a name that stands for one without doubt."""
    lowered = name.lower()
    if lowered in LOCAL_NAMES:
        return Target("localhost", "local")
    if lowered == "lab":
        return Target("lab", "lab", None)
    if lowered.startswith("lab/") and lowered != "lab/":
        return Target(lowered, "lab", lowered.removeprefix("lab/"))
    entry = host(name)
    if entry is None:
        return None
    from hvctl.transports.endpoint import parse

    said = {key: getattr(entry, key) for key in ("user", "auth", "ca_file", "cert_file", "key_file", "verify")}
    endpoint = replace(parse(entry.name, entry.address or entry.name), **_given(said))
    return Target(entry.name, "winrm", endpoint=_with_environment(endpoint))


def _with_environment(endpoint: Endpoint) -> Endpoint:
    from hvctl.transports.endpoint import AUTHS

    said: dict[str, Any] = {key: os.environ.get(f"HVCTL_{key.upper()}") or None for key in ("user", "auth")}
    auth = said["auth"]
    if auth is not None:
        said["auth"] = auth.lower()
        if said["auth"] not in AUTHS:
            raise UsageError(f"HVCTL_AUTH is '{auth}'.", hint=f"Set it to one of {', '.join(AUTHS)}.")
    for key in ("ca_file", "cert_file", "key_file"):
        text = os.environ.get(f"HVCTL_{key.upper()}")
        said[key] = Path(text) if text else None
    return replace(endpoint, **_given(said))


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def siblings(target: Target) -> list[Target]:
    """All hosts of the same kind: every host of the lab's world, or this machine alone.

    A host that the lab lacks stands alone, for its transport to refuse.
    """
    if target.kind != "lab":
        return [target]
    from hvctl.lab.world import World, host_names

    if not lab_file().exists():
        World.open(lab_file()).close()
    found = [Target(f"lab/{name}", "lab", name) for name in host_names(lab_file())]
    missing = target.inner is not None and target.inner.lower() not in (str(each.inner).lower() for each in found)
    return [target] if missing else found


def split_address(text: str, named: Sequence[str] = ()) -> tuple[str | None, str]:
    """A host and a name from `HOST:NAME`; `:NAME`, and a name whose first part is no known host, are plain names.

    Known are the lab's hosts, this machine, configured hosts, and those that `--host` or `HVCTL_HOST` name.

    Args:
        text: What was written.
        named: What `--host` says.
    """
    before, colon, after = text.partition(":")
    if not colon:
        return None, text
    if not before:
        return None, after
    known = _known(before)
    if known is None:
        texts = [*named, os.environ.get("HVCTL_HOST") or ""]
        names = [part.strip() for each in texts for part in each.split(",")]
        known = next((find(name) for name in names if name and name.lower() == before.lower()), None)
    return (None, text) if known is None else (known.name, after)


def open_transport(
    target: Target,
    *,
    use_pwsh: bool = False,
    login: Login | None = None,
    timeout: float | None = None,
    say: Callable[[str], None] | None = None,
) -> Transport:
    """The transport that reaches a host; nothing is started yet.

    Args:
        target: The host.
        use_pwsh: Prefer PowerShell 7 to Windows PowerShell.
        login: How to log in; what is not given is what the environment or the configuration says.
        timeout: Seconds that the work may take; a remote shell lives longer.
        say: Told what was chosen where the user left it open.

    Raises:
        UsageError: What is said of the host and the login does not fit together.
    """
    if target.kind == "lab":
        from hvctl.lab.transport import LabTransport

        return LabTransport(lab_file(), target.inner or "", name=target.name)
    if target.kind == "local":
        from hvctl.transports.local import LocalTransport

        return LocalTransport(target.name, use_pwsh=use_pwsh)
    from hvctl.transports.winrm import WinRMTransport

    endpoint = _with_login(target, login or Login())
    endpoint.check()
    return WinRMTransport(endpoint, timeout=timeout, use_pwsh=use_pwsh, say=say)


def _with_login(target: Target, login: Login) -> Endpoint:
    """The target's endpoint with what was given for this command."""
    assert target.endpoint is not None
    said = {key: getattr(login, key) for key in ("user", "auth", "ca_file", "cert_file", "key_file", "verify")}
    endpoint = replace(target.endpoint, **_given(said))
    if endpoint.auth is None and endpoint.cert_file is not None:
        endpoint = replace(endpoint, auth="certificate")
    if endpoint.user is None:
        return endpoint
    from hvctl import credentials

    find = login.find_password or partial(credentials.password, typed=login.password)
    return replace(endpoint, password=partial(find, target.name, endpoint.user))


def user_with_password(target: Target, login: Login) -> str | None:
    """Who logs in to a host by a password; None where nobody does."""
    if target.endpoint is None:
        return None
    endpoint = _with_login(target, login)
    return None if endpoint.auth in ("certificate", "kerberos") else endpoint.user


def legs(target: Target, login: Login) -> Iterator[Leg]:
    """Try each leg of the way to a host that needs no login; after one that fails the others are skipped.

    Raises:
        UsageError: What is said of the host and the login does not fit together; nothing was contacted.
    """
    from hvctl.transports.legs import NAMES, Leg, walk

    if target.endpoint is None:
        words = "the lab has no network" if target.kind == "lab" else "no network lies between: it is this machine"
        yield from (Leg(name, "skipped", words) for name in NAMES)
        return
    yield from walk(_with_login(target, login), configured=host(target.name) is not None)


def require_reachable(target: Target) -> None:
    """Make sure that a host over the network answers at all, within seconds; without logging in.

    Raises:
        UnreachableError: It does not.
    """
    if target.endpoint is None:
        return
    from hvctl.transports.probe import connect
    from hvctl.transports.wsman_faults import Failure

    try:
        connect(target.endpoint)
    except Failure as failure:
        raise failure.as_error(target.name) from failure


def lab_file() -> Path:
    """The file that holds the lab's world."""
    return home().lab


def has_hyper_v() -> bool:
    """Whether this machine runs Hyper-V: its management service is registered. No PowerShell is started to know."""
    if sys.platform != "win32":
        return False
    import winreg

    try:
        winreg.CloseKey(winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Services\vmms"))
    except OSError:
        return False
    return True
