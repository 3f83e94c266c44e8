"""Options before the noun, in the commands that have them and in those that lack them."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.lab


@pytest.mark.parametrize(
    ("before", "words", "option"),
    [
        (["--dry-run"], ["lab", "reset", "--yes"], "--dry-run"),
        (["--dry-run"], ["lab", "use"], "--dry-run"),
        (["--dry-run"], ["vm", "list"], "--dry-run"),
        (["-y"], ["vm", "list"], "--yes"),
        (["--host", "lab/hv02"], ["lab", "reset", "--yes"], "--host"),
        (["--log-file", "x"], ["lab", "show"], "--log-file"),
        (["-q"], ["lab", "coverage"], "--quiet"),
        (["-o", "json"], ["lab", "use"], "--output"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else value,
)
def test_an_option_that_the_command_lacks_is_refused(hvctl, before, words, option):
    hvctl.ok("vm", "create", "web1")
    refused = hvctl(*before, *words, env={"HVCTL_OUTPUT": "json"})
    command = f"hvctl {' '.join(words[:2])}"
    assert (refused.code, refused.out) == (2, "")
    assert refused.error["message"] == f"`{command}` has no option {option}."
    assert refused.error["hint"] == f"See: {command} --help"
    assert [vm["name"] for vm in hvctl.json("vm", "list")] == ["web1"]
    assert not (hvctl.home / "config.toml").exists()


def test_an_option_that_the_command_has_holds(hvctl):
    hvctl.ok("vm", "create", "web1")
    hvctl.ok("--dry-run", "vm", "delete", "web1")
    assert hvctl.ok("-q", "--output", "json", "vm", "list").data[0]["name"] == "web1"


@pytest.mark.parametrize(
    "words", [["-qo", "json"], ["-qojson"], ["-yqo", "json"], ["-ojson"], ["-o", "ndjson"]], ids=str
)
def test_an_error_is_json_where_a_cluster_of_flags_says_so(hvctl, words):
    assert hvctl("vm", "start", "nobody", *words).error["message"].startswith("No virtual machine 'nobody'")


@pytest.mark.parametrize("words", [["-qo", "table"], ["-qotable"], ["-q"]], ids=str)
def test_an_error_is_sentences_elsewhere(hvctl, words):
    assert hvctl("vm", "start", "nobody", *words).err.startswith("error: No virtual machine 'nobody'")


@pytest.mark.parametrize(
    "wrong",
    [
        ["--columns", "nope"],
        ["--sort", "nope"],
        ["-o", "name"],
        ["--seed", "9" * 23],
        ["--seed", "2147483648"],
        ["--seed", "-1"],
    ],
    ids=lambda wrong: wrong[1],
)
def test_a_reset_that_is_refused_loses_nothing(hvctl, wrong):
    hvctl.ok("vm", "create", "web1")
    assert hvctl("lab", "reset", "--yes", *wrong).code == 2
    assert [vm["name"] for vm in hvctl.json("vm", "list")] == ["web1"]


def test_the_largest_seed(hvctl):
    assert hvctl.json("lab", "reset", "--seed", "2147483647")["seed"] == 2147483647


@pytest.mark.parametrize("verb", ["list", "show"])
def test_a_host_that_the_lab_lacks(hvctl, verb):
    """A list has a row for it all the same."""
    hvctl.ok("lab", "reset")
    refused = hvctl("host", verb, "--host", "lab/hv09")
    assert (refused.code, "lab/hv09  failed" in refused.out) == (3, verb == "list")
    assert refused.err.startswith("error: The lab has no host 'hv09'; it has hv01.")
