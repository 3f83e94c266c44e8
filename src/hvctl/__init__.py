"""Administer Hyper-V from any terminal, or from Python: `hvctl.connect("lab").vms.list()`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hvctl.api import Connection, connect

__version__ = "0.1.0"
__all__ = ["Connection", "__version__", "connect"]


def __getattr__(name: str) -> object:
    # The program imports this package too, and must not pay for what only scripts use.
    if name in ("Connection", "connect"):
        from hvctl import api

        return getattr(api, name)
    raise AttributeError(f"module 'hvctl' has no attribute '{name}'")
