"""What the user wants to see of what a command returns; little is loaded to read that, for it comes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hvctl.errors import UsageError

Format = Literal["table", "json", "yaml", "ndjson", "csv", "name"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for: the format, a query over the data, and the columns and order of a table.

    Attributes:
        format: How it is written.
        query: A JMESPath expression.
        columns: The columns of a table or CSV, in this order; none means the usual ones.
        sort: The columns that order a table, CSV or names; `-` before one means downwards.
        preferred: The columns to show where none are asked for, as far as the document has them.
    """

    format: Format = "table"
    query: str | None = None
    columns: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    preferred: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, output: Format = "table", query: str | None = None, columns: str | None = None, sort: str | None = None
    ) -> Wanted:
        """Read what the options say, before any host is contacted.

        Raises:
            UsageError: The query is not JMESPath, or a list of columns is empty.
        """
        if query is not None:
            from hvctl.output.query import check

            check(query)
        return cls(output, query, _listed("--columns", columns), _listed("--sort", sort))


def _listed(option: str, text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    names = tuple(name.strip() for name in text.split(","))
    if not all(name.removeprefix("-") for name in names):
        raise UsageError(f"{option} has an empty column name: '{text}'.")
    return names
