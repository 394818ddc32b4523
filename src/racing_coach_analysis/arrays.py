"""What the library computes with: arrays along a lap, and the few things that numpy does not have."""

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]
"""Values along a lap. NaN stands for "not known"."""

type Flags = npt.NDArray[np.bool_]

type Indices = npt.NDArray[np.intp]


def runs(flags: Flags) -> list[tuple[int, int]]:
    """Where flags are set without a break: first index, and the index behind the last.

    >>> runs(np.array([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    edges = (1 + np.flatnonzero(flags[1:] != flags[:-1])).tolist()
    if len(flags) and flags[0]:
        edges.insert(0, 0)
    if len(edges) % 2:
        edges.append(len(flags))
    return list(zip(edges[::2], edges[1::2], strict=True))


def smoothed(values: Floats, width: int, *, closed: bool = False) -> Floats:
    """Running mean over `width` values (made odd), computed from running sums.

    Args:
        values: all finite.
        width: how many values a mean is taken over.
        closed: whether the last value is followed by the first one; else the ends are repeated.
    """
    half = min(width // 2, len(values) - 1)
    if half < 1:
        return values
    padded = np.pad(values, half, mode="wrap" if closed else "edge")
    sums = np.concatenate(([0.0], np.cumsum(padded)))
    size = 2 * half + 1
    mean: Floats = (sums[size:] - sums[:-size]) / size
    return mean


def known(values: Floats) -> Floats | None:
    """The values, or None where not one of them is known."""
    return values if bool(np.isfinite(values).any()) else None


def least(values: Floats) -> float | None:
    """The smallest known value, None where none is known."""
    finite = values[np.isfinite(values)]
    return float(finite.min()) if len(finite) else None


def most(values: Floats) -> float | None:
    """The largest known value, None where none is known."""
    finite = values[np.isfinite(values)]
    return float(finite.max()) if len(finite) else None


def mean(values: Floats) -> float | None:
    """The mean of the known values, None where none is known."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else None


def crossing(values: Floats, index: int, level: float) -> float:
    """Where, between the place before `index` and `index`, the values pass a level: linear in between.

    >>> crossing(np.array([0.0, 0.4, 1.0]), 2, 0.7)
    1.5
    """
    if index < 1:
        return float(index)
    before, after = float(values[index - 1]), float(values[index])
    if not (min(before, after) <= level <= max(before, after)) or before == after:
        return float(index)
    return index - 1 + (level - before) / (after - before)
