"""What the configuration says of hosts and groups, and what is told of one that makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from hvctl.config import HostEntry, groups, host, hosts, load
from hvctl.errors import UsageError

pytestmark = pytest.mark.unit

FULL = """\
default = "hv01"

[hosts.hv01]
address = "https://hv01.example.com:5986/wsman"
user = 'EXAMPLE\\admin'
auth = "kerberos"
ca_file = "ca.pem"
cert_file = "/etc/hvctl/me.pem"
key_file = "~/me.key"
verify = true
keyring = true

[hosts."Büro"]

[groups]
prod = ["hv01", "BÜRO", "hv01", "lab/hv02"]
"""


def test_a_file_that_is_not_there_says_nothing(config):
    assert (hosts(), groups(), host("hv01"), load().default) == ({}, {}, None, None)


def test_all_that_can_be_said(config):
    config.write_text(FULL, encoding="utf-8")
    assert hosts() == {
        "hv01": HostEntry(
            "hv01",
            "https://hv01.example.com:5986/wsman",
            "EXAMPLE\\admin",
            "kerberos",
            config.parent / "ca.pem",
            Path("/etc/hvctl/me.pem"),
            Path("~/me.key").expanduser(),
            verify=True,
            keyring=True,
        ),
        "Büro": HostEntry("Büro"),
    }
    assert groups() == {"prod": ("hv01", "BÜRO", "lab/hv02")}
    assert load().group("PROD") == groups()["prod"]


@pytest.mark.parametrize("name", ["hv01", "HV01", "Hv01"])
def test_names_are_the_same_in_any_case(config, name):
    config.write_text(FULL, encoding="utf-8")
    entry = host(name)
    assert entry is not None
    assert entry.name == "hv01"
    assert host("hv0") is None


def test_a_file_that_changed_is_read_again(config):
    config.write_text("[hosts.a]\n")
    assert list(hosts()) == ["a"]
    config.write_text("[hosts.b]\n")
    assert list(hosts()) == ["b"]


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("# x\nhost = 1\n", "line 2, column 1", "there is no key 'host' here; there are default, hosts, groups"),
        ("[hosts.hv01]\npassword = 'x'\n", "line 2, column 1", "a host has no key 'password'"),
        ("[hosts.hv01]\nuser = 1\n", "line 2, column 1", "`user` must be text that is not empty"),
        ("[hosts.hv01]\nuser = ' '\n", "line 2, column 1", "`user` must be text"),
        ("[hosts.hv01]\n\n  verify = 'no'\n", "line 3, column 3", "`verify` must be true or false"),
        ("[hosts]\nhv01 = {keyring = 1}\n", "line 2, column 9", "`keyring` must be true or false"),
        ("[hosts.hv01]\nauth = 'magic'\n", "line 2, column 1", "`auth` must be one of basic, certificate, credssp,"),
        ("[hosts.hv01]\naddress = 'a b'\n", "line 2, column 1", "`address` must be a host name, an IP address, or a"),
        ("[hosts.hv01]\nca_file = []\n", "line 2, column 1", "`ca_file` must be text"),
        ("hosts = 1\n", "line 1, column 1", "`hosts` must be a table"),
        ("[[hosts]]\n", "line 1, column 3", "`hosts` must be a table"),
        ("[hosts]\nhv01 = 'x'\n", "line 2, column 1", "the host 'hv01' must be a table: [hosts.hv01]"),
        ("[hosts]\n[hosts.lab]\n", "line 2, column 2", "a host cannot be called 'lab': that name is taken"),
        ("[hosts.'a:b']\n", "line 1, column 2", "a host cannot be called 'a:b': a name has no blanks, colons,"),
        ("[hosts.hv01]\n[hosts.HV01]\n", "line 2, column 2", "'HV01' and 'hv01' are the same name"),
        ("groups = []\n", "line 1, column 1", "`groups` must be a table"),
        ("[groups]\nprod = 'hv01'\n", "line 2, column 1", "the group 'prod' must be a list of hosts' names"),
        ("[groups]\nprod = ['a',\n  1]\n", "line 3, column 3", "the group 'prod' must be a list of hosts' names"),
        ("[groups]\nprod = ['@a']\n", "line 2, column 9", "a group has no groups in it"),
        ("[groups]\n'a b' = []\n", "line 2, column 1", "a group cannot be called 'a b'"),
        ("[groups.prod]\n", "line 1, column 2", "the group 'prod' must be a list"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_told_with_its_place(config, text, where, what):
    config.write_text(text)
    with pytest.raises(UsageError) as caught:
        load()
    assert caught.value.message.startswith(f"{config}, {where}: ")
    assert what in caught.value.message
    assert caught.value.hint == "Mend that line; nothing was changed."


@pytest.mark.parametrize(
    "name",
    [
        "lab",
        "LAB",
        "localhost",
        ".",
        "",
        "a b",
        "a:b",
        "a/b",
        "@a",
        "a,b",
        "-a",
        "a\tb",
        "a\nb",
        "a*",
        "[a",
        "a\u00a0b",
    ],
)
def test_names_that_no_host_can_have(config, name):
    config.write_text(f"[hosts.{_quoted(name)}]\n")
    with pytest.raises(UsageError, match="a host cannot be called"):
        load()


@pytest.mark.parametrize("name", ["hv01", "labor", "hv01.example.com", "Büro", "it's", "ホスト", "10.0.0.1", "_x"])
def test_names_that_a_host_can_have(config, name):
    config.write_text(f"[hosts.{_quoted(name)}]\n", encoding="utf-8")
    assert list(hosts()) == [name]


@pytest.mark.parametrize(
    "address",
    [
        "hv01",
        "hv01.example.com",
        "hv_01",
        "10.0.0.1",
        "::1",
        "fe80::1",
        "http://hv01:5985",
        "https://[::1]:5986/wsman",
        "HTTPS://hv01",
        "https://hv01/a/b",
        "bücher.example",
    ],
)
def test_addresses(config, address):
    config.write_text(f"[hosts.x]\naddress = '{address}'\n", encoding="utf-8")
    assert hosts()["x"].address == address


@pytest.mark.parametrize(
    "address",
    [
        *("", " ", "hv01:5986", "ssh://hv01", "https://", "https://:5986", "https://hv01:99999", "https://hv01:0"),
        *("https://hv01:x", "https://u:p@hv01", "https://u@hv01", "https://hv01/?a=b", "https://hv 01", "hv01\\u000a"),
    ],
)
def test_no_addresses(config, address):
    config.write_text(f'[hosts.x]\naddress = "{address}"\n')
    with pytest.raises(UsageError, match="line 2, column 1: `address` must"):
        load()


def test_a_refused_address_is_not_repeated(config):
    """It may hold a password."""
    config.write_text("[hosts.x]\naddress = 'https://u:hunter2@hv01'\n")
    with pytest.raises(UsageError) as caught:
        load()
    assert "hunter2" not in str(caught.value.as_dict())


def _quoted(name: str) -> str:
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in name) + '"'
