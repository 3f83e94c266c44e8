"""A marked password logs in to a real endpoint, by every way and with every outcome, and leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.cli.config.test_secrets import MARK, traces
from tests.conftest import Finished, Hvctl

from hvctl.hosts import lab_file
from hvctl.lab.endpoint.server import Settings, open_endpoint

pytestmark = pytest.mark.winrm

LOUD = {"HVCTL_DEBUG": "1", "HVCTL_HOST": ""}


@contextmanager
def served(hvctl: Hvctl, folder: Path, auth: str, password: str) -> Iterator[None]:
    """The lab behind WinRM, configured as hv01."""
    settings = Settings("admin", password, auth=auth, ca_file=folder / "ca.pem")  # type: ignore[arg-type]
    with open_endpoint(lab_file(), settings) as endpoint:
        host = endpoint.describe()[0]
        words = ["--address", host["url"], "--user", "admin", "--auth", auth]
        words += ["--ca-file", host["ca_file"]] if host["ca_file"] else []
        hvctl.ok("config", "host", "add", "hv01", *words)
        yield


def assert_clean(folder: Path, *finished: Finished) -> None:
    """Nothing that was printed, and no file, has the password."""
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    printed = [part for each in finished for part in (each.stdout, each.stderr)]
    for content in (*printed, *files):
        assert [trace for trace in traces(MARK) if trace in content] == []


WORDS = ["vm", "list", "--host", "hv01", "-v", "--show-powershell", "-o", "json"]


def run(hvctl: Hvctl, folder: Path, way: str) -> Finished:
    """A list that logs in with the marked password."""
    words = [*WORDS, "--log-file", str(folder / "own.log")]
    if way == "stdin":
        return hvctl(*words, "--password-stdin", stdin=f"{MARK}\n", env=LOUD)
    if way == "key store":
        hvctl.ok("config", "login", "hv01", "--password-stdin", stdin=MARK)
        return hvctl(*words, env=LOUD)
    return hvctl(*words, env=LOUD | {way: MARK})


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
@pytest.mark.parametrize("way", ["stdin", "key store", "HVCTL_PASSWORD", "HVCTL_PASSWORD_HV01"])
def test_a_login_that_is_taken(hvctl, tmp_path, key_store, auth, way):
    hvctl.ok("vm", "create", "web1")
    with served(hvctl, tmp_path, auth, MARK):
        listed = run(hvctl, tmp_path, way)
        assert listed.code == 0, listed
        assert [vm["name"] for vm in listed.data] == ["web1"]
        assert_clean(tmp_path, listed)


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
@pytest.mark.parametrize("way", ["stdin", "key store", "HVCTL_PASSWORD"])
def test_a_login_that_is_refused(hvctl, tmp_path, key_store, auth, way):
    with served(hvctl, tmp_path, auth, "another one"):
        refused = run(hvctl, tmp_path, way)
        assert refused.code == 4, refused
        assert_clean(tmp_path, refused)


def test_nobody_knows_the_password(hvctl, tmp_path, key_store):
    with served(hvctl, tmp_path, "ntlm", MARK):
        refused = hvctl("vm", "list", "--host", "hv01", env=LOUD | {"HVCTL_DEBUG": ""})
        assert refused.code == 4
        assert refused.err.startswith("error: There is no password for admin on hv01.\nhint: Give the password by")
        assert_clean(tmp_path, refused)
