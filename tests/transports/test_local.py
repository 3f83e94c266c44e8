"""The local transport: a child process, its lines, its end, and its stray output."""

from __future__ import annotations

import logging
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.pwsh import require_pwsh

from hvctl.errors import UnreachableError
from hvctl.powershell.batch import Batch, Call, Step
from hvctl.powershell.bootstrap import engine_hash, engine_line
from hvctl.powershell.protocol import ClientProtocol, Frame
from hvctl.transports.base import TransportLost
from hvctl.transports.local import (
    LocalTransport,
    child_environment,
    find_powershell,
    readable,
    windows_powershell,
)

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None

posix = pytest.mark.skipif(os.name == "nt", reason="the stand-in for PowerShell is a script with #!")


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Callable[[str], LocalTransport]]:
    """A transport whose PowerShell is a Python script; `line()` in it reads one line of stdin."""
    opened: list[LocalTransport] = []

    def start(body: str) -> LocalTransport:
        program = tmp_path / f"powershell{len(opened)}"
        program.write_text(
            f"#!{sys.executable}\n"
            "import os, subprocess, sys, time\n"
            "def line(): return sys.stdin.buffer.readline()\n"
            "def say(data): os.write(1, data)\n"
            f"{body}\n",
            encoding="utf-8",
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        transport = LocalTransport("here", str(program))
        opened.append(transport)
        transport.open("nonce")
        return transport

    yield start
    for transport in opened:
        transport.close()


def receive_all(transport: LocalTransport, seconds: float = 20.0) -> tuple[bytes, str]:
    """Everything until the end, and how it ended."""
    data = b""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        try:
            data += transport.receive(1.0)
        except TransportLost as lost:
            return data, lost.reason
    raise AssertionError("the child did not end")


@pytest.mark.unit
@posix
def test_engine_is_the_first_line_and_requests_follow(child):
    transport = child("say(line()); say(line()); say(line())")
    transport.send(b"\nrequest\n")
    assert receive_all(transport)[0] == engine_line("nonce") + b"\nrequest\n"


@pytest.mark.unit
@posix
def test_receive_returns_what_there_is_and_waits_no_longer_than_told(child):
    transport = child("line(); say(b'one'); line(); time.sleep(0.1); say(b'two'); line()")
    assert transport.receive(10) == b"one"
    began = time.monotonic()
    assert transport.receive(0.3) == b""
    assert 0.25 <= time.monotonic() - began < 3
    assert transport.receive(0) == b""
    transport.send(b"\n")
    assert transport.receive(10) == b"two"


@pytest.mark.unit
@posix
def test_large_data_passes_both_ways_at_once(child):
    transport = child("line()\nwhile data := sys.stdin.buffer.read1(): say(data.upper())")
    transport.send(b"x" * 3_000_000 + b"\n")
    data = b""
    while len(data) < 3_000_001 and (piece := transport.receive(10)):
        data += piece
    assert data == b"X" * 3_000_000 + b"\n"


@pytest.mark.unit
@posix
def test_end_tells_exit_code_and_last_words(child):
    transport = child("line(); say(b'last'); sys.stderr.write('first\\nno such thing\\n'); sys.exit(7)")
    data, reason = receive_all(transport)
    assert data == b"last"
    assert reason == "PowerShell ended with exit code 7: first no such thing"
    with pytest.raises(TransportLost, match="exit code 7"):
        transport.receive(0)


@pytest.mark.unit
@posix
def test_sending_to_a_child_that_is_gone(child):
    transport = child("sys.exit(3)")
    receive_all(transport)
    with pytest.raises(TransportLost, match="exit code 3"):
        transport.send(b"\n" * 1_000_000)


@pytest.mark.unit
@posix
def test_child_that_ends_before_it_reads_is_told_by_receive(child):
    assert "exit code 4: refused" in receive_all(child("sys.stderr.write('refused'); sys.exit(4)"))[1]


@pytest.mark.unit
@posix
def test_grandchild_that_holds_stdout_does_not_hide_the_end(child):
    transport = child("line(); subprocess.Popen(['sleep', '8']); say(b'x'); sys.exit(5)")
    assert receive_all(transport, 7) == (b"x", "PowerShell ended with exit code 5")


@pytest.mark.unit
@posix
def test_stderr_goes_to_the_log(child, caplog):
    with caplog.at_level(logging.INFO, logger="hvctl"):
        receive_all(child("sys.stderr.buffer.write(b'caf\\xc3\\xa9 \\xff\\n\\n')"))
    assert [record.getMessage() for record in caplog.records] == ["PowerShell: café \ufffd"]


@pytest.mark.unit
@posix
def test_close_asks_to_exit_and_ends_stdin(child, tmp_path):
    transport = child(f"line(); rest = sys.stdin.buffer.read(); open({str(tmp_path / 'seen')!r}, 'wb').write(rest)")
    transport.close()
    assert (tmp_path / "seen").read_bytes() == ClientProtocol.simple("exit")
    transport.close()
    for call in (lambda: transport.receive(0), lambda: transport.send(b"\n")):
        with pytest.raises(TransportLost):
            call()


@pytest.mark.unit
@posix
def test_close_leaves_no_zombie(child):
    transport = child("line(); print('x', flush=True); line()")
    pid = transport._process.pid
    transport.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.unit
@posix
def test_close_kills_a_child_that_was_never_asked_anything(child):
    transport = child("line()\nwhile True: time.sleep(1)")
    process = transport._process
    transport.close()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.unit
@posix
def test_close_leaves_a_child_that_may_be_undoing_to_itself(child, tmp_path):
    marker = tmp_path / "undone"
    transport = child(f"line(); line(); line(); time.sleep(7); open({str(marker)!r}, 'w').close()")
    process = transport._process
    transport.send(b"\nrun\n")
    began = time.monotonic()
    transport.close()
    assert time.monotonic() - began < 6
    assert not marker.exists()
    assert process.wait(20) == 0
    assert marker.exists()


@pytest.mark.unit
@posix
def test_child_that_never_reads_keeps_nobody_waiting(child):
    began = time.monotonic()
    transport = child("while True: time.sleep(1)")
    process = transport._process
    transport.send(b"x" * 1_000_000 + b"\n")
    transport.send(b"\nmore\n")
    assert time.monotonic() - began < 2
    assert transport.receive(0.1) == b""
    transport.close()
    assert time.monotonic() - began < 7
    assert process.poll() is None
    process.kill()


@pytest.mark.unit
@pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="the size of a pipe is set on Linux")
def test_engine_that_does_not_fit_into_the_pipe_does_not_keep_open_waiting(child, monkeypatch):
    real = subprocess.Popen

    def with_small_pipe(*args, **kwargs):
        process = real(*args, **kwargs)
        fcntl.fcntl(process.stdin, fcntl.F_SETPIPE_SZ, 4096)
        return process

    monkeypatch.setattr(subprocess, "Popen", with_small_pipe)
    began = time.monotonic()
    transport = child("while True: time.sleep(1)")
    assert time.monotonic() - began < 2
    process = transport._process
    transport.close()
    assert time.monotonic() - began < 7
    assert process.returncode == -signal.SIGKILL


