"""What happens to a VM when its power state changes: memory, disks, addresses, the guest."""

from __future__ import annotations

from hvctl.lab import checkpoints, disks, guests, memory
from hvctl.lab.context import Context
from hvctl.lab.entities import Drive, Nic, Snapshot, Vm
from hvctl.lab.kinds.host import mac_range
from hvctl.lab.kinds.storage import holders
from hvctl.lab.problems import Problem

NO_MAC = "000000000000"
_MISSING = ("The system cannot find the file specified.", "0x80070002")
_BUSY = ("The process cannot access the file because it is being used by another process.", "0x80070020")
_MISMATCH = (
    "The chain of virtual hard disks is corrupted. There is a mismatch in the identifiers of the parent virtual hard"
    " disk and differencing disk."
)
_BROKEN = (_MISMATCH, "0xC03A000E")
_CONTROLLERS = {"SCSI": "Synthetic SCSI Controller", "IDE": "Microsoft Emulated IDE Controller"}


def power_on(context: Context, vm: Vm) -> None:
    """Start an off or saved VM.

    Raises:
        Problem: A disk is missing or in use, or the host lacks memory.
    """
    world = context.world
    resumed = vm.state == "Saved"
    if vm.automatic_checkpoints and not resumed and vm.snapshot is None:
        name = f"Automatic Checkpoint - {vm.name}"[: checkpoints.LONGEST_NAME]
        checkpoints.take(context, vm, name, automatic=True)
    for drive in world.find(Drive, vm=vm.id):
        _check_drive(context, vm, drive)
    if vm.memory_startup > memory.free(context):
        raise Problem("out-of-memory", name=vm.name)
    for nic in world.find(Nic, vm=vm.id):
        if nic.dynamic_mac and nic.mac == NO_MAC:
            nic.mac = _new_mac(context, vm)
            world.save(nic)
    if guests.has_guest(world, vm):
        _write(context, vm)
    vm.memory_assigned = vm.memory_startup
    run(context, vm, boot=0 if resumed else None)


def run(context: Context, vm: Vm, boot: float | None = None) -> None:
    """Let a VM run from now on; its guest, if there is one, is up after `boot` seconds or as long as it takes."""
    world = context.world
    now = world.now()
    if boot is None:
        vm.memory_image = f"boot at {now:.3f}"
        boot = float(guests.behaviour(world, vm, "boot"))
    vm.state, vm.until, vm.target = "Running", None, None
    vm.started, vm.uptime = now, 0
    vm.booted_at = now + boot if guests.has_guest(world, vm) else None
    world.save(vm)


def power_off(context: Context, vm: Vm, state: str = "Off") -> None:
    """End a VM's run: off, or saved."""
    vm.state, vm.until, vm.target = state, None, None
    vm.started, vm.uptime, vm.booted_at, vm.memory_assigned = None, 0, None, 0
    if state == "Off":
        vm.memory_image = None
    context.world.save(vm)
    based_on = context.world.get(Snapshot, vm.snapshot) if vm.snapshot and state == "Off" else None
    if based_on is not None and based_on.automatic:
        checkpoints.remove(context.world, vm, [based_on])


def _check_drive(context: Context, vm: Vm, drive: Drive) -> None:
    if drive.path is None:
        return
    world = context.world
    file = world.file(vm.host, drive.path)
    if file is None:
        raise Problem("disk-missing-start", **_about(vm, drive, *_MISSING))
    try:
        disks.chain(world, file)
    except Problem as problem:
        missing = problem.situation == "vhd-missing"
        situation = "disk-missing-start" if missing else "disk-broken-start"
        raise Problem(situation, **_about(vm, drive, *(_MISSING if missing else _BROKEN))) from None
    if drive.kind == "disk" and any(holder.id != vm.id for holder in holders(world, file)):
        raise Problem("disk-busy-start", **_about(vm, drive, *_BUSY))


def _write(context: Context, vm: Vm) -> None:
    """Let a guest write to its disks as it does at every start: what differs from one of them is broken then."""
    for drive in context.world.find(Drive, vm=vm.id):
        file = context.world.file(vm.host, drive.path) if drive.kind == "disk" and drive.path else None
        if file is not None and ("minimum" not in file.disk or disks.children(context.world, file)):
            disks.write(context.world, file)


def _about(vm: Vm, drive: Drive, reason: str, code: str) -> dict[str, str]:
    return {
        "name": vm.name,
        "id": vm.id.upper(),
        "controller": _CONTROLLERS[drive.controller],
        "instance": drive.id.upper(),
        "path": drive.path or "",
        "reason": reason,
        "code": code,
    }


def _new_mac(context: Context, vm: Vm) -> str:
    world = context.world
    first, last = mac_range(context.host)
    counter = f"mac/{context.host.name}"
    offset = int(world.meta(counter) or 0)
    if first + offset > last:
        raise Problem("no-mac", name=vm.name, id=vm.id.upper())
    world.set_meta(counter, offset + 1)
    return f"{first + offset:012X}"
