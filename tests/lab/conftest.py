"""A fresh world for every test."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.simulated import SimulatedHost

from hvctl.lab import seeds


@pytest.fixture
def world_file(tmp_path: Path) -> Path:
    """Where a test's world lies; nothing is there yet."""
    return tmp_path / "lab" / "world.db"


@pytest.fixture
def lab(world_file: Path) -> SimulatedHost:
    """The host of a fresh default world."""
    seeds.reset(world_file)
    return SimulatedHost(world_file)
