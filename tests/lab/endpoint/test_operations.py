"""The operations of the WinRM service: pywinrm's own messages in, its own reading of the replies out."""

from __future__ import annotations

import gzip
import json
import threading
import time
from base64 import b64encode

import pytest
import xmltodict
from tests.support.pwsh import require_pwsh
from tests.support.simulated import SimulatedHost
from tests.support.wsman import Remote, client
from winrm.exceptions import WinRMOperationTimeoutError, WSManFaultError

from hvctl.lab import guests
from hvctl.lab.endpoint import soap
from hvctl.lab.endpoint.shells import Limits
from hvctl.lab.endpoint.stats import Stats
from hvctl.lab.entities import Vm
from hvctl.lab.world import World
from hvctl.powershell.batch import Batch, Call, Ref, Step
from hvctl.powershell.bootstrap import encoded_command, engine_hash, engine_line
from hvctl.powershell.protocol import ClientProtocol

pytestmark = pytest.mark.lab


def code_of(call, *args, **options) -> int:
    """The code of the fault that a call ends in."""
    with pytest.raises(WSManFaultError) as caught:
        call(*args, **options)
    return caught.value.wsman_fault_code or caught.value.wmierror_code


def output_of(protocol, *command) -> tuple[bytes, bytes, int]:
    """What a command in a shell of its own prints, and its exit code."""
    shell = protocol.open_shell()
    command_id = protocol.run_command(shell, *command)
    try:
        return protocol.get_command_output(shell, command_id)
    finally:
        protocol.cleanup_command(shell, command_id)
        protocol.close_shell(shell)


def engine(protocol, nonce="n1", **shell) -> Remote:
    """A shell whose engine has said hello."""
    remote = Remote(protocol, **shell)
    remote.send(engine_line(nonce))
    remote.until(b'"hello"')
    return remote


def request(**fields: object) -> bytes:
    return b"\n" + json.dumps(fields).encode() + b"\n"


def create_vm(name: str = "web1") -> bytes:
    """A run request that makes a machine."""
    steps = Batch([Step("vm", Call("New-VM", {"Name": name, "Generation": 2, "NoVHD": True}), select=("Name",))])
    return ClientProtocol("n1", engine_hash()).run("r1", steps, deadline=60)


def names(lab_engine: Remote) -> bytes:
    steps = Batch([Step("vms", Call("Get-VM", {}), select=("Name",))])
    lab_engine.send(ClientProtocol("n1", engine_hash()).run("names", steps, deadline=60))
    return lab_engine.until(b'"done"')


# ---- the life of a command


def test_the_lab_s_engine_answers_hvctl(service):
    protocol = client(service)
    remote = Remote(protocol)
    remote.send(engine_line("n1"))
    hello = json.loads(remote.until(b"\n").strip(b"\x1e\n"))
    assert (hello["type"], hello["nonce"], hello["engine"], hello["host"]) == (
        "hello",
        "n1",
        engine_hash(),
        "HV01",
    )
    remote.send(create_vm())
    assert b'"Name":"web1"' in remote.until(b'"done"')
    remote.send(request(type="exit"))
    assert remote.rest() == (b"", b"", 0)
    protocol.cleanup_command(remote.shell, remote.command)
    protocol.close_shell(remote.shell)
    assert len(service.shells) == 0


def test_the_engine_s_line_may_come_in_pieces_and_with_the_first_request(service):
    remote = Remote(client(service))
    data = engine_line("n1") + request(type="ping", id="p")
    for start in range(0, len(data), 5000):
        remote.send(data[start : start + 5000])
    assert remote.until(b'"pong"').startswith(b'\x1e{"type":"hello"')


def test_the_end_of_stdin_ends_the_engine(service):
    remote = engine(client(service))
    remote.send(b"", end=True)
    assert remote.receive() == (b"", b"", 0, True)


def test_the_end_of_stdin_before_the_engine_arrives(service):
    remote = Remote(client(service))
    remote.send(b"half a li", end=True)
    assert remote.receive() == (b"", b"", 1, True)


