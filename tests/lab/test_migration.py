"""Moving machines on the lab: what must be so, what stands against it, the phases, and what a broken move leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support import two_hosts
from tests.support.simulated import CallFailed, SimulatedHost
from tests.support.two_hosts import STORAGE, configure, on, places
from tests.support.wmi_calls import READ

from hvctl.lab.entities import Host, Planned, Vm
from hvctl.lab.migration import MISSING_SWITCH, OWN_MESSAGES, PHASES
from hvctl.lab.world import World
from hvctl.powershell.batch import Call, Ref, Step

pytestmark = pytest.mark.lab

WMI = "root/virtualization/v2"
ALONG = {"IncludeStorage": True, "DestinationStoragePath": STORAGE}
REPORT = ("OperationType", "Destination", "Incompatibilities.MessageId", "Incompatibilities.Message")


@pytest.fixture
def world(tmp_path: Path) -> Path:
    return tmp_path / "world.db"


@pytest.fixture
def hosts(world: Path) -> tuple[SimulatedHost, SimulatedHost]:
    source, target = two_hosts.make(world)
    source.new_running_vm(SwitchName="lan")
    return source, target


def move(source: SimulatedHost, **parameters: Any) -> None:
    source.call("Move-VM", **{"Name": "web1", "DestinationHost": "HV02", **ALONG, **parameters})


def ids(source: SimulatedHost, **parameters: Any) -> list[int]:
    """The message ids that Compare-VM reports."""
    given = {"Name": "web1", "DestinationHost": "HV02", **ALONG, **parameters}
    return source.value("Compare-VM", "Incompatibilities.MessageId", **given) or []


def change(world: Path, kind: type[Any], name: str, **values: Any) -> None:
    with World.open(world) as opened, opened.transaction():
        (found,) = [each for each in opened.find(kind) if each.name == name]
        vars(found).update(values)
        opened.save(found)


def test_a_running_machine_arrives_with_all_that_is_its(hosts, world):
    source, target = hosts
    before = source.value("Get-VM", "Id", Name="web1")
    addresses = source.value("Get-VMNetworkAdapter", "IPAddresses", VMName="web1")
    move(source)
    assert source.names() == []
    assert (target.value("Get-VM", "Id", Name="web1"), target.state("web1")) == (before, "Running")
    assert target.value("Get-VM", "ComputerName", Name="web1") == "HV02"
    assert target.value("Get-VMHardDiskDrive", "Path", VMName="web1") == rf"{STORAGE}\Virtual Hard Disks\web1.vhdx"
    assert target.value("Get-VMNetworkAdapter", "SwitchName", VMName="web1") == "lan"
    assert target.value("Get-VMNetworkAdapter", "IPAddresses", VMName="web1") == addresses
    assert target.value("Get-VM", "Path", Name="web1") == STORAGE
    assert places(world) == on("hv02")


def test_it_can_be_turned_off_started_and_moved_back(hosts, world):
    source, target = hosts
    move(source)
    target.call("Stop-VM", Name="web1", TurnOff=True, Force=True)
    target.call(
        "Move-VM", Name="web1", DestinationHost="hv01.lab.test", IncludeStorage=True, DestinationStoragePath="C:\\b"
    )
    source.call("Start-VM", Name="web1")
    assert places(world) == on("hv01")


def test_a_move_tells_how_far_it_is(hosts):
    source, _target = hosts
    answer = source.run(Step("move", Call("Move-VM", {"Name": "web1", "DestinationHost": "HV02", **ALONG})))
    told = [frame["percent"] for frame in answer.frames if frame.type == "progress"]
    assert told == sorted(told)
    assert len(told) == len(PHASES) + 1
    assert told[-1] == 100


def test_a_machine_without_disks_needs_no_storage(hosts):
    source, target = hosts
    source.new_vm("bare")
    source.call("Move-VM", Name="bare", DestinationHost="HV02")
    assert target.names() == ["bare"]


def test_the_report_of_a_machine_that_fits_is_empty(hosts):
    source, _target = hosts
    (report,) = source.call("Compare-VM", Name="web1", DestinationHost="HV02", select=REPORT, **ALONG)
    assert report == {
        "OperationType": "MoveVirtualMachineAndStorage",
        "Destination": "HV02",
        "Incompatibilities.MessageId": None,
        "Incompatibilities.Message": None,
    }


def test_a_switch_that_is_missing_there_has_the_public_number(hosts):
    source, target = hosts
    target.call("Remove-VMSwitch", Name="lan", Force=True)
    assert ids(source) == [MISSING_SWITCH]
    with pytest.raises(CallFailed, match="Could not find Ethernet switch 'lan'"):
        move(source)


def test_a_report_can_be_mended_and_moved_by(hosts, world):
    source, target = hosts
    target.call("Remove-VMSwitch", Name="lan", Force=True)
    target.call("New-VMSwitch", Name="net", SwitchType="Internal")
    answer = source.run(
        Step("report", Call("Compare-VM", {"Name": "web1", "DestinationHost": "HV02", **ALONG})),
        Step("adapters", Call("Get-VMNetworkAdapter", {"VM": (Ref("report", property="VM"),)}), select=("SwitchName",)),
        Step("plug", Call("Connect-VMNetworkAdapter", {"VMNetworkAdapter": (Ref("adapters"),), "SwitchName": "net"})),
        Step("again", Call("Compare-VM", {"CompatibilityReport": Ref("report")}), select=REPORT),
        Step("move", Call("Move-VM", {"CompatibilityReport": Ref("report")})),
    )
    assert answer.error_ids == []
    assert answer.records("adapters") == [{"SwitchName": "lan"}]
    assert answer.records("again")[0]["Incompatibilities.MessageId"] is None
    assert target.value("Get-VMNetworkAdapter", "SwitchName", VMName="web1") == "net"
    assert places(world) == on("hv02")


def test_a_report_that_is_mended_changes_nothing_here(hosts):
    source, target = hosts
    target.call("New-VMSwitch", Name="net", SwitchType="Internal")
    source.run(
        Step("report", Call("Compare-VM", {"Name": "web1", "DestinationHost": "HV02", **ALONG})),
        Step("adapters", Call("Get-VMNetworkAdapter", {"VM": (Ref("report", property="VM"),)})),
        Step("plug", Call("Connect-VMNetworkAdapter", {"VMNetworkAdapter": (Ref("adapters"),), "SwitchName": "net"})),
    )
    assert source.value("Get-VMNetworkAdapter", "SwitchName", VMName="web1") == "lan"


def test_the_planned_machine_of_a_report_is_not_the_machine(hosts, world):
    source, _target = hosts
    answer = source.run(
        Step("report", Call("Compare-VM", {"Name": "web1", "DestinationHost": "HV02", **ALONG})),
        Step("stop", Call("Stop-VM", {"VM": (Ref("report", property="VM"),), "TurnOff": True, "Force": True})),
    )
    assert answer.error_ids == ["ObjectNotFound"]
    assert source.state("web1") == "Running"


@pytest.mark.parametrize("cmdlet", ["Compare-VM", "Move-VM"])
@pytest.mark.parametrize("host", ["hv01", "hv02"])
def test_both_hosts_must_take_part(hosts, world, cmdlet, host):
    source, _target = hosts
    SimulatedHost(world, host).call("Disable-VMMigration")
    words = {"hv01": "source host", "hv02": "destination host"}[host]
    with pytest.raises(CallFailed, match=f"The {words} is not configured for live migration"):
        source.call(cmdlet, Name="web1", DestinationHost="HV02", **ALONG)


def test_a_host_needs_a_network_for_moves(hosts, world):
    source, target = hosts
    target.call("Set-VMHost", UseAnyNetworkForMigration=False)
    with pytest.raises(CallFailed, match="no network for migrations"):
        move(source)
    configure(world, migration_networks={"hv02": ["10.0.0.0/24"]})
    assert target.value("Get-VMMigrationNetwork", "Subnet") == "10.0.0.0/24"
    move(source)


def test_an_unknown_host_and_the_host_itself_are_no_destination(hosts):
    source, _target = hosts
    with pytest.raises(CallFailed, match="nowhere"):
        move(source, DestinationHost="nowhere")
    with pytest.raises(CallFailed) as caught:
        move(source, DestinationHost="HV01")
    assert caught.value.id == "InvalidParameter"


@pytest.mark.parametrize(
    ("authentication", "trusted", "delegates", "fine"),
    [
        ("CredSSP", True, True, True),
        ("CredSSP", True, False, False),
        ("Kerberos", True, False, True),
        ("Kerberos", False, True, False),
    ],
)
def test_the_login_must_reach_the_other_host(hosts, world, authentication, trusted, delegates, fine):
    source, target = hosts
    configure(world, kerberos_delegation=trusted)
    for host in hosts:
        host.call("Set-VMHost", VirtualMachineMigrationAuthenticationType=authentication)
    with source.connect() as connection:
        connection.transport.world.delegates = delegates
        answer = connection.run(Step("move", Call("Move-VM", {"Name": "web1", "DestinationHost": "HV02", **ALONG})))
    if fine:
        assert answer.error_ids == []
        assert target.names() == ["web1"]
    else:
        assert [error["hresult"] for error in answer.errors] == [0x8009030E]
        assert source.names() == ["web1"]


@pytest.mark.parametrize(
    ("here", "there", "fits"),
    [("intel", "amd", False), ("intel", "intel-old", False), ("intel-old", "intel", True), ("amd", "amd", True)],
)
def test_a_running_machine_needs_the_processor_it_has(world, here, there, fits):
    source, _target = two_hosts.make(world, processors=f"{here},{there}")
    source.new_running_vm(SwitchName="lan")
    assert ids(source) == ([] if fits else [OWN_MESSAGES["processor"]])
    source.call("Stop-VM", Name="web1", TurnOff=True, Force=True)
    assert ids(source) == []


def test_a_compatible_machine_moves_to_an_older_processor_but_to_no_other_maker(world):
    source, _target = two_hosts.make(world, processors="intel,intel-old")
    source.new_running_vm(SwitchName="lan")
    change(world, Vm, "web1", migration_compatible=True)
    assert ids(source) == []
    change(world, Host, "hv02", processor_maker="AMD")
    assert ids(source) == [OWN_MESSAGES["processor"]]


def test_an_older_windows_does_not_take_a_newer_configuration(world):
    source, _target = two_hosts.make(world, windows="2025,2022")
    source.new_running_vm(SwitchName="lan")
    assert ids(source) == [OWN_MESSAGES["version"]]


def test_local_disks_and_images_stand_against_a_move(hosts):
    source, _target = hosts
    assert source.value("Compare-VM", "Incompatibilities.MessageId", Name="web1", DestinationHost="HV02") == [
        OWN_MESSAGES["disk"]
    ]
    source.call("Add-VMDvdDrive", VMName="web1", Path=r"C:\ISO\ubuntu.iso")
    assert ids(source) == [OWN_MESSAGES["iso"]]


def test_files_in_the_way_and_drives_that_are_not_there_stand_against_it(hosts):
    source, target = hosts
    target.call("New-VHD", Path=r"C:\VMs\web1.vhdx", SizeBytes=1 << 30)
    assert ids(source, DestinationStoragePath=r"Q:\VMs") == [OWN_MESSAGES["path"]]
    move(source)
    source.new_running_vm("web1")
    assert ids(source) == [OWN_MESSAGES["path"]]


def test_memory_must_be_free_there(hosts, world):
    source, _target = hosts
    change(world, Host, "hv02", memory=4 << 30)
    assert ids(source) == [OWN_MESSAGES["memory"]]


def test_a_disk_that_others_need_stays_and_is_copied(hosts, world):
    source, target = hosts
    base = source.new_disk(r"C:\VMs\base.vhdx")
    for name in ("one", "two"):
        source.call("New-VHD", Path=rf"C:\VMs\{name}.vhdx", ParentPath=base, Differencing=True)
        source.new_vm(name)
        source.call("Add-VMHardDiskDrive", VMName=name, Path=rf"C:\VMs\{name}.vhdx")
    move(source, Name="one", DestinationStoragePath=r"C:\one")
    assert target.value("Get-VHD", "ParentPath", Path=[r"C:\one\Virtual Hard Disks\one.vhdx"]) == (
        r"C:\one\Virtual Hard Disks\base.vhdx"
    )
    target.call("Start-VM", Name="one")
    source.call("Start-VM", Name="two")


def test_checkpoints_go_along(hosts):
    source, target = hosts
    source.call("Stop-VM", Name="web1", TurnOff=True, Force=True)
    source.call("Checkpoint-VM", Name="web1", SnapshotName="before")
    move(source)
    assert target.value("Get-VMSnapshot", "Name", VMName="web1") == "before"
    target.call("Restore-VMSnapshot", VMName="web1", Name="before", Confirm=False)
    target.call("Start-VM", Name="web1")
    assert target.state("web1") == "Running"


@pytest.mark.parametrize("phase", PHASES)
def test_a_move_that_breaks_off_leaves_the_machine_and_names_the_rest(hosts, world, phase):
    source, target = hosts
    configure(world, migration={"fails_at": phase})
    with pytest.raises(CallFailed):
        move(source)
    assert places(world) == {**on("hv01"), "planned": ["hv02"]}
    assert (source.state("web1"), target.names()) == ("Running", [])
    configure(world, migration={})
    with pytest.raises(CallFailed, match="planned virtual machine with the same ID"):
        move(source)
    configure(world, migration={"replaces_planned": True})
    move(source)
    assert places(world) == on("hv02")


def test_a_broken_move_may_also_leave_nothing(hosts, world):
    source, _target = hosts
    configure(world, migration={"fails_at": "memory", "leaves_planned": False})
    with pytest.raises(CallFailed):
        move(source)
    assert places(world) == on("hv01")


def test_wmi_shows_and_removes_a_planned_machine(hosts, world):
    source, target = hosts
    configure(world, migration={"fails_at": "memory"})
    with pytest.raises(CallFailed):
        move(source)
    planned = Call(
        "Get-CimInstance", {"Namespace": "root/virtualization/v2", "ClassName": "Msvm_PlannedComputerSystem"}
    )
    service = Call(
        "Get-CimInstance", {"Namespace": "root/virtualization/v2", "ClassName": "Msvm_VirtualSystemManagementService"}
    )
    arguments = {"AffectedSystem": Ref("planned")}
    answer = target.run(
        Step("planned", planned, select=("Name", "ElementName")),
        Step("service", service, expect="one"),
        Step(
            "destroy",
            Call(
                "Invoke-CimMethod",
                {"InputObject": Ref("service"), "MethodName": "DestroySystem", "Arguments": arguments},
            ),
            select=("ReturnValue",),
        ),
        Step("gone", planned, expect="none"),
    )
    assert answer.error_ids == []
    assert answer.records("planned")[0] == {
        "Name": source.value("Get-VM", "Id", Name="web1").upper(),
        "ElementName": "web1",
    }
    assert answer.records("destroy") == [{"ReturnValue": 0}]
    assert places(world) == on("hv01")


def test_no_other_object_of_wmi_is_destroyed(hosts, world):
    source, target = hosts
    configure(world, migration={"fails_at": "memory"})
    with pytest.raises(CallFailed):
        move(source)
    before = places(world)
    read = [Step(each["id"], Call(each["cmdlet"], each["parameters"])) for each in READ]
    manager, planned = Ref("manager"), Ref("planned")
    for given, system in ((manager, manager), (planned, planned), (planned, manager)):
        parameters = {"InputObject": given, "MethodName": "DestroySystem", "Arguments": {"AffectedSystem": system}}
        answer = target.run(*read, Step("destroy", Call("Invoke-CimMethod", parameters)))
        assert answer.error_ids == ["Hvctl.NotAllowed"]
    assert places(world) == before


def test_other_classes_of_wmi_are_not_simulated(hosts):
    source, _target = hosts
    with pytest.raises(CallFailed) as caught:
        source.call("Get-CimInstance", Namespace="root/cimv2", ClassName="Win32_Process")
    assert caught.value.id == "Hvctl.NotSimulated"


def test_while_it_moves_it_says_so_and_takes_one_of_the_places(hosts, world):
    source, target = hosts
    source.new_vm("other")
    for host in hosts:
        host.call("Set-VMHost", MaximumVirtualMachineMigrations=1)
    configure(world, migration={"seconds": 30}, pace=0.01)
    with source.connect() as connection:
        request = connection.start(Step("move", Call("Move-VM", {"Name": "web1", "DestinationHost": "HV02", **ALONG})))
        while not any(frame.type == "progress" for frame in connection.receive()):
            pass
        assert source.value("Get-VM", "OperationalStatus", Name="web1") == ["InService", "MigratingVirtualMachine"]
        with pytest.raises(CallFailed, match="maximum of 1"):
            source.call("Move-VM", Name="other", DestinationHost="HV02")
        assert connection.finish(request).error_ids == []
    assert places(world) == on("hv02")
    assert target.value("Get-VM", "OperationalStatus", Name="web1") == ["Ok"]


def test_a_move_that_is_cancelled_leaves_the_machine_and_a_planned_one(hosts, world):
    source, _target = hosts
    configure(world, migration={"seconds": 100}, pace=1)
    with source.connect() as connection:
        request = connection.start(Step("move", Call("Move-VM", {"Name": "web1", "DestinationHost": "HV02", **ALONG})))
        while not any(frame.type == "progress" for frame in connection.receive()):
            pass
        connection.send("cancel", request)
        assert connection.finish(request).error_ids == ["Hvctl.Cancelled"]
        assert source.value("Get-VM", "OperationalStatus", Name="web1") == ["Ok"]
    assert places(world) == {**on("hv01"), "planned": ["hv02"]}


def test_a_mover_that_died_moves_nothing_any_more(hosts, world):
    source, target = hosts
    with World.open(world) as opened, opened.transaction():
        (vm,) = opened.find(Vm)
        mover = {"pid": 2**22 + 1, "started": "long ago"}
        opened.add(Planned(id=vm.id, host="hv02", name=vm.name, source="hv01", created=0, mover=mover, until=1e12))
    assert source.value("Get-VM", "OperationalStatus", Name="web1") == ["Ok"]
    names = target.call(
        "Get-CimInstance", select=["ElementName"], Namespace=WMI, ClassName="Msvm_PlannedComputerSystem"
    )
    assert names == [{"ElementName": "web1"}]


def test_storage_moves_within_the_host_while_it_runs(hosts):
    source, _target = hosts
    source.call("Move-VMStorage", Name="web1", DestinationStoragePath=r"C:\elsewhere")
    moved = r"C:\elsewhere\Virtual Hard Disks\web1.vhdx"
    assert source.value("Get-VMHardDiskDrive", "Path", VMName="web1") == moved
    assert source.state("web1") == "Running"
    assert source.value("Test-Path", ".", LiteralPath=[r"C:\VMs\web1.vhdx"]) is False
    source.call("Move-VMStorage", Name="web1", DestinationStoragePath=r"C:\elsewhere")
    assert source.value("Test-Path", ".", LiteralPath=[moved]) is True


def test_storage_that_cannot_move_stays(hosts, world):
    source, _target = hosts
    with pytest.raises(CallFailed):
        source.call("Move-VMStorage", Name="web1", DestinationStoragePath="Q:\\")
    configure(world, migration={"fails_at": "storage"})
    with pytest.raises(CallFailed):
        source.call("Move-VMStorage", Name="web1", DestinationStoragePath=r"C:\elsewhere")
    assert source.value("Get-VMHardDiskDrive", "Path", VMName="web1") == r"C:\VMs\web1.vhdx"


def test_the_settings_of_a_host(hosts):
    source, _target = hosts
    source.call(
        "Set-VMHost",
        VirtualMachineMigrationPerformanceOption="SMB",
        MaximumVirtualMachineMigrations=5,
        MaximumStorageMigrations=6,
    )
    names = ("VirtualMachineMigrationPerformanceOption", "MaximumVirtualMachineMigrations", "MaximumStorageMigrations")
    assert [source.value("Get-VMHost", name) for name in names] == ["SMB", 5, 6]
    with pytest.raises(CallFailed):
        source.call("Set-VMHost", VirtualMachineMigrationAuthenticationType="Basic")


def test_wmi_shows_the_service_of_windows(hosts):
    source, _target = hosts
    wanted = ["Name", "State", "StartMode"]
    (service,) = source.call("Get-CimInstance", select=wanted, ClassName="Win32_Service", Filter="Name = 'vmms'")
    assert service == {"Name": "vmms", "State": "Running", "StartMode": "Auto"}
    assert source.call("Get-CimInstance", ClassName="Win32_Service", Filter="Name='other'") == []
    for parameters in ({}, {"Filter": "State = 'Running'"}, {"Filter": "Name='vmms'", "Namespace": WMI}):
        with pytest.raises(CallFailed) as caught:
            source.call("Get-CimInstance", ClassName="Win32_Service", **parameters)
        assert caught.value.id == "Hvctl.NotSimulated"
