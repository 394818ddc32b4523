"""What the adversary sends is what it means to send: a check against one that is harmless could not fail."""

import pytest

from racing_coach_core.codecs.decode import decode_lap
from racing_coach_core.exceptions import PayloadError
from tests.adversary import another, payloads

WORDS = {
    "keys twice, as many as are looked at": None,
    "keys twice, in all frames": "a look at each frame",
    "timestamps of a kilobyte": "ISO 8601",
    "a document of 90 MiB": "session: is required",
    "noise of 15 MiB": "neither a JSON object nor an Arrow stream",
    "a bomb": "the decoded payload in bytes",
    "nothing": "neither a JSON object nor an Arrow stream",
    "a long car": "JSON",
}
"""Why each is refused; None for a lap that is taken."""


@pytest.mark.parametrize("name", payloads())
def test_it_goes_as_far_as_it_is_meant_to(name: str) -> None:
    """Whatever its number, and each of them in bytes of its own."""
    payload = payloads()[name]()
    ones = [another(payload, number) for number in (1, 2)]
    assert ones[0] != ones[1]
    for one in ones:
        words = WORDS[name]
        if words is None:
            assert decode_lap(one).lap.frames.num_rows == 10_000
        else:
            with pytest.raises(PayloadError, match=words):
                decode_lap(one)
