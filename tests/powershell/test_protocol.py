from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvctl.powershell.batch import Batch, Call, Credential, DateTime, Ref, Secret, Step, TimeSpan, Value
from hvctl.powershell.protocol import ClientProtocol, EngineProtocol, Frame, Request, encode_value

pytestmark = pytest.mark.unit

BATCH = Batch(
    (
        Step("vms", Call("Get-VM"), select=("Id", "Name"), where={"State": "Off", "Name": ("a", "b")}, expect="one"),
        Step("new", Call("New-VM", {"Name": "ä"}), undo=Call("Remove-VM", {"VM": Ref("new"), "Force": True})),
        Step("go", Call("Start-VM"), on_error="continue", needs=("vms",), group="g", timeout=1.5),
    )
)
RUN = (
    r'{"type":"run","id":"r1","nonce":"abc","engine":"hash","deadline":600.0,"silence":120,"ack":["r0"],"steps":['
    r'{"id":"vms","cmdlet":"Get-VM","parameters":{},"select":["Id","Name"],'
    r'"where":{"State":["Off"],"Name":["a","b"]},"expect":"one","on_error":"stop","undo":null,"needs":[],'
    r'"group":null,"timeout":null},'
    r'{"id":"new","cmdlet":"New-VM","parameters":{"Name":"\u00e4"},"select":[],"where":{},"expect":"any",'
    r'"on_error":"stop","undo":{"cmdlet":"Remove-VM","parameters":{"VM":{"$ref":"new"},"Force":true}},"needs":[],'
    r'"group":null,"timeout":null},'
    r'{"id":"go","cmdlet":"Start-VM","parameters":{},"select":[],"where":{},"expect":"any","on_error":"continue",'
    r'"undo":null,"needs":["vms"],"group":"g","timeout":1.5}]}'
)


@pytest.fixture
def client() -> ClientProtocol:
    return ClientProtocol("abc", "hash")


def frame(n: int, request_id: str = "r1", **fields: Any) -> bytes:
    return EngineProtocol.frame("record", request_id, n, fields)


def numbers(frames: list[Frame]) -> list[int]:
    return [each.n for each in frames]


def test_run_is_one_line_of_ascii_after_a_newline(client: ClientProtocol) -> None:
    assert client.run("r1", BATCH, deadline=600.0, ack=["r0"]) == f"\n{RUN}\n".encode("ascii")


def test_the_engine_reads_what_the_client_wrote(client: ClientProtocol) -> None:
    (request,) = EngineProtocol().feed(client.run("r1", BATCH, deadline=None))
    assert (request.type, request.id, request["deadline"], request["ack"]) == ("run", "r1", None, [])
    assert [step["id"] for step in request["steps"]] == ["vms", "new", "go"]
    assert request.get("nothing") is None
    with pytest.raises(KeyError):
        request["type"]


@pytest.mark.parametrize(
    ("kind", "line"),
    [("ping", b'\n{"type":"ping","id":"r1"}\n'), ("cancel", b'\n{"type":"cancel","id":"r1"}\n')],
)
def test_simple_requests(kind: str, line: bytes) -> None:
    assert ClientProtocol.simple(kind, "r1") == line
    assert EngineProtocol().feed(line) == [Request(kind, "r1", {})]


def test_exit_has_no_id() -> None:
    assert EngineProtocol().feed(ClientProtocol.simple("exit") + b'{"type":"exit"}\n') == [Request("exit", "", {})] * 2