@pytest.mark.unit
@posix
def test_lines_that_had_to_wait_arrive_in_order(child):
    transport = child("line(); time.sleep(1.5)\nwhile data := sys.stdin.buffer.read1(): say(data)")
    lines = [b"%d" % number * 100_000 + b"\n" for number in range(4)]
    for each in lines:
        transport.send(each)
    data = b""
    while len(data) < sum(map(len, lines)) and (piece := transport.receive(10)):
        data += piece
    assert data == b"".join(lines)


@pytest.mark.unit
@posix
def test_last_words_of_the_engine_before_are_not_those_of_the_next(child, tmp_path):
    marker = tmp_path / "first"
    marker.touch()
    transport = child(
        f"line()\nif os.path.exists({str(marker)!r}): os.remove({str(marker)!r}); line(); line(); time.sleep(4)\n"
        "else: line()\n"
        "sys.stderr.write(f'words of {os.getpid()}'); sys.exit(9)"
    )
    first = transport._process
    transport.send(b"\nrun\n")
    transport.close()
    transport.open("again")
    first.wait(20)
    time.sleep(0.5)
    second = transport._process.pid
    transport.send(b"\n")
    assert receive_all(transport)[1] == f"PowerShell ended with exit code 9: words of {second}"


@pytest.mark.unit
@posix
def test_child_has_a_process_group_of_its_own(child):
    transport = child("line(); say(str(os.getpgrp()).encode() + b' ' + str(os.getpid()).encode()); line()")
    group, pid = transport.receive(10).split()
    assert group == pid != str(os.getpgrp()).encode()


