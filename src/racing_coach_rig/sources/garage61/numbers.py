"""Numbers from the text of a Garage 61 export.

Columns are read by name: older exports lack some, newer ones have more.
"""

import csv
import io
from collections import Counter
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from racing_coach_core.channels import CHANNELS

type Floats = npt.NDArray[np.float64]
type Columns = dict[str, Floats]
"""Garage 61's column names to values, one a row of the file."""

FIRST_ROW: Final = 2
"""Errors count rows as a spreadsheet does: row 1 is the header."""

CHANNEL_OF: Final = {c.iracing: c for c in CHANNELS if c.iracing}
"""Garage 61 calls its columns what iRacing calls its variables."""

POSITION: Final = "PositionType"
"""The column that is no channel, but tells two of them."""

_CHANNEL_COLUMNS: Final = CHANNEL_OF.keys() - {"SessionTime", "Lap"}
"""Columns that are read. A clock and a lap counter would be, but the file's one lap has its own."""

_REQUIRED: Final = tuple(n for n, c in CHANNEL_OF.items() if c.required and n in _CHANNEL_COLUMNS)
MAX_BYTES: Final = 128 * 2**20
"""Of a file: a lap of an hour, with every digit there is, takes half of it."""


class CsvError(ValueError):
    """What is wrong with the file's content."""


def read_numbers(content: bytes) -> Columns:
    """Every column that is a channel, and `POSITION`, as float64; an empty cell is NaN where a value may be missing.

    Raises:
        CsvError: no CSV, a required column missing, or a cell that is no number.
    """
    return _numbers(_cells(content))


def _cells(content: bytes) -> pa.Table:
    """The columns that are channels, as text."""
    names = _header(content)
    wanted = [n for n in names if n in _CHANNEL_COLUMNS or n == POSITION]
    missing = [n for n in _REQUIRED if n not in wanted]
    if missing:
        raise CsvError(
            f"lacks the column {', '.join(missing)}:"
            " a Garage 61 export begins with a line of column names, with commas between them"
        )
    twice = [n for n, count in Counter(wanted).items() if count > 1]
    if twice:
        raise CsvError(f"has the column {', '.join(twice)} twice")
    if b"\n" not in content.strip():
        raise CsvError("has column names but no rows")
    return _read_csv(content, names, wanted)


def _header(content: bytes) -> list[str]:
    if not content.strip():
        raise CsvError("is empty")
    try:
        # All of it: what tells of a torn row wants text.
        line = content.decode("utf-8-sig").split("\n", 1)[0]
    except UnicodeDecodeError as error:
        raise CsvError("is not UTF-8 text") from error
    try:
        return [name.strip() for name in next(csv.reader([line]), [])]
    except csv.Error as error:
        raise CsvError(f"begins with no line of column names: {error}") from error


def _read_csv(content: bytes, names: list[str], wanted: list[str]) -> pa.Table:
    torn: list[str] = []

    def on_torn_row(row: arrow_csv.InvalidRow) -> Literal["error"]:
        torn.append(
            f"row {row.number} has {row.actual_columns} cells where the header has"
            f" {row.expected_columns}: export the file again"
        )
        return "error"

    try:
        return arrow_csv.read_csv(
            io.BytesIO(content),
            # One block and one thread: only then do torn rows have a number.
            arrow_csv.ReadOptions(use_threads=False, block_size=len(content) + 1, column_names=names, skip_rows=1),
            arrow_csv.ParseOptions(invalid_row_handler=on_torn_row),
            arrow_csv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except pa.ArrowInvalid as error:
        raise CsvError(torn[0] if torn else f"is no CSV file: {error}") from error


def _numbers(cells: pa.Table) -> Columns:
    """Every column as float64; an empty cell is NaN where the channel may be missing."""
    columns: Columns = {}
    for name in cells.column_names:
        text = pc.utf8_trim_whitespace(cells[name].combine_chunks())
        try:
            numbers = pc.cast(text, pa.float64())
        except pa.ArrowInvalid as error:
            raise CsvError(_first_non_number(name, text.to_pylist())) from error
        if numbers.null_count and name in _REQUIRED:
            row = text.to_pylist().index(None)
            raise CsvError(f"row {row + FIRST_ROW}, column {name}: is empty")
        columns[name] = numbers.to_numpy(zero_copy_only=False)
    return columns


def _first_non_number(name: str, cells: list[str | None]) -> str:
    """Find the cell that is no number; only for the error message."""
    for row, cell in enumerate(cells, start=FIRST_ROW):
        try:
            pc.cast(pa.scalar(cell, pa.string()), pa.float64())
        except pa.ArrowInvalid:
            return f"row {row}, column {name}: {cell!r} is not a number"
    raise AssertionError(name)
