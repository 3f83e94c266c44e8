"""A configuration file of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def config(tmp_path, monkeypatch) -> Path:
    """The configuration file of a fresh home, which does not exist yet."""
    monkeypatch.setenv("HVCTL_HOME", str(tmp_path / "home"))
    path = tmp_path / "home" / "config.toml"
    path.parent.mkdir()
    return path