@pytest.mark.parametrize(
    "line", [b"n1 " + b64encode(gzip.compress(b"another engine", mtime=0)) + b"\n", b"n1\n", b"n1 %%\n"]
)
def test_an_engine_that_did_not_arrive_as_it_was_sent(service, line):
    remote = Remote(client(service))
    remote.send(line)
    stdout, stderr, code = remote.rest()
    assert stdout.startswith(b'\x1e{"type":"error"')
    assert b'"Hvctl.EngineHash"' in stdout
    assert (stderr, code) == (b"", 1)


def test_each_host_has_its_own_engine(service):
    assert b'"host":"HV02"' in _hello(client(service, host="hv02"))
    assert b'"host":"HV01"' in _hello(client(service))


def _hello(protocol) -> bytes:
    remote = Remote(protocol)
    remote.send(engine_line("n1"))
    return remote.until(b"\n")


def test_two_engines_at_once_share_the_world(service):
    one, two = engine(client(service)), engine(client(service))
    one.send(create_vm())
    one.until(b'"done"')
    assert b"web1" in names(two)


def test_done_is_said_once(service):
    remote = engine(client(service))
    remote.send(request(type="exit"))
    assert remote.receive()[3]
    assert code_of(remote.receive) == 2150858843
    remote.protocol.cleanup_command(remote.shell, remote.command)


def test_a_send_after_the_end_finds_the_pipe_closed(service):
    protocol = client(service)
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "ipconfig")
    assert code_of(protocol.send_command_input, shell, command, b"x") == 232


# ---- Receive


def test_a_receive_without_output_times_out(service):
    remote = engine(client(service, timeout=1))
    with pytest.raises(WinRMOperationTimeoutError):
        remote.receive()
    remote.send(request(type="ping", id="p"))
    assert b"pong" in remote.receive()[0]


def test_a_receive_waits_for_output(service):
    remote = engine(client(service))
    other = client(service)
    timer = threading.Timer(0.1, other.send_command_input, (remote.shell, remote.command, request(type="ping", id="p")))
    timer.start()
    assert b"pong" in remote.receive()[0]
    timer.join()


def test_a_large_answer_comes_in_pieces_of_limited_size(service):
    remote = engine(client(service))
    steps = Batch([Step(f"s{n}", Call("Get-VMHost", {}), select=(".",)) for n in range(1500)])
    remote.send(ClientProtocol("n1", engine_hash()).run("r", steps, deadline=60))
    pieces = []
    while b'"done"' not in b"".join(pieces):
        pieces.append(remote.receive()[0])
    assert len(b"".join(pieces)) > 40_000
    assert max(map(len, pieces)) <= 32768
    assert max(len(reply) for reply in remote.protocol.transport.replies) < 153_600


def test_a_reply_fits_a_small_envelope(service):
    protocol = client(service)
    remote = engine(protocol)
    steps = Batch([Step(f"s{n}", Call("Get-VMHost", {}), select=(".",)) for n in range(100)])
    remote.send(ClientProtocol("n1", engine_hash()).run("r", steps, deadline=60))
    body = _receive(protocol, remote, "8192")
    assert 2000 < len(body) <= 8192


def _receive(protocol, remote, envelope: str) -> bytes:
    with protocol.transport.service.shells.using("hv01", "admin", remote.shell) as shell:
        shell.commands[remote.command].backend.settle(30)
    header = protocol.build_wsman_header(soap.ACTIONS["Receive"], soap.CMD, remote.shell)
    header["env:Header"]["w:MaxEnvelopeSize"]["#text"] = envelope
    body = {"rsp:Receive": {"rsp:DesiredStream": {"@CommandId": remote.command, "#text": "stdout stderr"}}}
    return protocol.send_message(xmltodict.unparse({"env:Envelope": {**header, "env:Body": body}}))


# ---- Signal, Delete


def test_a_terminated_command_is_gone(service):
    remote = engine(client(service))
    remote.protocol.cleanup_command(remote.shell, remote.command)
    assert code_of(remote.receive) == 2150858843
    remote.protocol.cleanup_command(remote.shell, remote.command)


def test_a_pending_receive_of_a_terminated_command_is_aborted(service):
    remote = engine(client(service))
    timer = threading.Timer(0.1, client(service).cleanup_command, (remote.shell, remote.command))
    timer.start()
    assert code_of(remote.receive) == 995
    timer.join()


def test_a_pending_receive_of_a_deleted_shell_is_aborted(service):
    remote = engine(client(service))
    timer = threading.Timer(0.1, client(service).close_shell, (remote.shell,))
    timer.start()
    assert code_of(remote.receive) == 995
    timer.join()
    assert code_of(remote.receive) == 2150858843


