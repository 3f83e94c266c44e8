"""Faults on demand: rules as data, and what the operations do when one is due."""

from __future__ import annotations

import json
import multiprocessing
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.wsman import Remote, client
from winrm.exceptions import WinRMOperationTimeoutError, WSManFaultError

from hvctl.errors import NotFoundError, UsageError
from hvctl.lab import seeds
from hvctl.lab.endpoint import faults
from hvctl.lab.endpoint.faults import KINDS, POINTS, Fault, Faults
from hvctl.lab.entities import Vm
from hvctl.lab.world import World
from hvctl.powershell.batch import Batch, Call, Step
from hvctl.powershell.bootstrap import engine_hash, engine_line
from hvctl.powershell.protocol import ClientProtocol

pytestmark = pytest.mark.lab


@pytest.fixture
def world(world_file: Path) -> Path:
    seeds.reset(world_file, world="two-hosts")
    return world_file


def add(path: Path, kind: str, **options: object) -> faults.Rule:
    return faults.add(path, faults.rule(kind, **options))  # type: ignore[arg-type] # as the command does


# ---- rules


def test_without_rules_nothing_is_due(world):
    taker = Faults(world)
    assert [taker.take("hv01", point) for point in POINTS] == [None] * len(POINTS)
    taker.close()


def test_a_rule_strikes_once_and_is_gone(world):
    add(world, "busy")
    taker = Faults(world)
    assert taker.take("hv01", "operation", "Send") == Fault("busy")
    assert taker.take("hv01", "operation", "Send") is None
    assert faults.rules(world) == []
    taker.close()


def test_a_rule_strikes_its_point_its_action_and_its_host_only(world):
    add(world, "drop-reply", action="receive", host="HV02")
    taker = Faults(world)
    assert taker.take("hv02", "operation", "Receive") is None
    assert taker.take("hv02", "reply", "Send") is None
    assert taker.take("hv01", "reply", "Receive") is None
    assert taker.take("hv02", "reply", "Receive") == Fault("drop-reply")
    taker.close()


def test_a_rule_lets_pass_so_many_and_strikes_so_often(world):
    add(world, "stale", after=2, times=2)
    taker = Faults(world)
    assert [taker.take("hv01", "request", "Get") is not None for _ in range(6)] == [
        False,
        False,
        True,
        True,
        False,
        False,
    ]
    taker.close()


def test_of_two_rules_the_older_one_is_first(world):
    add(world, "busy")
    add(world, "quota-operations", action="Send")
    taker = Faults(world)
    assert [taker.take("hv01", "operation", "Send").kind for _ in range(2)] == ["busy", "quota-operations"]
    taker.close()


def test_rules_added_while_the_endpoint_runs_count(world):
    taker = Faults(world)
    assert taker.take("hv01", "connect") is None
    add(world, "refuse")
    assert taker.take("hv01", "connect") == Fault("refuse")
    taker.close()


def test_a_reset_of_the_lab_drops_the_rules(world):
    taker = Faults(world)
    add(world, "refuse")
    seeds.reset(world)
    assert taker.take("hv01", "connect") is None
    taker.close()


def test_a_world_whose_file_was_replaced_is_opened_again(world):
    taker = Faults(world)
    assert taker.take("hv01", "connect") is None
    with closing(sqlite3.connect(world)) as database:
        database.execute("DROP TABLE setting")
    with pytest.raises(Exception, match="setting"):
        taker.take("hv01", "connect")
    seeds.reset(world)
    add(world, "refuse")
    assert taker.take("hv01", "connect") == Fault("refuse")
    taker.close()


def _take_all(path: str, found: multiprocessing.Queue) -> None:
    taker = Faults(Path(path))
    found.put(sum(taker.take("hv01", "operation", "Send") is not None for _ in range(40)))
    taker.close()


def test_processes_take_each_fault_once(world):
    add(world, "busy", times=50)
    spawn = multiprocessing.get_context("spawn")
    found = spawn.Queue()
    others = [spawn.Process(target=_take_all, args=(str(world), found)) for _ in range(2)]
    for other in others:
        other.start()
    assert sum(found.get(timeout=60) for _ in others) == 50
    for other in others:
        other.join()


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("bla", {}, "no fault 'bla'"),
        ("busy", {"times": 0}, "--times is 0"),
        ("busy", {"after": -1}, "--after is -1"),
        ("slow", {"seconds": -1}, "--seconds is -1"),
        ("slow", {"seconds": float("inf")}, "--seconds is inf"),
        ("busy", {"seconds": 1}, "takes no time"),
        ("refuse", {"action": "Send"}, "cannot strike a Send"),
        ("split", {"action": "Send"}, "cannot strike a Send"),
        ("busy", {"action": "Wave"}, "cannot strike a Wave"),
    ],
)
def test_rules_that_make_no_sense(kind, options, said):
    with pytest.raises(UsageError, match=re.escape(said)):
        faults.rule(kind, **options)


def test_a_host_that_is_not_there(world):
    with pytest.raises(NotFoundError, match="no host 'hv09'"):
        add(world, "busy", host="hv09")
    assert faults.rules(world) == []


