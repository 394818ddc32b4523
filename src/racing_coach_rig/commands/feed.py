"""Puts laps on disk as they are found, and wakes the sender."""

import asyncio

import structlog

from racing_coach_core.lap import Lap
from racing_coach_rig.config import RigSettings
from racing_coach_rig.exceptions import OutboxError
from racing_coach_rig.outbox.entry import State
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sending.publisher import Publisher
from racing_coach_rig.sources.labels import UNKNOWN, Labels

log = structlog.stdlib.get_logger(__name__)


class Feed:
    """From the sources of `run` to the outbox."""

    def __init__(self, settings: RigSettings, outbox: Outbox, publisher: Publisher) -> None:
        self._encoding = settings.sending.encoding
        self._publisher = publisher
        self.outbox = outbox
        self.labels = Labels(driver=settings.driver, rig=settings.rig)

    async def put(self, lap: Lap) -> bool:
        """Put a lap on disk. Returns whether it is there."""
        try:
            entry = await asyncio.to_thread(self.outbox.spool, lap, self._encoding, again=False)
        except OutboxError as error:
            log.critical("a lap was refused", lap_number=lap.lap_number, reason=str(error))
            return False
        if entry.state is State.STORED:
            log.info("lap already stored", lap=entry.title)
            return True
        if UNKNOWN in {lap.session.track_name, lap.session.car_name}:
            log.warning(
                "nobody says of which track and car a lap is, it is sent as 'unknown'",
                lap=entry.title,
                next="`racing-coach-rig waiting relabel`, or once it is sent `racing-coach laps relabel` on the server",
            )
        self._publisher.wake()
        log.info("lap on disk", lap=entry.title, lap_time=lap.lap_time, frames=lap.frames.num_rows)
        return True
