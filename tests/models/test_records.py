"""What hosts return: every form of it is read, and every field of JSON has its name for good."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hvctl.errors import ProtocolError
from hvctl.models.base import Outcome, Record
from hvctl.models.host import Host, HostCheck, HostRow, HostSettings, HostSummary
from hvctl.models.lab import CoverageRow, World
from hvctl.models.switch import SwitchDetails, VirtualSwitch
from hvctl.models.vm import Drive, NetworkAdapter, VirtualMachine, VmSummary
from hvctl.services.vm.read import VmSettings, VmState

pytestmark = pytest.mark.unit

SUMMARY = [
    "id",
    "name",
    "host",
    "state",
    "generation",
    "processors",
    "cpu_usage",
    "memory_assigned",
    "memory_demand",
    "memory_startup",
    "dynamic_memory",
    "uptime",
    "heartbeat",
    "status",
    "version",
    "created",
]
SWITCH = ["id", "name", "host", "type", "management_os", "adapters", "notes"]
HOST = [
    *("name", "host", "computer_name", "windows", "build"),
    *("processors", "memory", "vms", "running", "memory_assigned"),
]

KEYS = [
    # The keys of JSON, written out once more: whoever renames one breaks somebody's script.
    (VmSummary, SUMMARY),
    (
        VirtualMachine,
        [
            *SUMMARY,
            "notes",
            "path",
            "memory_minimum",
            "memory_maximum",
            "automatic_start_action",
            "automatic_start_delay",
            "automatic_stop_action",
            "checkpoint_type",
            "automatic_checkpoints",
            "clustered",
            "addresses",
            "adapters",
            "disks",
            "dvds",
            "secure_boot",
            "secure_boot_template",
            "boot_order",
        ],
    ),
    (
        NetworkAdapter,
        [
            "id",
            "name",
            "switch",
            "connected",
            "mac_address",
            "dynamic_mac",
            "legacy",
            "addresses",
            "vlan_mode",
            "vlan",
        ],
    ),
    (Drive, ["controller", "number", "location", "path"]),
    (VirtualSwitch, SWITCH),
    (SwitchDetails, [*SWITCH, "bandwidth_mode", "embedded_teaming", "iov", "vms"]),
    (HostSummary, HOST),
    (HostRow, [*HOST, "status", "error"]),
    (HostCheck, ["name", "host", "status", "message", "meaning", "command"]),
    (
        Host,
        [
            *HOST,
            "powershell",
            "edition",
            "modules",
            "rights",
            "vm_path",
            "disk_path",
            "vm_versions",
            "migration_enabled",
        ],
    ),
    (World, ["world", "windows", "seed", "hosts", "vms", "switches", "isos", "path"]),
    (CoverageRow, ["cmdlet", "simulated", "parameters", "missing", "properties"]),
    (Outcome, ["id", "name", "host", "outcome", "state", "error"]),
]

RECORDS: list[type[Record]] = [
    VmSummary,
    VirtualMachine,
    NetworkAdapter,
    Drive,
    VirtualSwitch,
    SwitchDetails,
    HostSettings,
    VmState,
    VmSettings,
]

REQUIRED = {"Id": "id1", "Name": "web1", "State": "Off", "SwitchType": "Private", "VMId": "id1"}


def least(model: type[Record]) -> dict[str, Any]:
    """A record in which everything that can be null is."""
    return {path: REQUIRED.get(path) for path in model.properties()}


def read(model: type[Record], **changes: Any) -> Any:
    (found,) = model.read("hv01", [least(model) | changes])
    return found


@pytest.mark.parametrize(("model", "keys"), KEYS, ids=lambda each: getattr(each, "__name__", ""))
def test_json_keys(model, keys):
    assert [name for name, field in model.model_fields.items() if not field.exclude] == keys


@pytest.mark.parametrize(("model", "keys"), KEYS, ids=lambda each: getattr(each, "__name__", ""))
def test_schemas(model, keys):
    schema = model.model_json_schema(mode="serialization")
    assert list(schema["properties"]) == keys
    assert schema["title"] == model.__name__
    assert schema["description"]
    assert sorted(schema["required"]) == sorted(keys)


def test_sizes_and_durations_say_their_unit():
    described = VirtualMachine.model_json_schema(mode="serialization")["properties"]
    for name, unit in (("memory_startup", "bytes"), ("uptime", "seconds"), ("automatic_start_delay", "seconds")):
        assert unit in str(described[name]), name


@pytest.mark.parametrize("model", RECORDS, ids=lambda model: model.__name__)
def test_null_wherever_a_host_may_return_it(model):
    found = read(model)
    assert found.host == "hv01"
    for name, field in model.model_fields.items():
        if field.validation_alias is not None and field.validation_alias not in REQUIRED:
            assert getattr(found, name) in (None, ()), name


@pytest.mark.parametrize("model", RECORDS, ids=lambda model: model.__name__)
def test_a_property_that_is_missing_altogether_is_an_error(model):
    for path in model.properties():
        record = least(model)
        del record[path]
        with pytest.raises(ProtocolError, match="cannot be read") as caught:
            model.read("hv01", [record])
        assert caught.value.host == "hv01"
        assert model.noun in caught.value.message


@pytest.mark.parametrize("model", RECORDS, ids=lambda model: model.__name__)
def test_models_are_frozen(model):
    found = read(model)
    with pytest.raises(ValueError, match="frozen"):
        found.host = "x"


@pytest.mark.parametrize(
    ("said", "read_as"),
    [
        (None, ()),
        ("", ()),
        ([], ()),
        ("10.0.0.1", ("10.0.0.1",)),
        (["10.0.0.1"], ("10.0.0.1",)),
        (["10.0.0.1", "fe80::1"], ("10.0.0.1", "fe80::1")),
    ],
)
def test_lists_in_every_form(said, read_as):
    assert read(NetworkAdapter, IPAddresses=said).addresses == read_as
    assert read(VirtualSwitch, NetAdapterInterfaceDescriptions=said).adapters == read_as
    assert read(HostSettings, SupportedVmVersions=said).vm_versions == read_as


@given(st.text(max_size=20))
def test_an_enum_s_name_that_no_version_knows_is_kept(text):
    found = read(VmSummary, State=text, Heartbeat=text)
    assert (found.state, found.heartbeat) == (text, text)
    assert read(VirtualSwitch, SwitchType=text).type == text


@pytest.mark.parametrize("state", ["32769", "SomethingNew", "RunningCritical"])
def test_states_that_are_no_known_name(state):
    assert read(VmState, State=state).state == state


@pytest.mark.parametrize(
    ("said", "created"),
    [
        ("2025-01-02T03:04:05Z", datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2025-01-02T03:04:05.1234567Z", datetime(2025, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        (None, None),
    ],
)
def test_times(said, created):
    assert read(VmSummary, CreationTime=said).created == created


@pytest.mark.parametrize(("said", "uptime"), [(0, 0.0), (12.5, 12.5), (86400, 86400.0), (None, None)])
def test_durations(said, uptime):
    assert read(VmSummary, Uptime=said).uptime == uptime


def test_sizes_beyond_what_a_float_holds():
    assert read(VmSummary, MemoryAssigned=(1 << 60) + 1).memory_assigned == (1 << 60) + 1


@pytest.mark.parametrize(
    "wrong", [{"State": 2}, {"Id": None}, {"Uptime": "long"}, {"MemoryStartup": 1.5}, {"Extra": 1}]
)
def test_what_no_engine_sends(wrong):
    with pytest.raises(ProtocolError, match="virtual machine"):
        read(VmSummary, **wrong)


def test_json_is_plain_data():
    found = read(VmSummary, CreationTime="2025-01-02T03:04:05Z", Uptime=5, Generation=2)
    assert found.as_json() == dict.fromkeys(SUMMARY) | {
        "id": "id1",
        "name": "web1",
        "host": "hv01",
        "state": "Off",
        "generation": 2,
        "uptime": 5.0,
        "created": "2025-01-02T03:04:05Z",
    }


def test_what_joins_things_is_not_shown():
    """A drive's machine and host are the object it stands in."""
    assert list(read(Drive).as_json()) == ["controller", "number", "location", "path"]


def test_many_at_once():
    assert VmState.read("hv01", []) == []
    found = VmState.read("hv01", [least(VmState) | {"Id": str(number)} for number in range(3)])
    assert [vm.id for vm in found] == ["0", "1", "2"]


@pytest.mark.parametrize("model", RECORDS, ids=lambda model: model.__name__)
def test_a_model_can_be_made_by_attribute_too(model):
    found = read(model)
    assert model(**{name: getattr(found, name) for name in model.model_fields}) == found
