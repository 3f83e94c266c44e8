"""What `storage health` says of disks that fail on the lab, repairs, and jobs; and what the words mean."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.spaces import SPEC, break_disks
from tests.support.storage_plans import physical_disk

from hvctl.errors import HvctlError, NotFoundError, TimedOutError
from hvctl.lab import seeds
from hvctl.lab.entities import GIB
from hvctl.lab.transport import LabTransport
from hvctl.lab.world import World
from hvctl.models.storage import Disk, PhysicalDisk, StorageJob, StoragePool, StorageVirtualDisk, Volume
from hvctl.services.plan import run_plan
from hvctl.services.selection import Selection
from hvctl.services.storage.delete import plan_repair
from hvctl.services.storage.health import Item, findings_of
from hvctl.services.storage.making import StorageMaking
from hvctl.services.storage.service import StorageService
from hvctl.transports.session import Session

pytestmark = pytest.mark.lab


class Host:
    """A host with a two-way mirror over the disks 1, 2 and 3."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.session = Session(LabTransport(path))
        self.batches = 0
        maker = StorageMaking(self.session)
        spec = SPEC.model_copy(update={"disks": ("1", "2", "3")})
        self.made = maker.storage_of(spec.name, maker.make(maker.plan_storage(spec), spec.name))
        self.service = StorageService(self.session)

    def said(self) -> dict[str, list[str]]:
        """The words of each type of thing that is not well."""
        found: dict[str, list[str]] = {}
        for each in self.service.health():
            found.setdefault(each.type, []).append(each.status)
        return found

    def repair(self) -> None:
        states = self.service.virtual_disk_states(Selection.of("vmstore"))
        error = run_plan(self.session, plan_repair(states), timeout=60).error("repair")
        if error is not None:
            raise error


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    path = tmp_path / "world.db"
    seeds.reset(path)
    made = Host(path)
    yield made
    made.session.close()


def test_all_is_well(host):
    assert host.said() == {}


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ({"LAB0101": "lost"}, {"pool": "Degraded", "space": "Incomplete", "disk": ["Lost Communication"]}),
        ({"LAB0101": "failed"}, {"pool": "Degraded", "space": "Degraded", "disk": ["Failed Media"]}),
        ({"LAB0101": "predictive-failure"}, {"disk": ["Predictive Failure"]}),
        ({"LAB0101": "io-error"}, {"disk": ["IO Error"]}),
        (
            {"LAB0101": "failed", "LAB0102": "failed"},
            {"pool": "Read-only", "space": "No Redundancy", "disk": ["Failed Media"] * 2},
        ),
        (
            {"LAB0101": "lost", "LAB0102": "lost"},
            {"pool": "Read-only", "space": "Detached", "disk": ["Lost Communication"] * 2},
        ),
    ],
)
def test_a_fault_is_told_wherever_it_matters(host, faults, said):
    break_disks(host.path, faults)
    expected = {}
    if "pool" in said:
        expected = {"storage pool": [said["pool"]], "virtual disk": [said["space"]]}
    if said.get("space") == "No Redundancy":
        expected["disk"] = ["Offline"]
    assert host.said() == expected | {"physical disk": said["disk"]}
    for each in host.service.health():
        assert each.meaning
        assert "no words" not in each.meaning
        assert each.next


def test_a_disk_that_no_virtual_disk_needs_is_told_alone(host):
    break_disks(host.path, {"LAB0107": "failed"})
    assert host.said() == {"physical disk": ["Failed Media"]}


def test_repair_moves_the_data_and_a_job_tells_how_far_it_is(host):
    with World(host.path) as world, world.transaction():
        world.configure("pace", 0)
    break_disks(host.path, {"LAB0101": "failed"})
    before = host.service.show_virtual_disks(Selection.of("vmstore"))[0].physical_disks
    assert "LAB0101" in [disk.serial for disk in before]
    host.repair()
    seen: list[list[StorageJob]] = []
    jobs = host.service.wait_for_jobs(seen=lambda each: seen.append(list(each)), sleep=lambda _: None)
    percents = [each[0].percent for each in seen]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert len(percents) > 2
    assert [(job.name, job.state, job.percent) for job in jobs] == [("vmstore-Repair", "Completed", 100)]
    after = host.service.show_virtual_disks(Selection.of("vmstore"))[0]
    assert after.health == "Healthy"
    assert "LAB0101" not in [disk.serial for disk in after.physical_disks]


