"""The operations of a WinRM service on the lab's hosts: envelopes in, envelopes out; no HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hvctl.lab.endpoint import command_lines, refusals, soap
from hvctl.lab.endpoint.backends import Backend, Ended, SimulatedEngine
from hvctl.lab.endpoint.faults import Fault, Faults
from hvctl.lab.endpoint.refusals import Refusal
from hvctl.lab.endpoint.reply import Reply
from hvctl.lab.endpoint.shells import Command, Limits, Shell, Shells, find_command
from hvctl.lab.endpoint.streams import Output

if TYPE_CHECKING:
    from hvctl.lab.endpoint.stats import Stats

_DEFAULT_TIMEOUT, _SHORTEST, _LONGEST = 60.0, 0.5, 60.0
"""Seconds of an operation: without a word of the client's, and MaxTimeoutms either way."""
_PIECE = 32 << 10
"""Bytes of a stream that one Receive fetches."""
_OVERHEAD = 4096
"""Bytes of an envelope round the streams."""
_DEFAULT_ENVELOPE = 153600
_REAP_EVERY = 1.0
_TERMINATE = ("terminate",)
_INTERRUPT = ("ctrl_c", "ctrl_break")

_REFUSED = {
    "busy": (refusals.BUSY, ""),
    "quota-shells": (refusals.MAX_SHELLS, 30),
    "quota-operations": (refusals.MAX_OPERATIONS, 1500),
    "quota-requests": (refusals.USER_QUOTA, ""),
    "quota-users": (refusals.MAX_USERS, 10),
    "timeout-undelivered": (refusals.TIMED_OUT, ""),
}
_CLIXML = (
    b"#< CLIXML\r\n"
    b'<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><Obj S="progress" RefId="0">'
    b'<TN RefId="0"><T>System.Management.Automation.PSCustomObject</T><T>System.Object</T></TN><MS>'
    b'<I64 N="SourceId">1</I64><PR N="Record"><AV>Preparing modules for first use.</AV><AI>0</AI><Nil /><PI>-1</PI>'
    b"<PC>-1</PC><T>Completed</T><SR>-1</SR><SD> </SD></PR></MS></Obj></Objs>\r\n"
)
_NOISE = {
    "stdout": 'WARNING: Größe 10 µm, 日本語\r\n{"type":"done","id":"1","n":1}\r\n\x1enot a frame\r\n'.encode(),
    "stderr": "VERBOSE: Lüfter läuft, 日本語\r\n".encode(),
}


@dataclass(frozen=True, slots=True)
class _Call:
    """One request of a user to a host."""

    host: str
    user: str
    request: soap.Request

    @property
    def shell_id(self) -> str:
        return self.request.selectors.get("ShellId", "")


