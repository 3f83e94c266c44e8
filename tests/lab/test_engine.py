from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.simulated import GIB, NONCE, Connection, SimulatedHost
from tests.support.wmi_calls import OTHER_FORMS, READ

from hvctl.lab import guests, seeds
from hvctl.lab.runner import BatchRunner
from hvctl.lab.world import World
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.powershell.bootstrap import engine_hash
from hvctl.powershell.protocol import PROTOCOL, ClientProtocol
from hvctl.transports.base import TransportLost

pytestmark = pytest.mark.lab
ALL = Step("all", Call("Get-VM"), select=("Name",))


@pytest.fixture
def client(lab: SimulatedHost) -> Iterator[Connection]:
    """A client that is connected."""
    with lab.connect() as connection:
        yield connection


def new_vm(step: str, name: str, **options: Any) -> Step:
    parameters = {"Name": name, "Generation": 2, "MemoryStartupBytes": GIB}
    undo = Call("Remove-VM", {"VM": Ref(step), "Force": True})
    return Step(step, Call("New-VM", parameters), **{"undo": undo, **options})


def raw(client: Connection, request: dict[str, Any]) -> list[Any]:
    client.transport.send(b"\n" + json.dumps(request).encode() + b"\n")
    return client.receive()


class TestHello:
    def test_hello_says_what_the_host_is(self, client: Connection) -> None:
        (hello,) = client.receive()
        fields = dict(hello.fields)
        assert isinstance(fields.pop("pid"), int)
        assert abs(datetime.fromisoformat(fields.pop("time")) - datetime.now(UTC)) < timedelta(minutes=1)
        assert (hello.type, hello.id, hello.n) == ("hello", "", 0)
        assert fields == {
            "protocol": PROTOCOL,
            "nonce": NONCE,
            "engine": engine_hash(),
            "powershell": "5.1.26100.1",
            "edition": "Desktop",
            "windows": "10.0.26100",
            "product": "Windows Server 2025 Datacenter",
            "host": "HV01",
            "language": "FullLanguage",
            "rights": ["Administrators"],
            "modules": {"Hyper-V": "2.0.0.0", "Storage": "2.0.0.0"},
        }

    @pytest.mark.parametrize(("windows", "build"), [("2016", 14393), ("2019", 17763), ("2022", 20348)])
    def test_older_hosts(self, lab: SimulatedHost, windows: str, build: int) -> None:
        seeds.reset(lab.path, windows=windows)
        with lab.connect() as client:
            (hello,) = client.receive()
        assert hello["windows"] == f"10.0.{build}"
        assert hello["product"] == f"Windows Server {windows} Datacenter"
        assert hello["powershell"] == f"5.1.{build}.1"


class TestRequests:
    def test_ping_status_and_unknown_requests(self, client: Connection) -> None:
        client.receive()
        client.send("ping", "p")
        client.send("status", "nope")
        client.send("purple", "x")
        pong, state, error = client.receive()
        assert (pong.type, pong.id, pong.n) == ("pong", "p", 0)
        assert (state.type, state["state"]) == ("state", "unknown")
        assert (error.type, error.id, error["error_id"]) == ("error", "", "Hvctl.BadRequest")

    def test_noise_between_requests_is_dropped(self, client: Connection) -> None:
        client.receive()
        client.transport.send(b'{"type": "ping", "i\n\nnoise\n[1]\n\n{"type":"ping","id":"p"}\n')
        assert [frame.type for frame in client.receive()] == ["pong"]

    def test_a_run_for_another_engine_is_refused(self, client: Connection) -> None:
        stranger = ClientProtocol("another", engine_hash())
        client.transport.send(stranger.run("x", Batch((ALL,)), deadline=None))
        error, done = (frame for frame in client.receive() if frame.id == "x")
        assert error["error_id"] == "Hvctl.WrongSession"
        assert done["ok"] is False

    def test_an_id_is_executed_once(self, client: Connection) -> None:
        request = client.protocol.run("x", Batch((new_vm("vm", "a"),)), deadline=None)
        client.transport.send(request)
        first = client.finish("x")
        client.transport.send(request)
        again = ClientProtocol(NONCE, engine_hash()).feed(client.transport.receive(0.05))
        assert [frame.fields for frame in again] == [frame.fields for frame in first.frames]
        assert len(client.run(ALL).records("all")) == 1

    def test_frames_are_replayed_until_they_are_acknowledged(self, client: Connection) -> None:
        answer = client.finish(client.start(new_vm("vm", "a", select=("Name",)), ALL))
        fresh = ClientProtocol(NONCE, engine_hash())
        client.transport.send(fresh.replay("r1"))
        assert [frame.n for frame in fresh.feed(client.transport.receive(0.05))] == [1, 2, 3]
        client.transport.send(client.protocol.run("r2", Batch((ALL,)), deadline=None, ack=["r1"]))
        client.finish("r2")
        client.send("status", "r1")
        client.transport.send(client.protocol.replay("r1"))
        assert [frame["state"] for frame in client.receive()] == ["forgotten", "forgotten"]
        assert answer.done is not None

    def test_one_batch_at_a_time(self, lab: SimulatedHost, client: Connection) -> None:
        hang(lab)
        first = client.start(Step("stop", Call("Stop-VM", {"Name": "web1"}), on_error="continue"))
        second = client.finish(client.start(ALL))
        assert second.error_ids == ["Hvctl.Busy"]
        client.send("status", first)
        assert [frame["state"] for frame in client.receive()] == ["running"]
        client.send("cancel", first)
        assert client.finish(first).error_ids == ["Hvctl.Cancelled"]

    def test_exit_ends_the_engine(self, client: Connection) -> None:
        client.receive()
        client.send("exit")
        with pytest.raises(TransportLost):
            client.receive()
        with pytest.raises(TransportLost):
            client.send("ping", "p")


