"""The web process can read, and no more, and nothing that it asks takes long."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.infra import Broker
from tests.server.support import Stored
from tests.server.web.conftest import web_settings

from racing_coach_server.web.reading import ReadOnly


@pytest.mark.parametrize(
    "statement",
    [
        "insert into track_maps (track_id, track_config_name, revision, source, corners) values ('t', '', 1, 'x', '[]')",
        "delete from laps",
        "create table mine (a int)",
        "select nextval('track_maps_id_seq')",
    ],
)
async def test_nothing_can_be_written(broker: Broker, database_url: str, stored: Stored, statement: str) -> None:
    """The server refuses it, whoever's fault it is that it is asked."""
    reading = ReadOnly(web_settings(broker, database_url).database, timeout_s=10, connections=1, application="test")
    try:
        with pytest.raises(DBAPIError, match="read-only transaction"):
            async with reading.session() as session:
                await session.execute(text(statement))
    finally:
        await reading.close()
    assert await stored.value("select count(*) from track_maps") == 0


async def test_a_statement_that_takes_too_long_is_ended_by_the_server(broker: Broker, database_url: str) -> None:
    """So no page keeps the database busy that nobody waits for any more."""
    reading = ReadOnly(web_settings(broker, database_url).database, timeout_s=0.2, connections=1, application="test")
    try:
        async with reading.session() as session:
            assert (await session.execute(text("show statement_timeout"))).scalar_one() == "200ms"
        with pytest.raises((DBAPIError, TimeoutError)):
            async with reading.session() as session:
                await session.execute(text("select pg_sleep(30)"))
    finally:
        await reading.close()
