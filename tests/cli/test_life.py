"""The main job, from nothing to nothing, with everything that is printed."""

from __future__ import annotations

from textwrap import dedent

import pytest

pytestmark = pytest.mark.lab


def text(expected: str) -> str:
    return dedent(expected).lstrip("\n")


def test_the_whole_life_of_a_machine(hvctl):
    switch = hvctl.ok("switch", "create", "lan", "--type", "internal", "--columns", "name,type,host,vms")
    assert switch.out == text("""
        NAME  lan
        TYPE  Internal
        HOST  lab
        VMS   -
        """)
    made = hvctl.ok(
        *("vm", "create", "web1", "--memory", "4G", "--disk", "60G", "--switch", "lan", "--notes", "web server")
    )
    assert made.err == ""
    shown = made.out
    assert hvctl.ok("vm", "show", "web1").out == shown
    assert shown.startswith(
        text(f"""
        ID                      {shown.split()[1]}
        NAME                    web1
        HOST                    lab
        STATE                   Off
        GENERATION              2
        PROCESSORS              1
        CPU USAGE               0%
        MEMORY ASSIGNED         0 B
        MEMORY DEMAND           0 B
        MEMORY STARTUP          4 GiB
        DYNAMIC MEMORY          no
        UPTIME                  00:00:00
        HEARTBEAT               -
        STATUS                  Operating normally
        VERSION                 12.0
        CREATED                 2025-01-01 00:00:01Z
        NOTES                   web server
        PATH                    C:\\VMs
        MEMORY MINIMUM          512 MiB
        MEMORY MAXIMUM          1 TiB
        AUTOMATIC START ACTION  StartIfRunning
        AUTOMATIC START DELAY   00:00:00
        AUTOMATIC STOP ACTION   Save
        CHECKPOINT TYPE         Production
        AUTOMATIC CHECKPOINTS   no
        CLUSTERED               no
        ADDRESSES               -
        ADAPTERS                Network Adapter: lan 000000000000
        DISKS                   SCSI 0:0 C:\\VMs\\Virtual Hard Disks\\web1.vhdx
        DVDS                    -
        SECURE BOOT             On
        SECURE BOOT TEMPLATE    MicrosoftWindows
        BOOT ORDER              C:\\VMs\\Virtual Hard Disks\\web1.vhdx
        """)
    )

    assert hvctl.ok("vm", "start", "web1").out == text("""
        NAME  HOST  OUTCOME  STATE    ERROR
        web1  lab   changed  Running  -
        """)
    assert hvctl.ok("vm", "list").out == text("""
        NAME  STATE    CPU  MEMORY    UPTIME  GEN  HOST
        web1  Running   0%   4 GiB  00:00:00    2  lab
        """).replace("00:00:00", hvctl.ok("vm", "list").out.split()[12])
    running = hvctl.json("vm", "show", "web1")
    assert running["heartbeat"] == "OkApplicationsHealthy"
    assert running["addresses"]
    assert hvctl.json("switch", "show", "lan")["vms"] == ["web1"]

    assert hvctl.ok("vm", "start", "web1").out == text("""
        NAME  HOST  OUTCOME    STATE    ERROR
        web1  lab   unchanged  Running  -
        """)
    assert hvctl.ok("vm", "stop", "web1").out == text("""
        NAME  HOST  OUTCOME  STATE  ERROR
        web1  lab   changed  Off    -
        """)
    assert hvctl.ok("vm", "rename", "web1", "web-old").out == text("""
        NAME     HOST  OUTCOME  STATE  ERROR
        web-old  lab   changed  Off    -
        """)
    assert hvctl.ok("vm", "set", "web-old", "--processors", "4", "--notes", "").out == text("""
        NAME     HOST  OUTCOME  STATE  ERROR
        web-old  lab   changed  Off    -
        """)
    changed = hvctl.json("vm", "show", "web-old")
    assert (changed["processors"], changed["notes"]) == (4, "")
    assert hvctl.ok("vm", "delete", "web-old", "--with-disks", "--yes").out == text("""
        NAME     HOST  OUTCOME  STATE  ERROR
        web-old  lab   changed  -      -
        """)
    assert hvctl.ok("switch", "delete", "lan", "--yes").out == text("""
        NAME  HOST  OUTCOME  STATE  ERROR
        lan   lab   changed  -      -
        """)
    assert hvctl.ok("vm", "list").out == "NAME  STATE  CPU  MEMORY  UPTIME  GEN  HOST\n"
    assert hvctl.ok("switch", "list").out == "NAME  TYPE  MANAGEMENT OS  ADAPTERS  HOST\n"