@pytest.mark.unit
@posix
def test_transport_can_be_opened_again(child):
    transport = child("line(); say(b'here'); line()")
    assert transport.receive(10) == b"here"
    transport.close()
    transport.open("again")
    assert transport.receive(10) == b"here"


@pytest.mark.unit
def test_missing_executable_is_unreachable(tmp_path):
    transport = LocalTransport("here", str(tmp_path / "pwsh"))
    with pytest.raises(UnreachableError) as caught:
        transport.open("n")
    assert caught.value.host == "here"
    assert caught.value.hint
    transport.close()


@pytest.mark.unit
def test_no_powershell_on_path(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnreachableError) as caught:
        find_powershell(use_pwsh=True)
    assert "not found" in caught.value.message
    assert "pwsh" in (caught.value.hint or "")


@pytest.mark.unit
@posix
def test_powershell_on_path(monkeypatch, tmp_path):
    program = tmp_path / "pwsh"
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_powershell() == find_powershell(use_pwsh=True) == str(program)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("environ", "bits", "path"),
    [
        ({"SYSTEMROOT": r"D:\Win"}, 64, r"D:\Win\System32\WindowsPowerShell\v1.0\powershell.exe"),
        (
            {"SYSTEMROOT": r"C:\Windows", "PROCESSOR_ARCHITEW6432": "AMD64"},
            32,
            r"C:\Windows\Sysnative\WindowsPowerShell\v1.0\powershell.exe",
        ),
        ({"SYSTEMROOT": r"C:\Windows"}, 32, r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"),
        ({}, 64, r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"),
    ],
)
def test_where_windows_powershell_is(environ, bits, path):
    assert windows_powershell(environ, bits) == path


@pytest.mark.unit
def test_windows_powershell_does_not_get_the_modules_of_pwsh():
    kept = r"C:\Users\a\WindowsPowerShell\Modules;C:\Windows\system32\WindowsPowerShell\v1.0\Modules;D:\Mine"
    path = rf"C:\Program Files\PowerShell\Modules;{kept};c:\program files\powershell\7\Modules"
    environ = {"PSMODULEPATH": path, "PATH": "x"}
    assert child_environment(environ, r"C:\Windows\powershell.exe")["PSMODULEPATH"] == kept
    assert child_environment(environ, "/usr/bin/pwsh")["PSMODULEPATH"] == path
    assert child_environment(environ, "/usr/bin/pwsh")["PATH"] == "x"
    assert child_environment({}, "pwsh")["NO_COLOR"] == "1"


@pytest.mark.unit
@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("plain text\r\n", "plain text"),
        ("   ", ""),
        ("#< CLIXML\r\n", ""),
        ('<Objs Version="1.1"><Obj S="progress" RefId="0"><TN RefId="0"><T>x</T></TN></Obj></Objs>', ""),
        (
            '#< CLIXML <Objs><S S="Error">Not &lt;allowed&gt;_x000D__x000A_</S><S S="Error">here_x0020_now</S></Objs>',
            "Not <allowed> here now",
        ),
        ("<Object>", "<Object>"),
    ],
)
def test_xml_is_made_readable(line, text):
    assert readable(line) == text


def next_frame(transport: LocalTransport, protocol: ClientProtocol, kind: str) -> Frame:
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        for frame in protocol.feed(transport.receive(1.0)):
            if frame.type == kind:
                return frame
    raise AssertionError(f"no {kind}")


@pytest.mark.powershell
def test_real_powershell_from_open_to_close():
    transport = LocalTransport("here", require_pwsh())
    protocol = ClientProtocol("n", engine_hash())
    transport.open("n")
    hello = next_frame(transport, protocol, "hello")
    process = transport._process
    assert (hello["nonce"], hello["pid"]) == ("n", process.pid)
    batch = Batch((Step("s", Call("Test-Path", {"LiteralPath": ("/",)}), select=(".",)),))
    transport.send(protocol.run("r", batch, deadline=20.0))
    assert next_frame(transport, protocol, "record")["data"] == {".": True}
    assert next_frame(transport, protocol, "done")["ok"] is True
    began = time.monotonic()
    transport.close()
    assert time.monotonic() - began < 10
    assert process.returncode == 0


@pytest.mark.powershell
@posix
def test_killed_powershell_is_lost():
    transport = LocalTransport("here", require_pwsh())
    transport.open("n")
    next_frame(transport, ClientProtocol("n", engine_hash()), "hello")
    transport._process.kill()
    assert "exit code -9" in receive_all(transport)[1]
    transport.close()
