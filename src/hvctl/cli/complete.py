"""Completion: what a shell's script asks for, answered from the table of commands, the lab and what `list` has seen.

A script runs `hvctl __complete =BEGINNING WORD...` with the word under the cursor and those before it, and gets lines
of a value, a tab and a line of help. No connection, key store or prompt is opened, and nothing that parses values is
imported.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, get_args

from hvctl.cli.commands import COMMANDS, Noun, Verb, build

Candidate = tuple[str, str]


def answer(words: Sequence[str]) -> int:
    """Write what the word under the cursor can become."""
    incomplete, *before = words or ["="]
    for value, text in candidates(before, incomplete.removeprefix("=")):
        sys.stdout.write(f"{value}\t{text}\n" if text else f"{value}\n")
    return 0


def candidates(before: Sequence[str], incomplete: str) -> Iterator[Candidate]:
    """What a word can become that follows others; nothing where anything may stand."""
    words = _whole(before, incomplete)
    option, equals, beginning = incomplete.partition("=")
    if equals and option.startswith("--"):
        words, incomplete = [*words, option], beginning
    named, verb = _command(words)
    if isinstance(verb, dict) and not incomplete.startswith("-") and not _wants_value(words, None):
        yield from _beginning(((name, entry.help) for name, entry in verb.items()), incomplete)
        return
    parameters = _parameters(named, verb)
    value_of = _wants_value(words, parameters)
    if value_of is not None:
        listed = _before_last(value_of, incomplete)
        yield from _beginning(((f"{listed}{value}", text) for value, text in _values(value_of, words)), incomplete)
    elif incomplete.startswith("-"):
        yield from _beginning(_options(parameters), incomplete)
    else:
        argument = _argument(parameters, words, len(named))
        if argument is not None:
            yield from _beginning(_values(argument, words), incomplete)


def _whole(before: Sequence[str], incomplete: str) -> list[str]:
    """The words before that of the cursor, without what bash makes of one that has `=` or `@` in it."""
    words = [word for word in before if word not in ("=", "@", "=@")]
    if incomplete.startswith("@") and words and words[-1].endswith(","):
        words.pop()
    return words


def _argument(parameters: Sequence[Any], words: Sequence[str], named: int) -> Any:  # noqa: ANN401 - Typer's parameter
    """The argument that a bare word would be; none where there is no room for one more."""
    bare = [
        word
        for before, word in pairwise(("", *words))
        if not word.startswith("-") and not _wants_value((before,), parameters)
    ]
    arguments = [parameter for parameter in parameters if parameter.param_type_name == "argument"]
    index = len(bare) - named
    if index < len(arguments):
        return arguments[index]
    return arguments[-1] if arguments and arguments[-1].nargs == -1 else None


def _before_last(parameter: Any, incomplete: str) -> str:  # noqa: ANN401 - Typer's parameter
    """The part of a list of hosts, such as `hv01,hv02`, that stands already."""
    listed, comma, _ = incomplete.rpartition(",")
    return listed + comma if parameter.name == "host" else ""


_AUTHS = ("basic", "certificate", "credssp", "kerberos", "ntlm")
_FIXED: dict[str, tuple[str, ...]] = {
    "action": ("Create", "Command", "Send", "Receive", "Signal", "Delete", "Get"),
    "auth": _AUTHS,
    "automatic_start_action": ("Nothing", "StartIfRunning", "Start"),
    "automatic_stop_action": ("TurnOff", "Save", "ShutDown"),
    "checkpoint_type": ("Disabled", "Production", "ProductionOnly", "Standard"),
    "disk_type": ("dynamic", "fixed", "differencing"),
    "fault": (
        *("refuse", "reset-handshake", "close-idle", "stale", "unauthorized", "drop-reply", "slow", "busy"),
        *("quota-shells", "quota-operations", "quota-requests", "quota-users", "shell-lost-before", "shell-lost-after"),
        *("timeout-delivered", "timeout-undelivered", "split", "clixml", "noise"),
    ),
    "generation": ("1", "2"),
    "kind": ("private", "internal", "external"),
    "own_auth": _AUTHS,
    "secure_boot_template": ("MicrosoftWindows", "MicrosoftUEFICertificateAuthority", "OpenSourceShieldedVM"),
    "shell": ("bash", "zsh", "fish", "powershell"),
    "state": ("running", "off", "saved", "paused"),
    "wanted_type": ("standard", "production", "production-only"),
    "windows": ("2016", "2019", "2022", "2025"),
    "world": ("one-host", "two-hosts"),
}
"""The values of parameters, by their names in the command's function."""


def _command(words: Iterable[str]) -> tuple[list[str], Any]:
    """The words that name a command, and what they lead to: more commands, a command, or nothing yet."""
    named: list[str] = []
    level: Any = COMMANDS
    for before, word in pairwise(("", *words)):
        if isinstance(level, dict) and word in level and not _wants_value((before,), None):
            named.append(word)
            entry = level[word]
            level = entry.verbs if isinstance(entry, Noun) else entry
    return named, level


def _parameters(named: Sequence[str], verb: Any) -> list[Any]:  # noqa: ANN401 - a command or a level of the table
    """The parameters of a command, or the options that may stand before its name."""
    import typer.main

    command: Any = typer.main.get_command(build(named))
    if isinstance(verb, Verb):
        for word in named:
            command = command.commands[word]
    return list(command.params)


def _options(parameters: Iterable[Any]) -> Iterator[Candidate]:
    for parameter in parameters:
        if parameter.param_type_name == "option":
            yield from ((name, parameter.help or "") for name in (*parameter.opts, *parameter.secondary_opts))
    yield "--help", "Show this message and exit."


def _wants_value(words: Sequence[str], parameters: Sequence[Any] | None) -> Any:  # noqa: ANN401 - Typer's parameter
    """The option whose value the next word is, if the last word is one that takes a value."""
    if not words or not words[-1].startswith("-"):
        return None
    known = _parameters((), None) if parameters is None else parameters
    return next(
        (p for p in known if p.param_type_name == "option" and words[-1] in p.opts and not p.is_flag),
        None,
    )


def _values(parameter: Any, words: Sequence[str]) -> Iterable[Candidate]:  # noqa: ANN401 - Typer's parameter
    from hvctl.cli.options import Color
    from hvctl.output.wanted import Format

    fixed = {"output": get_args(Format), "color": get_args(Color)}.get(parameter.name)
    found: Iterable[str] = fixed or _FIXED.get(parameter.name, ())
    if parameter.metavar in ("VM", "SWITCH", "HOST", "GROUP"):
        from hvctl.cli.names import names

        found = names(parameter.metavar, words)
    return ((value, "") for value in found)


def _beginning(found: Iterable[Candidate], incomplete: str) -> Iterator[Candidate]:
    return ((value, text) for value, text in found if value.lower().startswith(incomplete.lower()))
