"""Where hvctl keeps its files, and what its configuration says; `hvctl.config.edit` changes it."""

from __future__ import annotations

from hvctl.config.entries import HostEntry
from hvctl.config.places import Home, home
from hvctl.config.reading import Configuration, default_host, groups, host, hosts, load

__all__ = [
    "Configuration",
    "Home",
    "HostEntry",
    "default_host",
    "groups",
    "home",
    "host",
    "hosts",
    "load",
    "set_default_host",
]


def set_default_host(name: str | None) -> None:
    """Make a host the default, or none; what else stands in the file stays as it is, comments too.

    Raises:
        UsageError: The file cannot be read or written; it stays as it is then.
    """
    from hvctl.config.edit import change, set_default

    change(lambda document, _: set_default(document, name))
