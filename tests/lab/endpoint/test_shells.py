"""Shells: whose they are, how many there may be, and when they end."""

from __future__ import annotations

import pytest

from hvctl.lab.endpoint import refusals
from hvctl.lab.endpoint.refusals import Refusal
from hvctl.lab.endpoint.shells import Limits, Shells, find_command
from hvctl.lab.endpoint.streams import Output

pytestmark = pytest.mark.unit


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Running:
    """A command that runs until it is killed."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self.killed = False

    def kill(self) -> None:
        self.killed = True
        self.output.close()
        self.output.finish(1)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def shells(clock):
    return Shells(Limits(shells=2, commands=2, users=2, idle=60), clock)


def refused(kind, call, *args, **options):
    with pytest.raises(Refusal) as caught:
        call(*args, **options)
    assert caught.value.kind is kind
    return caught.value.reason


def use(shells, host, user, shell_id):
    with shells.using(host, user, shell_id) as shell:
        return shell


def test_a_shell_is_found_by_its_id_whatever_its_case(shells):
    shell = shells.create("hv01", "Admin", shell_id="12345678-abcd-1234-1234-123456789012")
    assert shell.id == "12345678-ABCD-1234-1234-123456789012"
    assert use(shells, "hv01", "admin", shell.id.lower()) is shell


def test_an_unknown_shell(shells):
    assert "S1" in refused(refusals.NO_SHELL, use, shells, "hv01", "admin", "S1")


def test_a_shell_of_another_host_is_unknown(shells):
    shell = shells.create("hv01", "admin")
    refused(refusals.NO_SHELL, use, shells, "hv02", "admin", shell.id)


def test_a_shell_of_another_user_may_not_be_used(shells):
    shell = shells.create("hv01", "admin")
    refused(refusals.OTHER_USER, use, shells, "hv01", "eve", shell.id)
    refused(refusals.OTHER_USER, shells.delete, "hv01", "eve", shell.id)
    assert len(shells) == 1


def test_a_wished_id_that_is_taken(shells):
    shells.create("hv01", "admin", shell_id="S")
    refused(refusals.SHELL_EXISTS, shells.create, "hv01", "admin", shell_id="s")


def test_a_user_may_have_so_many_shells_on_a_host(shells):
    first = shells.create("hv01", "admin")
    shells.create("hv01", "ADMIN")
    assert "2" in refused(refusals.MAX_SHELLS, shells.create, "hv01", "admin")
    shells.create("hv02", "admin")
    shells.delete("hv01", "admin", first.id)
    shells.create("hv01", "admin")


def test_so_many_users_may_have_shells_on_a_host(shells):
    shells.create("hv01", "a")
    shells.create("hv01", "b")
    refused(refusals.MAX_USERS, shells.create, "hv01", "c")
    shells.create("hv01", "b")


def test_an_idle_shell_is_reaped_and_what_runs_in_it_killed(shells, clock):
    shell = shells.create("hv01", "admin")
    other = shells.create("hv01", "admin", idle=600)
    command = shells.add(shell, Running)
    clock.now += 59
    shells.reap()
    use(shells, "hv01", "admin", shell.id)
    clock.now += 59
    shells.reap()
    assert not command.backend.killed
    clock.now += 1
    shells.reap()
    assert command.backend.killed
    refused(refusals.NO_SHELL, use, shells, "hv01", "admin", shell.id)
    assert use(shells, "hv01", "admin", other.id) is other


def test_a_shell_in_use_is_not_idle(shells, clock):
    shell = shells.create("hv01", "admin")
    with shells.using("hv01", "admin", shell.id):
        clock.now += 3600
        shells.reap()
    shells.reap()
    assert len(shells) == 1


def test_a_deleted_shell_kills_what_runs_in_it(shells):
    shell = shells.create("hv01", "admin")
    commands = [shells.add(shell, Running) for _ in range(2)]
    shells.delete("hv01", "admin", shell.id)
    assert all(command.backend.killed for command in commands)
    refused(refusals.NO_SHELL, shells.delete, "hv01", "admin", shell.id)


def test_so_many_commands_may_run_in_a_shell(shells):
    shell = shells.create("hv01", "admin")
    first, _second = (shells.add(shell, Running) for _ in range(2))
    refused(refusals.MAX_COMMANDS, shells.add, shell, Running)
    first.output.finish(0)
    shells.add(shell, Running)


def test_a_command_is_found_by_its_id(shells):
    shell = shells.create("hv01", "admin")
    command = shells.add(shell, Running, "c1")
    assert find_command(shell, "C1") is command
    shells.forget(shell, command)
    refused(refusals.NO_COMMAND, find_command, shell, "C1")


def test_a_command_started_while_its_shell_was_deleted_is_killed(shells):
    shell = shells.create("hv01", "admin")
    begun = []

    def start(output):
        shells.delete("hv01", "admin", shell.id)
        begun.append(Running(output))
        return begun[0]

    refused(refusals.NO_SHELL, shells.add, shell, start)
    assert begun[0].killed


def test_closing_ends_everything(shells):
    shell = shells.create("hv01", "admin")
    command = shells.add(shell, Running)
    shells.close()
    assert command.backend.killed
    assert len(shells) == 0
