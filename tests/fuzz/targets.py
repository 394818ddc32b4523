"""What is fuzzed: everything that takes bytes from others. Each target may refuse them in its own words, and nothing else."""

import base64
import contextlib
import gzip
import tempfile
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final
from uuid import UUID

import zstandard

from racing_coach_core.codecs.compression import decompress, detect
from racing_coach_core.codecs.decode import decode_lap, encode_lap
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.exceptions import InvalidTopicError, PayloadError
from racing_coach_core.mqtt.packet_reader import PacketReader
from racing_coach_core.mqtt.publish_packet import publish_head
from racing_coach_core.topics import Topics
from racing_coach_core.validation import check_frames
from racing_coach_rig.exceptions import FileAccessError, SourceError
from racing_coach_rig.sources.garage61.export import read_garage61
from racing_coach_rig.sources.iracing.ibt import read_ibt
from racing_coach_rig.sources.lap_file import read_lap_file
from racing_coach_rig.sources.result import SourceResult
from racing_coach_server.telemetry.exceptions import InvalidCursorError
from racing_coach_server.telemetry.search.cursors import from_cursor, to_cursor
from racing_coach_server.web.security.names import name_of
from racing_coach_server.web.security.sessions import given_password
from racing_coach_server.web.security.tries import network_of
from tests.laps import make_lap
from tests.rig.sources.garage61.exports import lap_rows, text
from tests.rig.sources.iracing.ibt_writer import drive, ibt_bytes, laps_of

SEEDS: Final = Path(__file__).parent / "seeds"
"""Of each target a folder: what once went wrong, to be tried for ever."""

_LIMITS: Final = PayloadLimits(wire_bytes=1 << 20, decoded_bytes=1 << 22, frames=2_000)
_TOPICS: Final = Topics()


def _decoded(payload: bytes) -> None:
    try:
        lap = decode_lap(payload, limits=_LIMITS).lap
    except PayloadError:
        return
    assert 0 < lap.frames.num_rows <= _LIMITS.frames
    assert check_frames(lap.frames) == []
    # What is taken can be written and read again, and is the same lap.
    again = decode_lap(encode_lap(lap, Encoding.ARROW)).lap
    assert again.frames.equals(lap.frames)


def json(data: bytes) -> None:
    """A JSON lap, whatever it holds."""
    _decoded(b"{" + data)


def arrow(data: bytes) -> None:
    """An Arrow stream, whatever it declares."""
    _decoded(b"\xff\xff\xff\xff" + data)


def compression(data: bytes) -> None:
    """gzip and zstd: no more than the limit comes out."""
    limit = 1 << 16
    with contextlib.suppress(PayloadError):
        assert len(decompress(data, detect(data), limit)) <= limit


def publish_packet(data: bytes) -> None:
    """The body of a PUBLISH, and the stream of packets that it comes in."""
    for qos in (0, 1):
        head = publish_head(bytearray(data), qos=qos)
        if head is not None:
            assert 0 < head.size <= len(data)
    reader, rest = PacketReader(), data
    try:
        while rest:
            with reader.room() as room:
                piece, rest = rest[: len(room)], rest[len(room) :]
                room[: len(piece)] = piece
            reader.filled(len(piece))
    except ConnectionError:
        return


def topics(data: bytes) -> None:
    """A topic, as a broker lets it through."""
    topic = data.decode(errors="replace")
    for template in (_TOPICS.laps, _TOPICS.rig_status, _TOPICS.lap_answers, _TOPICS.heartbeat):
        try:
            segments = template.parse(topic)
        except InvalidTopicError:
            continue
        assert template.build(**segments) == topic


@cache
def _file() -> Path:
    """One file for all inputs of this process, in memory where the machine has such a folder."""
    shared = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="fuzz-", dir=shared if shared.is_dir() else None)) / "file"


def _read(read: Callable[[Path], SourceResult], data: bytes) -> None:
    path = _file()
    path.write_bytes(data)
    try:
        laps = read(path).laps
    except FileAccessError:
        raise
    except SourceError:
        return
    for lap in laps:
        assert check_frames(lap.frames) == []


def recording(data: bytes) -> None:
    """An iRacing .ibt file."""
    _read(read_ibt, data)


def export(data: bytes) -> None:
    """A Garage 61 export."""
    _read(read_garage61, data)


def lap_file(data: bytes) -> None:
    """A lap made to be sent, in a file."""
    _read(read_lap_file, data)


def web_request(data: bytes) -> None:
    """What a browser, or whoever says so, puts into addresses and headers."""
    text = data.decode(errors="replace")
    given_password(text)
    name_of(text)
    network_of(text)
    for cursor in (text, base64.urlsafe_b64encode(data).decode()):
        with contextlib.suppress(InvalidCursorError):
            at, lap_id = from_cursor(cursor, "laps", (datetime, UUID))
            assert isinstance(at, datetime)
            assert from_cursor(to_cursor("laps", (at, lap_id)), "laps", (datetime, UUID)) == (at, lap_id)


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    target.__name__: target
    for target in (json, arrow, compression, publish_packet, topics, recording, export, lap_file, web_request)
}


@cache
def examples(name: str) -> tuple[bytes, ...]:
    """Good input to begin with, and what went wrong before."""
    lap = make_lap(3)
    document, stream = encode_lap(lap, Encoding.JSON), encode_lap(lap, Encoding.ARROW)
    topic = _TOPICS.laps.build(rig="rig-1", car="sim-gt3").encode()
    properties = b"\x03\x00\x01a\x08\x00\x01b\x09\x00\x01c\x26\x00\x01d\x00\x01e"
    body = len(topic).to_bytes(2) + topic + b"\x00\x01" + bytes([len(properties)]) + properties + b"payload"
    good = {
        "json": (document[1:],),
        "arrow": (stream[4:],),
        "compression": (gzip.compress(document), zstandard.compress(document), gzip.compress(b"") * 3),
        "publish_packet": (body, bytes([0x32, len(body)]) + body),
        "topics": (topic, _TOPICS.heartbeat.build(instance="main").encode()),
        "recording": (ibt_bytes(drive(laps_of(2, 8))),),
        "export": (text(lap_rows(20)).encode(),),
        "lap_file": (document, stream, gzip.compress(document)),
        "web_request": (
            b'["laps", "2026-11-25T12:00:00Z", "00000000-0000-0000-0000-000000000000"]',
            b"Basic OnNlY3JldA==",
            b"[::1]:8077",
        ),
    }[name]
    return (*good, *(path.read_bytes() for path in sorted((SEEDS / name).glob("*"))))
