"""What a host is."""

from __future__ import annotations

import pytest
from tests.support.scripted import Said, ScriptedTransport, done, error, record

from hvctl.errors import AccessError, HvctlError
from hvctl.models.host import Host
from hvctl.powershell.batch import Batch, Call, Step
from hvctl.services.host import HostService, plan_show
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
STATES = [record("vms", State=state) for state in ("Running", "Off", "Running", "RunningCritical")]
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
            Step("vms", Call("Get-VM"), select=("State",)),
        )
    )


def test_everything():
    assert service(SETTINGS, *STATES).show() == Host(
        name="hv01",
        computer_name="HV01",
        windows="Windows Server 2022 Datacenter",
        build="10.0.20348",
        processors=20,
        memory=102795845632,
        vms=4,
        running=2,
        powershell="5.1.20348.1",
        edition="Desktop",
        modules={"Hyper-V": "2.0.0.0"},
        rights=("Hyper-V Administrators",),
        vm_path=r"C:\VMs",
        disk_path=r"C:\VMs\Disks",
        vm_versions=("9.0", "10.0"),
        migration_enabled=True,
    )


def test_a_summary_has_the_same_values():
    host = service(SETTINGS, *STATES)
    shown, summary = host.show().as_json(), host.summary().as_json()
    assert summary == {name: shown[name] for name in summary}


def test_a_host_that_tells_little():
    host = service(SETTINGS, product=None, rights=None, modules=None, edition=None).show()
    assert (host.windows, host.rights, host.modules, host.edition) == ("10.0.20348", None, {}, None)
    assert (host.vms, host.running) == (0, 0)


def test_without_rights_nothing_is_counted():
    host = service(SETTINGS, rights=[]).show()
    assert (host.vms, host.running, host.rights) == (None, None, ())


def test_without_rights_a_failure_is_the_lack_of_them():
    with pytest.raises(AccessError, match="may not manage Hyper-V on hv01"):
        service(error("host", "Unspecified,X"), done(ok=False), rights=[]).show()


def test_another_failure_is_itself():
    with pytest.raises(HvctlError, match="It broke"):
        service(error("host", "OperationFailed,X", "It broke."), done(ok=False)).show()
