"""Tracks, cars and drivers as people name them: by id, by name, or by a part of the name."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.telemetry.exceptions import AmbiguousNameError, UnknownNameError
from racing_coach_server.telemetry.search.facets import LapFacets
from racing_coach_server.telemetry.search.schemas import Facet

_ALL: Final = 1_000_000


class LapNames:
    """Finds what is named, among those of which laps are stored."""

    def __init__(self, session: AsyncSession) -> None:
        self._facets = LapFacets(session)

    async def find_track(self, text: str, *, whole: bool = False) -> Facet:
        """A track.

        Args:
            text: its id, its name, or a part of its name.
            whole: whether a part is not enough.

        Raises:
            UnknownNameError: no lap is of it.
            AmbiguousNameError: several may be meant.
        """
        return _meant("track", text, await self._facets.tracks(limit=_ALL), whole=whole)

    async def find_car(self, text: str, *, whole: bool = False) -> Facet:
        """A car, as `find_track` finds a track."""
        return _meant("car", text, await self._facets.cars(limit=_ALL), whole=whole)

    async def find_driver(self, text: str, *, whole: bool = False) -> Facet:
        """A driver, or the rig of one without a name, as `find_track` finds a track."""
        return _meant("driver", text, await self._facets.drivers(limit=_ALL), whole=whole)


def _meant(kind: str, text: str, facets: Sequence[Facet], *, whole: bool) -> Facet:
    """The id goes before the name, the whole name before a part of it; large and small letters are the same."""
    wanted = text.strip().casefold()
    for fits in (
        lambda one: one.id == text,
        lambda one: wanted in {one.id.casefold(), one.name.casefold()},
        lambda one: not whole and wanted in one.name.casefold(),
    ):
        found = {one.id: one for one in facets if fits(one)}
        if len(found) == 1:
            return next(iter(found.values()))
        if found:
            raise AmbiguousNameError(kind, text, {key: one.name for key, one in found.items()})
    raise UnknownNameError(kind, text, {one.id: one.name for one in facets})
