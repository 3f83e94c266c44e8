"""The table of commands is true, and every command has its help, an example, and the shared options."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer.main

from hvctl.cli.commands import COMMANDS, Noun, Verb, build, commands
from hvctl.cli.options import CHANGING, Options, shared_names

pytestmark = pytest.mark.unit

README = Path(__file__).parents[2] / "README.md"

EXPECTED = {
    "vm": "list, show, create, start, stop, save, suspend, resume, restart, rename, set, delete",
    "switch": "list, show, create, delete",
    "checkpoint": "list, tree, show, create, restore, rename, delete",
    "storage": "create, health, disk list, disk show, pool list, pool show, pool create, pool delete, "
    "virtual-disk list, virtual-disk show, virtual-disk create, virtual-disk resize, virtual-disk repair, "
    "virtual-disk delete, volume list, volume create, job list, job wait",
    "vhd": "list, show, chain, test, create, resize, convert, merge",
    "migrate": "vm, storage, check, show, enable, disable",
    "host": "list, show, check",
    "config": "host add, host list, host show, host set, host remove, group add, group remove, group list, "
    "default, show, login, logout",
    "lab": "use, leave, reset, show, coverage, serve, fault add, fault list, fault clear",
}
"""The words of the command line, written out once more: whoever renames one breaks somebody's script."""

NO_HOST = {"lab use", "lab leave", "lab reset", "lab show", "lab coverage", "lab serve", "schema", "completion"}
"""Commands that work on no host, and have only those shared options that mean something for them."""

NO_HOST |= {
    *(f"lab fault {verb}" for verb in ("add", "list", "clear")),
    *(f"config host {verb}" for verb in ("add", "list", "show", "set", "remove")),
    *(f"config group {verb}" for verb in ("add", "remove", "list")),
    *(f"config {verb}" for verb in ("default", "login", "logout")),
}

READING = {
    "checkpoint list",
    "checkpoint tree",
    "checkpoint show",
    "config show",
    "vm list",
    "vm show",
    "switch list",
    "switch show",
    "host list",
    "host show",
    "host check",
}
READING |= {f"storage {noun} {verb}" for noun in ("disk", "pool", "virtual-disk") for verb in ("list", "show")}
READING |= {"migrate check", "migrate show"}
READING |= {f"vhd {verb}" for verb in ("list", "show", "chain", "test")}
READING |= {"storage health", "storage volume list", "storage job list", "storage job wait"}


TABLE = dict(commands())


def tree() -> dict[str, Any]:
    """Every command, loaded, by its words; the root by none."""
    words = [word for name in TABLE for word in name.split()]
    root: Any = typer.main.get_command(build(["--", *words]))
    found = {"": root}
    for name in TABLE:
        command = root
        for word in name.split():
            command = command.commands[word]
        found[name] = command
    return found


TREE = tree()
LOADED = {name: command for name, command in TREE.items() if name}


def options(command: Any) -> dict[str, Any]:
    return {each.name: each for each in command.params if each.param_type_name == "option"}


def test_the_words_of_the_command_line():
    found: dict[str, list[str]] = {}
    for name in TABLE:
        noun, _, verb = name.partition(" ")
        if verb:
            found.setdefault(noun, []).append(verb)
    assert {noun: ", ".join(verbs) for noun, verbs in found.items()} == EXPECTED
    assert set(found) == {name for name, entry in COMMANDS.items() if isinstance(entry, Noun)}
    assert [name for name, entry in COMMANDS.items() if isinstance(entry, Verb)] == ["schema", "completion"]


@pytest.mark.parametrize("name", TABLE)
def test_the_table_s_function_exists_and_its_help_is_the_table_s(name):
    verb = TABLE[name]
    function = getattr(import_module(verb.module), verb.function)
    assert inspect.getdoc(function).splitlines()[0] == verb.help
    assert name.split()[-1].replace("-", "_") == verb.function.rstrip("_")
    assert LOADED[name].help.splitlines()[0] == verb.help
    assert verb.help.endswith(".")
    assert len(verb.help) <= 70


@pytest.mark.parametrize("name", TABLE)
def test_a_command_that_is_not_loaded_looks_the_same_in_lists(name):
    bare: Any = typer.main.get_command(build(()))
    for word in name.split():
        bare = bare.commands[word]
    assert bare.get_short_help_str(200) == LOADED[name].get_short_help_str(200)


@pytest.mark.parametrize("name", TABLE)
def test_every_command_has_an_example(name):
    lines = [line.strip() for line in LOADED[name].help.splitlines()[1:]]
    examples = [line for line in lines if line.startswith(("hvctl ", "source "))]
    assert examples
    assert all(f"hvctl {name}" in line for line in examples)


@pytest.mark.parametrize("name", TREE)
def test_every_option_and_argument_has_help(name):
    silent = [each.name for each in TREE[name].params if not each.help]
    assert silent == []


@pytest.mark.parametrize("name", TREE)
def test_no_two_options_share_a_name(name):
    words = [word for each in options(TREE[name]).values() for word in (*each.opts, *each.secondary_opts)]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("name", LOADED)
def test_every_command_has_the_shared_options_by_the_one_helper(name):
    verb = TABLE[name]
    kind = getattr(import_module(verb.module), verb.function).hvctl_kind
    expected = set(shared_names(kind))
    assert set(options(LOADED[name])) >= expected
    assert set(options(LOADED[name])) & {field.name for field in fields(Options)} == expected
    if name not in NO_HOST:
        missing = {field.name for field in fields(Options)} - expected
        assert missing == (set(CHANGING) if name in READING else set())
    assert kind.changes is (name not in NO_HOST and name not in READING)


@pytest.mark.parametrize("name", LOADED)
def test_a_shared_option_is_the_same_everywhere(name):
    root = options(TREE[""])
    for option_name, option in options(LOADED[name]).items():
        if option_name in root:
            assert (option.opts, option.help, option.metavar) == (
                root[option_name].opts,
                root[option_name].help,
                root[option_name].metavar,
            )


def test_the_root_has_every_shared_option_and_the_version():
    assert set(options(TREE[""])) == {field.name for field in fields(Options)} | {"version"}


@pytest.mark.parametrize("name", TREE)
def test_options_are_words_with_dashes(name):
    for option in options(TREE[name]).values():
        for word in (*option.opts, *option.secondary_opts):
            assert re.fullmatch(r"--[a-z][a-z0-9-]*|-[a-z]", word), word


@pytest.mark.parametrize("name", TABLE)
def test_every_command_is_in_the_readme(name):
    assert re.search(rf"`hvctl {name}\b", README.read_text(encoding="utf-8"))


def test_selecting_verbs_select_alike():
    """Names, --state and --all are the same words in every verb that works on several machines."""
    selecting = ("start", "stop", "save", "suspend", "resume", "restart", "set", "delete")
    seen = {
        tuple((each.name, each.metavar, each.help) for each in LOADED[f"vm {verb}"].params[:3]) for verb in selecting
    }
    assert len(seen) == 1
    assert [name for name, _, _ in next(iter(seen))] == ["names", "state", "everything"]
