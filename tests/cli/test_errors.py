"""Exit codes and what is said on standard error: sentences for people, exactly one object for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.pwsh import require_pwsh
from tests.support.worlds import everything

from hvctl.lab import guests
from hvctl.lab.world import World

pytestmark = pytest.mark.lab

KEYS = ["code", "message", "hint", "host", "object", "cmdlet_error", "errors"]

USAGE = [
    ([], 0),
    (["--help"], 0),
    (["vm"], 2),
    (["vm", "--help"], 0),
    (["vm", "fly"], 2),
    (["fly"], 2),
    (["--fly"], 2),
    (["vm", "list", "--fly"], 2),
    (["vm", "list", "-o", "xml"], 2),
    (["vm", "list", "--timeout"], 2),
    (["vm", "create"], 2),
    (["vm", "create", "a", "b"], 2),
    (["vm", "create", "a", "--memory", "4"], 2),
    (["vm", "create", "a", "--memory", "much"], 2),
    (["vm", "create", "a", "--memory", "33M"], 2),
    (["vm", "create", "a", "--generation", "3"], 2),
    (["vm", "create", "a", "--generation", "two"], 2),
    (["vm", "create", "a", "--processors", "0"], 2),
    (["vm", "create", "a", "--disk", "1G", "--attach", "C:\\a.vhdx"], 2),
    (["vm", "create", "a", "--iso", "a.iso"], 2),
    (["vm", "set", "a"], 2),
    (["vm", "set", "a", "--checkpoint-type", "Never"], 2),
    (["vm", "set", "--notes", "x"], 2),
    (["vm", "stop", "a", "--turn-off", "--save"], 2),
    (["vm", "stop", "a", "--timeout", "never"], 2),
    (["vm", "stop", "a", "--timeout", "0"], 2),
    (["vm", "rename", "a"], 2),
    (["vm", "rename", "a", ""], 2),
    (["vm", "start", ""], 2),
    (["vm", "list", "--dry-run"], 2),
    (["switch", "create", "a", "--type", "magic"], 2),
    (["switch", "create", "a", "--type", "external"], 2),
    (["switch", "create", "a", "--adapter", "Ethernet"], 2),
    (["lab", "reset", "--windows", "2012"], 2),
    (["lab", "reset", "--world", "three-hosts"], 2),
    (["lab", "reset", "--seed", "x"], 2),
    (["completion", "tcsh"], 2),
    (["schema", "nothing"], 3),
    (["vm", "list", "--host", "hv01"], 2),
    (["vm", "list", "--query", "["], 2),
    (["vm", "list", "--columns", "nothing"], 2),
    (["vm", "list", "--columns", ","], 2),
    (["vm", "list", "--sort", "nothing"], 2),
    (["vm", "list", "--state", "flying"], 2),
    (["vm", "show", "--all"], 2),
]


@pytest.mark.parametrize(("words", "code"), USAGE, ids=lambda each: " ".join(each) if isinstance(each, list) else None)
def test_usage_errors_in_words(hvctl, words, code):
    ended = hvctl(*words)
    assert ended.code == code
    if code:
        first, *rest = ended.err.splitlines()
        assert first.startswith("error: ")
        assert ended.out == ""
        assert all(line.startswith(("hint: ", "  ")) for line in rest)
    assert "lab/world" not in str(list(hvctl.home.rglob("*"))) or words[:2] == ["vm", "list"]


@pytest.mark.parametrize("where", ["after", "before", "environment", "short"])
@pytest.mark.parametrize(("words", "code"), [each for each in USAGE if each[1] == 2 and "xml" not in each[0]], ids=str)
def test_usage_errors_as_one_object(hvctl, words, code, where):
    env = {"HVCTL_OUTPUT": "json"} if where == "environment" else None
    given = {
        "after": [*words, "-o", "json"],
        "before": ["--output=json", *words],
        "environment": words,
        "short": ["-ojson", *words],
    }[where]
    ended = hvctl(*given, env=env)
    assert ended.out == ""
    assert list(ended.error) == KEYS
    assert (ended.code, ended.error["code"]) == (code, code)
    assert ended.stderr.isascii()


def test_the_hint_names_the_command_s_help(hvctl):
    assert hvctl("vm", "create").err.splitlines()[-1] == "hint: See: hvctl vm create --help"
    assert hvctl("vm", "fly").err.splitlines()[-1] == "hint: See: hvctl vm --help"
    assert hvctl("fly").err.splitlines()[-1] == "hint: See: hvctl --help"


def test_a_noun_alone_says_what_is_missing(hvctl):
    assert hvctl("vm").err == "error: A command is missing.\nhint: See: hvctl vm --help\n"


def test_no_host_says_how_to_choose_one(hvctl):
    ended = hvctl("vm", "list", env={"HVCTL_HOST": ""})
    assert ended.code == 2
    assert ended.err.startswith("error: No host is named, and this machine has no Hyper-V.\nhint: Name one with --host")
    assert not hvctl.home.exists()


# ---- a code for each way to fail


def exits(hvctl, *words: str, **options) -> tuple[int, str]:
    ended = hvctl(*words, "-o", "json", **options)
    assert list(ended.error) == KEYS
    assert ended.error["code"] == ended.code
    return ended.code, ended.error["message"]


def test_failed(hvctl):
    hvctl.ok("vm", "create", "big", "--disk", "1G", "--memory", "128G")
    code, message = exits(hvctl, "vm", "start", "big")
    assert code == 1
    assert message.startswith("'big' did not start: ")
    told = hvctl("vm", "start", "big")
    assert "Not enough memory" in told.err
    assert "hint: The host has too little free memory" in told.err


def test_not_found(hvctl):
    assert exits(hvctl, "vm", "show", "x") == (3, "No virtual machine 'x' on lab.")
    assert exits(hvctl, "switch", "show", "x") == (3, "No virtual switch 'x' on lab.")


def test_conflict(hvctl):
    hvctl.ok("vm", "create", "a")
    assert exits(hvctl, "vm", "create", "a") == (6, "A virtual machine called 'a' exists already.")
    assert exits(hvctl, "vm", "save", "a") == (6, "'a' is Off: save is not possible.")


def guest(hvctl, name: str, **traits) -> None:
    with World.open(hvctl.world_file) as world:
        guests.set_behaviour(world, "hv01", name, **traits)


def test_timed_out(hvctl):
    hvctl.ok("vm", "create", "a", "--disk", "1G")
    hvctl.ok("vm", "start", "a")
    guest(hvctl, "a", ignores_shutdown=True)
    ended = hvctl("vm", "stop", "a", "--timeout", "1", "-o", "json")
    assert ended.code == 7
    assert ended.error["message"].startswith("'a' was not shut down")
    assert ended.error["message"].endswith("'a' is still Running.")
    assert [(each["outcome"], each["state"]) for each in ended.data] == [("failed", "Running")]
    assert hvctl.state("a") == "Running"


def test_partial(hvctl):
    hvctl.ok("vm", "create", "a", "--disk", "1G")
    hvctl.ok("vm", "create", "b", "--disk", "1G", "--memory", "128G")
    ended = hvctl("vm", "start", "a", "b", "-o", "json")
    assert (ended.code, ended.error["message"]) == (8, "vm start: 1 of 2 failed.")
    assert [each["object"] for each in ended.error["errors"]] == ["b"]
    assert [(each["name"], each["outcome"]) for each in ended.data] == [("a", "changed"), ("b", "failed")]
    told = hvctl("vm", "start", "a", "b")
    assert told.code == 8
    assert [line for line in told.err.splitlines() if line.startswith("  b: 'b' did not start")]


def test_all_failed_alike(hvctl):
    for name in ("a", "b"):
        hvctl.ok("vm", "create", name)
    ended = hvctl("vm", "suspend", "a", "b", "-o", "json")
    assert (ended.code, ended.error["message"]) == (6, "vm suspend: 2 of 2 failed.")
    assert {each["code"] for each in ended.error["errors"]} == {6}


def test_unreachable(hvctl):
    """There is no PowerShell on an empty path."""
    ended = hvctl("vm", "list", "--host", "localhost", "-o", "json", env={"PATH": ""})
    assert ended.code == 5
    assert ended.error["host"] == "localhost"


@pytest.mark.powershell
def test_not_on_this_host(hvctl):
    """A machine without the Hyper-V module."""
    folder = str(Path(require_pwsh()).parent)
    ended = hvctl("vm", "list", "--host", "localhost", "--pwsh", "-o", "json", env={"PATH": folder})
    assert ended.code == 10
    assert "Install the Hyper-V role" in ended.error["hint"]


@pytest.mark.parametrize("debug", ["1", "0"])
def test_a_traceback_only_where_it_is_asked_for(hvctl, debug):
    ended = hvctl("vm", "show", "x", env={"HVCTL_DEBUG": debug})
    assert ended.code == 3
    assert ("Traceback" in ended.err) is (debug == "1")
    assert ended.err.startswith("error: No virtual machine 'x' on lab.")


def test_a_bug_of_ours_is_told_as_one(hvctl, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("hvctl.services.vm.service.VmService.list", broken)
    with pytest.raises(AssertionError, match="failed internally: RuntimeError: boom") as caught:
        hvctl("vm", "list")
    assert "HVCTL_DEBUG=1 shows where" in str(caught.value)
    assert "-> 1" in str(caught.value)


@pytest.mark.parametrize("content", ["default = ", "default = 1", "\x00"])
def test_a_broken_configuration(hvctl, content):
    hvctl.home.mkdir()
    (hvctl.home / "config.toml").write_text(content)
    ended = hvctl("vm", "list", "-o", "json", env={"HVCTL_HOST": ""})
    assert ended.code == 2
    assert "config.toml" in ended.error["message"]
    assert hvctl("vm", "list").code == 0


def test_a_broken_world(hvctl):
    hvctl.world_file.parent.mkdir(parents=True)
    hvctl.world_file.write_bytes(b"this is no database, and it is long enough to be told" * 50)
    ended = hvctl("vm", "list", "-o", "json")
    assert ended.code == 1
    assert str(hvctl.world_file) in ended.error["message"]
    assert "move it away" in ended.error["hint"]


def test_a_file_that_is_no_world_is_not_reset(hvctl):
    hvctl.world_file.parent.mkdir(parents=True)
    content = b"somebody's notes, and long enough to be told from an empty file" * 50
    hvctl.world_file.write_bytes(content)
    assert hvctl("lab", "reset", "--yes").code == 1
    assert hvctl.world_file.read_bytes() == content


def test_control_characters_in_errors_are_shown_not_obeyed(hvctl):
    ended = hvctl("vm", "show", "a\x1b[2J\u202e")
    assert "\x1b" not in ended.err
    assert "\u202e" not in ended.err
    assert "a\\x1b[2J\\u202e" in ended.err


def test_errors_in_a_narrow_encoding(hvctl):
    """What a console cannot show becomes an escape, never a crash."""
    ended = hvctl("vm", "show", "日本", encoding="ascii")
    assert ended.code == 3
    assert ended.err.startswith("error: No virtual machine '\\u65e5\\u672c' on lab.\n")


def test_ndjson_errors_are_json_too(hvctl):
    ended = hvctl("vm", "show", "x", "-o", "ndjson")
    assert json.loads(ended.err)["error"]["code"] == 3


def test_failing_reads_change_nothing(hvctl):
    hvctl.ok("vm", "create", "a")
    before = everything(hvctl.world_file)
    for words in (["vm", "show", "x"], ["switch", "delete", "x", "--yes"], ["vm", "rename", "x", "y"]):
        assert hvctl(*words).code == 3
    assert everything(hvctl.world_file) == before
