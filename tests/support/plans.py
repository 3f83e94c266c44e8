"""Every batch that the services can make: strategies over each field of each spec model, and a fixed set of examples.

`PLANS` has an entry a plan function of `hvctl.services`. What is drawn from it is judged by the reference, by the rules
on prompts and by PowerShell's own binder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st
from tests.support import checkpoint_plans, migrate_plans, storage_plans, vhd_plans

from hvctl.errors import ConflictError
from hvctl.models.base import Record
from hvctl.models.switch import SwitchCreate, SwitchDetails, VirtualSwitch
from hvctl.models.vm import MIB, STATES, VmChange, VmCreate, VmRename, VmSummary
from hvctl.powershell.batch import Batch, Call
from hvctl.services.disks import Disks, plan_disks, plan_parents
from hvctl.services.host import plan_show
from hvctl.services.host_check import plan_check
from hvctl.services.switch import SwitchState, plan_users
from hvctl.services.switch import plan_create as plan_create_switch
from hvctl.services.switch import plan_delete as plan_delete_switch
from hvctl.services.switch import plan_list as plan_list_switches
from hvctl.services.vm import power
from hvctl.services.vm.change import plan_rename, plan_set
from hvctl.services.vm.create import plan_create, plan_look
from hvctl.services.vm.delete import Owners, plan_delete, plan_owners
from hvctl.services.vm.files import plan_round
from hvctl.services.vm.read import VmSettings, VmState, plan_details, plan_list

HOST = "hv01"
DISK_FOLDER = r"C:\VMs\Virtual Hard Disks"
VERBS = (power.START, power.STOP, power.TURN_OFF, power.SAVE, power.SUSPEND, power.RESUME, power.RESET)

FIELD_VALUES: dict[type[Any], dict[str, list[Any]]] = {
    VmCreate: {
        "name": ["web1", "'; Remove-VM *", "Müller [x]* 🙂"],
        "generation": [1, 2],
        "memory": [32 * MIB, 1024 * MIB, 4096 * MIB],
        "memory_minimum": [32 * MIB],
        "memory_maximum": [8192 * MIB],
        "dynamic_memory": [True, False],
        "processors": [1, 8, 2048],
        "disk": [3 * MIB, 60 << 30, 64 << 40],
        "disk_path": [r"D:\Disks", r"D:\Disks\a.vhdx", r"\\server\share\a.vhdx", "D:\\"],
        "attach": [r"C:\VMs\old.vhdx", r"\\server\share\old.vhds"],
        "iso": [r"C:\ISO\setup.iso", r"\\server\iso\setup.ISO"],
        "switch": ["lan", "[lan]*"],
        "vlan": [1, 4094],
        "secure_boot_template": ["MicrosoftWindows", "MicrosoftUEFICertificateAuthority", "OpenSourceShieldedVM"],
        "path": [r"D:\VMs", r"\\server\share\VMs"],
        "notes": ["", "it's “mine”\nand yours", "$(x)"],
        "start": [True, False],
    },
    VmChange: {
        "memory": [32 * MIB, 2048 * MIB],
        "memory_minimum": [32 * MIB],
        "memory_maximum": [8192 * MIB],
        "dynamic_memory": [True, False],
        "processors": [2, 2048],
        "notes": ["", "new"],
        "automatic_start_action": ["Nothing", "StartIfRunning", "Start"],
        "automatic_start_delay": [0, 2147483647],
        "automatic_stop_action": ["TurnOff", "Save", "ShutDown"],
        "checkpoint_type": ["Disabled", "Production", "ProductionOnly", "Standard"],
    },
    VmRename: {"new_name": ["web2", "'; Remove-VM *"]},
    SwitchCreate: {
        "name": ["lan", "[lan]*"],
        "type": ["Private", "Internal", "External"],
        "adapter": ["Ethernet", "Ethernet [2]"],
        "management_os": [True, False],
        "notes": ["", "it's mine"],
    },
}
"""Values of every field of every spec model; each must make a difference to a plan."""

NEEDS: dict[tuple[type[Any], str], dict[str, Any]] = {
    (VmCreate, "disk_path"): {"disk": 1 << 30},
    (VmCreate, "vlan"): {"switch": "lan"},
    (SwitchCreate, "type=External"): {"adapter": "Ethernet"},
    (SwitchCreate, "adapter"): {"type": "External"},
    (SwitchCreate, "management_os"): {"type": "External", "adapter": "Ethernet"},
}
"""What a field of a spec, or a value of it, cannot do without."""

BASE: dict[type[Any], dict[str, Any]] = {
    VmCreate: {"name": "base"},
    VmChange: {},
    VmRename: {},
    SwitchCreate: {"name": "base"},
}

ODD_NAMES = ("'; Remove-VM *", "[x]*", "Müller 🙂", "a:b", "$(x)", "`", "“a”", "-Force", '{"$ref": "vms"}', "x" * 100)
"""Names that quoting, patterns or tags could stumble over."""

names = st.sampled_from(ODD_NAMES) | st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8)
texts = st.sampled_from(["", *ODD_NAMES]) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_ids = st.uuids().map(str)
_segments = st.sampled_from(["VMs", "it's", "a b", "Müller", "[x]", "$(x)", "`", "“a”", "-x", "🙂", "a.b"])
_roots = st.sampled_from(["C:\\", "d:/", "\\\\server\\share\\", "\\\\10.0.0.1\\c$\\"])
paths = st.builds(lambda root, parts: root + "\\".join(parts), _roots, st.lists(_segments, min_size=1, max_size=3))
_sizes = st.integers(16, 1 << 29).map(lambda units: units * 2 * MIB)


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Something, or nothing."""
    return st.none() | strategy


