"""Command lines as cmd.exe and PowerShell take them: their words, and hvctl's own among them."""

from __future__ import annotations

import base64
import binascii
import re
from itertools import pairwise
from pathlib import PureWindowsPath

from hvctl.powershell.bootstrap import bootstrap_script, engine_hash

LONGEST = 8191
"""Characters that cmd.exe takes."""

_TOKEN = re.compile(r'(\\*)"|(\s+)|(\\+|[^\\"\s]+)')
_ENCODED = ("-encodedcommand", "-enc", "-ec", "-e")
_HASH = re.compile(r"-cne '([0-9a-f]{64})'")


def words(line: str) -> list[str]:
    """The words of a line, as Windows programs split it: quotes keep blanks, a backslash keeps a quote."""
    found: list[str] = []
    word: str | None = None
    quoted = False
    for backslashes, blank, plain in _TOKEN.findall(line):
        if plain:
            word = (word or "") + plain
        elif blank:
            if quoted:
                word = (word or "") + blank
            elif word is not None:
                found.append(word)
                word = None
        else:
            word = (word or "") + "\\" * (len(backslashes) // 2)
            if len(backslashes) % 2:
                word += '"'
            else:
                quoted = not quoted
    return found if word is None else [*found, word]


def is_powershell(program: str) -> bool:
    """Whether a command line's first word starts PowerShell."""
    return PureWindowsPath(program).stem.lower() in ("powershell", "pwsh")


def expected_engine(arguments: list[str]) -> str | None:
    """The engine hash that hvctl's bootstrap on a command line checks for; None where it is not hvctl's bootstrap."""
    script = _script(arguments)
    found = _HASH.search(script) if script else None
    if found is None or script != bootstrap_script().replace(engine_hash(), found[1]):
        return None
    return found[1]


def _script(arguments: list[str]) -> str | None:
    for option, value in pairwise(arguments):
        if option.lower() in _ENCODED:
            try:
                return base64.b64decode(value, validate=True).decode("utf-16-le")
            except (binascii.Error, UnicodeDecodeError):
                return None
    return None
