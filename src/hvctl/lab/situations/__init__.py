"""One way to fail, as a row of the tables in here; `problems.SITUATIONS` has them all."""

from __future__ import annotations

from typing import NamedTuple

VIRTUALIZATION = "Microsoft.HyperV.PowerShell.VirtualizationException"


class Situation(NamedTuple):
    """One way to fail; `text` has fields in braces, a newline in it becomes the blank line of Hyper-V's messages."""

    id: str
    text: str
    hresult: int | None = None
    exception: str = VIRTUALIZATION
    sure: bool = True
