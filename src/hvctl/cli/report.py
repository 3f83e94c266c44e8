"""Errors on stderr: sentences for people, one JSON object for programs."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise

from hvctl.errors import ExitCode, HvctlError
from hvctl.output.streams import printable, say

_OUTPUT_IN_CLUSTER = re.compile(r"-[qvy]*o(.*)", re.DOTALL)
"""`-o`, alone or after short flags, with its value or before it."""

_MOST_HINTS = 5


def report(error: HvctlError, words: Sequence[str]) -> int:
    """Write an error to stderr in the form that the command line asks for; return its exit code."""
    if _wants_json(words):
        text = json.dumps({"error": error.as_dict()}, ensure_ascii=True)
    else:
        text = "\n".join(_sentences(error))
    say(text, sys.stderr)
    if os.environ.get("HVCTL_DEBUG") == "1":
        _traceback(error)
    return int(error.code)


def report_unexpected(error: BaseException, words: Sequence[str]) -> int:
    """Write an error that is a bug of ours; `HVCTL_DEBUG=1` shows where it is."""
    wrapped = HvctlError(
        f"hvctl failed internally: {type(error).__name__}: {error}",
        hint="This is a bug. HVCTL_DEBUG=1 shows where; please report it.",
    )
    if os.environ.get("HVCTL_DEBUG") == "1":
        _traceback(error)
    return report(wrapped, words) or int(ExitCode.FAILED)


def _sentences(error: HvctlError) -> Iterator[str]:
    yield f"error: {printable(error.message)}"
    several = len({part.host for part in error.errors}) > 1
    for part in error.errors:
        whose = [part.host if several else None, part.object_name]
        label = ":".join(each for each in whose if each) or part.host or "?"
        yield f"  {printable(label)}: {printable(part.message.removeprefix(f'{label}: '))}"
    record = error.cmdlet_error
    words = record["message"] if record and not record["error_id"].startswith("Hvctl.") else ""
    for line in words.splitlines():
        if line.strip() and line.strip() not in error.message:
            yield f"  {printable(line.strip())}"
    yield from _hints(error)


def _hints(error: HvctlError) -> Iterator[str]:
    """What can be done, each thing once; of what many parts would have done, some, as an example."""
    of_parts = list(dict.fromkeys(part.hint for part in error.errors if part.hint))
    # What helps against errors of this kind says less than what helps against these.
    own = None if of_parts and error.hint == error.default_hint else error.hint
    hints = list(dict.fromkeys(hint for hint in (own, *of_parts) if hint))
    yield from (f"hint: {printable(hint)}" for hint in hints[:_MOST_HINTS])
    if len(hints) > _MOST_HINTS:
        yield f"hint: {len(hints) - _MOST_HINTS} more are in the error that -o json writes."


def _wants_json(words: Sequence[str]) -> bool:
    """Whether the output is JSON, told from the bare words: they may be what is wrong."""
    chosen = os.environ.get("HVCTL_OUTPUT", "").lower()
    for word, following in pairwise((*words, "")):
        if word == "--":
            break
        if word == "--output":
            chosen = following
        elif word.startswith("--output="):
            chosen = word.partition("=")[2]
        elif cluster := _OUTPUT_IN_CLUSTER.fullmatch(word):
            chosen = cluster[1] or following
    return chosen in ("json", "ndjson")


def _traceback(error: BaseException) -> None:
    import traceback

    traceback.print_exception(error)
