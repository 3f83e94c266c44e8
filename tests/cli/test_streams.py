"""Standard streams that are closed, and reading and asking that is interrupted."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.lab

SOURCE = Path(__file__).parents[2] / "src"


def run_closed(closed: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command line with a redirection that closes a stream."""
    if os.name == "nt":
        pytest.skip("a shell of POSIX closes streams")
    line = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "hvctl", *words]
    env = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.run(line, capture_output=True, text=True, env=env, timeout=60, check=False)


def test_names_from_a_closed_stdin_are_none(hvctl):
    from_empty = hvctl("vm", "stop", "-")
    closed = run_closed("<&-", "vm", "stop", "-")
    assert (closed.returncode, closed.stdout, closed.stderr) == (from_empty.code, from_empty.out, from_empty.err)


def test_a_closed_stdin_answers_no_question(hvctl):
    hvctl.ok("vm", "create", "web1")
    unasked = hvctl("vm", "delete", "web1", "-o", "json")
    closed = run_closed("<&-", "vm", "delete", "web1", "-o", "json")
    assert (closed.returncode, closed.stderr) == (unasked.code, unasked.err)
    assert "no terminal" in unasked.error["message"]


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_command_works_with_closed_streams(hvctl, closed):
    ended = run_closed(closed, "vm", "create", "web1")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [vm["name"] for vm in hvctl.json("vm", "list")] == ["web1"]


def test_an_error_keeps_its_code_where_nobody_can_read_it(hvctl):
    assert run_closed("2>&-", "vm", "show", "nobody").returncode == 3


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture
def ctrl_c(hvctl, monkeypatch):
    """Presses Ctrl-C when a command reads its standard input."""
    stream = sys.modules[type(hvctl).__module__]._Stream
    monkeypatch.setattr(stream, "readline", _interrupt)
    wrapped = io.TextIOWrapper.buffer
    monkeypatch.setattr(
        stream,
        "buffer",
        property(lambda self: _interrupt() if self is sys.stdin else wrapped.__get__(self)),
        raising=False,
    )


@pytest.mark.usefixtures("ctrl_c")
def test_an_interrupted_question_is_told(hvctl):
    hvctl.ok("vm", "create", "web1")
    ended = hvctl("vm", "delete", "web1", terminal=True)
    assert ended.code == 130
    assert ended.err.endswith("[y/N]: \nerror: Interrupted.\n")


@pytest.mark.usefixtures("ctrl_c")
def test_interrupted_reading_of_names_is_told_as_json(hvctl):
    ended = hvctl("vm", "stop", "-", "-o", "json")
    assert (ended.code, ended.out, ended.error["message"]) == (130, "", "Interrupted.")
