"""A simulated host to test against: calls in, records and error ids out, with no session in between."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hvctl.lab.transport import LabTransport
from hvctl.powershell.batch import Batch, Call, Step, Value
from hvctl.powershell.bootstrap import engine_hash
from hvctl.powershell.protocol import ClientProtocol, Frame

GIB = 1 << 30
NONCE = "nonce"


class CallFailed(Exception):
    """A call ended with an error; its fields are those of the error frame."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        super().__init__(fields["error_id"], fields["message"])
        self.fields = fields
        self.id = str(fields["error_id"]).partition(",")[0]
        self.category = str(fields["category"])


class Answer:
    """The frames of one batch, sorted by what they are."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.frames = frames
        self.done = frames[-1] if frames and frames[-1].type == "done" else None
        self.errors = [frame for frame in frames if frame.type == "error"]
        self.error_ids = [str(frame["error_id"]).partition(",")[0] for frame in self.errors]
        self.warnings = [frame["message"] for frame in frames if frame.type == "warning"]

    def records(self, step: str) -> list[dict[str, Any]]:
        """The records of one step."""
        return [frame["data"] for frame in self.frames if frame.type == "record" and frame["step"] == step]


class SimulatedHost:
    """One host of a world in a file; every batch is a client of its own, as every command is."""

    def __init__(self, path: Path, host: str = "") -> None:
        self.path = path
        self.host = host

    def connect(self) -> Connection:
        """A client that stays."""
        return Connection(self.path, self.host)

    def run(self, *steps: Step, deadline: float | None = None) -> Answer:
        """Run a batch to its end."""
        with self.connect() as connection:
            return connection.run(*steps, deadline=deadline)

    def call(self, cmdlet: str, *, select: Sequence[str] = (), **parameters: Value) -> list[dict[str, Any]]:
        """Run one cmdlet; its records. The first error is raised as CallFailed."""
        answer = self.run(Step("call", Call(cmdlet, parameters), select=tuple(select)))
        if answer.errors:
            raise CallFailed(answer.errors[0].fields)
        return answer.records("call")

    def warnings(self, cmdlet: str, **parameters: Value) -> list[str]:
        """Run one cmdlet that must succeed; what it writes to the warning stream."""
        answer = self.run(Step("call", Call(cmdlet, parameters)))
        assert answer.error_ids == []
        return answer.warnings

    def value(self, cmdlet: str, path: str, **parameters: Value) -> Any:
        """One property of the one object that a cmdlet returns."""
        (record,) = self.call(cmdlet, select=[path], **parameters)
        return record[path]

    def state(self, name: str) -> str:
        """The state of a VM."""
        return str(self.value("Get-VM", "State", Name=name))

    def names(self) -> list[str]:
        """The names of all VMs."""
        return [record["Name"] for record in self.call("Get-VM", select=["Name"])]

    def new_vm(self, name: str = "web1", **parameters: Value) -> None:
        """A small generation 2 VM, off, without a disk."""
        self.call("New-VM", **{"Name": name, "Generation": 2, "MemoryStartupBytes": GIB, **parameters})

    def new_disk(self, path: str = r"C:\VMs\disk.vhdx", **parameters: Value) -> str:
        """A virtual hard disk; its path."""
        self.call("New-VHD", **{"Path": path, "SizeBytes": 10 * GIB, **parameters})
        return path

    def new_running_vm(self, name: str = "web1", **parameters: Value) -> None:
        """A running VM with a disk, and so with a guest."""
        self.new_vm(name, **parameters)
        self.call("Add-VMHardDiskDrive", VMName=name, Path=self.new_disk(rf"C:\VMs\{name}.vhdx"))
        self.call("Start-VM", Name=name)


class Connection:
    """A client of one simulated engine."""

    def __init__(self, path: Path, host: str = "") -> None:
        self.transport = LabTransport(path, host)
        self.transport.open(NONCE)
        self.protocol = ClientProtocol(NONCE, engine_hash())
        self.count = 0

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.transport.close()

    def start(self, *steps: Step, deadline: float | None = None) -> str:
        """Send a batch; its request id."""
        self.count += 1
        request_id = f"r{self.count}"
        self.transport.send(self.protocol.run(request_id, Batch(tuple(steps)), deadline=deadline))
        return request_id

    def run(self, *steps: Step, deadline: float | None = None) -> Answer:
        """Run a batch to its end."""
        return self.finish(self.start(*steps, deadline=deadline))

    def finish(self, request_id: str, timeout: float = 20.0) -> Answer:
        """Wait for the end of a batch."""
        frames: list[Frame] = []
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            frames += [frame for frame in self.protocol.feed(self.transport.receive(0.05)) if frame.id == request_id]
            if frames and frames[-1].type == "done":
                assert self.protocol.noise == []
                return Answer(frames)
        raise AssertionError(f"no end after {timeout} s: {[frame.type for frame in frames]}")

    def send(self, kind: str, request_id: str = "") -> None:
        """Send a request that is only a type and an id."""
        self.transport.send(self.protocol.simple(kind, request_id))

    def receive(self, timeout: float = 0.05) -> list[Frame]:
        """What has arrived."""
        return self.protocol.feed(self.transport.receive(timeout))
