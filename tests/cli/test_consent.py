"""What loses data asks on a terminal, and is refused without one before any host is contacted."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.lab


@pytest.fixture
def lab(hvctl):
    """web1 running with a disk, web2 saved, db off, on the switch lan."""
    hvctl.like("consent", _lab)
    return hvctl


def _lab(hvctl) -> None:
    hvctl.ok("switch", "create", "lan")
    for name in ("web1", "web2", "db"):
        hvctl.ok("vm", "create", name, "--disk", "1G", "--switch", "lan")
    hvctl.ok("vm", "start", "web1", "web2")
    hvctl.ok("vm", "save", "web2")


ASKING = [
    (["vm", "delete", "db"], "Deleting virtual machines loses data"),
    (["vm", "delete", "web1", "--turn-off"], "Deleting virtual machines loses data"),
    (["vm", "delete", "--all", "--with-disks"], "Deleting virtual machines loses data"),
    (["vm", "delete", "nobody", "--missing-ok"], "Deleting virtual machines loses data"),
    (["switch", "delete", "lan"], "Deleting switches disconnects what is on them"),
    (
        ["switch", "create", "wan", "--type", "external", "--adapter", "Ethernet"],
        "An external switch can cut the host's network connection",
    ),
]


@pytest.mark.parametrize(("words", "loss"), ASKING, ids=lambda each: " ".join(each) if isinstance(each, list) else None)
def test_without_a_terminal_nothing_is_asked_and_nobody_contacted(hvctl, words, loss):
    refused = hvctl(*words, "-o", "json")
    assert refused.code == 2
    assert refused.error["message"] == f"{loss}, and there is no terminal to ask on."
    assert refused.error["hint"] == "Add --yes to consent."
    assert refused.out == ""
    assert not hvctl.home.exists()


@pytest.mark.parametrize(
    ("words", "question"),
    [
        (["vm", "delete", "db"], "Delete 'db' on lab? [y/N]: "),
        (["vm", "delete", "web2"], "Delete 'web2' (its saved state is lost) on lab? [y/N]: "),
        (
            ["vm", "delete", "web1", "--turn-off"],
            "Delete 'web1' (Running; its power is cut) on lab? [y/N]: ",
        ),
        (
            ["vm", "delete", "db", "--with-disks"],
            "Delete 'db' with C:\\VMs\\Virtual Hard Disks\\db.vhdx on lab? [y/N]: ",
        ),
        (
            ["vm", "delete", "db", "web2"],
            "Delete 'db', 'web2' (its saved state is lost) on lab? [y/N]: ",
        ),
        (["switch", "delete", "lan"], "Delete 'lan' (used by db, web1, web2) on lab? [y/N]: "),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else None,
)
@pytest.mark.parametrize("answer", ["n\n", "\n", "no\n", "maybe\n"])
def test_a_no_changes_nothing(lab, no_change, words, question, answer):
    with no_change():
        refused = lab(*words, terminal=True, stdin=answer)
    assert refused.code == 1
    assert refused.out == ""
    assert refused.err == f"{question}error: Nothing was changed: the answer was no.\n"


@pytest.mark.parametrize("answer", ["y\n", "Y\n", "yes\n", "y"])
def test_a_yes_does_it(lab, answer):
    done = lab("vm", "delete", "db", "-o", "csv", terminal=True, stdin=answer)
    assert done.code == 0
    assert done.err == "Delete 'db' on lab? [y/N]: "
    assert done.out.splitlines()[0] == "id,name,host,outcome,state,error"
    assert [vm["name"] for vm in lab.json("vm", "list")] == ["web1", "web2"]


def test_no_answer_at_all_is_an_interrupt(lab, no_change):
    with no_change():
        ended = lab("vm", "delete", "db", terminal=True, stdin="")
    assert ended.code == 130
    assert "Interrupted." in ended.err


@pytest.mark.parametrize("yes", ["--yes", "-y"])
@pytest.mark.parametrize("terminal", [True, False])
def test_consent_beforehand(lab, yes, terminal):
    done = lab("vm", "delete", "db", yes, terminal=terminal)
    assert (done.code, done.err) == (0, "")


def test_consent_stands_before_the_noun_too(lab):
    assert lab("--yes", "vm", "delete", "db").code == 0


def test_no_environment_variable_consents(hvctl):
    assert hvctl("vm", "delete", "db", env={"HVCTL_YES": "1"}).code == 2


def test_where_nothing_is_lost_nothing_is_asked(lab):
    done = lab("vm", "delete", "nobody", "--missing-ok", terminal=True)
    assert (done.code, done.err) == (0, "")
    refused = lab("vm", "delete", "web1", terminal=True)
    assert refused.code == 6
    assert "[y/N]" not in refused.err


def test_an_option_that_names_the_loss_is_consent(lab):
    assert lab("vm", "stop", "web1", "--turn-off").code == 0
    lab.ok("vm", "start", "web1")
    assert lab("vm", "restart", "web1", "--reset").code == 0


def test_control_characters_in_a_question_are_shown_not_obeyed(hvctl):
    hvctl.ok("vm", "list")
    hvctl.host.new_vm("a\x1b[2Jb")
    asked = hvctl("vm", "delete", "--all", terminal=True, stdin="n\n")
    assert "\x1b" not in asked.err
    assert "'a\\x1b[2Jb'" in asked.err


def test_an_external_switch_is_asked_for(hvctl, no_change):
    words = ("switch", "create", "wan", "--type", "external", "--adapter", "Ethernet")
    question = "Take 'Ethernet' for the switch 'wan'? The host's connection over it breaks off. [y/N]: "
    hvctl.ok("vm", "list")
    with no_change():
        refused = hvctl(*words, terminal=True, stdin="n\n")
    assert (refused.code, refused.err.splitlines()[0]) == (
        1,
        question + "error: Nothing was changed: the answer was no.",
    )
    assert hvctl(*words, terminal=True, stdin="y\n").code == 0
    assert hvctl.json("switch", "show", "wan")["adapters"] == ["Intel(R) Ethernet Controller X550"]


def test_the_lab_s_own_loss_is_asked_for_where_there_is_one(hvctl):
    assert hvctl("lab", "reset").code == 0
    hvctl.ok("vm", "create", "db")
    refused = hvctl("lab", "reset")
    assert refused.code == 2
    assert "Add --yes to consent." in refused.err
    asked = hvctl("lab", "reset", terminal=True, stdin="n\n")
    assert (asked.code, asked.err.splitlines()[0]) == (
        1,
        "Lose 1 virtual machine and 0 switches of the lab? [y/N]: error: Nothing was changed: the answer was no.",
    )
    assert [vm["name"] for vm in hvctl.json("vm", "list")] == ["db"]
    assert hvctl("lab", "reset", "--yes").code == 0
    assert hvctl.json("vm", "list") == []
