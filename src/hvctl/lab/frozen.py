"""Calls as text in the journal: live objects become what they are found by, so that another process can run them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hvctl.lab.conversion import Tagged
from hvctl.lab.live import Kind, Live
from hvctl.lab.steps import Refused
from hvctl.lab.world import World


def dump(cmdlet: str, parameters: Mapping[str, Any]) -> str:
    """A call with all refs resolved, as text.

    Raises:
        Refused: A parameter is a live object that cannot be found again.
    """
    return json.dumps({"cmdlet": cmdlet, "parameters": {name: _freeze(value) for name, value in parameters.items()}})


def load(world: World, text: str) -> tuple[str, dict[str, Any]]:
    """The call that `dump` wrote, on the objects as they are now."""
    call = json.loads(text)
    return call["cmdlet"], {name: _thaw(world, value) for name, value in call["parameters"].items()}


def _kinds() -> dict[str, Kind]:
    from hvctl.lab.kinds import network, snapshot, spaces, storage, vm

    kinds = (
        vm.VIRTUAL_MACHINE,
        snapshot.SNAPSHOT,
        network.SWITCH,
        network.NETWORK_ADAPTER,
        storage.HARD_DISK_DRIVE,
        storage.DVD_DRIVE,
        storage.VIRTUAL_HARD_DISK,
        spaces.POOL,
        spaces.VIRTUAL_DISK,
    )
    return {kind.name: kind for kind in kinds}


def _freeze(value: Any) -> Any:  # noqa: ANN401 - any argument
    if isinstance(value, list):
        return [_freeze(item) for item in value]
    if isinstance(value, Tagged):
        return {"tag": value.type, "content": _freeze(value.content)}
    if isinstance(value, Live):
        if value.kind.name not in _kinds():
            raise Refused("NotSimulated", "NotImplemented", f"The lab cannot keep a {value.kind.name} for an undo.")
        return {"live": value.kind.name, "entity": {name: getattr(value.entity, name) for name in value.entity.fields}}
    return value


def _thaw(world: World, value: Any) -> Any:  # noqa: ANN401 - any argument
    if isinstance(value, list):
        return [_thaw(world, item) for item in value]
    if isinstance(value, dict) and "tag" in value:
        return Tagged(value["tag"], _thaw(world, value["content"]))
    if isinstance(value, dict):
        from hvctl.lab.entities import Drive, File, Nic, Snapshot, Switch, Vm
        from hvctl.lab.spaces import Pool, VirtualDisk

        types: dict[str, type[Any]] = {
            "VirtualMachine": Vm,
            "VMSnapshot": Snapshot,
            "VMSwitch": Switch,
            "VMNetworkAdapter": Nic,
            "HardDiskDrive": Drive,
            "DvdDrive": Drive,
            "VirtualHardDisk": File,
            "MSFT_StoragePool": Pool,
            "MSFT_VirtualDisk": VirtualDisk,
        }
        live = Live(world, _kinds()[value["live"]], types[value["live"]](**value["entity"]))
        live.refresh()
        return live
    return value
