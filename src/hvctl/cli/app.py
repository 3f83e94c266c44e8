"""The program: a command line runs, and the one place where an error becomes an exit code."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import Any

from hvctl.cli.commands import COMMANDS, Noun, build

_TYPER_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; nothing is raised."""
    words = list(sys.argv[1:] if argv is None else argv)
    _open_closed_streams()
    try:
        # Pydantic would look through every installed distribution for plugins, which takes longer than a list of VMs.
        os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
        if words == ["--version"]:
            from hvctl import __version__

            sys.stdout.write(f"hvctl {__version__}\n")
            return 0
        if words[:1] == ["__complete"]:
            from hvctl.cli.complete import answer

            return answer(words[1:])
        return _run(words or ["--help"])
    except KeyboardInterrupt:
        return _interrupted(words)
    except BrokenPipeError:
        # The reader has what it wanted; a second flush at exit must not complain either.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - lives until the process ends
        return 0


def _run(words: list[str]) -> int:
    import typer

    from hvctl.cli.report import report, report_unexpected
    from hvctl.errors import HvctlError, UsageError

    try:
        app: Any = build(words)
        code = app(words, prog_name="hvctl", standalone_mode=False)
    except HvctlError as error:
        return report(error, words)
    except typer.TyperException as error:
        # Typer's message for a noun without a verb is the whole help text.
        message = error.format_message()
        message = "A command is missing." if "\n" in message else message
        return report(UsageError(message, hint=_help_hint(words)), words)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except BrokenPipeError:
        raise
    except Exception as error:
        return report_unexpected(error, words)
    # Typer makes this code of a KeyboardInterrupt, and says nothing.
    if code == _TYPER_INTERRUPTED:
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0


def _open_closed_streams() -> None:
    """Give a standard stream that the caller closed, which Python has as None, an empty file that is no terminal."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - lives as long as we


def _interrupted(words: Sequence[str]) -> int:
    from hvctl.cli.report import report
    from hvctl.errors import CancelledError

    if sys.stderr.isatty():
        sys.stderr.write("\n")  # the line of the question, or of ^C, is still open
    return report(CancelledError("Interrupted."), words)


def _help_hint(words: Sequence[str]) -> str:
    """The command whose help would have told: the noun and verb among the words, in that order."""
    named: list[str] = []
    level: Any = COMMANDS
    for word in words:
        if isinstance(level, dict) and word in level:
            named.append(word)
            level = level[word].verbs if isinstance(level[word], Noun) else None
    return f"See: {' '.join(['hvctl', *named, '--help'])}"


def entry_point() -> None:
    """The `hvctl` program."""
    # A command lives for a moment: looking for cyclic garbage while it loads costs a tenth of it.
    gc.set_threshold(200_000)
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(code)  # and Python says what is wrong with them
    # Nothing is left to do, and to take every object apart takes time too.
    os._exit(code)
