"""A WinRM service on a fresh world."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hvctl.lab import seeds
from hvctl.lab.endpoint.operations import Wsman


@pytest.fixture
def serve(world_file: Path) -> Iterator[Callable[..., Wsman]]:
    """Makes WinRM services on one fresh world of two hosts; the arguments are those of Wsman."""
    seeds.reset(world_file, world="two-hosts")
    services: list[Wsman] = []

    def start(**options: Any) -> Wsman:
        services.append(Wsman(world_file, **options))
        return services[-1]

    yield start
    for service in services:
        service.close()


@pytest.fixture
def service(serve: Callable[..., Wsman]) -> Wsman:
    """A WinRM service with the lab's engine behind it."""
    return serve()
