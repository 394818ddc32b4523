"""A rejected message by its number. Apart from what is done with it, which needs every feature."""

from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_server.exceptions import CommandError
from racing_coach_server.rejected.models import RejectedMessage
from racing_coach_server.rejected.service import RejectedMessages


async def find_rejected(session: AsyncSession, rejected_id: int) -> RejectedMessage:
    """A rejected message.

    Raises:
        CommandError: there is none of this number.
    """
    found = await RejectedMessages(session).find(rejected_id)
    if found is None:
        raise CommandError(f"no rejected message {rejected_id}; `racing-coach rejected list` shows them")
    return found
