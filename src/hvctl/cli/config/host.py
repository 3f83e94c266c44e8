"""`config host add`, `list`, `show`, `set` and `remove`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hvctl.cli.config.entries import DATA
from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.errors import AccessError, ConflictError, UsageError

if TYPE_CHECKING:
    from hvctl.config import Configuration, HostEntry
    from hvctl.config.edit import Change, Document

_Address = Annotated[
    str | None,
    typer.Option("--address", metavar="ADDRESS", help="A host name, an IP address or a URL; its name if not given."),
]
_User = Annotated[str | None, typer.Option("--user", metavar="USER", help="Who logs in.")]
_Auth = Annotated[
    str | None, typer.Option("--auth", metavar="AUTH", help="basic, certificate, credssp, kerberos or ntlm.")
]
_CaFile = Annotated[
    Path | None, typer.Option("--ca-file", metavar="FILE", help="Whom to trust with the host's certificate.")
]
_CertFile = Annotated[Path | None, typer.Option("--cert-file", metavar="FILE", help="The certificate to log in with.")]
_KeyFile = Annotated[Path | None, typer.Option("--key-file", metavar="FILE", help="That certificate's key.")]
_Verify = Annotated[
    bool | None, typer.Option("--verify/--insecure", help="Whether the host's certificate is checked; it is.")
]
_Names = Annotated[list[str], typer.Argument(metavar="HOST", help="Names or patterns.", show_default=False)]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="What it is called on the command line.")]


@command(shared=DATA)
def add(
    context: Context,
    name: _Name,
    own_address: _Address = None,
    own_user: _User = None,
    own_auth: _Auth = None,
    own_ca_file: _CaFile = None,
    own_cert_file: _CertFile = None,
    own_key_file: _KeyFile = None,
    own_verify: _Verify = None,
    replace: Annotated[bool, typer.Option("--replace", help="If it is there with other values, forget them.")] = False,
) -> None:
    """Name a host in the configuration.

    A password is not among its values: see `hvctl config login`. The host is not contacted.

        hvctl config host add hv01 --address 10.0.0.11 --user admin --auth ntlm
    """
    from hvctl.cli.checking import given
    from hvctl.cli.config.entries import new_entry, shown, values_of
    from hvctl.cli.output import check_columns
    from hvctl.config import home
    from hvctl.config.edit import change, set_host
    from hvctl.config.entries import RULES, HostEntry
    from hvctl.models.config import ConfiguredHost

    check_columns(context.options, ConfiguredHost)
    values = values_of(
        given(
            address=own_address,
            user=own_user,
            auth=own_auth,
            ca_file=own_ca_file,
            cert_file=own_cert_file,
            key_file=own_key_file,
            verify=own_verify,
        )
    )
    wanted = HostEntry.of(new_entry("host", name), values, home().config_file.parent)

    def apply(document: Document, configuration: Configuration) -> None:
        there = configuration.host(name)
        if there is None:
            set_host(document, name, values)
        elif _differ(there, wanted):
            if not replace:
                raise ConflictError(
                    f"The configuration has a host '{there.name}' with other values.",
                    object_name=there.name,
                    hint=f"Add --replace, or change it: hvctl config host set {there.name}",
                )
            # The key store has the password of a user: another user's is not there.
            kept = {"keyring"} if there.user == wanted.user else set()
            cleared: dict[str, str | bool | None] = {key: None for key in RULES if key not in kept}
            set_host(document, there.name, cleared | values)

    done = change(apply)
    _forget_logins(context, done)
    if not done.is_one:
        context.note(f"'{name}' is in the configuration already; nothing was changed.")
    context.write_done([shown(done.after, name)], single=True)


@command(shared=DATA)
def list_(context: Context) -> None:
    """List the hosts that the configuration names.

    hvctl config host list
    """
    from hvctl.cli.config.entries import shown
    from hvctl.config import load
    from hvctl.models.config import ConfiguredHost

    configuration = load()
    context.write([shown(configuration, name) for name in configuration.hosts], model=ConfiguredHost)


@command(shared=DATA)
def show(context: Context, names: _Names) -> None:
    """Show what the configuration says of hosts.

    One literal name gives one object; a pattern or several names give a list.

        hvctl config host show hv01
    """
    from hvctl.cli.config.entries import meant, shown
    from hvctl.config import load
    from hvctl.models.config import ConfiguredHost

    configuration = load()
    found = meant("host", names, configuration.hosts)
    single = len(names) == 1 and configuration.host(names[0]) is not None
    context.write([shown(configuration, name) for name in found], single=single, model=ConfiguredHost)


@command(shared=DATA)
def set_(
    context: Context,
    names: _Names,
    own_address: _Address = None,
    own_user: _User = None,
    own_auth: _Auth = None,
    own_ca_file: _CaFile = None,
    own_cert_file: _CertFile = None,
    own_key_file: _KeyFile = None,
    own_verify: _Verify = None,
    unset: Annotated[
        list[str] | None,
        typer.Option("--unset", metavar="KEY", help="Forget a value: address, user, auth, ca_file, …; repeatable."),
    ] = None,
) -> None:
    """Change single values of hosts in the configuration.

    What is not named stays as it is.

        hvctl config host set hv01 --user admin --unset ca_file
    """
    from hvctl.cli.checking import given
    from hvctl.cli.config.entries import meant, one_host, values_of
    from hvctl.cli.output import check_columns
    from hvctl.config.edit import change, set_host
    from hvctl.models.config import EntryOutcome

    check_columns(context.options, EntryOutcome)
    changed = given(
        address=own_address,
        user=own_user,
        auth=own_auth,
        ca_file=own_ca_file,
        cert_file=own_cert_file,
        key_file=own_key_file,
        verify=own_verify,
    )
    values = values_of(changed) | _unset(unset or (), changed)
    if not values:
        raise UsageError("Nothing was to be set.", hint="See: hvctl config host set --help")
    outcomes: dict[str, str] = {}

    def apply(document: Document, configuration: Configuration) -> None:
        outcomes.clear()
        for name in meant("host", names, configuration.hosts):
            entry = one_host(configuration, name)
            different = {key: value for key, value in values.items() if _text_of(entry, key) != value}
            logged_out = {"keyring": None} if "user" in different else {}
            set_host(document, name, different | logged_out)
            outcomes[name] = "changed" if different else "unchanged"

    gone = _forget_logins(context, change(apply))
    for name in gone:
        context.note(f"The password of the old user was forgotten. For the new one: hvctl config login {name}")
    context.write_done(
        [
            EntryOutcome.model_validate({"name": name, "outcome": outcome, "also": gone.get(name, ())})
            for name, outcome in outcomes.items()
        ],
        model=EntryOutcome,
    )


@command(shared=DATA)
def remove(
    context: Context,
    names: _Names,
    missing_ok: Annotated[bool, typer.Option("--missing-ok", help="It is fine if one is not there.")] = False,
) -> None:
    """Take hosts out of the configuration.

    They go from groups, from being the default, and their passwords from the platform's key store.

        hvctl config host remove hv01
    """
    from hvctl.cli.config.entries import meant, shown
    from hvctl.cli.output import check_columns
    from hvctl.config.edit import change, remove_hosts
    from hvctl.models.config import EntryOutcome

    check_columns(context.options, EntryOutcome)
    found: list[str] = []

    def apply(document: Document, configuration: Configuration) -> None:
        found[:] = meant("host", names, configuration.hosts, missing_ok=missing_ok)
        remove_hosts(document, found)

    done = change(apply)
    gone = _forget_logins(context, done)
    outcomes = []
    for name in found:
        host = shown(done.before, name)
        also = [*(f"group {group}" for group in host.groups), *(["default"] if host.default else [])]
        also += gone.get(name, ())
        outcomes.append(EntryOutcome(name=name, outcome="changed", also=tuple(also)))
        if also:
            context.note(f"'{name}' was removed, also from: {', '.join(also)}.")
    context.write_done(outcomes, model=EntryOutcome)


def _differ(there: HostEntry, wanted: HostEntry) -> bool:
    from dataclasses import replace

    return replace(wanted, name=there.name, keyring=there.keyring) != there


def _text_of(entry: HostEntry, key: str) -> str | bool | None:
    value = getattr(entry, key)
    if key == "keyring":
        return value or None
    return str(value) if isinstance(value, Path) else value


def _unset(keys: list[str] | tuple[str, ...], changed: dict[str, object]) -> dict[str, None]:
    from hvctl.config.entries import RULES

    found: dict[str, None] = {}
    for text in keys:
        key = text.removeprefix("--").replace("-", "_")
        if key not in RULES:
            raise UsageError(f"A host has no value '{text}'.", hint=f"It has {', '.join(RULES)}.")
        if key in changed:
            raise UsageError(f"'{text}' cannot be set and unset at once.")
        found[key] = None
    return found


def _forget_logins(context: Context, done: Change) -> dict[str, tuple[str, ...]]:
    """Take passwords out of the key store whose host is gone or has another user.

    Where that fails it is said, and the change stays.

    Returns:
        What else changed with a host, where its password was forgotten.
    """
    from hvctl.credentials import forget

    forgotten: dict[str, tuple[str, ...]] = {}
    for entry in done.before.hosts.values():
        now = done.after.host(entry.name)
        if entry.user is None or not entry.keyring or (now is not None and now.keyring):
            continue
        try:
            if forget(entry.name, entry.user):
                forgotten[entry.name] = ("key store",)
        except AccessError as error:
            context.note(f"warning: the password of '{entry.name}' may still be in the key store: {error.message}")
    return forgotten
