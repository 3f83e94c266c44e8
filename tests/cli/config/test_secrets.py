"""A marked password goes through every path and error; nothing that is written has it."""

from __future__ import annotations

import base64
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from tests.conftest import Finished
from tests.support.keystores import Silent, Talkative

from hvctl import credentials

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[3]
MARK = 'Marked"Pa$$w0rd'
DEAD = "https://127.0.0.1:1"
"""Where nobody answers."""
LOUD = {"HVCTL_DEBUG": "1"}


def traces(secret: str) -> list[bytes]:
    """What a secret looks like where somebody only encoded it."""
    wide = secret.encode("utf-16-le")
    forms = [secret, repr(secret)[1:-1], secret.replace('"', '\\"'), secret.replace('"', "&quot;")]
    header = base64.b64encode(f"admin:{secret}".encode())
    return [*(form.encode() for form in forms), header, wide, base64.b64encode(wide), base64.b64encode(secret.encode())]


@pytest.fixture
def clean(hvctl, tmp_path):
    """Checks that nothing which was printed, and no file, has the password."""

    def check(*finished: Finished) -> None:
        files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != "key-store"]
        printed = [part for each in finished for part in (each.stdout, each.stderr)]
        for content in (*printed, *files):
            for trace in traces(MARK):
                assert trace not in content

    return check


@pytest.fixture
def hv01(hvctl, key_store):
    """A configured host where nobody answers."""
    hvctl.ok("config", "host", "add", "hv01", "--address", DEAD, "--user", "admin", "--auth", "ntlm")
    return key_store


COMMANDS = [
    ["config", "show", "--origin", "--host", "hv01"],
    ["config", "show", "--origin", "-o", "json"],
    ["config", "host", "show", "hv01", "-o", "yaml"],
    ["config", "host", "show", "nobody"],
    ["config", "host", "add", "hv01", "--user", "other"],
    ["config", "login", "hv01"],
    ["vm", "list", "--host", "hv01", "-v", "--timeout", "2s"],
    ["vm", "start", "web1", "--host", "hv01", "-v", "--show-powershell", "--timeout", "2s"],
    ["vm", "start", "web1", "--host", "hv01", "--dry-run", "-o", "json", "--timeout", "2s"],
    ["vm", "create", "web1", "--host", "lab"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("variable", ["HVCTL_PASSWORD", "HVCTL_PASSWORD_HV01"])
def test_from_the_environment(hvctl, hv01, clean, words, variable):
    clean(hvctl(*words, env=LOUD | {variable: MARK}))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_from_the_key_store(hvctl, hv01, clean, words):
    clean(hvctl.ok("config", "login", "hv01", "--password-stdin", stdin=MARK))
    assert hv01 == {"hvctl/hv01 admin": MARK}
    clean(hvctl(*words, env=LOUD))


@pytest.mark.parametrize("store", [Silent(), Talkative()], ids=["silent", "talkative"])
def test_from_a_key_store_that_fails(hvctl, hv01, clean, store, monkeypatch):
    hvctl.ok("config", "login", "hv01", "--password-stdin", stdin=MARK)
    monkeypatch.setattr(credentials, "KEYRING_SECONDS", 0.05)
    keyring.set_keyring(store)
    for words in (["config", "logout", "hv01"], ["vm", "list", "--host", "hv01"], ["config", "host", "remove", "hv01"]):
        clean(hvctl(*words, env=LOUD), hvctl(*words, "-o", "json", env=LOUD))


@pytest.mark.parametrize("store", [Silent(), Talkative()], ids=["silent", "talkative"])
def test_into_a_key_store_that_fails(hvctl, hv01, clean, store, monkeypatch):
    monkeypatch.setattr(credentials, "KEYRING_SECONDS", 0.05)
    keyring.set_keyring(store)
    for output in ("table", "json"):
        refused = hvctl("config", "login", "hv01", "--password-stdin", "-o", output, stdin=MARK, env=LOUD)
        assert refused.code == 4
        clean(refused)


def test_from_stdin_with_a_configuration_that_breaks(hvctl, hv01, clean):
    (hvctl.home / "config.toml").write_text("[hosts.hv01]\nuser = 1\n")
    clean(hvctl("config", "login", "hv01", "--password-stdin", stdin=MARK, env=LOUD))
    assert hv01 == {}


def test_in_the_wrong_place(hvctl, hv01, clean):
    """What somebody puts where it does not belong is not repeated, and not kept."""
    refused = hvctl("config", "host", "add", "x", "--address", f"https://admin:{MARK}@hv01", env=LOUD)
    assert refused.code == 2
    clean(refused)


def test_in_the_file(hvctl, hv01):
    path = hvctl.home / "config.toml"
    path.write_text(f"[hosts.hv01]\npassword = '{MARK}'\n")
    refused = hvctl("config", "host", "list", env=LOUD)
    assert "line 2, column 1: a host has no key 'password'" in refused.err
    assert not any(trace in refused.stderr for trace in traces(MARK))


def test_a_kept_password_has_no_repr(hvctl, hv01):
    hvctl.ok("config", "login", "hv01", "--password-stdin", stdin=MARK)
    from hvctl.config import load

    assert MARK not in repr(load())


@pytest.fixture
def terminal(hvctl, tmp_path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """`hvctl config login hv01` on a terminal of its own: its other end, and the process."""
    hvctl.ok("config", "host", "add", "hv01", "--user", "admin")
    ours, theirs = pty.openpty()
    take_over = (
        "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    )
    words = [sys.executable, "-m", "hvctl", "config", "login", "hv01"]
    environment = os.environ | {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}",
        "PYTHON_KEYRING_BACKEND": "tests.support.keystores.KeyStore",
        "TEST_KEY_STORE": str(tmp_path / "key-store"),
        "HVCTL_DEBUG": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", take_over, *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    yield ours, process
    process.kill()
    process.wait()
    os.close(ours)


def until(terminal: int, wanted: bytes) -> bytes:
    """What the terminal shows until it shows that, or for as long as there is anything."""
    shown = b""
    while wanted not in shown:
        try:
            more = os.read(terminal, 4096)
        except OSError:  # Linux says EIO where the other end is closed
            break
        if not more:
            break
        shown += more
    return shown


def test_from_a_prompt(terminal, clean, tmp_path):
    end, process = terminal
    shown = until(end, b"Password of admin on hv01: ")
    os.write(end, MARK.encode() + b"\n")
    shown += until(end, b"\x00")
    assert process.wait(30) == 0, shown
    assert b"is in the key store" in shown
    assert MARK in (tmp_path / "key-store").read_text().replace('\\"', '"')
    clean(Finished((), 0, shown, b""))


def test_leaving_a_prompt(terminal, tmp_path):
    end, process = terminal
    until(end, b"Password of admin on hv01: ")
    assert not termios.tcgetattr(end)[3] & termios.ECHO
    os.write(end, b"\x03")
    shown = until(end, b"\x00")
    assert process.wait(30) == 130, shown
    assert b"Interrupted." in shown
    assert not (tmp_path / "key-store").exists()
