"""The enums of the Hyper-V module with their numbers, as reflection of module 2.0.0.0 shows them."""

from __future__ import annotations

from collections.abc import Mapping

ENUMS: Mapping[str, Mapping[str, int]] = {
    "ActionPreference": {"SilentlyContinue": 0, "Stop": 1, "Continue": 2, "Inquire": 3, "Ignore": 4, "Suspend": 5},
    "BootDevice": {"Floppy": 0, "CD": 1, "IDE": 2, "LegacyNetworkAdapter": 3, "NetworkAdapter": 4, "VHD": 5},
    "CacheAttributes": {
        "Default": 0,
        "WriteCacheEnabled": 1,
        "WriteCacheAndFUAEnabled": 2,
        "WriteCacheDisabled": 3,
    },
    "CheckpointType": {"Disabled": 2, "Production": 3, "ProductionOnly": 4, "Standard": 5},
    "ConsoleModeType": {"Default": 0, "COM1": 1, "COM2": 2, "None": 3},
    "ControllerType": {"IDE": 0, "SCSI": 1, "PMEM": 2},
    "CriticalErrorAction": {"None": 0, "Pause": 1},
    "IPProtocolPreference": {"IPv4": 0, "IPv6": 1},
    "MigrationAuthenticationType": {"CredSSP": 0, "Kerberos": 1},
    "OnOffState": {"On": 0, "Off": 1},
    "RestartType": {"Reset": 0, "Reboot": 1},
    "SnapshotType": {
        "Standard": 0,
        "Recovery": 1,
        "Planned": 2,
        "Missing": 5,
        "Replica": 6,
        "AppConsistentReplica": 7,
        "SyncedReplica": 8,
    },
    "StartAction": {"Nothing": 2, "StartIfRunning": 3, "Start": 4},
    "StopAction": {"TurnOff": 2, "Save": 3, "ShutDown": 4},
    "TestPathType": {"Any": 0, "Container": 1, "Leaf": 2},
    "VMMigrationPerformance": {"TCPIP": 0, "Compression": 1, "SMB": 2},
    "VMSwitchBandwidthMode": {"Default": 0, "Weight": 1, "Absolute": 2, "None": 3},
    "VMSwitchType": {"Private": 0, "Internal": 1, "External": 2},
    "VhdType": {"Unknown": 0, "Fixed": 2, "Dynamic": 3, "Differencing": 4},
    "WaitVMTypes": {"Heartbeat": 0, "IPAddress": 1},
}


def members(name: str, values: tuple[str, ...]) -> Mapping[str, int] | None:
    """The members of an enum; of one that is not listed here, the reference's values in their order.

    None where the name is not an enum's: a type of .NET's own keeps its rules even when its values are listed.
    """
    known = ENUMS.get(name)
    if known is not None:
        return known
    if values and all(value.isidentifier() for value in values):
        return {value: number for number, value in enumerate(values)}
    return None
