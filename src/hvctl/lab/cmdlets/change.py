"""Set-VM and Rename-VM."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hvctl.lab import lookup, memory, paths
from hvctl.lab.context import Args, Context, Handlers, Output, simulates
from hvctl.lab.entities import Snapshot, Vm
from hvctl.lab.kinds.vm import VIRTUAL_MACHINE
from hvctl.lab.live import Live
from hvctl.lab.problems import Problem

HANDLERS: Handlers = {}
_LONGEST_NAME = 100
_MOST_PROCESSORS = {"2016": 240, "2019": 240, "2022": 1024, "2025": 2048}
_MOST_PROCESSORS_GENERATION1 = 64

_SETTINGS: Mapping[str, str] = {
    "AutomaticStartAction": "start_action",
    "AutomaticStopAction": "stop_action",
    "AutomaticStartDelay": "start_delay",
    "AutomaticCriticalErrorAction": "critical_error_action",
    "AutomaticCriticalErrorActionTimeout": "critical_error_timeout",
    "AutomaticCheckpointsEnabled": "automatic_checkpoints",
    "CheckpointType": "checkpoint_type",
    "LockOnDisconnect": "lock_on_disconnect",
    "GuestControlledCacheTypes": "guest_controlled_cache_types",
    "LowMemoryMappedIoSpace": "low_mmio",
    "HighMemoryMappedIoSpace": "high_mmio",
    "Notes": "notes",
}
_PATHS: Mapping[str, str] = {
    "SnapshotFileLocation": "snapshot_location",
    "SmartPagingFilePath": "smart_paging_path",
}


@simulates(
    HANDLERS,
    "Set-VM",
    VIRTUAL_MACHINE,
    "Name VM NewVMName ProcessorCount DynamicMemory StaticMemory MemoryMinimumBytes MemoryMaximumBytes"
    " MemoryStartupBytes AllowUnverifiedPaths Passthru " + " ".join((*_SETTINGS, *_PATHS)),
)
def set_vm(context: Context, args: Args) -> Iterator[Output]:
    """Change settings of VMs; all that one call asks of a VM happens, or nothing."""
    if args.get("DynamicMemory") and args.get("StaticMemory"):
        raise Problem("dynamic-and-static")

    def change(vm: Vm) -> Iterator[Output]:
        for name, attribute in _SETTINGS.items():
            if args.get(name) is not None:
                setattr(vm, attribute, args[name])
        if args.get("SnapshotFileLocation") and context.world.find(Snapshot, vm=vm.id):
            raise Problem("snapshot-folder", name=vm.name)
        for name, attribute in _PATHS.items():
            if args.get(name):
                setattr(vm, attribute, paths.normalize(args[name]))
        if args.get("NewVMName") is not None:
            _rename(vm, args["NewVMName"])
        if args.get("ProcessorCount") is not None:
            _set_count(context, vm, args["ProcessorCount"])
        dynamic = True if args.get("DynamicMemory") else False if args.get("StaticMemory") else None
        wanted = {"startup": args.get("MemoryStartupBytes"), "dynamic": dynamic}
        limits = {"minimum": args.get("MemoryMinimumBytes"), "maximum": args.get("MemoryMaximumBytes")}
        _set_memory(context, vm, {**wanted, **limits})
        yield from _finish(context, vm, args)

    yield from context.each(lookup.vms(context, args), change)


@simulates(HANDLERS, "Rename-VM", VIRTUAL_MACHINE, "Name VM NewName Passthru")
def rename_vm(context: Context, args: Args) -> Iterator[Output]:
    """Give VMs another name; names need not be unique."""

    def rename(vm: Vm) -> Iterator[Output]:
        _rename(vm, args["NewName"])
        yield from _finish(context, vm, args)

    yield from context.each(lookup.vms(context, args), rename)


def _finish(context: Context, vm: Vm, args: Args) -> Iterator[Output]:
    context.world.save(vm)
    if args.get("Passthru"):
        yield Live(context.world, VIRTUAL_MACHINE, vm)


def _rename(vm: Vm, name: str) -> None:
    if not name:
        raise Problem("name-empty")
    if len(name) > _LONGEST_NAME:
        raise Problem("name-long")
    vm.name = name


def _require_off(vm: Vm, device: str) -> None:
    if vm.state != "Off":
        raise Problem("set-running", device=device, name=vm.name, id=vm.id.upper())


def _set_count(context: Context, vm: Vm, count: int) -> None:
    host = context.host
    of_generation = _MOST_PROCESSORS_GENERATION1 if vm.generation == 1 else _MOST_PROCESSORS[host.windows]
    most = min(host.logical_processors, of_generation)
    _require_off(vm, "Processor")
    if not 1 <= count <= most:
        raise Problem("processor-count", most=most)
    vm.processors = count


def _set_memory(context: Context, vm: Vm, wanted: Mapping[str, Any]) -> None:
    given = {name: value for name, value in wanted.items() if value is not None}
    if not given:
        return
    if given.get("dynamic") is False and given.keys() & {"minimum", "maximum"}:
        raise Problem("memory-static")
    if vm.state != "Off" and not _may_while_on(vm, given):
        _require_off(vm, "Memory")
    vm.dynamic_memory = given.get("dynamic", vm.dynamic_memory)
    vm.memory_startup = given.get("startup", vm.memory_startup)
    vm.memory_minimum = given.get("minimum", vm.memory_minimum)
    vm.memory_maximum = given.get("maximum", vm.memory_maximum)
    memory.check(context, vm)


def _may_while_on(vm: Vm, given: Mapping[str, Any]) -> bool:
    """A running VM with dynamic memory can be given a lower minimum and a higher maximum."""
    return (
        vm.state == "Running"
        and vm.dynamic_memory
        and not given.keys() & {"startup", "dynamic"}
        and given.get("minimum", vm.memory_minimum) <= vm.memory_minimum
        and given.get("maximum", vm.memory_maximum) >= vm.memory_maximum
    )
