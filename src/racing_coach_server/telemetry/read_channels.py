"""Channels out of the database with binary COPY, as the analysis takes them: without Arrow, of which it has no use."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import numpy as np
import numpy.typing as npt
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.telemetry.frame_arrays import blocks, blocks_of, numbers

type Floats = npt.NDArray[np.float64]


async def read_channels(session: AsyncSession, lap_id: UUID, names: Sequence[str]) -> dict[str, Floats] | None:
    """A lap's channels in driving order, one float64 a frame: NaN where there is no value, 0 and 1 for false and true.

    Args:
        session: the transaction to read in.
        lap_id: which lap.
        names: channels, the timestamp not among them. One without any value is left out.

    Returns:
        by channel; None for a lap that has no blocks.

    Raises:
        StoredLapUnreadableError: its blocks are not what a lap's blocks are.
    """
    return await asyncio.to_thread(_channels, await blocks_of(session, lap_id, names), names)


def _channels(stream: memoryview, names: Sequence[str]) -> dict[str, Floats] | None:
    parts: dict[str, list[Floats]] = {name: [] for name in names}
    filled: set[str] = set()
    frames = 0
    for block in blocks(stream, len(names)):
        frames += block.frames
        for name, array in zip(names, block.arrays, strict=True):
            values = np.full(block.frames, np.nan)
            if array is not None:
                known, nulls = numbers(array, name, block.frames)
                np.copyto(values, known, where=True if nulls is None else ~nulls)
                if nulls is None or not nulls.all():
                    filled.add(name)
            parts[name].append(values)
    return {name: np.concatenate(parts[name]) for name in names if name in filled} if frames else None