def test_a_frame_is_one_line_of_ascii_behind_rs(client: ClientProtocol) -> None:
    line = EngineProtocol.frame("record", "r1", 1, {"step": "vms", "data": {"Name": "ä\n\x1e", "Size": 1 << 62}})
    assert line == (
        b'\x1e{"type":"record","id":"r1","n":1,"step":"vms",'
        b'"data":{"Name":"\\u00e4\\n\\u001e","Size":4611686018427387904}}\n'
    )
    (received,) = client.feed(line)
    data = {"Name": "ä\n\x1e", "Size": 1 << 62}
    assert received == Frame("record", "r1", 1, {"step": "vms", "data": data})
    assert (received["step"], received.get("step"), received.get("nothing")) == ("vms", "vms", None)
    assert client.noise == []


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("x", "x"),
        (1, 1),
        (1.5, 1.5),
        (True, True),
        (None, None),
        (("a", ("b", 1)), ["a", ["b", 1]]),
        ((), []),
        (Ref("vm"), {"$ref": "vm"}),
        (
            Ref("vm", {"Id": "1", "Name": ("a", "b")}, "Path", all=True),
            {"$ref": "vm", "where": {"Id": ["1"], "Name": ["a", "b"]}, "property": "Path", "all": True},
        ),
        (Secret("s"), {"$secure": "s"}),
        (Credential("u", "p"), {"$credential": {"user": "u", "password": "p"}}),
        (TimeSpan(1.5), {"$timespan": 1.5}),
        (DateTime("2025-01-02T03:04:05Z"), {"$datetime": "2025-01-02T03:04:05Z"}),
        ({"a": Ref("vm"), "$ref": ("x",)}, {"$hashtable": [["a", {"$ref": "vm"}], ["$ref", ["x"]]]}),
        ({}, {"$hashtable": []}),
        ('{"$ref": "vm"}', '{"$ref": "vm"}'),
    ],
)
def test_values_as_json(value: Value, encoded: Any) -> None:
    assert encode_value(value) == encoded


def test_what_json_cannot_hold_is_refused(client: ClientProtocol) -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        client.run("r1", Batch((Step("a", Call("Get-VM", {"Name": math.nan})),)), deadline=None)
    with pytest.raises(ValueError, match="Out of range float"):
        EngineProtocol.frame("record", "r1", 1, {"data": math.inf})


any_text = st.text(st.characters(exclude_categories=()))
NASTY = st.sampled_from(
    ["\x1e", "\n", "\r\n", "\u2028", '"', "\\", "\ud800", "\x00", '\x1e{"type":"done"}\n', '{"$ref": "a"}']
)
nasty_text = st.lists(NASTY | any_text, max_size=5).map("".join)


def same(text: str) -> str:
    """JSON joins neighbouring surrogates into one character."""
    return str(json.loads(json.dumps(text)))


@given(texts=st.lists(nasty_text, min_size=1))
def test_any_text_crosses_the_wire_both_ways(texts: list[str]) -> None:
    client, engine = ClientProtocol("abc", "hash"), EngineProtocol()
    call = Call("Get-VM", {"Name": tuple(texts), "Credential": Credential(texts[0], texts[-1])})
    line = client.run(texts[0], Batch((Step("a", call, where={"Name": tuple(texts)}),)), deadline=None, ack=texts)
    assert line.isascii()
    assert line.count(b"\n") == 2
    (request,) = engine.feed(line)
    expected = [same(text) for text in texts]
    assert (request.id, request["ack"], request["steps"][0]["where"]) == (expected[0], expected, {"Name": expected})
    assert request["steps"][0]["parameters"] == {
        "Name": expected,
        "Credential": {"$credential": {"user": expected[0], "password": expected[-1]}},
    }
    answer = EngineProtocol.frame("record", request.id, 1, {"data": texts})
    assert answer.isascii()
    assert (answer.count(b"\n"), answer.count(b"\x1e")) == (1, 1)
    assert client.feed(answer) == [Frame("record", expected[0], 1, {"data": expected})]
    assert client.noise == []


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


STREAM = (
    b"WARNING: profile\r\n"
    + EngineProtocol.frame("hello", "", 0, {"nonce": "abc"})
    + b"#< CLIXML\n<Objs>\x1e</Objs>\n"
    + b"noise before "
    + frame(1, text="ä\n\x1e")
    + b"\x1e{broken\n\n"
    + b'\x1e{"type":"record","id":"r1","n":2,"torn'
    + frame(2, last=True)
    + b"\xff\xfe\n"
    + b"the rest of"
)
NOISE = [
    "WARNING: profile",
    "#< CLIXML",
    "<Objs>\x1e</Objs>",
    "noise before",
    "{broken",
    '{"type":"record","id":"r1","n":2,"torn',
    "\\xff\\xfe",
]


