"""From the files of `publish` to laps on disk."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.lap import Lap
from racing_coach_rig.commands.publishing import PlannedLap, PublishReport, SpooledLap
from racing_coach_rig.exceptions import RigError, UnlabelledError
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sources.labels import UNKNOWN, Labels
from racing_coach_rig.sources.read_file import read_file
from racing_coach_rig.sources.result import SourceResult

type Ask = Callable[[Path, str], str]
"""What the `track`, or the `car`, of a file's laps is; `UNKNOWN` to leave it so."""


class Spooler:
    """Reads files and puts their laps on disk."""

    def __init__(self, labels: Labels, encoding: Encoding, *, outbox: Outbox | None, ask: Ask | None) -> None:
        """Describe how.

        Args:
            labels: count more than what files say.
            encoding: how laps are written.
            outbox: where they are put; None for nowhere, to see what there is.
            ask: asked for a track or a car that neither the file nor a label says; None where nobody is to be asked and
                such a lap is refused.
        """
        self._labels = labels
        self._encoding = encoding
        self._outbox = outbox
        self._ask = ask

    def spool(self, files: list[Path], report: PublishReport, progress: Callable[[Path], None]) -> None:
        """Read files and put their laps on disk. A file that cannot be read does not stop the others."""
        for path in files:
            try:
                result = self._read(path)
                for lap in result.laps:
                    self._put(path, lap, report)
                report.refused += [(path, refused) for refused in result.refused]
                report.notes += [(path, note) for note in result.notes]
                if not result.laps:
                    report.notes += [(path, f"a session of {s.car_name} at {s.track_name}") for s in result.sessions]
            except RigError as error:
                report.unreadable.append((path, str(getattr(error, "reason", error))))
            progress(path)

    def _read(self, path: Path) -> SourceResult:
        """Read a file, with what is asked for where it does not say of what its laps are.

        Raises:
            SourceError: it cannot be read, or nobody says of what its laps are.
        """
        result = read_file(path, self._labels)
        unknown = unlabelled(result)
        if not unknown:
            return result
        if self._ask is None:
            raise UnlabelledError(path, unknown)
        said = {what: self._ask(path, what) for what in unknown}
        if all(name == UNKNOWN for name in said.values()):
            return result
        labels = self._labels
        return read_file(path, replace(labels, track=said.get("track", labels.track), car=said.get("car", labels.car)))

    def _put(self, path: Path, lap: Lap, report: PublishReport) -> None:
        if self._outbox is None:
            report.planned.append(PlannedLap(path, lap.lap_number, lap.lap_time, lap.frames.num_rows, lap.session))
            return
        entry = self._outbox.spool(lap, self._encoding)
        report.laps.append(SpooledLap(path, lap.lap_time, lap.frames.num_rows, entry))


def unlabelled(result: SourceResult) -> list[str]:
    """What nobody says of the laps of a file: `track`, `car`, both or nothing."""
    sessions = [lap.session for lap in result.laps]
    return [
        what
        for what, of in (("track", [s.track_name for s in sessions]), ("car", [s.car_name for s in sessions]))
        if UNKNOWN in of
    ]
