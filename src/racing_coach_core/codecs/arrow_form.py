"""What the columns of an Arrow stream are, looked at once for all laps that look alike.

A rig's laps have one schema but for the metadata, and going through some sixty columns takes longer than comparing two
schemas.
"""

import itertools
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from racing_coach_core.channels import CHANNEL_BY_NAME, LAP_SCHEMA
from racing_coach_core.exceptions import PayloadTooLargeError

_MAX_COLUMNS: Final = 512
"""iRacing has some 280 variables."""
_REMEMBERED: Final = 8
"""Forms: rigs of one version, and of one simulator, send the same."""
_PLAIN: Final = (
    pa.types.is_floating,
    pa.types.is_integer,
    pa.types.is_boolean,
    pa.types.is_timestamp,
    pa.types.is_date,
    pa.types.is_time,
    pa.types.is_duration,
    pa.types.is_null,
)
"""Kinds of columns that are read, if only to say that a channel wants another. Of some others, intervals of days for
one, pyarrow can make no array at all."""
_USUAL: Final = frozenset(LAP_SCHEMA.types)
"""Of those the ones that channels have: found at once, where each of the others is asked for in turn."""
_BUFFERS: Final = 2
"""Of a plain column: which rows have a value, and the values. One of nulls has none."""


@dataclass(frozen=True, slots=True)
class Form:
    """The columns of a stream, all of them plain.

    Attributes:
        schema: without metadata.
        kinds: the type of each column.
        runs: the same as neighbours of one type: which, and how many.
        buffers: how many a record batch of it has.
        channels: those that are channels: place and name.
    """

    schema: pa.Schema
    kinds: tuple[pa.DataType, ...]
    runs: tuple[tuple[pa.DataType, int], ...]
    buffers: int
    channels: tuple[tuple[int, str], ...]


_remembered: list[Form] = []


def form_of(schema: pa.Schema) -> Form:
    """The form of a schema.

    Raises:
        PayloadTooLargeError: too many columns.
        ValueError: two columns of one name, or one of a kind that a lap has not.
    """
    for known in _remembered:
        if known.schema.equals(schema):
            return known
    form = _looked_at(schema)
    # Threads may do this at the same time: then it is there twice, until others take its place.
    _remembered.insert(0, form)
    del _remembered[_REMEMBERED:]
    return form


def _looked_at(schema: pa.Schema) -> Form:
    if len(schema) > _MAX_COLUMNS:
        raise PayloadTooLargeError("the number of columns", len(schema), _MAX_COLUMNS)
    names, kinds = schema.names, schema.types
    seen: set[str] = set()
    for name, kind in zip(names, kinds, strict=True):
        if name in seen:
            raise ValueError(f"the column {name!r} is there twice")
        seen.add(name)
        if kind not in _USUAL and not any(is_plain(kind) for is_plain in _PLAIN):
            raise ValueError(f"the column {name!r} is of type {kind}; a lap has plain columns")
    return Form(
        # Made anew: a payload's schema has the lap's head in its memory.
        schema=pa.schema([pa.field(field.name, field.type, field.nullable) for field in schema]),
        kinds=tuple(kinds),
        runs=tuple((kind, len(list(run))) for kind, run in itertools.groupby(kinds)),
        buffers=sum(0 if pa.types.is_null(kind) else _BUFFERS for kind in kinds),
        channels=tuple((place, name) for place, name in enumerate(names) if name in CHANNEL_BY_NAME),
    )
