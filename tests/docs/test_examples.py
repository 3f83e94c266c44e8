"""The examples do what they promise also when something goes wrong, and the Python in the pages runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.powershell.test_engine_syntax import NEWER_TOKENS, judge
from tests.support.console import ROOT, environment
from tests.support.pwsh import require_pwsh
from tests.support.simulated import SimulatedHost
from tests.support.spaces import break_disks

from hvctl.lab import seeds

pytestmark = pytest.mark.docs
for_bash = pytest.mark.skipif(sys.platform == "win32", reason="the example is for bash")


def _run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=environment(folder),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def _hvctl(folder: Path, *words: str) -> str:
    done = _run(folder, sys.executable, "-m", "hvctl", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_tour_ends_in_the_code_of_what_failed(tmp_path):
    _hvctl(tmp_path, "switch", "create", "tour-lan")
    done = _run(tmp_path, sys.executable, ROOT / "examples" / "lab_tour.py")
    assert done.returncode == 6
    assert done.stdout == "$ hvctl switch create tour-lan --type internal\n\n"


@for_bash
def test_ci_job_without_a_machine_runs_nothing(tmp_path):
    script = ROOT / "examples" / "ci-job.sh"
    done = _run(tmp_path, "bash", "-c", f"SWITCH=nowhere CI_JOB_ID=7 '{script}' echo ran")
    assert (done.returncode, done.stdout) == (3, "")
    assert _hvctl(tmp_path, "vm", "list", "-o", "json") == "[]\n"


def _two_hosts(folder: Path) -> None:
    world = folder / "home" / "lab" / "world.db"
    seeds.reset(world, "two-hosts")
    for host in ("hv01", "hv02"):
        SimulatedHost(world, host).call("New-VM", Name=f"on-{host}")
    groups = '[groups]\nprod = ["lab/hv01", "lab/hv02"]\nbroken = ["lab/hv01", "lab/gone", "lab/hv02"]\n'
    (folder / "home" / "config.toml").write_text(groups, encoding="utf-8")


def _by_bash(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return _run(folder, "bash", ROOT / "examples" / "inventory.sh", "out", *words)


def _by_powershell(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    hosts = "".join(f" -Hosts '{word}'" for word in words)
    script = f"& '{ROOT}/examples/inventory.ps1' -Folder out{hosts}; exit $LASTEXITCODE"
    return _run(folder, require_pwsh(), "-NoProfile", "-NonInteractive", "-Command", script)


def _reports(folder: Path) -> list[str]:
    return sorted(path.name.partition(".")[2] for path in (folder / "out").iterdir())


def _hosts_of(folder: Path) -> list[str]:
    (report,) = (folder / "out").glob("vms-*.csv")
    return [line.split(",")[6] for line in report.read_bytes().decode("utf-8").splitlines()]


@for_bash
@pytest.mark.parametrize(
    "inventory", [_by_bash, pytest.param(_by_powershell, marks=pytest.mark.powershell)], ids=["sh", "ps1"]
)
class TestInventory:
    """The nightly inventory, for cron and for the Task Scheduler."""

    @pytest.mark.parametrize("hosts", [(), ("@prod",)], ids=["all hosts", "a group"])
    def test_every_host(self, tmp_path, inventory, hosts):
        _two_hosts(tmp_path)
        done = inventory(tmp_path, *hosts)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert _reports(tmp_path) == ["csv"]
        assert _hosts_of(tmp_path) == ["host", "lab/hv01", "lab/hv02"]

    def test_names_are_utf8(self, tmp_path, inventory):
        _hvctl(tmp_path, "vm", "create", "b\u00fcro, \u03b1")
        assert inventory(tmp_path).returncode == 0
        (report,) = (tmp_path / "out").iterdir()
        assert '"b\u00fcro, \u03b1",Off,' in report.read_text(encoding="utf-8")

    def test_a_host_that_fails_costs_its_own_lines(self, tmp_path, inventory):
        _two_hosts(tmp_path)
        done = inventory(tmp_path, "@broken")
        assert done.returncode == 8
        assert _reports(tmp_path) == ["csv", "errors.txt"]
        assert _hosts_of(tmp_path) == ["host", "lab/hv01", "lab/hv02"]
        (told,) = (tmp_path / "out").glob("*.errors.txt")
        assert "\n  lab/gone: " in told.read_text(encoding="utf-8")
        assert told.read_text(encoding="utf-8") == done.stderr
        assert inventory(tmp_path, "@prod").returncode == 0
        assert _reports(tmp_path) == ["csv"]

    def test_one_that_fails_leaves_what_there_was(self, tmp_path, inventory):
        _two_hosts(tmp_path)
        failed = inventory(tmp_path, "lab/gone")
        assert (failed.returncode, _reports(tmp_path)) == (3, [])
        assert failed.stderr.startswith("error: The lab has no host 'gone'")
        assert inventory(tmp_path).returncode == 0
        assert inventory(tmp_path, "lab/gone").returncode == 3
        assert _hosts_of(tmp_path) == ["host", "lab/hv01", "lab/hv02"]


@pytest.mark.powershell
def test_inventory_keeps_to_windows_powershell():
    text = (ROOT / "examples" / "inventory.ps1").read_bytes()
    assert text.isascii()
    (facts,) = judge(text)
    assert {fact.partition(" ")[2] for fact in facts if fact.startswith("token ")} & NEWER_TOKENS == set()


def _gate_of_the_workflow() -> str:
    workflow = yaml.safe_load((ROOT / "examples" / "health-gate.yml").read_text(encoding="utf-8"))
    (command,) = [step["run"] for step in workflow["jobs"]["gate"]["steps"] if "run" in step]
    return str(command)


@for_bash
class TestHealthGate:
    """The gate, as its workflow runs it."""

    @staticmethod
    def _run(folder: Path, group: str = "@prod") -> subprocess.CompletedProcess[str]:
        command = _gate_of_the_workflow()
        assert " @prod" in command
        return _run(folder, "bash", "-e", "-c", f"cd '{ROOT}'; {command.replace('@prod', group)}")

    def test_it_opens_and_closes(self, tmp_path):
        _two_hosts(tmp_path)
        _hvctl(tmp_path, "storage", "pool", "create", "fast", "--disks", "1,2", "--host", "lab/hv02")
        assert self._run(tmp_path).returncode == 0
        break_disks(tmp_path / "home" / "lab" / "world.db", {"LAB0101": "failed"})
        closed = self._run(tmp_path)
        assert closed.returncode == 9
        assert "Failed Media" in closed.stdout

    def test_a_host_without_an_answer_does_not_pass(self, tmp_path):
        _two_hosts(tmp_path)
        done = self._run(tmp_path, "@broken")
        assert done.returncode == 8
        assert "lab/gone" in done.stderr


def _machines(folder: Path) -> str:
    return _hvctl(folder, "vm", "list", "--query", "[].[name, state]", "-o", "json")


@for_bash
class TestTestLab:
    """The test lab, when something is there already, or is missing."""

    @staticmethod
    def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
        script = f"MACHINES='test-1 test-2' '{ROOT}/examples/test-lab.sh' {' '.join(words)}"
        return _run(folder, "bash", "-c", script)

    def test_it_can_be_run_again(self, tmp_path):
        assert self._run(tmp_path, "create").returncode == 0
        _hvctl(tmp_path, "checkpoint", "delete", "test-2", "--all", "--yes")
        _hvctl(tmp_path, "vm", "delete", "test-2", "--turn-off", "--with-disks", "--yes")
        done = self._run(tmp_path, "reset")
        assert (done.returncode, done.stdout) == (3, "")
        assert self._run(tmp_path, "create").returncode == 0
        assert self._run(tmp_path, "reset").returncode == 0
        assert _machines(tmp_path) == '[["test-1", "Running"], ["test-2", "Running"]]\n'

    def test_it_leaves_nothing_and_no_one_else_s(self, tmp_path):
        _hvctl(tmp_path, "vm", "create", "test-10", "--disk", "1G")
        for words in ("create", "delete", "delete"):
            done = self._run(tmp_path, words)
            assert done.returncode == 0, done.stderr
        assert _machines(tmp_path) == '[["test-10", "Off"]]\n'
        disks = _hvctl(tmp_path, "vhd", "list", "--path", "C:/VMs", "--recurse", "--query", "[].path")
        assert [disk.rpartition("\\")[2] for disk in disks.splitlines()] == ["test-10.vhdx"]
        assert _hvctl(tmp_path, "switch", "list", "-o", "json") == "[]\n"

    def test_it_must_be_told_what_to_do(self, tmp_path):
        done = self._run(tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == "Usage: test-lab.sh create | reset | delete\n"


@for_bash
def test_emptying_a_host_moves_nothing_when_one_machine_cannot(tmp_path):
    _hvctl(tmp_path, "lab", "reset", "--world", "two-hosts")
    for host in ("lab/hv01", "lab/hv02"):
        _hvctl(tmp_path, "migrate", "enable", "--any-network", "--host", host)
    _hvctl(tmp_path, "switch", "create", "lan")
    for words in (("web1",), ("web2", "--switch", "lan")):
        _hvctl(tmp_path, "vm", "create", *words)
    done = _run(tmp_path, "bash", ROOT / "examples" / "empty-host.sh", "lab/hv01", "lab/hv02")
    assert done.returncode == 9
    assert "its switch 'lan' is not on lab/hv02" in done.stdout
    assert _hvctl(tmp_path, "vm", "list", "--query", "length(@)") == "2\n"


def test_capacity_reports_errors_as_codes(tmp_path):
    done = _run(tmp_path, sys.executable, ROOT / "examples" / "capacity.py", "lab/nowhere")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: The lab has no host 'nowhere'")


def test_python_in_the_pages_runs(tmp_path):
    blocks = [
        block
        for page in ROOT.glob("docs/*.md")
        for block in re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    ]
    assert blocks
    for number, block in enumerate(blocks):
        folder = tmp_path / str(number)
        folder.mkdir()
        done = _run(folder, sys.executable, "-c", block)
        assert done.returncode == 0, done.stderr
