"""`hvctl host` and `hvctl lab`."""

from __future__ import annotations

import pytest

from hvctl.config import default_host
from hvctl.powershell.cmdlets import CMDLETS

pytestmark = pytest.mark.lab


def test_a_host(hvctl):
    hvctl.ok("vm", "create", "web1", "--disk", "1G", "--start")
    hvctl.ok("vm", "create", "web2")
    shown = hvctl.json("host", "show")
    assert (shown["name"], shown["computer_name"], shown["vms"], shown["running"]) == ("lab", "HV01", 2, 1)
    assert (shown["windows"], shown["build"]) == ("Windows Server 2025 Datacenter", "10.0.26100")
    assert shown["modules"] == {"Hyper-V": "2.0.0.0", "Storage": "2.0.0.0"}
    assert shown["rights"] == ["Administrators"]


def test_every_host_of_the_lab(hvctl):
    hvctl.ok("lab", "reset", "--world", "two-hosts", "--windows", "2022")
    hvctl.ok("vm", "create", "web1", "--host", "lab/hv02")
    rows = hvctl.json("host", "list")
    assert [(row["name"], row["computer_name"], row["vms"]) for row in rows] == [
        ("lab/hv01", "HV01", 0),
        ("lab/hv02", "HV02", 1),
    ]
    assert {row["windows"] for row in rows} == {"Windows Server 2022 Datacenter"}


def test_using_and_leaving_the_lab(hvctl):
    nowhere = {"HVCTL_HOST": ""}
    assert hvctl("vm", "list", env=nowhere).code == 2
    used = hvctl.ok("lab", "use", env=nowhere)
    assert used.out == ""
    assert used.err == (
        f"The simulator is the default host now ({hvctl.home / 'config.toml'}). To leave it: hvctl lab leave\n"
    )
    assert hvctl("vm", "list", env=nowhere).code == 0
    assert default_host() == "lab"
    left = hvctl.ok("lab", "leave", env=nowhere)
    assert left.err == "The simulator is no longer the default host.\n"
    assert hvctl("vm", "list", env=nowhere).code == 2
    assert hvctl.ok("lab", "leave").err == "The simulator is not the default host; nothing was changed.\n"
    assert hvctl.ok("lab", "use", "-q").err == ""


def test_leaving_the_lab_leaves_another_default(hvctl):
    hvctl.home.mkdir()
    (hvctl.home / "config.toml").write_text('default = "localhost"\n')
    hvctl.ok("lab", "leave")
    assert default_host() == "localhost"


@pytest.mark.parametrize(
    ("windows", "build", "version"),
    [
        ("2016", "10.0.14393", "8.0"),
        ("2019", "10.0.17763", "9.0"),
        ("2022", "10.0.20348", "10.0"),
        ("2025", "10.0.26100", "12.0"),
    ],
)
def test_worlds_of_every_windows_version(hvctl, windows, build, version):
    made = hvctl.json("lab", "reset", "--windows", windows, "--world", "two-hosts", "--seed", "7")
    assert made == {
        "world": "two-hosts",
        "windows": windows,
        "seed": 7,
        "hosts": ["hv01", "hv02"],
        "vms": 0,
        "switches": 0,
        "isos": [r"C:\ISO\ubuntu.iso", r"C:\ISO\windows.iso"],
        "path": str(hvctl.world_file),
    }
    assert hvctl.json("lab", "show") == made
    assert hvctl.json("host", "show")["build"] == build
    assert hvctl.json("vm", "create", "web1")["version"] == version


def test_a_seed_makes_the_same_ids(hvctl):
    def ids(seed: str) -> list[str]:
        hvctl.ok("lab", "reset", "--seed", seed, "--yes")
        return [hvctl.json("vm", "create", name)["id"] for name in ("a", "b")]

    first = ids("1")
    assert ids("1") == first
    assert not set(ids("2")) & set(first)


def test_the_default_world_is_made_by_the_first_command(hvctl):
    assert not hvctl.world_file.exists()
    assert hvctl.json("lab", "show")["world"] == "one-host"
    assert hvctl.world_file.exists()


def test_a_reset_loses_everything(hvctl):
    hvctl.ok("vm", "create", "a", "--disk", "1G")
    hvctl.ok("switch", "create", "lan")
    hvctl.ok("lab", "reset", "--yes")
    assert hvctl.json("vm", "list") == hvctl.json("switch", "list") == []
    assert hvctl.json("vm", "create", "a", "--disk", "1G")["name"] == "a"


def test_coverage_tells_the_truth(hvctl):
    rows = {row["cmdlet"]: row for row in hvctl.json("lab", "coverage")}
    assert set(CMDLETS) <= set(rows)
    assert [name for name in CMDLETS if not rows[name]["simulated"]] == []
    assert rows["Measure-VM"]["simulated"] is False
    assert "Name" in rows["Get-VM"]["parameters"]
    assert "State" in rows["Get-VM"]["properties"]
    assert not set(rows["New-VM"]["parameters"]) & set(rows["New-VM"]["missing"])


def test_commands_on_the_lab_contact_no_host(hvctl):
    for words in (["lab", "show"], ["lab", "coverage"], ["lab", "use"], ["lab", "leave"], ["lab", "reset"]):
        assert hvctl(*words, env={"HVCTL_HOST": "nowhere"}).code == 0, words
