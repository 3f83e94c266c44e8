"""The one place that speaks to pywinrm: a connection to an endpoint, with types, time-outs and one kind of failure.

pywinrm 0.5.0 keeps a half-built session after a handshake that died, and would then send the next message unencrypted;
it follows redirects; and it takes an answer that nobody has encrypted. All of that is closed here.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import requests
from requests.auth import HTTPBasicAuth
from winrm.exceptions import WinRMError, WinRMOperationTimeoutError
from winrm.protocol import Protocol
from winrm.transport import Transport

from hvctl.errors import UnsupportedError
from hvctl.transports.endpoint import Auth, Endpoint
from hvctl.transports.http_sessions import Deadline, deadline, harden
from hvctl.transports.winrm_errors import failure_of, speechless
from hvctl.transports.wsman_faults import Failure, fault

T = TypeVar("T")

CONNECT = 5.0
"""Seconds in which a host must take the connection."""
_NETWORK = 5.0
"""Seconds past the host's own time-out until its silence is the network's."""
_TRANSFER = 10.0
"""Seconds past that in which the whole of an answer must be there, however slowly it comes; fewer for short waits."""
_IDLE = 90.0
"""Seconds after which a connection counts as closed: Windows drops one after about 120."""
_SEALED = "-session-encrypted"


class Output(NamedTuple):
    """What one Receive brought; `code` is the exit code of a command that has ended."""

    stdout: bytes
    stderr: bytes
    code: int | None


class Link:
    """A connection to one endpoint, for one thread; it connects and logs in when it must.

    Args:
        endpoint: Where, with scheme, port and method known.
        password: The password; empty where the method needs none.
        patience: Seconds that the host may take for anything but waiting for output.

    Every method raises `Failure`, and nothing else.
    """

    def __init__(self, endpoint: Endpoint, password: str, patience: int = 20) -> None:
        self._url = endpoint.url
        self._patience = patience
        self._used = time.monotonic()
        settings: dict[str, Any] = {
            "endpoint": endpoint.url,
            "username": endpoint.user,
            "password": password,
            "ca_trust_path": None if endpoint.ca_file is None else str(endpoint.ca_file),
            "cert_pem": None if endpoint.cert_file is None else str(endpoint.cert_file),
            "cert_key_pem": None if endpoint.key_file is None else str(endpoint.key_file),
            "server_cert_validation": "validate" if endpoint.verify else "ignore",
            "kerberos_delegation": endpoint.delegate,
            "message_encryption": "always" if endpoint.scheme == "http" else "auto",
            "service": "HTTP",
            "proxy": None,
        }
        try:
            self._protocol = Protocol(transport=endpoint.auth or "ntlm", **settings)
            self._transport = _Transport(auth_method=endpoint.auth or "ntlm", **settings)
        except WinRMError as error:
            raise failure_of(error, self._url) from error
        self._protocol.transport = self._transport

    def create(self, idle_timeout: int | None, code_page: int) -> str:
        """Open a shell that the host reaps when it is idle for so many seconds; its id."""
        idle = None if idle_timeout is None else f"PT{idle_timeout}S"
        return self._call(lambda p: p.open_shell(codepage=code_page, idle_timeout=idle, noprofile=True))

    def run(self, shell: str, executable: str, arguments: list[str]) -> str:
        """Start a command with a piped stdin; its id."""
        return self._call(lambda p: p.run_command(shell, executable, arguments, console_mode_stdin=False))

    def send(self, shell: str, command: str, data: bytes, *, end: bool = False) -> None:
        """Write to the command's stdin, and close it if that is the end."""
        self._call(lambda p: p.send_command_input(shell, command, data, end))

    def receive(self, shell: str, command: str, seconds: int) -> Output:
        """What the command has written, waiting up to `seconds` for it."""

        def receive(protocol: Protocol) -> Output:
            stdout, stderr, code, is_done = protocol.get_command_output_raw(shell, command)
            return Output(stdout, stderr, code if is_done else None)

        return self._call(receive, seconds)

    def delete(self, shell: str, seconds: int) -> None:
        """Close a shell, which ends its command."""
        self._call(lambda p: p.close_shell(shell, close_session=False), seconds)

    def drop(self) -> None:
        """Close the connection, and forget its login and its keys; the next message begins anew."""
        # Both, always: with one of them left pywinrm would send in clear, or for a connection that is gone.
        self._transport.encryption = None
        try:
            self._transport.close_session()
        finally:
            self._transport.session = None

    def _call(self, work: Callable[[Protocol], T], seconds: int | None = None) -> T:
        seconds = seconds or self._patience
        if time.monotonic() - self._used >= _IDLE:
            self.drop()
        self._protocol.operation_timeout_sec = seconds
        # requests takes a pair: to connect, and to wait for each piece of the answer.
        self._transport.read_timeout_sec = (CONNECT, seconds + _NETWORK)  # type: ignore[assignment]  # typed as int
        with deadline(lambda: self._transport.session, seconds + _NETWORK + min(seconds, _TRANSFER)) as limit:
            return self._done(work, limit)

    def _done(self, work: Callable[[Protocol], T], limit: Deadline) -> T:
        """Do the work, and drop the connection if anything goes wrong with it."""
        try:
            return work(self._protocol)
        except WinRMOperationTimeoutError:
            # A whole answer that was decrypted, and what waiting for output ends in: the connection is sound.
            raise fault(2150858793) from None
        except Exception as error:
            self.drop()
            raise (speechless(self._url) if limit.is_over else failure_of(error, self._url)) from error
        except BaseException:
            self.drop()
            raise
        finally:
            self._used = time.monotonic()


def missing_extra(auth: Auth | None) -> UnsupportedError | None:
    """The error of a method whose library is not installed."""
    needed = {"kerberos": ("kerberos", "winkerberos"), "credssp": ("requests_credssp",)}.get(auth or "", ())
    if not needed or any(importlib.util.find_spec(name) is not None for name in needed):
        return None
    return UnsupportedError(
        f"--auth {auth} needs a library that is not installed.", hint=f"pip install 'hvctl[{auth}]'"
    )


class _Transport(Transport):
    """pywinrm's transport without its three holes."""

    def build_session(self) -> requests.Session:
        if self.session is not None:
            return self.session
        session = super().build_session()
        self._prepare(session)
        return session

    def setup_encryption(self, session: requests.Session) -> None:
        self._prepare(session)  # the handshake begins here, before build_session returns
        super().setup_encryption(session)
        if self.auth_method == "ntlm" and getattr(session.auth, "session_security", None) is None:
            self.encryption = None
            raise Failure(
                "refused",
                "What listens on the host is not WinRM: it answers without asking for a login.",
                hint="Look at port and path: WinRM's is /wsman.",
            )

    def send_message(self, message: str | bytes) -> bytes:
        self.build_session()
        if not self.endpoint.lower().startswith("https:") and self.encryption is None:
            raise WinRMError("a message was to be sent unencrypted")
        return super().send_message(message)

    def _prepare(self, session: requests.Session) -> None:
        harden(
            session,
            url=self.endpoint,
            verify=self.server_cert_validation == "validate",
            own_authority=self.ca_trust_path is not None,
        )
        if self.auth_method == "basic":
            # requests would encode text as Latin-1, which most alphabets are not in.
            session.auth = HTTPBasicAuth((self.username or "").encode(), (self.password or "").encode())

    def _get_message_response_text(self, response: requests.Response) -> bytes:
        if self.encryption is not None and response.ok and _SEALED not in response.headers.get("Content-Type", ""):
            raise WinRMError("the answer to an encrypted message was not encrypted")
        return super()._get_message_response_text(response)
