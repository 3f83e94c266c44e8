"""Passwords of many hosts: asked for once, before the work begins; where there is none, that host alone fails."""

from __future__ import annotations

import json
import threading

import pytest

from hvctl.cli.report import report
from hvctl.errors import AccessError
from hvctl.hosts import lab_file
from hvctl.lab.endpoint.server import Settings, open_endpoint
from hvctl.services.plan import summed

pytestmark = pytest.mark.winrm

PASSWORD = 'Fl33t "pass'
ELSEWHERE = {"HVCTL_HOST": ""}


@pytest.fixture
def fleet(hvctl, tmp_path):
    """Two hosts of the lab behind WinRM, in a group, with a machine each."""
    hvctl.ok("lab", "reset", "--world", "two-hosts", "--yes")
    for host in ("hv01", "hv02"):
        hvctl.ok("vm", "create", f"on-{host}", "--host", f"lab/{host}")
    settings = Settings("admin", PASSWORD, auth="ntlm", ca_file=tmp_path / "ca.pem")
    with open_endpoint(lab_file(), settings) as endpoint:
        for host in endpoint.describe():
            hvctl.ok("config", "host", "add", host["name"], "--address", host["url"], "--user", "admin")
        hvctl.ok("config", "group", "add", "both", "hv01", "hv02")
        yield hvctl


@pytest.fixture
def prompt(monkeypatch):
    """Somebody who answers; what was asked, and by which thread."""
    asked: list[tuple[str, bool]] = []

    def getpass(question: str) -> str:
        asked.append((question, threading.current_thread() is threading.main_thread()))
        return PASSWORD

    monkeypatch.setattr("getpass.getpass", getpass)
    return asked


def test_one_question_before_the_work(fleet, prompt):
    done = fleet("vm", "list", "--host", "@both", "-o", "json", terminal=True, env=ELSEWHERE)
    assert done.code == 0, done
    assert [each["name"] for each in done.data] == ["on-hv01", "on-hv02"]
    assert prompt == [("Password of admin on hv01, hv02: ", True)]


@pytest.mark.parametrize(
    "words",
    [["vm", "start", "--all"], ["host", "check"], ["host", "list"], ["checkpoint", "create", "--all"]],
    ids=" ".join,
)
def test_every_command_asks_at_most_once(fleet, prompt, words):
    done = fleet(*words, "--host", "@both", "-o", "json", terminal=True, env=ELSEWHERE)
    assert done.code == 0, done
    assert prompt == [("Password of admin on hv01, hv02: ", True)]


def test_nobody_to_ask_is_a_failure_of_the_host_that_has_no_password(fleet):
    done = fleet("vm", "list", "--host", "@both", "-o", "json", env=ELSEWHERE | {"HVCTL_PASSWORD_HV02": PASSWORD})
    assert done.code == 8
    assert [each["host"] for each in json.loads(done.out)] == ["hv02"]
    (part,) = done.error["errors"]
    assert (part["host"], part["message"]) == ("hv01", "There is no password for admin on hv01.")
    assert PASSWORD not in done.out + done.err


def test_a_password_on_stdin_is_for_all(fleet, prompt):
    words = ["vm", "list", "--host", "@both", "--password-stdin", "-o", "json"]
    done = fleet(*words, stdin=f"{PASSWORD}\n", env=ELSEWHERE)
    assert (done.code, len(done.data), prompt) == (0, 2, [])


def test_what_runs_on_which_host_is_said(fleet):
    words = ["vm", "list", "--host", "@both", "--show-powershell"]
    done = fleet(*words, env=ELSEWHERE | {"HVCTL_PASSWORD": PASSWORD})
    assert "# On hv01:\n" in done.err
    assert "# On hv02:\n" in done.err


def test_many_without_a_password_are_not_as_many_hints(capsys):
    """Each host's failure is told, and what to do about it by a few examples; not what helps where rights lack."""
    parts = [AccessError("There is no password.", hint=f"Give it to hv{n}.", host=f"hv{n}") for n in range(10, 20)]
    error = summed("vm list", parts, good=0)
    assert error is not None
    assert report(error, []) == 4
    told = capsys.readouterr().err.splitlines()
    assert sum(line.endswith(": There is no password.") for line in told) == 10
    hints = [line.removeprefix("hint: ") for line in told if line.startswith("hint: ")]
    assert hints == [f"Give it to hv{n}." for n in range(10, 15)] + ["5 more are in the error that -o json writes."]