class TestBadRequests:
    @pytest.mark.parametrize(
        ("change", "error_id"),
        [
            ({"cmdlet": "Invoke-Expression"}, "Hvctl.NotAllowed"),
            ({"cmdlet": None}, "Hvctl.BadRequest"),
            ({"id": ""}, "Hvctl.BadRequest"),
            ({"parameters": {"Name": {"$what": 1}}}, "Hvctl.BadRequest"),
            ({"parameters": {"Name": {}}}, "Hvctl.BadRequest"),
            ({"parameters": {"Name": {"$secure": "x", "$ref": "a"}}}, "Hvctl.BadRequest"),
            ({"parameters": {"Name": {"$ref": "nope"}}}, "Hvctl.BadRequest"),
            ({"parameters": {"Name": {"$timespan": "x"}}}, "Hvctl.BadRequest"),
            ({"parameters": {"Name": "a", "name": "b"}}, "Hvctl.BadRequest"),
            ({"parameters": []}, "Hvctl.BadRequest"),
            ({"select": "Name"}, "Hvctl.BadRequest"),
            ({"select": ["a b"]}, "Hvctl.BadRequest"),
            ({"where": {"Name": "x"}}, "Hvctl.BadRequest"),
            ({"expect": "two"}, "Hvctl.BadRequest"),
            ({"on_error": "resume"}, "Hvctl.BadRequest"),
            ({"group": "g"}, "Hvctl.BadRequest"),
            ({"needs": ["nope"]}, "Hvctl.BadRequest"),
            ({"timeout": -1}, "Hvctl.BadRequest"),
            ({"undo": {"cmdlet": "Format-Hex"}}, "Hvctl.NotAllowed"),
        ],
    )
    def test_a_bad_step_keeps_the_whole_batch_from_running(
        self, lab: SimulatedHost, client: Connection, change: dict[str, Any], error_id: str
    ) -> None:
        client.receive()
        steps = [{"id": "vm", "cmdlet": "New-VM"}, {"id": "x", "cmdlet": "Get-VM", **change}]
        request = {"type": "run", "id": "r", "nonce": NONCE, "engine": engine_hash(), "steps": steps}
        error, done = raw(client, request)
        assert (error["error_id"], done["ok"]) == (error_id, False)
        assert lab.names() == []

    @pytest.mark.parametrize("as_undo", [False, True])
    @pytest.mark.parametrize("parameters", OTHER_FORMS.values(), ids=OTHER_FORMS)
    def test_no_other_method_of_wmi_is_let_through(
        self, client: Connection, parameters: dict[str, Any], as_undo: bool
    ) -> None:
        client.receive()
        call = {"cmdlet": "Invoke-CimMethod", "parameters": parameters}
        step = {"cmdlet": "Get-VM", "undo": call} if as_undo else call
        steps = [*READ, {"id": "x", **step}]
        request = {"type": "run", "id": "r", "nonce": NONCE, "engine": engine_hash(), "steps": steps}
        error, done = raw(client, request)
        assert (error["step"], error["error_id"], done["ok"]) == ("x", "Hvctl.NotAllowed", False)


