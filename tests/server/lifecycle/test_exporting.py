"""All of a driver is in the export, whole, however often it is stopped."""

import asyncio
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.server.analytics.rows import Drive
from tests.server.commands.stints import racing_coach, told
from tests.server.lifecycle.support import coached, delete_and_relabel, features
from tests.server.lifecycle.test_erasure import INES, LIMIT, StoppedError, document, reject
from tests.server.support import Stored

from racing_coach_server.database.engine import Database
from racing_coach_server.lifecycle.exporting import Export, Exported
from racing_coach_server.telemetry.reading import StoredLaps


async def test_a_driver_gets_all_that_is_kept(database: Database, database_url: str, tmp_path: Path) -> None:
    """Frames bit for bit as Parquet; lap, session, analysis, comparison and coaching as JSON; rejected messages as they came."""
    lap = await coached(database, Drive(lap_time=58))
    await coached(database, Drive(lap_time=59, minute=1))
    await coached(database, Drive(driver="mika"))
    await reject(database, document("ines"))
    done = await asyncio.to_thread(racing_coach, database_url, "export", "--driver", "ines", "-o", tmp_path)
    assert done.output.startswith("2 laps and 1 rejected message of driver ines are in"), done
    table = pq.read_table(tmp_path / "laps" / f"{lap.lap_id}.parquet")
    async with database.transaction() as session:
        frames = await StoredLaps(session).columns(lap.lap_id)
    assert table.to_batches()[0].equals(frames)
    kept = json.loads((tmp_path / "laps" / f"{lap.lap_id}.json").read_bytes())
    assert set(kept) == {"lap", "session", "analysis", "comparison", "coaching"}
    assert (kept["session"]["driver_id"], kept["lap"]["lap_time"]) == ("ines", 58)
    assert [file.read_bytes() for file in (tmp_path / "rejected").glob("*.payload")] == [document("ines")]
    assert json.loads((tmp_path / "about.json").read_bytes())["laps"] == 2
    assert len([*(tmp_path / "laps").iterdir()]) == 4


async def test_what_is_remembered_of_changes_is_in_it(
    database: Database, database_url: str, stored: Stored, tmp_path: Path
) -> None:
    """Laps that were deleted, and drives that were given to another driver, who is not named."""
    gone = await coached(database, Drive())
    given = await coached(database, Drive(minute=1))
    await delete_and_relabel(database, deleted=gone, relabelled=given)
    assert (await asyncio.to_thread(racing_coach, database_url, "export", "--driver", "ines", "-o", tmp_path)).code == 0
    changes = json.loads((tmp_path / "changes.json").read_bytes())
    assert [(one["lap_id"], one["about"]["driver_id"]) for one in changes["deleted"]] == [(str(gone.lap_id), "ines")]
    assert [one["before"]["driver_id"] for one in changes["relabelled"]] == ["ines"]
    assert "mika" not in json.dumps(changes)


async def test_stopped_in_the_middle_it_goes_on(database: Database, tmp_path: Path) -> None:
    """What is there is not written again, and a half-written file counts for nothing."""
    for minute in range(3):
        await coached(database, Drive(minute=minute))

    def stop(done: Exported) -> None:
        if done.written == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        await Export(database, features(), INES, tmp_path, LIMIT, stop).run()
    first, second = sorted((tmp_path / "laps").glob("*.json"))
    first.unlink()  # as if it had been killed just before
    second.with_suffix(".json.part").write_bytes(b"{")
    done = await Export(database, features(), INES, tmp_path, LIMIT, lambda _: None).run()
    assert (done.written, done.there) == (2, 1)
    for file in (tmp_path / "laps").glob("*.json"):
        assert json.loads(file.read_bytes())["session"]["driver_id"] == "ines"
        assert pq.read_table(file.with_suffix(".parquet")).num_rows == 4


def test_the_export_of_somebody_else_is_not_mixed_in(database_url: str, tmp_path: Path) -> None:
    """A folder is one driver's; a file that cannot be written is named."""
    assert racing_coach(database_url, "export", "--driver", "ines", "-o", tmp_path).code == 0
    assert "holds the export of another" in told(
        racing_coach(database_url, "export", "--driver", "mika", "-o", tmp_path)
    )
    (tmp_path / "file").touch()
    assert "cannot be written" in told(
        racing_coach(database_url, "export", "--driver", "mika", "-o", tmp_path / "file" / "folder")
    )
