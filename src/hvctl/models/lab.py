"""The lab: what its world is, and what it simulates."""

from __future__ import annotations

from pydantic import Field

from hvctl.models.base import Model


class World(Model):
    """A world of the lab, as `lab show` shows it."""

    world: str
    windows: str = Field(description="the year of the Windows Server version")
    seed: int
    hosts: tuple[str, ...]
    vms: int
    switches: int
    isos: tuple[str, ...] = Field(description="ISO files that --iso can name")
    path: str = Field(description="the file that holds it")


class CoverageRow(Model):
    """A cmdlet of the reference, and how much of it is simulated."""

    cmdlet: str
    simulated: bool
    parameters: tuple[str, ...] = Field(description="the simulated parameters")
    missing: tuple[str, ...] = Field(description="the parameters that are refused")
    properties: tuple[str, ...] = Field(description="the simulated properties of what it returns")
