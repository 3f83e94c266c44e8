"""`hvctl switch`."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.lab


@pytest.fixture
def lab(hvctl):
    """A private, an internal and an external switch; web1 on the first."""
    hvctl.like("switch", _lab)
    return hvctl


def _lab(hvctl) -> None:
    hvctl.ok("switch", "create", "dmz")
    hvctl.ok("switch", "create", "lan", "--type", "internal", "--notes", "it's mine")
    hvctl.ok("switch", "create", "wan", "--type", "external", "--adapter", "Ethernet", "--yes")
    hvctl.ok("vm", "create", "web1", "--switch", "dmz")


def test_listing(lab):
    assert lab.ok("switch", "list", "--columns", "name,type,adapters").out == (
        "NAME  TYPE      ADAPTERS\n"
        "dmz   Private   -\n"
        "lan   Internal  -\n"
        "wan   External  Intel(R) Ethernet Controller X550\n"
    )
    assert [each["name"] for each in lab.json("switch", "list", "*n")] == ["lan", "wan"]


def test_showing(lab):
    shown = lab.json("switch", "show", "lan")
    assert (shown["type"], shown["notes"], shown["vms"]) == ("Internal", "it's mine", [])
    assert lab.json("switch", "show", "DMZ")["vms"] == ["web1"]
    assert [each["name"] for each in lab.json("switch", "show", "lan", "dmz")] == ["lan", "dmz"]
    assert len(lab.json("switch", "show")) == 3


def test_kinds(lab):
    assert lab.json("switch", "show", "wan")["management_os"] is True
    made = lab.json(
        *("switch", "create", "wan2", "--type", "External", "--adapter", "Ethernet 2", "--no-management-os", "--yes")
    )
    assert (made["type"], made["management_os"]) == ("External", False)


@pytest.mark.parametrize(
    "words",
    [
        ["create", "x", "--type", "external", "--adapter", "None"],
        ["create", "x", "--type", "external", "--adapter", "Ethernet"],
    ],
    ids=str,
)
def test_an_adapter_that_is_not_free(lab, no_change, words):
    with no_change():
        failed = lab("switch", *words, "--yes", "-o", "json")
    assert failed.code in (1, 3, 6)
    assert failed.error["message"].startswith("The switch 'x' was not created: ")


def test_a_name_that_exists(lab, no_change):
    with no_change():
        refused = lab("switch", "create", "LAN", "-o", "json")
        kept = lab("switch", "create", "LAN", "--exist-ok")
    assert (refused.code, refused.error["message"]) == (6, "A virtual switch called 'lan' exists already.")
    assert kept.code == 0
    assert kept.err == "'lan' exists already; it was left as it is.\n"


def test_deleting(lab):
    (done,) = lab.json("switch", "delete", "dmz", "--yes")
    assert (done["name"], done["outcome"], done["state"]) == ("dmz", "changed", None)
    (adapter,) = lab.json("vm", "show", "web1")["adapters"]
    assert adapter["connected"] is False
    assert [each["outcome"] for each in lab.json("switch", "delete", "--all", "--yes")] == ["changed", "changed"]
    assert lab.json("switch", "list") == []


def test_deleting_what_is_not_there(lab, no_change):
    with no_change():
        assert lab("switch", "delete", "lan", "none", "--yes").code == 3
    assert [each["name"] for each in lab.json("switch", "delete", "lan", "none", "--missing-ok", "--yes")] == ["lan"]


@pytest.mark.parametrize("name", ["it's", "[x]*", "Müller 🙂", "$(x)"])
def test_odd_names(hvctl, name):
    made = hvctl.json("switch", "create", name, "--notes", name)
    assert made["name"] == made["notes"] == name
    hvctl.ok("vm", "create", "web1", "--switch", name)
    assert [each["vms"] for each in hvctl.json("switch", "show", "-", stdin=name)] == [["web1"]]
    hvctl.ok("switch", "delete", made["id"], "--yes")


def test_changes_are_logged(lab):
    lab.ok("switch", "delete", "dmz", "--yes")
    assert [line.split("INFO ")[1] for line in lab.log.splitlines()[-1:]] == ["switch delete: 'dmz' on lab: changed"]
