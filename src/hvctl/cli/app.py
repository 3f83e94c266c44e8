"""The command line: the table of commands, loading them, and the one place where an error becomes an exit code."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import typer


_TYPER_INTERRUPTED = 130


class Verb(NamedTuple):
    """Where a command is defined, and its line of help."""

    module: str
    function: str
    help: str


class Noun(NamedTuple):
    """A group of commands, and its line of help."""

    help: str
    verbs: dict[str, Verb]


def _verbs(module: str, **verbs: str) -> dict[str, Verb]:
    """The commands of one module: a function each, `list_` for `list`."""
    return {name.rstrip("_").replace("_", "-"): Verb(module, name, text) for name, text in verbs.items()}


COMMANDS: dict[str, Noun | Verb] = {
    "vm": Noun(
        "Create, run and change virtual machines.",
        {
            **_verbs(
                "hvctl.cli.vm.show",
                list_="List virtual machines.",
                show="Show everything about virtual machines.",
            ),
            **_verbs("hvctl.cli.vm.create", create="Create a virtual machine."),
            **_verbs(
                "hvctl.cli.vm.power",
                start="Start virtual machines.",
                stop="Shut down the guests of virtual machines.",
                save="Save the state of virtual machines to disk and stop them.",
                suspend="Suspend virtual machines; they keep their memory.",
                resume="Let suspended virtual machines run on.",
                restart="Shut down virtual machines and start them again.",
            ),
            **_verbs(
                "hvctl.cli.vm.change",
                rename="Give a virtual machine another name.",
                set_="Change settings of virtual machines.",
                delete="Delete virtual machines.",
            ),
        },
    ),
    "switch": Noun(
        "Create and delete virtual switches.",
        _verbs(
            "hvctl.cli.switch",
            list_="List virtual switches.",
            show="Show virtual switches and what is connected to them.",
            create="Create a virtual switch.",
            delete="Delete virtual switches.",
        ),
    ),
    "host": Noun(
        "See what a host is.",
        _verbs("hvctl.cli.host", list_="List the hosts that can be reached.", show="Show everything about a host."),
    ),
    "lab": Noun(
        "Use the simulator.",
        _verbs(
            "hvctl.cli.lab",
            use="Make the simulator the default host.",
            leave="Make the simulator the default host no longer.",
            reset="Start the simulator afresh; all that is in it is lost.",
            show="Show what the simulator's world is.",
            coverage="List the cmdlets and parameters that the simulator simulates.",
        ),
    ),
    "schema": Verb("hvctl.cli.schema", "schema", "Print the JSON Schema of what commands write."),
    "completion": Verb("hvctl.cli.completion", "completion", "Print the completion script of a shell."),
}


def build(tokens: Iterable[str]) -> typer.Typer:
    """The command tree, with only those commands loaded whose words are among the tokens.

    The others stand in it by name and help alone, for `--help` and for completion.
    """
    import typer

    from hvctl.cli.options import root_callback

    words = list(tokens)
    app = typer.Typer(
        name="hvctl",
        help="Administer Hyper-V from any terminal.",
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    # Where a command comes first, no option stands before it, and each would cost its validator.
    app.callback()(root_callback(bare=bool(words) and words[0] in COMMANDS))
    for name, entry in COMMANDS.items():
        if isinstance(entry, Verb):
            _add(app, name, entry, load=name in words)
            continue
        group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
        for verb_name, verb in entry.verbs.items():
            _add(group, verb_name, verb, load=name in words and verb_name in words)
        app.add_typer(group, name=name, help=entry.help)
    return app


def _add(app: typer.Typer, name: str, verb: Verb, *, load: bool) -> None:
    if load:
        from hvctl.cli.options import with_shared_options

        app.command(name)(with_shared_options(getattr(import_module(verb.module), verb.function)))
    else:
        app.command(name, help=verb.help)(_absent)


def _absent() -> None:
    """Stand in for a command whose words were not given; it is never run."""


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
    # A command lives for a moment: looking for cyclic garbage while it loads, and at its end, costs a tenth of it.
    gc.set_threshold(200_000)
    code = main()
    gc.freeze()
    sys.exit(code)
