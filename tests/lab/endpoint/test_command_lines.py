"""Command lines: their words, and hvctl's own among them."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvctl.lab.endpoint.command_lines import LONGEST, expected_engine, is_powershell, words
from hvctl.powershell.bootstrap import bootstrap_script, command_line, encoded_command, engine_hash

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("", []),
        ("  a  b ", ["a", "b"]),
        ('"a b" c', ["a b", "c"]),
        ('a" b"c', ["a bc"]),
        ('""', [""]),
        (r"C:\dir\ x", ["C:\\dir\\", "x"]),
        (r'"C:\dir with blank\\" x', ["C:\\dir with blank\\", "x"]),
        (r"say \"hi\"", ["say", '"hi"']),
        (r"a\\\"b", ['a\\"b']),
    ],
)
def test_words(line, found):
    assert words(line) == found


@given(st.lists(st.text(st.sampled_from(' a"\\\tü'))))
def test_words_are_those_that_were_quoted(arguments):
    assert words(subprocess.list2cmdline(arguments)) == arguments


def test_hvctls_own_command_line_keeps_its_words():
    command = command_line("powershell.exe")
    assert words(" ".join(command)) == command
    assert len(" ".join(command)) < LONGEST


@pytest.mark.parametrize(
    ("program", "is_one"),
    [
        ("powershell", True),
        ("PowerShell.EXE", True),
        (r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe", True),
        ("pwsh", True),
        ("ipconfig", False),
        ("powershell_ise.exe", False),
    ],
)
def test_what_starts_powershell(program, is_one):
    assert is_powershell(program) is is_one


def test_the_hash_in_hvctls_bootstrap():
    assert expected_engine(command_line("powershell.exe")) == engine_hash()
    other = "0" * 64
    script = bootstrap_script().replace(engine_hash(), other)
    assert expected_engine(["-EncodedCommand", encoded_command(script)]) == other


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-EncodedCommand"],
        ["-EncodedCommand", "%%%"],
        ["-EncodedCommand", "YQ=="],
        ["-Command", "Get-VM"],
        ["-EncodedCommand", encoded_command("Get-VM")],
        ["-EncodedCommand", encoded_command(bootstrap_script() + "Get-VM")],
    ],
)
def test_another_script_is_not_hvctls(arguments):
    assert expected_engine(arguments) is None
