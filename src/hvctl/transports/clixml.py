"""What PowerShell prints beside the protocol, made readable: its stderr may be XML."""

from __future__ import annotations

import re
from html import unescape

_TEXT = re.compile(r'<S S="(?:Error|Warning)">(.*?)</S>', re.DOTALL)
_CODE = re.compile(r"_x([0-9A-Fa-f]{4})_")


def readable(line: str) -> str:
    """A line that PowerShell printed, for people; of the XML that it may print to stderr only the messages are left."""
    text = line.strip()
    if text.startswith("#< CLIXML"):
        text = text.removeprefix("#< CLIXML").strip()
    if not text.startswith("<Objs"):
        return text
    parts = (_CODE.sub(lambda code: chr(int(code[1], 16)), unescape(each)) for each in _TEXT.findall(text))
    return " ".join("".join(parts).split())
