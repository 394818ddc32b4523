"""A lap keeps the columns that it was made of at hand, and only those."""

from dataclasses import replace

from tests.laps import make_lap

from racing_coach_core.codecs.decode import decode_lap, encode_lap
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.content import content_sha256


def test_a_decoded_lap_has_its_columns_at_hand() -> None:
    """They are those of its frames, to the hash."""
    lap = decode_lap(encode_lap(make_lap(40), Encoding.ARROW)).lap
    assert len(lap.made_of) == lap.frames.num_columns
    assert all(one.equals(other) for one, other in zip(lap.made_of, lap.frames.columns, strict=True))
    assert content_sha256(lap.lap_time, lap.frames, lap.made_of) == content_sha256(lap.lap_time, lap.frames)


def test_one_with_other_frames_has_not() -> None:
    """Columns of frames that it no longer has would be hashed and stored in their place."""
    lap = decode_lap(encode_lap(make_lap(40), Encoding.ARROW)).lap
    assert replace(lap, frames=lap.frames.slice(0, 10)).made_of == ()
