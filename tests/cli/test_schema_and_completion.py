"""`hvctl schema`, the completion scripts, and what they ask for."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from tests.support.pwsh import run_script

from hvctl.cli.commands import COMMANDS, Noun
from hvctl.models.vm import CheckpointType, SecureBootTemplate, StartAction, StopAction

pytestmark = pytest.mark.lab

SOURCE = Path(__file__).parents[2] / "src"

DOCUMENTS = {
    "vm-list": ["vm", "list"],
    "vm-show": ["vm", "show", "web1"],
    "switch-list": ["switch", "list"],
    "switch-show": ["switch", "show", "lan"],
    "checkpoint-list": ["checkpoint", "list"],
    "checkpoint-tree": ["checkpoint", "tree"],
    "checkpoint-show": ["checkpoint", "show", "web1", "first"],
    "checkpoint-create": ["checkpoint", "create", "web1", "--name", "second"],
    "vhd-list": ["vhd", "list", "--path", "C:/VMs"],
    "vhd-show": ["vhd", "show", "C:/VMs/a.vhdx"],
    "vhd-chain": ["vhd", "chain", "C:/VMs/a.vhdx"],
    "vhd-test": ["vhd", "test", "C:/VMs/a.vhdx"],
    "host-check": ["host", "check"],
    "host-list": ["host", "list"],
    "host-show": ["host", "show"],
    "migrate-check": ["migrate", "check", "Web 'two'", "--to", "lab/hv02"],
    "migrate-show": ["migrate", "show"],
    "lab-show": ["lab", "show"],
    "lab-coverage": ["lab", "coverage"],
    "lab-fault": ["lab", "fault", "add", "slow"],
    "config-host": ["config", "host", "list"],
    "config-group": ["config", "group", "list"],
    "config-outcome": ["config", "host", "set", "hv03", "--user", "x"],
    "config-show": ["config", "show", "--origin"],
    "storage-create": ["storage", "create", "new", "--disks", "3,4", "--size", "10G", "--volume", "E"],
    "storage-disk-list": ["storage", "disk", "list"],
    "storage-disk-show": ["storage", "disk", "show", "1"],
    "storage-health": ["storage", "health"],
    "storage-job-list": ["storage", "job", "list"],
    "storage-pool-list": ["storage", "pool", "list"],
    "storage-pool-show": ["storage", "pool", "show", "vmstore"],
    "storage-virtual-disk-list": ["storage", "virtual-disk", "list"],
    "storage-virtual-disk-show": ["storage", "virtual-disk", "show", "vmstore"],
    "storage-volume-list": ["storage", "volume", "list"],
    "outcome": ["vm", "stop", "--all"],
}


@pytest.fixture
def lab(hvctl):
    """web1 and Web 'two' on the switch lan, in the second of two hosts."""
    hvctl.like("completion", _lab)
    hvctl.ok("config", "host", "add", "hv03")
    hvctl.ok("config", "group", "add", "prod", "hv03")
    return hvctl


def _lab(hvctl) -> None:
    hvctl.ok("lab", "reset", "--world", "two-hosts")
    hvctl.ok("switch", "create", "lan")
    hvctl.ok("vm", "create", "web1", "--switch", "lan")
    hvctl.ok("vm", "create", "Web 'two'")
    hvctl.ok("vm", "create", "other", "--host", "lab/hv02")
    hvctl.ok("checkpoint", "create", "web1", "--name", "first")
    hvctl.ok("vhd", "create", "C:/VMs/a.vhdx", "--size", "1G")
    hvctl.ok("storage", "create", "vmstore", "--disks", "1,2", "--size", "100G", "--volume", "D:")
    for host in ("lab/hv01", "lab/hv02"):
        hvctl.ok("migrate", "enable", "--any-network", "--authentication", "kerberos", "--host", host)


def test_all_documents(hvctl):
    documents = json.loads(hvctl.ok("schema").out)
    assert list(documents) == list(DOCUMENTS)
    for name, document in documents.items():
        assert json.loads(hvctl.ok("schema", name).out) == document
        assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_schema_describes_what_is_written(lab, name):
    schema = json.loads(lab.ok("schema", name).out)
    written = lab.json(*DOCUMENTS[name])
    for item in written if isinstance(written, list) else [written]:
        assert list(item) == list(schema["properties"])
        assert sorted(item) == sorted(schema["required"])
    assert schema["additionalProperties"] is False


def test_a_document_that_does_not_exist(hvctl):
    refused = hvctl("schema", "x")
    assert (refused.code, refused.err.splitlines()[0]) == (3, "error: No document is called 'x'.")


SHELLS = {
    "bash": "complete -o default -F _hvctl hvctl",
    "zsh": "#compdef hvctl",
    "fish": "complete -c hvctl",
    "powershell": "Register-ArgumentCompleter",
}


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts(hvctl, shell):
    script = hvctl.ok("completion", shell)
    assert SHELLS[shell] in script.out
    assert "hvctl __complete" in script.out
    assert script.stdout.isascii()
    assert not hvctl.home.exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_correct(hvctl, shell):
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not here")
    script = hvctl.ok("completion", shell).stdout
    checked = subprocess.run([program, "-n", "/dev/stdin"], input=script, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, b"")


PARSER = """
$null = $input.MoveNext()
$text = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($input.Current))
$errors = $null
$tokens = $null
$null = [Management.Automation.Language.Parser]::ParseInput($text, [ref]$tokens, [ref]$errors)
[Console]::Out.WriteLine(@($errors).Count)
"""


@pytest.mark.powershell
def test_the_powershell_script_is_correct(hvctl):
    script = hvctl.ok("completion", "powershell").stdout
    out, err = run_script(PARSER, lines=base64.b64encode(script) + b"\n")
    assert (out.strip(), err) == ("0", "")


def completed(hvctl, incomplete: str, *before: str) -> list[str]:
    lines = hvctl.ok("__complete", f"={incomplete}", *before).out.splitlines()
    return [line.partition("\t")[0] for line in lines]


def test_nouns_and_verbs(hvctl):
    assert completed(hvctl, "") == list(COMMANDS)
    assert completed(hvctl, "s") == ["switch", "storage", "schema"]
    for noun, entry in COMMANDS.items():
        if isinstance(entry, Noun):
            assert completed(hvctl, "", noun) == list(entry.verbs)
    assert completed(hvctl, "re", "vm") == ["resume", "restart", "rename"]
    assert not hvctl.home.exists()


def test_help_stands_beside_the_words(hvctl):
    assert hvctl.ok("__complete", "=li", "vm").out == "list\tList virtual machines.\n"


def test_options_of_a_command(hvctl):
    found = completed(hvctl, "--", "vm", "stop")
    assert {"--turn-off", "--save", "--state", "--all", "--output", "--timeout", "--yes", "--help"} <= set(found)
    assert "--disk" not in found
    assert completed(hvctl, "--sec", "vm", "create") == ["--secure-boot-template"]
    assert "--dry-run" not in completed(hvctl, "--", "vm", "list")
    assert "--host" in completed(hvctl, "--")


@pytest.mark.parametrize(
    ("incomplete", "before", "found"),
    [
        ("", ["vm", "list", "-o"], ["table", "json", "yaml", "ndjson", "csv", "name"]),
        ("j", ["vm", "list", "--output"], ["json"]),
        ("--output=y", ["vm", "list"], ["yaml"]),
        ("r", ["vm", "stop", "--state"], ["running"]),
        ("a", ["--color"], ["auto", "always"]),
        ("", ["completion"], ["bash", "zsh", "fish", "powershell"]),
        ("", ["switch", "create", "x", "--type"], ["private", "internal", "external"]),
        ("", ["vm", "set", "x", "--checkpoint-type"], list(get_args(CheckpointType))),
        ("", ["vm", "set", "x", "--automatic-start-action"], list(get_args(StartAction))),
        ("", ["vm", "set", "x", "--automatic-stop-action"], list(get_args(StopAction))),
        ("", ["vm", "create", "x", "--secure-boot-template"], list(get_args(SecureBootTemplate))),
        ("", ["vm", "create", "x", "--generation"], ["1", "2"]),
        ("sc", ["--host", "lab"], ["schema"]),
        ("sta", ["--host", "lab", "vm"], ["start"]),
        ("--host=", ["--dry-run"], ["lab", "localhost"]),
        ("", ["lab", "reset", "--windows"], ["2016", "2019", "2022", "2025"]),
        ("", ["vm", "create", "x", "--memory"], []),
        ("", ["vm", "create"], []),
    ],
    ids=str,
)
def test_values(hvctl, incomplete, before, found):
    assert completed(hvctl, incomplete, *before) == found


def test_live_names(lab):
    assert completed(lab, "", "vm", "start") == ["Web 'two'", "web1"]
    assert completed(lab, "WEB", "vm", "show") == ["Web 'two'", "web1"]
    assert completed(lab, "web1", "vm", "rename") == ["web1"]
    assert completed(lab, "", "vm", "start", "--host", "lab/hv02") == ["other"]
    assert completed(lab, "", "--host", "lab/hv02", "vm", "start") == ["other"]
    assert completed(lab, "", "switch", "delete") == ["lan"]
    assert completed(lab, "l", "vm", "list", "--host") == ["lab", "lab/hv01", "lab/hv02", "localhost"]
    assert completed(lab, "", "vm", "create", "x", "--switch") == ["lan"]


@pytest.mark.parametrize("env", [{"HVCTL_HOST": "nowhere"}, {"HVCTL_HOST": ""}, {"HVCTL_HOST": "localhost"}])
def test_names_that_cannot_be_had_are_none(hvctl, env):
    ended = hvctl("__complete", "=", "vm", "start", env=env)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert not hvctl.home.exists()


def test_a_broken_configuration_does_not_show(hvctl):
    hvctl.home.mkdir()
    (hvctl.home / "config.toml").write_text("default =")
    ended = hvctl("__complete", "=", "vm", "start", env={"HVCTL_HOST": ""})
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_a_broken_world_does_not_show(hvctl):
    hvctl.world_file.parent.mkdir(parents=True)
    hvctl.world_file.write_bytes(b"no database" * 500)
    ended = hvctl("__complete", "=", "vm", "start")
    assert (ended.code, ended.out, ended.err) == (0, "", "")


@pytest.mark.parametrize("before", [["fly"], ["vm", "fly"], ["vm", "list", "--fly"], ["schema", "vm-list"]], ids=str)
def test_words_that_lead_nowhere(hvctl, before):
    assert hvctl("__complete", "=", *before).code == 0


COMPLETE_LINES = """
complete_line() {
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
    _hvctl hvctl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
    printf '%s\\n' "${COMPREPLY[@]}"
}
complete_line hvctl vm sta
complete_line hvctl vm start Web
"""


def test_the_bash_script_completes(lab, tmp_path):
    """In a real shell: words, and names that need quoting."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not here")
    program = tmp_path / "hvctl"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m hvctl "$@"\n')
    program.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(SOURCE)}
    script = lab.ok("completion", "bash").out + COMPLETE_LINES
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=env, check=False)
    assert (done.stdout.splitlines(), done.stderr) == (["start", "Web\\ \\'two\\'", "web1"], "")
