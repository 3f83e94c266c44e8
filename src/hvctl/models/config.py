"""The configuration, as the `config` commands show it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hvctl.models.base import Model


class ConfiguredHost(Model):
    """A host's entry in the configuration; null is what it does not say."""

    name: str
    address: str | None = Field(description="a host name, an IP address or a URL; the name itself where null")
    user: str | None = Field(description="who logs in")
    auth: str | None = Field(description="basic, certificate, credssp, kerberos or ntlm")
    ca_file: str | None = Field(description="certificates that the host's certificate is checked against")
    cert_file: str | None = Field(description="the certificate to log in with")
    key_file: str | None = Field(description="that certificate's key")
    verify: bool | None = Field(description="whether the host's certificate is checked; it is where null")
    keyring: bool = Field(description="whether `config login` put its password into the platform's key store")
    groups: tuple[str, ...] = Field(description="the groups it is in")
    default: bool = Field(description="whether it is the default host")


class HostGroup(Model):
    """A group of hosts."""

    name: str
    hosts: tuple[str, ...]


class EntryOutcome(Model):
    """What became of an entry of the configuration."""

    name: str
    outcome: Literal["changed", "unchanged"]
    also: tuple[str, ...] = Field(default=(), description="what else changed with it")


class Setting(Model):
    """A setting that holds for a command, and its value; null where it has none."""

    name: str
    value: str | None


class SettingWithOrigin(Setting):
    """A setting, and where its value comes from."""

    origin: str = Field(description="an option, an environment variable, a line of a file, or the default")
