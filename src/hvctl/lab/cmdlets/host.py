"""Get-VMHost, Set-VMHost, and the cmdlets on a host's migrations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hvctl.lab import lookup, migration, paths
from hvctl.lab.context import Args, Context, Handlers, Output, simulates
from hvctl.lab.kinds.host import HOST
from hvctl.lab.kinds.migration import MIGRATION_NETWORK
from hvctl.lab.live import Live, lives

HANDLERS: Handlers = {}
_SETTINGS: Mapping[str, str] = {
    "MaximumStorageMigrations": "storage_migrations",
    "MaximumVirtualMachineMigrations": "migrations",
    "UseAnyNetworkForMigration": "migration_any_network",
    "VirtualMachineMigrationAuthenticationType": "migration_authentication",
    "VirtualMachineMigrationPerformanceOption": "migration_performance",
}
_PATHS: Mapping[str, str] = {
    "VirtualHardDiskPath": "virtual_hard_disk_path",
    "VirtualMachinePath": "virtual_machine_path",
}


@simulates(HANDLERS, "Get-VMHost", HOST, "")
def get_host(context: Context, _args: Args) -> Iterator[Output]:
    """The host itself."""
    yield Live(context.world, HOST, context.host)


@simulates(HANDLERS, "Set-VMHost", HOST, "Passthru " + " ".join((*_SETTINGS, *_PATHS)))
def set_host(context: Context, args: Args) -> Iterator[Output]:
    """Change settings of the host."""
    for name, attribute in _SETTINGS.items():
        if args.get(name) is not None:
            setattr(context.host, attribute, args[name])
    for name, attribute in _PATHS.items():
        if args.get(name):
            setattr(context.host, attribute, paths.normalize(args[name]))
    yield from _changed(context, args)


@simulates(HANDLERS, "Enable-VMMigration", HOST, "Passthru")
def enable_migration(context: Context, args: Args) -> Iterator[Output]:
    """Let VMs be moved to and from the host."""
    context.host.migration_enabled = True
    yield from _changed(context, args)


@simulates(HANDLERS, "Disable-VMMigration", HOST, "Passthru")
def disable_migration(context: Context, args: Args) -> Iterator[Output]:
    """Let no VM be moved to or from the host."""
    context.host.migration_enabled = False
    yield from _changed(context, args)


def _changed(context: Context, args: Args) -> Iterator[Output]:
    context.world.save(context.host)
    if args.get("Passthru"):
        yield Live(context.world, HOST, context.host)


@simulates(HANDLERS, "Get-VMMigrationNetwork", MIGRATION_NETWORK, "Subnet")
def get_networks(context: Context, args: Args) -> Iterator[Output]:
    """The subnets that the host takes moves on."""
    wanted = args.get("Subnet")
    subnets = migration.networks(context.world, context.host)
    found = [each for each in subnets if wanted is None or any(lookup.matches(name, each) for name in wanted)]
    yield from lives(context.world, MIGRATION_NETWORK, found)
