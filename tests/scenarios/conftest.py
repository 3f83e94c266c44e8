"""The sites of the scenarios: the lab, and the same lab behind WinRM; each endpoint is started once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.pwsh import require_pwsh
from tests.support.remote import PASSWORD, USER, Remote, remote
from tests.support.sites import Site
from tests.support.stubs import read_behaviour, reference, write_module

from hvctl.lab import seeds

if TYPE_CHECKING:
    from tests.conftest import Hvctl

LAB, FAR, HERE = "lab/hv01", "hv01.far", "localhost"
STAND_INS = Path(__file__).parents[1] / "powershell" / "lasting-host.ps1"


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


@pytest.fixture(scope="session")
def lasting_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stand-ins for a few cmdlets, soon loaded; what they make is there for the next PowerShell too."""
    prelude, behaviour = read_behaviour(STAND_INS)
    cmdlets = {name: entry for name, entry in reference().items() if name in behaviour}
    return write_module(tmp_path_factory.mktemp("lasting"), behaviour, cmdlets=cmdlets, prelude=prelude)


@pytest.fixture
def powershell(
    hvctl: Hvctl, lasting_modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Site]]:
    """A fresh host of stand-ins that a real PowerShell runs: on this machine, or behind an endpoint."""
    program = Path(require_pwsh())
    monkeypatch.setenv("PSModulePath", str(lasting_modules))
    monkeypatch.setenv("HVCTL_TEST_FOLDER", str(tmp_path))
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    with ExitStack() as stack:

        def site(how: str) -> Site:
            if how == "local":
                return Site(HERE, hvctl, {"HVCTL_PWSH": "1"})
            served = stack.enter_context(remote(tmp_path, "basic", powershell=str(program)))
            return remote_site(hvctl, served.endpoint.url, "basic", served.endpoint.ca_file)

        yield site
