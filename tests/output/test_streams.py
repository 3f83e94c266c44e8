from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hvctl.errors import HvctlError
from hvctl.output.streams import Sink, emit, printable, printable_lines, say

pytestmark = pytest.mark.unit


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Failing(io.StringIO):
    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


@pytest.mark.parametrize(
    ("text", "on_one_line", "on_lines"),
    [
        ("web 1 Käse 😀 データ", "web 1 Käse 😀 データ", "web 1 Käse 😀 データ"),
        (r"C:\new", r"C:\new", r"C:\new"),
        ("a\nb\r\tc", r"a\nb\r\tc", "a\nb\\r\\tc"),
        ("\x1b[2J\x00\x07", r"\x1b[2J\x00\x07", r"\x1b[2J\x00\x07"),
        ("\x7f\x85\x9b", r"\x7f\x85\x9b", r"\x7f\x85\x9b"),
        ("a\u202eb\u2066\u200f", r"a\u202eb\u2066\u200f", r"a\u202eb\u2066\u200f"),
        ("\u2028\ufeff", r"\u2028\ufeff", r"\u2028\ufeff"),
        ("\ud800", r"\ud800", r"\ud800"),
        ("👩\u200d💻", "👩\u200d💻", "👩\u200d💻"),
    ],
)
def test_printable(text: str, on_one_line: str, on_lines: str) -> None:
    assert printable(text) == on_one_line
    assert printable_lines(text) == on_lines


@pytest.mark.parametrize(
    ("choice", "environment", "terminal", "colored"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"TERM": "xterm"}, True, True),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, False, True),
        ("never", {}, True, False),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="there the console itself decides")
def test_colour(choice: str, environment: dict[str, str], terminal: bool, colored: bool) -> None:
    stream = Terminal() if terminal else io.StringIO()
    sink = Sink.of(stream, choice, environment)  # type: ignore[arg-type]
    assert (sink.is_terminal, sink.color) == (terminal, colored)


def test_a_terminal_has_a_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "123")
    assert Sink.of(Terminal()).width == 123


@pytest.mark.parametrize("encoding", ["cp850", "ascii", "utf-16"])
def test_data_is_utf8_whatever_the_stream_says(encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\r\n")
    emit("Käse €\n\ud800", stream)
    assert raw.getvalue() == "Käse €\n\\ud800".encode()


def test_data_follows_what_was_written_before() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="utf-8")
    stream.write("first ")
    emit("second", stream)
    assert raw.getvalue() == b"first second"


def test_a_stream_without_bytes_takes_the_text() -> None:
    stream = io.StringIO()
    emit("Käse", stream)
    assert stream.getvalue() == "Käse"


def test_a_full_disk_is_an_error() -> None:
    with pytest.raises(HvctlError, match="The output cannot be written: No space left"):
        emit("x", Failing(OSError(errno.ENOSPC, "No space left on device")))


def test_a_closed_pipe_ends_quietly() -> None:
    emit("x", Failing(BrokenPipeError(errno.EPIPE, "Broken pipe")))
    say("x", Failing(BrokenPipeError(errno.EPIPE, "Broken pipe")))


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end otherwise there")
def test_a_closed_pipe_leaves_no_word_on_stderr() -> None:
    code = "import sys; from hvctl.output.streams import emit; emit('x' * 200_000, sys.stdout); emit('y', sys.stdout)"
    source = Path(__file__).parents[2] / "src"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as stdout:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=stdout,
            stderr=subprocess.PIPE,
            env={**environment, "PYTHONPATH": str(source)},
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")


def test_say_keeps_lines_and_disarms_the_rest() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    say("a\nb\x1b[2J é", stream)
    assert raw.getvalue() == b"a\nb\\x1b[2J \\xe9\n"
