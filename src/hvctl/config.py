"""Where hvctl keeps its files, and what its configuration says.

`HVCTL_HOME` names one folder for everything; without it the platform's own places are used.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hvctl.errors import UsageError


@dataclass(frozen=True, slots=True)
class Home:
    """The folders and files of this user's hvctl; none of them need exist."""

    config_file: Path
    state: Path
    lab: Path
    log_file: Path


def home() -> Home:
    """Where this user's files are."""
    named = os.environ.get("HVCTL_HOME")
    if named:
        root = Path(named)
        return Home(root / "config.toml", root / "state", root / "lab" / "world.db", root / "log" / "hvctl.log")
    import platformdirs

    def place(kind: str) -> Path:
        return Path(getattr(platformdirs, f"user_{kind}_path")("hvctl", appauthor=False))

    return Home(
        place("config") / "config.toml",
        place("state"),
        place("data") / "lab" / "world.db",
        place("log") / "hvctl.log",
    )


def default_host() -> str | None:
    """The host that the configuration makes the default.

    Raises:
        UsageError: The file is not TOML, or its `default` is not a name; line and column are named.
    """
    path = home().config_file
    value = _read(path).get("default")
    if value is not None and (not isinstance(value, str) or not value):
        raise UsageError(f'{path}: `default` must be a host\'s name, such as default = "lab".')
    return value


def set_default_host(name: str | None) -> None:
    """Make a host the default, or none; what else stands in the file stays as it is, comments too.

    Raises:
        UsageError: The file cannot be read or written; it stays as it is then.
    """
    import tomlkit

    path = home().config_file
    _read(path)
    document = tomlkit.parse(path.read_bytes().decode("utf-8-sig")) if path.exists() else tomlkit.document()
    if name is None:
        document.pop("default", None)
    else:
        document["default"] = name
    draft = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(tomlkit.dumps(document).encode("utf-8"))
        draft.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}.") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    import tomllib

    try:
        return tomllib.loads(text.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}.", hint="Mend that line; nothing was changed.") from error
