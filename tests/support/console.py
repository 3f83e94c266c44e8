"""The `console` blocks of a page: read, run as written in one bash, and compared with what they show.

A block is a fence whose info string is `console`. In it a line that begins with `$ ` is a command, `> ` continues it,
and what follows is what the command prints, stdout and stderr together. A line `...` stands for any lines, `…` within a
line for any text. A block that shows no output at all only says that its commands work. A command ends in 0 unless
the next one is `$ echo $?`, which shows what it ended in.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHOWS_CODE = "echo $?"
_MARK = "\x1e"
_FENCE = re.compile(r"^( *)```console *$")
_TIMEOUT = 120


@dataclass
class Command:
    """One command of a page, and what the page says of it."""

    line: int
    text: str
    shown: list[str] = field(default_factory=list)
    compares: bool = True
    may_fail: bool = False


@dataclass(frozen=True)
class Ran:
    """What a command printed, and its exit code."""

    output: str
    code: int


def commands(page: str) -> list[Command]:
    """The commands of a page, in order."""
    found: list[Command] = []
    for start, lines in _blocks(page.splitlines()):
        block: list[Command] = []
        for number, line in enumerate(lines, start + 1):
            if line.startswith("$ "):
                block.append(Command(number, line[2:]))
            elif not block:
                raise ValueError(f"line {number}: a console block begins with a command")
            elif (line == ">" or line.startswith("> ")) and not block[-1].shown:
                block[-1].text += "\n" + line[2:]
            else:
                block[-1].shown.append(line)
        compares = any(command.shown for command in block)
        for command, following in zip(block, [*block[1:], None], strict=True):
            command.compares = compares
            command.may_fail = following is not None and following.text == SHOWS_CODE
        found += block
    return found


def run(page: list[Command], folder: Path) -> list[Ran]:
    """Run commands in one bash, in a fresh home and working directory under `folder`, with the lab as the host."""
    work = folder / "work"
    work.mkdir()
    (work / "examples").symlink_to(ROOT / "examples")
    script = folder / "page.sh"
    script.write_text("".join(_scripted(command.text) for command in page), encoding="utf-8")
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", str(script)],
        cwd=work,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_TIMEOUT,
        check=False,
    )
    output = done.stdout.decode("utf-8")
    pieces = re.split(f"{_MARK}(\\d+)\n", output)
    ran = [Ran(text, int(code)) for text, code in zip(pieces[::2], pieces[1::2], strict=False)]
    assert len(ran) == len(page), f"bash stopped after {len(ran)} of {len(page)} commands:\n{output}"
    return ran


def problem(command: Command, ran: Ran) -> str | None:
    """What the page says of a command and is not so."""
    said = f"line {command.line}: $ {command.text}"
    if ran.code != 0 and not command.may_fail:
        return f"{said}\nended in {ran.code}:\n{ran.output}"
    # CSV ends its lines as RFC 4180 says, which a page cannot show.
    if command.compares and not _pattern(command.shown).fullmatch(ran.output.replace("\r\n", "\n")):
        shown = "".join(f"{line}\n" for line in command.shown)
        return f"{said}\nthe page shows:\n{shown}it printed:\n{ran.output}"
    return None


def environment(folder: Path) -> dict[str, str]:
    """The environment of a person with hvctl installed and the lab chosen; home and programs are in `folder`."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    _program(programs / "hvctl", '-m hvctl "$@"')
    for name in ("python", "python3"):
        _program(programs / name, '"$@"')
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HVCTL_", "PYTEST_", "LC_"))}
    return kept | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "HVCTL_HOME": str(folder / "home"),
        "HVCTL_HOST": "lab",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
    }


def _program(path: Path, arguments: str) -> None:
    path.write_text(f"#!/bin/sh\nexec '{sys.executable}' {arguments}\n", encoding="utf-8")
    path.chmod(0o755)


def _blocks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """The first line's number and the lines of every console block."""
    at = 0
    while at < len(lines):
        fence = _FENCE.match(lines[at])
        at += 1
        if fence is None:
            continue
        end = lines.index(f"{fence[1]}```", at)
        yield at, [line.removeprefix(fence[1]) for line in lines[at:end]]
        at = end + 1


def _scripted(text: str) -> str:
    return f"{text}\n__code=$?; printf '{_MARK}%d\\n' $__code; (exit $__code)\n"


def _pattern(shown: list[str]) -> re.Pattern[str]:
    lines = (
        "(?:.*\n)*?" if line == "..." else "[^\n]*?".join(map(re.escape, line.split("…"))) + "\n" for line in shown
    )
    return re.compile("".join(lines))
