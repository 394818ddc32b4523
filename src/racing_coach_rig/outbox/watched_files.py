"""Which files of the watched folders were read, so that each is read once in each of its states."""

from pathlib import Path

from racing_coach_rig.outbox.file import OutboxFile


class WatchedFiles:
    """What is remembered of the files in watched folders. It lies in the outbox's file, as the laps do."""

    def __init__(self, file: OutboxFile) -> None:
        self._file = file

    def is_new(self, path: Path, size: int, mtime_ns: int) -> bool:
        """Whether a file was not read before in this state.

        Args:
            path: the file.
            size: its length in bytes.
            mtime_ns: when it was last written, ns since 1970.
        """
        with self._file.transaction() as db:
            row = db.execute("select size, mtime_ns from files where path = ?", (str(path),)).fetchone()
        return bool(row != (size, mtime_ns))

    def was_read(self, path: Path, size: int, mtime_ns: int) -> None:
        """Remember that a file's laps are on disk; arguments as in `is_new`."""
        with self._file.transaction() as db:
            db.execute("insert or replace into files values (?, ?, ?)", (str(path), size, mtime_ns))
