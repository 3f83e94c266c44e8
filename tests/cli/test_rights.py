"""A login without rights sees empty lists; no command takes that for an answer."""

from __future__ import annotations

import pytest

from hvctl.cli.commands import commands
from hvctl.lab import seeds
from hvctl.lab.world import World

pytestmark = pytest.mark.lab

WORDS = {
    "vm list": [],
    "vm show": ["web1"],
    "vm create": ["new"],
    "vm start": ["web1"],
    "vm stop": ["--all"],
    "vm save": ["web1"],
    "vm suspend": ["web1"],
    "vm resume": ["web1"],
    "vm restart": ["web1"],
    "vm rename": ["web1", "web9"],
    "vm set": ["web1", "--notes", "x"],
    "vm delete": ["web1", "--yes"],
    "switch list": [],
    "switch show": ["lan"],
    "switch create": ["new"],
    "switch delete": ["--all", "--yes"],
    "host show": [],
}


def test_the_table_has_every_command_on_machines_and_switches():
    asked = ("vm ", "switch ", "host show")
    assert {name for name, _ in commands() if name.startswith(asked)} == set(WORDS)


@pytest.fixture(params=["empty", "error"])
def without_rights(hvctl, request):
    """A world whose user may not administer Hyper-V: Get-VM gives nothing, or an error."""
    hvctl.ok("vm", "list")
    seeds.reset(hvctl.world_file, rights=False)
    with World.open(hvctl.world_file) as world, world.transaction():
        world.configure("get_vm_without_rights", value=request.param)
    return hvctl


@pytest.mark.parametrize("name", WORDS)
def test_every_command_says_so(without_rights, no_change, name):
    with no_change():
        ended = without_rights(*name.split(), *WORDS[name], "-o", "json")
    assert ended.code == 4
    assert ended.out == ""
    assert ended.error["host"] in ("lab", "lab/hv01")
    assert "Administrators" in ended.error["hint"]


@pytest.mark.parametrize("name", [name for name in WORDS if name.split()[1] not in ("list", "show")])
def test_a_dry_run_says_so_too(without_rights, name):
    assert without_rights(*name.split(), *WORDS[name], "--dry-run").code == 4


@pytest.mark.parametrize(
    "words", [["vm", "delete", "x", "--missing-ok", "--yes"], ["vm", "create", "x", "--exist-ok"]], ids=str
)
def test_being_lenient_is_no_excuse(without_rights, words):
    assert without_rights(*words).code == 4


def test_with_rights_an_empty_list_is_one(hvctl):
    assert hvctl.json("vm", "list") == []
    assert hvctl.json("host", "show")["rights"] == ["Administrators"]
