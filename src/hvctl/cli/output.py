"""What a command returns, written as the options say."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hvctl.errors import UsageError
from hvctl.output.streams import Sink
from hvctl.output.wanted import Wanted

if TYPE_CHECKING:
    from hvctl.cli.options import Options
    from hvctl.models.base import Model
    from hvctl.output.document import Document


def wanted(options: Options) -> Wanted:
    """What the options ask for; checked before any host is contacted.

    Raises:
        UsageError: They contradict each other, or the query is not JMESPath.
    """
    asked = Wanted.of(options.output or "table", options.query, options.columns, options.sort)
    if asked.format in ("json", "yaml", "ndjson"):
        for name, value in (("--columns", asked.columns), ("--sort", asked.sort)):
            if value:
                raise UsageError(f"{name} belongs to tables and CSV, not to {asked.format}.", hint="Use --query.")
    # A variable set for one noun's tables must not break the others, nor a script that asks for JSON.
    preferred = tuple(name.strip() for name in os.environ.get("HVCTL_COLUMNS", "").split(",") if name.strip())
    return replace(asked, preferred=preferred)


def check_columns(options: Options, model: type[Model]) -> None:
    """Make sure, before anything is changed, that what is written afterwards has the columns asked for.

    Raises:
        UsageError: There is no such column.
    """
    from hvctl.output import document

    document.check_columns(wanted(options), model)


def write(options: Options, items: Sequence[Model], *, single: bool, model: type[Model] | None) -> None:
    """Write models to stdout."""
    from hvctl.output.document import Document

    _write(options, Document.of(items, model, single=single))


def write_data(options: Options, items: Sequence[Mapping[str, Any]], *, single: bool) -> None:
    """Write objects that are no models to stdout."""
    from hvctl.output.document import Document

    _write(options, Document(items, single=single))


def load(options: Options) -> None:
    """Load what writing will take, where that is slow."""
    from hvctl.output import formats

    formats.load(options.output or "table", Sink.of(sys.stdout, options.color or "auto"))


def _write(options: Options, written: Document) -> None:
    from hvctl.output import formats

    sink = Sink.of(sys.stdout, options.color or "auto")
    formats.write(written, wanted(options), sys.stdout, sink)