class TestSteps:
    def test_where_and_refs_pick_objects(self, client: Connection) -> None:
        for name in ("a", "b", "c"):
            client.run(new_vm("vm", name))
        answer = client.run(
            Step("some", Call("Get-VM"), where={"Name": ("A", "b")}, select=("Name", "Generation")),
            Step("start", Call("Start-VM", {"VM": Ref("some", where={"Name": "B"})})),
            Step("running", Call("Get-VM"), where={"State": "running", "Generation": "2"}, select=("Name",)),
            Step("disks", Call("Get-VMHardDiskDrive", {"VM": Ref("running", all=True)})),
        )
        assert answer.error_ids == []
        assert [record["Name"] for record in answer.records("some")] == ["a", "b"]
        assert answer.records("running") == [{"Name": "b"}]

    def test_objects_are_read_when_they_are_asked_for(self, client: Connection) -> None:
        client.run(new_vm("vm", "a"))
        answer = client.run(
            Step("vm", Call("Get-VM", {"Name": "a"})),
            Step("rename", Call("Rename-VM", {"VM": Ref("vm"), "NewName": "b"})),
            Step("again", Call("Get-VM", {"Name": Ref("vm", property="Name")}), select=("Name",)),
        )
        assert answer.records("again") == [{"Name": "b"}]

    def test_paths_lead_through_objects_and_collections(self, client: Connection) -> None:
        client.run(new_vm("vm", "a"))
        paths = ("NetworkAdapters.Name", "NetworkAdapters.VlanSetting.OperationMode", "NetworkAdapters", ".")
        (record,) = client.run(Step("vm", Call("Get-VM"), select=paths)).records("vm")
        assert record["NetworkAdapters.Name"] == ["Network Adapter"]
        assert record["NetworkAdapters.VlanSetting.OperationMode"] == ["Untagged"]
        assert record["NetworkAdapters"] == ["VMNetworkAdapter (Name = 'Network Adapter')"]
        assert record["."].startswith("VirtualMachine (Name = 'a')")

    @pytest.mark.parametrize(
        ("expect", "names", "error_id", "category"),
        [
            ("one", 0, "Hvctl.ExpectedOne", "ObjectNotFound"),
            ("one", 2, "Hvctl.ExpectedOne", "InvalidResult"),
            ("none", 1, "Hvctl.ExpectedNone", "ResourceExists"),
            ("one", 1, None, None),
            ("none", 0, None, None),
        ],
    )
    def test_expect(self, client: Connection, expect: Any, names: int, error_id: str | None, category: str) -> None:
        for _ in range(names):
            client.run(new_vm("vm", "a"))
        client.run(new_vm("vm", "other"))
        answer = client.run(Step("x", Call("Get-VM"), where={"Name": "a"}, expect=expect))
        assert answer.error_ids == ([error_id] if error_id else [])
        if error_id:
            assert answer.errors[0]["category"] == category

    def test_refs_must_find_one_object(self, client: Connection) -> None:
        for name in ("a", "b"):
            client.run(new_vm("vm", name))
        every = Step("vms", Call("Get-VM"))
        assert client.run(every, Step("x", Call("Start-VM", {"VM": Ref("vms")}))).error_ids == ["Hvctl.RefAmbiguous"]
        nothing = Ref("vms", where={"Name": "c"})
        assert client.run(every, Step("x", Call("Start-VM", {"VM": nothing}))).error_ids == ["Hvctl.RefNotFound"]

    def test_a_step_with_an_empty_list_is_skipped(self, client: Connection) -> None:
        answer = client.run(
            Step("vms", Call("Get-VM")),
            Step("x", Call("Start-VM", {"VM": Ref("vms", all=True)}), on_error="continue"),
            Step("y", Call("Get-VM"), needs=("x",), expect="one", on_error="continue"),
        )
        assert answer.error_ids == []
        assert answer.done is not None
        assert answer.done["ok"] is True

    def test_a_step_runs_only_after_what_it_needs_has_succeeded(self, client: Connection) -> None:
        answer = client.run(
            Step("bad", Call("Start-VM", {"Name": "nix"}), on_error="continue"),
            Step("good", Call("Get-VMHost"), on_error="continue"),
            Step("after_bad", Call("Get-VMHost"), select=("Name",), needs=("bad",), on_error="continue"),
            Step("after_good", Call("Get-VMHost"), select=("Name",), needs=("good",), on_error="continue"),
        )
        assert answer.error_ids == ["ObjectNotFound"]
        assert answer.records("after_bad") == []
        assert answer.records("after_good") == [{"Name": "HV01"}]

    def test_any_text_arrives_unchanged(self, client: Connection) -> None:
        text = '\'\u2019"$(x)`n\r\n\t\x1e\u2028\U0001f600\ud800 2025-01-01T00:00:00Z {"$ref":"vm"} äöü'
        client.run(new_vm("vm", "a"), Step("note", Call("Set-VM", {"VM": Ref("vm"), "Notes": text})))
        answer = client.run(Step("vm", Call("Get-VM"), select=("Notes",), where={"Notes": text.upper()}))
        assert answer.records("vm") == [{"Notes": text}]


