"""`vm set` and `vm rename`."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.lab

GIB = 1 << 30


@pytest.fixture
def lab(hvctl):
    """web1 off and web2 running."""
    hvctl.like("change", _lab)
    return hvctl


def _lab(hvctl) -> None:
    for name in ("web1", "web2"):
        hvctl.ok("vm", "create", name, "--disk", "1G")
    hvctl.ok("vm", "start", "web2")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--memory", "2G"], {"memory_startup": 2 * GIB}),
        (["--dynamic-memory"], {"dynamic_memory": True}),
        (
            ["--memory-minimum", "512M", "--memory-maximum", "4G"],
            {"dynamic_memory": True, "memory_minimum": GIB // 2, "memory_maximum": 4 * GIB},
        ),
        (["--processors", "8"], {"processors": 8}),
        (["--notes", "it's\nmine"], {"notes": "it's\nmine"}),
        (["--automatic-start-action", "Start"], {"automatic_start_action": "Start"}),
        (["--automatic-start-delay", "30"], {"automatic_start_delay": 30.0}),
        (["--automatic-stop-action", "ShutDown"], {"automatic_stop_action": "ShutDown"}),
        (["--checkpoint-type", "ProductionOnly"], {"checkpoint_type": "ProductionOnly"}),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_every_setting(lab, words, shown):
    before = lab.json("vm", "show", "web1")
    (done,) = lab.json("vm", "set", "web1", *words)
    assert (done["outcome"], done["state"]) == ("changed", "Off")
    after = lab.json("vm", "show", "web1")
    assert after == before | shown
    (again,) = lab.json("vm", "set", "web1", *words)
    assert again["outcome"] == "unchanged"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--memory", "2G"], "startup memory"),
        (["--processors", "8"], "the number of processors"),
        (["--dynamic-memory"], "dynamic memory on or off"),
        (["--memory-maximum", "4G"], "dynamic memory on or off"),
    ],
    ids=str,
)
def test_what_a_running_machine_cannot_change(lab, no_change, words, reason):
    with no_change():
        refused = lab("vm", "set", "web2", *words, "-o", "json")
    assert refused.code == 6
    assert refused.error["message"] == f"'web2' is Running; {reason} can be changed only while it is off."
    assert refused.error["hint"] == "Shut it down first: hvctl vm stop"


def test_what_a_running_machine_can_change(lab):
    (done,) = lab.json("vm", "set", "web2", "--notes", "x", "--automatic-stop-action", "TurnOff")
    assert (done["outcome"], done["state"]) == ("changed", "Running")


def test_many_at_once(lab):
    ended = lab("vm", "set", "--all", "--processors", "2", "--notes", "x", "-o", "json")
    assert (ended.code, {each["name"]: each["outcome"] for each in ended.data}) == (
        8,
        {"web1": "changed", "web2": "failed"},
    )
    assert lab.json("vm", "show", "web2")["notes"] == ""


def test_nothing_to_change(lab, no_change):
    with no_change():
        refused = lab("vm", "set", "web1", "-o", "json")
    assert (refused.code, refused.error["message"]) == (2, "Nothing to change was given.")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--memory", "2"], "--memory: The size '2' has no unit."),
        (["--checkpoint-type", "never"], "--checkpoint-type: "),
        (["--automatic-start-action", "start"], "--automatic-start-action: "),
        (["--memory", "2G", "--memory-maximum", "1G"], "Memory must satisfy minimum <= startup <= maximum."),
        (["--static-memory", "--memory-maximum", "1G"], "A minimum or maximum needs dynamic memory."),
    ],
    ids=str,
)
def test_words_that_do_not_fit(lab, no_change, words, message):
    with no_change():
        refused = lab("vm", "set", "web1", *words, "-o", "json")
    assert refused.code == 2
    assert refused.error["message"].startswith(message)


def test_sizes_that_contradict_what_it_has(lab, no_change):
    with no_change():
        refused = lab("vm", "set", "web1", "--dynamic-memory", "--memory", "256M", "-o", "json")
    assert refused.code == 6
    assert (
        refused.error["message"] == "'web1': its minimum memory of 512 MiB would exceed its startup memory of 256 MiB."
    )


def test_another_name(lab):
    machine = lab.json("vm", "show", "web2")
    (done,) = lab.json("vm", "rename", "web2", "it's 'x'")
    assert (done["id"], done["name"], done["outcome"], done["state"]) == (
        machine["id"],
        "it's 'x'",
        "changed",
        "Running",
    )
    assert lab.json("vm", "show", machine["id"])["name"] == "it's 'x'"
    (again,) = lab.json("vm", "rename", machine["id"], "it's 'x'")
    assert again["outcome"] == "unchanged"


def test_only_the_case(lab):
    (done,) = lab.json("vm", "rename", "web1", "WEB1")
    assert (done["name"], done["outcome"]) == ("WEB1", "changed")


def test_a_name_that_is_taken(lab, no_change):
    with no_change():
        refused = lab("vm", "rename", "web1", "WEB2", "-o", "json")
    assert (refused.code, refused.error["message"]) == (6, "Another virtual machine on lab is called 'web2'.")


@pytest.mark.parametrize(
    ("words", "code"), [(["x", "y"], 3), (["web*", "y"], 3), (["web1", ""], 2), (["web1", "a\nb"], 2)]
)
def test_names_that_do_not_fit(lab, no_change, words, code):
    with no_change():
        assert lab("vm", "rename", *words).code == code
