"""`lab serve`: the simulator's hosts behind a real WinRM endpoint on loopback."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.errors import UsageError

if TYPE_CHECKING:
    from hvctl.lab.endpoint.server import Endpoint, Settings

_PASSWORD = "HVCTL_LAB_PASSWORD"  # noqa: S105 - the name of the variable
_LARGEST_PORT = 65_535
_LONGEST_MS = 60_000
_MS = 0.001


@command(shared=("quiet",))
def serve(
    context: Context,
    program: Annotated[
        str | None, typer.Argument(metavar="PATH", help="The PowerShell of --powershell; else the first found.")
    ] = None,
    hosts: Annotated[
        str | None, typer.Option("--hosts", metavar="A,B", help="Serve only these hosts of the world.")
    ] = None,
    method: Annotated[
        Literal["basic", "ntlm"], typer.Option("--auth", help="How clients log in: Basic over TLS, or NTLM over HTTP.")
    ] = "basic",
    port: Annotated[int, typer.Option("--port", metavar="N", help="The HTTP port; 0 is any that is free.")] = 0,
    tls_port: Annotated[int, typer.Option("--tls-port", metavar="N", help="The HTTPS port; 0 is any.")] = 0,
    account: Annotated[
        str, typer.Option("--user", metavar="NAME", help="The user that clients log in as.")
    ] = "Administrator",
    password_from_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read its password from the first line of standard input.")
    ] = False,
    powershell: Annotated[
        bool, typer.Option("--powershell", help="Run a real PowerShell behind it, not the simulator.")
    ] = False,
    delay_ms: Annotated[
        int, typer.Option("--delay-ms", metavar="N", help="Let each request take a round trip of so long.")
    ] = 0,
    start_ms: Annotated[
        int, typer.Option("--start-ms", metavar="N", help="Let each start of a PowerShell take so long.")
    ] = 0,
    certificate: Annotated[
        Path | None, typer.Option("--ca-file", metavar="FILE", help="Where to write the CA certificate to trust.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON once it listens.")] = False,
    until_stdin_closes: Annotated[
        bool, typer.Option("--until-stdin-closes", help="End when standard input does, as with its parent.")
    ] = False,
) -> None:
    """Serve the simulator's hosts over WinRM on this machine.

    It prints what to set for hvctl or any other WinRM client to reach them, and runs until Ctrl-C. The password is
    a new one each time, unless HVCTL_LAB_PASSWORD or --password-stdin gives one.

        hvctl lab serve

        hvctl lab serve --auth ntlm --port 5985

        hvctl lab serve --powershell /usr/bin/pwsh
    """
    from hvctl.hosts import lab_file
    from hvctl.lab.endpoint.server import Settings, open_endpoint
    from hvctl.lab.endpoint.stopping import until

    _check(("--port", port, _LARGEST_PORT), ("--tls-port", tls_port, _LARGEST_PORT))
    _check(("--delay-ms", delay_ms, _LONGEST_MS), ("--start-ms", start_ms, _LONGEST_MS))
    shell = _powershell(program) if powershell else None
    if program is not None and not powershell:
        raise UsageError(f"'{program}' is a PowerShell only with --powershell.", hint="Add --powershell.")
    given = _given_password(from_stdin=password_from_stdin)
    settings = Settings(
        user=account,
        password=given or _new_password(),
        auth=method,
        port=port,
        tls_port=tls_port,
        ca_file=certificate,
        delay=delay_ms * _MS,
        powershell=shell,
        start_delay=start_ms * _MS,
    )
    wanted = [name.strip() for name in (hosts or "").split(",") if name.strip()]
    with until(stdin=until_stdin_closes) as stop, open_endpoint(lab_file(), settings, only=wanted) as endpoint:
        if as_json:
            _print_json(endpoint)
        else:
            _print_text(endpoint, settings, secret=given is not None)
            context.note("The lab listens. Press Ctrl-C to end it.")
        # On Windows, a wait without end does not notice Ctrl-C.
        while not stop.wait(0.5):
            pass


def _check(*numbers: tuple[str, int, int]) -> None:
    for option, value, largest in numbers:
        if not 0 <= value <= largest:
            raise UsageError(f"{option} is {value}.", hint=f"Choose a number from 0 to {largest}.")


def _powershell(named: str | None) -> str:
    """The program to run as PowerShell."""
    import shutil

    names = [named] if named else ["powershell", "pwsh"] if sys.platform == "win32" else ["pwsh"]
    for name in names:
        found = shutil.which(name)
        if found is not None:
            return found
    raise UsageError(f"There is no program '{names[-1]}'.", hint="Install PowerShell, or say where it is.")


def _given_password(*, from_stdin: bool) -> str | None:
    from hvctl.credentials import read_stdin

    return read_stdin() if from_stdin else os.environ.get(_PASSWORD) or None


def _new_password() -> str:
    import secrets

    return secrets.token_urlsafe(15)


def _print_json(endpoint: Endpoint) -> None:
    import json

    _print(json.dumps({"hosts": endpoint.describe()}))


def _print_text(endpoint: Endpoint, settings: Settings, *, secret: bool) -> None:
    first, *others = endpoint.describe()
    variables = {
        "HVCTL_HOST": first["url"],
        "HVCTL_USER": first["user"],
        "HVCTL_AUTH": first["auth"],
        "HVCTL_CA_FILE": first["ca_file"],
    }
    if not secret:
        variables["HVCTL_PASSWORD"] = settings.password
    form = _as_powershell if sys.platform == "win32" else _as_posix
    lines = [form(name, value) for name, value in variables.items()]
    lines += [f"# HVCTL_PASSWORD is the one that you gave, of {first['user']}."] if secret else []
    lines += [f"# {other['name']} is at {other['url']}" for other in others]
    _print("\n".join(lines))


def _as_posix(name: str, value: str) -> str:
    import shlex

    return f"export {name}={shlex.quote(value)}"


def _as_powershell(name: str, value: str) -> str:
    from hvctl.powershell.literals import quote

    return f"$env:{name} = {quote(value)}"


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
