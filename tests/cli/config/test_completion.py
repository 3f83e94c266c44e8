"""What the shell completes of hosts and groups: from the file alone, and nothing where it cannot be read."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.lab


@pytest.fixture
def configured(hvctl):
    """hv01 and hv02 in prod."""
    for name in ("hv01", "hv02"):
        hvctl.ok("config", "host", "add", name)
    hvctl.ok("config", "group", "add", "prod", "hv01", "hv02")
    return hvctl


def completed(hvctl, incomplete: str, *before: str) -> list[str]:
    lines = hvctl.ok("__complete", f"={incomplete}", *before).out.splitlines()
    return [line.partition("\t")[0] for line in lines]


@pytest.mark.parametrize(
    ("incomplete", "before", "found"),
    [
        ("", ["--host"], ["@prod", "hv01", "hv02", "lab", "localhost"]),
        ("H", ["vm", "list", "--host"], ["hv01", "hv02"]),
        ("--host=hv", ["vm", "list"], ["hv01", "hv02"]),
        ("@", ["vm", "list", "--host"], ["@prod"]),
        ("@p", ["vm", "list", "--host", "@"], ["@prod"]),
        ("@p", ["vm", "list", "--host", "=@"], ["@prod"]),
        ("@p", ["vm", "list", "--host", "hv01,", "@"], ["@prod"]),
        ("hv01,hv", ["vm", "list", "--host"], ["hv01,hv01", "hv01,hv02"]),
        ("hv01,@", ["vm", "list", "--host"], ["hv01,@prod"]),
        ("", ["config", "host", "show"], ["hv01", "hv02"]),
        ("", ["config", "host", "remove", "hv01"], ["hv01", "hv02"]),
        ("", ["config", "login"], ["hv01", "hv02"]),
        ("", ["config", "default"], ["hv01", "hv02", "lab", "localhost"]),
        ("", ["config", "group", "remove"], ["prod"]),
        ("", ["config", "group", "remove", "prod"], ["hv01", "hv02", "lab", "localhost"]),
        ("", ["config", "group", "add", "-o", "json", "prod", "hv01"], ["hv01", "hv02", "lab", "localhost"]),
        ("", ["config", "login", "hv01"], []),
        ("k", ["config", "host", "add", "x", "--auth"], ["kerberos"]),
        ("n", ["vm", "list", "--auth"], ["ntlm"]),
        ("a", ["config", "host"], ["add"]),
    ],
    ids=str,
)
def test_what_completes(configured, incomplete, before, found):
    assert completed(configured, incomplete, *before) == found


def test_neither_key_store_nor_editor_is_loaded(configured, monkeypatch):
    for name in ("keyring", "tomlkit", "winrm", "requests"):
        monkeypatch.setitem(sys.modules, name, None)
    (configured.home / "config.toml").write_text("[hosts.hv01]\nkeyring = true\nuser = 'x'\n")
    assert completed(configured, "hv", "--host") == ["hv01"]
    assert completed(configured, "", "vm", "start", "--host", "hv01") == []


def test_a_file_that_cannot_be_read(configured):
    (configured.home / "config.toml").write_text("hosts =")
    assert completed(configured, "", "--host") == ["lab", "localhost"]
    assert completed(configured, "", "config", "group", "remove") == []
