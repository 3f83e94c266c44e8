"""The options that every command shares, and the one helper that adds them.

They may stand before the noun or after the verb; the latter wins. A flag beats its environment variable, which beats
the default.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from hvctl.errors import UsageError
from hvctl.output.wanted import Format

Color = Literal["auto", "always", "never"]
Auth = Literal["basic", "certificate", "ntlm", "kerberos", "credssp"]


@dataclass(frozen=True, slots=True)
class Options:
    """The shared options as they were given; None is not given."""

    host: Annotated[
        list[str] | None,
        typer.Option(
            "--host", metavar="HOST", help="A host, several as A,B, or a group as @GROUP; may be repeated. [HVCTL_HOST]"
        ),
    ] = None
    all_hosts: Annotated[bool, typer.Option("--all-hosts", help="All hosts of the configuration, or of the lab.")] = (
        False
    )
    parallel: Annotated[
        int | None, typer.Option("--parallel", metavar="N", min=1, help="How many hosts are worked on at once. [32]")
    ] = None
    user: Annotated[
        str | None, typer.Option("--user", metavar="USER", help="Who logs in: name, DOMAIN\\name. [HVCTL_USER]")
    ] = None
    auth: Annotated[
        Auth | None, typer.Option("--auth", help="How to log in; else what the host offers. [HVCTL_AUTH]")
    ] = None
    ca_file: Annotated[
        Path | None, typer.Option("--ca-file", metavar="FILE", help="Whose certificates to trust. [HVCTL_CA_FILE]")
    ] = None
    cert_file: Annotated[
        Path | None, typer.Option("--cert-file", metavar="FILE", help="A certificate to log in with. [HVCTL_CERT_FILE]")
    ] = None
    key_file: Annotated[Path | None, typer.Option("--key-file", metavar="FILE", help="Its key. [HVCTL_KEY_FILE]")] = (
        None
    )
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Do not check the host's certificate: anyone between can read along.")
    ] = False
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input. [HVCTL_PASSWORD]")
    ] = False
    output: Annotated[Format | None, typer.Option("--output", "-o", help="How data is written. [HVCTL_OUTPUT]")] = None
    query: Annotated[
        str | None, typer.Option("--query", metavar="JMESPATH", help="Reshape the data before it is written.")
    ] = None
    columns: Annotated[
        str | None,
        typer.Option("--columns", metavar="A,B", help="The columns of a table or CSV. [HVCTL_COLUMNS]"),
    ] = None
    sort: Annotated[
        str | None,
        typer.Option("--sort", metavar="COLUMN", help="Sort a table or CSV; -COLUMN sorts downwards."),
    ] = None
    timeout: Annotated[
        str | None,
        typer.Option("--timeout", metavar="TIME", help="How long to wait: 90, 5m, 1h. [HVCTL_TIMEOUT; 10m]"),
    ] = None
    show_powershell: Annotated[
        bool, typer.Option("--show-powershell", help="Print the PowerShell that runs to stderr.")
    ] = False
    pwsh: Annotated[bool, typer.Option("--pwsh", help="Run PowerShell 7 (pwsh) on this machine. [HVCTL_PWSH]")] = False
    color: Annotated[Color | None, typer.Option("--color", help="Colour in tables. [HVCTL_COLOR, NO_COLOR; auto]")] = (
        None
    )
    log_file: Annotated[
        Path | None, typer.Option("--log-file", metavar="FILE", help="Write the log there. [HVCTL_LOG_FILE]")
    ] = None
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notes, warnings or progress on stderr.")] = False
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more on stderr.")] = False
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, change nothing, print the PowerShell.")
    ] = False
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Answer every question with yes.")] = False

    def over(self, before: Options) -> Options:
        """These options where they were given, else those given before the noun."""
        given = {}
        for field in fields(self):
            value = getattr(self, field.name)
            given[field.name] = value or getattr(before, field.name)
        return Options(**given)

    def with_environment(self) -> Options:
        """Fill what was not given from environment variables.

        Raises:
            UsageError: A variable holds what its option would refuse.
        """
        filled: dict[str, Any] = {}
        for name, allowed in _FROM_ENVIRONMENT.items():
            text = os.environ.get(f"HVCTL_{name.upper()}")
            if not text or getattr(self, name):
                continue
            if allowed and text.lower() not in allowed:
                raise UsageError(f"HVCTL_{name.upper()} is '{text}'.", hint=f"Set it to one of {', '.join(allowed)}.")
            filled[name] = _converted(name, text.lower() if allowed else text)
        return replace(self, **filled)


_FROM_ENVIRONMENT: dict[str, tuple[str, ...]] = {
    "output": ("table", "json", "yaml", "ndjson", "csv", "name"),
    "timeout": (),
    "pwsh": ("1", "0", "true", "false"),
    "color": ("auto", "always", "never"),
    "log_file": (),
}
"""The options that a variable fills, and what each may hold.

