"""VMHost as a live object."""

from __future__ import annotations

from hvctl.lab.entities import Host
from hvctl.lab.live import Kind, Live, constants, fields, table

RELEASES = {
    "2016": ("10.0.14393", "Windows Server 2016 Datacenter", "8.0"),
    "2019": ("10.0.17763", "Windows Server 2019 Datacenter", "9.0"),
    "2022": ("10.0.20348", "Windows Server 2022 Datacenter", "10.0"),
    "2025": ("10.0.26100", "Windows Server 2025 Datacenter", "12.0"),
}
"""The Windows versions a world can have: build, product, newest configuration version."""
_VERSIONS = (
    *("5.0", "6.2", "7.0", "7.1", "8.0", "8.1", "8.2", "8.3"),
    *("9.0", "9.1", "9.2", "10.0", "11.0", "12.0"),
)
_FIRST_MAC = 0x000A
_OLDEST = {"2016": "5.0", "2019": "5.0", "2022": "8.0", "2025": "8.0"}


def versions(windows: str) -> list[str]:
    """The configuration versions that a host of this Windows version runs, oldest first."""
    newest = RELEASES[windows][2]
    return list(_VERSIONS[_VERSIONS.index(_OLDEST[windows]) : _VERSIONS.index(newest) + 1])


def mac_range(host: Host) -> tuple[int, int]:
    """The first and the last MAC address of a host's pool for dynamic ones."""
    first = 0x00155D000000 | host.number << 16 | _FIRST_MAC
    return first, first | 0xFFFF


def _mac(live: Live, end: int) -> str:
    return f"{mac_range(live.entity)[end]:012X}"


HOST = Kind(
    "VMHost",
    table(
        fields(
            Name="computer_name",
            ComputerName="computer_name",
            FullyQualifiedDomainName="domain",
            LogicalProcessorCount="logical_processors",
            MemoryCapacity="memory",
            VirtualMachinePath="virtual_machine_path",
            VirtualHardDiskPath="virtual_hard_disk_path",
            MaximumStorageMigrations="storage_migrations",
            MaximumVirtualMachineMigrations="migrations",
            UseAnyNetworkForMigration="migration_any_network",
            VirtualMachineMigrationAuthenticationType="migration_authentication",
            VirtualMachineMigrationEnabled="migration_enabled",
            VirtualMachineMigrationPerformanceOption="migration_performance",
        ),
        constants(
            EnableEnhancedSessionMode=False,
            IovSupport=True,
            IovSupportReasons=None,
            NumaSpanningEnabled=True,
            ResourceMeteringSaveInterval=3600,
        ),
        {
            "SupportedVmVersions": lambda live: versions(live.entity.windows),
            "MacAddressMinimum": lambda live: _mac(live, 0),
            "MacAddressMaximum": lambda live: _mac(live, 1),
        },
    ),
    text=lambda live: f"VMHost (Name = '{live.entity.computer_name}')",
    reload=lambda world, host: world.get(Host, host.name),
)
