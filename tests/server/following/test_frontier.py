"""How far back a follower looks."""

from datetime import UTC, datetime, timedelta

from racing_coach_server.database.engine import Database
from racing_coach_server.following.frontier import LONGEST_TRANSACTION, TOLD, Frontier, Window

A_MINUTE = timedelta(minutes=1)


async def test_the_first_look_is_at_everything(database: Database) -> None:
    """And so is the next, as long as no look came to its end."""
    frontier = Frontier()
    async with database.transaction() as session:
        assert await frontier.window(session) == Window()
        assert await frontier.window(session) == Window()


async def test_a_later_look_begins_before_the_longest_transaction(database: Database) -> None:
    """A row that was not to be seen yet, because its transaction went on, is found; what is just being done is not."""
    frontier = Frontier()
    async with database.transaction() as session:
        await frontier.looked(session, [])
        window = await frontier.window(session)

    now = datetime.now(UTC)
    assert window.since is not None
    assert window.until is not None
    assert abs(now - LONGEST_TRANSACTION - window.since) < A_MINUTE
    assert abs(now - TOLD - window.until) < A_MINUTE


async def test_it_stays_at_the_oldest_that_is_still_to_be_done(database: Database) -> None:
    """Until that is done, whoever has it in hand."""
    frontier, old = Frontier(), datetime.now(UTC) - timedelta(days=3)
    async with database.transaction() as session:
        await frontier.looked(session, [datetime.now(UTC), old])
        assert (await frontier.window(session)).since == old
        await frontier.looked(session, [])
        after = (await frontier.window(session)).since

    assert after is not None
    assert after > old
