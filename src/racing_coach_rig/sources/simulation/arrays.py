"""What the simulator computes with: an array has a value for every point of a track, or for every sample of a lap."""

from typing import Any

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]

type Columns = dict[str, Floats | npt.NDArray[Any]]
"""Channels by name, all of one length."""
