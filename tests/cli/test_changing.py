"""What a changing verb leaves in the log and says when its batch does not come to its end."""

from __future__ import annotations

import pytest
from tests.support.scripted import ScriptedTransport, done, record

from hvctl import hosts
from hvctl.powershell.cmdlets import CMDLETS

pytestmark = pytest.mark.unit

IDS = {name: f"00000000-0000-0000-0000-00000000000{number}" for number, name in enumerate("abc")}


def lines(hvctl) -> list[str]:
    return [line.split("INFO ")[1] for line in hvctl.log.splitlines()]


class Interrupting(ScriptedTransport):
    """Does to a batch that changes what `fault` says: `interrupt` it, or `lost-after` it was sent."""

    def __init__(self, fault: str, afterwards: dict[str, str]) -> None:
        super().__init__(self.say, kind="lab")
        self.host = "lab"
        self.fault = fault
        self.before = dict.fromkeys(IDS, "Running")
        self.afterwards = afterwards

    def say(self, steps):
        if any(CMDLETS[step["cmdlet"]].effect != "read" for step in steps):
            self.before = self.afterwards
            if self.fault == "interrupt":
                self.on_receive = ["interrupt"]
            return [done(ok=False)]
        states = [{"Id": IDS[name], "Name": name, "State": state} for name, state in self.before.items()]
        return [
            record(step["id"], **{key: each.get(key) for key in step["select"]})
            for step in steps
            if step["cmdlet"] == "Get-VM" and step["select"]
            for each in states
        ]

    def send(self, data: bytes) -> None:
        if self.fault == "lost-after" and b"Stop-VM" in data:
            self.on_send = ["lost-after"]
        super().send(data)


def on(monkeypatch, transport):
    monkeypatch.setattr(hosts, "open_transport", lambda *_, **__: transport)


def test_an_interrupt_tells_what_was_done_by_then(hvctl, monkeypatch):
    on(monkeypatch, Interrupting("interrupt", {"a": "Off", "b": "Running", "c": "Running"}))
    ended = hvctl("vm", "stop", "a", "b", "c", "--turn-off")
    assert (ended.code, ended.out) == (130, "")
    assert "Done: 'a'." in ended.err
    assert lines(hvctl) == [
        "vm stop: 'a' on lab: changed",
        "vm stop: 'b' on lab: cancelled",
        "vm stop: 'c' on lab: cancelled",
    ]


def test_a_lost_answer_is_logged_as_unknown(hvctl, monkeypatch):
    on(monkeypatch, Interrupting("lost-after", {"a": "Off", "b": "Running", "c": "Running"}))
    ended = hvctl("vm", "stop", "a", "b", "--turn-off", "-o", "json")
    assert (ended.code, ended.error["message"].split(":")[0]) == (1, "Outcome unknown")
    assert lines(hvctl) == ["vm stop: 'a' on lab: unknown", "vm stop: 'b' on lab: unknown"]


def test_a_machine_that_was_not_created_is_logged(hvctl):
    refused = hvctl("vm", "create", "x", "--iso", "C:\\missing.iso")
    assert refused.code != 0
    assert lines(hvctl) == ["vm create: 'x' on lab: failed"]


def test_a_switch_that_was_not_created_is_logged(hvctl):
    refused = hvctl("switch", "create", "x", "--type", "external", "--adapter", "none", "--yes")
    assert refused.code != 0
    assert lines(hvctl) == ["switch create: 'x' on lab: failed"]
