"""`config default` and `config show`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.config.entries import DATA
from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.errors import UsageError

if TYPE_CHECKING:
    from hvctl.config import Configuration
    from hvctl.config.edit import Document

_FROM_DEFAULT = "default"
_HIDDEN = "(hidden)"
_WITHOUT_VARIABLE = ("address", "parallel", "verify")
"""Settings that no environment variable has."""


@command(shared=DATA)
def default(
    context: Context,
    host: Annotated[
        str | None,
        typer.Argument(metavar="HOST", help="A configured host, @GROUP, localhost or lab; shows it if none."),
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="Have no default host any more.")] = False,
) -> None:
    """Choose the host that commands use where none is named, or show it.

    --host and HVCTL_HOST come before it. A group, as @GROUP, makes all its hosts the default.

        hvctl config default hv01
    """
    from hvctl.cli.config.entries import spelled_default
    from hvctl.cli.output import check_columns
    from hvctl.config import load
    from hvctl.config.edit import change, set_default
    from hvctl.models.config import Setting

    check_columns(context.options, Setting)
    if host is not None and none:
        raise UsageError("A host and --none contradict each other.")

    def apply(document: Document, configuration: Configuration) -> None:
        set_default(document, None if host is None else spelled_default(configuration, host))

    configuration = load() if host is None and not none else change(apply).after
    context.write_done([Setting(name="default", value=configuration.default)], single=True)


@command()
def show(
    context: Context,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value comes from.")] = False,
) -> None:
    """Show the settings that hold, for a host and for output.

    A password is never shown, only where it would come from. No host is contacted, no key store opened.

        hvctl config show --host hv01 --origin
    """
    from hvctl.models.config import Setting, SettingWithOrigin

    model = SettingWithOrigin if origin else Setting
    rows = [{"name": name, "value": value, "origin": source} for name, value, source in _Effective(context).settings()]
    kept = model.model_fields.keys()
    context.write([model.model_validate({k: row[k] for k in row if k in kept}) for row in rows], model=model)


_Row = tuple[str, str | None, str]
"""A setting's name, its value, and where that comes from."""


class _Effective:
    """Finds what holds: an option beats its environment variable, which beats the file, which beats the default."""

    def __init__(self, context: Context) -> None:
        from hvctl.config import load

        self._given = {field.name: getattr(context.given, field.name) for field in fields(context.given)}
        self._configuration = load()
        self._workers = str(context.workers)

    def settings(self) -> Iterator[_Row]:
        """All of them, in the order that they are shown in."""
        host = self._host()
        yield host
        yield from self._of_host(host[1])
        yield self._first("parallel", self._workers)
        yield self._first("output", "table")
        yield self._first("columns", None)
        yield self._first("timeout", "10m")
        yield self._color()
        yield self._first("pwsh", "false")
        yield from self._places()
        yield self._variable("debug") or ("debug", None, _FROM_DEFAULT)

    def _host(self) -> _Row:
        if self._given["all_hosts"]:
            return "host", ",".join(self._configuration.hosts), "--all-hosts"
        return self._one("host", file=("default",), value=self._configuration.default) or self._this_machine()

    def _of_host(self, host: str | None) -> Iterator[_Row]:
        from hvctl.cli.config.entries import OUTSIDE
        from hvctl.config.entries import RULES

        several = host is not None and ("," in host or "@" in host)
        if host is None or several or host.partition("/")[0].casefold() in (*OUTSIDE, "."):
            return
        entry = self._configuration.host(host)
        name = entry.name if entry else host
        for key in RULES:
            if key == "keyring":
                continue
            value = getattr(entry, key, None)
            text = str(value).lower() if isinstance(value, bool) else value and str(value)
            missing = {"address": name, "verify": "true"}.get(key)
            yield self._one(key, file=("hosts", name, key), value=text) or (key, missing, _FROM_DEFAULT)
        yield self._password(name, kept=entry is not None and entry.keyring)

    def _password(self, host: str, *, kept: bool) -> _Row:
        from hvctl.credentials import variable

        if self._given["password_stdin"]:
            return "password", _HIDDEN, "--password-stdin"
        for name in (variable(host), "HVCTL_PASSWORD"):
            if os.environ.get(name):
                return "password", _HIDDEN, name
        return ("password", _HIDDEN, "key store") if kept else ("password", None, "prompt")

    def _places(self) -> Iterator[_Row]:
        from hvctl.config import home

        places = home()
        origin = "HVCTL_HOME" if os.environ.get("HVCTL_HOME") else _FROM_DEFAULT
        yield self._variable("home") or ("home", None, _FROM_DEFAULT)
        yield "config_file", str(places.config_file), origin
        yield "state", str(places.state), origin
        yield "lab", str(places.lab), origin
        yield self._one("log_file") or ("log_file", str(places.log_file), origin)

    def _color(self) -> _Row:
        no_color = ("color", "never", "NO_COLOR") if os.environ.get("NO_COLOR") else None
        return self._one("color") or no_color or ("color", "auto", _FROM_DEFAULT)

    def _first(self, name: str, default: str | None) -> _Row:
        return self._one(name) or (name, default, _FROM_DEFAULT)

    def _one(self, name: str, *, file: tuple[str, ...] = (), value: str | None = None) -> _Row | None:
        """A setting by its option, its variable, or the file."""
        if name == "verify" and self._given["insecure"]:
            return name, "false", "--insecure"
        given = self._given.get(name)
        if given:
            text = ",".join(given) if isinstance(given, list) else str(given).lower() if given is True else str(given)
            return name, text, f"--{name.replace('_', '-')}"
        from_variable = None if name in _WITHOUT_VARIABLE else self._variable(name)
        if from_variable or value is None:
            return from_variable
        return name, value, f"{self._configuration.path}:{self._line(file)}"

    def _variable(self, name: str) -> _Row | None:
        variable = f"HVCTL_{name.upper()}"
        text = os.environ.get(variable)
        return (name, text, variable) if text else None

    def _line(self, keys: tuple[str, ...]) -> int:
        from hvctl.config.positions import positions

        return positions(self._configuration.text)[keys].line

    def _this_machine(self) -> _Row:
        from hvctl.hosts import has_hyper_v

        return ("host", "localhost", "this machine's Hyper-V") if has_hyper_v() else ("host", None, _FROM_DEFAULT)
