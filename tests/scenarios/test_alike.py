"""The same command lines on the lab and on hosts behind WinRM: the same answers, apart from the host's name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.support.remote import Remote
from tests.support.sites import Line, Said, Site, line, with_numbered_ids

from hvctl.lab.transport import LabTransport
from hvctl.powershell.batch import Batch, Call, Step
from hvctl.powershell.protocol import Frame
from hvctl.transports.base import Transport
from hvctl.transports.session import Session
from hvctl.transports.winrm import WinRMTransport

NAME = 'wéb\'s "1" [x] 🚀'
OTHER = "\u2018db\u2019 $(x); `n -Name"
SWITCH = "l'an [ü]"
TAKEN = f"A virtual machine called '{NAME}' exists already."

SCENARIOS: dict[str, Sequence[Line]] = {
    "one machine's life": (
        line("vm", "list", "-o", "json", says="[]"),
        line("vm", "create", NAME, "--memory", "1G", "--disk", "1G", "-o", "json", says='"state": "Off"'),
        line("vm", "create", NAME, code=6, says=TAKEN),
        line("vm", "create", NAME, "--exist-ok", "-o", "name"),
        line("vm", "list", says=NAME),
        line("vm", "list", "-o", "csv"),
        line("vm", "start", NAME, says="changed  Running"),
        line("vm", "start", NAME, says="unchanged  Running"),
        line("vm", "set", NAME, "--processors", "2", "-o", "json", code=6, says='"code": 6'),
        line("vm", "stop", NAME, "-o", "json", says='"state": "Off"'),
        line("vm", "set", NAME, "--processors", "2", "--notes", "ü; Remove-VM *", says="changed"),
        line("vm", "show", NAME, "-o", "yaml", says="ü; Remove-VM *"),
        line("vm", "rename", NAME, OTHER, says="changed"),
        line("vm", "delete", OTHER, code=2, says="--yes"),
        line("vm", "delete", OTHER, "--with-disks", "--yes", says="changed"),
        line("vm", "list", "-o", "name"),
    ),
    "many machines": (
        line("vm", "create", "a", "-o", "name"),
        line("vm", "create", "b", "-o", "name"),
        line("vm", "create", "b[1]", "--disk", "1G", "-o", "name"),
        line("vm", "start", "b*", "-o", "json", says='"changed"'),
        line("vm", "start", "-", stdin="a\nb[1]\n", says="unchanged"),
        line("vm", "list", "--state", "running", "--sort=-name", "--columns", "name,state"),
        line("vm", "stop", "a", "x", "--turn-off", "-o", "json", code=3, says="No virtual machine 'x'"),
        line("vm", "stop", "--all", code=8, says="does not answer"),
        line("vm", "stop", "--all", "--turn-off"),
        line("vm", "list", "--query", "[].[name, state]", "-o", "json"),
    ),
    "switches": (
        line("switch", "create", SWITCH, "--type", "internal", says=SWITCH),
        line("switch", "create", SWITCH, code=6, says="exists already"),
        line("vm", "create", "web1", "--switch", SWITCH, "--vlan", "7", "-o", "json", says='"vlan": 7'),
        line("vm", "create", "web2", "--switch", "none", code=3, says="There is no virtual switch 'none'"),
        line("switch", "list", "-o", "json", says='"Internal"'),
        line("switch", "show", SWITCH, "-o", "json", says="web1"),
        line("switch", "delete", "none", "-o", "json", "--yes", code=3, says='"code": 3'),
    ),
    "what is not there": (
        line("vm", "show", NAME, code=3, says=f"No virtual machine '{NAME}' on"),
        line("vm", "start", "x*", "-o", "json", code=3, says='"error"'),
        line("vm", "create", "web1", "--iso", r"C:\none.iso", code=3, says=r"The host has no file 'C:\none.iso'"),
        line("checkpoint", "create", "web1", code=3),
        line("vhd", "show", r"C:\VMs\none.vhdx", code=3),
        line("storage", "pool", "show", "none", code=3),
        line("vm", "list", "-o", "json", says="[]"),
    ),
    "dry runs": (
        line("vm", "create", NAME, "--disk", "1G", "--start", "--dry-run", says="+ 'b''s"),
        line("vm", "create", NAME, "--disk", "1G", "--dry-run", "-o", "json", says='"New-VHD"'),
        line("vm", "list", "-o", "json", says="[]"),
        line("vm", "create", NAME, "--disk", "1G", "--show-powershell", says="# undo:"),
        line("vm", "create", NAME, "--dry-run", code=6, says=TAKEN),
        line("vm", "delete", NAME, "--with-disks", "--dry-run", says="Remove-Item -LiteralPath"),
        line("switch", "create", SWITCH, "--dry-run", says="New-VMSwitch"),
        line("vm", "list", "--columns", "name", says=NAME),
    ),
    "checkpoints": (
        line("vm", "create", NAME, "--disk", "1G", "--start", "-o", "name"),
        line("checkpoint", "create", NAME, "--name", "b'4 [ü] 🚀", says="Production"),
        line("vm", "set", NAME, "--notes", "later", "-q"),
        line("checkpoint", "create", NAME, "--name", "then", "-o", "json", says='"then"'),
        line("checkpoint", "list", "-o", "json", "--query", "[].[name, parent]"),
        line("checkpoint", "tree", NAME, says="you are here"),
        line("checkpoint", "restore", NAME, "then", code=2, says="--yes"),
        line("checkpoint", "restore", NAME, "b'4 [ü] 🚀", "--yes", says="changed"),
        line("vm", "show", NAME, "-o", "json", "--query", "[].notes", says='[""]'),
        line("checkpoint", "rename", NAME, "then", "now", says="changed"),
        line("checkpoint", "show", NAME, "now"),
        line("checkpoint", "delete", NAME, "--all", "--yes", says="changed"),
        line("checkpoint", "list", NAME, "-o", "json", says="[]"),
        line("vm", "delete", NAME, "--with-disks", "--turn-off", "--yes"),
    ),
    "disks": (
        line("vhd", "create", r"C:\VMs\ä'.vhdx", "--size", "2G", "-o", "json", says='"Dynamic"'),
        line("vhd", "create", r"C:\VMs\ä'.vhdx", "--size", "2G", code=6),
        line("vhd", "create", r"C:\VMs\child.vhdx", "--parent", r"C:\VMs\ä'.vhdx", "-o", "yaml"),
        line("vhd", "list", "--path", r"C:\VMs", says="child.vhdx"),
        line("vhd", "chain", r"C:\VMs\child.vhdx"),
        line("vhd", "resize", r"C:\VMs\ä'.vhdx", "--size", "4G", code=6),
        line("vm", "create", "web1", "--attach", r"C:\VMs\child.vhdx", "-o", "json", says="child.vhdx"),
    ),
    "storage and the host": (
        line("host", "show", says="HV01"),
        line("host", "show", "-o", "json"),
        line("storage", "disk", "list"),
        line("storage", "disk", "list", "-o", "json"),
        line("storage", "health", says="All is well"),
        line("storage", "pool", "create", "pool ü", "--disks", "auto", "-o", "json", "--dry-run"),
        line("storage", "create", "vm's", "--disks", "auto", "--size", "100G", "--volume", "V:"),
        line("storage", "virtual-disk", "list", says="vm's"),
        line("storage", "volume", "list", "-o", "json"),
        line("storage", "health", "-o", "json"),
    ),
}

# What the stand-ins can do, without tables: the host's name is longer here. A PowerShell starts for each line.
SMALL: Sequence[Line] = (
    line("vm", "create", NAME, "--memory", "1G", "-o", "json", says='"state": "Off"'),
    line("vm", "create", NAME, code=6, says=TAKEN),
    line("vm", "start", NAME, "x", "-o", "json", code=3, says="No virtual machine 'x'"),
    line("vm", "start", NAME, "-o", "csv", says="Running"),
    line("vm", "set", NAME, "--notes", "ü; Remove-VM *", "-o", "json", says='"changed"'),
    line("switch", "create", SWITCH, "-o", "json", says='"Private"'),
    line("vm", "rename", NAME, OTHER, "-o", "json", says='"changed"'),
    line("vm", "list", "--query", "[].[name, id, state, memory_assigned]", "-o", "json", says="Running"),
)
BEHIND_AN_ENDPOINT = 3
"""So many of its lines are tried there: more show nothing that the lab's engine there does not."""


