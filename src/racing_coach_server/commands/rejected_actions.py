"""`racing-coach rejected replay` and `drop`: what becomes of messages that were rejected."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.exceptions import RacingCoachError
from racing_coach_server.commands.output import remark
from racing_coach_server.commands.rejected_ids import find_rejected
from racing_coach_server.commands.runner import in_transaction
from racing_coach_server.commands.text import count, shown
from racing_coach_server.commands.when import WHEN, when
from racing_coach_server.config import Settings
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.exceptions import CommandError
from racing_coach_server.features import FEATURES
from racing_coach_server.messaging.messages import Message
from racing_coach_server.messaging.router import Router
from racing_coach_server.rejected.models import RejectedMessage
from racing_coach_server.rejected.service import RejectedMessages

console = Console()


def drop_rejected(
    rejected_ids: Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="The messages.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    before: Annotated[
        str | None, typer.Option(metavar="WHEN", help=f"Those that came last before then: {WHEN}.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Forget rejected messages, with their payloads. What is of use, replay first."""
    if sum((bool(rejected_ids), every, before is not None)) != 1:
        raise CommandError("say which: their ids, --before or --all")
    limit = datetime.now(UTC) if every else when("--before", before)

    async def find(session: AsyncSession, _: Settings) -> Sequence[int]:
        messages = RejectedMessages(session)
        if limit is not None:
            return await messages.last_received_before(limit)
        return [(await find_rejected(session, rejected_id)).id for rejected_id in rejected_ids or ()]

    async def drop(session: AsyncSession, _: Settings) -> None:
        for rejected_id in found:
            await RejectedMessages(session).forget(rejected_id)

    found = in_transaction(find)
    if not found:
        remark("there is no such message: nothing to drop")
        return
    if not yes and not rejected_ids:
        typer.confirm(f"forget {count(len(found), 'rejected message')} for good?", abort=True, err=True)
    in_transaction(drop)
    remark(f"{count(len(found), 'rejected message')} forgotten")


def replay(rejected_ids: list[int]) -> None:
    """Handle rejected messages again, after what was wrong is mended; those that are stored now are forgotten.

    What a daemon does after a message is stored, such as coaching, it does with its next catch-up.
    """
    failed = 0
    for rejected_id in rejected_ids:
        try:
            outcome = f"[green]{in_transaction(partial(_replay, rejected_id=rejected_id))}"
        except RacingCoachError as error:
            failed += 1
            outcome = f"[red]not stored[/]: {shown(str(error))}"
        console.print(f"{rejected_id}: {outcome}", highlight=False, soft_wrap=True)
    raise typer.Exit(1 if failed else 0)


async def _replay(session: AsyncSession, settings: Settings, rejected_id: int) -> str:
    message = await find_rejected(session, rejected_id)
    if not message.payload and message.payload_sha256 != hashlib.sha256(b"").hexdigest():
        raise CommandError("its payload was not kept: the quota was used up; its sender has it still")
    with Dependencies(settings) as dependencies:
        router = Router([route for make in FEATURES for route in make(dependencies).routes])
        found = router.find(message.topic)
        if found is None:
            raise CommandError(f"{message.topic!r} is no topic of ours below {settings.mqtt.topic_prefix!r}")
        route, segments = found
        again = _message(message, segments)
        reply = await route.handle(again, await route.read(again), session)
    await RejectedMessages(session).forget(rejected_id)
    return reply.outcome.value


def _message(row: RejectedMessage, segments: dict[str, str]) -> Message:
    return Message(
        topic=row.topic,
        segments=segments,
        payload=row.payload,
        content_type=row.content_type,
        response_topic=None,
        correlation_data=None,
        received_at=datetime.now(UTC),
    )
