"""What is done once in a process's life, done before somebody waits for it."""

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.exceptions import Fault
from racing_coach_server.database.faults import fault_of
from racing_coach_server.telemetry.search.service import LapSearch
from racing_coach_server.web.site import Site

log = structlog.stdlib.get_logger(__name__)


async def warm_up(site: Site) -> None:
    """Make the page of the newest lap, and forget it.

    It imports numpy, connects to the database and compiles the statements: a third of a second of computing, which the
    first lap that is opened would wait for.
    """
    pages = await site.lap_pages()

    async def newest(session: AsyncSession) -> None:
        for lap in (await LapSearch(session).page(limit=1)).laps:
            await pages.view(session, lap.lap_id, "coach")

    try:
        await site.laps.read(newest)
    except Exception as error:  # pages are served all the same: who opens a lap is told what the matter is
        if fault_of(error) is not Fault.WORLD:
            log.warning("not warmed up", exc_info=error)
