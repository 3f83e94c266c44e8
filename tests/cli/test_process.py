"""The program as a process: pipes, signals, logs, encodings."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hvctl import __version__
from hvctl.cli.logs import open_log
from hvctl.lab.world import World

pytestmark = pytest.mark.lab

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture
def environment(hvctl):
    """The environment of a process on the fixture's home."""
    return {**os.environ, "PYTHONPATH": str(SOURCE)}


@pytest.fixture
def start(environment):
    """Starts `hvctl` as a process."""

    def run(*words: str, **options) -> subprocess.Popen[bytes]:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        env = environment | pipes.pop("env", {})
        return subprocess.Popen([sys.executable, "-m", "hvctl", *words], env=env, **pipes)

    return run


def finish(process: subprocess.Popen[bytes], timeout: float = 30.0) -> tuple[int, bytes, bytes]:
    out, err = process.communicate(timeout=timeout)
    assert b"Traceback" not in (err or b"")
    return process.returncode, out, err


def test_the_version(start):
    assert finish(start("--version")) == (0, f"hvctl {__version__}\n".encode(), b"")


def test_exit_codes_reach_the_shell(start):
    code, out, err = finish(start("vm", "show", "x"))
    assert (code, out) == (3, b"")
    assert err.startswith(b"error: No virtual machine 'x' on lab.")


def test_names_come_through_a_pipe(hvctl, start):
    hvctl.ok("vm", "create", "web1", "--disk", "1G")
    with start("vm", "list", "-o", "name", stderr=subprocess.DEVNULL) as lister:
        assert finish(start("vm", "start", "-", "-o", "csv", stdin=lister.stdout))[0] == 0
    assert hvctl.state("web1") == "Running"


@pytest.mark.parametrize("output", ["table", "json", "ndjson", "csv", "yaml", "name"])
def test_a_reader_that_has_enough_ends_it_quietly(hvctl, start, output):
    for number in range(3):
        hvctl.ok("vm", "create", f"web{number}", "--notes", "x" * 20_000)
    with start("vm", "show", "-o", output) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
def test_a_full_disk_is_an_error(start):
    with Path("/dev/full").open("wb") as full:
        code, _, err = finish(start("vm", "list", stdout=full))
    assert code == 1
    assert err == b"error: The output cannot be written: No space left on device.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX locale")
def test_data_is_utf8_whatever_the_locale_says(hvctl, start):
    hvctl.ok("vm", "create", "Müller 🙂")
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    code, out, _ = finish(start("vm", "list", "-o", "csv", "--columns", "name", env=plain))
    assert (code, out.decode("utf-8")) == (0, "name\r\nMüller 🙂\r\n")
    code, _, err = finish(start("vm", "show", "ü", env=plain))
    assert code == 3
    assert err.isascii()


def test_a_traceback_for_who_asks(start):
    process = start("vm", "show", "x", env={"HVCTL_DEBUG": "1"})
    _, err = process.communicate(timeout=30)
    assert process.returncode == 3
    assert b"Traceback (most recent call last)" in err


# ---- interrupts


def slow_guests(hvctl) -> None:
    hvctl.ok("vm", "create", "web1", "--disk", "1G", "--start")
    with World.open(hvctl.world_file) as world, world.transaction():
        world.configure("pace", value=1)
        world.configure("guest", value={"shutdown": 120})


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("output", ["table", "json"])
def test_an_interrupt_ends_it_with_130_at_once(hvctl, start, output):
    slow_guests(hvctl)
    process = start("vm", "stop", "web1", "-o", output, "--show-powershell")
    while b"Stop-VM" not in process.stderr.readline():
        assert process.poll() is None
    while hvctl.state("web1") != "Stopping":
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process, 10)
    assert (code, out) == (130, b"")
    assert b"Interrupted. It goes on there: 'web1' is Stopping." in err
    assert hvctl.state("web1") == "Stopping"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupt_while_a_named_tuple_is_made_ends_it_with_130_too(environment, tmp_path):
    (tmp_path / "cut.py").write_text("""
import hvctl.cli.app, hvctl.cli.report
def run(words):
    exec("raise KeyboardInterrupt")  # what the standard library does to make one
hvctl.cli.app._run = run
hvctl.cli.app.entry_point()
""")
    command = [sys.executable, "-m", "cut"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, check=False, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"error: Interrupted.\n")


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_creation_that_is_interrupted_at_any_moment_is_there_entire_or_not_at_all(environment):
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.interrupted", "40"],
        env=environment,
        cwd=SOURCE.parent,
        capture_output=True,
        check=True,
        timeout=100,
    )
    empty, whole, _, *rounds = [json.loads(line) for line in done.stdout.splitlines()]
    assert (len(whole["things"]["vm"]), whole["things"]["journal"]) == (1, [])
    for each in rounds:
        assert each["code"] in (0, 130), each
        assert each["takes"] < 5, each
        made = {table: len(rows) for table, rows in each["things"].items()}
        assert made in [{table: len(rows) for table, rows in some["things"].items()} for some in (empty, whole)], each
    assert {each["code"] for each in rounds} >= {130}


