"""Whether corners keep their numbers and places over laps on differing lines: `python -m benchmarks.corner_numbers`.

Every lap is a simulated one moved sideways by a random wave. From every few of them, as from the first good laps on a
track, a map is found; all maps of a track have to number the same corners, near to the truth.
"""

import argparse
import collections

import numpy as np
from tests.analysis.laps import on_another_line, simulated

from racing_coach_analysis.corners import find_corners
from racing_coach_analysis.trace import Trace, trace
from racing_coach_rig.sources.simulation.tracks import TRACKS

_TRACKS = ("larchmoor", "port-calder", "heronsgate")
_TOGETHER = (1, 3, 5, 10)


def main() -> None:
    """Print, for each track and number of laps a map, how many maps agree, and how far apexes are from the truth, m."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--laps", type=int, default=1000)
    laps = options.parse_args().laps
    print(f"{'track':<12} {'laps a map':>10} {'maps':>6} {'numbered alike':>15} {'apex p95':>9} {'apex worst':>11}")
    for track in _TRACKS:
        base = simulated(track)
        reference = trace(base)
        traces = [trace(on_another_line(base, track, seed=seed), reference=reference) for seed in range(laps)]
        for together in _TOGETHER:
            _report(track, traces, together)


def _report(track: str, traces: list[Trace], together: int) -> None:
    line = TRACKS[track].line
    maps = [find_corners(traces[i : i + together]) for i in range(0, len(traces) - together + 1, together)]
    kinds = collections.Counter(tuple(corner.direction for corner in one.corners) for one in maps)
    usual, alike = kinds.most_common(1)[0]
    apexes = [[corner.apex_pct for corner in one.corners] for one in maps if len(one.corners) == len(usual)]
    off = np.abs(np.array(apexes) * line.length - line.apexes[: len(usual)])
    print(
        f"{track:<12} {together:>10} {len(maps):>6} {alike / len(maps):>15.1%} "
        f"{np.quantile(off, 0.95):>9.1f} {off.max():>11.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
