"""A lap deleted with all that was made of it: the one way, for `laps delete`, prune, retention and erase."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.feature import Feature
from racing_coach_server.kept import Dependents


class LapDeletion:
    """Deletes laps. Flushes; the caller commits."""

    def __init__(self, session: AsyncSession, features: Sequence[Feature]) -> None:
        """Describe it.

        Args:
            session: the transaction.
            features: all of them, lower ones first, as `FEATURES` has them.
        """
        self._kept = [feature.kept(session) for feature in features if feature.kept is not None]

    async def delete(self, lap_ids: Sequence[UUID], dependents: Dependents = Dependents.REDO) -> Counter[str]:
        """Delete laps; those that are not stored are passed over.

        It waits for followers that are just at one of these laps, and for laps that are just being stored in their
        sessions. Laps are to be few: all of it is one transaction.

        Returns:
            How many rows are gone, by what they are in the plural.
        """
        gone: Counter[str] = Counter()
        laps, *made_of_them = self._kept
        # All locks before the first row: whoever has one of them already may wait for no row of ours. Lower ones first,
        # as `Chain` takes them for a lap that is done anew, so that neither has what the other one waits for.
        for kept in (*made_of_them, laps):
            await kept.lock(lap_ids)
        for kept in reversed(self._kept):
            gone += await kept.forget(lap_ids, dependents)
        return gone