`hosts` reads those of hosts and logins, `output` that of columns.
"""

CHANGING = ("dry_run", "yes")
"""The options that only changing commands have."""


def _converted(name: str, text: str) -> object:
    if name == "pwsh":
        return text in ("1", "true")
    return Path(text) if name == "log_file" else text


@dataclass(frozen=True, slots=True)
class Kind:
    """What a command is: whether it changes anything, and whether it works on a host at all."""

    changes: bool = False
    shared: tuple[str, ...] | None = None


def command(*, changes: bool = False, shared: tuple[str, ...] | None = None) -> Callable[[Any], Any]:
    """Mark a function as a command. It gets the context first, then its own options by keyword.

    Args:
        changes: It changes something, so it has `--dry-run` and `--yes`.
        shared: The only shared options it has; None for all that fit.
    """

    def mark(function: Any) -> Any:  # noqa: ANN401 - any function is a command
        function.hvctl_kind = Kind(changes, shared)
        return function

    return mark


def shared_names(kind: Kind) -> tuple[str, ...]:
    """The names of the shared options that a command of this kind has."""
    if kind.shared is not None:
        return kind.shared
    return tuple(field.name for field in fields(Options) if kind.changes or field.name not in CHANGING)


def with_shared_options(function: Any) -> Callable[..., None]:  # noqa: ANN401 - any function is a command
    """A function that Typer can run: the command's own parameters, then the shared options."""
    kind = function.hvctl_kind
    names = shared_names(kind)
    hints = get_type_hints(function, include_extras=True)
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[parameter.name])
        for parameter in list(inspect.signature(function).parameters.values())[1:]
    ]

    def run(ctx: typer.Context, **values: Any) -> None:  # noqa: ANN401 - whatever the options are
        from hvctl.cli.context import Context

        before = ctx.obj or Options()
        _refuse_lacking(before, names, ctx)
        given = Options(**{name: values.pop(name) for name in names})
        with Context.of(given.over(before), ctx.command_path, changes=kind.changes) as context:
            function(context, **values)

    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    parameters = [context, *own, *(_parameter(name) for name in names)]
    _sign(run, parameters)
    run.__doc__ = function.__doc__
    return run


def _refuse_lacking(before: Options, names: Sequence[str], ctx: typer.Context) -> None:
    own = {word for parameter in ctx.command.params for word in parameter.opts}
    for field in fields(Options):
        if field.name not in names and getattr(before, field.name) not in (None, False):
            option = f"--{field.name.replace('_', '-')}"
            raise UsageError(
                f"`{ctx.command_path}` has {option} as an option of its own: it stands after that."
                if option in own
                else f"`{ctx.command_path}` has no option {option}.",
                hint=f"See: {ctx.command_path} --help",
            )


def root_callback(*, bare: bool = False) -> Callable[..., None]:
    """The root's function: all shared options, for before the noun; or none of them."""

    def root(ctx: typer.Context, **values: Any) -> None:  # noqa: ANN401 - whatever the options are
        values.pop("version", None)
        ctx.obj = Options(**values)

    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    version = inspect.Parameter(
        "version",
        inspect.Parameter.KEYWORD_ONLY,
        default=False,
        annotation=Annotated[
            bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
        ],
    )
    parameters = [context]
    if not bare:
        parameters += [version, *(_parameter(field.name) for field in fields(Options))]
    _sign(root, parameters)
    return root


def _sign(function: Callable[..., Any], parameters: Sequence[inspect.Parameter]) -> None:
    """Give a function the parameters that Typer is to see."""
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typeshed lacks it
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}


def _version(value: bool) -> None:  # noqa: FBT001 - Typer's callback takes the value alone
    if value:
        from hvctl import __version__

        typer.echo(f"hvctl {__version__}")
        raise typer.Exit


@cache
def _hints() -> dict[str, Any]:
    return get_type_hints(Options, include_extras=True)


def _parameter(name: str) -> inspect.Parameter:
    default = next(field.default for field in fields(Options) if field.name == name)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=_hints()[name])
