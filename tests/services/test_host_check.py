"""What a session sees of a host: each leg, what it means, and the command that mends it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.support.scripted import Said, ScriptedTransport, error, record

from hvctl.errors import AccessError, CancelledError, HvctlError, NotFoundError, QuotaError, UnreachableError
from hvctl.models.host import HostCheck
from hvctl.services.host_check import LEGS, HostCheckService, plan_check
from hvctl.transports.session import Session
from hvctl.transports.wsman_faults import fault, http_status

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
HELLO = {
    "powershell": "5.1.20348.1",
    "edition": "Desktop",
    "language": "FullLanguage",
    "product": "Windows Server 2022 Datacenter",
    "rights": ["Administrators"],
    "modules": {"Hyper-V": "2.0.0.0", "Storage": "2.0.0.0", "FailoverClusters": "2.0.0.0"},
    "time": "2026-01-01T12:00:00.500Z",
}
SERVICE = record("service", State="Running", StartMode="Auto")
HOST = record("host", VirtualMachineMigrationAuthenticationType="CredSSP")


def transport_of(*said: Said, kind: str = "winrm", **hello) -> ScriptedTransport:
    transport = ScriptedTransport(lambda _: list(said), kind=kind)
    transport.hello = HELLO | hello
    return transport


def checked(transport: ScriptedTransport, **options) -> dict[str, HostCheck]:
    service = HostCheckService(Session(transport, clock=transport.clock), now=lambda: NOW, **options)
    rows = service.check()
    assert tuple(row.name for row in rows) == LEGS
    assert {row.host for row in rows} == {"hv01"}
    return {row.name: row for row in rows}


def leg(name: str, *said: Said, kind: str = "winrm", **hello) -> HostCheck:
    return checked(transport_of(*(said or (SERVICE, HOST)), kind=kind, **hello))[name]


def test_what_is_asked_reads_and_goes_on_whatever_fails():
    batch = plan_check()
    assert not batch.changes
    assert {step.on_error for step in batch.steps} == {"continue"}


def test_all_is_well():
    transport = transport_of(SERVICE, HOST)
    transport.delegates = True
    rows = checked(transport, user="admin")
    assert [(row.status, row.meaning, row.command) for row in rows.values()] == [("ok", None, None)] * len(LEGS)
    assert rows["login"].message == "admin is logged in"
    assert rows["powershell"].message == "Windows PowerShell 5.1.20348.1, FullLanguage"
    assert rows["modules"].message == "Storage 2.0.0.0, FailoverClusters 2.0.0.0"


# ---- login


class Refusing(ScriptedTransport):
    """A transport that cannot be opened."""

    def __init__(self, refusal: BaseException, **options) -> None:
        super().__init__(**options)
        self.refusal = refusal

    def open(self, nonce: str) -> None:
        raise self.refusal


NOT_LOGGED_IN = [
    (http_status(401).as_error("hv01"), "hvctl host check hv01 --user USER --password-stdin"),
    (AccessError("There is no password for admin on hv01."), "hvctl host check hv01 --user USER --password-stdin"),
    (fault(5).as_error("hv01"), "Add-LocalGroupMember -SID S-1-5-32-580 -Member 'admin'"),
    (fault(2150859173).as_error("hv01"), r"Set-Item WSMan:\localhost\Shell\MaxShellsPerUser 50"),
    (fault(2150859180).as_error("hv01"), r"Set-Item WSMan:\localhost\Shell\AllowRemoteShellAccess $true"),
    (UnreachableError("The host closed the connection."), None),
    (QuotaError("The host is busy."), None),
]


@pytest.mark.parametrize(("refusal", "command"), NOT_LOGGED_IN, ids=[str(each[0])[:30] for each in NOT_LOGGED_IN])
def test_a_login_that_fails_leaves_the_rest_untried(refusal: HvctlError, command):
    rows = checked(Refusing(refusal), user="admin")
    login = rows.pop("login")
    assert (login.status, login.message, login.meaning, login.command) == (
        "failed",
        refusal.message,
        refusal.hint,
        command,
    )
    assert {(row.status, row.message) for row in rows.values()} == {("skipped", "not tried: login failed")}


def test_an_interrupt_is_no_finding():
    for kind in ("winrm", "lab"):
        with pytest.raises(CancelledError):
            checked(Refusing(CancelledError("Interrupted."), kind=kind))


def test_a_host_that_the_lab_lacks_is_no_finding():
    with pytest.raises(NotFoundError):
        checked(Refusing(NotFoundError("The lab has no such host."), kind="lab"))


def test_on_this_machine_nobody_logs_in():
    rows = checked(Refusing(UnreachableError("There is no PowerShell."), kind="local"))
    assert rows["login"].status == "ok"
    assert (rows["powershell"].status, rows["powershell"].message) == ("failed", "There is no PowerShell.")
    assert rows["rights"].message == "not tried: powershell failed"


# ---- PowerShell and rights


def test_a_language_mode_that_forbids_the_engine():
    transport = transport_of(SERVICE, HOST)
    transport.greeting = "Hvctl.LanguageMode"
    rows = checked(transport)
    assert (rows["login"].status, rows["powershell"].status, rows["rights"].status) == ("ok", "failed", "skipped")
    assert "full language mode" in rows["powershell"].message
    assert rows["powershell"].command == "Get-AppLockerPolicy -Effective -Xml"


def test_a_powershell_that_does_not_answer_ends():
    transport = transport_of(SERVICE, HOST)
    transport.greeting = ""
    before = transport.clock.now
    assert checked(transport, timeout=600.0)["powershell"].status == "failed"
    assert transport.clock.now - before < 200


def test_other_powershells():
    assert leg("powershell", powershell="5.0.10586.117").status == "failed"
    assert leg("powershell", powershell="7.4.6", edition="Core").message == "PowerShell 7.4.6, FullLanguage"
    assert leg("powershell", powershell=None, language=None).status == "ok"


@pytest.mark.parametrize(
    ("held", "status", "sid"),
    [
        (["Administrators", "Hyper-V Administrators"], "ok", None),
        (["Administrators"], "ok", None),
        (["Hyper-V Administrators"], "warning", "S-1-5-32-544"),
        ([], "failed", "S-1-5-32-578"),
        (None, "skipped", None),
    ],
)
def test_rights(held, status, sid):
    row = leg("rights", rights=held)
    assert row.status == status
    assert row.command == (f"Add-LocalGroupMember -SID {sid} -Member 'USER'" if sid else None)


# ---- Hyper-V and modules


def test_the_module():
    without = {"Storage": "2.0.0.0"}
    server, client = leg("hyper-v", modules=without), leg("hyper-v", modules=without, product="Windows 11 Pro")
    assert (server.status, client.status) == ("failed", "failed")
    assert server.command.startswith("Install-WindowsFeature Hyper-V")
    assert client.command.startswith("Enable-WindowsOptionalFeature")
    assert leg("hyper-v", modules={"Hyper-V": "1.1"}).status == "failed"
    assert leg("hyper-v", modules=None).status == "failed"


NO_ANSWER = error("host", "Unspecified,Microsoft.HyperV.PowerShell.Commands.GetVMHost", "It is not running.")
NO_WMI = error("service", "HRESULT 0x80041003,X", "Access denied.", "PermissionDenied")


@pytest.mark.parametrize(
    ("said", "status", "message", "command"),
    [
        ([SERVICE, HOST], "ok", "it runs, and Hyper-V answers", None),
        ([record("service", State="Stopped", StartMode="Auto"), NO_ANSWER], "failed", "vmms is Stopped", "Start-"),
        ([record("service", State="Stopped", StartMode="Disabled"), NO_ANSWER], "failed", "Stopped", "Set-Service"),
        ([NO_ANSWER], "failed", "there is no service vmms", "Install-WindowsFeature"),
        ([SERVICE, NO_ANSWER], "failed", "Hyper-V does not answer: It is not running.", None),
        ([NO_WMI, HOST], "ok", "Hyper-V answers", None),
        ([NO_WMI, NO_ANSWER], "failed", "does not answer", None),
    ],
)
def test_the_service(said, status, message, command):
    row = leg("service", *said)
    assert (row.status, message in row.message) == (status, True), row
    assert (row.command or "").startswith(command or "")
    assert (row.command is None) is (command is None)


def test_without_the_module_the_service_is_not_blamed():
    refused = error("host", "CouldNotAutoLoadModule", "It could not be loaded.", "ObjectNotFound")
    for said in ([SERVICE, refused], [NO_WMI, refused]):
        row = leg("service", *said, modules={})
        assert (row.status, row.message) == ("skipped", "not tried: hyper-v failed")


def test_without_rights_the_service_is_not_blamed():
    row = leg("service", SERVICE, NO_ANSWER, rights=[])
    assert (row.status, row.message) == ("ok", "it runs; Hyper-V was not asked anything")


def test_an_engine_that_is_lost_is_a_row():
    transport = transport_of(SERVICE, HOST)
    transport.on_send = ["lost-before", "lost-before"]
    rows = checked(transport)
    assert (rows["service"].status, rows["clock"].status) == ("failed", "ok")
    assert rows["service"].message


def test_modules():
    row = leg("modules", modules={"Hyper-V": "2.0"})
    assert (row.status, row.message) == ("warning", "no Storage, no FailoverClusters")
    row = leg("modules", modules={"Hyper-V": "2.0", "Storage": "2.0"})
    assert (row.status, row.command) == ("ok", "Install-WindowsFeature RSAT-Clustering-PowerShell")


# ---- the clock


@pytest.mark.parametrize(
    ("ahead", "status", "words"),
    [
        (0, "ok", "less than a minute"),
        (-60, "ok", "less than a minute"),
        (61, "warning", "00:01:01 ahead of"),
        (-300, "warning", "00:05:00 behind"),
        (301, "failed", "00:05:01 ahead of"),
        (-90000, "failed", "1d 01:00:00 behind"),
    ],
)
def test_clocks(ahead, status, words):
    row = leg("clock", time=(NOW + timedelta(seconds=ahead)).isoformat().replace("+00:00", "Z"))
    assert (row.status, words in row.message) == (status, True), row
    assert row.command == (None if status == "ok" else "w32tm /resync")


@pytest.mark.parametrize("said", [None, "", "noon", 12, "2026-01-01T12:00:00"])
def test_an_engine_that_does_not_tell_the_time(said):
    assert leg("clock", time=said).status == "skipped"


# ---- the second hop


def test_where_a_login_ends():
    ends = leg("second-hop")
    assert (ends.status, ends.command) == ("warning", "Enable-WSManCredSSP -Role Server -Force")
    assert "0x8009030E" in ends.meaning
    kerberos = leg("second-hop", SERVICE, record("host", VirtualMachineMigrationAuthenticationType="Kerberos"))
    assert "0x8009030E" not in kerberos.meaning
    assert "delegation" in kerberos.meaning
    for kind in ("local", "lab"):
        assert leg("second-hop", kind=kind).status == "ok"
    transport = transport_of(SERVICE, HOST)
    transport.delegates = True
    assert checked(transport)["second-hop"].status == "ok"


def test_names_in_commands_are_only_names():
    row = checked(transport_of(SERVICE, HOST, rights=[]), user="EXAMPLE\\o'brien; exit")["rights"]
    assert row.command == r"Add-LocalGroupMember -SID S-1-5-32-578 -Member 'EXAMPLE\o''brien; exit'"
