"""Get-VMHost."""

from __future__ import annotations

from collections.abc import Iterator

from hvctl.lab.context import Args, Context, Handlers, Output, simulates
from hvctl.lab.kinds.host import HOST
from hvctl.lab.live import Live

HANDLERS: Handlers = {}


@simulates(HANDLERS, "Get-VMHost", HOST, "")
def get_host(context: Context, _args: Args) -> Iterator[Output]:
    """The host itself."""
    yield Live(context.world, HOST, context.host)
