"""pywinrm's own client on the lab's WinRM service, without HTTP between them."""

from __future__ import annotations

from typing import Any

from winrm.exceptions import WinRMTransportError
from winrm.protocol import Protocol

from hvctl.lab.endpoint.operations import Wsman
from hvctl.powershell.bootstrap import command_line


class DirectTransport:
    """Hands pywinrm's messages to the service itself; stands in for `winrm.transport.Transport`."""

    def __init__(self, service: Wsman, host: str, user: str) -> None:
        self.service = service
        self.host = host
        self.user = user
        self.replies: list[str] = []

    def send_message(self, message: str | bytes) -> bytes:
        """Post a message, as the real one does."""
        body = message if isinstance(message, bytes) else message.encode()
        reply = self.service.handle(self.host, self.user, body)
        self.replies.append(reply.body.decode())
        if reply.status != 200:
            raise WinRMTransportError("http", reply.status, reply.body.decode())
        return reply.body

    def close_session(self) -> None:
        """There is none."""


def client(service: Wsman, *, host: str = "hv01", user: str = "admin", timeout: int = 20) -> Protocol:
    """A pywinrm Protocol that talks to the service as a user; `timeout` is its OperationTimeout."""
    protocol = Protocol(
        "http://localhost:5985/wsman",
        transport="basic",
        username=user,
        password="-",
        operation_timeout_sec=timeout,
        read_timeout_sec=timeout + 10,
        ca_trust_path=None,
        proxy=None,
    )
    protocol.transport = DirectTransport(service, host, user)  # type: ignore[assignment] # it has what Protocol uses
    return protocol


class Remote:
    """A shell with hvctl's engine in it.

    Args:
        protocol: The client.
        shell: Arguments of `open_shell`.
    """

    def __init__(self, protocol: Protocol, **shell: Any) -> None:
        self.protocol = protocol
        self.shell = protocol.open_shell(codepage=65001, **shell)
        program, *arguments = command_line("powershell.exe")
        self.command = protocol.run_command(self.shell, program, arguments, console_mode_stdin=False)

    def send(self, data: bytes, *, end: bool = False) -> None:
        """Send bytes to the command's stdin."""
        self.protocol.send_command_input(self.shell, self.command, data, end=end)

    def receive(self) -> tuple[bytes, bytes, int, bool]:
        """One Receive: stdout, stderr, exit code, and whether it has ended."""
        return self.protocol.get_command_output_raw(self.shell, self.command)

    def until(self, wanted: bytes) -> bytes:
        """Stdout up to and with the piece that brings something."""
        found = b""
        while wanted not in found:
            stdout, _stderr, _code, done = self.receive()
            found += stdout
            assert not done or wanted in found, found
        return found

    def rest(self) -> tuple[bytes, bytes, int]:
        """What comes until the command ends, and its exit code."""
        stdout, stderr, code = self.protocol.get_command_output(self.shell, self.command)
        return stdout, stderr, code
