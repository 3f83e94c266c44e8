"""What a command returns, as JSON-ready data, and the part of it that the user wants to see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hvctl.errors import UsageError
from hvctl.output.columns import Column, columns_of

if TYPE_CHECKING:
    from hvctl.models.base import Model
    from hvctl.output.wanted import Wanted


@dataclass(frozen=True, slots=True)
class Document:
    """Data, and what it looks like in a table.

    Attributes:
        items: JSON-ready values, objects as a rule.
        single: The one item is the document; otherwise the list is.
        columns: What a table of several shows; none means that the items' keys decide.
        fields: What a table of one, and CSV, show.
        headed: Whether a table has headers; bare values need none.
    """

    items: Sequence[Any]
    single: bool = False
    columns: tuple[Column, ...] = ()
    fields: tuple[Column, ...] = ()
    headed: bool = True

    @classmethod
    def of(cls, models: Sequence[Model], model: type[Model] | None = None, *, single: bool = False) -> Document:
        """The document of models; `model` says what they are where there may be none."""
        model = model or (type(models[0]) if models else None)
        items = [each.as_json() for each in models]
        if model is None:
            return cls(items, single)
        names = [name for name, field in model.model_fields.items() if not field.exclude]
        return cls(items, single, *columns_of(model, names))

    @property
    def data(self) -> Any:  # noqa: ANN401 - any JSON value
        """The document as one JSON value."""
        return self.items[0] if self.single else self.items


def check_columns(wanted: Wanted, model: type[Model]) -> None:
    """Make sure, before anything is done, that the columns asked for are columns of the model.

    Raises:
        UsageError: There is no such column.
    """
    if wanted.query is None:
        shape(Document.of([], model), wanted)


def shape(document: Document, wanted: Wanted) -> Document:
    """The part of the document that the user wants, in the order wanted.

    Raises:
        UsageError: The query does not fit the data, or no column has such a name.
    """
    if wanted.query is not None:
        document = _queried(document, wanted.query)
    if wanted.format in ("json", "yaml", "ndjson"):
        return document
    document = _with_columns(document)
    if wanted.query is not None and not document.items:
        # A query that found nothing says nothing of the columns it would have had.
        names = (*wanted.columns, *(name.removeprefix("-") for name in wanted.sort))
        document = replace(document, fields=(*document.fields, *(Column(name) for name in names)))
    if wanted.sort:
        document = replace(document, items=_sorted(document, wanted.sort))
    chosen = tuple(_find(document, name) for name in wanted.columns)
    if not chosen:
        chosen = tuple(column for name in wanted.preferred if (column := _known(document, name)) is not None)
    if chosen and wanted.format != "name":
        document = replace(document, columns=chosen, fields=chosen)
    return document


def _queried(document: Document, query: str) -> Document:
    from hvctl.output.query import search

    found = search(query, document.data)
    if not isinstance(found, list):
        return Document([found], single=True)
    keys = {column.name for column in document.fields}
    if keys and all(isinstance(item, dict) and item.keys() == keys for item in found):
        return replace(document, items=found, single=False)
    return Document(found)


def _with_columns(document: Document) -> Document:
    """The document with columns: where the model has none the items' keys decide, and bare values get one."""
    if document.columns:
        return document
    items = [item for item in document.items if item is not None] if document.single else document.items
    if all(isinstance(item, dict) for item in items):
        columns = tuple(Column(name) for name in dict.fromkeys(name for item in items for name in item))
        return replace(document, items=items, columns=columns, fields=columns)
    if all(isinstance(item, list) for item in items):
        columns = tuple(Column(f"column{n + 1}") for n in range(max(map(len, items))))
        rows = [{f"column{n + 1}": value for n, value in enumerate(item)} for item in items]
    else:
        columns = (Column("value"),)
        rows = [{"value": item} for item in items]
    return replace(document, items=rows, columns=columns, fields=columns, headed=False, single=False)


def _sorted(document: Document, names: Sequence[str]) -> list[Any]:
    items = list(document.items)
    for name in reversed(names):
        column = _find(document, name.removeprefix("-"))
        there = [item for item in items if column.value(item) is not None]
        there.sort(key=lambda item: _rank(column.value(item)), reverse=name.startswith("-"))
        items = there + [item for item in items if column.value(item) is None]
    return items


def _rank(value: Any) -> tuple[int, Any, str]:  # noqa: ANN401 - any JSON value
    """A key that orders values of any kind: numbers by size, texts whatever their case."""
    if isinstance(value, int | float):
        return 0, value, ""
    text = str(value)
    return 1, text.casefold(), text


def _find(document: Document, name: str) -> Column:
    column = _known(document, name)
    if column is None:
        names = ", ".join({each.name: None for each in (*document.fields, *document.columns)})
        raise UsageError(
            f"There is no column '{name}'.", hint=f"The columns are: {names or 'none: there is nothing to show'}."
        )
    return column


def _known(document: Document, name: str) -> Column | None:
    known = {column.name: column for column in (*document.fields, *document.columns)}
    titles = {column.header.casefold(): column for column in known.values()}
    column = known.get(name) or known.get(name.casefold()) or titles.get(name.casefold())
    if column is None and name.partition(".")[0] in known:
        column = Column(name)
    return column