STATES = [
    # verb, outcome and state, one after the other on one machine
    (("start",), "changed", "Running"),
    (("resume",), "unchanged", "Running"),
    (("suspend",), "changed", "Paused"),
    (("suspend",), "unchanged", "Paused"),
    (("start",), "changed", "Running"),
    (("suspend",), "changed", "Paused"),
    (("resume",), "changed", "Running"),
    (("save",), "changed", "Saved"),
    (("save",), "unchanged", "Saved"),
    (("stop",), "unchanged", "Saved"),
    (("start",), "changed", "Running"),
    (("stop", "--save"), "changed", "Saved"),
    (("start",), "changed", "Running"),
    (("restart",), "changed", "Running"),
    (("restart", "--reset"), "changed", "Running"),
    (("suspend",), "changed", "Paused"),
    (("save",), "changed", "Saved"),
    (("start",), "changed", "Running"),
    (("stop", "--turn-off"), "changed", "Off"),
    (("stop", "--turn-off"), "unchanged", "Off"),
    (("stop",), "unchanged", "Off"),
]


def test_every_power_verb_in_turn(hvctl):
    machine = hvctl.json("vm", "create", "web1", "--disk", "10G")
    for (verb, *options), outcome, state in STATES:
        (done,) = hvctl.json("vm", verb, "web1", *options)
        assert done == {
            "id": machine["id"],
            "name": "web1",
            "host": "lab",
            "outcome": outcome,
            "state": state,
            "error": None,
        }, verb
        assert hvctl.state("web1") == state


REFUSED = [
    ("Off", ("save",), "'web1' is Off: save is not possible.", "It is off: there is no state to save."),
    ("Off", ("suspend",), "'web1' is Off: suspend is not possible.", "It is not running: hvctl vm start"),
    ("Off", ("resume",), "'web1' is Off: resume is not possible.", "It is not running: hvctl vm start"),
    ("Off", ("restart",), "'web1' is Off: restart is not possible.", "It is not running: hvctl vm start"),
    ("Off", ("restart", "--reset"), "'web1' is Off: restart is not possible.", "It is not running: hvctl vm start"),
    ("Saved", ("suspend",), "'web1' is Saved: suspend is not possible.", "It is not running: hvctl vm start"),
    ("Saved", ("resume",), "'web1' is Saved: resume is not possible.", "It is not running: hvctl vm start"),
    (
        "Paused",
        ("stop",),
        "'web1' is Paused: stop is not possible.",
        "It is paused: hvctl vm resume, or --turn-off to cut its power.",
    ),
    (
        "Paused",
        ("restart",),
        "'web1' is Paused: restart is not possible.",
        "It is paused: hvctl vm resume",
    ),
]
WAYS = {"Off": (), "Saved": ("start", "save"), "Paused": ("start", "suspend")}


@pytest.mark.parametrize(("state", "words", "message", "hint"), REFUSED)
def test_what_a_state_does_not_allow(hvctl, state, words, message, hint):
    hvctl.ok("vm", "create", "web1", "--disk", "10G")
    for verb in WAYS[state]:
        hvctl.ok("vm", verb, "web1")
    verb, *options = words
    refused = hvctl("vm", verb, "web1", *options, "-o", "json")
    assert refused.code == 6
    assert (refused.error["message"], refused.error["hint"], refused.error["object"]) == (message, hint, "web1")
    (outcome,) = refused.data
    assert (outcome["outcome"], outcome["state"]) == ("failed", state)
    assert outcome["error"] == refused.error
    assert hvctl.state("web1") == state
