"""How far a read replica is behind."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_WORTH_SAYING: Final = timedelta(seconds=1)

# A replica that has replayed all that it was sent is behind by nothing, also if nothing was written for hours; but only
# while its primary sends. The table of receivers hides its columns, and not its row, from who is no superuser.
_LAG: Final = text("""
    select pg_is_in_recovery(),
        exists (select from pg_stat_get_wal_receiver() r where r.pid is not null),
        coalesce(pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn(), false),
        clock_timestamp() - pg_last_xact_replay_timestamp()
""")


@dataclass(frozen=True, slots=True)
class Lag:
    """What a replica says of itself.

    Attributes:
        is_fed: whether its primary sends it what is written.
        behind: how long ago that was written which it has seen last; None if it has seen nothing since its start.
    """

    is_fed: bool
    behind: timedelta | None

    @property
    def is_worth_saying(self) -> bool:
        """Whether who reads might miss something."""
        return not self.is_within(_WORTH_SAYING)

    def is_within(self, limit: timedelta) -> bool:
        """Whether it is fed, and behind by less than that."""
        return self.is_fed and self.behind is not None and self.behind < limit

    def __str__(self) -> str:
        if self.behind is None:
            since = "which has seen nothing written since it started"
        else:
            since = f"{self.behind.total_seconds():,.1f} s behind"
        return since if self.is_fed else f"which its primary does not reach: {since}"


async def lag_of(session: AsyncSession) -> Lag | None:
    """How far a server is behind its primary; None if it is no replica."""
    is_replica, is_fed, is_even, since = (await session.execute(_LAG)).one()
    if not is_replica:
        return None
    return Lag(is_fed, timedelta() if is_fed and is_even else since)
