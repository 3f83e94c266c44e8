"""Hard disk and DVD drives: Get-, Add- and Set- cmdlets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hvctl.lab import lookup, paths
from hvctl.lab.context import Args, Context, Handlers, Output, simulates
from hvctl.lab.entities import Drive, Vm
from hvctl.lab.kinds.storage import DVD_DRIVE, HARD_DISK_DRIVE, holders, slot
from hvctl.lab.live import Live
from hvctl.lab.problems import Problem

HANDLERS: Handlers = {}
Slot = tuple[str, int, int]
_DEVICES = {"disk": "Virtual Hard Disk", "dvd": "Virtual CD/DVD Disk"}
_KINDS = {"disk": HARD_DISK_DRIVE, "dvd": DVD_DRIVE}
_ON = ("Running", "Paused", "Stopping", "Starting")
_SCSI_CONTROLLERS = 1
"""New-VM makes one; the lab has no cmdlet yet that adds another."""


@simulates(
    HANDLERS, "Get-VMHardDiskDrive", HARD_DISK_DRIVE, "VMName VM ControllerType ControllerNumber ControllerLocation"
)
def get_hard_disk_drive(context: Context, args: Args) -> Iterator[Output]:
    """The hard disk drives of VMs."""
    yield from _drives(context, args, "disk")


@simulates(HANDLERS, "Get-VMDvdDrive", DVD_DRIVE, "VMName VM ControllerNumber ControllerLocation")
def get_dvd_drive(context: Context, args: Args) -> Iterator[Output]:
    """The DVD drives of VMs."""
    yield from _drives(context, args, "dvd")


def _drives(context: Context, args: Args, kind: str) -> Iterator[Output]:
    by_vm: dict[str, list[Drive]] = {}
    for drive in context.world.find(Drive, host=context.host.name):
        if drive.kind == kind and _wanted(drive, args):
            by_vm.setdefault(drive.vm, []).append(drive)
    for vm in lookup.vms(context, args):
        for drive in sorted(by_vm.get(vm.id, ()), key=slot):
            yield Live(context.world, _KINDS[kind], drive)


def _wanted(drive: Drive, args: Args) -> bool:
    has = {"ControllerType": drive.controller, "ControllerNumber": drive.number, "ControllerLocation": drive.location}
    return all(args.get(name) is None or args[name] == value for name, value in has.items())


@simulates(
    HANDLERS,
    "Add-VMHardDiskDrive",
    HARD_DISK_DRIVE,
    "VMName VM ControllerType ControllerNumber ControllerLocation Path AllowUnverifiedPaths Passthru",
)
def add_hard_disk_drive(context: Context, args: Args) -> Iterator[Output]:
    """Plug a hard disk drive into VMs, at the first free place unless told where: IDE first, then SCSI."""
    yield from _add(context, args, "disk")


@simulates(
    HANDLERS,
    "Add-VMDvdDrive",
    DVD_DRIVE,
    "VMName VM ControllerNumber ControllerLocation Path AllowUnverifiedPaths Passthru",
)
def add_dvd_drive(context: Context, args: Args) -> Iterator[Output]:
    """Plug a DVD drive into VMs: on IDE in generation 1, on SCSI in generation 2."""
    yield from _add(context, args, "dvd")


def _add(context: Context, args: Args, kind: str) -> Iterator[Output]:
    def add(vm: Vm) -> Iterator[Output]:
        place = _free_slot(context, vm, args, kind)
        drive = attach(context, vm, kind, args.get("Path") or None, place)
        vm.boot_order.append(drive.id)
        context.world.save(vm)
        if args.get("Passthru"):
            yield Live(context.world, _KINDS[kind], drive)

    yield from context.each(lookup.vms(context, args), add)


@simulates(HANDLERS, "Set-VMHardDiskDrive", HARD_DISK_DRIVE, "VMHardDiskDrive Path AllowUnverifiedPaths Passthru")
def set_hard_disk_drive(context: Context, args: Args) -> Iterator[Output]:
    """Put another disk into drives; those on IDE need their VM off."""

    def change(drive: Drive) -> Iterator[Output]:
        vm = context.world.get(Vm, drive.vm)
        if vm is None:
            raise Problem("object-gone", kind="virtual machine")
        if drive.controller == "IDE" and vm.state in _ON:
            raise Problem("ide-running", name=vm.name, id=vm.id.upper(), device=_DEVICES["disk"])
        if args.get("Path"):
            drive.path = _checked_path(context, vm, "disk", args["Path"])
        context.world.save(drive)
        if args.get("Passthru"):
            yield Live(context.world, HARD_DISK_DRIVE, drive)

    yield from context.each(_given_drives(context, args["VMHardDiskDrive"]), change)


@simulates(HANDLERS, "Set-VMDvdDrive", DVD_DRIVE, "VMDvdDrive VMName ControllerNumber ControllerLocation Path Passthru")
def set_dvd_drive(context: Context, args: Args) -> Iterator[Output]:
    """Insert another image, or with a null path take it out."""

    def change(drive: Drive) -> Iterator[Output]:
        vm = context.world.get(Vm, drive.vm)
        if vm is None:
            raise Problem("object-gone", kind="virtual machine")
        if "Path" in args:
            drive.path = _checked_path(context, vm, "dvd", args["Path"] or None)
        context.world.save(drive)
        if args.get("Passthru"):
            yield Live(context.world, DVD_DRIVE, drive)

    yield from context.each(_dvd_drives(context, args), change)


def _given_drives(context: Context, given: Iterable[Live]) -> Iterator[Drive]:
    for live in given:
        drive = context.world.get(Drive, live.entity.id)
        if drive is None:
            context.fail(Problem("object-gone", kind="drive"))
        else:
            yield drive


def _dvd_drives(context: Context, args: Args) -> Iterator[Drive]:
    if "VMDvdDrive" in args:
        yield from _given_drives(context, args["VMDvdDrive"])
        return
    for vm in lookup.vms(context, args):
        found = [each for each in context.world.find(Drive, vm=vm.id) if each.kind == "dvd" and _wanted(each, args)]
        if not found:
            number, location = args.get("ControllerNumber") or 0, args.get("ControllerLocation") or 0
            context.fail(Problem("drive-missing", name=vm.name, number=number, location=location))
        yield from found


def attach(context: Context, vm: Vm, kind: str, path: str | None, place: Slot) -> Drive:
    """Plug a drive in at a place.

    Raises:
        Problem: The place is taken, or what is to go into the drive cannot.
    """
    world = context.world
    controller, number, location = place
    drive_id = world.new_id("drive")
    if any(slot(each) == place for each in world.find(Drive, vm=vm.id)):
        raise Problem("drive-taken", name=vm.name, controller=controller, number=number, location=location)
    if controller == "IDE" and vm.state in _ON:
        raise Problem("ide-running", name=vm.name, id=vm.id.upper(), device=_DEVICES[kind])
    drive = Drive(
        id=drive_id,
        host=vm.host,
        vm=vm.id,
        kind=kind,
        controller=controller,
        number=number,
        location=location,
        path=_checked_path(context, vm, kind, path),
    )
    world.add(drive)
    return drive


def _checked_path(context: Context, vm: Vm, kind: str, path: str | None) -> str | None:
    if path is None:
        return None
    world = context.world
    about = {"name": vm.name, "id": vm.id.upper(), "device": _DEVICES[kind], "path": path}
    if kind == "disk" and vm.generation == 2 and paths.suffix(path) in (".vhd", ".avhd"):
        raise Problem("generation2-vhd")
    file = world.file(vm.host, path)
    if file is None or file.kind == "folder":
        raise Problem("attachment-missing", **about)
    if file.kind != ("vhd" if kind == "disk" else "iso"):
        raise Problem("attachment-kind", **about)
    if kind == "disk":
        if world.find(Drive, vm=vm.id, key=file.key):
            raise Problem("attached-twice", **about)
        if vm.state in _ON and holders(world, file):
            raise Problem("attachment-busy", **about)
    return file.path


def _free_slot(context: Context, vm: Vm, args: Args, kind: str) -> Slot:
    wanted = args.get("ControllerType")
    number, location = args.get("ControllerNumber"), args.get("ControllerLocation")
    places = [
        place
        for place in _places(vm, kind)
        if wanted in (None, place[0]) and number in (None, place[1]) and location in (None, place[2])
    ]
    if not places:
        raise Problem(
            "controller-missing", name=vm.name, controller=wanted or "a", number=number or 0, location=location or 0
        )
    taken = {slot(drive) for drive in context.world.find(Drive, vm=vm.id)}
    free = [place for place in places if place not in taken]
    if free:
        return free[0]
    if len(places) == 1:
        controller, at, where = places[0]
        raise Problem("drive-taken", name=vm.name, controller=controller, number=at, location=where)
    raise Problem("controllers-full", name=vm.name)


def _places(vm: Vm, kind: str) -> list[Slot]:
    scsi = [("SCSI", number, location) for number in range(_SCSI_CONTROLLERS) for location in range(64)]
    ide = [("IDE", number, location) for number in (0, 1) for location in (0, 1)]
    if vm.generation == 2:
        return scsi
    return ide if kind == "dvd" else ide + scsi
