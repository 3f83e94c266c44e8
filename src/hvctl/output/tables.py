"""Tables: plain ones for pipes, and ones that fit a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from io import StringIO
from itertools import zip_longest
from typing import Any

from hvctl.output.cells import NOTHING, one_line
from hvctl.output.columns import Column
from hvctl.output.document import Document
from hvctl.output.streams import Sink, printable

_GAP = "  "
_TRAILING = re.compile(r" +(?=(?:\x1b\[0m)?$)", re.MULTILINE)
_UNLIMITED = 1 << 20
"""A width that nothing reaches: what is not a terminal gets its data whole."""


def table(document: Document, sink: Sink) -> str:
    """Columns under headers for a list, a line an attribute for one object; never cut where it is not a terminal."""
    if not document.columns:
        return ""
    if document.single:
        return _details(document, sink)
    rows = [[_cell(column, item) for column in document.columns] for item in document.items]
    if sink.is_terminal or sink.color:
        return _fitted(document, rows, sink)
    if document.headed:
        rows.insert(0, [printable(column.header) for column in document.columns])
    return _plain(rows, [column.right for column in document.columns])


def _cell(column: Column, item: Any) -> str:  # noqa: ANN401 - any JSON value
    return printable(one_line(column.value(item), column.show)) or NOTHING


def _plain(rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    sizes = [[_cells(text) for text in row] for row in rows]
    widths = [max(column) for column in zip(*sizes, strict=True)]
    lines = []
    for row, row_sizes in zip(rows, sizes, strict=True):
        padded = (
            " " * (width - size) + text if to_right else text + " " * (width - size)
            for text, size, width, to_right in zip(row, row_sizes, widths, right, strict=True)
        )
        lines.append(_GAP.join(padded).rstrip(" ") + "\n")
    return "".join(lines)


def _cells(text: str) -> int:
    """How many cells of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(_cell_width(character) for character in text)


def _cell_width(character: str) -> int:
    if unicodedata.combining(character) or character in "\u200b\u200c\u200d\ufe0e\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _details(document: Document, sink: Sink) -> str:
    rows = [
        (label, value, column)
        for item in document.items
        for column in document.fields
        for label, value in zip_longest([printable(column.label)], _values(column, item), fillvalue="")
    ]
    if sink.is_terminal or sink.color:
        return _fitted_details(rows, sink)
    return _plain([row[:2] for row in rows], [False, False])


def _values(column: Column, item: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    shown = column.show(column.value(item))
    lines = [shown] if isinstance(shown, str) else shown
    return [printable(line) for line in lines if line] or [NOTHING]


def _fitted(document: Document, rows: Iterable[Sequence[str]], sink: Sink) -> str:
    from rich.table import Table
    from rich.text import Text

    grid = Table(
        box=None, pad_edge=False, padding=(0, len(_GAP), 0, 0), header_style="bold", show_header=document.headed
    )
    for column in document.columns:
        compact = column.right or column.style is not None
        grid.add_column(
            Text(printable(column.header)),
            justify="right" if column.right else "left",
            no_wrap=compact,
            overflow="ellipsis" if compact else "fold",
        )
    for row in rows:
        grid.add_row(*(Text(text, _style(column, text)) for column, text in zip(document.columns, row, strict=True)))
    return _drawn(grid, sink)


def _fitted_details(rows: Iterable[tuple[str, str, Column]], sink: Sink) -> str:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, len(_GAP), 0, 0))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column(overflow="fold")
    for label, value, column in rows:
        grid.add_row(Text(label), Text(value, _style(column, value)))
    return _drawn(grid, sink)


def _style(column: Column, text: str) -> str:
    return column.style(text) if column.style is not None else ""


def _drawn(grid: Any, sink: Sink) -> str:  # noqa: ANN401 - rich's types are only known where rich is loaded
    from rich.console import Console

    text = StringIO()
    console = Console(
        file=text,
        width=max(sink.width, 20) if sink.is_terminal else _UNLIMITED,
        color_system="standard" if sink.color else None,
        force_terminal=sink.color,
        no_color=not sink.color,
        legacy_windows=False,
        _environ={},
    )
    console.print(grid)
    return _TRAILING.sub("", text.getvalue())
