"""Engines in a real PowerShell with stand-in modules: one for all tests that leave it as it was, and fresh ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.engine import Engine
from tests.support.pwsh import require_pwsh
from tests.support.stubs import read_behaviour, reference, without_wmi, write_module

from hvctl.powershell.cmdlets import CIM, CMDLETS, HYPER_V, MANAGEMENT, STORAGE


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prelude, behaviour = read_behaviour(Path(__file__).with_name("stand-ins.ps1"))
    return write_module(tmp_path_factory.mktemp("modules"), behaviour, prelude=prelude)


@pytest.fixture(scope="session")
def willing_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stand-ins for every cmdlet of the allow list that have what they are asked for, and note each call."""
    prelude, behaviour = read_behaviour(Path(__file__).with_name("willing-host.ps1"))
    root = tmp_path_factory.mktemp("willing")
    storage, more = read_behaviour(Path(__file__).with_name("spaces-host.ps1"))
    behaviour |= more
    modules = {
        HYPER_V: ("hyper-v.json", "hyper-v-unlisted.json"),
        MANAGEMENT: ("core.json",),
        CIM: ("cim.json",),
        STORAGE: ("storage.json",),
    }
    for module, files in modules.items():
        cmdlets = without_wmi(reference(files)) if module in (CIM, STORAGE) else reference(files)
        noted = {name: _noted(name, behaviour.get(name, "")) for name in cmdlets if name in CMDLETS}
        own = prelude + (storage if module == STORAGE else "")
        write_module(root, noted, name=module, cmdlets=cmdlets, prelude=own)
    return root


def _noted(cmdlet: str, behaviour: str) -> str:
    talks = "$ComputerName" if cmdlet == "Get-VMHost" else "$false"  # with the test, about what there is
    return f"if (-not ({talks})) {{ $null = $willing.Calls.Add('{cmdlet}') }}\n{behaviour}"


@pytest.fixture(scope="session")
def engine(modules: Path) -> Iterator[Engine]:
    require_pwsh()
    engine = Engine(modules)
    yield engine
    engine.close()


@pytest.fixture
def fresh_engine(modules: Path) -> Iterator[Callable[..., Engine]]:
    require_pwsh()
    engines: list[Engine] = []

    def start(**environment: str) -> Engine:
        engines.append(Engine(modules, environment))
        return engines[-1]

    yield start
    for engine in engines:
        engine.close()
