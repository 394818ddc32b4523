"""Limits of a lap, and what is sent to get past them."""

import asyncio
import gzip
import json
from collections.abc import Callable

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import zstandard
from tests.daemon import DaemonProcess
from tests.lap_client import LapClient
from tests.server.support import (
    Stored,
    arrow,
    as_json,
    changed,
    new_lap,
)
from tests.waiting import TIMEOUT_S

from racing_coach_core.channels import CHANNELS
from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.lap import Lap

pytestmark = pytest.mark.usefixtures("shared_daemon")


MIB = 2**20


async def test_over_the_limit_on_the_wire(rig: LapClient) -> None:
    """A payload over 16 MiB is rejected by its size."""
    limit = PayloadLimits().wire_bytes

    answer = await rig.send(bytes(limit + 1))

    assert answer.status == "rejected"
    assert f"too large: the payload in bytes may be at most {limit:,}, found {limit + 1:,}" in answer.message


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
async def test_over_the_limit_decoded(rig: LapClient, compress: Callable[[bytes], bytes]) -> None:
    """A payload that decodes to over 128 MiB is rejected by that."""
    limit = PayloadLimits().decoded_bytes

    answer = await rig.send(compress(b'{"a":"' + bytes(limit)))

    assert answer.status == "rejected"
    assert f"the decoded payload in bytes may be at most {limit:,}" in answer.message


@pytest.mark.parametrize("encoding", ["arrow", "zstd"])
async def test_over_the_limit_in_frames(rig: LapClient, encoding: str) -> None:
    """A lap of over 120,000 frames is rejected by their number."""
    limit = PayloadLimits().frames
    lap = new_lap()
    if encoding == "arrow":
        times = -(-(limit + 1) // lap.frames.num_rows)
        frames = pa.Table.from_batches([lap.frames] * times).slice(0, limit + 1).combine_chunks()
        payload = arrow(Lap(lap.lap_id, lap.session, lap.lap_time, frames.to_batches()[0]))
    else:
        document = json.loads(as_json(lap))
        frame = json.dumps(document["lap"]["frames"][0])
        document["lap"]["frames"] = ["@"]
        text = json.dumps(document).replace('"@"', ",".join([frame] * (limit + 1)))
        # Fewer bytes than the other limit: only what is required.
        required = {c.name: json.loads(frame)[c.name] for c in CHANNELS if c.required}
        small = json.dumps(required)
        payload = zstandard.compress(text.replace(frame, small).encode())

    answer = await rig.send(payload)

    assert answer.status == "rejected"
    assert f"too large: the number of frames may be at most {limit:,}, found {limit + 1:,}" in answer.message


def _bomb(size: int) -> bytes:
    """zstd that decodes to `size` zeros and does not say so beforehand."""
    compressor = zstandard.ZstdCompressor(level=3, write_content_size=False).compressobj()
    zeros = bytes(16 * MIB)
    pieces = [compressor.compress(zeros) for _ in range(size // len(zeros))]
    return b"".join(pieces) + compressor.flush()


async def test_a_decompression_bomb_gets_no_memory(rig: LapClient, shared_daemon: DaemonProcess) -> None:
    """1 MB of zstd that is 10 GB: rejected, and the daemon's memory never grows by more than the decoded limit."""
    payload = await asyncio.to_thread(_bomb, 10 * 1024 * MIB)
    assert len(payload) < 2 * MIB
    before = shared_daemon.rss_bytes
    peak = before
    sha256 = await rig.publish(payload)
    while not rig.has_answer(sha256):
        peak = max(peak, psutil.Process(shared_daemon.pid).memory_info().rss)
        await asyncio.sleep(0.005)

    answer = await rig.answer(sha256)

    assert answer.status == "rejected"
    assert "too large" in answer.message
    assert peak - before < 1.5 * PayloadLimits().decoded_bytes


async def test_an_arrow_bomb_gets_no_memory(rig: LapClient, shared_daemon: DaemonProcess) -> None:
    """An Arrow buffer that claims to decode to a terabyte is refused by its claim."""
    lap = new_lap()
    payload = bytearray(arrow(lap))
    # Each compressed buffer begins with its decoded length; the last one's is that of a column of frames.
    length = lap.frames.num_rows * 4
    at = payload.rindex(length.to_bytes(8, "little"))
    payload[at : at + 8] = (2**40).to_bytes(8, "little")
    before = shared_daemon.rss_bytes

    answer = await rig.send(bytes(payload))

    assert answer.status == "rejected"
    assert "too large: the decoded payload in bytes" in answer.message
    assert shared_daemon.rss_bytes - before < 64 * MIB


async def test_the_largest_lap_that_is_allowed_is_stored(rig: LapClient, shared_stored: Stored) -> None:
    """120,000 frames, over half an hour, are stored in one transaction."""
    limit = PayloadLimits().frames
    lap = new_lap()
    times = -(-limit // lap.frames.num_rows)
    frames = pa.Table.from_batches([lap.frames] * times).slice(0, limit).combine_chunks().to_batches()[0]
    seconds = pa.array(np.arange(limit) / 60)
    frames = frames.set_column(1, frames.schema.field(1), seconds)
    only = [name for name in frames.schema.names if not name.endswith(("left", "middle", "right"))]
    nulls = {name: pa.nulls(limit, frames.schema.field(name).type) for name in frames.schema.names if name not in only}
    for name, column in nulls.items():
        frames = frames.set_column(frames.schema.get_field_index(name), frames.schema.field(name), column)
    long = Lap(lap.lap_id, lap.session, lap.lap_time, frames)

    answer = await rig.send(arrow(long), timeout_s=TIMEOUT_S)

    assert answer.status == "success", answer.message
    assert await shared_stored.value("select count(*) from telemetry where lap_id = $1", lap.lap_id) == limit


async def test_session_time_may_stand_still(rig: LapClient) -> None:
    """Only backwards is wrong: a paused simulator repeats its clock."""
    lap = changed(new_lap(), "session_time", lambda times: pc.floor(times))

    assert (await rig.send(arrow(lap))).status == "success"
