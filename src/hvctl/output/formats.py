"""The formats: a document as text, a function each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib import import_module
from io import StringIO
from typing import Any, TextIO

from hvctl.errors import UsageError
from hvctl.output.document import Document, shape
from hvctl.output.streams import Sink, emit, escape_for_json, is_printable, printable
from hvctl.output.tables import table
from hvctl.output.wanted import Wanted


def render(document: Document, wanted: Wanted, sink: Sink) -> str:
    """The text of a document as the user wants it, for that sink.

    Raises:
        UsageError: The query does not fit the data, or no column has such a name.
    """
    return FORMATS[wanted.format](shape(document, wanted), sink)


def write(document: Document, wanted: Wanted, stream: TextIO, sink: Sink | None = None) -> None:
    """Write a document to a stream, by default in the way that fits what the stream leads to.

    Raises:
        UsageError: The query does not fit the data, or no column has such a name.
        HvctlError: The text cannot be written.
    """
    emit(render(document, wanted, sink or Sink.of(stream)), stream)


def load(output: str, sink: Sink) -> None:
    """Import the library that a format takes, ahead of its use."""
    if output == "yaml":
        import_module("yaml")
    elif output == "table" and (sink.is_terminal or sink.color):
        import_module("rich.table")


def as_json(document: Document, sink: Sink) -> str:
    """One JSON value: pretty-printed in real characters on a terminal, one line of ASCII elsewhere."""
    return _json(document.data, sink, indent=2) + "\n"


def as_ndjson(document: Document, sink: Sink) -> str:
    """A line of JSON an item."""
    return "".join(_json(item, sink) + "\n" for item in document.items)


def as_yaml(document: Document, sink: Sink) -> str:  # noqa: ARG001 - every format takes the same
    """One YAML document, in real characters but for those that a terminal would obey."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Writes no anchors, lines of a text as lines, and what is not printable as escapes."""

        def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - the base class's signature
            return True

    def represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        style = None
        if not is_printable(text):
            style = "|" if is_printable(text.replace("\n", "")) else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, represent)
    data = document.data if document.single else list(document.items)
    dumped: str = yaml.dump(data, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=1 << 30)
    return escape_for_json(re.sub(r"\n\.\.\.\n\Z", "\n", dumped))


def as_csv(document: Document, sink: Sink) -> str:
    """RFC 4180 with a header: the values of the machine formats, lists joined by `;`, nothing as an empty field."""
    import csv

    clean = printable if sink.is_terminal else str
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow([clean(column.name) for column in document.fields])
    for item in document.items:
        writer.writerow([clean(_field(column.value(item))) for column in document.fields])
    return text.getvalue() if document.fields else ""


def as_name(document: Document, sink: Sink) -> str:
    """A line an item: its name on a terminal, its id elsewhere, so that a script cannot meet an ambiguous name.

    What has neither is the host's own.

    Raises:
        UsageError: An item has none of them.
    """
    keys = ("name", "id", "host") if sink.is_terminal else ("id", "name", "host")
    return "".join(f"{printable(_name(item, keys))}\n" for item in document.items)


FORMATS: dict[str, Callable[[Document, Sink], str]] = {
    "csv": as_csv,
    "json": as_json,
    "name": as_name,
    "ndjson": as_ndjson,
    "table": table,
    "yaml": as_yaml,
}


def _json(data: Any, sink: Sink, indent: int | None = None) -> str:  # noqa: ANN401 - any JSON value
    if sink.is_terminal:
        return escape_for_json(json.dumps(data, ensure_ascii=False, indent=indent))
    return json.dumps(data)


def _field(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if value is None:
        return ""
    if isinstance(value, list):
        return ";".join(_field(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _name(item: Any, keys: tuple[str, ...]) -> str:  # noqa: ANN401 - any JSON value
    for key in keys:
        if item.get(key) is not None:
            return str(item[key])
    if item.keys() == {"value"}:
        return _field(item["value"])
    raise UsageError("What is to be written has no name and no id.", hint="Choose another format: -o json, -o table.")
