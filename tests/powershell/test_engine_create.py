"""`vm create` with every option, failing at each step in turn in a real PowerShell, leaves no machine and no disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.engine import Engine
from tests.support.pwsh import require_pwsh
from tests.support.stubs import read_behaviour, write_module

from hvctl.models.vm import VmCreate
from hvctl.powershell.batch import Call, Step
from hvctl.services.vm.create import plan_create

pytestmark = pytest.mark.powershell

EVERYTHING = {
    "name": "web1",
    "memory": 1 << 30,
    "memory_minimum": 1 << 29,
    "memory_maximum": 1 << 31,
    "dynamic_memory": True,
    "processors": 2,
    "disk": 1 << 30,
    "disk_path": r"D:\Disks\web1.vhdx",
    "iso": r"C:\ISO\setup.iso",
    "switch": "lan",
    "vlan": 5,
    "path": r"D:\VMs",
    "notes": "it's mine",
    "start": True,
}
GENERATIONS = {
    1: VmCreate.model_validate({**EVERYTHING, "generation": 1}),
    2: VmCreate.model_validate({**EVERYTHING, "generation": 2, "secure_boot_template": "MicrosoftWindows"}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("disks")


@pytest.fixture(scope="module")
def host(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    require_pwsh()
    prelude, behaviour = read_behaviour(Path(__file__).with_name("stand-in-host.ps1"))
    modules = write_module(tmp_path_factory.mktemp("modules"), behaviour, prelude=prelude)
    engine = Engine(modules, {"HVCTL_TEST_FOLDER": str(folder)})
    yield engine
    engine.close()


def plan(generation: int, file: Path) -> list[Step]:
    """The plan's steps; the files that a Windows host would have stand elsewhere here."""
    steps = plan_create(GENERATIONS[generation], r"C:\Disks").batch.steps
    found = Call("Test-Path", {"LiteralPath": str(file), "PathType": "Leaf"})
    free = Call("Test-Path", {"LiteralPath": f"{file}.none"})
    calls = {"one": found, "none": free}
    return [replace(step, call=calls[step.expect]) if step.call.cmdlet == "Test-Path" else step for step in steps]


def empty(host: Engine, folder: Path) -> None:
    host.run(Step("s", Call("Get-VMHost")))
    for file in folder.iterdir():
        file.unlink()


def left_over(host: Engine, folder: Path) -> tuple[list[object], list[str]]:
    """The machines of the host, and the files in its folder for disks."""
    machines = host.run(Step("s", Call("Get-VM"), select=("Name",))).values("s", "Name")
    return machines, sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_whole_plan_runs(host, folder, generation):
    empty(host, folder)
    answer = host.run(*plan(generation, Path(__file__)))
    assert answer.errors == []
    assert [data["Name"] for data in answer.data("details")] == ["web1"]
    assert left_over(host, folder) == (["web1"], ["web1.vhdx"])


def refused(step: Step) -> Step:
    """The step, failing before it does anything."""
    return replace(step, call=Call(step.call.cmdlet, {**step.call.parameters, "Nope": 1}))


def missed(step: Step) -> Step:
    """The step, failing once it has done its work, if it returns anything."""
    return replace(step, where={}, expect="none")


@pytest.mark.parametrize("failing", [refused, missed])
@pytest.mark.parametrize("generation", GENERATIONS)
def test_it_leaves_nothing_whatever_step_fails(host, folder, generation, failing):
    steps = plan(generation, Path(__file__))
    failed = set()
    for number, step in enumerate(steps):
        if step.on_error == "continue":  # a detail of the finished machine
            continue
        empty(host, folder)
        answer = host.run(*steps[:number], failing(step), *steps[number + 1 :])
        if answer.done["ok"]:
            continue
        failed.add(step.id)
        assert {name for name, _ in answer.errors} == {step.id}
        assert answer.done["not_undone"] == []
        assert left_over(host, folder) == ([], []), step.id
    changing = {step.id for step in steps if step.undo is not None}
    assert failed >= (changing if failing is refused else {"vm", "disk"})
    assert failing is missed or failed == {step.id for step in steps if step.on_error == "stop"}
