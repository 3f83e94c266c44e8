"""What one host among those of a command is to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hvctl.hosts import Target
    from hvctl.services.selection import Selection


@dataclass(frozen=True, slots=True)
class Share:
    """A host, and its share of what was chosen."""

    target: Target
    chosen: Selection
