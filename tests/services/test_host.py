"""What a host is."""

from __future__ import annotations

import pytest
from tests.support.scripted import Said, ScriptedTransport, done, error, record

from hvctl.errors import (
    AccessError,
    HvctlError,
    ProtocolError,
    QuotaError,
    TimedOutError,
    UnreachableError,
    UnsupportedError,
)
from hvctl.models.host import Host
from hvctl.powershell.batch import Batch, Call, Step
from hvctl.services.host import HostService, failed_row, plan_show
from hvctl.transports.session import Session

pytestmark = pytest.mark.unit

SETTINGS = record(
    "host",
    LogicalProcessorCount=20,
    MemoryCapacity=102795845632,
    VirtualMachinePath=r"C:\VMs",
    VirtualHardDiskPath=r"C:\VMs\Disks",
    SupportedVmVersions=["9.0", "10.0"],
    VirtualMachineMigrationEnabled=True,
)
STATES = [
    record("vms", State=state, MemoryAssigned=memory)
    for state, memory in (("Running", 1 << 30), ("Off", 0), ("Running", 2 << 30), ("RunningCritical", None))
]
HELLO = {
    "host": "HV01",
    "powershell": "5.1.20348.1",
    "edition": "Desktop",
    "windows": "10.0.20348",
    "product": "Windows Server 2022 Datacenter",
    "rights": ["Hyper-V Administrators"],
    "modules": {"Hyper-V": "2.0.0.0"},
}


def service(*said: Said, **hello) -> HostService:
    transport = ScriptedTransport(lambda _: list(said))
    transport.hello = HELLO | hello
    return HostService(Session(transport, clock=transport.clock))


def test_what_is_asked():
    select = (
        "LogicalProcessorCount",
        "MemoryCapacity",
        "VirtualMachinePath",
        "VirtualHardDiskPath",
        "SupportedVmVersions",
        "VirtualMachineMigrationEnabled",
    )
    assert plan_show() == Batch(
        (
            Step("host", Call("Get-VMHost"), select=select, expect="one"),
            Step("vms", Call("Get-VM"), select=("State", "MemoryAssigned")),
        )
    )


def test_everything():
    assert service(SETTINGS, *STATES).show() == Host(
        name="hv01",
        host="hv01",
        computer_name="HV01",
        windows="Windows Server 2022 Datacenter",
        build="10.0.20348",
        processors=20,
        memory=102795845632,
        vms=4,
        running=2,
        memory_assigned=3 << 30,
        powershell="5.1.20348.1",
        edition="Desktop",
        modules={"Hyper-V": "2.0.0.0"},
        rights=("Hyper-V Administrators",),
        vm_path=r"C:\VMs",
        disk_path=r"C:\VMs\Disks",
        vm_versions=("9.0", "10.0"),
        migration_enabled=True,
    )


def test_a_row_has_the_same_values():
    host = service(SETTINGS, *STATES)
    shown, row = host.show().as_json(), host.row().as_json()
    assert (row.pop("status"), row.pop("error")) == ("ok", None)
    assert row == {name: shown[name] for name in row}


@pytest.mark.parametrize(
    ("error_type", "status"),
    [
        (UnreachableError, "unreachable"),
        (QuotaError, "unreachable"),
        (AccessError, "no access"),
        (TimedOutError, "timed out"),
        (UnsupportedError, "not supported"),
        (ProtocolError, "failed"),
    ],
)
def test_the_row_of_a_host_that_failed(error_type, status):
    row = failed_row("hv09", error_type("It is away.", hint="Look.")).as_json()
    assert (row.pop("name"), row.pop("host"), row.pop("status")) == ("hv09", "hv09", status)
    told = row.pop("error")
    assert (told["message"], told["hint"], told["code"]) == ("It is away.", "Look.", int(error_type.exit_code))
    assert set(row.values()) == {None}


def test_a_host_that_tells_little():
    host = service(SETTINGS, product=None, rights=None, modules=None, edition=None).show()
    assert (host.windows, host.rights, host.modules, host.edition) == ("10.0.20348", None, {}, None)
    assert (host.vms, host.running) == (0, 0)


def test_without_rights_nothing_is_counted():
    host = service(SETTINGS, rights=[]).show()
    assert (host.vms, host.running, host.memory_assigned, host.rights) == (None, None, None, ())


def test_without_rights_a_failure_is_the_lack_of_them():
    with pytest.raises(AccessError, match="may not manage Hyper-V on hv01"):
        service(error("host", "Unspecified,X"), done(ok=False), rights=[]).show()


def test_another_failure_is_itself():
    with pytest.raises(HvctlError, match="It broke"):
        service(error("host", "OperationFailed,X", "It broke."), done(ok=False)).show()
