"""Columns as arrays: where they lie makes no difference to what is in them."""

import numpy as np
import pyarrow as pa
import pytest

from racing_coach_core.arrow_types import Column, neighbours, side_by_side, stretches

FLOAT = np.dtype(np.float32)
ROWS = 5


def columns_at(places: list[int]) -> list[Column]:
    """Columns out of one piece of memory, each so many columns from its beginning; column 3 is 15, 16, ..."""
    memory = pa.array(np.arange(20 * ROWS), pa.float32())
    return [memory.slice(place * ROWS, ROWS) for place in places]


@pytest.mark.parametrize(
    ("places", "arrays"),
    [
        ([], 0),
        ([4], 1),
        ([2, 3, 4, 5], 1),
        ([0, 1, 7, 8, 9], 2),
        ([3, 2, 1], 3),
        ([4, 4], 2),
        ([0, 2, 4, 6, 8, 10, 12], 1),  # so many that one array is made of them
    ],
)
def test_columns_wherever_they_lie(places: list[int], arrays: int) -> None:
    """As few arrays as there are stretches of memory, or one copy."""
    columns = columns_at(places)
    plain = [column.to_numpy() for column in columns]

    found = stretches(columns, FLOAT)

    assert len(found) == arrays
    assert [row.tolist() for array in found for row in array] == [row.tolist() for row in plain]
    if columns:
        np.testing.assert_array_equal(side_by_side(columns, FLOAT), np.stack(plain))


def test_nothing_is_copied_of_what_lies_side_by_side() -> None:
    """The array is the memory itself, which lives as long as the array does, and is not written to."""
    columns = columns_at([2, 3])
    address = columns[0].buffers()[1].address + 2 * ROWS * FLOAT.itemsize

    (found,) = stretches(columns, FLOAT)
    del columns

    assert found.__array_interface__["data"] == (address, True)
    assert found.tolist() == [[10.0, 11.0, 12.0, 13.0, 14.0], [15.0, 16.0, 17.0, 18.0, 19.0]]


def test_columns_of_one_width_as_bits() -> None:
    """Whatever they count, side by side or not."""
    numbers, floats = pa.array([1, 2], pa.int32()), pa.array([1.0, -0.0], pa.float32())
    found = side_by_side([numbers, floats], np.dtype(np.uint32))
    assert found.tolist() == [[1, 2], [0x3F800000, 0x80000000]]


def test_columns_without_frames() -> None:
    """As many rows as there are columns, with nothing in them."""
    nothing = [pa.array([], pa.float32()), pa.nulls(0, pa.float32())]
    assert side_by_side(nothing, FLOAT).shape == (2, 0)


def test_neighbours_in_memory() -> None:
    """Each begins where the one before ends."""
    assert list(neighbours([0, 8, 16, 32, 40, 0], 8)) == [(0, 3), (3, 5), (5, 6)]
    assert list(neighbours([5], 8)) == [(0, 1)]
