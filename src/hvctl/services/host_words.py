"""What the legs of `host check` mean, in words, with the command that mends each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal, NamedTuple

from hvctl.errors import AccessError, HvctlError, UnsupportedError
from hvctl.powershell.literals import quote, word
from hvctl.units import format_duration

CLOSE = timedelta(minutes=1)
"""How far two clocks may differ without a word."""
KERBEROS = timedelta(minutes=5)
"""How far they may differ for Kerberos."""
_OLDEST = (5, 1)
_OLDEST_MODULE = (2, 0)
_SERVER = "Install-WindowsFeature Hyper-V -IncludeManagementTools -Restart"
_CLIENT = "Enable-WindowsOptionalFeature -Online -FeatureName Microsoft-Hyper-V -All"
_ADD = "Add-LocalGroupMember -SID {sid} -Member {user}"
_ADMINISTRATORS, _HYPER_V_ADMINISTRATORS = "S-1-5-32-544", "S-1-5-32-578"
_REMOTE_MANAGEMENT_USERS = "S-1-5-32-580"
_SHELL = r"Set-Item WSMan:\localhost\Shell"
_BY_CODE: Mapping[str, str] = {
    "2150859173": rf"{_SHELL}\MaxShellsPerUser 50",
    "2150859179": rf"{_SHELL}\MaxConcurrentUsers 50",
    "2150859180": rf"{_SHELL}\AllowRemoteShellAccess $true",
    "2150859229": "Enable-PSRemoting -Force",
    "2150859235": "Enable-PSRemoting -Force",
}
"""What mends a refusal of WinRM, by its fault code."""


class Found(NamedTuple):
    """What was found of one leg: the fields of a `HostCheck` without its name and host."""

    status: Literal["ok", "warning", "failed", "skipped"]
    message: str
    meaning: str | None = None
    command: str | None = None


def no_login(error: HvctlError, host: str, user: str | None) -> Found:
    """A login that was refused, or a PowerShell that was not started after it."""
    error_id = str((error.cmdlet_error or {}).get("error_id", ""))
    code = next(iter(re.findall(r"\((\d+)\)", error_id)), error_id.removeprefix("HTTP "))
    command = _BY_CODE.get(code)
    if isinstance(error, AccessError) and code in ("401", ""):
        command = f"hvctl host check {word(host)} --user USER --password-stdin"
    elif code == "5":
        command = _ADD.format(sid=_REMOTE_MANAGEMENT_USERS, user=quote(user or "USER"))
    return Found("failed", error.message, error.hint, command)


def no_powershell(error: HvctlError) -> Found:
    """A PowerShell that does not work with hvctl."""
    policy = "Get-AppLockerPolicy -Effective -Xml" if isinstance(error, UnsupportedError) else None
    return Found("failed", error.message, error.hint, policy)


def powershell(version: str | None, edition: str | None, language: str | None) -> Found:
    """The PowerShell that answered."""
    product = "PowerShell" if edition == "Core" else "Windows PowerShell"
    message = f"{product} {version or 'of an unknown version'}, {language or 'an unknown language mode'}"
    if version is not None and _numbers(version) < _OLDEST:
        return Found("failed", message, "hvctl needs Windows PowerShell 5.1: install WMF 5.1, or a newer Windows.")
    return Found("ok", message)


def rights(held: Sequence[str] | None, user: str | None) -> Found:
    """The groups that matter, of those that the login is in."""
    name = user or "USER"
    if held is None:
        return Found("skipped", "PowerShell there cannot tell")
    if "Administrators" in held:
        return Found("ok", ", ".join(held))
    if "Hyper-V Administrators" in held:
        return Found(
            "warning",
            "Hyper-V Administrators, but not Administrators",
            "Virtual machines and switches can be managed; hvctl storage, and deleting disks, may be denied.",
            _ADD.format(sid=_ADMINISTRATORS, user=quote(name)),
        )
    return Found(
        "failed",
        "neither Administrators nor Hyper-V Administrators",
        "Hyper-V shows this login nothing. On the host itself: is the terminal run as administrator? Over the network "
        "a local account has only half of its rights without LocalAccountTokenFilterPolicy.",
        _ADD.format(sid=_HYPER_V_ADMINISTRATORS, user=quote(name)),
    )


def module(version: str | None, product: str | None) -> Found:
    """The PowerShell module of Hyper-V."""
    if version is None:
        return Found("failed", "the module Hyper-V is not there", "hvctl works through it.", _install(product))
    if _numbers(version) < _OLDEST_MODULE:
        return Found("failed", f"the module Hyper-V is {version}", "hvctl needs 2.0: Windows Server 2016 or later.")
    return Found("ok", f"the module Hyper-V {version}")


def stopped(state: str | None, start_mode: str | None) -> Found:
    """The service that manages virtual machines, which does not run."""
    start = "Start-Service vmms"
    if start_mode == "Disabled":
        start = f"Set-Service vmms -StartupType Automatic; {start}"
    return Found("failed", f"the service vmms is {state}", "Hyper-V answers nothing; running VMs run on.", start)


def no_role(product: str | None) -> Found:
    """A host without the service that manages virtual machines."""
    return Found("failed", "there is no service vmms", "The Hyper-V role is not installed.", _install(product))


def modules(versions: Mapping[str, str]) -> Found:
    """The modules that only some commands need."""
    names = ("Storage", "FailoverClusters")
    message = ", ".join(f"{name} {versions[name]}" if name in versions else f"no {name}" for name in names)
    if "Storage" not in versions:
        return Found("warning", message, "hvctl storage does not work there.", "Get-Module -ListAvailable Storage")
    if "FailoverClusters" not in versions:
        meaning = "FailoverClusters is needed on the nodes of a cluster only."
        return Found("ok", message, meaning, "Install-WindowsFeature RSAT-Clustering-PowerShell")
    return Found("ok", message)


def clock(ahead: timedelta | None) -> Found:
    """The difference of the two clocks."""
    if ahead is None:
        return Found("skipped", "the host does not say what its clock shows")
    apart = abs(ahead)
    if apart <= CLOSE:
        return Found("ok", "it differs by less than a minute from this machine's")
    where = "ahead of" if ahead > timedelta() else "behind"
    message = f"it is {format_duration(round(apart.total_seconds()))} {where} this machine's"
    if apart <= KERBEROS:
        return Found("warning", message, "Beyond 5 minutes Kerberos refuses every login.", "w32tm /resync")
    meaning = (
        "Kerberos refuses logins, between hosts too; certificates and logs show wrong times. Which clock is right?"
    )
    return Found("failed", message, meaning, "w32tm /resync")


def second_hop(*, remote: bool, delegates: bool, migration: str | None) -> Found:
    """Whether what runs on the host can log in to a third machine as this user."""
    if not remote:
        return Found("ok", "whoever is signed in on the host itself can go on to other machines")
    if delegates:
        return Found("ok", "this login goes on to other machines: it was handed to the host")
    meaning = (
        "Paths on file shares are denied to hvctl there (what Hyper-V itself opens, it opens as the host's account). "
    )
    if migration == "Kerberos":
        meaning += "Live migration uses Kerberos: it works if the hosts' accounts trust each other for delegation."
        return Found("warning", "this login ends at the host", meaning, "Enable-WSManCredSSP -Role Server -Force")
    meaning += (
        "Live migration from this host fails (0x8009030E), unless run there, by --auth credssp, or with Kerberos."
    )
    return Found("warning", "this login ends at the host", meaning, "Enable-WSManCredSSP -Role Server -Force")


def _install(product: str | None) -> str:
    return _SERVER if product is None or "Server" in product else _CLIENT


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])
