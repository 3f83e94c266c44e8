"""Which host a command means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvctl import hosts
from hvctl.config import set_default_host
from hvctl.errors import UsageError
from hvctl.hosts import HOW_TO_CHOOSE, Target, choose, find, open_transport, siblings, split_address

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


@pytest.mark.parametrize("name", ["hv01", "labx", "lab/", "", " ", "127.0.0.1", "laboratory"])
def test_names_that_are_no_hosts(name):
    with pytest.raises(UsageError, match="No host is called") as caught:
        find(name)
    assert caught.value.hint == HOW_TO_CHOOSE


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
def test_an_unknown_name_is_an_error_wherever_it_stands(where, monkeypatch):
    monkeypatch.setattr(hosts, "has_hyper_v", lambda: True)
    if where == "environment":
        monkeypatch.setenv("HVCTL_HOST", "nowhere")
    if where == "file":
        set_default_host("nowhere")
    with pytest.raises(UsageError, match="nowhere"):
        choose("nowhere" if where == "flag" else None)


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
