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
        higher_first = self._kept[::-1]
        # All locks before the first row: whoever has one of them already may wait for no row of ours.
        for kept in higher_first:
            await kept.lock(lap_ids)
        for kept in higher_first:
            gone += await kept.forget(lap_ids, dependents)
        return gone
