"""What starts the engine: the command line, the first line on stdin, and the two ways it refuses."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re

import pytest
from tests.support.pwsh import run_script

from hvctl.powershell.bootstrap import (
    bootstrap_script,
    command_line,
    encoded_command,
    engine_hash,
    engine_line,
    engine_text,
)
from hvctl.powershell.protocol import ClientProtocol, Frame

EXECUTABLE = r"C:\Windows\Sysnative\WindowsPowerShell\v1.0\powershell.exe"


def first_frame(out: str) -> Frame:
    (frame,) = ClientProtocol("", "").feed(out.encode("ascii"))
    return frame


@pytest.mark.unit
def test_command_line_is_short_and_has_the_flags():
    command = command_line(EXECUTABLE)
    assert command[:-1] == [
        EXECUTABLE,
        "-NoLogo",
        "-NoProfile",
        "-NonInteractive",
        "-ExecutionPolicy",
        "Bypass",
        "-InputFormat",
        "Text",
        "-OutputFormat",
        "Text",
        "-EncodedCommand",
    ]
    assert len(" ".join(command)) < 8000


@pytest.mark.unit
def test_command_line_carries_the_script_and_nothing_that_cmd_would_change():
    encoded = command_line(EXECUTABLE)[-1]
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", encoded)
    assert base64.b64decode(encoded).decode("utf-16-le") == bootstrap_script()


@pytest.mark.unit
def test_first_line_is_the_nonce_and_the_engine():
    line = engine_line("abc")
    nonce, packed = line.split(b" ")
    assert (nonce, line.count(b"\n"), line.endswith(b"\n")) == (b"abc", 1, True)
    assert gzip.decompress(base64.b64decode(packed)) == engine_text()


@pytest.mark.unit
def test_hash_is_that_of_the_engine_and_in_the_script():
    assert engine_hash() == hashlib.sha256(engine_text()).hexdigest()
    assert f"'{engine_hash()}'" in bootstrap_script()


@pytest.mark.unit
def test_script_mentions_stdin_only_at_its_top_level():
    """PowerShell's host feeds stdin to a script that mentions $input outside nested script blocks."""
    assert "$input.MoveNext()" in bootstrap_script()
    assert "[scriptblock]::Create" in bootstrap_script()
    assert re.search(r"[&.%]\s*\{|function ", bootstrap_script()) is None


@pytest.mark.powershell
@pytest.mark.parametrize("mode", ["ConstrainedLanguage", "RestrictedLanguage"])
def test_other_language_modes_are_refused_with_one_frame(mode):
    change = f"$ExecutionContext.SessionState.LanguageMode = '{mode}'\n"
    out, _ = run_script(change + bootstrap_script(), lines=engine_line("n"))
    frame = first_frame(out)
    assert (frame.type, frame.id, frame.n, frame["error_id"]) == ("error", "", 0, "Hvctl.LanguageMode")
    assert set(frame.fields) == {
        "step",
        "message",
        "category",
        "error_id",
        "exception",
        "hresult",
        "target",
        "undo",
    }
    assert mode in frame["message"]
    assert out.strip("\r\n").startswith("\x1e")


def torn(line: bytes) -> bytes:
    return line[:2000] + b"\n" + line[2000:]


def altered(line: bytes) -> bytes:
    nonce, packed = line.split(b" ")
    text = gzip.decompress(base64.b64decode(packed)).replace(b"Hvctl.Busy", b"Hvctl.Bury")
    return nonce + b" " + base64.b64encode(gzip.compress(text)) + b"\n"


@pytest.mark.powershell
@pytest.mark.parametrize(
    "change",
    [torn, altered, lambda line: b"n !!!\n", lambda line: b"\n", lambda line: b"n\n", lambda line: b"n AAAA\n"],
)
def test_an_engine_that_is_not_ours_is_refused(change):
    out, _ = run_script(bootstrap_script(), lines=change(engine_line("n")))
    frame = first_frame(out)
    assert (frame.type, frame.id, frame.n, frame["error_id"]) == ("error", "", 0, "Hvctl.EngineHash")


@pytest.mark.powershell
def test_no_engine_at_all_ends_quietly():
    assert run_script(bootstrap_script()) == ("", "")


@pytest.mark.powershell
def test_the_engine_says_hello_and_ends_with_its_input():
    out, err = run_script(bootstrap_script(), lines=engine_line("n") + ClientProtocol.simple("ping", "p"))
    frames = ClientProtocol("n", "").feed(out.encode("ascii"))
    assert [frame.type for frame in frames] == ["hello", "pong"]
    assert (frames[0]["nonce"], frames[0]["engine"], err) == ("n", engine_hash(), "")


@pytest.mark.powershell
def test_encoded_command_runs_any_script():
    assert encoded_command("é") == base64.b64encode(b"\xe9\x00").decode()
    assert run_script("'é'.Length")[0].split() == ["1"]
