"""The command reference is what `--help` says, and nothing is missing from it."""

from __future__ import annotations

import re

import pytest
from tests.support.console import ROOT
from tools import command_reference

from hvctl.cli.commands import commands

pytestmark = pytest.mark.docs


def _commands() -> dict[str, str]:
    """The page of every command."""
    return {name: name.split()[0] if " " in name else command_reference.OTHERS for name, _ in commands()}


def _options_in_help(command: str) -> set[str]:
    help_text = command_reference.help_of(*command.split())
    words = help_text.replace(",", " ").split()
    return {word for word in words if word.startswith("--") and len(word) > 2}


def test_pages_are_what_help_says():
    assert command_reference.stale() == []


def test_check_names_stale_pages(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command_reference, "FOLDER", tmp_path)
    assert command_reference.main([]) == 0
    assert command_reference.main(["--check"]) == 0
    (tmp_path / "vm.md").write_text("old", encoding="utf-8")
    (tmp_path / "gone.md").write_text("", encoding="utf-8")
    assert command_reference.main(["--check"]) == 1
    told = capsys.readouterr().err
    assert "vm.md is not what --help says" in told
    assert "gone.md describes no command" in told


@pytest.mark.parametrize("command", _commands())
def test_command_and_options_are_described(command):
    page = (ROOT / "docs" / "commands" / f"{_commands()[command]}.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## hvctl {command}\n")[2].partition("\n## ")[0]
    assert {option for option in _options_in_help(command) if option not in section} == set()


def test_shared_options_are_described():
    page = (ROOT / "docs" / "commands" / "others.md").read_text(encoding="utf-8")
    section = page.partition("\n## Shared options\n")[2]
    assert {option for option in _options_in_help("") if option not in section} == {"--help"}


def test_readme_lists_the_commands():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("\n## Commands\n")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `hvctl ")]
    assert [command for cell in cells for command in re.findall(r"`([^`]+)`", cell)] == [
        f"hvctl {command}" for command in _in_readme_order()
    ]


def _in_readme_order() -> list[str]:
    """Nouns first, in the order of the command list."""
    return sorted(_commands(), key=lambda command: " " not in command)