class TestNotSimulated:
    @pytest.mark.parametrize(
        ("step", "words"),
        [
            (Step("x", Call("Start-VM", {"Name": "a", "AsJob": True})), "-AsJob of Start-VM"),
            (Step("x", Call("Get-VM", {"ComputerName": "hv02"})), "-ComputerName of Get-VM"),
            (Step("x", Call("Start-VM", {"Name": "a", "WhatIf": True})), "-WhatIf of Start-VM"),
            (Step("x", Call("Get-VM", {"ErrorAction": "Stop"})), "-ErrorAction of Get-VM"),
            (Step("x", Call("Get-VM"), select=("Nmae",)), "the property Nmae"),
            (Step("x", Call("Get-VM"), select=("NetworkAdapters.Nmae",)), "the property NetworkAdapters.Nmae"),
            (Step("x", Call("Get-VM"), where={"Groups": "x"}), "the property Groups"),
        ],
    )
    def test_it_is_refused_before_anything_happens(
        self, lab: SimulatedHost, client: Connection, step: Step, words: str
    ) -> None:
        client.run(new_vm("vm", "a"))
        answer = client.run(step)
        assert answer.error_ids == ["Hvctl.NotSimulated"]
        assert answer.errors[0]["category"] == "NotImplemented"
        assert words in answer.errors[0]["message"]
        assert lab.state("a") == "Off"

    def test_confirm_false_is_heeded_and_confirm_true_prompts(self, client: Connection) -> None:
        client.run(new_vm("vm", "a"))
        assert client.run(Step("x", Call("Start-VM", {"Name": "a", "Confirm": True}))).error_ids == ["InvalidOperation"]
        assert client.run(Step("x", Call("Start-VM", {"Name": "a", "Confirm": False}))).error_ids == []


class TestUndo:
    def test_undo_runs_backwards_after_a_failure(self, lab: SimulatedHost, client: Connection) -> None:
        disk = Step(
            "disk",
            Call("New-VHD", {"Path": r"C:\VMs\x.vhdx", "SizeBytes": GIB}),
            undo=Call("Remove-Item", {"LiteralPath": Ref("disk", property="Path"), "Force": True}),
        )
        drive = Step("drive", Call("Add-VMHardDiskDrive", {"VM": Ref("vm"), "Path": Ref("disk", property="Path")}))
        answer = client.run(new_vm("vm", "a"), disk, drive, Step("x", Call("Start-VM", {"Name": "nix"})), ALL)
        assert answer.error_ids == ["ObjectNotFound"]
        assert answer.done is not None
        assert (answer.done["ok"], answer.done["undone"], answer.done["not_undone"]) == (False, ["disk", "vm"], [])
        assert answer.records("all") == []
        assert lab.names() == []
        assert lab.value("Test-Path", ".", LiteralPath=r"C:\VMs\x.vhdx") is False

    def test_an_undo_that_fails_is_named(self, lab: SimulatedHost, client: Connection) -> None:
        start = Step("start", Call("Start-VM", {"VM": Ref("vm")}))
        answer = client.run(new_vm("vm", "a"), start, Step("x", Call("Start-VM", {"Name": "nix"})))
        assert answer.done is not None
        assert (answer.done["undone"], answer.done["not_undone"]) == ([], ["vm"])
        assert [(frame["step"], frame["undo"]) for frame in answer.errors] == [("x", False), ("vm", True)]
        assert lab.names() == ["a"]

    def test_a_step_that_returned_something_before_it_failed_is_undone_too(
        self, lab: SimulatedHost, client: Connection
    ) -> None:
        paths = (r"C:\VMs\a.vhdx", r"C:\nope\b.vhdx")
        remove = Call("Remove-Item", {"LiteralPath": Ref("disks", property="Path", all=True)})
        answer = client.run(Step("disks", Call("New-VHD", {"Path": paths, "SizeBytes": GIB}), undo=remove))
        assert answer.error_ids == ["OperationFailed"]
        assert answer.done is not None
        assert answer.done["undone"] == ["disks"]
        assert lab.value("Test-Path", ".", LiteralPath=paths[0]) is False

    def test_an_unmet_expectation_undoes_its_own_step(self, lab: SimulatedHost, client: Connection) -> None:
        answer = client.run(new_vm("vm", "a", expect="none"))
        assert answer.done is not None
        assert answer.done["undone"] == ["vm"]
        assert lab.names() == []

    def test_with_continue_nothing_is_undone(self, lab: SimulatedHost, client: Connection) -> None:
        answer = client.run(new_vm("vm", "a"), Step("x", Call("Start-VM", {"Name": "nix"}), on_error="continue"), ALL)
        assert answer.done is not None
        assert (answer.done["ok"], answer.done["undone"]) == (True, [])
        assert lab.names() == ["a"]


