"""`hvctl config host`: entries are made, looked at, changed and removed."""

from __future__ import annotations

import pytest

from hvctl.config import hosts, load

pytestmark = pytest.mark.lab

BARE = {
    "name": "hv01",
    "address": None,
    "user": None,
    "auth": None,
    "ca_file": None,
    "cert_file": None,
    "key_file": None,
    "verify": None,
    "keyring": False,
    "groups": [],
    "default": False,
}


@pytest.fixture
def config_file(hvctl):
    return hvctl.home / "config.toml"


def test_a_host_by_its_name_alone(hvctl, config_file):
    assert hvctl.json("config", "host", "add", "hv01") == BARE
    assert config_file.read_text() == "[hosts.hv01]\n"


def test_a_host_with_everything(hvctl, config_file, tmp_path, monkeypatch):
    for name in ("ca.pem", "me.pem", "me.key"):
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    words = ["--address", "https://hv01.example.com:5986", "--user", r"EXAMPLE\O'Brien", "--auth", "certificate"]
    words += ["--ca-file", "ca.pem", "--cert-file", "me.pem", "--key-file", "me.key", "--verify"]
    added = hvctl.json("config", "host", "add", "hv01", *words)
    assert added == BARE | {
        "address": "https://hv01.example.com:5986",
        "user": r"EXAMPLE\O'Brien",
        "auth": "certificate",
        "ca_file": str(tmp_path / "ca.pem"),
        "cert_file": str(tmp_path / "me.pem"),
        "key_file": str(tmp_path / "me.key"),
        "verify": True,
    }
    assert hvctl.json("config", "host", "show", "HV01") == added
    assert hvctl.json("config", "host", "list") == [added]
    text = config_file.read_text()
    unchanged = hvctl.ok("config", "host", "add", "hv01", *words)
    assert unchanged.err == "'hv01' is in the configuration already; nothing was changed.\n"
    assert config_file.read_text() == text


