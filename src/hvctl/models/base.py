"""What every model shares: records of a host in, JSON with snake_case keys out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from hvctl.errors import ProtocolError

Bytes = Annotated[int, Field(description="bytes")]
Seconds = Annotated[float, Field(description="seconds")]


def _as_list(value: object) -> object:
    """Hosts return an empty list as null or "", and a list of one as its item."""
    if value is None or value == "":
        return []
    return value if isinstance(value, list | tuple) else [value]


HostName = Annotated[str, Field(description="the host, as it was named on the command line")]
TextList = Annotated[tuple[str, ...], BeforeValidator(_as_list)]


class Model(BaseModel):
    """A frozen value that JSON and tables are made of."""

    # A command uses one or two models of those in its modules: the others need no validators.
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        defer_build=True,
        json_schema_serialization_defaults_required=True,
    )

    def as_json(self) -> dict[str, Any]:
        """The value as JSON-ready data, with the attributes' names as keys."""
        return self.model_dump(mode="json")


class Record(Model):
    """What a host returned: fields read from Hyper-V's properties by their validation alias, and the host's name.

    Attributes:
        noun: What one of these is called in messages.
    """

    noun: ClassVar[str] = "object"

    @classmethod
    @cache
    def properties(cls) -> tuple[str, ...]:
        """The property paths that a step must select to fill this model."""
        return tuple(str(f.validation_alias) for f in cls.model_fields.values() if f.validation_alias is not None)

    @classmethod
    def read(cls, host: str, records: Iterable[Mapping[str, Any]]) -> list[Self]:
        """Make models of a step's records.

        Raises:
            ProtocolError: A record lacks a property, or has one of another type.
        """
        try:
            return _adapter(cls).validate_python([{**record, "host": host} for record in records])
        except ValueError as error:
            raise ProtocolError(f"{host} returned a {cls.noun} that cannot be read: {error}", host=host) from error


@cache
def _adapter(model: type[Any]) -> TypeAdapter[list[Any]]:
    return TypeAdapter(list[model])  # type: ignore[valid-type] # a type that is known only at run time


class Outcome(Model):
    """What became of one object that a changing verb was asked to change."""

    id: str | None = Field(description="The object's id, null where it never existed")
    name: str
    host: str
    outcome: Literal["changed", "unchanged", "failed"]
    state: str | None = Field(description="The object's state afterwards, null where it is gone or has none")
    error: dict[str, Any] | None = Field(default=None, description="The error, as on stderr")
