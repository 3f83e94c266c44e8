"""Get-VMFirmware, Set-VMFirmware and Set-VMBios: what boots first, and Secure Boot."""

from __future__ import annotations

from collections.abc import Iterator

from hvctl.lab import lookup
from hvctl.lab.context import Args, Context, Handlers, Output, simulates
from hvctl.lab.entities import Vm
from hvctl.lab.kinds.vm import BIOS, FIRMWARE, TEMPLATES
from hvctl.lab.live import Live
from hvctl.lab.problems import Problem

HANDLERS: Handlers = {}
_STARTUP = ("CD", "IDE", "LegacyNetworkAdapter", "Floppy")
_SYNONYMS = {"VHD": "IDE", "NetworkAdapter": "LegacyNetworkAdapter"}
_SIMPLE = {
    "PreferredNetworkBootProtocol": "network_boot_protocol",
    "ConsoleMode": "console_mode",
    "PauseAfterBootFailure": "pause_after_boot_failure",
}


@simulates(HANDLERS, "Get-VMFirmware", FIRMWARE, "VMName VM")
def get_firmware(context: Context, args: Args) -> Iterator[Output]:
    """The firmware settings of generation 2 VMs."""

    def get(vm: Vm) -> Iterator[Output]:
        _require_generation2(vm)
        yield Live(context.world, FIRMWARE, vm)

    yield from context.each(lookup.vms(context, args), get)


@simulates(
    HANDLERS,
    "Set-VMFirmware",
    FIRMWARE,
    "VMName VM VMFirmware BootOrder FirstBootDevice EnableSecureBoot SecureBootTemplate Passthru " + " ".join(_SIMPLE),
)
def set_firmware(context: Context, args: Args) -> Iterator[Output]:
    """Change the firmware settings of generation 2 VMs."""

    def change(vm: Vm) -> Iterator[Output]:
        _require_generation2(vm)
        if args.get("BootOrder") is not None:
            vm.boot_order = [_device(vm, live) for live in args["BootOrder"]]
        if args.get("FirstBootDevice") is not None:
            first = _device(vm, args["FirstBootDevice"])
            vm.boot_order = [first, *(each for each in vm.boot_order if each != first)]
        _set_secure_boot(vm, args)
        for name, attribute in _SIMPLE.items():
            if args.get(name) is not None:
                setattr(vm, attribute, args[name])
        context.world.save(vm)
        if args.get("Passthru"):
            yield Live(context.world, FIRMWARE, vm)

    yield from context.each(_vms(context, args, "VMFirmware"), change)


def _set_secure_boot(vm: Vm, args: Args) -> None:
    wanted, template = args.get("EnableSecureBoot"), args.get("SecureBootTemplate")
    if wanted is None and template is None:
        return
    if vm.state != "Off":
        raise Problem("set-running", device="Firmware", name=vm.name, id=vm.id.upper())
    if wanted is not None:
        vm.secure_boot = wanted
    if template is not None:
        known = {name.lower(): name for name in TEMPLATES}
        if template.lower() not in known:
            raise Problem("template-unknown", name=template)
        vm.secure_boot_template = known[template.lower()]


def _device(vm: Vm, live: Live) -> str:
    """The id of a boot device: given itself, or as the boot source that stands for it."""
    device = live.entity[1] if live.kind.name == "VMBootSource" else live.entity.id
    owner = live.entity[0].id if live.kind.name == "VMBootSource" else live.entity.vm
    if owner != vm.id:
        raise Problem("boot-order-foreign", name=vm.name)
    return str(device)


@simulates(HANDLERS, "Set-VMBios", BIOS, "VMName VM VMBios StartupOrder EnableNumLock DisableNumLock Passthru")
def set_bios(context: Context, args: Args) -> Iterator[Output]:
    """Change the BIOS settings of generation 1 VMs."""

    def change(vm: Vm) -> Iterator[Output]:
        if vm.generation != 1:
            raise Problem("bios-generation2", name=vm.name)
        if vm.state != "Off":
            raise Problem("set-running", device="BIOS", name=vm.name, id=vm.id.upper())
        if args.get("StartupOrder") is not None:
            order = [_SYNONYMS.get(device, device) for device in args["StartupOrder"]]
            if sorted(order) != sorted(_STARTUP):
                raise Problem("startup-order")
            vm.startup_order = order
        if args.get("EnableNumLock") or args.get("DisableNumLock"):
            vm.num_lock = bool(args.get("EnableNumLock"))
        context.world.save(vm)
        if args.get("Passthru"):
            yield Live(context.world, BIOS, vm)

    yield from context.each(_vms(context, args, "VMBios"), change)


def _vms(context: Context, args: Args, settings: str) -> Iterator[Vm]:
    return lookup.vms(context, {"VM": args[settings]} if settings in args else args)


def _require_generation2(vm: Vm) -> None:
    if vm.generation != 2:
        raise Problem("firmware-generation1", name=vm.name)
