"""Where text goes: what the far end of a stream is, bytes that survive it, and nothing that a terminal would obey."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TextIO

from hvctl.errors import HvctlError

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""What moves a terminal's cursor, ends a line, turns the direction of writing, or cannot be encoded."""

_UNSAFE_BUT_NEWLINE = re.compile(_UNSAFE.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))


def printable(text: str) -> str:
    r"""The text on one line, with control characters written as escapes such as `\n` and `\x1b`."""
    return _UNSAFE.sub(_escaped, text)


def printable_lines(text: str) -> str:
    """The text with control characters written as escapes, but its line ends kept."""
    return _UNSAFE_BUT_NEWLINE.sub(_escaped, text)


def escape_for_json(text: str) -> str:
    r"""JSON or double-quoted YAML with the characters that a terminal would obey as `\uXXXX`; line ends are kept."""
    return _UNSAFE_BUT_NEWLINE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def is_printable(text: str) -> bool:
    """Whether the text can be written as it is."""
    return _UNSAFE.search(text) is None


def _escaped(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]


@dataclass(frozen=True, slots=True)
class Sink:
    """What text is written for: a terminal and its width, or a pipe or file; with colour or without."""

    is_terminal: bool = False
    width: int = 80
    color: bool = False

    @classmethod
    def of(
        cls,
        stream: TextIO,
        color: Literal["auto", "always", "never"] = "auto",
        environment: Mapping[str, str] = os.environ,
    ) -> Sink:
        """What a stream leads to. `auto` is colour on a terminal, unless NO_COLOR or TERM=dumb say no."""
        terminal = stream.isatty()
        wanted = terminal and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
        colored = color == "always" or (color == "auto" and wanted and _understands_escapes())
        return cls(terminal, shutil.get_terminal_size().columns if terminal else 80, colored)


def _understands_escapes() -> bool:
    """Whether the terminal takes ANSI escapes; the console of an old Windows, or one not switched over, does not."""
    if sys.platform != "win32":
        return True
    from rich.console import detect_legacy_windows

    return not detect_legacy_windows()


def emit(text: str, stream: TextIO) -> None:
    """Write data: UTF-8 whatever the console says, line ends as they are; a reader that is gone ends it quietly.

    Raises:
        HvctlError: The data cannot be written, as on a full disk.
    """
    try:
        stream.flush()
        binary = getattr(stream, "buffer", None)
        if binary is None:
            stream.write(text)
        else:
            binary.write(text.encode("utf-8", "backslashreplace"))
        stream.flush()
    except OSError as error:
        if not _is_closed_pipe(error):
            raise HvctlError(f"The output cannot be written: {error.strerror or error}.") from error
        _discard_rest(stream)


def say(text: str, stream: TextIO) -> None:
    """Write a line for people, usually to stderr, in the stream's own encoding; a reader that is gone is no error."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    line = printable_lines(text).encode(encoding, "backslashreplace").decode(encoding)
    try:
        stream.write(line + "\n")
        stream.flush()
    except OSError:
        _discard_rest(stream)


def _is_closed_pipe(error: OSError) -> bool:
    # Windows reports a pipe without a reader as an invalid argument.
    return isinstance(error, BrokenPipeError) or (sys.platform == "win32" and error.errno == errno.EINVAL)


def _discard_rest(stream: TextIO) -> None:
    """Let what is still buffered vanish, so that the flush at the interpreter's exit does not complain."""
    try:
        descriptor = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
    except OSError:
        return
