"""Everything that takes bytes from others refuses them in its own words; `make fuzz` looks for longer."""

import random

import pytest

from tests.fuzz.targets import SEEDS, TARGETS, examples

_TRIES = 300


@pytest.mark.parametrize("name", TARGETS)
def test_good_input_and_what_once_went_wrong(name: str) -> None:
    """Every seed, each by itself."""
    for example in examples(name):
        TARGETS[name](example)


@pytest.mark.parametrize("name", TARGETS)
def test_good_input_spoilt(name: str) -> None:
    """Bytes changed, left out, doubled and cut off, in ways that are the same each time."""
    chance = random.Random(name)
    for _ in range(_TRIES):
        data = bytearray(chance.choice(examples(name)))
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(len(data) + 1)
            match chance.randrange(4):
                case 0 if at < len(data):
                    data[at] = chance.choice((0, 0x7F, 0x80, 0xFF, chance.randrange(256)))
                case 1:
                    del data[at : at + chance.randint(1, 16)]
                case 2:
                    data[at:at] = data[at : at + chance.randint(1, 64)]
                case _:
                    data[at:] = data[at : at + chance.randint(0, 2_000)]
        TARGETS[name](bytes(data))


def test_seeds_are_of_targets() -> None:
    """A folder of another name would never be tried."""
    assert {path.name for path in SEEDS.iterdir() if path.is_dir()} <= set(TARGETS)
