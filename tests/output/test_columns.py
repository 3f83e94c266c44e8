from __future__ import annotations

from typing import Any

import pytest

from hvctl.models.base import Model, Outcome
from hvctl.models.checkpoint import CheckpointSummary, NewCheckpoint
from hvctl.models.config import ConfiguredHost
from hvctl.models.host import Host, HostCheck, HostRow, HostSummary
from hvctl.models.lab import CoverageRow, FaultRule
from hvctl.models.migrate import Finding
from hvctl.models.storage import HealthFinding, PhysicalDisk, StorageJob, StoragePool, StorageVirtualDisk, Volume
from hvctl.models.switch import SwitchDetails, VirtualSwitch
from hvctl.models.vhd import ChainLink, DiskSummary, DiskTest
from hvctl.models.vm import VirtualMachine, VmSummary
from hvctl.output.cells import outcome_style, state_style
from hvctl.output.columns import COLUMNS, Column, columns_of
from hvctl.output.document import Document
from hvctl.output.formats import render
from hvctl.output.streams import Sink
from hvctl.output.wanted import Wanted

pytestmark = pytest.mark.unit

SHOWN: dict[type[Model], str] = {
    CoverageRow: "CMDLET  SIMULATED  PARAMETERS  MISSING  PROPERTIES",
    HostSummary: "NAME  WINDOWS  BUILD  PROCESSORS  MEMORY  VMS  RUNNING",
    HostRow: "NAME  STATUS  WINDOWS  BUILD  PROCESSORS  MEMORY  ASSIGNED  VMS  RUNNING  ERROR",
    HostCheck: "HOST  LEG  STATUS  MESSAGE  MEANING  COMMAND",
    Host: "NAME  WINDOWS  BUILD  PROCESSORS  MEMORY  VMS  RUNNING",
    Outcome: "NAME  HOST  OUTCOME  STATE  ERROR",
    HealthFinding: "TYPE  NAME  HEALTH  STATUS  MEANING  NEXT  HOST",
    PhysicalDisk: "NO  NAME  TYPE  BUS  SIZE  CAN POOL  WHY NOT  HEALTH  STATUS  HOST",
    StorageJob: "NAME  STATE  DONE  PROCESSED  TOTAL  ELAPSED  HOST",
    StoragePool: "NAME  SIZE  USED  HEALTH  STATUS  READ ONLY  HOST",
    StorageVirtualDisk: "NAME  RESILIENCY  REDUNDANCY  PROVISIONING  SIZE  FOOTPRINT  HEALTH  STATUS  HOST",
    Volume: "LETTER  LABEL  FS  SIZE  FREE  HEALTH  HOST",
    VirtualSwitch: "NAME  TYPE  MANAGEMENT OS  ADAPTERS  HOST",
    SwitchDetails: "NAME  TYPE  MANAGEMENT OS  ADAPTERS  HOST",
    VmSummary: "NAME  STATE  CPU  MEMORY  UPTIME  GEN  HOST",
    VirtualMachine: "NAME  STATE  CPU  MEMORY  UPTIME  GEN  HOST",
    ConfiguredHost: "NAME  ADDRESS  USER  AUTH  GROUPS  DEFAULT",
    CheckpointSummary: "NAME  VM  CREATED  TYPE  AUTOMATIC  STATE  HOST",
    NewCheckpoint: "NAME  VM  BECAME  STATE  HOST",
    FaultRule: "ID  KIND  HOST  ACTION  TIMES  AFTER  SECONDS",
    Finding: "NAME  HOST  BLOCKS  FINDING  MEND",
    ChainLink: "DISK  TYPE  SIZE  FILE  USED BY  PROBLEM  HOST",
    DiskSummary: "PATH  TYPE  SIZE  FILE  ATTACHED  USED BY  PROBLEM  HOST",
    DiskTest: "PATH  HEALTHY  PROBLEM  HOST",
}


@pytest.mark.parametrize("model", SHOWN, ids=lambda model: model.__name__)
def test_the_table_of_a_model(model: type[Model]) -> None:
    assert render(Document.of([], model), Wanted("table"), Sink()) == SHOWN[model] + "\n"


def test_every_table_belongs_to_a_model_and_shows_its_attributes() -> None:
    models = {model.__name__: model for model in SHOWN}
    for name, columns in COLUMNS.items():
        assert {column.name for column in columns} <= models[name].model_fields.keys()


def shown(name: str, value: Any, model: type[Model] = VirtualMachine) -> list[str]:
    """What the details of an object say of one attribute."""
    column = next(column for column in columns_of(model, model.model_fields)[1] if column.name == name)
    document = Document([{name: value}], single=True, columns=(column,), fields=(column,))
    return [line.removeprefix(column.label).strip() for line in render(document, Wanted("table"), Sink()).splitlines()]


