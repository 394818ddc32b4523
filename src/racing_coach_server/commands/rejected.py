"""`racing-coach rejected`: messages that were refused, kept for inspection and replay."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.exceptions import RacingCoachError
from racing_coach_server.commands.runner import in_transaction, reading
from racing_coach_server.config import Settings
from racing_coach_server.dependencies import Dependencies
from racing_coach_server.exceptions import CommandError
from racing_coach_server.features import FEATURES
from racing_coach_server.messaging.messages import Message
from racing_coach_server.messaging.router import Router
from racing_coach_server.rejected.models import RejectedMessage
from racing_coach_server.rejected.schemas import RejectionSummary
from racing_coach_server.rejected.service import RejectedMessages

rejected = typer.Typer(no_args_is_help=True, help="Messages that were rejected.")
console = Console()


@rejected.command("list")
def list_rejected(limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50) -> None:
    """Show the messages rejected last, newest first."""

    async def work(session: AsyncSession, _: Settings) -> Sequence[RejectionSummary]:
        return await RejectedMessages(session).newest(limit=limit)

    table = Table(title="Rejected messages, newest first")
    for name in ("id", "topic", "bytes", "times", "last received", "reason"):
        table.add_column(name, overflow="fold")
    for message in reading(work):
        table.add_row(
            str(message.id),
            message.topic,
            f"{message.payload_bytes:,}",
            str(message.times_received),
            f"{message.last_received_at:%Y-%m-%d %H:%M:%S}",
            escape(message.reason),
        )
    console.print(table)


async def _find(session: AsyncSession, rejected_id: int) -> RejectedMessage:
    found = await RejectedMessages(session).find(rejected_id)
    if found is None:
        raise CommandError(f"no rejected message {rejected_id}; `racing-coach rejected list` shows them")
    return found


@rejected.command("show")
def show_rejected(
    rejected_id: int,
    payload: Annotated[Path | None, typer.Option(help="Write the payload to this file.")] = None,
) -> None:
    """Show one message: why it was rejected, the errors, the traceback if it was our fault."""
    message = reading(lambda session, _: _find(session, rejected_id))
    table = Table("", Column("", overflow="fold"), show_header=False, title=f"Rejected message {message.id}")
    for name, value in (
        ("topic", message.topic),
        ("reason", message.reason),
        ("bytes", f"{len(message.payload):,}"),
        ("begins with", repr(message.payload[:60])),
        ("content type", message.content_type or "not set"),
        ("payload_sha256", message.payload_sha256),
        (
            "received",
            f"{message.received_at} (in all {message.times_received}, last {message.last_received_at})",
        ),
    ):
        table.add_row(name, escape(str(value)))
    for error in message.errors:
        table.add_row("error", escape(f"{'.'.join(map(str, error['loc']))}: {error['msg']}"))
    console.print(table)
    if message.traceback:
        console.print(message.traceback, highlight=False, markup=False)
    if payload is not None:
        try:
            payload.write_bytes(message.payload)
        except OSError as error:
            raise CommandError(f"{payload} cannot be written: {error.strerror}") from error
        console.print(f"payload written to {payload}")


@rejected.command("replay")
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
            outcome = f"[red]not stored[/]: {escape(str(error))}"
        console.print(f"{rejected_id}: {outcome}", highlight=False, soft_wrap=True)
    raise typer.Exit(1 if failed else 0)


async def _replay(session: AsyncSession, settings: Settings, rejected_id: int) -> str:
    message = await _find(session, rejected_id)
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
