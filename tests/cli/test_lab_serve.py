"""`hvctl lab serve` as a program: what it prints, who can use that, how it ends, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from tests.support.pwsh import require_pwsh
from winrm.exceptions import InvalidCredentialsError
from winrm.protocol import Protocol

pytestmark = pytest.mark.winrm

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture
def environment(hvctl, tmp_path):
    """The environment of a process on the fixture's home, whose own files are the test's."""
    return {**os.environ, "PYTHONPATH": str(SOURCE), "HVCTL_LAB_PASSWORD": "", "TMPDIR": str(tmp_path)}


@pytest.fixture
def start(environment):
    """Starts `hvctl lab serve` as a process, whose first line is there when it listens."""

    @contextmanager
    def run(*words: str, env: dict[str, str] | None = None, first: bytes = b"") -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "hvctl", "lab", "serve", *words]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, env=environment | (env or {}), **pipes) as process:
            try:
                process.stdin.write(first)
                process.stdin.flush()
                yield process
            finally:
                process.kill()

    return run


def listening(process: subprocess.Popen[bytes]) -> dict[str, str]:
    """The only host of what `--json` printed."""
    (host,) = json.loads(process.stdout.readline())["hosts"]
    return host


def counts(host: dict[str, str]) -> dict[str, object]:
    base = host["url"].partition("/wsman")[0]
    return requests.get(f"{base}/stats", verify=host["ca_file"], timeout=10).json()


def run_dir(host: dict[str, str], password: str | None = None) -> int:
    """The exit code of a command that the lab does not know, run by pywinrm as the line says."""
    protocol = Protocol(
        host["url"],
        transport=host["auth"],
        username=host["user"],
        password=password or host["password"],
        ca_trust_path=host["ca_file"],
        proxy=None,
    )
    try:
        shell = protocol.open_shell(codepage=65001)
        code = protocol.get_command_output(shell, protocol.run_command(shell, "dir", console_mode_stdin=False))[2]
        protocol.close_shell(shell)
    finally:
        protocol.transport.close_session()
    return code


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
def test_one_line_of_json_is_all_that_a_client_needs(start, auth):
    with start("--json", "--auth", auth, "--until-stdin-closes") as process:
        host = listening(process)
        assert list(host) == ["name", "url", "user", "password", "auth", "ca_file"]
        assert (host["name"], host["user"], host["auth"]) == ("hv01", "Administrator", auth)
        assert run_dir(host) == 1
        with pytest.raises(InvalidCredentialsError):
            run_dir(host, "wrong")
        assert counts(host)["plaintext_bodies"] == 0
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, b"", b"")
    assert not Path(host["ca_file"]).exists()


def test_what_a_person_can_paste(start):
    with start() as process:
        printed = {}
        for _ in range(5):
            line = process.stdout.readline().decode().rstrip()
            name, value = re.fullmatch(r"(?:export |\$env:)(\w+) ?= ?(.*)", line).groups()
            printed[name] = value.strip("'") if sys.platform == "win32" else shlex.split(value)[0]
        assert process.stderr.readline() == b"The lab listens. Press Ctrl-C to end it." + os.linesep.encode()
        assert re.fullmatch(r"https://127\.0\.0\.1:\d+/wsman/hv01", printed["HVCTL_HOST"])
        host = {name.removeprefix("HVCTL_").lower(): value for name, value in printed.items()}
        assert run_dir({**host, "url": host["host"]}) == 1


@pytest.mark.parametrize("how", ["environment", "stdin"])
def test_a_password_that_was_given_is_not_printed(start, how):
    secret = "pa's \"$wörd"
    options = {"env": {"HVCTL_LAB_PASSWORD": secret}} if how == "environment" else {}
    words = ["--password-stdin"] if how == "stdin" else []
    with start(*words, first=f"{secret}\n".encode(), **options) as process:
        lines = [process.stdout.readline().decode() for _ in range(5)]
    assert not any("wörd" in line for line in lines)
    assert lines[4] == f"# HVCTL_PASSWORD is the one that you gave, of Administrator.{os.linesep}"


def test_a_given_password_user_and_file_are_used(start, tmp_path):
    ca_file = tmp_path / "my ca.pem"
    words = ("--json", "--user", "Ops", "--ca-file", str(ca_file), "--password-stdin", "--until-stdin-closes")
    with start(*words, first=b"fixed: no\nfixed\n") as process:
        _, err = process.communicate(timeout=30)
        assert (process.returncode, b"colon" in err) == (2, True)
    with start(*words, first=b"fixed\n") as process:
        host = listening(process)
        assert (host["user"], host["password"], host["ca_file"]) == ("Ops", "fixed", str(ca_file))
        assert run_dir(host) == 1
        process.communicate(timeout=30)
    assert ca_file.exists()


def test_each_run_has_a_password_of_its_own(start):
    passwords = set()
    for _ in range(2):
        with start("--json") as process:
            passwords.add(listening(process)["password"])
    assert len(passwords) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="signals of a terminal")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_it_quietly(start, number):
    with start("--json", "--auth", "ntlm") as process:
        host = listening(process)
        process.send_signal(getattr(signal, number))
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, b"", b"")
    with pytest.raises(requests.exceptions.ConnectionError):
        counts(host)


def test_several_hosts_and_only_some(hvctl, start):
    hvctl.ok("lab", "reset", "--world", "two-hosts", "--yes")
    with start("--json") as process:
        first, second = json.loads(process.stdout.readline())["hosts"]
        assert (first["name"], second["name"]) == ("hv01", "hv02")
        assert second["url"] == first["url"].replace("hv01", "hv02")
    with start("--hosts", " HV02,") as process:
        assert process.stdout.readline().decode().rstrip().endswith("/wsman/hv02")
    with start() as process:
        lines = [process.stdout.readline().decode() for _ in range(6)]
        assert lines[5].startswith("# hv02 is at https://127.0.0.1:")


def test_a_powershell_of_one_s_own(start):
    with start("--json", "--powershell", require_pwsh(), "--until-stdin-closes") as process:
        host = listening(process)
        protocol = Protocol(
            host["url"], "basic", host["user"], host["password"], ca_trust_path=host["ca_file"], proxy=None
        )
        shell = protocol.open_shell(codepage=65001)
        words = ("-NoProfile", "-Command", "6*7")
        command = protocol.run_command(shell, "powershell.exe", words, console_mode_stdin=False)
        assert protocol.get_command_output(shell, command)[0].strip() == b"42"
        protocol.close_shell(shell)
        assert counts(host)["powershell_starts"] == 1
        process.communicate(timeout=30)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--port", "65536"], 2, "--port is 65536."),
        (["--tls-port", "-1"], 2, "--tls-port is -1."),
        (["--delay-ms", "-1"], 2, "--delay-ms is -1."),
        (["--start-ms", "60001"], 2, "--start-ms is 60001."),
        (["--hosts", "hv07"], 3, "The lab has no host 'hv07'."),
        (["/usr/bin/pwsh"], 2, "'/usr/bin/pwsh' is a PowerShell only with --powershell."),
        (["--powershell", "no-such-powershell"], 2, "There is no program 'no-such-powershell'."),
        (["--user", "a:b"], 2, "A user or password of the lab is empty, or has a colon or a line break in it."),
        (["--user", ""], 2, "A user or password of the lab is empty, or has a colon or a line break in it."),
        (["--ca-file", "/missing/ca.pem"], 2, "/missing/ca.pem cannot be written: No such file or directory."),
    ],
)
def test_what_cannot_be_served_is_said(hvctl, words, code, said):
    ended = hvctl("lab", "serve", *words)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.splitlines()[0] == f"error: {said}"


def test_a_taken_port_is_said(hvctl, start):
    with start("--json", "--auth", "ntlm") as process:
        port = re.search(r":(\d+)/", listening(process)["url"])[1]
        ended = hvctl("lab", "serve", "--port", port)
    assert ended.code == 6
    assert ended.err.startswith(f"error: Port {port} of 127.0.0.1 cannot be listened on: ")
