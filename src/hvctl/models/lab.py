"""The lab: what its world is, and what it simulates."""

from __future__ import annotations

from pydantic import Field

from hvctl.models.base import Model, Seconds


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


class FaultRule(Model):
    """A fault that is to happen at the lab's endpoint."""

    id: str
    kind: str
    host: str | None = Field(description="the only host that it strikes, null for every one")
    action: str | None = Field(description="the only operation that it strikes, null for every one that it can")
    times: int = Field(description="how often it is still to strike")
    after: int = Field(description="how many it is still to let pass before")
    seconds: Seconds = Field(description="how long it takes, in seconds")
