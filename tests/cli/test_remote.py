"""Commands on a host over the network: the options of a login, warnings, passwords, addresses."""

from __future__ import annotations

import pytest
from tests.support.remote import PASSWORD, USER, remote

pytestmark = pytest.mark.winrm


@pytest.fixture
def basic(tmp_path):
    with remote(tmp_path / "served", "basic") as made:
        yield made


@pytest.fixture(autouse=True)
def folder(hvctl, tmp_path, monkeypatch):
    (tmp_path / "served").mkdir()
    monkeypatch.setenv("HVCTL_PASSWORD", PASSWORD)
    monkeypatch.setenv("HVCTL_USER", USER)


def words(served) -> list[str]:
    return ["--host", served.endpoint.url]


def trusting(served) -> list[str]:
    return [*words(served), "--ca-file", str(served.endpoint.ca_file)]


def test_no_file_is_needed(hvctl, basic):
    made = hvctl("vm", "create", "web1", "--memory", "1G", "-o", "json", *trusting(basic))
    assert (made.code, basic.names()) == (0, ["web1"])
    shown = hvctl("vm", "list", "-o", "name", *trusting(basic))
    assert shown.code == 0
    assert hvctl("vm", "delete", "web1", "--yes", *trusting(basic)).code == 0
    assert basic.names() == []


def test_the_choice_is_said_only_to_who_wants_to_know(hvctl, basic):
    assert "chosen: ntlm" in hvctl("vm", "list", "-v", *trusting(basic)).err
    assert "chosen" not in hvctl("vm", "list", *trusting(basic)).err


def test_skipping_the_check_is_loud_each_time(hvctl, basic):
    for _ in range(2):
        done = hvctl("vm", "list", "--insecure", *words(basic))
        assert done.code == 0
        assert done.err.count("is not checked") == 1
        assert "InsecureRequestWarning" not in done.err


def test_an_unknown_authority_ends_in_5_and_a_wrong_password_in_4(hvctl, basic, monkeypatch):
    assert hvctl("vm", "list", *words(basic)).code == 5
    monkeypatch.setenv("HVCTL_PASSWORD", "wrong")
    done = hvctl("vm", "list", *trusting(basic))
    assert done.code == 4
    assert "offers Negotiate, Basic" in done.err
    assert "wrong" not in done.err.replace("is wrong", "")


def test_basic_over_plain_http_is_2_whatever_else_is_said(hvctl):
    done = hvctl("vm", "list", "--host", "http://hv01.invalid", "--auth", "basic", "--insecure")
    assert done.code == 2
    assert "plain HTTP is refused" in done.err


def test_stdin_holds_the_password_or_the_names(hvctl, basic):
    done = hvctl("vm", "start", "-", "--password-stdin", *trusting(basic), stdin=f"{PASSWORD}\nweb1\n")
    assert done.code == 2
    assert "cannot hold both" in done.err


def test_the_password_comes_from_stdin(hvctl, basic, monkeypatch):
    monkeypatch.setenv("HVCTL_PASSWORD", "wrong")
    done = hvctl("vm", "list", "--password-stdin", *trusting(basic), stdin=f"{PASSWORD}\n")
    assert done.code == 0


def test_a_configured_host_in_an_address(hvctl, basic):
    added = hvctl(
        "config", "host", "add", "hv01", "--address", basic.endpoint.url, "--ca-file", str(basic.endpoint.ca_file)
    )
    assert added.code == 0
    assert hvctl("vm", "create", "hv01:web1", "--memory", "1G").code == 0
    assert basic.names() == ["web1"]
    assert hvctl("vm", "show", "hv01:web1", "-o", "json").data["host"] == "hv01"
