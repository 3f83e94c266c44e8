"""The examples do what they promise also when something goes wrong, and the Python in the pages runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.console import ROOT, environment

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


@for_bash
def test_inventory_that_fails_leaves_no_file(tmp_path):
    done = _run(tmp_path, "bash", "-c", f"HVCTL_HOST=nowhere '{ROOT}/examples/inventory.sh' out")
    assert done.returncode == 2
    assert list((tmp_path / "out").iterdir()) == []


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
    done = _run(tmp_path, sys.executable, ROOT / "examples" / "capacity.py", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: No host is called 'nowhere'.")


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
