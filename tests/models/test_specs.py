"""What users ask for: what fits together, and what is said of the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from pydantic import ValidationError
from tests.support.plans import names, paths, switch_creates, vm_changes, vm_creates

from hvctl.models.switch import SwitchCreate
from hvctl.models.vm import MIB, VmChange, VmCreate, VmRename

pytestmark = pytest.mark.unit

GIB = 1 << 30
DISK = {"disk": GIB}


def problems(model, **fields) -> list[tuple[str, str]]:
    """Field and message of what is wrong; no field where it is the whole."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(fields)
    return [
        (str(each["loc"][0]) if each["loc"] else "", each["msg"].removeprefix("Value error, "))
        for each in caught.value.errors()
    ]


def test_the_defaults_of_a_creation():
    assert VmCreate(name="web1").model_dump(exclude_none=True) == {
        "name": "web1",
        "generation": 2,
        "memory": GIB,
        "start": False,
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"memory": 32 * MIB},
        {"memory": 12 << 40},
        {"memory": 64 * MIB, "memory_minimum": 64 * MIB, "memory_maximum": 64 * MIB},
        {"memory_minimum": GIB, "dynamic_memory": True},
        {"processors": 1},
        {"processors": 2048},
        {"disk": 3 * MIB},
        {"disk": 64 << 40},
        DISK | {"disk_path": r"D:\Disks"},
        DISK | {"disk_path": r"D:\a.vhd", "generation": 1},
        {"disk": 2040 * GIB, "disk_path": r"D:\a.vhd", "generation": 1},
        {"attach": r"C:\a.vhdx"},
        {"attach": r"C:\a.AVHDX"},
        {"attach": r"C:\a.vhds"},
        {"attach": r"C:\a.vhd", "generation": 1},
        {"attach": r"\\server\share\a.vhdx"},
        {"attach": "C:/a.vhdx"},
        {"iso": r"C:\a.iso"},
        {"iso": r"\\10.0.0.1\c$\a.ISO"},
        {"switch": "lan", "vlan": 1},
        {"switch": "lan", "vlan": 4094},
        {"secure_boot_template": "OpenSourceShieldedVM"},
        {"path": "C:\\"},
        {"path": r"C:\it's “mine” [x]"},
        {"notes": "any\nthing\t\x1e"},
        {"name": "x" * 100},
        {"name": r"a/b\c:d*?"},
        {"name": " "},
    ],
    ids=repr,
)
def test_creations_that_fit(fields):
    assert VmCreate.model_validate({"name": "web1"} | fields)


CREATE_PROBLEMS = [
    ({"name": ""}, "name", "at least 1 character"),
    ({"name": "x" * 101}, "name", "at most 100 characters"),
    ({"name": "a\nb"}, "name", "match pattern"),
    ({"name": "a\x7f"}, "name", "match pattern"),
    ({"generation": 3}, "generation", "1 or 2"),
    ({"memory": 30 * MIB}, "memory", "greater than or equal to 33554432"),
    ({"memory": 33 * MIB}, "memory", "multiple of 2097152"),
    ({"memory": GIB + 1}, "memory", "multiple of 2097152"),
    ({"memory_minimum": 30 * MIB}, "memory_minimum", "greater than or equal"),
    ({"memory_minimum": 2 * GIB}, "", "memory must satisfy minimum <= startup <= maximum"),
    ({"memory_maximum": 512 * MIB}, "", "memory must satisfy minimum <= startup <= maximum"),
    ({"memory_minimum": 512 * MIB, "dynamic_memory": False}, "", "a minimum or maximum needs dynamic memory"),
    ({"memory_maximum": 2 * GIB, "dynamic_memory": False}, "", "a minimum or maximum needs dynamic memory"),
    ({"processors": 0}, "processors", "greater than or equal to 1"),
    ({"processors": 2049}, "processors", "less than or equal to 2048"),
    ({"disk": 1 * MIB}, "disk", "greater than or equal to 3145728"),
    ({"disk": 65 << 40}, "disk", "less than or equal to"),
    ({"disk": GIB + 512}, "disk", "multiple of 4096"),
    (DISK | {"attach": r"C:\a.vhdx"}, "", "--disk makes a new disk and --attach takes one that exists: choose one"),
    ({"disk_path": r"C:\a.vhdx"}, "", "--disk-path says where --disk goes: give --disk too"),
    (DISK | {"disk_path": "a.vhdx"}, "disk_path", "match pattern"),
    (DISK | {"disk_path": r"D:\a.vhd"}, "", "--disk-path: generation 2 does not support .vhd files"),
    (
        {"disk": 2041 * GIB, "disk_path": r"D:\a.vhd", "generation": 1},
        "",
        "a .vhd file holds at most 2040 GiB",
    ),
    ({"attach": r"C:\a.vhd"}, "", "--attach: generation 2 does not support .vhd files"),
    ({"attach": r"C:\a.iso"}, "", "--attach takes a .vhdx or .vhd file"),
    ({"attach": r"C:\a*.vhdx"}, "attach", "match pattern"),
    ({"attach": r"..\a.vhdx"}, "attach", "match pattern"),
    ({"iso": r"C:\a.vhdx"}, "", "--iso takes an .iso file"),
    ({"iso": "/tmp/a.iso"}, "iso", "match pattern"),
    ({"path": r"C:VMs"}, "path", "match pattern"),
    ({"path": r"\\server"}, "path", "match pattern"),
    ({"path": "C:\\a\nb"}, "path", "match pattern"),
    ({"switch": ""}, "switch", "at least 1 character"),
    ({"vlan": 7}, "", "--vlan needs --switch"),
    ({"switch": "lan", "vlan": 0}, "vlan", "greater than or equal to 1"),
    ({"switch": "lan", "vlan": 4095}, "vlan", "less than or equal to 4094"),
    ({"secure_boot_template": "Linux"}, "secure_boot_template", "MicrosoftUEFICertificateAuthority"),
    (
        {"secure_boot_template": "MicrosoftWindows", "generation": 1},
        "",
        "generation 1 has no secure boot",
    ),
    ({"unknown": 1}, "unknown", "not permitted"),
]


