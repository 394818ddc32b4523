"""Tracks, cars and drivers as people name them: by id, by name, or by a part of the name."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.telemetry.exceptions import AmbiguousNameError, UnknownNameError
from racing_coach_server.telemetry.search.facets import LapFacets
from racing_coach_server.telemetry.search.schemas import Facet

_ALL: Final = 1_000_000


class LapNames:
    """Finds the id of what is named, among those of which laps are stored."""

    def __init__(self, session: AsyncSession) -> None:
        self._facets = LapFacets(session)

    async def track(self, text: str) -> str:
        """The id of a track.

        Raises:
            UnknownNameError: no lap is of it.
            AmbiguousNameError: several may be meant.
        """
        return _meant("track", text, await self._facets.tracks(limit=_ALL))

    async def car(self, text: str) -> str:
        """The id of a car; raises as `track` does."""
        return _meant("car", text, await self._facets.cars(limit=_ALL))

    async def driver(self, text: str) -> str:
        """The id of a driver, or the rig of one without; raises as `track` does."""
        return _meant("driver", text, await self._facets.drivers(limit=_ALL))


def _meant(kind: str, text: str, facets: Sequence[Facet]) -> str:
    """The id goes before the name, the whole name before a part of it; large and small letters are the same."""
    wanted = text.strip().casefold()
    for fits in (
        lambda one: one.id == text,
        lambda one: wanted in {one.id.casefold(), one.name.casefold()},
        lambda one: wanted in one.name.casefold(),
    ):
        found = {one.id: one.name for one in facets if fits(one)}
        if len(found) == 1:
            return next(iter(found))
        if found:
            raise AmbiguousNameError(kind, text, found)
    raise UnknownNameError(kind, text, {one.id: one.name for one in facets})