@pytest.fixture(scope="session")
def stories() -> dict[str, list[Said]]:
    """What the lab has answered to each scenario; it is asked once."""
    return {}


def told(scenario: str, site: Site, stories: dict[str, list[Said]]) -> list[Said]:
    """What the lab answers to a scenario."""
    if scenario not in stories:
        stories[scenario] = site.play(SCENARIOS[scenario])
    return stories[scenario]


@pytest.mark.lab
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_on_the_lab(scenario: str, near: Site, stories: dict[str, list[Said]]) -> None:
    for said in told(scenario, near, stories):
        assert said.code == said.line.code, said
        assert said.line.says in said.out + said.err, said


@pytest.mark.winrm
@pytest.mark.parametrize("auth", ["basic", "ntlm"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_over_winrm(
    scenario: str, auth: str, near: Site, far: Callable[[str], Site], stories: dict[str, list[Said]]
) -> None:
    for here, there in zip(told(scenario, near, stories), far(auth).play(SCENARIOS[scenario]), strict=True):
        assert there == here


def progress_of(transport: Transport) -> list[tuple[str, int | None]]:
    """The progress that arrives while a disk is made and converted."""
    heard: list[Frame] = []
    path, converted = r"C:\VMs\a.vhdx", r"C:\VMs\b.vhdx"
    make = Step("disk", Call("New-VHD", {"Path": path, "SizeBytes": 1 << 37, "Fixed": True}))
    convert = Step("converted", Call("Convert-VHD", {"Path": path, "DestinationPath": converted}))
    with Session(transport, listener=heard.append) as session:
        assert session.run(Batch((make, convert)), timeout=60.0).ok
    return [(frame["activity"], frame["percent"]) for frame in heard if frame.type == "progress"]


@pytest.mark.winrm
@pytest.mark.parametrize("auth", ["basic", "ntlm"])
def test_progress_arrives_from_afar(
    auth: str, endpoints: Callable[[str], Remote], far: Callable[[str], Site], tmp_path: Path
) -> None:
    far(auth)  # a fresh world
    seen = progress_of(WinRMTransport(endpoints(auth).endpoint))
    assert {activity for activity, _ in seen} == {"New-VHD", "Convert-VHD"}
    assert seen == progress_of(LabTransport(tmp_path / "world.db"))


@pytest.mark.powershell
@pytest.mark.parametrize(("how", "lines"), [("local", len(SMALL)), ("winrm", BEHIND_AN_ENDPOINT)])
def test_with_a_real_powershell(how: str, lines: int, near: Site, powershell: Callable[[str], Site]) -> None:
    story = SMALL[:lines]
    here = with_numbered_ids(near.play(story))
    there = with_numbered_ids(powershell(how).play(story))
    for lab, real in zip(here, there, strict=True):
        assert lab.code == lab.line.code, lab
        assert lab.line.says in lab.out + lab.err, lab
        assert real == lab