def test_one_job_among_others_is_waited_for(host):
    maker = StorageMaking(host.session)
    second = SPEC.model_copy(update={"name": "second", "volume": "E", "disks": ("5", "6", "7")})
    maker.make(maker.plan_storage(second), "second")
    break_disks(host.path, {"LAB0101": "failed", "LAB0105": "failed"})
    run_plan(host.session, plan_repair(host.service.virtual_disk_states(Selection(everything=True))), timeout=60)
    assert [job.name for job in host.service.jobs()] == ["vmstore-Repair", "second-Repair"]
    assert [job.name for job in host.service.jobs(Selection.of("second*"))] == ["second-Repair"]
    seen: list[str] = []
    waited = host.service.wait_for_jobs(
        Selection.of("SECOND-repair"),
        seen=lambda jobs: seen.extend(job.name for job in jobs),
        sleep=lambda _: None,
    )
    assert [(job.name, job.state) for job in waited] == [("second-Repair", "Completed")]
    assert set(seen) == {"second-Repair"}
    with pytest.raises(NotFoundError, match="No storage job 'nope'"):
        host.service.wait_for_jobs(Selection.of("nope"), seen=lambda _: None)


def test_a_repair_that_has_no_disk_to_go_to(host):
    break_disks(host.path, {"LAB0101": "failed", "LAB0102": "failed"})
    with pytest.raises(HvctlError, match="The repair of 'vmstore' did not begin"):
        host.repair()
    assert host.service.jobs() == []


def test_a_job_that_does_not_end_in_time(host):
    with World(host.path) as world, world.transaction():
        world.configure("pace", 1000)
    break_disks(host.path, {"LAB0101": "failed"})
    host.repair()
    with pytest.raises(TimedOutError, match=r"Still at work on .*: 'vmstore-Repair' \(0 %\)"):
        host.service.wait_for_jobs(seen=lambda _: None, limit=0.5, sleep=lambda _: None)
    assert host.said()["virtual disk"] == ["Degraded", "In Service"]


def test_health_is_one_batch(host):
    sent = []
    session = Session(LabTransport(host.path), before=sent.append)
    StorageService(session).health()
    session.close()
    assert len(sent) == 1
    assert not sent[0].changes


def test_a_thin_disk_in_a_pool_that_is_full_goes_offline(tmp_path):
    path = tmp_path / "world.db"
    seeds.reset(path)
    session = Session(LabTransport(path))
    maker = StorageMaking(session)
    spec = SPEC.model_copy(update={"provisioning": "Thin", "size": 4000 * GIB})
    made = maker.storage_of(spec.name, maker.make(maker.plan_storage(spec), spec.name))
    assert made.virtual_disk.size == 4000 * GIB
    assert made.pool.used < 10 * GIB
    assert [volume.letter for volume in maker.service.volumes()] == ["C", "D"]
    from hvctl.lab import paths
    from hvctl.lab.entities import File

    name = r"D:\big.vhdx"
    with World(path) as world, world.transaction():
        world.add(File(host="hv01", key=paths.key(name), path=name, kind="vhd", size=1000 * GIB, disk={}))
    assert [volume.letter for volume in maker.service.volumes()] == ["C"]
    (finding,) = maker.service.health()
    assert (finding.type, finding.status, finding.name) == ("disk", "Offline", "vmstore (9)")
    assert "a pool that is full" in finding.meaning
    assert "Set-Disk -Number 9 -IsOffline $false" in finding.next
    session.close()


POOL_WORDS = ("Degraded", "Read-only")
SPACE_WORDS = ("Suboptimal", "In service", "Incomplete", "Degraded", "No redundancy", "Detached")
DISK_WORDS = (
    *("Lost communication", "Removing from pool", "Starting maintenance mode", "In maintenance mode"),
    *("Stopping maintenance mode", "Predictive failure", "IO error", "Transient error", "Abnormal latency"),
    *("Not usable", "Split", "Stale metadata", "Unrecognized metadata", "Failed media", "Device hardware failure"),
    *("Updating firmware", "Starting", "In service"),
)
VOLUME_WORDS = ("Scan Needed", "Spot Fix Needed", "Full Repair Needed")
EVERY_WORD = (
    *("Unknown", "Other", "Degraded", "Stressed", "Predictive Failure", "Error", "Non-Recoverable Error", "Starting"),
    *("Stopping", "Stopped", "In Service", "No Contact", "Lost Communication", "Aborted", "Dormant"),
    *("Supporting Entity in Error", "Completed", "Power Mode", "Relocating"),
)


def of_kind(model: type[Item], name: str = "it's “mine”", **changes: object) -> Item:
    """An object of a kind that is in a bad way."""
    known = {"UniqueId": "{X}", "FriendlyName": name, "FileSystemLabel": name, "Size": 1, "DriveLetter": "D"}
    known |= {"DeviceId": "3", "Number": 9, "HealthStatus": "Warning"} | changes
    return model.read("hv01", [{key: known.get(key) for key in model.properties()}])[0]


@pytest.mark.parametrize(
    ("model", "word"),
    [
        *((StoragePool, word) for word in (*POOL_WORDS, *EVERY_WORD)),
        *((StorageVirtualDisk, word) for word in (*SPACE_WORDS, *EVERY_WORD)),
        *((PhysicalDisk, word) for word in (*DISK_WORDS, *EVERY_WORD)),
        *((Disk, word) for word in ("Offline", "Not Ready", "No Media", "Failed", *EVERY_WORD)),
        *((Volume, word) for word in (*VOLUME_WORDS, *EVERY_WORD)),
    ],
)
def test_every_documented_word_has_a_meaning_and_a_next_step(model, word):
    (finding,) = findings_of(of_kind(model, OperationalStatus=word))
    assert (finding.status, finding.health) == (word, "Warning")
    assert "no words" not in finding.meaning
    assert finding.next
    assert not set("{}") & set(finding.next.replace("{X}", ""))