@pytest.mark.parametrize(("fields", "field", "words"), CREATE_PROBLEMS, ids=lambda each: repr(each)[:60])
def test_creations_that_do_not_fit(fields, field, words):
    ((where, said),) = problems(VmCreate, **({"name": "web1"} | fields))
    assert where == field
    assert words in said


def test_every_problem_is_told_at_once():
    assert [field for field, _ in problems(VmCreate, name="", memory=1, processors=0, vlan=0)] == [
        "name",
        "memory",
        "processors",
        "vlan",
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"notes": ""},
        {"dynamic_memory": False},
        {"automatic_start_delay": 0},
        {"memory": GIB, "memory_minimum": GIB, "memory_maximum": GIB},
        {"memory_maximum": GIB},
        {"automatic_start_action": "StartIfRunning", "automatic_stop_action": "ShutDown"},
        {"checkpoint_type": "ProductionOnly"},
    ],
    ids=repr,
)
def test_changes_that_fit(fields):
    assert VmChange.model_validate(fields).model_dump(exclude_none=True) == fields


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({}, "", "nothing to change was given"),
        ({"memory": 30 * MIB}, "memory", "greater than or equal"),
        ({"memory": GIB, "memory_maximum": 512 * MIB}, "", "minimum <= startup <= maximum"),
        ({"memory_minimum": GIB, "memory_maximum": 512 * MIB}, "", "minimum <= startup <= maximum"),
        ({"memory_minimum": GIB, "dynamic_memory": False}, "", "needs dynamic memory"),
        ({"processors": 0}, "processors", "greater than or equal to 1"),
        ({"automatic_start_action": "Never"}, "automatic_start_action", "Nothing"),
        ({"automatic_start_delay": -1}, "automatic_start_delay", "greater than or equal to 0"),
        ({"automatic_stop_action": "Off"}, "automatic_stop_action", "TurnOff"),
        ({"checkpoint_type": "standard"}, "checkpoint_type", "Standard"),
    ],
    ids=repr,
)
def test_changes_that_do_not_fit(fields, field, words):
    ((where, said),) = problems(VmChange, **fields)
    assert where == field
    assert words in said


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"type": "Internal", "notes": ""},
        {"type": "External", "adapter": "Ethernet 2"},
        {"type": "External", "adapter": "Ethernet", "management_os": False},
    ],
    ids=repr,
)
def test_switches_that_fit(fields):
    assert SwitchCreate.model_validate({"name": "lan"} | fields)


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"name": ""}, "name", "at least 1 character"),
        ({"name": "x" * 257}, "name", "at most 256"),
        ({"name": "a\x1eb"}, "name", "match pattern"),
        ({"type": "Nat"}, "type", "'Private', 'Internal' or 'External'"),
        ({"type": "External"}, "", "an external switch needs --adapter, the name of the host's network adapter"),
        ({"type": "External", "adapter": ""}, "adapter", "at least 1 character"),
        ({"adapter": "Ethernet"}, "", "--adapter belongs to --type external"),
        ({"management_os": True}, "", "--management-os belongs to --type external"),
    ],
    ids=repr,
)
def test_switches_that_do_not_fit(fields, field, words):
    ((where, said),) = problems(SwitchCreate, **({"name": "lan"} | fields))
    assert where == field
    assert words in said


@pytest.mark.parametrize("name", ["", "a\tb", "x" * 101])
def test_names_that_do_not_fit(name):
    assert problems(VmRename, new_name=name)[0][0] == "new_name"


@given(names)
def test_names_that_fit(name):
    assert VmRename(new_name=name).new_name == VmCreate(name=name).name == name


@given(paths)
def test_paths_that_fit(path):
    assert VmCreate(name="x", path=path).path == path


@given(vm_creates() | vm_changes() | switch_creates())
def test_a_spec_survives_json(spec):
    assert type(spec).model_validate_json(spec.model_dump_json()) == spec


def test_a_lone_surrogate_is_no_name():
    """It cannot be encoded, so no host can have been told it."""
    assert problems(VmRename, new_name="a\ud800")[0][0] == "new_name"