def test_a_host_with_other_values_is_in_the_way(hvctl, config_file):
    hvctl.ok("config", "host", "add", "hv01", "--user", "a", "--address", "x")
    before = config_file.read_text()
    refused = hvctl("config", "host", "add", "HV01", "--user", "b", "-o", "json")
    assert (refused.code, refused.out) == (6, "")
    assert refused.error["message"] == "The configuration has a host 'hv01' with other values."
    assert "--replace" in refused.error["hint"]
    assert config_file.read_text() == before
    replaced = hvctl.json("config", "host", "add", "HV01", "--user", "b", "--replace")
    assert (replaced["name"], replaced["user"], replaced["address"]) == ("hv01", "b", None)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lab"], "A host cannot be called 'lab': that name is taken."),
        (["a:b"], "A host cannot be called 'a:b': a name has no blanks"),
        (["x", "--auth", "magic"], "--auth must be one of basic, certificate, credssp, kerberos, ntlm."),
        (["x", "--address", "hv01:5986"], "--address must be a host name, an IP address, or a URL such as"),
        (["x", "--user", ""], "--user must be text that is not empty."),
        (["x", "--ca-file", "missing.pem"], "--ca-file: there is no file missing.pem."),
        (["x", "--columns", "nope"], "There is no column 'nope'."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be(hvctl, config_file, words, message):
    refused = hvctl("config", "host", "add", *words)
    assert refused.code == 2
    assert refused.err.startswith(f"error: {message}")
    assert not config_file.exists()


def test_trust_and_no_trust(hvctl, tmp_path):
    ca = tmp_path / "ca.pem"
    ca.write_text("")
    refused = hvctl("config", "host", "add", "x", "--insecure", "--ca-file", str(ca))
    assert refused.code == 2
    assert "contradict" in refused.err


def test_values_of_the_entry_stand_after_the_verb(hvctl):
    assert hvctl("--host", "lab", "config", "host", "add", "x").err.startswith(
        "error: `hvctl config host add` has no option"
    )
    refused = hvctl("--user", "me", "config", "host", "add", "x")
    assert refused.code == 2
    assert refused.err.startswith("error: `hvctl config host add` has --user as an option of its own: it stands after")
    assert hvctl.json("config", "host", "list") == []


def test_names_that_need_quotes(hvctl):
    for name in ("Büro.1", "it's", "ホスト"):
        assert hvctl.json("config", "host", "add", name, "--user", 'Jürgen "J" O\'x')["name"] == name
    assert [row["name"] for row in hvctl.json("config", "host", "list")] == ["Büro.1", "it's", "ホスト"]
    assert hosts()["it's"].user == 'Jürgen "J" O\'x'


def test_the_table(hvctl):
    hvctl.ok("config", "host", "add", "hv01", "--address", "10.0.0.1", "--user", "admin")
    hvctl.ok("config", "group", "add", "prod", "hv01")
    hvctl.ok("config", "default", "hv01")
    assert hvctl.ok("config", "host", "list").out.splitlines() == [
        "NAME  ADDRESS   USER   AUTH  GROUPS  DEFAULT",
        "hv01  10.0.0.1  admin  -     prod    yes",
    ]
    assert hvctl.ok("config", "host", "list", "-o", "name").out == "hv01\n"


def test_an_empty_list(hvctl):
    assert hvctl.json("config", "host", "list") == []


def test_showing_several(hvctl):
    for name in ("hv01", "hv02", "web"):
        hvctl.ok("config", "host", "add", name)
    assert [row["name"] for row in hvctl.json("config", "host", "show", "hv*")] == ["hv01", "hv02"]
    assert [row["name"] for row in hvctl.json("config", "host", "show", "web", "HV01", "hv01")] == ["web", "hv01"]
    missing = hvctl("config", "host", "show", "hv01", "nope", "x*")
    assert (missing.code, missing.out) == (3, "")
    assert missing.err.startswith("error: The configuration has no host 'nope', 'x*'.")


def test_single_values_change(hvctl):
    hvctl.ok("config", "host", "add", "hv01", "--user", "a", "--address", "x")
    hvctl.ok("config", "host", "add", "hv02", "--user", "b")
    outcomes = hvctl.json("config", "host", "set", "hv*", "--user", "b", "--unset", "address")
    assert outcomes == [
        {"name": "hv01", "outcome": "changed", "also": []},
        {"name": "hv02", "outcome": "unchanged", "also": []},
    ]
    assert [(entry.user, entry.address) for entry in hosts().values()] == [("b", None), ("b", None)]
    hvctl.ok("config", "host", "set", "hv01", "--insecure")
    assert hosts()["hv01"].verify is False
    hvctl.ok("config", "host", "set", "hv01", "--unset", "verify")
    assert hosts()["hv01"].verify is None


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["hv01"], 2, "Nothing was to be set."),
        (["hv01", "--unset", "colour"], 2, "A host has no value 'colour'."),
        (["hv01", "--unset", "--user", "--user", "x"], 2, "'--user' cannot be set and unset at once."),
        (["hv01", "nope", "--user", "x"], 3, "The configuration has no host 'nope'."),
    ],
    ids=str,
)
def test_changes_that_are_refused(hvctl, config_file, words, code, message):
    hvctl.ok("config", "host", "add", "hv01")
    before = config_file.read_text()
    refused = hvctl("config", "host", "set", *words)
    assert refused.code == code
    assert refused.err.startswith(f"error: {message}")
    assert config_file.read_text() == before


def test_a_removed_host_is_gone_everywhere(hvctl):
    for name in ("hv01", "hv02"):
        hvctl.ok("config", "host", "add", name)
    hvctl.ok("config", "group", "add", "prod", "hv01", "hv02")
    hvctl.ok("config", "group", "add", "test", "hv02")
    hvctl.ok("config", "default", "hv01")
    removed = hvctl.ok("config", "host", "remove", "HV01", "-o", "json", terminal=True)
    assert removed.data == [{"name": "hv01", "outcome": "changed", "also": ["group prod", "default"]}]
    assert removed.err == "'hv01' was removed, also from: group prod, default.\n"
    configuration = load()
    assert (list(configuration.hosts), configuration.default) == (["hv02"], None)
    assert configuration.groups == {"prod": ("hv02",), "test": ("hv02",)}


def test_removing_one_that_is_not_there(hvctl, config_file):
    hvctl.ok("config", "host", "add", "hv01")
    before = config_file.read_text()
    assert hvctl("config", "host", "remove", "hv01", "nope").code == 3
    assert config_file.read_text() == before
    assert hvctl.json("config", "host", "remove", "nope", "--missing-ok") == []
    assert config_file.read_text() == before


@pytest.mark.parametrize("words", [["add", "x"], ["set", "hv01", "--user", "x"], ["remove", "hv01"], ["list"]], ids=str)
def test_a_file_that_makes_no_sense_stays_as_it_is(hvctl, config_file, words):
    hvctl.home.mkdir()
    config_file.write_text("[hosts.hv01]\nusr = 'x'\n")
    refused = hvctl("config", "host", *words)
    assert refused.code == 2
    assert refused.err.startswith(f"error: {config_file}, line 2, column 1: a host has no key 'usr'")
    assert config_file.read_text() == "[hosts.hv01]\nusr = 'x'\n"
