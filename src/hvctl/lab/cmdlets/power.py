"""Start-VM, Stop-VM, Save-VM, Suspend-VM, Resume-VM and Restart-VM: the state machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hvctl.lab import guests, lookup, power
from hvctl.lab.context import NEVER, Args, Context, Handlers, Output, Wait, simulates
from hvctl.lab.entities import Vm
from hvctl.lab.kinds.vm import VIRTUAL_MACHINE
from hvctl.lab.live import Live
from hvctl.lab.problems import Problem

HANDLERS: Handlers = {}
ALREADY = "The virtual machine is already in the specified state."
_FORCED_SHUTDOWN = 300.0
"""Seconds that Stop-VM -Force gives the guest."""
Action = Callable[[Vm], Iterator[Output]]


def _each(context: Context, args: Args, action: Action) -> Iterator[Output]:
    def act(vm: Vm) -> Iterator[Output]:
        yield from action(vm)
        if args.get("Passthru"):
            yield Live(context.world, VIRTUAL_MACHINE, lookup.one_vm(context, vm))

    yield from context.each(lookup.vms(context, args), act)


@simulates(HANDLERS, "Start-VM", VIRTUAL_MACHINE, "Name VM Passthru")
def start_vm(context: Context, args: Args) -> Iterator[Output]:
    """Start VMs that are off or saved; a paused one goes on, with a warning."""

    def start(vm: Vm) -> Iterator[Output]:
        if vm.state == "Running":
            context.warn(ALREADY)
        elif vm.state == "Paused":
            context.warn(f'The virtual machine "{vm.name}" was paused. Use the Resume-VM cmdlet to resume it.')
            _resume(context, vm)
        elif vm.state in ("Off", "Saved"):
            power.power_on(context, vm)
        else:
            raise Problem("state", name=vm.name)
        yield from ()

    yield from _each(context, args, start)


@simulates(HANDLERS, "Stop-VM", VIRTUAL_MACHINE, "Name VM Save TurnOff Force Passthru")
def stop_vm(context: Context, args: Args) -> Iterator[Output]:
    """Shut guests down, or with -TurnOff pull the plug, or with -Save save."""
    if args.get("Save") and args.get("TurnOff"):
        raise Problem("exclusive-save-turnoff")

    def stop(vm: Vm) -> Iterator[Output]:
        if args.get("Save"):
            _save(context, vm)
        elif vm.state == "Off":
            context.warn(ALREADY)
        elif args.get("TurnOff"):
            if vm.state not in ("Running", "Paused", "Saved"):
                raise Problem("state", name=vm.name)
            power.power_off(context, vm)
        elif guests.answers(context.world, vm):
            yield from _shut_down(context, vm, force=bool(args.get("Force")))
        elif args.get("Force"):
            power.power_off(context, vm)
        else:
            raise Problem("prompt")

    yield from _each(context, args, stop)


def _shut_down(context: Context, vm: Vm, *, force: bool) -> Iterator[Output]:
    world = context.world
    seconds = float(guests.behaviour(world, vm, "shutdown"))
    if guests.behaviour(world, vm, "ignores_shutdown"):
        yield from _wait_in_vain(context, vm, force=force)
        return
    if seconds <= 0:
        power.power_off(context, vm)
        return
    due = world.now() + seconds
    vm.state, vm.target, vm.until = "Stopping", "Off", due
    world.save(vm)
    context.sink.progress("Stop-VM", f"Shutting down {vm.name}", None, seconds)
    yield Wait(due)
    now = lookup.one_vm(context, vm)
    if now.state == "Off":
        power.power_off(context, now)


def _wait_in_vain(context: Context, vm: Vm, *, force: bool) -> Iterator[Output]:
    """A guest that takes the request and goes on; only a forced shutdown ever gives up on it."""
    if not force:
        yield Wait(NEVER)
        return
    yield Wait(context.world.now() + _FORCED_SHUTDOWN)
    now = lookup.one_vm(context, vm)
    if context.world.setting("stop_force_turns_off") and now.state == "Running":
        power.power_off(context, now)
        context.keep()
    context.fail(Problem("shutdown-failed", name=vm.name, id=vm.id.upper()))


@simulates(HANDLERS, "Save-VM", VIRTUAL_MACHINE, "Name VM Passthru")
def save_vm(context: Context, args: Args) -> Iterator[Output]:
    """Save the state of running or paused VMs."""

    def save(vm: Vm) -> Iterator[Output]:
        _save(context, vm)
        yield from ()

    yield from _each(context, args, save)


def _save(context: Context, vm: Vm) -> None:
    if vm.state == "Saved":
        context.warn(ALREADY)
    elif vm.state in ("Running", "Paused"):
        power.power_off(context, vm, "Saved")
    else:
        raise Problem("state", name=vm.name)


@simulates(HANDLERS, "Suspend-VM", VIRTUAL_MACHINE, "Name VM Passthru")
def suspend_vm(context: Context, args: Args) -> Iterator[Output]:
    """Pause running VMs."""

    def suspend(vm: Vm) -> Iterator[Output]:
        if vm.state == "Paused":
            context.warn(ALREADY)
        elif vm.state == "Running":
            assert vm.started is not None
            vm.uptime += context.world.now() - vm.started
            vm.state = "Paused"
            context.world.save(vm)
        else:
            raise Problem("state", name=vm.name)
        yield from ()

    yield from _each(context, args, suspend)


@simulates(HANDLERS, "Resume-VM", VIRTUAL_MACHINE, "Name VM Passthru")
def resume_vm(context: Context, args: Args) -> Iterator[Output]:
    """Let paused VMs go on; a saved one must be started."""

    def resume(vm: Vm) -> Iterator[Output]:
        if vm.state == "Running":
            context.warn(ALREADY)
        elif vm.state == "Paused":
            _resume(context, vm)
        else:
            raise Problem("state", name=vm.name)
        yield from ()

    yield from _each(context, args, resume)


def _resume(context: Context, vm: Vm) -> None:
    vm.state, vm.started = "Running", context.world.now()
    context.world.save(vm)


@simulates(HANDLERS, "Restart-VM", VIRTUAL_MACHINE, "Name VM Force Wait For Delay Timeout Passthru")
def restart_vm(context: Context, args: Args) -> Iterator[Output]:
    """Reset running VMs, as power off and on do; with -Wait, until the guest is up again."""

    def restart(vm: Vm) -> Iterator[Output]:
        if vm.state != "Running":
            raise Problem("state", name=vm.name)
        if not args.get("Force"):
            raise Problem("prompt")
        power.run(context, vm)
        if args.get("Wait"):
            yield Wait(_up_at(context, vm, args))

    yield from _each(context, args, restart)


def _up_at(context: Context, vm: Vm, args: Args) -> float:
    """When -Wait ends: once the guest is up, or at its -Timeout, without an error."""
    world = context.world
    needed = ("answers", "addresses") if args.get("For") == "IPAddress" else ("answers",)
    comes_up = vm.booted_at is not None and all(guests.behaviour(world, vm, trait) for trait in needed)
    up_at = vm.booted_at if comes_up and vm.booted_at is not None else NEVER
    timeout = args.get("Timeout")
    return up_at if timeout is None or timeout < 0 else min(up_at, world.now() + float(timeout))
