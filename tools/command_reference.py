"""The command reference: a page a noun under docs/commands, made from what `--help` of every command says.

`python tools/command_reference.py` writes the pages; with `--check` it names those that are stale, and ends in 1 if
there are any.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "commands"
OTHERS = "others"
_NOTE = "<!-- Made by tools/command_reference.py from what --help says: change the command, then run that. -->\n"
_OPTIONS = "\nOptions:\n"
_HEAD = re.compile(r"^  (?:(-\w), )?(--[\w-]+)")


def help_of(*words: str) -> str:
    """What `hvctl WORDS --help` prints on a terminal of 80 columns."""
    from hvctl.cli.app import main

    os.environ["COLUMNS"] = "80"
    printed = StringIO()
    with redirect_stdout(printed):
        code = main([*words, "--help"])
    if code != 0:
        raise SystemExit(f"hvctl {' '.join(words)} --help ended in {code}")
    return printed.getvalue()


def pages() -> dict[str, str]:
    """The text of every page, by its name without the ending."""
    from hvctl.cli.commands import COMMANDS, Noun, commands

    made = {}
    alone: list[tuple[str, str]] = []
    for name, entry in COMMANDS.items():
        if isinstance(entry, Noun):
            verbs = [(words, known.help) for words, known in commands(entry.verbs, f"{name} ")]
            made[name] = "\n".join(_noun(name, entry.help, verbs))
        else:
            alone.append((name, entry.help))
    made[OTHERS] = "\n".join(_others(alone))
    return made


def stale() -> list[str]:
    """What is wrong with the pages that are there; nothing when all of them are what they would be made as."""
    expected = pages()
    wrong = [f"{path.name} describes no command" for path in FOLDER.glob("*.md") if path.stem not in expected]
    for name, text in expected.items():
        path = FOLDER / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            wrong.append(f"{path.name} is not what --help says")
    return wrong


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or with `--check` compare them."""
    if list(arguments) == ["--check"]:
        wrong = stale()
        sys.stderr.write("".join(f"{line}; run: python tools/command_reference.py\n" for line in wrong))
        return 1 if wrong else 0
    if arguments:
        sys.stderr.write(f"{__doc__}")
        return 2
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / f"{name}.md").write_text(text, encoding="utf-8", newline="\n")
    return 0


def _noun(noun: str, described: str, commands: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield _NOTE
    yield f"# hvctl {noun}\n\n{described}\n"
    yield from _contents(commands)
    for command, _ in commands:
        yield from _section(command)


def _others(commands: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield _NOTE
    yield "# Other commands and shared options\n"
    yield from _contents(commands)
    for command, _ in commands:
        yield from _section(command)
    yield "## Shared options\n"
    yield (
        "They may stand before the noun or after the verb; where one is given twice, the latter wins. A flag beats\n"
        "its environment variable, which is named in brackets, and that beats the default. Each command lists those\n"
        "that it takes. `hvctl --version` prints the version.\n"
    )
    yield _block("\n".join(_shared().values()))


def _contents(commands: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield "| command | what it does |\n| --- | --- |"
    for command, described in commands:
        yield f"| [`hvctl {command}`](#hvctl-{command.replace(' ', '-')}) | {described} |"
    yield ""


def _section(command: str) -> Iterator[str]:
    text = help_of(*command.split())
    shared = _shared()
    options = list(_options(text))
    own = "\n".join(entry for name, entry in options if name not in shared)
    taken = [f"`{name}`" for name, _ in options if name in shared]
    yield f"## hvctl {command}\n"
    yield _block(f"{text.partition(_OPTIONS)[0]}{_OPTIONS}{own}")
    if taken:
        yield f"[Shared options]({OTHERS}.md#shared-options): {', '.join(taken)}.\n"


@cache
def _shared() -> dict[str, str]:
    return {name: text for name, text in _options(help_of()) if name not in ("--help", "--version")}


def _options(text: str) -> Iterator[tuple[str, str]]:
    """The long name and the lines of every option in a help text."""
    lines: list[str] = []
    name = ""
    for line in text.partition(_OPTIONS)[2].partition("\n\n")[0].splitlines():
        head = _HEAD.match(line)
        if head and lines:
            yield name, "\n".join(lines)
            lines = []
        name = head[2] if head else name
        lines.append(line)
    if lines:
        yield name, "\n".join(lines)


def _block(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
