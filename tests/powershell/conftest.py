"""Engines in a real PowerShell with stand-in modules: one for all tests that leave it as it was, and fresh ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.engine import Engine
from tests.support.pwsh import require_pwsh
from tests.support.stubs import read_behaviour, write_module


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prelude, behaviour = read_behaviour(Path(__file__).with_name("stand-ins.ps1"))
    return write_module(tmp_path_factory.mktemp("modules"), behaviour, prelude=prelude)


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
