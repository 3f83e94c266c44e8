"""Where hvctl keeps its files.

`HVCTL_HOME` names one folder for everything; without it the platform's own places are used.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """The folders and files of this user's hvctl; none of them need exist."""

    config_file: Path
    state: Path
    lab: Path
    log_file: Path


def home() -> Home:
    """Where this user's files are."""
    named = os.environ.get("HVCTL_HOME")
    if named:
        root = Path(named)
        return Home(root / "config.toml", root / "state", root / "lab" / "world.db", root / "log" / "hvctl.log")
    import platformdirs

    def place(kind: str) -> Path:
        return Path(getattr(platformdirs, f"user_{kind}_path")("hvctl", appauthor=False))

    return Home(
        place("config") / "config.toml",
        place("state"),
        place("data") / "lab" / "world.db",
        place("log") / "hvctl.log",
    )
