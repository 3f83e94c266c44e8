"""`migrate show`, `enable` and `disable`."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.lab


def test_a_fresh_host_takes_part_in_no_moves(hvctl):
    assert hvctl.json("migrate", "show") == {
        "host": "lab",
        "enabled": False,
        "authentication": "CredSSP",
        "performance": "Compression",
        "any_network": False,
        "maximum": 2,
        "maximum_storage": 2,
        "computer_name": "HV01",
        "networks": [],
    }


def test_enable_sets_what_is_given_and_nothing_else(hvctl):
    (made,) = hvctl.json(
        "migrate", "enable", "--authentication", "kerberos", "--any-network", "--max", "4", "--performance", "smb"
    )
    assert (made["name"], made["outcome"]) == ("HV01", "changed")
    shown = hvctl.json("migrate", "show")
    assert [shown[each] for each in ("enabled", "authentication", "performance", "any_network", "maximum")] == [
        True,
        "Kerberos",
        "SMB",
        True,
        4,
    ]


def test_what_is_so_already_is_not_sent(hvctl):
    hvctl.ok("migrate", "enable", "--any-network")
    (again,) = hvctl.json("migrate", "enable", "--any-network")
    assert again["outcome"] == "unchanged"
    (changed,) = hvctl.json("migrate", "enable", "--listed-networks")
    assert changed["outcome"] == "changed"
    assert hvctl.json("migrate", "show")["enabled"] is True


def test_disable_keeps_the_settings(hvctl):
    hvctl.ok("migrate", "enable", "--max", "7")
    (made,) = hvctl.json("migrate", "disable")
    assert made["outcome"] == "changed"
    (again,) = hvctl.json("migrate", "disable")
    assert again["outcome"] == "unchanged"
    shown = hvctl.json("migrate", "show")
    assert (shown["enabled"], shown["maximum"]) == (False, 7)


def test_a_dry_run_changes_nothing(hvctl, no_change):
    hvctl.ok("migrate", "show")
    with no_change():
        done = hvctl.ok("migrate", "enable", "--max", "3", "--dry-run")
        assert "Set-VMHost -MaximumVirtualMachineMigrations 3" in done.out
        assert "Enable-VMMigration" in done.out


@pytest.mark.parametrize("words", [("--max", "0"), ("--authentication", "basic"), ("--performance", "fast")])
def test_wrong_settings_are_usage_errors(hvctl, words):
    assert hvctl("migrate", "enable", *words).code == 2


def test_hosts_are_set_together(hvctl):
    hvctl.ok("lab", "reset", "--world", "two-hosts", "--yes")
    made = hvctl.json("migrate", "enable", "--host", "lab/hv01", "--host", "lab/hv02")
    assert [(each["host"], each["outcome"]) for each in made] == [("lab/hv01", "changed"), ("lab/hv02", "changed")]
