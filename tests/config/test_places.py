"""Where files are."""

from __future__ import annotations

import pytest

from hvctl.config import home

pytestmark = pytest.mark.unit


def test_one_folder_holds_everything(tmp_path, monkeypatch):
    monkeypatch.setenv("HVCTL_HOME", str(tmp_path))
    places = home()
    assert places.config_file == tmp_path / "config.toml"
    assert places.state == tmp_path / "state"
    assert places.lab == tmp_path / "lab" / "world.db"
    assert places.log_file == tmp_path / "log" / "hvctl.log"
    assert list(tmp_path.iterdir()) == []


def test_without_a_home_the_platform_s_own_places_are_used(tmp_path, monkeypatch):
    monkeypatch.setenv("HVCTL_HOME", "")
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    places = home()
    assert places.config_file.name == "config.toml"
    assert "hvctl" in places.config_file.parts
    assert len({places.config_file, places.state, places.lab, places.log_file}) == 4