def test_ctrl_c_ends_the_engine(service):
    remote = engine(client(service))
    _signal(remote, "ctrl_c")
    stdout, stderr, code, done = remote.receive()
    assert (stdout, stderr, code & 0xFFFFFFFF, done) == (b"", b"", 0xC000013A, True)


def test_a_signal_that_does_not_exist(service):
    remote = engine(client(service))
    assert code_of(_signal, remote, "wave") == 2150858817


def _signal(remote, name: str) -> None:
    header = remote.protocol.build_wsman_header(soap.ACTIONS["Signal"], soap.CMD, remote.shell)
    body = {"rsp:Signal": {"@CommandId": remote.command, "rsp:Code": f"{soap.SHELL}/signal/{name}"}}
    remote.protocol.send_message(xmltodict.unparse({"env:Envelope": {**header, "env:Body": body}}))


def hang(world_file, remote: Remote) -> None:
    """Let the remote engine make a machine in a batch that then waits for a guest for ever."""
    SimulatedHost(world_file).new_running_vm("guest")
    with World.open(world_file) as world:
        guests.set_behaviour(world, "hv01", "guest", ignores_shutdown=True)
    undo = Call("Remove-VM", {"VM": Ref("vm"), "Force": True, "Confirm": False})
    made = Step("vm", Call("New-VM", {"Name": "half", "Generation": 2, "NoVHD": True}), select=("Name",), undo=undo)
    waits = Step("stop", Call("Stop-VM", {"Name": ["guest"]}))
    remote.send(ClientProtocol("n1", engine_hash()).run("r1", Batch([made, waits]), deadline=600))
    remote.until(b'"half"')


def vms(world_file) -> list[str]:
    with World.open(world_file) as world:
        return [vm.name for vm in world.find(Vm)]


def terminate(remote: Remote) -> None:
    remote.protocol.cleanup_command(remote.shell, remote.command)


def delete(remote: Remote) -> None:
    remote.protocol.close_shell(remote.shell)


def end_stdin(remote: Remote) -> None:
    remote.send(b"", end=True)


@pytest.mark.parametrize("end", [terminate, delete, end_stdin])
def test_an_engine_that_ends_midway_takes_back_what_it_began(world_file, service, end):
    remote = engine(client(service))
    hang(world_file, remote)
    assert sorted(vms(world_file)) == ["guest", "half"]
    with service.shells.using("hv01", "admin", remote.shell) as shell:
        output = shell.commands[remote.command].output
    end(remote)
    assert output.wait(30)
    assert vms(world_file) == ["guest"]


# ---- whose shell, and how many


def test_another_user_may_not_use_a_shell(service):
    remote = engine(client(service))
    eve = client(service, user="eve")
    assert code_of(eve.run_command, remote.shell, "ipconfig") == 2150859177
    assert code_of(eve.send_command_input, remote.shell, remote.command, b"x") == 2150859177
    assert code_of(eve.get_command_output_raw, remote.shell, remote.command) == 2150859177
    assert code_of(eve.cleanup_command, remote.shell, remote.command) == 2150859177
    assert code_of(eve.close_shell, remote.shell) == 2150859177
    remote.send(request(type="ping", id="p"))
    remote.until(b"pong")


def test_another_process_of_the_same_user_may(service):
    remote = engine(client(service))
    other = client(service)
    other.send_command_input(remote.shell, remote.command, request(type="ping", id="p"))
    assert b"pong" in other.get_command_output_raw(remote.shell, remote.command)[0]


def test_too_many_shells(serve):
    protocol = client(serve(limits=Limits(shells=1)))
    protocol.open_shell()
    assert code_of(protocol.open_shell) == 2150859173


def test_an_idle_shell_is_reaped(service):
    protocol = client(service)
    shell = protocol.open_shell(idle_timeout="PT0.2S")
    time.sleep(0.3)
    assert code_of(protocol.run_command, shell, "ipconfig") == 2150858843


def test_an_idle_time_out_that_is_no_duration(service):
    assert code_of(client(service).open_shell, idle_timeout=1800) == 2150858817