@given(places=st.lists(st.integers(0, len(STREAM)), max_size=30))
def test_frames_and_noise_are_the_same_however_the_bytes_arrive(places: list[int]) -> None:
    client = ClientProtocol("abc", "hash")
    frames = [each for piece in cut(STREAM, places) for each in client.feed(piece)]
    assert frames == [
        Frame("hello", "", 0, {"nonce": "abc"}),
        Frame("record", "r1", 1, {"text": "ä\n\x1e"}),
        Frame("record", "r1", 2, {"last": True}),
    ]
    assert client.noise == NOISE
    assert client.gap == set()


def test_frames_that_arrive_byte_by_byte(client: ClientProtocol) -> None:
    assert numbers([each for byte in STREAM for each in client.feed(bytes([byte]))]) == [0, 1, 2]


REQUESTS = ClientProtocol("abc", "hash").run("r1", BATCH, deadline=1.0) + ClientProtocol.simple("ping", "r1")


@given(places=st.lists(st.integers(0, len(REQUESTS)), max_size=30))
def test_requests_are_the_same_however_the_bytes_arrive(places: list[int]) -> None:
    engine = EngineProtocol()
    requests = [each for piece in cut(REQUESTS, places) for each in engine.feed(piece)]
    assert requests == EngineProtocol().feed(REQUESTS)
    assert [each.type for each in requests] == ["run", "ping"]


@given(length=st.integers(0, len(REQUESTS) - 1))
def test_a_torn_request_does_not_spoil_the_next(length: int) -> None:
    engine = EngineProtocol()
    engine.feed(REQUESTS[:length])
    requests = engine.feed(ClientProtocol.simple("status", "r2"))
    assert requests[-1] == Request("status", "r2", {})
    assert all(each.id == "r1" for each in requests[:-1])


GARBAGE = [
    b"x",
    b"null",
    b"1",
    b'"text"',
    b"[]",
    b'["type","id","n"]',
    b"{}",
    b'{"type":"record"}',
    b'{"type":5,"id":"r1","n":1}',
    b'{"type":null,"id":"r1","n":1}',
    b'{"type":"record","id":["r1"],"n":1}',
    b'{"type":"record","id":{},"n":1}',
    b'{"type":"record","id":"r1","n":"1"}',
    b'{"type":"record","id":"r1","n":1.0}',
    b'{"type":"record","id":"r1","n":true}',
    b'{"type":"record","id":"r1","n":null}',
    b'{"type":"record","id":"r1","n":-1}',
    b'{"type":"record","id":"r1","n":NaN}',
    b'{"type":"record","id":"r1","n":' + b"9" * 5000 + b"}",
    b'{"type":"record","id":"r1","n":1',
    b'{"type":"record","id":"r1","n":1}}',
    b"[" * 100_000,
    b'{"type":' * 100_000,
    b"\xff\xfe{\x00}\x00",
    b"\x80",
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=[repr(each[:40]) for each in GARBAGE])
def test_what_is_no_frame_is_noise(client: ClientProtocol, garbage: bytes) -> None:
    assert client.feed(b"\x1e" + garbage + b"\n" + frame(1)) == [Frame("record", "r1", 1, {})]
    assert client.noise == [("\x1e" + garbage.decode("utf-8", "backslashreplace")).strip()]
    assert client.gap == set()


@pytest.mark.parametrize(
    "garbage",
    [each for each in GARBAGE if not each.startswith((b'{"type":"record"', b'{"type":"record","id":"r1"'))]
    + [b'{"type":"run","id":5}', b'{"type":"run","id":null}', b'{"id":"r1"}'],
    ids=repr,
)
def test_what_is_no_request_is_dropped(garbage: bytes) -> None:
    engine = EngineProtocol()
    assert engine.feed(b"\n" + garbage + b"\n" + ClientProtocol.simple("ping", "r1")) == [Request("ping", "r1", {})]


