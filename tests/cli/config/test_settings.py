"""`hvctl config default` and `config show`."""

from __future__ import annotations

from typing import Any

import pytest

from hvctl.config import default_host

pytestmark = pytest.mark.lab

NOWHERE = {"HVCTL_HOST": ""}


def origins(hvctl, *words: str, env: dict[str, str] | None = None) -> dict[str, tuple[Any, str]]:
    rows = hvctl.json(*words, "config", "show", "--origin", env=env)
    return {row["name"]: (row["value"], row["origin"]) for row in rows}


@pytest.mark.parametrize(("name", "kept"), [("HV01", "hv01"), ("LAB", "lab"), ("lab/HV02", "lab/hv02")])
def test_a_default(hvctl, name, kept):
    hvctl.ok("config", "host", "add", "hv01")
    assert hvctl.json("config", "default", name) == {"name": "default", "value": kept}
    assert hvctl.json("config", "default") == {"name": "default", "value": kept}
    assert default_host() == kept
    assert hvctl.json("config", "default", "--none") == {"name": "default", "value": None}
    assert default_host() is None


@pytest.mark.parametrize(("words", "code"), [(["hv09"], 3), (["lab", "--none"], 2)], ids=str)
def test_no_default(hvctl, words, code):
    assert hvctl("config", "default", *words).code == code
    assert default_host() is None


def test_a_group_is_the_default(hvctl):
    hvctl.ok("config", "group", "add", "Prod", "lab/hv01")
    assert hvctl.json("config", "default", "@prod")["value"] == "@Prod"
    assert [vm["host"] for vm in hvctl.json("host", "list", env={"HVCTL_HOST": ""})] == ["lab/hv01"]
    assert hvctl.json("config", "default")["value"] == "@Prod"
    for name in ("@nobody", "@*", "@"):
        refused = hvctl("config", "default", name, "-o", "json")
        assert (refused.code, refused.error["message"]) == (3, f"The configuration has no group '{name[1:]}'.")


def test_a_group_that_goes_is_no_default_any_more(hvctl):
    hvctl.ok("config", "group", "add", "prod", "lab")
    hvctl.ok("config", "default", "@prod")
    (outcome,) = hvctl.json("config", "group", "remove", "prod")
    assert (outcome["outcome"], outcome["also"]) == ("changed", ["default"])
    assert hvctl.json("config", "default")["value"] is None


def test_the_default_is_used(hvctl):
    hvctl.ok("config", "default", "lab")
    assert hvctl.ok("vm", "list", env=NOWHERE).code == 0


def test_what_holds_where_nothing_is_said(hvctl):
    found = origins(hvctl, env=NOWHERE)
    assert found["host"] == (None, "default")
    assert found["timeout"] == ("10m", "default")
    assert found["color"] == ("auto", "default")
    assert found["home"] == (str(hvctl.home), "HVCTL_HOME")
    assert found["config_file"] == (str(hvctl.home / "config.toml"), "HVCTL_HOME")
    assert found["output"] == ("json", "--output")


CONFIGURED = """\
default = "hv01"

[hosts.hv01]
address = "10.0.0.1"
user = "filed"
verify = false
"""


def test_a_file_s_values_have_their_lines(hvctl):
    hvctl.home.mkdir()
    path = hvctl.home / "config.toml"
    path.write_text(CONFIGURED)
    found = origins(hvctl, env=NOWHERE)
    assert found["host"] == ("hv01", f"{path}:1")
    assert found["address"] == ("10.0.0.1", f"{path}:4")
    assert found["user"] == ("filed", f"{path}:5")
    assert found["verify"] == ("false", f"{path}:6")
    assert found["ca_file"] == (None, "default")
    assert found["password"] == (None, "prompt")


def test_what_beats_what(hvctl):
    hvctl.home.mkdir()
    (hvctl.home / "config.toml").write_text(CONFIGURED)
    environment = {"HVCTL_HOST": "HV01", "HVCTL_USER": "surrounded", "HVCTL_TIMEOUT": "5m", "NO_COLOR": "1"}
    found = origins(hvctl, env=environment)
    assert found["host"] == ("HV01", "HVCTL_HOST")
    assert found["user"] == ("surrounded", "HVCTL_USER")
    assert found["timeout"] == ("5m", "HVCTL_TIMEOUT")
    assert found["color"] == ("never", "NO_COLOR")
    found = origins(hvctl, "--host", "lab", "--timeout", "1m", "--color", "always", env=environment)
    assert found["host"] == ("lab", "--host")
    assert found["timeout"] == ("1m", "--timeout")
    assert found["color"] == ("always", "--color")
    assert "address" not in found


def test_a_password_is_only_said_to_be_there(hvctl):
    hvctl.home.mkdir()
    (hvctl.home / "config.toml").write_text(CONFIGURED + "keyring = true\n")
    assert origins(hvctl, env=NOWHERE)["password"] == ("(hidden)", "key store")
    assert origins(hvctl, env=NOWHERE | {"HVCTL_PASSWORD": "x1y2"})["password"] == ("(hidden)", "HVCTL_PASSWORD")
    both = NOWHERE | {"HVCTL_PASSWORD": "x1y2", "HVCTL_PASSWORD_HV01": "x3y4"}
    shown = hvctl.ok("config", "show", "--origin", env=both)
    assert "HVCTL_PASSWORD_HV01" in shown.out
    assert "x1y2" not in shown.out
    assert "x3y4" not in shown.out


def test_without_origins(hvctl):
    assert hvctl.json("config", "show")[0] == {"name": "host", "value": "lab"}


def test_a_host_that_is_not_configured(hvctl):
    found = origins(hvctl, "--host", "hv09.example.com")
    assert found["host"] == ("hv09.example.com", "--host")
    assert found["address"] == ("hv09.example.com", "default")


def test_variables_that_are_none(hvctl):
    """What no command reads is not said to hold."""
    hvctl.home.mkdir()
    (hvctl.home / "config.toml").write_text(CONFIGURED)
    found = origins(hvctl, env=NOWHERE | {"HVCTL_ADDRESS": "x", "HVCTL_VERIFY": "true", "HVCTL_PARALLEL": "7"})
    assert (found["address"][0], found["verify"][0], found["parallel"]) == ("10.0.0.1", "false", ("32", "default"))
    given = origins(hvctl, "--insecure", "--parallel", "7", "--user", "me", env=NOWHERE)
    assert given["verify"] == ("false", "--insecure")
    assert given["parallel"] == ("7", "--parallel")
    assert given["user"] == ("me", "--user")


@pytest.mark.parametrize(
    "words", [["--host", "hv01,hv02"], ["--host", "hv01", "--host", "hv02"], ["--all-hosts"]], ids=str
)
def test_several_hosts_have_no_login_in_common(hvctl, words):
    for name in ("hv01", "hv02"):
        hvctl.ok("config", "host", "add", name)
    found = origins(hvctl, *words)
    assert found["host"] == ("hv01,hv02", words[0])
    assert "user" not in found
