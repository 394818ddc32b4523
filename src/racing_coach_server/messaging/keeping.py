"""Keeping a message that failed, before its sender is told."""

import asyncio
from dataclasses import replace
from typing import Final, NoReturn

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.backoff import Backoff
from racing_coach_core.exceptions import Fault
from racing_coach_server.config import DeliverySettings
from racing_coach_server.database.engine import Database
from racing_coach_server.database.faults import fault_of, in_words
from racing_coach_server.database.text import storable
from racing_coach_server.messaging.messages import Failure, Message, Outcome, Reply
from racing_coach_server.messaging.router import AnyRoute
from racing_coach_server.messaging.trouble import Trouble
from racing_coach_server.rejected.quota import IN_WORDS, Ledger
from racing_coach_server.rejected.schemas import Rejection
from racing_coach_server.rejected.service import Keep, RejectedMessages

log = structlog.stdlib.get_logger(__name__)

_MAX_LOGGED: Final = 1_000
"""Characters of a reason, which may quote what was sent; the whole is in the table."""


class _NothingStaysError(Exception):
    """Ends a transaction that was only a try, as the one thing that undoes it."""


def _undo() -> NoReturn:
    raise _NothingStaysError


class Keeper:
    """Writes rejected messages of every route, each in a transaction of its own."""

    def __init__(self, database: Database, settings: DeliverySettings, trouble: Trouble) -> None:
        self._database = database
        self._settings = settings
        self._trouble = trouble
        self._ledger = Ledger(settings.rejected)

    async def is_possible(self, message: Message, failure: Failure) -> bool:
        """Whether the database takes such a rejection at this moment, of which nothing stays; it is to blame if not."""
        try:
            async with self._database.transaction() as session:
                await message.hash()
                await RejectedMessages(session).keep(_rejection(message, failure), Keep.WHOLE)
                _undo()
        except _NothingStaysError:
            return True
        except Exception as error:  # noqa: BLE001 (what is no outage, `keep` meets again and deals with)
            if fault_of(error) is not Fault.WORLD:
                return True
            _say_database_is_to_blame(error)
            return False

    async def keep(self, route: AnyRoute, message: Message, failure: Failure, *, in_doubt: bool) -> Reply | None:
        """Keep a failed message; the database's trouble is waited out.

        Args:
            route: words the answer.
            message: what failed.
            failure: why.
            in_doubt: whether the database may be to blame rather than the message.

        Returns:
            The answer, also where a bug of ours keeps the message from being kept: it must not stall all others. None
            if it was in doubt whether the message is to blame, and the database, though it is there, does not take
            the rejection either: then the database is.
        """
        backoff = Backoff(self._settings.retry_first_s, self._settings.retry_cap_s)
        tries = self._settings.bug_tries
        while True:
            connected = False
            try:
                async with self._database.transaction() as session:
                    connected = True
                    await message.hash()
                    kept = await self._keep(session, message, failure)
            except Exception as error:
                if in_doubt and connected and fault_of(error) is Fault.WORLD:
                    _say_database_is_to_blame(error)
                    return None
                self._trouble.began(f"a rejected message cannot be kept: {in_words(error)}", id(message))
                if fault_of(error) is not Fault.WORLD:
                    tries -= 1
                    log.error("rejecting failed", tries_left=tries, exc_info=error)
                    # If the words of the failure are what cannot be kept, then the payload at least.
                    failure = Failure("rejected; the reason is in the daemon's log")
                    if tries <= 0:
                        log.critical("a rejected message is lost", payload_sha256=message.payload_sha256)
                        return _worded(route, message, failure)
                await asyncio.sleep(backoff.next_s())
            else:
                log.warning("message rejected", reason=storable(failure.reason, _MAX_LOGGED), kept=kept.name.lower())
                return _worded(route, message, replace(failure, reason=failure.reason + IN_WORDS[kept]))

    async def _keep(self, session: AsyncSession, message: Message, failure: Failure) -> Keep:
        """Write the rejection, as far as its sender's quota goes."""
        rig, size = message.segments.get("rig", ""), len(message.payload)
        await self._ledger.look(session)
        how = self._ledger.keep(rig, size)
        if await RejectedMessages(session).keep(_rejection(message, failure), how):
            self._ledger.kept(rig, size, how)
        return how


def _say_database_is_to_blame(error: Exception) -> None:
    log.warning("the database is to blame, the message is tried again", reason=in_words(error))


def _rejection(message: Message, failure: Failure) -> Rejection:
    return Rejection(
        topic=message.topic,
        payload=message.payload,
        payload_sha256=message.payload_sha256,
        content_type=message.content_type,
        received_at=message.received_at,
        reason=failure.reason,
        errors=failure.errors,
        traceback=failure.traceback,
    )


def _worded(route: AnyRoute, message: Message, failure: Failure) -> Reply:
    """The answer in the feature's words, in plain ones if the feature fails even at that."""
    try:
        return route.rejected(message, failure)
    except Exception as error:
        log.error("a rejection could not be worded", exc_info=error)
        return Reply(failure.reason.encode(), Outcome.REJECTED, content_type="text/plain")
