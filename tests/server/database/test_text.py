"""What others sent can be kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from racing_coach_server.database.text import MAX_TEXT, storable


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("as it is", "as it is"),
        ("found \0 here", "found \\x00 here"),
        ("half \ud800 a pair", "half \\ud800 a pair"),
        ("a whole 😀", "a whole 😀"),
        ("x" * (MAX_TEXT + 1), "x" * MAX_TEXT + "…"),
    ],
    ids=["plain", "U+0000", "a lone surrogate", "a pair", "long"],
)
def test_what_a_database_refuses_is_escaped(text: str, clean: str) -> None:
    assert storable(text, MAX_TEXT) == clean


@given(st.text(st.characters(exclude_categories=())), st.none() | st.integers(min_value=0, max_value=20))
def test_no_text_is_left_that_a_database_refuses(text: str, limit: int | None) -> None:
    clean = storable(text, limit)
    clean.encode()
    assert "\0" not in clean
    assert limit is None or len(clean) <= limit + 1
