"""The Python API, on the lab."""

from __future__ import annotations

import subprocess
import sys

import pytest

import hvctl as package
from hvctl.errors import ConflictError, HvctlError, NotFoundError, PartialError, UsageError

pytestmark = pytest.mark.lab


@pytest.fixture
def host(hvctl):
    """A connection to a fresh lab."""
    with package.connect("lab") as connection:
        yield connection


def test_what_is_public():
    assert package.__all__ == ["Connection", "__version__", "connect"]
    assert callable(package.connect)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        package.nothing  # noqa: B018 - asking is the point


def test_importing_the_package_is_cheap():
    code = "import sys, hvctl; print([m for m in ('pydantic', 'typer', 'hvctl.api', 'sqlite3') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_life_of_a_machine(host):
    assert host.switches.create("lan", type="Internal").type == "Internal"
    made = host.vms.create("web1", memory="2G", disk="10G", switch="lan", notes="x", start=True)
    assert (made.state, made.memory_startup, made.notes) == ("Running", 2 << 30, "x")
    assert [vm.name for vm in host.vms.list()] == ["web1"]
    assert host.vms.show(made.id).name == "web1"
    assert host.switches.show("lan").vms == ("web1",)
    assert [each.outcome for each in host.vms.start("web1")] == ["unchanged"]
    assert [each.state for each in host.vms.stop("web*")] == ["Off"]
    assert [each.outcome for each in host.vms.delete("web1", with_disks=True)] == ["changed"]
    assert [each.outcome for each in host.switches.delete("lan")] == ["changed"]
    assert host.vms.list() == host.switches.list() == []
    assert host.info().computer_name == "HV01"


def test_one_engine_serves_all_calls(host):
    host.vms.list()
    engine = host._session.hello()
    host.info()
    assert host._session.hello() is engine


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"memory": "2"}, "has no unit"),
        ({"memory": 33 << 20}, "multiple of"),
        ({"nothing": 1}, "nothing"),
        ({"vlan": 7}, "--vlan needs --switch"),
    ],
)
def test_settings_that_do_not_fit(host, settings, words):
    with pytest.raises(UsageError, match=words):
        host.vms.create("web1", **settings)
    assert host.vms.list() == []


def test_failures_are_raised(host):
    host.vms.create("a", disk="1G")
    host.vms.create("b", disk="1G", memory="128G")
    with pytest.raises(ConflictError, match="exists already"):
        host.vms.create("A")
    with pytest.raises(NotFoundError):
        host.vms.show("x")
    with pytest.raises(PartialError, match="1 of 2 failed") as caught:
        host.vms.start("a", "b")
    assert [each.object_name for each in caught.value.errors] == ["b"]
    with pytest.raises(ConflictError, match="'a' is Running"):
        host.vms.delete("a")
    with pytest.raises(HvctlError, match="needs --adapter"):
        host.switches.create("wan", type="External")


def test_nothing_is_meant_by_no_name(host):
    host.vms.create("a")
    for verb in (host.vms.start, host.vms.stop, host.vms.delete, host.switches.delete):
        with pytest.raises(UsageError, match="Nothing was selected"):
            verb()
    assert [vm.name for vm in host.vms.list()] == ["a"]


def test_the_default_host_is_the_command_line_s(hvctl, monkeypatch):
    with package.connect() as host:
        assert host.info().name == "lab"
    monkeypatch.delenv("HVCTL_HOST")
    with pytest.raises(UsageError, match="No host is named"):
        package.connect()
    with pytest.raises(UsageError, match="No host is called 'lab/'"):
        package.connect("lab/")


def test_a_login_that_does_not_fit_is_refused_before_anything_is_contacted():
    with pytest.raises(UsageError, match="plain HTTP is refused"):
        package.connect("http://hv01.invalid", user="admin", password="-", auth="basic")
    with pytest.raises(UsageError, match="There is no file"):
        package.connect("hv01.invalid", user="admin", ca_file="no such file")


def test_disks(host):
    made = host.disks.create("C:/VMs/data.vhdx", size="2G", type="Fixed")
    assert (made.path, made.type, made.size) == (r"C:\VMs\data.vhdx", "Fixed", 2 << 30)
    assert host.disks.show(made.path).children == ()
    assert [disk.path for disk in host.disks.list(folders=["C:/VMs"])] == [made.path]
    assert host.disks.list() == []
    with pytest.raises(UsageError, match="--size is needed"):
        host.disks.create("C:/VMs/other.vhdx")


def test_the_life_of_a_checkpoint(host):
    host.vms.create("web1", memory="2G", disk="10G", start=True)
    first = host.checkpoints.create("web1", "first", kind="Standard")
    assert (first.became, first.vm) == ("Standard", "web1")
    host.checkpoints.create("web1", "second")
    assert [each.name for each in host.checkpoints.list("web1")] == ["first", "second"]
    assert host.checkpoints.restore("web1", first.id).state == "Running"
    (gone,) = host.checkpoints.delete("web1", "second")
    assert (gone.name, gone.outcome) == ("second", "changed")
    assert [each.name for each in host.checkpoints.list()] == ["first"]


def test_checkpoints_that_cannot_be(host):
    host.vms.create("web1")
    with pytest.raises(UsageError):
        host.checkpoints.create("web1", "")
    with pytest.raises(NotFoundError):
        host.checkpoints.restore("web1", "nothing")
    with pytest.raises(NotFoundError):
        host.checkpoints.create("nobody")


def test_storage(host):
    made = host.storage.create("vmstore", size="100G", volume="D:", disks=("1", "2"))
    assert (made.volume.letter, made.pool.name) == ("D", "vmstore")
    assert [each.name for each in host.storage.pools()] == ["vmstore"]
    assert [each.number for each in host.storage.disks("LAB SSD*")] == ["1", "2", "3", "4"]
    assert [each.letter for each in host.storage.volumes()] == ["C", "D"]
    assert host.storage.virtual_disks("vmstore")[0].resiliency == "Mirror"
    assert host.storage.health() == []
    with pytest.raises(UsageError):
        host.storage.create("x", size="1M", volume="E")