@given(data=st.binary(max_size=60), places=st.lists(st.integers(0, 60), max_size=4))
def test_no_bytes_break_either_half(data: bytes, places: list[int]) -> None:
    client, engine = ClientProtocol("abc", "hash"), EngineProtocol()
    for piece in cut(data, places):
        client.feed(piece)
        engine.feed(piece)
    assert client.feed(b"\n" + frame(1)) == [Frame("record", "r1", 1, {})]
    assert engine.feed(ClientProtocol.simple("ping", "r1"))[-1] == Request("ping", "r1", {})


def test_a_frame_without_its_mark_is_noise(client: ClientProtocol) -> None:
    line = frame(1).removeprefix(b"\x1e")
    assert client.feed(line) == []
    assert client.noise == ['{"type":"record","id":"r1","n":1}']


def test_empty_lines_are_neither_noise_nor_requests(client: ClientProtocol) -> None:
    assert client.feed(b"\n \r\n\t\n") == []
    assert client.noise == []
    assert EngineProtocol().feed(b"\n \r\n\t\n") == []


def test_a_line_may_end_in_cr_lf(client: ClientProtocol) -> None:
    assert numbers(client.feed(frame(1).replace(b"\n", b"\r\n"))) == [1]
    assert EngineProtocol().feed(b'{"type":"ping","id":"r1"}\r\n') == [Request("ping", "r1", {})]


def test_a_repeated_frame_is_dropped(client: ClientProtocol) -> None:
    assert numbers(client.feed(frame(1) + frame(1) + frame(2) + frame(1) + frame(2) + frame(3))) == [1, 2, 3]
    assert client.gap == set()


def test_each_id_counts_for_itself(client: ClientProtocol) -> None:
    received = client.feed(frame(1, "a") + frame(1, "b") + frame(2, "b") + frame(2, "a") + frame(2, "c"))
    assert [(each.id, each.n) for each in received] == [("a", 1), ("b", 1), ("b", 2), ("a", 2)]
    assert client.gap == {"c"}


def test_frames_without_a_number_always_come_out(client: ClientProtocol) -> None:
    pong = EngineProtocol.frame("pong", "r1", 0, {})
    assert numbers(client.feed(pong + frame(1) + pong + pong + frame(2))) == [0, 1, 0, 0, 2]


def test_a_gap_holds_back_what_follows_until_the_replay(client: ClientProtocol) -> None:
    assert numbers(client.feed(frame(1) + frame(3) + frame(4))) == [1]
    assert client.gap == {"r1"}
    assert client.replay("r1") == b'\n{"type":"replay","id":"r1","after":1}\n'
    assert client.gap == set()
    assert numbers(client.feed(frame(2) + frame(3) + frame(4) + frame(5))) == [2, 3, 4, 5]
    assert client.gap == set()


def test_replay_of_what_never_began_asks_for_all(client: ClientProtocol) -> None:
    assert client.replay("r9") == b'\n{"type":"replay","id":"r9","after":0}\n'


class KeepingEngine:
    """Answers a run with many frames, and replays them."""

    def __init__(self, count: int) -> None:
        self._protocol = EngineProtocol()
        self._count = count

    def feed(self, data: bytes) -> list[bytes]:
        return [line for request in self._protocol.feed(data) for line in self._answer(request)]

    def _answer(self, request: Request) -> list[bytes]:
        return [frame(n, request.id, value=n) for n in range((request.get("after") or 0) + 1, self._count + 1)]


@given(count=st.integers(1, 12), fates=st.lists(st.sampled_from(["lost", "torn", "twice", "kept"]), max_size=40))
def test_whatever_is_lost_on_the_way_comes_in_order_and_once(count: int, fates: list[str]) -> None:
    client, engine = ClientProtocol("abc", "hash"), KeepingEngine(count)
    received: list[Frame] = []
    lines = engine.feed(client.run("r1", BATCH, deadline=None))
    while len(received) < count:
        for line in lines:
            fate = fates.pop() if fates else "kept"
            received += client.feed({"lost": b"", "torn": line[: len(line) // 2], "twice": line * 2}.get(fate, line))
        lines = engine.feed(client.replay("r1"))
    assert [each["value"] for each in received] == list(range(1, count + 1))