@pytest.mark.parametrize(
    ("model", "word", "reasons"),
    [
        (StoragePool, "Read-only", {"ReadOnlyReason": ["Incomplete", "Policy", "By Policy", "Starting", 2, 3]}),
        (
            StorageVirtualDisk,
            "Detached",
            {"DetachedReason": ["By Policy", "Majority Disks Unhealthy", "Incomplete", "Timeout", 3]},
        ),
        (
            Disk,
            "Offline",
            {"OfflineReason": ["Policy", "Redundant Path", "Snapshot", "Collision", "Resource Exhaustion", 6, 7]},
        ),
    ],
)
def test_a_reason_says_more_than_the_word(model, word, reasons):
    (plain,) = findings_of(of_kind(model, OperationalStatus=word))
    for name, values in reasons.items():
        for value in values:
            (finding,) = findings_of(of_kind(model, OperationalStatus=word, **{name: value}))
            assert finding.meaning != plain.meaning, value


@pytest.mark.parametrize("health", ["Warning", "Unhealthy", "Unknown"])
def test_a_bad_health_without_a_word_is_told_too(health):
    for status, shown in (("OK", "OK"), (None, "Unknown")):
        (finding,) = findings_of(of_kind(StoragePool, HealthStatus=health, OperationalStatus=status))
        assert (finding.health, finding.status) == (health, shown)
        assert "no words" not in finding.meaning
    assert findings_of(of_kind(StoragePool, HealthStatus="Healthy", OperationalStatus="OK")) == []


def test_a_word_that_no_version_knows_is_told_as_it_is():
    (finding,) = findings_of(physical_disk(7, health="Warning", status=("Very Odd",)))
    assert (finding.status, finding.health, finding.name) == ("Very Odd", "Warning", "A disk (7)")
    assert "no words" in finding.meaning
    assert finding.next == "hvctl storage disk show 7"
    (finding,) = findings_of(of_kind(StoragePool, HealthStatus=77, OperationalStatus=[2]))
    assert (finding.health, finding.status) == ("77", "OK")


def test_a_name_that_needs_quotes_stands_as_its_id_in_what_is_next():
    (plain,) = findings_of(of_kind(StorageVirtualDisk, name="Müller-1", OperationalStatus="Degraded"))
    assert plain.next == "hvctl storage virtual-disk repair Müller-1"
    for name in ("it's", "two words", "-x", "*"):
        (odd,) = findings_of(of_kind(StorageVirtualDisk, name=name, OperationalStatus="Degraded"))
        assert odd.next == "hvctl storage virtual-disk repair '{X}'"


def test_numbers_stand_for_words():
    """A host whose module's types are not loaded gives the numbers of the CIM classes."""
    record = {
        "UniqueId": "X", "DeviceId": "3", "FriendlyName": "d", "SerialNumber": None, "MediaType": 4, "BusType": 17,
        "Size": 1, "AllocatedSize": None, "Usage": 4, "CanPool": False, "CannotPoolReason": [2, 7],
        "HealthStatus": 1, "OperationalStatus": [3, 53251, 60000],
    }  # fmt: skip
    disk = PhysicalDisk.read("hv01", [record])[0]
    assert (disk.type, disk.bus, disk.usage, disk.health) == ("SSD", "NVMe", "Retired", "Warning")
    assert disk.cannot_pool == ("In a Pool", "Insufficient Capacity")
    assert disk.status == ("Degraded", "Incomplete", "60000")
    disk = PhysicalDisk.read("hv01", [record | {"OperationalStatus": [5, 13, 0xD00F]}])[0]
    assert disk.status == ("Predictive Failure", "Lost Communication", "Full Repair Needed")
    words = record | {"MediaType": "SSD", "HealthStatus": "Healthy", "OperationalStatus": "OK", "CannotPoolReason": ""}
    disk = PhysicalDisk.read("hv01", [words])[0]
    assert (disk.health, disk.status, disk.cannot_pool) == ("Healthy", ("OK",), ())


@pytest.mark.parametrize("letter", ["\0", "", None])
def test_a_volume_without_a_letter(letter):
    record = dict.fromkeys(Volume.properties()) | {
        "UniqueId": "v", "FileSystemLabel": "", "DriveLetter": letter, "OperationalStatus": 2,
    }  # fmt: skip
    assert Volume.read("hv01", [record])[0].letter is None


def test_what_a_host_left_empty_is_no_error():
    for model in (StoragePool, StorageVirtualDisk):
        record = dict.fromkeys(model.properties()) | {"UniqueId": "x", "FriendlyName": "y"}
        assert model.read("hv01", [record])[0].health is None
