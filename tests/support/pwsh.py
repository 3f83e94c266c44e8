"""The PowerShell that the tests of kind `powershell` run: HVCTL_TEST_PWSH, else the first one on PATH."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from hvctl.powershell.bootstrap import encoded_command

_NAMES = ("pwsh", "powershell.exe")


def find_pwsh() -> str | None:
    """The PowerShell's path, or None where there is none."""
    named = os.environ.get("HVCTL_TEST_PWSH")
    if named:
        return shutil.which(named)
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def require_pwsh() -> str:
    """The PowerShell's path; skips the test that asks where there is none."""
    path = find_pwsh()
    if path is None:
        pytest.skip("no PowerShell: set HVCTL_TEST_PWSH, or put pwsh on PATH")
    return path


def run_script(script: str, *, lines: bytes = b"", timeout: float = 60.0) -> tuple[str, str]:
    """Run a script whose only input is `lines`; its stdout and stderr.

    A script that reads them mentions `$input`.
    """
    command = [require_pwsh(), "-NoLogo", "-NoProfile", "-NonInteractive", "-InputFormat", "Text"]
    command += ["-OutputFormat", "Text", "-EncodedCommand", encoded_command(script)]
    done = subprocess.run(command, input=lines, capture_output=True, timeout=timeout, check=False)
    return done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
