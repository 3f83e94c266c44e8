"""pypsrp's WinRS client and pywinrm on the endpoint, over real sockets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import winrm
from pypsrp.exceptions import WSManFaultError
from pypsrp.shell import CommandState, Process, SignalCode, WinRS
from pypsrp.wsman import WSMan
from tests.support.pwsh import require_pwsh
from tests.support.wsman import Remote
from winrm.protocol import Protocol

from hvctl.lab import seeds
from hvctl.lab.endpoint import faults
from hvctl.lab.endpoint.server import Endpoint, Settings, open_endpoint
from hvctl.powershell.bootstrap import command_line, engine_line

pytestmark = pytest.mark.winrm

USER, PASSWORD = "Administrator", "Grüße & $ecrets"
PING = b'\n{"type":"ping","id":"p"}\n'


@pytest.fixture
def world(world_file: Path) -> Path:
    seeds.reset(world_file)
    return world_file


@pytest.fixture(params=["ntlm", "basic"])
def endpoint(world, request) -> Iterator[Endpoint]:
    with open_endpoint(world, Settings(USER, PASSWORD, request.param)) as opened:
        yield opened


@contextmanager
def pypsrp_shell(endpoint: Endpoint, **options: object) -> Iterator[WinRS]:
    """A shell of pypsrp's, deleted at the end."""
    (host,) = endpoint.describe()
    url = urlsplit(host["url"])
    service = WSMan(
        url.hostname,
        port=url.port,
        path=url.path.lstrip("/"),
        username=USER,
        password=PASSWORD,
        ssl=url.scheme == "https",
        auth=host["auth"],
        cert_validation=host["ca_file"],
        no_proxy=True,
        operation_timeout=10,
    )
    with service, WinRS(service, codepage=65001, **options) as shell:
        yield shell


@contextmanager
def pywinrm(endpoint: Endpoint) -> Iterator[Protocol]:
    """A Protocol of pywinrm's, closed at the end."""
    (host,) = endpoint.describe()
    protocol = Protocol(
        host["url"],
        transport=host["auth"],
        username=USER,
        password=PASSWORD,
        ca_trust_path=host["ca_file"],
        proxy=None,
    )
    try:
        yield protocol
    finally:
        protocol.transport.close_session()


def counts(endpoint: Endpoint) -> dict[str, object]:
    return requests.get(f"http://127.0.0.1:{endpoint.port}/stats", timeout=10).json()


def start_engine(shell: WinRS) -> Process:
    program, *arguments = command_line("powershell.exe")
    process = Process(shell, program, arguments)
    process.begin_invoke()
    process.send(engine_line("n1"), end=False)
    while b'"hello"' not in process.stdout:
        process.poll_invoke()
    return process


def test_pypsrp_talks_with_the_engine(endpoint):
    with pypsrp_shell(endpoint, idle_time_out=60, environment={"A": "Grüße"}) as shell:
        assert (shell.owner, shell.idle_time_out) == (USER, "PT60.000S")
        assert shell._get_shell()["ShellId"] == shell.id
        process = start_engine(shell)
        process.send(PING, end=False)
        while b'"pong"' not in process.stdout:
            process.poll_invoke()
        process.send(b'\n{"type":"exit"}\n', end=True)
        process.end_invoke()
        assert (process.state, process.rc, process.stderr) == (CommandState.DONE, 0, b"")
        process.signal(SignalCode.TERMINATE)
    told = counts(endpoint)
    assert (told["powershell_starts"], told["plaintext_bodies"]) == (1, 0)


def test_pypsrp_ends_a_command(endpoint):
    with pypsrp_shell(endpoint) as shell:
        process = start_engine(shell)
        process.signal(SignalCode.CTRL_C)
        process.end_invoke()
        assert process.rc & 0xFFFFFFFF == 0xC000013A


def test_pypsrp_reads_a_fault(endpoint):
    with pypsrp_shell(endpoint) as shell:
        process = Process(shell, "ipconfig")
        process.invoke()
        assert (process.rc, process.stdout) == (1, b"")
        with pytest.raises(WSManFaultError) as caught:
            process.send(b"x")
        assert caught.value.code == 2150858843


def test_pywinrm_talks_with_the_engine_and_another_takes_over(endpoint):
    with pywinrm(endpoint) as first, pywinrm(endpoint) as second:
        remote = Remote(first)
        remote.send(engine_line("n1"))
        remote.until(b'"hello"')
        second.send_command_input(remote.shell, remote.command, PING)
        assert b'"pong"' in second.get_command_output_raw(remote.shell, remote.command)[0]
        second.cleanup_command(remote.shell, remote.command)
        second.close_shell(remote.shell)
    assert counts(endpoint)["plaintext_bodies"] == 0


def test_a_send_whose_reply_is_lost_was_delivered(world, endpoint):
    with pywinrm(endpoint) as first, pywinrm(endpoint) as second:
        remote = Remote(first)
        remote.send(engine_line("n1"))
        remote.until(b'"hello"')
        faults.add(world, faults.rule("drop-reply"))
        with pytest.raises(requests.exceptions.ConnectionError):
            remote.send(PING)
        assert b'"pong"' in second.get_command_output_raw(remote.shell, remote.command)[0]


def test_a_receive_whose_reply_is_lost_cannot_be_repeated(world, endpoint):
    with pywinrm(endpoint) as first, pywinrm(endpoint) as second:
        remote = Remote(first)
        remote.send(engine_line("n1"))
        remote.until(b'"hello"')
        remote.send(PING)
        faults.add(world, faults.rule("drop-reply", action="Receive"))
        with pytest.raises(requests.exceptions.ConnectionError):
            remote.receive()
        again = PING.replace(b'"p"', b'"q"')
        second.send_command_input(remote.shell, remote.command, again)
        assert second.get_command_output_raw(remote.shell, remote.command)[0] == b'\x1e{"type":"pong","id":"q","n":0}\n'


def test_many_clients_at_once(endpoint):
    failed: list[BaseException] = []

    def work() -> None:
        try:
            with pywinrm(endpoint) as protocol:
                remote = Remote(protocol)
                remote.send(engine_line("n1") + PING)
                remote.until(b'"pong"')
                protocol.close_shell(remote.shell)
        except BaseException as error:  # told below: a thread's own death would not fail the test
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert counts(endpoint)["powershell_starts"] == 8


@pytest.mark.powershell
def test_run_ps_runs_in_a_real_powershell(world):
    settings = Settings(USER, PASSWORD, powershell=require_pwsh())
    with open_endpoint(world, settings) as opened:
        (host,) = opened.describe()
        session = winrm.Session(
            host["url"], auth=(USER, PASSWORD), transport="basic", ca_trust_path=host["ca_file"], proxy=None
        )
        done = session.run_ps("@{ Name = 'web1' } | ConvertTo-Json -Compress; exit 3")
        session.protocol.transport.close_session()
        assert (done.status_code, done.std_out.strip()) == (3, b'{"Name":"web1"}')
        assert counts(opened)["powershell_starts"] == 1
