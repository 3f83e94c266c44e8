"""Power verbs on several machines, slow guests and guests that do not answer."""

from __future__ import annotations

import time

import pytest

from hvctl.lab import guests
from hvctl.lab.world import World

pytestmark = pytest.mark.lab


@pytest.fixture
def lab(hvctl):
    """web1 to web4 running."""
    hvctl.like("power", _lab)
    return hvctl


def _lab(hvctl) -> None:
    for number in range(1, 5):
        hvctl.ok("vm", "create", f"web{number}", "--disk", "1G", "--memory", "512M")
    hvctl.ok("vm", "start", "--all")


def settings(hvctl, **values) -> None:
    with World.open(hvctl.world_file) as world, world.transaction():
        for name, value in values.items():
            world.configure(name, value=value)


def guest(hvctl, name: str, **traits) -> None:
    with World.open(hvctl.world_file) as world:
        guests.set_behaviour(world, "hv01", name, **traits)


def test_guests_shut_down_side_by_side(lab):
    """Four guests that take a second each take one second, not four."""
    settings(lab, pace=0.02, guest={"shutdown": 50})
    started = time.monotonic()
    outcomes = lab.json("vm", "stop", "--all")
    assert 0.9 < time.monotonic() - started < 3.5
    assert [(each["outcome"], each["state"]) for each in outcomes] == [("changed", "Off")] * 4


def test_a_guest_that_ignores_it_is_left_running(lab):
    guest(lab, "web2", ignores_shutdown=True)
    ended = lab("vm", "stop", "web1", "web2", "--timeout", "1", "-o", "json")
    assert ended.code == 8
    assert {each["name"]: (each["outcome"], each["state"]) for each in ended.data} == {
        "web1": ("changed", "Off"),
        "web2": ("failed", "Running"),
    }
    assert [each["code"] for each in ended.error["errors"]] == [7]
    assert lab.state("web2") == "Running"


def test_a_guest_that_does_not_answer_keeps_its_power(lab):
    guest(lab, "web2", answers=False)
    ended = lab("vm", "stop", "web2", "-o", "json")
    assert ended.code == 6
    assert lab.state("web2") == "Running"
    assert lab("vm", "stop", "web2", "--turn-off").code == 0


def test_restart_leaves_one_running_that_does_not_go_down(lab):
    guest(lab, "web2", ignores_shutdown=True)
    ended = lab("vm", "restart", "web1", "web2", "--timeout", "1", "-o", "json")
    assert (ended.code, {each["name"]: (each["outcome"], each["state"]) for each in ended.data}) == (
        8,
        {"web1": ("changed", "Running"), "web2": ("failed", "Running")},
    )


def test_a_restart_boots_again(lab):
    before = lab.json("vm", "show", "web1")["uptime"]
    lab.ok("vm", "list")
    lab.ok("vm", "restart", "web1")
    assert lab.json("vm", "show", "web1")["uptime"] < before + 1


def test_outcomes_come_in_the_order_of_the_names(lab):
    assert [each["name"] for each in lab.json("vm", "suspend", "web3", "web1", "web2")] == ["web3", "web1", "web2"]


def test_all_states_at_once(lab):
    lab.ok("vm", "suspend", "web1")
    lab.ok("vm", "save", "web2")
    lab.ok("vm", "stop", "web3", "--turn-off")
    assert {each["name"]: (each["outcome"], each["state"]) for each in lab.json("vm", "start", "--all")} == {
        name: ("unchanged" if name == "web4" else "changed", "Running") for name in ("web1", "web2", "web3", "web4")
    }


@pytest.mark.parametrize("words", [["stop", "--turn-off"], ["save"], ["suspend"], ["restart", "--reset"]], ids=str)
def test_one_call_a_machine_and_one_batch(lab, words):
    shown = lab("vm", words[0], "--all", *words[1:], "--show-powershell")
    assert shown.code == 0
    assert shown.err.count("Get-VM") <= 6
    assert shown.err.count("& {") <= 2


def test_a_change_is_logged_with_host_object_and_outcome(lab):
    lab.ok("vm", "save", "web1", "web2")
    assert [line.split("INFO ")[1] for line in lab.log.splitlines()[-2:]] == [
        "vm save: 'web1' on lab: changed",
        "vm save: 'web2' on lab: changed",
    ]
