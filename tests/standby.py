"""A streaming standby of a PostgreSQL, on loopback."""

import os
import subprocess

from sqlalchemy.engine import make_url

from tests.server.support import execute
from tests.servers import FORGETFUL, PostgresProcess, postgres_bin_dir
from tests.waiting import eventually


class StandbyProcess(PostgresProcess):
    """A streaming standby of another server, made as docs/scaling.md says."""

    def __init__(self, primary: PostgresProcess) -> None:
        super().__init__(FORGETFUL)
        self._primary = primary

    def _initialise(self) -> None:
        url = make_url(self._primary.url)
        environment = {**os.environ, "PGPASSWORD": url.password or ""}
        where = ["-h", url.host or "", "-p", str(url.port), "-U", url.username or ""]
        program = postgres_bin_dir() / "pg_basebackup"
        followed = ["-D", self.data_dir, "-R", "-X", "stream", "-C", "-S", "coach_standby"]
        command = [program, *where, *followed, "-c", "fast", "--no-sync"]
        made = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        # As root, the server runs as another account, and all in it is ours.
        for path in (self.data_dir, *self.data_dir.rglob("*")):
            self._hand_over(path)


async def even(primary: PostgresProcess, standby: StandbyProcess) -> None:
    """Wait until the standby has all that the primary has written."""
    (row,) = await execute(primary.url, "select pg_current_wal_lsn()::text as at")
    await eventually(lambda: _has(standby, row["at"]))


async def _has(standby: StandbyProcess, place: str) -> bool:
    (row,) = await execute(standby.url, "select pg_last_wal_replay_lsn() >= $1::text::pg_lsn as has", place)
    return bool(row["has"])