class TestTime:
    def test_a_step_s_time_out_stops_it_alone(self, lab: SimulatedHost, client: Connection) -> None:
        hang(lab, "a")
        hang(lab, "b")
        steps = [
            Step(f"stop_{name}", Call("Stop-VM", {"Name": name}), on_error="continue", group="g", timeout=0.1)
            for name in ("a", "b")
        ]
        answer = client.run(*steps, ALL)
        assert answer.error_ids == ["Hvctl.StepTimedOut"] * 2
        assert answer.done is not None
        assert answer.done["elapsed"] < 1
        assert len(answer.records("all")) == 2

    def test_the_deadline_ends_the_batch_and_undoes_it(self, lab: SimulatedHost, client: Connection) -> None:
        hang(lab)
        stop = Step("stop", Call("Stop-VM", {"Name": "web1"}))
        answer = client.run(new_vm("vm", "x"), stop, ALL, deadline=0.2)
        assert answer.error_ids == ["Hvctl.Deadline"]
        assert answer.errors[0]["step"] is None
        assert answer.done is not None
        assert answer.done["undone"] == ["vm"]
        assert lab.names() == ["web1"]

    def test_cancel_ends_the_batch_and_undoes_it(self, lab: SimulatedHost, client: Connection) -> None:
        hang(lab)
        client.receive()
        request_id = client.start(new_vm("vm", "x"), Step("stop", Call("Stop-VM", {"Name": "web1"})), ALL)
        client.receive()
        assert lab.names() == ["web1", "x"]
        client.send("cancel", request_id)
        answer = client.finish(request_id)
        assert answer.error_ids == ["Hvctl.Cancelled"]
        assert answer.records("all") == []
        assert lab.names() == ["web1"]

    def test_what_was_stopped_midway_is_taken_back(self, lab: SimulatedHost, client: Connection) -> None:
        hang(lab)
        client.receive()
        undo = Call("Stop-VM", {"Name": "web1", "TurnOff": True})
        request_id = client.start(ALL, Step("stop", Call("Stop-VM", {"Name": "web1"}), undo=undo))
        client.receive()
        client.send("cancel", request_id)
        answer = client.finish(request_id)
        assert answer.done is not None
        assert answer.done["undone"] == ["stop"]
        assert lab.value("Get-VM", "State", Name="web1") == "Off"

    def test_an_interrupt_at_any_statement_ends_like_a_cancel(self, lab: SimulatedHost) -> None:
        disk = Step(
            "disk",
            Call("New-VHD", {"Path": r"C:\VMs\x.vhdx", "SizeBytes": GIB}),
            undo=Call("Remove-Item", {"LiteralPath": Ref("disk", property="Path")}),
        )
        finished = False
        interrupts = 0
        while not finished:
            with lab.connect() as client:
                finished = self.interrupted(client, interrupts + 1, new_vm("vm", "x"), disk, ALL)
            interrupts += not finished
            assert lab.names() == (["x"] if finished else [])
            assert lab.value("Test-Path", ".", LiteralPath=r"C:\VMs\x.vhdx") is finished
        assert interrupts > 30

    @pytest.mark.parametrize(
        "undo",
        [
            Call("Remove-Item", {"LiteralPath": r"C:\VMs\missing.vhdx"}),
            Call("Remove-VM", {"VM": Ref("none"), "Force": True}),
        ],
        ids=["fails", "cannot be resolved"],
    )
    def test_an_interrupt_names_what_could_not_be_taken_back(
        self, lab: SimulatedHost, client: Connection, monkeypatch: pytest.MonkeyPatch, undo: Call
    ) -> None:
        def interrupt(*_: object) -> float:
            monkeypatch.undo()
            raise KeyboardInterrupt

        hang(lab)
        none = Step("none", Call("Get-VM"), where={"Name": "nobody"})
        stop = Step("stop", Call("Stop-VM", {"Name": "web1"}))
        client.receive()
        request_id = client.start(none, new_vm("first", "x"), new_vm("vm", "y", undo=undo), stop)
        monkeypatch.setattr(BatchRunner, "_idle", interrupt)
        with pytest.raises(KeyboardInterrupt):
            client.finish(request_id)
        client.send("cancel", request_id)
        answer = client.finish(request_id)
        assert [(error["step"], error["undo"]) for error in answer.errors] == [(None, False), ("vm", True)]
        assert answer.done is not None
        assert (answer.done["undone"], answer.done["not_undone"]) == (["first"], ["vm"])
        assert lab.names() == ["web1", "y"]

    @staticmethod
    def interrupted(client: Connection, after: int, *steps: Step) -> bool:
        """Interrupt the batch at its n-th statement; whether it had ended before."""
        count = 0

        def statement(_text: str) -> None:
            nonlocal count
            count += 1
            if count == after:
                raise KeyboardInterrupt

        assert client.transport.world is not None
        client.transport.world.trace(statement)
        request_id = client.start(*steps)
        try:
            return client.finish(request_id).error_ids == []
        except KeyboardInterrupt:
            client.send("cancel", request_id)
            answer = client.finish(request_id)
            assert answer.error_ids == ["Hvctl.Cancelled"]
            assert answer.done is not None
            assert answer.done["not_undone"] == []
            return False

    def test_a_client_that_closes_is_a_lost_one(self, lab: SimulatedHost) -> None:
        hang(lab)
        with lab.connect() as client:
            client.receive()
            client.start(new_vm("vm", "x"), Step("stop", Call("Stop-VM", {"Name": "web1"})), ALL)
            client.receive()
            assert lab.names() == ["web1", "x"]
        assert lab.names() == ["web1"]

    def test_a_client_that_is_silent_too_long_is_a_lost_one(self, lab: SimulatedHost, client: Connection) -> None:
        hang(lab)
        steps = [
            {"id": "vm", "cmdlet": "New-VM", "parameters": {"Name": "x"}, "undo": remove_undo()},
            {"id": "s", "cmdlet": "Stop-VM", "parameters": {"Name": "web1"}, "on_error": "continue", "timeout": 0.3},
            {"id": "never", "cmdlet": "New-VM"},
        ]
        run = {"type": "run", "id": "r", "nonce": NONCE, "engine": engine_hash(), "silence": 0.1, "steps": steps}
        raw(client, run)
        answer = client.finish("r")
        assert answer.error_ids == ["Hvctl.StepTimedOut", "Hvctl.ClientLost"]
        assert lab.names() == ["web1"]
        with pytest.raises(TransportLost):
            client.receive()

    def test_at_most_sixteen_steps_run_side_by_side(self, lab: SimulatedHost, client: Connection) -> None:
        names = [f"vm{number:02}" for number in range(20)]
        client.run(*(new_vm(name, name) for name in names))
        with World.open(lab.path) as world:
            world.configure("guest", {"shutdown": 10})
        for name in names:
            lab.call("Add-VMDvdDrive", VMName=name, Path=r"C:\ISO\ubuntu.iso")
        client.run(Step("start", Call("Start-VM", {"Name": "vm*"})))
        with World.open(lab.path) as world:
            before = world.now()
        stops = (Step(name, Call("Stop-VM", {"Name": name}), on_error="continue", group="g") for name in names)
        assert client.run(*stops).error_ids == []
        with World.open(lab.path) as world:
            assert 20 <= world.now() - before < 100


def remove_undo() -> dict[str, Any]:
    return {"cmdlet": "Remove-VM", "parameters": {"VM": {"$ref": "vm"}, "Force": True}}


def hang(lab: SimulatedHost, name: str = "web1") -> None:
    """A running VM whose guest never shuts down."""
    lab.new_running_vm(name)
    with World.open(lab.path) as world:
        guests.set_behaviour(world, "hv01", name, ignores_shutdown=True)
