"""Endpoints and environments for the remote benchmarks."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
DELAY, START = 0.02, 1.5
"""Seconds of each round trip, and of each start of PowerShell."""


class Served:
    """A world behind an endpoint in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], hosts: Sequence[Mapping[str, str]]) -> None:
        self.process = process
        self.hosts = hosts

    def stats(self) -> dict[str, Any]:
        """What has been counted so far."""
        base = self.hosts[0]["url"].partition("/wsman")[0]
        trusting = ssl.create_default_context(cafile=self.hosts[0]["ca_file"])
        with urllib.request.urlopen(f"{base}/stats", context=trusting if base.startswith("https") else None) as answer:
            counted: dict[str, Any] = json.load(answer)
        return counted


@contextmanager
def serve(world: Path, auth: str, *, delay: float = DELAY, start: float = START) -> Iterator[Served]:
    """Serve a world until the block is left."""
    process = subprocess.Popen(
        (sys.executable, str(FOLDER / "served.py"), str(world), auth, str(delay), str(start)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        assert process.stdout is not None
        yield Served(process, json.loads(process.stdout.readline()))
    finally:
        process.communicate(timeout=30)


def environment(**more: str) -> dict[str, str]:
    """The environment of every process, without this one's settings of hvctl."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HVCTL_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, **more}


def program() -> tuple[str, ...]:
    """How hvctl is run."""
    script = Path(sys.executable).with_name("hvctl.exe" if sys.platform == "win32" else "hvctl")
    return (str(script),) if script.exists() else (sys.executable, "-m", "hvctl")
