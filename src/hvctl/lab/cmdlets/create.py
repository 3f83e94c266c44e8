"""New-VM."""

from __future__ import annotations

from collections.abc import Iterator

from hvctl.lab import disks, lookup, memory, paths
from hvctl.lab.cmdlets.drive import attach
from hvctl.lab.cmdlets.vm import config_files
from hvctl.lab.context import Args, Context, Handlers, Output, simulates
from hvctl.lab.entities import Drive, File, Nic, Vm
from hvctl.lab.kinds.host import RELEASES, versions
from hvctl.lab.kinds.vm import VIRTUAL_MACHINE
from hvctl.lab.live import Live
from hvctl.lab.problems import Problem

HANDLERS: Handlers = {}
_PARAMETERS = (
    "Name MemoryStartupBytes BootDevice NoVHD SwitchName VHDPath NewVHDPath NewVHDSizeBytes Path Version Generation"
    " Force"
)
_LONGEST_NAME = 100


@simulates(HANDLERS, "New-VM", VIRTUAL_MACHINE, _PARAMETERS)
def new_vm(context: Context, args: Args) -> Iterator[Output]:
    """Create a VM: one processor, one network adapter, a DVD drive on generation 1; all of it or nothing."""
    world = context.world
    vm = _new(context, args)
    memory.check(context, vm)
    _place(context, vm)
    world.add(vm)
    nic = _add_adapter(context, vm, args.get("SwitchName"), legacy=_wants_legacy(vm, args.get("BootDevice")))
    vm.boot_order.append(nic.id)
    if vm.generation == 1:
        attach(context, vm, "dvd", None, ("IDE", 1, 0))
    elif args.get("BootDevice") == "CD":
        vm.boot_order.insert(0, attach(context, vm, "dvd", None, ("SCSI", 0, 1)).id)
    disk = _disk(context, vm, args)
    if disk is not None:
        vm.boot_order.insert(0, disk.id)
    _boot_first(vm, args.get("BootDevice"), nic)
    world.save(vm)
    yield Live(world, VIRTUAL_MACHINE, vm)


def _new(context: Context, args: Args) -> Vm:
    world, host = context.world, context.host
    name = args.get("Name", "New Virtual Machine")
    if not name:
        raise Problem("name-empty")
    if len(name) > _LONGEST_NAME:
        raise Problem("name-long")
    version = args.get("Version") or RELEASES[host.windows][2]
    if version not in versions(host.windows):
        raise Problem("version", version=version)
    folder = host.virtual_machine_path if "Path" not in args else paths.join(args["Path"], name)
    generation = int(args.get("Generation") or 1)
    vm = Vm(
        id=world.new_id("vm"),
        host=host.name,
        name=name,
        generation=generation,
        version=version,
        path=paths.normalize(folder),
        created=world.now(),
        boot_order=[],
        startup_order=["CD", "IDE", "LegacyNetworkAdapter", "Floppy"],
        guest={},
        snapshot_location=paths.normalize(folder),
        smart_paging_path=paths.normalize(folder),
        memory_startup=args.get("MemoryStartupBytes") or world.setting("default_startup_memory"),
    )
    _check_boot_device(vm, args.get("BootDevice"))
    return vm


def _check_boot_device(vm: Vm, device: str | None) -> None:
    if vm.generation == 2 and device in ("Floppy", "LegacyNetworkAdapter", "IDE"):
        raise Problem("boot-device", generation=2, device=device)


def _wants_legacy(vm: Vm, device: str | None) -> bool:
    return vm.generation == 1 and device in ("NetworkAdapter", "LegacyNetworkAdapter")


def _place(context: Context, vm: Vm) -> None:
    world = context.world
    folder = paths.join(vm.path, "Virtual Machines")
    if not paths.is_valid(folder):
        raise Problem("new-vm-path", name=vm.name, id=vm.id.upper())
    try:
        disks.make_folder(world, vm.host, folder)
    except LookupError:
        raise Problem("new-vm-path", name=vm.name, id=vm.id.upper()) from None
    for path in config_files(vm):
        world.add(File(host=vm.host, key=paths.key(path), path=path, kind="config", disk={}))


def _add_adapter(context: Context, vm: Vm, switch_name: str | None, *, legacy: bool) -> Nic:
    switch = lookup.one_switch(context, switch_name, "switch-missing-connect") if switch_name else None
    nic = Nic(
        id=context.world.new_id("nic"),
        host=vm.host,
        vm=vm.id,
        name="Legacy Network Adapter" if legacy else "Network Adapter",
        legacy=legacy,
        allowed_vlans=[],
        secondary_vlans=[],
        switch=switch.id if switch else None,
    )
    context.world.add(nic)
    return nic


def _disk(context: Context, vm: Vm, args: Args) -> Drive | None:
    slot = ("IDE", 0, 0) if vm.generation == 1 else ("SCSI", 0, 0)
    if "VHDPath" in args:
        return attach(context, vm, "disk", args["VHDPath"], slot)
    if "NewVHDPath" not in args:
        return None
    path = _new_disk_path(context, vm, args)
    disks.make_folder(context.world, vm.host, paths.parent(path))
    new = disks.NewDisk(path=path, type="Dynamic", size=args["NewVHDSizeBytes"])
    return attach(context, vm, "disk", disks.make(context.world, vm.host, new).path, slot)


def _new_disk_path(context: Context, vm: Vm, args: Args) -> str:
    given: str = args["NewVHDPath"]
    if paths.suffix(given) != ".vhdx":
        raise Problem("new-vhd-extension")
    if paths.is_rooted(given):
        return paths.normalize(given)
    if "Path" in args:
        return paths.join(vm.path, "Virtual Hard Disks", given)
    return paths.join(context.host.virtual_hard_disk_path, given)


def _boot_first(vm: Vm, device: str | None, nic: Nic) -> None:
    if device is None:
        return
    if vm.generation == 2:
        if device == "NetworkAdapter":
            vm.boot_order.remove(nic.id)
            vm.boot_order.insert(0, nic.id)
        return
    first = {"VHD": "IDE", "NetworkAdapter": "LegacyNetworkAdapter"}.get(device, device)
    vm.startup_order.remove(first)
    vm.startup_order.insert(0, first)
