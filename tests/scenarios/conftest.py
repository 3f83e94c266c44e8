"""The sites of the scenarios: the lab, and the same lab behind WinRM; each endpoint is started once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.conftest import Hvctl
from tests.support.remote import PASSWORD, USER, Remote
from tests.support.sites import Site

from hvctl.lab import seeds

LAB, FAR = "lab/hv01", "hv01.far"


@pytest.fixture(scope="session")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Remote]]:
    """The lab behind WinRM, by its method of login."""
    made: dict[str, Remote] = {}

    def find(auth: str) -> Remote:
        if auth not in made:
            made[auth] = Remote(tmp_path_factory.mktemp(auth), auth)  # type: ignore[arg-type] # the test names a right one
        return made[auth]

    yield find
    for each in made.values():
        each.close()


@pytest.fixture
def far(hvctl: Hvctl, endpoints: Callable[[str], Remote]) -> Callable[[str], Site]:
    """A fresh world behind an endpoint, as a configured host."""

    def site(auth: str) -> Site:
        served = endpoints(auth)
        seeds.reset(served.world_file)
        return remote_site(hvctl, served.endpoint.url, auth, served.endpoint.ca_file)

    return site


def remote_site(hvctl: Hvctl, url: str, auth: str, ca_file: Path | None) -> Site:
    """A host at an address, put into the configuration."""
    trust = ["--ca-file", str(ca_file)] if ca_file else []
    hvctl.ok("config", "host", "add", FAR, "--address", url, "--user", USER, "--auth", auth, *trust)
    return Site(FAR, hvctl, {"HVCTL_PASSWORD": PASSWORD})


@pytest.fixture
def near(hvctl: Hvctl) -> Site:
    """A fresh world, embedded."""
    return Site(LAB, hvctl)
