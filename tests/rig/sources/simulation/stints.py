"""A stint's channels as numbers."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from racing_coach_core.lap import Lap

RATE = 60


KART = "pennywell"


def column(frames: pa.RecordBatch, name: str) -> npt.NDArray[np.float64]:
    return frames.column(name).cast(pa.float64()).to_numpy()


def joined(laps: list[Lap], name: str) -> npt.NDArray[np.float64]:
    return np.concatenate([column(lap.frames, name) for lap in laps])
