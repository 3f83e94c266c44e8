"""`schema`: what commands write, as JSON Schema."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from hvctl.cli.context import Context
from hvctl.cli.options import command
from hvctl.errors import NotFoundError

MODELS = {
    "vm-list": ("hvctl.models.vm", "VmSummary"),
    "vm-show": ("hvctl.models.vm", "VirtualMachine"),
    "switch-list": ("hvctl.models.switch", "VirtualSwitch"),
    "switch-show": ("hvctl.models.switch", "SwitchDetails"),
    "checkpoint-list": ("hvctl.models.checkpoint", "CheckpointSummary"),
    "checkpoint-tree": ("hvctl.models.checkpoint", "CheckpointNode"),
    "checkpoint-show": ("hvctl.models.checkpoint", "Checkpoint"),
    "checkpoint-create": ("hvctl.models.checkpoint", "NewCheckpoint"),
    "vhd-list": ("hvctl.models.vhd", "DiskSummary"),
    "vhd-show": ("hvctl.models.vhd", "VirtualDisk"),
    "vhd-chain": ("hvctl.models.vhd", "ChainLink"),
    "vhd-test": ("hvctl.models.vhd", "DiskTest"),
    "host-check": ("hvctl.models.host", "HostCheck"),
    "host-list": ("hvctl.models.host", "HostRow"),
    "host-show": ("hvctl.models.host", "Host"),
    "migrate-check": ("hvctl.models.migrate", "Finding"),
    "migrate-show": ("hvctl.models.migrate", "MigrationHost"),
    "lab-show": ("hvctl.models.lab", "World"),
    "lab-coverage": ("hvctl.models.lab", "CoverageRow"),
    "lab-fault": ("hvctl.models.lab", "FaultRule"),
    "config-host": ("hvctl.models.config", "ConfiguredHost"),
    "config-group": ("hvctl.models.config", "HostGroup"),
    "config-outcome": ("hvctl.models.config", "EntryOutcome"),
    "config-show": ("hvctl.models.config", "SettingWithOrigin"),
    "storage-create": ("hvctl.models.storage", "CreatedStorage"),
    "storage-disk-list": ("hvctl.models.storage", "PhysicalDisk"),
    "storage-disk-show": ("hvctl.models.storage", "PhysicalDiskDetails"),
    "storage-health": ("hvctl.models.storage", "HealthFinding"),
    "storage-job-list": ("hvctl.models.storage", "StorageJob"),
    "storage-pool-list": ("hvctl.models.storage", "StoragePool"),
    "storage-pool-show": ("hvctl.models.storage", "StoragePoolDetails"),
    "storage-virtual-disk-list": ("hvctl.models.storage", "StorageVirtualDisk"),
    "storage-virtual-disk-show": ("hvctl.models.storage", "StorageVirtualDiskDetails"),
    "storage-volume-list": ("hvctl.models.storage", "Volume"),
    "outcome": ("hvctl.models.base", "Outcome"),
}
"""The documents that commands write, and the model of an item of each."""


@command(shared=())
def schema(
    _: Context,
    name: Annotated[
        str | None, typer.Argument(metavar="DOCUMENT", help=f"One of {', '.join(MODELS)}; all if not given.")
    ] = None,
) -> None:
    """Print the JSON Schema of what commands write.

    Lists are arrays of the item described. `create` writes what `show` does; other changing verbs write a list of
    outcomes.

        hvctl schema vm-list
    """
    if name is not None and name not in MODELS:
        raise NotFoundError(f"No document is called '{name}'.", hint=f"There are {', '.join(MODELS)}.")
    wanted = [name] if name else list(MODELS)
    documents = {each: _schema(*MODELS[each]) for each in wanted}
    typer.echo(json.dumps(documents[name] if name else documents, indent=2))


def _schema(module: str, model: str) -> dict[str, object]:
    from importlib import import_module

    described: dict[str, object] = getattr(import_module(module), model).model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **described}
