"""A user's day with one virtual machine: on the lab, or on the host that HVCTL_TEST_HOST names."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.lab


class User:
    """Somebody who types hvctl commands."""

    def __init__(self, home: Path, host: str) -> None:
        self._environment = {**os.environ, "HVCTL_HOME": str(home), "HVCTL_HOST": host}
        self.code = 0

    def types(self, *words: str) -> Any:
        """Run a command and return what it printed as JSON; `code` holds its exit code."""
        done = subprocess.run(
            [sys.executable, "-m", "hvctl", *words, "-o", "json"],
            env=self._environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        self.code = done.returncode
        assert "Traceback" not in done.stderr, done.stderr
        return json.loads(done.stdout or "null")


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path, os.environ.get("HVCTL_TEST_HOST", "lab"))


@pytest.fixture
def names(user: User) -> Iterator[tuple[str, str]]:
    """A name for a machine and one for a switch that nobody else has; both are gone afterwards."""
    vm, switch = (f"hvctl test {secrets.token_hex(4)} 'ü'" for _ in range(2))
    yield vm, switch
    user.types("vm", "delete", vm, "--turn-off", "--with-disks", "--missing-ok", "--yes")
    user.types("switch", "delete", switch, "--missing-ok", "--yes")


def test_a_machine_from_creation_to_deletion(user: User, names: tuple[str, str]) -> None:
    vm, switch = names
    assert user.types("switch", "create", switch, "--type", "private")["type"] == "Private"
    made = user.types("vm", "create", vm, "--memory", "512M", "--disk", "1G", "--switch", switch, "--notes", "a day")
    assert (user.code, made["state"], made["notes"]) == (0, "Off", "a day")
    assert [adapter["switch"] for adapter in made["adapters"]] == [switch]

    again = user.types("vm", "create", vm)
    assert (user.code, again) == (6, None)

    for verb, outcome, state in (
        ("start", "changed", "Running"),
        ("start", "unchanged", "Running"),
        ("suspend", "changed", "Paused"),
        ("resume", "changed", "Running"),
        ("save", "changed", "Saved"),
        ("start", "changed", "Running"),
    ):
        (done,) = user.types("vm", verb, vm)
        assert (done["id"], done["outcome"], done["state"]) == (made["id"], outcome, state), verb

    (refused,) = user.types("vm", "set", vm, "--processors", "2")
    assert (user.code, refused["outcome"]) == (6, "failed")
    (stopped,) = user.types("vm", "stop", vm, "--turn-off")
    assert stopped["state"] == "Off"
    user.types("vm", "set", vm, "--processors", "2")
    assert user.types("vm", "show", vm)["processors"] == 2

    (deleted,) = user.types("vm", "delete", vm, "--with-disks", "--yes")
    assert (user.code, deleted["outcome"]) == (0, "changed")
    assert user.types("vm", "show", vm) is None
    assert user.code == 3


def test_a_failed_creation_leaves_nothing(user: User, names: tuple[str, str]) -> None:
    vm, _ = names
    before = {machine["id"] for machine in user.types("vm", "list")}
    user.types("vm", "create", vm, "--disk", "1G", "--disk-path", "C:\\no such folder\\at all", "--start")
    assert user.code != 0
    assert {machine["id"] for machine in user.types("vm", "list")} == before
