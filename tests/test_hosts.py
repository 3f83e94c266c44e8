"""Which host a command means."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvctl import hosts
from hvctl.config import set_default_host
from hvctl.errors import UnreachableError, UsageError
from hvctl.hosts import (
    HOW_TO_CHOOSE,
    Login,
    Target,
    choose,
    find,
    open_transport,
    require_reachable,
    siblings,
    split_address,
)
from hvctl.transports.endpoint import Endpoint, parse

pytestmark = pytest.mark.unit

LOCAL = Target("localhost", "local")
LAB = Target("lab", "lab")
HV02 = Target("lab/hv02", "lab", "hv02")


@pytest.fixture(autouse=True)
def fresh_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HVCTL_HOME", str(tmp_path))
    monkeypatch.delenv("HVCTL_HOST", raising=False)
    monkeypatch.setattr(hosts, "has_hyper_v", lambda: False)


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("localhost", LOCAL),
        ("LocalHost", LOCAL),
        (".", LOCAL),
        ("lab", LAB),
        ("LAB", LAB),
        ("lab/hv02", HV02),
        ("Lab/HV02", HV02),
    ],
)
def test_names_of_hosts(name, target):
    assert find(name) == target


@pytest.mark.parametrize("name", ["lab/", "", " "])
def test_names_that_are_no_hosts(name):
    with pytest.raises(UsageError, match="No host is called") as caught:
        find(name)
    assert caught.value.hint == HOW_TO_CHOOSE


@pytest.mark.parametrize("name", ["a b", "-hv01", "hv01/x", "hv01:5986", "ftp://hv01", "https://me:secret@hv01"])
def test_texts_that_cannot_be_hosts(name):
    with pytest.raises(UsageError) as caught:
        find(name)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("hv01", "hv01"),
        ("labx", "labx"),
        ("laboratory", "laboratory"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("https://hv01.example.com", "hv01.example.com"),
    ],
)
def test_any_other_name_is_a_host_over_the_network(name, address):
    target = find(name)
    assert (target.name, target.kind, target.inner) == (name, "winrm", None)
    assert target.endpoint == parse(name, name)
    assert target.endpoint.address == address


CONFIGURED = """
[hosts.hv01]
address = "https://hv01.example.com"
user = "EXAMPLE\\\\admin"
auth = "ntlm"
verify = false
"""


@pytest.fixture
def configured(tmp_path):
    (tmp_path / "config.toml").write_text(CONFIGURED, encoding="utf-8")


def test_a_configured_host_is_what_its_entry_says(configured):
    endpoint = find("HV01").endpoint
    assert find("HV01").name == "hv01"
    assert endpoint == replace(
        parse("hv01", "https://hv01.example.com"), user="EXAMPLE\\admin", auth="ntlm", verify=False
    )


def opened(name, **login) -> Endpoint:
    return open_transport(find(name), login=Login(**login))._endpoint


def test_a_flag_beats_the_environment_beats_the_entry(configured, monkeypatch):
    assert opened("hv01").user == "EXAMPLE\\admin"
    monkeypatch.setenv("HVCTL_USER", "from-environment")
    monkeypatch.setenv("HVCTL_AUTH", "Basic")
    assert (opened("hv01").user, opened("hv01").auth) == ("from-environment", "basic")
    endpoint = opened("hv01", user="from-flag", auth="kerberos", verify=True)
    assert (endpoint.user, endpoint.auth, endpoint.verify) == ("from-flag", "kerberos", True)


def test_files_come_from_the_environment_too(tmp_path, monkeypatch):
    for key in ("ca_file", "cert_file", "key_file"):
        (tmp_path / key).touch()
        monkeypatch.setenv(f"HVCTL_{key.upper()}", str(tmp_path / key))
    endpoint = opened("hv01")
    assert [endpoint.ca_file, endpoint.cert_file, endpoint.key_file] == [
        tmp_path / key for key in ("ca_file", "cert_file", "key_file")
    ]
    assert endpoint.auth == "certificate"


def test_a_method_that_is_none(monkeypatch):
    monkeypatch.setenv("HVCTL_AUTH", "digest")
    with pytest.raises(UsageError, match="HVCTL_AUTH is 'digest'"):
        find("hv01")
    monkeypatch.delenv("HVCTL_AUTH")
    with pytest.raises(UsageError, match="'digest' is no way"):
        opened("hv01", auth="digest")


def test_basic_over_plain_http_is_refused_at_once():
    with pytest.raises(UsageError, match="plain HTTP is refused"):
        opened("http://hv01", user="admin", auth="basic")


def test_the_password_is_asked_for_late_and_never_shown(monkeypatch):
    monkeypatch.setenv("HVCTL_PASSWORD", "from-environment")
    endpoint = opened("hv01", user="admin")
    assert endpoint.password() == "from-environment"
    assert opened("hv01", user="admin", password="typed").password() == "typed"
    assert "typed" not in repr(Login(password="typed"))


@pytest.mark.parametrize(("timeout", "idle"), [(600.0, 900), (5.5, 305), (None, 7200)])
def test_a_shell_outlives_the_work(timeout, idle):
    assert open_transport(find("hv01"), timeout=timeout)._idle_timeout == idle


def test_known_hosts_in_addresses(configured, monkeypatch):
    assert split_address("HV01:web1") == ("hv01", "web1")
    assert split_address("hv02:web1") == (None, "hv02:web1")
    assert split_address("hv02:web1", ["hv03,HV02"]) == ("HV02", "web1")
    monkeypatch.setenv("HVCTL_HOST", "hv02")
    assert split_address("hv02:web1") == ("hv02", "web1")


def test_a_host_that_is_away_is_known_without_a_login():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(UnreachableError, match="Nothing listens") as caught:
            require_reachable(find(f"http://127.0.0.1:{unused.getsockname()[1]}"))
    assert caught.value.host.startswith("http://127.0.0.1")
    require_reachable(LAB)
    require_reachable(LOCAL)


def test_a_flag_beats_the_environment_beats_the_file_beats_this_machine(monkeypatch):
    monkeypatch.setattr(hosts, "has_hyper_v", lambda: True)
    assert choose() == LOCAL
    set_default_host("lab")
    assert choose() == LAB
    monkeypatch.setenv("HVCTL_HOST", "lab/hv02")
    assert choose() == HV02
    assert choose("localhost") == LOCAL


def test_an_empty_environment_variable_is_none(monkeypatch):
    set_default_host("lab")
    monkeypatch.setenv("HVCTL_HOST", "")
    assert choose() == LAB


def test_the_lab_is_never_a_silent_fallback():
    with pytest.raises(UsageError, match="No host is named") as caught:
        choose()
    assert "--host" in str(caught.value.hint)
    assert "hvctl lab use" in str(caught.value.hint)


@pytest.mark.parametrize("where", ["flag", "environment", "file"])
def test_a_name_that_cannot_be_is_an_error_wherever_it_stands(where, monkeypatch):
    monkeypatch.setattr(hosts, "has_hyper_v", lambda: True)
    if where == "environment":
        monkeypatch.setenv("HVCTL_HOST", "no where")
    if where == "file":
        set_default_host("no where")
    with pytest.raises(UsageError, match="no where"):
        choose("no where" if where == "flag" else None)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("web1", (None, "web1")),
        ("lab:web1", ("lab", "web1")),
        ("LAB/HV02:Web1", ("lab/hv02", "Web1")),
        ("localhost:web1", ("localhost", "web1")),
        (":web1", (None, "web1")),
        (":lab:web1", (None, "lab:web1")),
        ("::x", (None, ":x")),
        ("db:web1", (None, "db:web1")),
        ("a:b:c", (None, "a:b:c")),
        ("lab:a:b", ("lab", "a:b")),
        ("lab:", ("lab", "")),
        (":", (None, "")),
        ("", (None, "")),
    ],
)
def test_addresses(text, address):
    assert split_address(text) == address


@given(st.text())
def test_a_colon_in_front_makes_any_text_a_plain_name(text):
    assert split_address(f":{text}") == (None, text)


@given(st.text())
def test_a_host_in_front_keeps_any_name(text):
    assert split_address(f"lab/hv02:{text}") == ("lab/hv02", text)


def test_this_machine_stands_alone():
    assert siblings(LOCAL) == [LOCAL]


def test_the_lab_s_hosts_are_siblings():
    assert siblings(LAB) == [Target("lab/hv01", "lab", "hv01")]


@pytest.mark.parametrize(("target", "kind"), [(LOCAL, "local"), (LAB, "lab"), (HV02, "lab")])
def test_transports_carry_their_host_s_name(target, kind):
    transport = open_transport(target)
    assert (transport.kind, transport.host) == (kind, target.name)