def test_get_tells_of_a_shell(service):
    protocol = client(service, user="admin")
    shell = protocol.open_shell(idle_timeout="PT600S")
    header = protocol.build_wsman_header(soap.ACTIONS["Get"], soap.SHELL, shell)
    told = protocol.send_message(xmltodict.unparse({"env:Envelope": {**header, "env:Body": None}})).decode()
    for element in (f"ShellId>{shell}<", "Owner>admin<", "IdleTimeOut>PT600.000S<", "ShellInactivity>P0DT0H0M0S<"):
        assert f"<rsp:{element}" in told


# ---- command lines


def test_a_program_that_is_not_powershell(service):
    stdout, stderr, code = output_of(client(service), "ipconfig", ["/all"])
    assert (stdout, code) == (b"", 1)
    assert stderr.startswith(b"'ipconfig' is not recognized")


def test_a_script_without_a_powershell(service):
    command = ("powershell", ["-encodedcommand", encoded_command("Get-VM")])
    stdout, stderr, code = output_of(client(service), *command)
    assert (stdout, code) == (b"", 1)
    assert b"--powershell" in stderr


def test_a_line_that_cmd_does_not_take_ends_without_a_word(service):
    assert output_of(client(service), "powershell", ["-encodedcommand", "A" * 8192]) == (b"", b"", 0)


def test_starts_of_powershell_are_counted(serve):
    stats = Stats()
    protocol = client(serve(stats=stats))
    engine(protocol)
    output_of(protocol, "ipconfig")
    assert json.loads(stats.as_json())["powershell_starts"] == 1


def test_a_start_may_be_slow(serve):
    remote = Remote(client(serve(start_delay=1.5), timeout=1))
    remote.send(engine_line("n1"))
    with pytest.raises(WinRMOperationTimeoutError):
        remote.receive()
    assert b"hello" in remote.receive()[0]


# ---- messages that no client sends


def test_what_is_no_envelope(service):
    reply = service.handle("hv01", "admin", b"<!DOCTYPE a><a/>")
    assert (reply.status, b"2150858819" in reply.body, b"RelatesTo" in reply.body) == (500, True, False)


def test_an_envelope_that_is_too_large(serve):
    service = serve(limits=Limits(envelope=5_000))
    assert code_of(Remote, client(service)) == 2150858823


@pytest.mark.parametrize(
    ("action", "resource", "code"),
    [
        ("urn:fly", soap.CMD, 2150858771),
        (soap.ACTIONS["Get"], "http://schemas.microsoft.com/wbem/wsman/1/config", 2150858752),
        (soap.ACTIONS["Command"], soap.CMD, 2150858817),
        (soap.ACTIONS["Send"], soap.CMD, 2150858817),
    ],
)
def test_what_the_service_does_not_have(service, action, resource, code):
    protocol = client(service)
    header = protocol.build_wsman_header(action, resource, protocol.open_shell())
    message = xmltodict.unparse({"env:Envelope": {**header, "env:Body": None}})
    assert code_of(protocol.send_message, message) == code


def test_a_closed_service_has_no_shells(service):
    remote = engine(client(service))
    timer = threading.Timer(0.1, service.close)
    timer.start()
    assert code_of(remote.receive) == 995
    timer.join()


# ---- a real PowerShell


@pytest.mark.powershell
def test_a_real_powershell_runs_the_engine(serve):
    remote = Remote(client(serve(powershell=require_pwsh())))
    remote.send(engine_line("a-nonce"))
    assert b'"nonce":"a-nonce"' in remote.until(b"\n")
    remote.send(request(type="ping", id="p"))
    assert b'"pong"' in remote.until(b'"pong"')
    remote.protocol.cleanup_command(remote.shell, remote.command)
    assert code_of(remote.receive) == 2150858843


@pytest.mark.powershell
def test_a_real_powershell_runs_a_script_in_the_shell_s_environment(serve):
    protocol = client(serve(powershell=require_pwsh()))
    shell = protocol.open_shell(env_vars={"GREETING": "hello"})
    script = "$env:GREETING; [Console]::Error.WriteLine('oh'); exit 3"
    command = protocol.run_command(shell, "powershell", ["-encodedcommand", encoded_command(script)])
    stdout, stderr, code = protocol.get_command_output(shell, command)
    assert (stdout.strip(), stderr.strip(), code) == (b"hello", b"oh", 3)