def test_rules_are_numbered_listed_and_cleared(world):
    written = [add(world, "slow", seconds=5), add(world, "split"), add(world, "slow")]
    assert [(rule.id, rule.kind, rule.action, rule.times, rule.seconds) for rule in written] == [
        (1, "slow", "Receive", 1, 5),
        (2, "split", None, 20, 0),
        (3, "slow", "Receive", 1, 2),
    ]
    assert faults.rules(world) == written
    assert faults.clear(world) == written
    assert faults.rules(world) == []


def test_every_kind_takes_the_action_that_it_strikes_by_itself():
    for name, kind in KINDS.items():
        assert kind.action is None or kind.action in kind.actions, name
        assert kind.meaning.endswith("."), name


# ---- what the operations do


@pytest.fixture
def remote(world, serve):
    """A client's engine that has said hello; the next operation is its third Send."""
    begun = Remote(client(serve(), timeout=1))
    begun.send(engine_line("n1"))
    begun.until(b"hello")
    return begun


def create_vm(name: str = "web1") -> bytes:
    steps = Batch([Step("vm", Call("New-VM", {"Name": name, "Generation": 2, "NoVHD": True}), select=("Name",))])
    return ClientProtocol("n1", engine_hash()).run("r1", steps, deadline=60)


def vms(path: Path) -> list[str]:
    with World.open(path) as world:
        return [vm.name for vm in world.find(Vm)]


def code_of(call, *args) -> int:
    with pytest.raises(WSManFaultError) as caught:
        call(*args)
    return caught.value.wsman_fault_code or caught.value.wmierror_code


def state_of(remote: Remote) -> str:
    remote.send(b'\n{"type":"status","id":"r1"}\n')
    return json.loads(remote.until(b'"state"').rpartition(b"\x1e")[2])["state"]


@pytest.mark.parametrize(
    ("kind", "code"), [("busy", 170), ("quota-operations", 2150859174), ("quota-requests", 2150859175)]
)
def test_a_refused_send_is_not_delivered_and_the_next_one_is(world, remote, kind, code):
    add(world, kind, action="Send")
    assert code_of(remote.send, create_vm()) == code
    assert state_of(remote) == "unknown"
    remote.send(create_vm())
    remote.until(b'"done"')
    assert vms(world) == ["web1"]


@pytest.mark.parametrize(("kind", "code"), [("quota-shells", 2150859173), ("quota-users", 2150859179)])
def test_a_shell_may_be_refused(world, service, kind, code):
    add(world, kind)
    protocol = client(service)
    assert code_of(protocol.open_shell) == code
    assert len(service.shells) == 0
    protocol.open_shell()


def test_a_time_out_of_a_send_that_was_not_delivered(world, remote):
    add(world, "timeout-undelivered")
    with pytest.raises(WinRMOperationTimeoutError):
        remote.send(create_vm())
    assert state_of(remote) == "unknown"
    assert vms(world) == []


def test_a_time_out_of_a_send_that_was_delivered(world, remote):
    add(world, "timeout-delivered")
    with pytest.raises(WinRMOperationTimeoutError):
        remote.send(create_vm())
    remote.until(b'"done"')
    assert vms(world) == ["web1"]


def test_a_shell_lost_before_a_send(world, remote):
    add(world, "shell-lost-before")
    assert code_of(remote.send, create_vm()) == 2150858843
    assert code_of(remote.receive) == 2150858843
    assert vms(world) == []


def test_a_shell_lost_after_a_send(world, remote):
    add(world, "shell-lost-after")
    remote.send(create_vm())
    assert code_of(remote.receive) == 2150858843
    assert vms(world) == ["web1"]


def test_pieces_are_split_within_lines_and_characters(world, remote):
    add(world, "noise")
    add(world, "split", times=1000)
    remote.send(b'\n{"type":"ping","id":"p"}\n')
    pieces = []
    while not all(text in b"".join(pieces) for text in (b'"pong"', "Größe 10 µm, 日本語".encode())):
        pieces.append(remote.receive()[0])
    assert any(piece and piece[-1] >= 0xC0 for piece in pieces)
    assert len(pieces) > 20


def test_noise_is_on_both_streams_and_hurts_no_frame(world, remote):
    remote.send(create_vm())
    add(world, "noise", times=3)
    reader = ClientProtocol("n1", engine_hash())
    frames, stderr = [], b""
    while not any(frame.type == "done" for frame in frames):
        try:
            stdout, said, _code, _done = remote.receive()
        except WinRMOperationTimeoutError:
            continue
        frames += reader.feed(stdout)
        stderr += said
    assert [frame.type for frame in frames if frame.id == "r1"] == ["record", "done"]
    assert any("Größe" in line for line in reader.noise)
    assert "Lüfter läuft" in stderr.decode()


def test_progress_as_clixml_is_on_stderr(world, remote):
    add(world, "clixml")
    stdout, stderr, _code, done = remote.receive()
    assert (stdout, done) == (b"", False)
    assert stderr.startswith(b"#< CLIXML\r\n<Objs ")
    assert stderr.endswith(b"</Objs>\r\n")


def test_faults_of_one_host_leave_the_other_alone(world, service):
    add(world, "quota-shells", host="hv02")
    client(service, host="hv01").open_shell()
    assert code_of(client(service, host="hv02").open_shell) == 2150859173
