"""Real child processes behind a command."""

from __future__ import annotations

import os
import sys
import time

import pytest

from hvctl.lab.endpoint.processes import ChildProcess
from hvctl.lab.endpoint.streams import Output

pytestmark = pytest.mark.unit
posix = pytest.mark.skipif(sys.platform == "win32", reason="process groups and signals of POSIX")


@pytest.fixture
def start():
    begun = []

    def child(script: str, *, delay: float = 0.0, **environment: str) -> tuple[ChildProcess, Output]:
        output = Output()
        begun.append(ChildProcess([sys.executable, "-c", script], environment, output, delay=delay))
        return begun[-1], output

    yield child
    for each in begun:
        each.kill()


def everything(output: Output) -> tuple[bytes, bytes, int]:
    stdout = stderr = b""
    while True:
        piece = output.take(30, 65536)
        assert piece is not None
        stdout, stderr = stdout + piece.stdout, stderr + piece.stderr
        if piece.exit_code is not None:
            return stdout, stderr, piece.exit_code


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


ECHO = "import sys\nfor line in sys.stdin: print(line.strip()[::-1], flush=True)\nsys.exit(7)"


def test_what_is_sent_is_its_stdin_and_what_it_prints_is_the_output(start):
    child, output = start(ECHO)
    child.send(b"abc\n")
    assert output.take(30, 100).stdout.strip() == b"cba"
    child.send(b"def\n")
    child.end()
    stdout, stderr, code = everything(output)
    assert (stdout.strip(), stderr, code) == (b"fed", b"", 7)


def test_what_is_sent_before_it_starts_is_not_lost(start):
    child, output = start(ECHO, delay=0.2)
    child.send(b"abc\n")
    child.end()
    assert everything(output)[0].strip() == b"cba"


def test_its_environment_is_the_servers_and_the_shells(start, monkeypatch):
    monkeypatch.setenv("OF_THE_SERVER", "1")
    script = "import os; print(os.environ['OF_THE_SERVER'], os.environ['OF_THE_SHELL'], os.environ['NO_COLOR'])"
    _child, output = start(script, OF_THE_SHELL="2")
    assert everything(output)[0].split() == [b"1", b"2", b"1"]


def test_a_child_that_never_reads_keeps_nobody_waiting(start):
    child, output = start("import time; print('up', flush=True); time.sleep(600)")
    assert output.take(30, 100).stdout.strip() == b"up"
    child.send(b"x" * 5_000_000)
    child.end()


def test_a_program_that_is_not_there():
    output = Output()
    ChildProcess(["/nowhere/pwsh"], {}, output)
    stdout, stderr, code = everything(output)
    assert (stdout, code) == (b"", 1)
    assert stderr.startswith(b"/nowhere/pwsh: ")


@posix
def test_killing_ends_what_it_has_started_too(start):
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)"
    )
    child, output = start(script)
    grandchild = int(output.take(30, 100).stdout)
    assert is_alive(grandchild)
    child.kill()
    assert output.take(30, 100) is None
    give_up = time.monotonic() + 30
    while is_alive(grandchild) and not _is_defunct(grandchild) and time.monotonic() < give_up:
        time.sleep(0.01)
    assert not is_alive(grandchild) or _is_defunct(grandchild)


def _is_defunct(pid: int) -> bool:
    # Whoever adopts it may be slow to ask how it ended.
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:  # noqa: PTH123 - it may vanish
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


@posix
def test_ctrl_c_reaches_it(start):
    script = (
        "import time\n"
        "try:\n    print('up', flush=True); time.sleep(600)\n"
        "except KeyboardInterrupt:\n    print('interrupted', flush=True); raise SystemExit(130)"
    )
    child, output = start(script)
    assert output.take(30, 100).stdout.strip() == b"up"
    child.interrupt()
    stdout, _stderr, code = everything(output)
    assert (stdout.strip(), code) == (b"interrupted", 130)


def test_a_child_killed_before_it_starts_never_does(start, tmp_path):
    mark = tmp_path / "mark"
    child, output = start(f"open({str(mark)!r}, 'w')", delay=30)
    child.kill()
    assert output.wait(30)
    assert not mark.exists()


def test_settling_ends_when_it_ends(start):
    child, output = start("print('done')")
    child.settle(60)
    assert output.finished