ADAPTER = {"name": "eth", "switch": "lan", "vlan": 5, "mac_address": "00155D000001", "addresses": ["10.0.0.1", "::1"]}
DRIVE = {"controller": "SCSI", "number": 0, "location": 1, "path": "C:\\a.vhdx"}


@pytest.mark.parametrize(
    ("name", "value", "lines"),
    [
        ("name", "web1", ["web1"]),
        ("name", "", ["-"]),
        ("notes", None, ["-"]),
        ("notes", "a\nb", ["a\\nb"]),
        ("dynamic_memory", True, ["yes"]),
        ("dynamic_memory", False, ["no"]),
        ("cpu_usage", 0, ["0%"]),
        ("cpu_usage", None, ["-"]),
        ("memory_assigned", 0, ["0 B"]),
        ("memory_demand", 1 << 30, ["1 GiB"]),
        ("memory_startup", 1 << 30, ["1 GiB"]),
        ("memory_minimum", 512 << 20, ["512 MiB"]),
        ("memory_maximum", 1 << 40, ["1 TiB"]),
        ("uptime", 90061.9, ["1d 01:01:01"]),
        ("automatic_start_delay", 90, ["00:01:30"]),
        ("created", "2025-01-02T03:04:05.123456Z", ["2025-01-02 03:04:05Z"]),
        ("created", "2025-01-02T03:04:05", ["2025-01-02 03:04:05"]),
        ("created", None, ["-"]),
        ("addresses", ["10.0.0.1", "::1"], ["10.0.0.1", "::1"]),
        ("addresses", [], ["-"]),
        ("adapters", [ADAPTER], ["eth: lan vlan 5 00155D000001 10.0.0.1 ::1"]),
        ("adapters", None, ["-"]),
        ("disks", [DRIVE, DRIVE], ["SCSI 0:1 C:\\a.vhdx"] * 2),
        ("dvds", [{**DRIVE, "controller": None, "path": None}], ["? 0:1 (empty)"]),
    ],
)
def test_how_an_attribute_of_a_machine_looks(name: str, value: Any, lines: list[str]) -> None:
    assert shown(name, value) == lines


@pytest.mark.parametrize(
    ("model", "name", "value", "lines"),
    [
        (Host, "memory", 64 << 30, ["64 GiB"]),
        (Host, "modules", {"Hyper-V": "2.0", "Storage": None, "Other": ""}, ["Hyper-V=2.0"]),
        (Host, "rights", ["Administrators", "Hyper-V Administrators"], ["Administrators", "Hyper-V Administrators"]),
        (SwitchDetails, "adapters", ["Intel(R) X550"], ["Intel(R) X550"]),
        (Outcome, "error", {"code": 6, "message": "It runs."}, ["It runs."]),
        (Outcome, "error", None, ["-"]),
        (CoverageRow, "parameters", ["Name", "Id"], ["2"]),
        (CoverageRow, "missing", [], ["0"]),
    ],
)
def test_how_an_attribute_of_another_looks(model: type[Model], name: str, value: Any, lines: list[str]) -> None:
    assert shown(name, value, model) == lines


@pytest.mark.parametrize(
    ("state", "style"),
    [
        ("Running", "green"),
        ("RunningCritical", "bold red"),
        ("Off", "dim"),
        ("Paused", "yellow"),
        ("Saved", "cyan"),
        ("Starting", ""),
    ],
)
def test_the_colour_of_a_state(state: str, style: str) -> None:
    assert state_style(state) == style


def test_the_colour_of_an_outcome() -> None:
    assert [outcome_style(each) for each in ("changed", "unchanged", "failed")] == ["green", "", "bold red"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a", {"b": [{"c": 1}, {"c": 2}, {}]}),
        ("a.b", [{"c": 1}, {"c": 2}, {}]),
        ("a.b.c", [1, 2, None]),
        ("x.y", "literal"),
        ("a.nothing.more", None),
        ("nothing", None),
    ],
)
def test_a_column_finds_its_value(name: str, value: Any) -> None:
    assert Column(name).value({"a": {"b": [{"c": 1}, {"c": 2}, {}]}, "x.y": "literal"}) == value


def test_numbers_stand_to_the_right() -> None:
    item = {"cmdlet": "Get-VM", "simulated": True, "parameters": ["a"] * 12, "missing": [], "properties": ["b"]}
    columns, fields = columns_of(CoverageRow, CoverageRow.model_fields)
    lines = render(Document([item], columns=columns, fields=fields), Wanted("table"), Sink()).splitlines()
    assert lines[1] == "Get-VM  yes                12        0           1"
