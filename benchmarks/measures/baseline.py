"""The obvious way: pydantic objects from the JSON, an ORM object and a row a frame, `add_all`, commit."""

import asyncio
import time
import uuid
from typing import Any

import uvloop
from sqlalchemy import Column, Integer, MetaData, Table, Uuid
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import registry

from benchmarks.forms.variants import BEFORE
from benchmarks.rigs.payloads import EncodedLap
from benchmarks.servers.running import Servers
from racing_coach_core.channels import CHANNELS
from racing_coach_core.frames import LapTelemetry, SessionFrame, TelemetryFrame, WireModel
from racing_coach_server.telemetry.models import COLUMN_TYPES

_TABLE = "telemetry_baseline"


class Request(WireModel):
    """A lap, as an HTTP server's endpoint would declare it."""

    session: SessionFrame
    lap: LapTelemetry
    lap_id: uuid.UUID | None = None


class Frame:
    """One row; its columns are mapped below."""


def _map() -> None:
    channels = [Column(channel.name, COLUMN_TYPES[str(channel.type)]) for channel in CHANNELS]
    keys = [Column("track_session_id", Uuid), Column("lap_id", Uuid), Column("frame_index", Integer)]
    table = Table(_TABLE, MetaData(), *channels, *keys)
    registry().map_imperatively(Frame, table, primary_key=[table.c.lap_id, table.c.frame_index])


def measure_baseline(servers: Servers, encoded: list[EncodedLap], count: int) -> float:
    """Frames per second from the JSON's bytes to the end of COMMIT, the decoding included."""
    servers.execute(*BEFORE.ddl(_TABLE))
    _map()

    async def go() -> float:
        engine = create_async_engine(servers.database.set(drivername="postgresql+asyncpg"))
        frames, spent = 0, 0.0
        try:
            for number in range(-1, count):  # the first is for warming up
                payload = b"".join(encoded[number % len(encoded)].of(uuid.uuid4()))
                began = time.perf_counter()
                stored = await _store(engine, payload)
                if number >= 0:
                    frames, spent = frames + stored, spent + time.perf_counter() - began
        finally:
            await engine.dispose()
        return frames / spent

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(go())
    finally:
        servers.execute(f"drop table {_TABLE}")


async def _store(engine: Any, payload: bytes) -> int:
    request = Request.model_validate_json(payload)
    frames = request.lap.frames
    async with AsyncSession(engine) as session, session.begin():
        session.add_all([_row(request, frame, index) for index, frame in enumerate(frames)])
    return len(frames)


def _row(request: Request, frame: TelemetryFrame, index: int) -> Frame:
    row = Frame()
    for channel in CHANNELS:
        value: Any = frame
        for name in channel.json_path:
            value = getattr(value, name, None)
        setattr(row, channel.name, value)
    identity = {"track_session_id": request.session.session_id, "lap_id": request.lap_id, "frame_index": index}
    for name, value in identity.items():
        setattr(row, name, value)
    return row
