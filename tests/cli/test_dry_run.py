"""A dry run reads and checks as in earnest, prints what would run, asks nothing and changes nothing."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.lab

ISO = r"C:\ISO\ubuntu.iso"


@pytest.fixture
def lab(hvctl):
    """web1 off, web2 running, web3 paused, web4 saved, on the switch lan."""
    hvctl.like("dry", _lab)
    return hvctl


def _lab(hvctl) -> None:
    hvctl.ok("switch", "create", "lan")
    for number in range(1, 5):
        hvctl.ok("vm", "create", f"web{number}", "--disk", "1G", "--switch", "lan")
    hvctl.ok("vm", "start", "web2", "web3", "web4")
    hvctl.ok("vm", "suspend", "web3")
    hvctl.ok("vm", "save", "web4")


COMMANDS = [
    # words, and the exit code of the dry run, which is that of earnest
    (["vm", "create", "new"], 0),
    (["vm", "create", "new", "--disk", "1G", "--iso", ISO, "--switch", "lan", "--vlan", "7", "--start"], 0),
    (["vm", "create", "new", "--generation", "1", "--iso", ISO], 0),
    (["vm", "create", "WEB1"], 6),
    (["vm", "create", "web1", "--exist-ok"], 0),
    (["vm", "create", "new", "--iso", r"C:\ISO\none.iso"], 3),
    (["vm", "create", "new", "--attach", r"C:\none.vhdx"], 3),
    (["vm", "create", "new", "--switch", "none"], 3),
    (["vm", "start", "--all"], 0),
    (["vm", "stop", "web2"], 0),
    (["vm", "stop", "web3"], 6),
    (["vm", "stop", "--all"], 8),
    (["vm", "stop", "--all", "--turn-off"], 0),
    (["vm", "save", "web2", "web3"], 0),
    (["vm", "save", "web1"], 6),
    (["vm", "suspend", "web2"], 0),
    (["vm", "resume", "web3"], 0),
    (["vm", "restart", "web2"], 0),
    (["vm", "restart", "web2", "--reset"], 0),
    (["vm", "restart", "web1"], 6),
    (["vm", "rename", "web1", "web9"], 0),
    (["vm", "rename", "web1", "web2"], 6),
    (["vm", "set", "web1", "--processors", "4", "--notes", "x"], 0),
    (["vm", "set", "web2", "--processors", "4"], 6),
    (["vm", "delete", "web1"], 0),
    (["vm", "delete", "web1", "--with-disks"], 0),
    (["vm", "delete", "web2"], 6),
    (["vm", "delete", "--all", "--turn-off", "--with-disks"], 0),
    (["vm", "delete", "none"], 3),
    (["vm", "delete", "none", "--missing-ok"], 0),
    (["switch", "create", "new", "--type", "internal"], 0),
    (["switch", "create", "wan", "--type", "external", "--adapter", "Ethernet"], 0),
    (["switch", "create", "LAN"], 6),
    (["switch", "delete", "lan"], 0),
    (["switch", "delete", "none"], 3),
]


def id_of(each: object) -> str:
    return " ".join(each) if isinstance(each, list) else str(each)


@pytest.mark.parametrize(("words", "code"), COMMANDS, ids=id_of)
def test_nothing_changes_and_nothing_is_asked(lab, no_change, words, code):
    with no_change():
        ended = lab(*words, "--dry-run", terminal=True)
    assert ended.code == code
    assert "[y/N]" not in ended.err
    assert lab.log == ""


@pytest.mark.parametrize(("words", "code"), COMMANDS, ids=id_of)
def test_the_exit_code_is_that_of_earnest(lab, words, code):
    assert lab(*words, "--yes").code == code


@pytest.mark.parametrize(("words", "code"), [each for each in COMMANDS if each[1] == 0], ids=id_of)
def test_what_would_run_is_powershell_on_stdout(lab, words, code):
    ended = lab(*words, "--dry-run")
    assert ended.code == code
    if "--exist-ok" in words:
        assert "exists already" in ended.err
    elif "--missing-ok" in words:
        assert ended.out == "# Nothing to do.\n"
    else:
        assert ended.out.startswith("& {\n")
        assert ended.err == "" or "stays" in ended.err


@pytest.mark.parametrize("output", ["json", "ndjson", "yaml"])
def test_or_the_batch_as_data(lab, output):
    ended = lab("vm", "stop", "web2", "--turn-off", "--dry-run", "-o", output)
    assert "Stop-VM" in ended.out
    if output == "json":
        (stop,) = [step for step in ended.data["steps"] if step["cmdlet"] == "Stop-VM"]
        assert stop["parameters"]["TurnOff"] is True
        assert json.loads(lab("vm", "start", "web2", "--dry-run", "-o", "json").out) == {"steps": []}


def test_undo_stands_beside_what_it_takes_back(lab):
    text = lab("vm", "create", "new", "--disk", "1G", "--start", "--dry-run").out
    assert [line.strip() for line in text.splitlines() if line.strip().startswith("# undo:")] == [
        "# undo: Remove-VM -VM $vm -Force",
        "# undo: Remove-Item -LiteralPath $disk.Path -Force",
        "# undo: Stop-VM -VM $vm -TurnOff -Force",
    ]


def test_nothing_to_do(lab):
    assert lab("vm", "start", "web2", "--dry-run").out == "# Nothing to do.\n"


def test_names_are_only_names_in_the_text(hvctl):
    text = hvctl("vm", "create", "--dry-run", "--", "'; Remove-VM *").out
    assert "'''; Remove-VM *'" in text


def test_what_runs_is_shown_on_stderr_and_runs(lab):
    shown = lab("vm", "stop", "web2", "--turn-off", "--show-powershell", "-o", "json")
    assert shown.code == 0
    assert "Stop-VM -VM" in shown.err
    assert shown.data[0]["state"] == "Off"
    assert lab.state("web2") == "Off"


def test_a_read_can_be_shown_too(lab):
    shown = lab("vm", "list", "--show-powershell")
    assert shown.err.startswith("Get-VM -ErrorAction Stop | Select-Object -Property Id, Name, State, ")
    assert shown.out.startswith("NAME")