# ---- logs and how much is said


def test_what_verbose_says(hvctl):
    hvctl.ok("vm", "create", "web1")
    assert hvctl.ok("vm", "list", "-v").err == "host: lab (lab)\n"
    assert hvctl.ok("vm", "list").err == ""


def test_quiet_keeps_notes_to_itself_and_not_errors(hvctl):
    hvctl.ok("vm", "create", "web1")
    assert hvctl("vm", "create", "web1", "--exist-ok", "-q").err == ""
    assert hvctl("vm", "show", "x", "-q").err.startswith("error: ")


def test_reads_are_not_logged(hvctl):
    hvctl.ok("vm", "list")
    hvctl.ok("host", "show")
    assert hvctl.log == ""


LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ INFO vm create: 'M\\xfcller' on lab: changed")


@pytest.mark.parametrize("how", ["option", "environment", "home"])
def test_the_log(hvctl, tmp_path, how):
    path = tmp_path / "somewhere" / "my.log"
    words = ["--log-file", str(path)] if how == "option" else []
    env = {"HVCTL_LOG_FILE": str(path)} if how == "environment" else {}
    hvctl.ok("vm", "create", "Müller", "--notes", "a secret", *words, env=env)
    written = (hvctl.home / "log" / "hvctl.log") if how == "home" else path
    (line,) = written.read_text(encoding="ascii").splitlines()
    assert LINE.fullmatch(line)


def test_a_name_cannot_forge_a_line_of_the_log(hvctl):
    hvctl.ok("vm", "list")
    hvctl.host.new_vm("a\n2025-01-01T00:00:00Z INFO forged")
    hvctl.ok("vm", "start", "--all")
    assert len(hvctl.log.splitlines()) == 1


def test_a_log_that_cannot_be_written(hvctl, tmp_path):
    refused = hvctl("vm", "create", "x", "--log-file", str(tmp_path), "-o", "json")
    assert refused.code == 2
    assert str(tmp_path) in refused.error["message"]


def test_a_log_that_cannot_be_written_is_found_before_anything_changes(hvctl, tmp_path):
    hvctl("vm", "create", "x", "--log-file", str(tmp_path))
    assert hvctl.json("vm", "list") == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
def test_a_log_on_a_full_disk_says_nothing(hvctl, start):
    hvctl.ok("vm", "create", "web1")
    code, out, err = finish(start("vm", "start", "web1", "-o", "json", "--log-file", "/dev/full"))
    assert (code, json.loads(out)[0]["outcome"], err) == (0, "changed", b"")


def test_a_full_log_that_another_process_holds_is_written_on(tmp_path, monkeypatch, capsys):
    def refuse(*_: object) -> None:
        raise PermissionError(13, "The file is in use")

    monkeypatch.setattr(os, "rename", refuse)
    path = tmp_path / "my.log"
    path.write_text("x" * (1 << 20))
    logger = open_log(path, verbose=False)
    logger.info("one")
    logger.info("two")
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()
    assert re.findall(r"INFO (\w+)", path.read_text()) == ["one", "two"]
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupt_is_logged(hvctl, start):
    slow_guests(hvctl)
    hvctl.ok("vm", "create", "web2")
    process = start("vm", "stop", "web1", "web2")
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    assert finish(process, 10)[0] == 130
    assert [line.split("INFO ")[1] for line in hvctl.log.splitlines()[-2:]] == [
        "vm stop: 'web1' on lab: cancelled",
        "vm stop: 'web2' on lab: unchanged",
    ]


def test_a_log_that_cannot_be_written_stops_nothing_where_nobody_asked_for_it(hvctl):
    hvctl.home.mkdir()
    (hvctl.home / "log").write_text("in the way")
    assert hvctl.json("vm", "create", "x")["name"] == "x"


def test_a_home_that_cannot_be_written(hvctl, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    refused = hvctl("vm", "list", "-o", "json", env={"HVCTL_HOME": str(blocked / "home")})
    assert refused.code in (1, 2)
    assert str(blocked) in refused.error["message"]
    assert hvctl("lab", "use", env={"HVCTL_HOME": str(blocked / "home")}).code == 2
