"""Track maps in a real database, and the commands over them."""

import asyncio
import json
from pathlib import Path

from tests.infra import Broker
from tests.server.commands.test_commands import command

from racing_coach_core.track_maps import TrackMapDocument
from racing_coach_server.analytics.track_maps.schemas import as_document
from racing_coach_server.analytics.track_maps.service import TrackMapService
from racing_coach_server.database.engine import Database

MAP = TrackMapDocument.model_validate(
    {
        "track_id": 18,
        "track_config_name": "Grand Prix",
        "length_m": 3600.0,
        "corners": [
            {"number": 1, "name": "Hairpin [old]", "start": 0.1, "apex": 0.15, "end": 0.2},
            {"number": 3, "start": 0.5, "apex": 0.55, "end": 0.6},
        ],
    }
)
FOUND = MAP.model_copy(update={"source": "found"})


async def test_what_is_kept_comes_back_as_it_was(database: Database) -> None:
    """Numbers, names and places; and a track without a configuration is another one."""
    async with database.transaction() as session:
        await TrackMapService(session).keep(MAP)

    async with database.transaction() as session:
        service = TrackMapService(session)
        record = await service.current("18", "Grand Prix")
        assert record is not None
        assert as_document(record) == MAP
        assert await service.current("18", None) is None


async def test_a_newer_map_is_in_force_and_the_older_one_stays(database: Database) -> None:
    """What was measured by the first can still say by what."""
    async with database.transaction() as session:
        first = await TrackMapService(session).keep(FOUND, laps_used=3)
    async with database.transaction() as session:
        second = await TrackMapService(session).keep(MAP)

    assert (first.revision, second.revision) == (1, 2)
    async with database.transaction() as session:
        assert [r.revision for r in await TrackMapService(session).all()] == [2]


async def test_corners_are_numbered_once_whoever_comes_second(database: Database) -> None:
    """Of two transactions that find a track's corners at the same time, the second takes the first one's."""
    first_is_written, go_on = asyncio.Event(), asyncio.Event()

    async def first() -> int:
        async with database.transaction() as session:
            record = await TrackMapService(session).keep_first(FOUND, laps_used=3)
            first_is_written.set()
            await go_on.wait()
            return record.id

    async def second() -> int:
        await first_is_written.wait()
        async with database.transaction() as session:
            service = TrackMapService(session)
            assert await service.current("18", "Grand Prix") is None
            asyncio.get_running_loop().call_later(0.1, go_on.set)
            return (await service.keep_first(FOUND.model_copy(update={"length_m": 9.0}), laps_used=4)).id

    kept = await asyncio.gather(first(), second())

    assert kept[0] == kept[1]


def test_a_map_goes_in_by_import_and_out_by_export(broker: Broker, database_url: str, tmp_path: Path) -> None:
    """Import, list, show, export; what comes out can be imported again."""
    assert command(broker, database_url, "db", "upgrade").code == 0
    file = tmp_path / "map.json"
    file.write_text(MAP.model_dump_json())

    imported = command(broker, database_url, "tracks", "import", str(file))
    assert "2 corners of track 18 Grand Prix are in force, revision 1" in imported.output
    assert "authored" in command(broker, database_url, "tracks", "list").output
    assert json.loads(command(broker, database_url, "tracks", "list", "--json").output)[0]["track_id"] == "18"
    shown = command(broker, database_url, "tracks", "show", "18", "--config", "Grand Prix").output
    assert "Hairpin [old]" in shown
    assert "540 m" in shown
    out = tmp_path / "out.json"
    command(broker, database_url, "tracks", "export", "18", "--config", "Grand Prix", "-o", str(out))
    assert TrackMapDocument.model_validate_json(out.read_bytes()) == MAP


def test_what_cannot_be_is_said_in_one_line(broker: Broker, database_url: str, tmp_path: Path) -> None:
    """A file that is no map, and a track without one: the error says what to do."""
    assert command(broker, database_url, "db", "upgrade").code == 0
    file = tmp_path / "map.json"
    file.write_text('{"track_id": "18", "corners": [{"number": 1, "start": 0.2, "apex": 0.1, "end": 0.3}]}')

    wrong = command(broker, database_url, "tracks", "import", str(file))
    assert wrong.code == 1
    assert "corners.0: corner 1: its apex must lie between its start and its end" in wrong.errors
    missing = command(broker, database_url, "tracks", "show", "18")
    assert missing.code == 1
    assert "track '18' has no map" in missing.errors
