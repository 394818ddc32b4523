"""How much of what was rejected is kept: a sender of nonsense must not fill the disk on which everybody's data are."""

import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.config import RejectedQuota
from racing_coach_server.rejected.service import Keep, RejectedMessages

_LOOK_S: Final = 60.0
"""Between two looks at what there is: others keep rejections too, and the operator forgets some."""

IN_WORDS: Final = {
    Keep.WHOLE: "",
    Keep.HASH: "; only its hash and this reason are kept, the quota of rejected messages is used up",
    Keep.COUNT: "; it is only counted, the quota of rejected messages is used up",
}
"""What the sender is told of it, after the reason."""


@dataclass(slots=True)
class _Used:
    rows: int = 0
    bytes: int = 0


@dataclass(slots=True)
class Ledger:
    """What each rig has used of the quota, as far as this daemon knows."""

    quota: RejectedQuota
    _rigs: dict[str, _Used] = field(default_factory=lambda: defaultdict(_Used))
    _all: _Used = field(default_factory=_Used)
    _looked_at: float | None = None

    async def look(self, session: AsyncSession) -> None:
        """Count what there is, once a minute, and delete what is too old."""
        now = time.monotonic()
        if self._looked_at is not None and now - self._looked_at < _LOOK_S:
            return
        messages = RejectedMessages(session)
        await messages.forget_older_than(self.quota.keep_days)
        self._rigs.clear()
        self._all = _Used()
        for rig, rows, size in await messages.usage():
            self._add(rig, rows, size)
        self._looked_at = now

    def keep(self, rig: str, size: int) -> Keep:
        """How much of one more message of a rig may be kept."""
        used, quota = self._rigs[rig], self.quota
        if used.rows >= quota.rows_per_rig or self._all.rows >= quota.rows:
            return Keep.COUNT
        if used.bytes + size > quota.bytes_per_rig or self._all.bytes + size > quota.bytes:
            return Keep.HASH
        return Keep.WHOLE

    def kept(self, rig: str, size: int, how: Keep) -> None:
        """A message was kept that was not there before."""
        self._add(rig, 1, size if how is Keep.WHOLE else 0)

    def _add(self, rig: str, rows: int, size: int) -> None:
        for used in (self._rigs[rig], self._all):
            used.rows += rows
            used.bytes += size
