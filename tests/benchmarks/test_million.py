"""However many laps are stored, what is asked of them goes through no table."""

import asyncio
from collections.abc import Iterator

import pytest
from benchmarks.million.plans import Answer
from benchmarks.million.questions import QUICK, Asked
from benchmarks.million.run import answers, filled
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession
from tests.databases import Databases

MOST_PAGES = 2_500
"""That a statement may look at; the tables have tens of thousands."""


def answered(databases: Databases, laps: int) -> dict[str, Answer]:
    """Every question, asked of a database of so many laps."""
    with databases.migrated() as url:
        asyncio.run(filled(make_url(url), laps))
        return asyncio.run(answers(make_url(url), QUICK | {"the check's own": _through_all}, 0))


async def _through_all(session: AsyncSession, _: Asked) -> object:
    """What no index answers."""
    return await session.execute(text("select avg(frame_count) from laps"))


@pytest.fixture(scope="module")
def found(databases: Databases) -> Iterator[dict[str, Answer]]:
    """What was found with as many laps as a team has in a year."""
    yield answered(databases, 30_000)


@pytest.mark.parametrize("question", QUICK)
def test_a_question_goes_through_no_table(found: dict[str, Answer], question: str) -> None:
    """Of people, of the daemon for every lap and every minute, of what deletes: by an index, on a few pages."""
    assert found[question].scanned == set()
    assert found[question].pages < MOST_PAGES


def test_the_check_sees_what_it_looks_for(found: dict[str, Answer]) -> None:
    """It can fail: a question that no index answers goes through all laps, and is found to."""
    assert found["the check's own"].scanned == {"laps"}


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_million_laps_change_nothing(databases: Databases) -> None:
    """The same plans, and not many more pages, with 1,000,000 laps."""
    found = answered(databases, 1_000_000)
    assert {name: one.scanned for name, one in found.items() if name in QUICK and one.scanned} == {}
    assert {name: one.pages for name, one in found.items() if name in QUICK and one.pages > 4 * MOST_PAGES} == {}
