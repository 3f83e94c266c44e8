"""What the lab simulates, computed from the handlers and the reference."""

from __future__ import annotations

from typing import Any

from hvctl.lab import cmdlets, reference
from hvctl.lab.binder import SHOULD_PROCESS


def coverage(windows: str = "2025") -> list[dict[str, Any]]:
    """A row for each cmdlet of the reference: whether it is simulated, with which parameters and properties.

    `missing` are the parameters that are refused; `-Confirm` is heeded wherever the reference has it.
    """
    return [_row(name, windows) for name in sorted(set(reference.names()))]


def _row(cmdlet: str, windows: str) -> dict[str, Any]:
    facts = reference.load(cmdlet, windows)
    known = (
        set(facts.parameters) | (set(SHOULD_PROCESS) if facts.supports_should_process else set()) if facts else set()
    )
    handler = cmdlets.handler(cmdlet)
    simulated = (set(handler.parameters) | {"Confirm"}) & known if handler else set()
    return {
        "cmdlet": cmdlet,
        "simulated": handler is not None,
        "parameters": sorted(simulated),
        "missing": sorted(known - simulated),
        "properties": sorted(each.name for each in handler.output.properties.values()) if handler else [],
    }
