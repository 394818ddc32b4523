"""A schema is looked at once for all laps that look alike."""

import pyarrow as pa
import pytest

from racing_coach_core.codecs.arrow_form import form_of
from racing_coach_core.exceptions import PayloadTooLargeError

COLUMNS = [("speed", pa.float32()), ("mine", pa.float32()), ("nothing", pa.null()), ("gear", pa.int16())]


def test_what_a_form_says() -> None:
    """Neighbours of one type, how many buffers there are, and which columns are channels."""
    form = form_of(pa.schema(COLUMNS))
    assert form.kinds == tuple(kind for _, kind in COLUMNS)
    assert form.runs == ((pa.float32(), 2), (pa.null(), 1), (pa.int16(), 1))
    assert form.buffers == 6
    assert form.channels == ((0, "speed"), (3, "gear"))


def test_laps_that_look_alike_have_one_form() -> None:
    """Whatever else is said of them, of which nothing is kept."""
    form = form_of(pa.schema(COLUMNS))
    told = pa.schema([pa.field(name, kind, metadata={"unit": "x"}) for name, kind in COLUMNS], metadata={"lap": "3"})
    assert form_of(told) is form
    assert form.schema.metadata is None
    fresh = form_of(pa.schema([pa.field("rpm", pa.float32(), metadata={"unit": "x"})], metadata={"lap": "3"})).schema
    assert (fresh.metadata, fresh.field(0).metadata) == (None, None)


@pytest.mark.parametrize(
    "other",
    [
        [("speed", pa.float64()), *COLUMNS[1:]],
        [*COLUMNS[1:], COLUMNS[0]],
        COLUMNS[:-1],
        [pa.field("speed", pa.float32(), nullable=False), *COLUMNS[1:]],
    ],
)
def test_what_looks_otherwise_has_another(other: list[pa.Field]) -> None:
    """By type, order, number, and whether there may be nulls."""
    form = form_of(pa.schema(other))
    assert form is not form_of(pa.schema(COLUMNS))
    assert form.schema.equals(pa.schema(other))


def test_few_are_remembered() -> None:
    """Whoever sends a new one each time takes no memory, and the latest are known."""
    first = form_of(pa.schema([("speed", pa.float32())]))
    for number in range(20):
        form = form_of(pa.schema([(f"of nobody {number}", pa.float32())]))
        assert form_of(form.schema) is form
    assert form_of(first.schema) is not first


@pytest.mark.parametrize(
    ("columns", "error", "words"),
    [
        ([("speed", pa.float32())] * 2, ValueError, "'speed' is there twice"),
        ([("speed", pa.list_(pa.float32()))], ValueError, "of type list"),
        ([(f"column {number}", pa.int8()) for number in range(513)], PayloadTooLargeError, "number of columns"),
    ],
)
def test_what_is_refused_is_refused_each_time(
    columns: list[tuple[str, pa.DataType]], error: type[Exception], words: str
) -> None:
    """It is not taken for known."""
    for _ in range(2):
        with pytest.raises(error, match=words):
            form_of(pa.schema(columns))
