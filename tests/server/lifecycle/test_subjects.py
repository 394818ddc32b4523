"""Whose a rejected message is: by its topic, by what is said of it, and by the names in its payload."""

from datetime import UTC, datetime

import pytest

from racing_coach_core.codecs.compression import compress
from racing_coach_server.lifecycle.subjects import Kind, Mentions, Subject
from racing_coach_server.rejected.models import RejectedMessage

LIMIT = 1 << 24


def rejected(payload: bytes, *, rig: str = "rig-1", reason: str = "no lap") -> RejectedMessage:
    return RejectedMessage(
        topic=f"racing-coach/v1/rigs/{rig}/cars/x/laps",
        reason=reason,
        errors=[],
        payload=payload,
        payload_sha256="",
        content_type=None,
        traceback=None,
        received_at=datetime.now(UTC),
        last_received_at=datetime.now(UTC),
        times_received=1,
    )


def ines(*names: str, kind: Kind = Kind.DRIVER, name: str = "ines") -> Mentions:
    return Mentions(Subject(kind, name), names, LIMIT)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"session": {"driver_id": "ines"}}',
        b'{"session": {"driver_id" :\n"in\\u0065s"}}',
        '{"driver_name":"Inès Aubrac"}'.encode(),
        b'{"driver_name":"In\\u00e8s Aubrac"}',
        b'\x00\x01"driver_name":"a \\" b"\xff"driver_id":"ines"',
        compress(b'{"driver_id": "ines"}'),
    ],
)
def test_a_payload_that_names_them(payload: bytes) -> None:
    """However it is written, and whatever is around it."""
    assert ines("Inès Aubrac").are_in(rejected(payload))


@pytest.mark.parametrize(
    "payload", [b'{"driver_id": "inesita"}', b'{"driver_name": "ines"}', b'{"driver_id": "', b'"driver_id": "\xff"']
)
def test_a_payload_that_does_not(payload: bytes) -> None:
    assert not ines("Inès Aubrac").are_in(rejected(payload))


def test_a_driver_that_is_a_number() -> None:
    """The wire takes ids as numbers; the message is theirs then, and not the rig's."""
    message = rejected(b'{"driver_id": 7}')
    assert ines(name="7").are_in(message)
    assert not ines(name="rig-1").are_in(message)
    assert ines(name="rig-1").are_in(rejected(b"{}"))
    assert ines(kind=Kind.RIG, name="rig-1").are_in(message)


def test_what_is_said_of_it_counts_too() -> None:
    """As a word of its own."""
    assert ines().are_in(rejected(b"", reason="driver ines is unknown"))
    assert not ines().are_in(rejected(b"", reason="marines are unknown"))


def test_a_driver_of_many_names_is_looked_for_all_the_same() -> None:
    """Whoever sends laps may give a driver as many names as there are laps; one after another, it takes an hour."""
    many = [f"name {number}" for number in range(20_000)]
    message = rejected(b'{"driver_name": "nobody"}' * 100_000, reason="name " * 800)
    assert not ines(*many).are_in(message)
    assert ines(*many).are_in(rejected(bytes(message.payload) + b'{"driver_name": "name 19999"}'))