class Wsman:
    """The WinRM service of a world's hosts; any thread may call `handle`.

    Args:
        world_path: The world's file.
        powershell: A PowerShell that runs what clients start; without one the lab's engine answers hvctl.
        stats: Counts the starts of PowerShell.
        start_delay: Seconds that a PowerShell takes to start beyond its own.
        limits: What the service allows.
    """

    def __init__(
        self,
        world_path: Path,
        *,
        powershell: str | None = None,
        stats: Stats | None = None,
        start_delay: float = 0.0,
        limits: Limits | None = None,
    ) -> None:
        self._world = world_path
        self._powershell = powershell
        self._stats = stats
        self._start_delay = start_delay
        self._faults = Faults(world_path)
        self.shells = Shells(limits or Limits())
        self._closed = threading.Event()
        self._actions: Mapping[str, Callable[[_Call], str]] = {
            "Create": self._create,
            "Get": self._get,
            "Delete": self._delete,
            "Command": self._command,
            "Send": self._send,
            "Receive": self._receive,
            "Signal": self._signal,
        }
        threading.Thread(target=self._reap, name="shell reaper", daemon=True).start()

    def handle(self, host: str, user: str, body: bytes) -> Reply:
        """Answer one request; a Receive waits for output, no longer than its OperationTimeout.

        Args:
            host: The host's name in the world.
            user: The user who is logged in.
            body: The envelope.
        """
        relates_to = ""
        try:
            if len(body) > self.shells.limits.envelope:
                raise Refusal(refusals.ENVELOPE_TOO_LARGE, self.shells.limits.envelope)
            request = soap.parse(body)
            relates_to = request.message_id
            return Reply(200, soap.reply(request, self._act(_Call(host, user, request))))
        except Refusal as refusal:
            return Reply(500, soap.fault(refusal, relates_to, host))

    def close(self) -> None:
        """End all shells and what runs in them."""
        self._closed.set()
        self.shells.close()
        self._faults.close()

    def _reap(self) -> None:
        while not self._closed.wait(_REAP_EVERY):
            self.shells.reap()

    def _act(self, call: _Call) -> str:
        action = self._actions.get(call.request.action)
        if action is None:
            raise Refusal(refusals.UNKNOWN_ACTION)
        if call.request.resource not in (soap.CMD, soap.SHELL):
            raise Refusal(refusals.UNKNOWN_RESOURCE)
        self.shells.reap()
        fault = self._faults.take(call.host, "operation", call.request.action)
        return action(call) if fault is None else self._act_wrongly(action, call, fault)

    def _act_wrongly(self, action: Callable[[_Call], str], call: _Call, fault: Fault) -> str:
        if fault.kind in _REFUSED:
            raise Refusal(*_REFUSED[fault.kind])
        if fault.kind == "shell-lost-before":
            self.shells.delete(call.host, call.user, call.shell_id)
        answer = action(call)
        if fault.kind == "timeout-delivered":
            raise Refusal(refusals.TIMED_OUT)
        if fault.kind == "shell-lost-after":
            self._lose(call, fault.seconds)
        return answer

    def _lose(self, call: _Call, seconds: float) -> None:
        with self.shells.using(call.host, call.user, call.shell_id) as shell:
            for command in list(shell.commands.values()):
                command.backend.settle(seconds)
        with suppress(Refusal):
            self.shells.delete(call.host, call.user, call.shell_id)

    # ---- shells

    def _create(self, call: _Call) -> str:
        request = call.request
        idle = request.text("rsp:IdleTimeOut")
        wanted = None if request.body is None else request.body.get("ShellId")
        variables = (
            [] if request.body is None else request.body.findall("rsp:Environment/rsp:Variable", soap.NAMESPACES)
        )
        shell = self.shells.create(
            call.host,
            call.user,
            shell_id=wanted,
            idle=soap.duration(idle) if idle else None,
            environment={each.get("Name", ""): each.text or "" for each in variables if each.get("Name")},
        )
        return (
            "<x:ResourceCreated><a:Address>http://localhost:5985/wsman</a:Address><a:ReferenceParameters>"
            f"<w:ResourceURI>{soap.CMD}</w:ResourceURI><w:SelectorSet>"
            f'<w:Selector Name="ShellId">{soap.text(shell.id)}</w:Selector></w:SelectorSet>'
            f"</a:ReferenceParameters></x:ResourceCreated>{self._described(shell)}"
        )

    def _get(self, call: _Call) -> str:
        with self.shells.using(call.host, call.user, call.shell_id) as shell:
            return self._described(shell)

    def _described(self, shell: Shell) -> str:
        now = self.shells.clock()
        return (
            f"<rsp:Shell><rsp:ShellId>{soap.text(shell.id)}</rsp:ShellId><rsp:ResourceUri>{soap.CMD}</rsp:ResourceUri>"
            f"<rsp:Owner>{soap.text(shell.owner)}</rsp:Owner><rsp:ClientIP>127.0.0.1</rsp:ClientIP>"
            f"<rsp:IdleTimeOut>PT{shell.idle:.3f}S</rsp:IdleTimeOut><rsp:InputStreams>stdin</rsp:InputStreams>"
            "<rsp:OutputStreams>stdout stderr</rsp:OutputStreams>"
            f"<rsp:ShellRunTime>{_elapsed(now - shell.created)}</rsp:ShellRunTime>"
            f"<rsp:ShellInactivity>{_elapsed(now - shell.used)}</rsp:ShellInactivity></rsp:Shell>"
        )

    def _delete(self, call: _Call) -> str:
        self.shells.delete(call.host, call.user, call.shell_id)
        return ""

    # ---- commands

    def _command(self, call: _Call) -> str:
        program = call.request.text("rsp:Command")
        if not program:
            raise Refusal(refusals.SCHEMA, "there is no command")
        line = " ".join([program, *call.request.texts("rsp:Arguments")])
        wanted = None if call.request.body is None else call.request.body.get("CommandId")
        with self.shells.using(call.host, call.user, call.shell_id) as shell:
            command = self.shells.add(shell, lambda output: self._start(shell, line, output), wanted)
        command_id = soap.text(command.id)
        return f"<rsp:CommandResponse><rsp:CommandId>{command_id}</rsp:CommandId></rsp:CommandResponse>"

    def _start(self, shell: Shell, line: str, output: Output) -> Backend:
        words = command_lines.words(line)
        if len(line) > command_lines.LONGEST:
            # As hosts were seen to do: no error, no output, and exit code 0.
            return Ended(output, 0)
        if not words or not command_lines.is_powershell(words[0]):
            name = words[0] if words else ""
            what = "is not recognized as an internal or external command,\r\noperable program or batch file.\r\n"
            return Ended(output, 1, f"'{name}' {what}")
        if self._powershell is not None:
            from hvctl.lab.endpoint.processes import ChildProcess

            self._count_start()
            command = [self._powershell, *words[1:]]
            return ChildProcess(command, shell.environment, output, delay=self._start_delay)
        engine = command_lines.expected_engine(words[1:])
        if engine is None:
            return Ended(output, 1, "The lab runs hvctl's engine only; a script needs `lab serve --powershell`.\r\n")
        self._count_start()
        return SimulatedEngine(self._world, shell.host, engine, output, delay=self._start_delay)

    def _count_start(self) -> None:
        if self._stats is not None:
            self._stats.powershell_started()

    def _send(self, call: _Call) -> str:
        streams = [] if call.request.body is None else call.request.body.findall("rsp:Stream", soap.NAMESPACES)
        if not streams:
            raise Refusal(refusals.SCHEMA, "there is no stream")
        pieces = [(each.get("CommandId", ""), soap.decoded(each.text or ""), each.get("End", "")) for each in streams]
        with self.shells.using(call.host, call.user, call.shell_id) as shell:
            for command_id, data, end in pieces:
                command = find_command(shell, command_id)
                if command.output.finished:
                    raise Refusal(refusals.PIPE_CLOSING)
                command.backend.send(data)
                if end.lower() in ("true", "1"):
                    command.backend.end()
        return "<rsp:SendResponse/>"

    def _receive(self, call: _Call) -> str:
        wanted = None if call.request.body is None else call.request.body.find("rsp:DesiredStream", soap.NAMESPACES)
        command_id = "" if wanted is None else wanted.get("CommandId", "")
        with self.shells.using(call.host, call.user, call.shell_id) as shell:
            command = find_command(shell, command_id)
            self._disturb(call, command)
            split = self._faults.take(call.host, "piece", "Receive") is not None
            piece = command.output.take(_timeout(call.request), _size(call.request), split=split)
            if piece is None:
                raise Refusal(refusals.ABORTED if command.output.closed else refusals.TIMED_OUT)
            over = piece.exit_code is not None
            if over:
                # Done is said once; there is no second reading of what was lost on the way.
                self.shells.forget(shell, command)
        streams = "".join(
            soap.stream(name, command.id, data, end=over)
            for name, data in (("stdout", piece.stdout), ("stderr", piece.stderr))
            if data or over
        )
        state = soap.command_state(command.id, piece.exit_code)
        return f"<rsp:ReceiveResponse>{streams}{state}</rsp:ReceiveResponse>"

    def _disturb(self, call: _Call, command: Command) -> None:
        fault = self._faults.take(call.host, "output", "Receive")
        if fault is not None and fault.kind == "clixml":
            command.output.insert("stderr", _CLIXML)
        elif fault is not None:
            for stream, lines in _NOISE.items():
                command.output.insert(stream, lines)

    def _signal(self, call: _Call) -> str:
        command_id = "" if call.request.body is None else call.request.body.get("CommandId", "")
        code = (call.request.text("rsp:Code") or "").rpartition("/")[2].lower()
        with self.shells.using(call.host, call.user, call.shell_id) as shell:
            command = shell.commands.get(command_id.upper())
            if code in _INTERRUPT and command is not None:
                command.backend.interrupt()
            elif code in _TERMINATE and command is not None:
                self.shells.forget(shell, command)
                command.backend.kill()
            elif code not in (*_TERMINATE, *_INTERRUPT):
                raise Refusal(refusals.SCHEMA, f"there is no signal '{code}'")
        # A command that has ended is no longer there, and the clients end each with a Signal all the same.
        return "<rsp:SignalResponse/>"


def _timeout(request: soap.Request) -> float:
    wanted = _DEFAULT_TIMEOUT if request.operation_timeout is None else request.operation_timeout
    return min(max(wanted, _SHORTEST), _LONGEST)


def _size(request: soap.Request) -> int:
    envelope = request.max_envelope or _DEFAULT_ENVELOPE
    room = (envelope - _OVERHEAD) // 2 * 3 // 4
    return max(1, min(_PIECE, room))


def _elapsed(seconds: float) -> str:
    return f"P0DT0H0M{max(0, int(seconds))}S"
