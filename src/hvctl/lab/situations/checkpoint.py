"""How cmdlets on checkpoints fail."""

from __future__ import annotations

from collections.abc import Mapping

from hvctl.lab.situations import Situation

_FAILED = (
    "Checkpoint operation failed.\n\n'{name}' could not initiate a checkpoint operation. (Virtual machine ID {id})"
)

CHECKPOINT_SITUATIONS: Mapping[str, Situation] = {
    "snapshot-missing": Situation("ObjectNotFound", "Unable to find a snapshot matching the given criteria."),
    "snapshot-ambiguous": Situation(
        "InvalidParameter", "More than one snapshot was found matching the given criteria.", sure=False
    ),
    "snapshot-name": Situation("InvalidParameter", "The name of a checkpoint has 1 to 100 characters.", sure=False),
    "snapshot-production": Situation(
        "OperationFailed", "Checkpoint operation failed.\n\nProduction checkpoints cannot be created.", sure=False
    ),
    "snapshot-disabled": Situation(
        "OperationFailed", f"{_FAILED}\n\nCheckpoints have been disabled for this virtual machine.", sure=False
    ),
    "snapshot-limit": Situation(
        "OperationFailed",
        f"{_FAILED}\n\nThe virtual machine has the most checkpoints that it can have: 50.",
        sure=False,
    ),
    "snapshot-folder": Situation(
        "InvalidState",
        "The folder for the checkpoint files of '{name}' cannot be changed while it has checkpoints.",
        sure=False,
    ),
}
"""Rows of problems.SITUATIONS."""