@st.composite
def memories(draw: st.DrawFn) -> dict[str, Any]:
    """Startup memory and limits that fit together."""
    minimum, startup, maximum = sorted(draw(st.tuples(_sizes, _sizes, _sizes)))
    dynamic = draw(st.sampled_from([None, True, False]))
    limits = {"memory_minimum": minimum, "memory_maximum": maximum} if dynamic is not False else {}
    chosen = {name: size for name, size in limits.items() if draw(st.booleans())}
    return {"memory": startup, "dynamic_memory": dynamic, **chosen}


def _files(*endings: str) -> st.SearchStrategy[str]:
    return st.builds("{}{}".format, paths, st.sampled_from(endings))


@st.composite
def vm_creates(draw: st.DrawFn) -> VmCreate:
    """Any `vm create` that the model lets through."""
    fields = draw(memories()) | {
        "name": draw(names),
        "generation": draw(st.sampled_from([1, 2])),
        "processors": draw(optional(st.integers(1, 2048))),
        "iso": draw(optional(_files(".iso", ".ISO"))),
        "switch": draw(optional(names)),
        "path": draw(optional(paths)),
        "notes": draw(optional(texts)),
        "start": draw(st.booleans()),
    }
    legacy = (".vhd",) if fields["generation"] == 1 else ()
    match draw(st.sampled_from(["none", "disk", "attach"])):
        case "disk":
            folder = paths.filter(lambda path: not path.lower().endswith((".vhd", ".avhd")))
            fields["disk"] = draw(st.integers(768, (2040 << 30) // 4096)) * 4096
            fields["disk_path"] = draw(optional(folder | _files(".vhdx", *legacy)))
        case "attach":
            fields["attach"] = draw(_files(".vhdx", ".avhdx", ".vhds", *legacy))
    if fields["switch"] is not None:
        fields["vlan"] = draw(optional(st.integers(1, 4094)))
    if fields["generation"] == 2:
        fields["secure_boot_template"] = draw(optional(_some(VmCreate, "secure_boot_template")))
    return VmCreate.model_validate(fields)


@st.composite
def vm_changes(draw: st.DrawFn) -> VmChange:
    """Any `vm set` that the model lets through."""
    kinds = ("automatic_start_action", "automatic_stop_action", "checkpoint_type")
    fields = {name: draw(optional(_some(VmChange, name))) for name in kinds} | {
        "processors": draw(optional(st.integers(1, 2048))),
        "notes": draw(optional(texts)),
        "automatic_start_delay": draw(optional(st.integers(0, 2147483647))),
    }
    if draw(st.booleans()) or set(fields.values()) == {None}:
        fields |= draw(memories())
    if draw(st.booleans()) and fields["processors"] is not None:
        fields.pop("memory", None)
    return VmChange.model_validate(fields)


@st.composite
def switch_creates(draw: st.DrawFn) -> SwitchCreate:
    """Any `switch create` that the model lets through."""
    fields = {"name": draw(names), "type": draw(_some(SwitchCreate, "type")), "notes": draw(optional(texts))}
    if fields["type"] == "External":
        fields |= {"adapter": draw(texts.filter(bool)), "management_os": draw(optional(st.booleans()))}
    return SwitchCreate.model_validate(fields)


def vm_states() -> st.SearchStrategy[VmState]:
    """A virtual machine in any state, one that no module knows included."""
    states = st.sampled_from([*STATES, "SomethingNew"])
    return st.builds(
        lambda vm_id, name, state: VmState(id=vm_id, name=name, host=HOST, state=state), _ids, names, states
    )


@st.composite
def vm_settings(draw: st.DrawFn) -> VmSettings:
    """A virtual machine with any settings, some of which could not be read."""
    base = draw(vm_states())
    values = {
        name: draw(optional(st.sampled_from(FIELD_VALUES[VmChange][name])))
        for name in VmSettings.model_fields
        if name in FIELD_VALUES[VmChange]
    }
    return VmSettings.model_validate({**base.model_dump(), **values})


def _some(model: type[Any], field: str) -> st.SearchStrategy[Any]:
    return st.sampled_from(FIELD_VALUES[model][field])


def several(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """A few things with different ids."""
    return st.lists(strategy, min_size=1, max_size=4, unique_by=lambda each: each.id)


@st.composite
def deletions(draw: st.DrawFn) -> Batch:
    """Any `vm delete`, with and without disks."""
    vms = draw(several(vm_states()))
    owners = Owners(frozenset(vm.id for vm in vms if draw(st.integers(0, 5)) == 0))
    disks = None
    if draw(st.booleans()):
        disks = Disks(of_vm={vm.id: draw(st.lists(_files(".vhdx"), max_size=2)) for vm in vms})
    return plan_delete(vms, owners, disks, HOST, turn_off=draw(st.booleans())).plan.batch


def _renamed(vm: VmState, spec: VmRename, others: Sequence[VmState]) -> Batch:
    try:
        return plan_rename(vm, spec.new_name, others, HOST).batch
    except ConflictError:
        return Batch(())


def _switch_states() -> st.SearchStrategy[SwitchState]:
    types = st.sampled_from(["Private", "Internal", "External"])
    return st.builds(
        lambda switch_id, name, kind: SwitchState(id=switch_id, name=name, host=HOST, state=kind), _ids, names, types
    )


def _read_by(plan: Any, models: Sequence[type[Record]]) -> st.SearchStrategy[Batch]:
    return st.sampled_from(models).map(plan)


_timeouts = st.sampled_from([None, 60.0])

PLANS: dict[str, st.SearchStrategy[Batch]] = {
    "disks.plan_disks": st.builds(
        plan_disks,
        st.lists(_files(".vhdx", ".avhd"), max_size=2),
        st.lists(paths, max_size=2),
        recurse=st.booleans(),
    ),
    "disks.plan_parents": st.lists(_files(".vhdx"), min_size=1, max_size=3).map(plan_parents),
    **checkpoint_plans.plans(names, [*STATES, "SomethingNew"], several(vm_settings())),
    "host.plan_show": st.builds(plan_show),
    "host_check.plan_check": st.builds(plan_check),
    **migrate_plans.plans(paths, names),
    **storage_plans.plans(names),
    "switch.plan_create": st.builds(plan_create_switch, switch_creates()),
    "switch.plan_delete": several(_switch_states()).map(lambda switches: plan_delete_switch(switches).batch),
    "switch.plan_list": _read_by(plan_list_switches, [SwitchState, VirtualSwitch, SwitchDetails]),
    "switch.plan_users": st.builds(plan_users),
    **vhd_plans.plans(paths),
    "vm.change.plan_rename": st.builds(
        _renamed, vm_states(), st.builds(VmRename, new_name=names), st.lists(vm_states(), max_size=2)
    ),
    "vm.change.plan_set": st.builds(
        lambda vms, change: plan_set(vms, change, HOST).batch, several(vm_settings()), vm_changes()
    ),
    "vm.create.plan_create": st.builds(lambda spec: plan_create(spec, DISK_FOLDER).batch, vm_creates()),
    "vm.create.plan_look": st.builds(plan_look),
    "vm.delete.plan_delete": deletions(),
    "vm.delete.plan_owners": st.lists(_ids, min_size=1, max_size=3).map(plan_owners),
    "vm.files.plan_round": st.lists(_files(".avhdx"), min_size=1, max_size=3).map(plan_round),
    "vm.power.plan_power": st.builds(
        lambda verb, vms, timeout: power.plan_power(verb, vms, HOST, timeout=timeout).batch,
        st.sampled_from(VERBS),
        several(vm_states()),
        _timeouts,
    ),
    "vm.power.plan_restart": st.builds(
        lambda vms, timeout: power.plan_restart(vms, HOST, timeout=timeout).batch, several(vm_states()), _timeouts
    ),
    "vm.read.plan_details": st.lists(_ids, min_size=1, max_size=3).map(plan_details),
    "vm.read.plan_list": _read_by(plan_list, [VmSummary, VmState, VmSettings]),
}
"""A strategy of batches for each plan function, by its module below `hvctl.services` and its name."""


def batches() -> st.SearchStrategy[Batch]:
    """Any batch that a service can send."""
    return st.one_of(*PLANS.values())


def calls(batch: Batch) -> Iterator[Call]:
    """Every call of a batch, undo included."""
    for step in batch.steps:
        yield step.call
        if step.undo is not None:
            yield step.undo


def specs(model: type[Any]) -> Iterator[tuple[str, Any]]:
    """A spec for each value of each field, with what the field needs, and the field's name."""
    for field, values in FIELD_VALUES[model].items():
        for value in values:
            needed = NEEDS.get((model, field), {}) | NEEDS.get((model, f"{field}={value}"), {})
            yield field, model.model_validate(BASE[model] | needed | {field: value})


def whole_vm_create(generation: int, **changes: Any) -> VmCreate:
    """A `vm create` with every option that the generation has."""
    fields: Mapping[str, Any] = {
        "name": "web1",
        "generation": generation,
        "memory": 2048 * MIB,
        "memory_minimum": 512 * MIB,
        "memory_maximum": 4096 * MIB,
        "dynamic_memory": True,
        "processors": 4,
        "disk": 60 << 30,
        "disk_path": r"D:\Disks",
        "iso": r"C:\ISO\setup.iso",
        "switch": "lan",
        "vlan": 7,
        "secure_boot_template": "MicrosoftUEFICertificateAuthority" if generation == 2 else None,
        "path": r"D:\VMs",
        "notes": "web server",
        "start": True,
    }
    return VmCreate.model_validate(fields | changes)
