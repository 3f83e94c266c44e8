"""`hvctl config group`: hosts come together, and go again."""

from __future__ import annotations

import pytest

from hvctl.config import groups

pytestmark = pytest.mark.lab


@pytest.fixture(autouse=True)
def two_hosts(hvctl):
    for name in ("hv01", "hv02"):
        hvctl.ok("config", "host", "add", name)


def test_a_group(hvctl):
    assert hvctl.json("config", "group", "add", "prod", "HV02", "lab/HV01") == {
        "name": "prod",
        "hosts": ["hv02", "lab/hv01"],
    }
    assert hvctl.json("config", "group", "add", "@PROD", "hv01", "hv02")["hosts"] == ["hv02", "lab/hv01", "hv01"]
    assert hvctl.json("config", "group", "list") == [{"name": "prod", "hosts": ["hv02", "lab/hv01", "hv01"]}]
    assert hvctl.json("config", "host", "show", "hv01")["groups"] == ["prod"]


def test_nothing_to_add(hvctl):
    hvctl.ok("config", "group", "add", "prod", "hv01")
    again = hvctl.ok("config", "group", "add", "prod", "HV01")
    assert again.err == "All of them are in 'prod' already; nothing was changed.\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["prod", "hv01", "hv03"], 3, "The configuration has no host 'hv03'."),
        (["prod", "@prod"], 3, "The configuration has no host '@prod'."),
        (["lab", "hv01"], 2, "A group cannot be called 'lab'"),
        (["a b", "hv01"], 2, "A group cannot be called 'a b'"),
    ],
    ids=str,
)
def test_what_cannot_be_added(hvctl, words, code, message):
    refused = hvctl("config", "group", "add", *words)
    assert refused.code == code
    assert refused.err.startswith(f"error: {message}")
    assert groups() == {}


def test_members_go(hvctl):
    hvctl.ok("config", "group", "add", "prod", "hv01", "hv02")
    assert hvctl.json("config", "group", "remove", "@Prod", "HV01") == [
        {"name": "prod", "outcome": "changed", "also": []}
    ]
    assert groups() == {"prod": ("hv02",)}
    last = hvctl.ok("config", "group", "remove", "prod", "hv02")
    assert last.err == "'prod' is empty now. To take it away: hvctl config group remove prod\n"
    assert groups() == {"prod": ()}


def test_a_group_goes(hvctl):
    hvctl.ok("config", "group", "add", "prod", "hv01")
    hvctl.ok("config", "group", "remove", "prod")
    assert groups() == {}
    assert [row["name"] for row in hvctl.json("config", "host", "list")] == ["hv01", "hv02"]


def test_what_is_not_there(hvctl):
    hvctl.ok("config", "group", "add", "prod", "hv01")
    assert hvctl("config", "group", "remove", "nope").code == 3
    assert hvctl("config", "group", "remove", "prod", "hv02").code == 3
    assert hvctl.json("config", "group", "remove", "nope", "--missing-ok") == []
    assert hvctl.json("config", "group", "remove", "prod", "hv02", "--missing-ok")[0]["outcome"] == "unchanged"
    assert groups() == {"prod": ("hv01",)}
