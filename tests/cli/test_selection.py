"""Names, patterns, states, `-` and addresses on the command line; the same in every verb."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.lab

ODD = ["it's", "Müller 🙂", "[x]*", "a;b", "$(x)", '"q"', "“a”", "web one", "--force", "-", "日本", "a:b", "x`y", "ß"]


@pytest.fixture
def four(hvctl):
    """web1 (running), web2, Db and [x]*, off."""
    hvctl.like("four", _four)
    return hvctl


def _four(hvctl) -> None:
    for name in ("web1", "web2", "Db", "[x]*"):
        hvctl.ok("vm", "create", name, "--disk", "1G")
    hvctl.ok("vm", "start", "web1")


def listed(hvctl, *words: str) -> list[str]:
    return sorted(vm["name"] for vm in hvctl.json("vm", "list", *words))


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([], ["Db", "[x]*", "web1", "web2"]),
        (["web1"], ["web1"]),
        (["WEB1", "db"], ["Db", "web1"]),
        (["web*"], ["web1", "web2"]),
        (["web?", "web1"], ["web1", "web2"]),
        (["*[12b]"], ["Db", "web1", "web2"]),
        (["[x]*"], ["[x]*"]),
        (["`[x`]`*"], ["[x]*"]),
        (["--state", "running"], ["web1"]),
        (["--state", "Off"], ["Db", "[x]*", "web2"]),
        (["--state", "running,off", "w*"], ["web1", "web2"]),
        (["--state", "saved"], []),
        (["web*", "--state", "paused"], []),
        (["lab:web1"], ["web1"]),
        (["LAB:web1", "lab:db"], ["Db", "web1"]),
        ([":web1"], ["web1"]),
    ],
    ids=str,
)
def test_lists(four, words, names):
    assert listed(four, *words) == names


def test_an_id_always_works(four):
    machine = four.json("vm", "show", "web1")
    assert four.json("vm", "show", machine["id"].upper())["name"] == "web1"


@pytest.mark.parametrize(
    "words",
    [["show"], ["list"], ["start"], ["stop"], ["set", "--notes", "x"], ["delete", "--yes"], ["save"], ["restart"]],
    ids=str,
)
@pytest.mark.parametrize("names", [["x"], ["web1", "x"], ["w*", "x*"], ["web1", "x", "y"]], ids=str)
def test_a_name_that_is_missing_touches_nothing(four, no_change, words, names):
    verb, *options = words
    with no_change():
        refused = four("vm", verb, *names, *options, "-o", "json")
    missing = ", ".join(f"'{name}'" for name in names if name[0] in "xy")
    assert refused.code == 3
    assert refused.out == ""
    assert refused.error["message"] == f"No virtual machine {missing} on lab."
    assert refused.error["hint"] == "List them: hvctl vm list"


@pytest.mark.parametrize("verb", ["start", "stop", "save", "suspend", "resume", "restart", "delete"])
def test_a_changing_verb_needs_a_selection(four, no_change, verb):
    with no_change():
        nothing = four("vm", verb, "--yes", "-o", "json")
        both = four("vm", verb, "web1", "--all", "--yes", "-o", "json")
    assert (nothing.code, nothing.error["message"]) == (2, "Nothing was selected.")
    assert nothing.error["hint"] == "Give names, patterns, - for names on stdin, --state or --all."
    assert (both.code, both.error["message"]) == (2, "Names and --all contradict each other.")


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        (["--all"], {"web1": "unchanged", "web2": "changed", "Db": "changed", "[x]*": "changed"}),
        (["--state", "off"], {"web2": "changed", "Db": "changed", "[x]*": "changed"}),
        (["--all", "--state", "off"], {"web2": "changed", "Db": "changed", "[x]*": "changed"}),
        (["web*", "--state", "off"], {"web2": "changed"}),
        (["--state", "paused"], {}),
        (["web*"], {"web1": "unchanged", "web2": "changed"}),
    ],
    ids=str,
)
def test_many_at_once(four, words, changed):
    outcomes = four.json("vm", "start", *words)
    assert {each["name"]: each["outcome"] for each in outcomes} == changed


def test_nothing_to_select_from_is_a_good_answer(hvctl):
    assert hvctl.json("vm", "list") == []
    assert hvctl.json("vm", "start", "--all") == []
    assert hvctl.json("vm", "stop", "--state", "running") == []
    assert hvctl.json("vm", "delete", "--all", "--yes") == []
    assert hvctl.json("switch", "delete", "--all", "--yes") == []


@pytest.mark.parametrize("state", ["flying", "", ",", "running,flying"])
def test_a_state_that_does_not_exist(hvctl, state):
    refused = hvctl("vm", "list", "--state", state, "-o", "json")
    assert refused.code == 2
    assert "is not a state" in refused.error["message"]


def test_an_ambiguous_name_lists_the_ids(hvctl):
    for _ in range(2):
        hvctl.json("vm", "list")
        hvctl.host.new_vm("twin")
    ids = [vm["id"] for vm in hvctl.json("vm", "list")]
    refused = hvctl("vm", "start", "TWIN", "-o", "json")
    assert refused.code == 6
    assert refused.error["message"] == "2 virtual machines on lab are called 'TWIN'."
    assert sorted(refused.error["hint"].removeprefix("Use an id: ").split(", ")) == sorted(ids)
    (done,) = hvctl.json("vm", "start", ids[1])
    assert (done["id"], done["outcome"]) == (ids[1], "changed")
    assert [vm["state"] for vm in hvctl.json("vm", "list") if vm["id"] == ids[0]] == ["Off"]


# ---- standard input


@pytest.mark.parametrize(
    "content",
    [b"web1\nDb\n", b"web1\r\nDb\r\n", b"\xef\xbb\xbfweb1\nDb", b"\n\nweb1\n\nDb\n \n", b"DB\nWEB1\nweb1\n"],
    ids=repr,
)
def test_names_from_stdin(four, content):
    assert sorted(vm["name"] for vm in four.json("vm", "list", "-", stdin=content)) == ["Db", "web1"]


def test_names_from_stdin_are_never_patterns(four):
    assert [vm["name"] for vm in four.json("vm", "show", "-", stdin="[x]*\n")] == ["[x]*"]
    refused = four("vm", "show", "-", "-o", "json", stdin="web*\n")
    assert refused.code == 3


def test_names_from_stdin_stand_beside_others(four):
    assert [vm["name"] for vm in four.json("vm", "list", "Db", "-", stdin="web2\n")] == ["Db", "web2"]


@pytest.mark.parametrize("content", [b"", b"\n\r\n", b"\xef\xbb\xbf", b"  \n"])
@pytest.mark.parametrize("verb", ["list", "show", "start", "delete"])
def test_an_empty_stdin_is_no_selection(four, no_change, verb, content):
    with no_change():
        refused = four("vm", verb, "-", "-o", "json", *(["--yes"] if verb == "delete" else []), stdin=content)
    assert (refused.code, refused.error["message"]) == (2, "stdin named nothing.")


def test_ids_go_from_one_command_to_the_next(four):
    ids = four.ok("vm", "list", "w*", "-o", "name").stdout
    assert len(ids.split()) == 2
    outcomes = four.json("vm", "stop", "-", "--turn-off", stdin=ids)
    assert {each["name"]: each["outcome"] for each in outcomes} == {"web1": "changed", "web2": "unchanged"}


def test_bytes_that_are_no_text(hvctl):
    refused = hvctl("vm", "show", "-", "-o", "json", stdin=b"caf\xe9\n")
    assert refused.code == 3
    assert "caf" in refused.error["message"]


# ---- odd names


@pytest.mark.parametrize("name", ODD)
def test_odd_names_live_a_whole_life(hvctl, name):
    """In every step the name is only a name."""
    hvctl.ok("vm", "create", "other", "--disk", "1G")
    made = hvctl.json("vm", "create", "--disk", "1G", "--notes", name, "--", name)
    assert (made["name"], made["notes"]) == (name, name)
    address = f":{name}"
    assert [vm["id"] for vm in hvctl.json("vm", "list", "--", address)] == [made["id"]]
    assert [vm["id"] for vm in hvctl.json("vm", "show", "-", stdin=name)] == [made["id"]]
    hvctl.ok("vm", "start", "--", address)
    hvctl.ok("vm", "rename", "--", address, f"{name} 2")
    (deleted,) = hvctl.json("vm", "delete", "--turn-off", "--with-disks", "--yes", "--", f":{name} 2")
    assert (deleted["id"], deleted["outcome"]) == (made["id"], "changed")
    assert [vm["name"] for vm in hvctl.json("vm", "list")] == ["other"]
    assert hvctl.state("other") == "Off"


@pytest.mark.parametrize("name", ["", "a\nb", "a\x1eb", "\x7f", "x" * 101])
def test_names_that_hyper_v_would_not_take(hvctl, name):
    refused = hvctl("vm", "create", "-o", "json", "--", name)
    assert refused.code == 2
    assert refused.error["message"].startswith("NAME: ")
    assert not hvctl.world_file.exists()


# ---- addresses


@pytest.fixture
def two_hosts(hvctl):
    hvctl.like("two-hosts", _two_hosts)
    return hvctl


def _two_hosts(hvctl) -> None:
    hvctl.ok("lab", "reset", "--world", "two-hosts")
    hvctl.ok("vm", "create", "web1", "--host", "lab/hv01")
    hvctl.ok("vm", "create", "web2", "--host", "lab/hv02")


def test_an_address_chooses_the_host(two_hosts):
    assert two_hosts.json("vm", "show", "lab/hv02:web2")["host"] == "lab/hv02"
    assert listed(two_hosts, "lab/hv02:*") == ["web2"]
    assert two_hosts("vm", "show", "web2").code == 3
    (done,) = two_hosts.json("vm", "start", "LAB/HV02:web2")
    assert (done["host"], done["outcome"]) == ("lab/hv02", "changed")


def test_an_address_is_on_one_of_the_hosts_of_the_command(two_hosts, no_change):
    with no_change():
        refused = two_hosts("vm", "start", "lab/hv02:web2", "--host", "lab/hv01", "-o", "json")
    assert refused.code == 2
    assert refused.error["message"] == "'lab/hv02:web2' is on lab/hv02, and the command is on lab/hv01."


@pytest.mark.parametrize(
    "words",
    [["lab/hv01:web1", "lab/hv02:web2"], ["web1", "lab/hv02:web2"], ["lab/hv02:web2", "web1"]],
    ids=str,
)
def test_addresses_on_several_hosts(two_hosts, words):
    """A plain name means the chosen host; it does not go where another name leads."""
    done = two_hosts.json("vm", "start", *words)
    assert {(each["name"], each["host"].removeprefix("lab/"), each["outcome"]) for each in done} == {
        ("web1", "hv01" if words[0].startswith("lab/hv01") else "lab", "changed"),
        ("web2", "hv02", "changed"),
    }


def test_a_plain_name_is_not_looked_for_where_an_address_leads(two_hosts, no_change):
    with no_change():
        assert two_hosts("vm", "start", "web2", "lab/hv02:web2").code == 3


def test_an_address_may_repeat_the_host(two_hosts):
    assert two_hosts.json("vm", "show", "lab/hv02:web2", "--host", "lab/hv02")["name"] == "web2"
    (one, other) = two_hosts.json("vm", "list", "lab:web1", "web1", "lab:w*") * 2
    assert one == other


def test_an_empty_name_is_none(hvctl):
    refused = hvctl("vm", "show", "lab:", "-o", "json")
    assert (refused.code, refused.error["message"]) == (2, "A name is empty.")


def test_a_host_that_the_world_does_not_have(hvctl):
    refused = hvctl("vm", "list", "--host", "lab/hv09", "-o", "json")
    assert refused.code == 3
    assert "hv09" in refused.error["message"]


# ---- one or several


def test_show_of_one_literal_name_is_an_object(four):
    assert isinstance(four.json("vm", "show", "web1"), dict)
    for words, stdin in (
        (["w*"], ""),
        (["web1", "Db"], ""),
        (["-"], "web1\n"),
        (["--state", "running"], ""),
        (["web?"], ""),
    ):
        assert isinstance(four.json("vm", "show", *words, stdin=stdin), list), words
    assert isinstance(four.json("vm", "show", "[x]*"), list)


def test_a_list_is_always_an_array(four):
    assert isinstance(four.json("vm", "list", "web1"), list)
    assert isinstance(four.json("switch", "list"), list)
    assert isinstance(four.json("host", "list"), list)


def test_an_address_says_where_something_is_made(hvctl):
    hvctl("lab", "reset", "--world", "two-hosts", "--yes")
    assert hvctl.json("vm", "create", "lab/hv02:db1")["host"] == "lab/hv02"
    assert hvctl.json("switch", "create", "lab/hv02:lan")["host"] == "lab/hv02"
    assert hvctl.json("vm", "create", ":plain")["name"] == "plain"
    assert [vm["name"] for vm in hvctl.json("vm", "list")] == ["plain"]
    assert hvctl("vm", "create", "lab/hv02:x", "--host", "lab/hv01").code == 2
    assert hvctl("vm", "create", ":").code == 2
