"""`vm create`: every option can be seen afterwards, and a failure leaves nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.plans import DISK_FOLDER, whole_vm_create
from tests.support.worlds import things

from hvctl.errors import HvctlError
from hvctl.lab.transport import LabTransport
from hvctl.services.vm.create import plan_create
from hvctl.services.vm.service import VmService
from hvctl.transports.session import Session

pytestmark = pytest.mark.lab

GIB = 1 << 30
ISO = r"C:\ISO\ubuntu.iso"


@pytest.fixture
def lab(hvctl):
    """A switch `lan` and a disk without a machine."""
    hvctl.like("create", _lab)
    return hvctl


def _lab(hvctl) -> None:
    hvctl.ok("switch", "create", "lan", "--type", "internal")
    hvctl.host.new_disk(r"C:\VMs\old.vhdx")
    hvctl.host.new_disk(r"C:\VMs\old.vhd")


OPTIONS = [
    # words, and what `show` has of them
    (["--generation", "1"], {"generation": 1, "secure_boot": None, "boot_order": []}),
    (["--generation", "2"], {"generation": 2, "secure_boot": "On"}),
    (["--memory", "4G"], {"memory_startup": 4 * GIB, "dynamic_memory": False}),
    (["--memory", "256M"], {"memory_startup": GIB // 4}),
    (["--memory", "256M", "--dynamic-memory"], {"memory_minimum": GIB // 4, "dynamic_memory": True}),
    (["--dynamic-memory"], {"dynamic_memory": True}),
    (["--static-memory"], {"dynamic_memory": False}),
    (
        ["--memory-minimum", "512M", "--memory-maximum", "2G"],
        {"memory_minimum": GIB // 2, "memory_maximum": 2 * GIB, "dynamic_memory": True},
    ),
    (["--processors", "4"], {"processors": 4}),
    ([], {"processors": 1, "memory_startup": GIB, "disks": [], "dvds": [], "notes": "", "state": "Off"}),
    (
        ["--disk", "60G"],
        {"disks": [(0, rf"{DISK_FOLDER}\web1.vhdx")], "boot_order": [rf"{DISK_FOLDER}\web1.vhdx", "EFI Network"]},
    ),
    (["--disk", "1G", "--disk-path", r"C:\VMs"], {"disks": [(0, r"C:\VMs\web1.vhdx")]}),
    (["--disk", "1G", "--disk-path", r"C:\VMs\system.vhdx"], {"disks": [(0, r"C:\VMs\system.vhdx")]}),
    (["--attach", r"C:\VMs\old.vhdx"], {"disks": [(0, r"C:\VMs\old.vhdx")]}),
    (["--attach", r"C:\VMs\old.vhd", "--generation", "1"], {"disks": [(0, r"C:\VMs\old.vhd")]}),
    (["--iso", ISO], {"dvds": [(0, ISO)], "boot_order": [ISO, "EFI Network"]}),
    (
        ["--iso", ISO, "--disk", "1G"],
        {"dvds": [(1, ISO)], "boot_order": [ISO, "EFI Network", rf"{DISK_FOLDER}\web1.vhdx"]},
    ),
    (["--iso", ISO, "--generation", "1"], {"dvds": [(0, ISO)]}),
    (["--secure-boot-template", "OpenSourceShieldedVM"], {"secure_boot_template": "OpenSourceShieldedVM"}),
    (["--notes", "it's “mine”\nand yours"], {"notes": "it's “mine”\nand yours"}),
    (["--start", "--disk", "1G"], {"state": "Running", "heartbeat": "OkApplicationsHealthy"}),
]


@pytest.mark.parametrize(("words", "shown"), OPTIONS, ids=lambda each: " ".join(each) if isinstance(each, list) else "")
def test_every_option_can_be_seen(lab, words, shown):
    made = lab.json("vm", "create", "web1", *words)
    assert made == lab.json("vm", "show", "web1") or made["state"] == "Running"
    for name, value in shown.items():
        found = made[name]
        if name in ("disks", "dvds"):
            found = [(drive["location"], drive["path"]) for drive in found]
        assert found == value, name


def test_a_network_connection(lab):
    (adapter,) = lab.json("vm", "create", "web1", "--switch", "LAN", "--vlan", "7")["adapters"]
    assert (adapter["switch"], adapter["connected"], adapter["vlan_mode"], adapter["vlan"]) == (
        "lan",
        True,
        "Access",
        7,
    )
    (bare,) = lab.json("vm", "create", "web2")["adapters"]
    assert (bare["switch"], bare["connected"], bare["vlan_mode"], bare["vlan"]) == ("", False, "Untagged", None)


def test_a_folder_for_its_files(lab):
    made = lab.json("vm", "create", "web1", "--path", r"C:\VMs", "--disk", "1G")
    assert made["path"].startswith(r"C:\VMs")
    assert [drive["path"] for drive in made["disks"]] == [r"C:\VMs\web1.vhdx"]


@pytest.mark.parametrize("generation", ["1", "2"])
def test_everything_at_once(lab, generation):
    made = lab.json(
        *("vm", "create", "web1", "--generation", generation, "--memory", "2G", "--memory-minimum", "512M"),
        *("--memory-maximum", "4G", "--dynamic-memory", "--processors", "4", "--disk", "60G", "--iso", ISO),
        *("--switch", "lan", "--vlan", "7", "--path", r"C:\VMs", "--notes", "web server", "--start"),
        *(["--secure-boot-template", "MicrosoftUEFICertificateAuthority"] if generation == "2" else []),
    )
    assert (made["state"], made["generation"], made["processors"]) == ("Running", int(generation), 4)
    assert made["boot_order"][:1] == ([ISO] if generation == "2" else [])
    assert made["memory_maximum"] == 4 * GIB
    assert made["adapters"][0]["vlan"] == 7


def test_a_name_that_exists(lab, no_change):
    made = lab.json("vm", "create", "web1")
    with no_change():
        refused = lab("vm", "create", "WEB1", "-o", "json")
        kept = lab("vm", "create", "WEB1", "--exist-ok", "--memory", "8G", "-o", "json")
        told = lab("vm", "create", "WEB1", "--exist-ok")
    assert (refused.code, refused.error["message"]) == (6, "A virtual machine called 'web1' exists already.")
    assert (kept.code, kept.data, kept.err) == (0, made, "")
    assert told.err == "'web1' exists already; it was left as it is.\n"


def test_an_existing_one_is_shown_only_where_there_is_one(lab):
    assert lab.json("vm", "create", "web1", "--exist-ok")["name"] == "web1"


FAILURES = [
    (["--iso", r"C:\ISO\none.iso"], 3, r"The host has no file 'C:\ISO\none.iso'."),
    (["--attach", r"C:\VMs\none.vhdx"], 3, r"The host has no file 'C:\VMs\none.vhdx'."),
    (["--switch", "none"], 3, "There is no virtual switch 'none', or more than one."),
    (["--disk", "1G", "--disk-path", r"C:\VMs\old.vhdx"], 6, r"The host has a file 'C:\VMs\old.vhdx' already."),
    (["--disk", "1G", "--disk-path", r"C:\none"], 3, r"The host has no folder 'C:\none'."),
    (["--path", r"Q:\VMs"], 3, "The host has no 'Q:\\'."),
    (["--memory", "128G", "--disk", "1G", "--start"], 1, "'web1' was not created, it could not be started: "),
    (["--processors", "2048"], None, "'web1' was not created, its settings were refused: "),
]


@pytest.mark.parametrize(
    ("words", "code", "message"), FAILURES, ids=lambda each: " ".join(each) if isinstance(each, list) else ""
)
def test_a_failure_leaves_nothing(lab, words, code, message):
    before = things(lab.world_file)
    failed = lab("vm", "create", "web1", "--switch", "lan", *words, "-o", "json")
    assert failed.code == code or (code is None and failed.code in (1, 3, 6))
    assert failed.error["message"].startswith(message)
    assert failed.error["object"] == "web1"
    assert "Could not be taken back" not in failed.error["message"]
    assert things(lab.world_file) == before
    assert failed.out == ""


class Spoiling(LabTransport):
    """Gives one step of the batch that creates a machine a parameter that no cmdlet has."""

    spoilt: str | None = None

    def send(self, data: bytes) -> None:
        lines = []
        for line in data.splitlines():
            request: dict[str, Any] = json.loads(line) if line else {}
            steps = request.get("steps", ())
            for step in steps if any(each["cmdlet"] == "New-VM" for each in steps) else ():
                if step["id"] == self.spoilt:
                    step["parameters"]["Nonsense"] = True
            lines.append(json.dumps(request).encode("ascii") if request else b"")
        super().send(b"\n".join(lines) + b"\n")


def steps_of(generation: int) -> list[str]:
    return [step.id for step in plan_create(spec_of(generation), DISK_FOLDER).batch.steps if step.on_error == "stop"]


def spec_of(generation: int):
    return whole_vm_create(generation, iso=ISO, path=r"C:\VMs", disk_path=r"C:\VMs")


@pytest.mark.parametrize(
    ("generation", "step"), [(generation, step) for generation in (1, 2) for step in steps_of(generation)]
)
def test_a_failure_at_any_step_leaves_nothing(lab, generation, step):
    transport = Spoiling(lab.world_file)
    transport.spoilt = step
    before = things(lab.world_file)
    with Session(transport) as session:
        service = VmService(session)
        creation = service.plan_create(spec_of(generation))
        with pytest.raises(
            HvctlError, match=r"'web1' was not created|exists already|There is no|has no file"
        ) as caught:
            service.create(spec_of(generation), creation)
    assert caught.value.cmdlet_error is not None
    assert caught.value.cmdlet_error["error_id"].startswith("NamedParameterNotFound,")
    assert "Could not be taken back" not in caught.value.message
    assert things(lab.world_file) == before


@pytest.mark.parametrize("step", ["adapters", "vlans", "disks", "dvds", "firmware"])
def test_what_is_only_shown_may_fail(lab, step):
    transport = Spoiling(lab.world_file)
    transport.spoilt = step
    with Session(transport) as session:
        service = VmService(session)
        assert service.create(spec_of(2), service.plan_create(spec_of(2))).name == "web1"


def test_after_a_failure_it_can_be_made(lab):
    assert lab("vm", "create", "web1", "--disk", "1G", "--memory", "128G", "--start").code == 1
    assert lab.json("vm", "create", "web1", "--disk", "1G", "--start")["state"] == "Running"


def test_every_problem_of_the_words_is_told_with_its_option(hvctl):
    refused = hvctl("vm", "create", "", "--memory", "33M", "--processors", "0", "--vlan", "7", "-o", "json")
    assert refused.code == 2
    message = refused.error["message"]
    assert "NAME: it is empty." in message
    assert "--memory: " in message
    assert "--processors: " in message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--memory", "4"], "--memory: The size '4' has no unit."),
        (["--disk", "big"], "--disk: 'big' is not a size."),
        (["--memory-maximum", "0.3K"], "--memory-maximum: '0.3K' is not a whole number of bytes."),
        (["--vlan", "7"], "--vlan needs --switch."),
        (["--disk-path", "C:\\a"], "--disk-path says where --disk goes: give --disk too."),
        (["--iso", "C:\\a.txt"], "--iso takes an .iso file."),
        (["--generation", "1", "--secure-boot-template", "MicrosoftWindows"], "Generation 1 has no secure boot."),
    ],
    ids=str,
)
def test_words_that_do_not_fit(hvctl, words, message):
    refused = hvctl("vm", "create", "web1", *words, "-o", "json")
    assert (refused.code, refused.error["message"]) == (2, message)
    assert not hvctl.world_file.exists()


@pytest.mark.parametrize("windows", ["2016", "2019", "2022", "2025"])
def test_every_windows_version(hvctl, windows):
    hvctl.ok("lab", "reset", "--windows", windows)
    version = {"2016": "8.0", "2019": "9.0", "2022": "10.0", "2025": "12.0"}[windows]
    assert hvctl.json("vm", "create", "web1", "--disk", "1G", "--start")["version"] == version


def test_a_creation_is_logged(lab):
    lab.ok("vm", "create", "it's \n".strip(), "--notes", "secret")
    (line,) = lab.log.splitlines()
    assert line.endswith('INFO vm create: "it\'s" on lab: changed')
    assert "secret" not in line
