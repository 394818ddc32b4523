"""`racing-coach rejected`: messages that were refused, kept for inspection and replay."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.stored_documents import RejectedMessageDetailsDocument, RejectedMessageDocument
from racing_coach_server.commands.output import (
    CsvOption,
    JsonOption,
    one_form,
    plain_table,
    print_for_programs,
    print_table,
    remark,
)
from racing_coach_server.commands.rejected_ids import find_rejected
from racing_coach_server.commands.runner import reading
from racing_coach_server.commands.text import moment, plain, shown
from racing_coach_server.config import Settings
from racing_coach_server.exceptions import CommandError
from racing_coach_server.rejected.models import RejectedMessage
from racing_coach_server.rejected.schemas import RejectionSummary
from racing_coach_server.rejected.service import RejectedMessages

console = Console()


def list_rejected(
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Show the messages rejected last, newest first."""
    one_form(as_json=as_json, as_csv=as_csv)

    async def work(session: AsyncSession, _: Settings) -> Sequence[RejectionSummary]:
        return await RejectedMessages(session).newest(limit=limit + 1)

    found = reading(work)
    documents = [RejectedMessageDocument.model_validate(one) for one in found[:limit]]
    if not print_for_programs(documents, RejectedMessageDocument, documents, as_json=as_json, as_csv=as_csv):
        table = plain_table("Rejected messages, newest first")
        for name in ("id", "last received", "times", "bytes", "topic", "reason"):
            is_number = name in {"id", "times", "bytes"}
            table.add_column(
                name, overflow="fold", no_wrap=name == "last received", justify="right" if is_number else "left"
            )
        for one in documents:
            numbers = str(one.id), moment(one.last_received_at), str(one.times_received), f"{one.payload_bytes:,}"
            table.add_row(*numbers, shown(one.topic), shown(one.reason))
        print_table(table)
    if not found:
        remark("no message was rejected")
    if len(found) > limit:
        remark(f"there are more: --limit {2 * limit} shows twice as many")


def show_rejected(
    rejected_id: int,
    payload: Annotated[Path | None, typer.Option(help="Write the payload to this file.")] = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Show one message: why it was rejected, the errors, the traceback if it was our fault."""
    one_form(as_json=as_json, as_csv=as_csv)
    message = reading(lambda session, _: find_rejected(session, rejected_id))
    document = _document(message)
    if not print_for_programs(document, RejectedMessageDetailsDocument, [document], as_json=as_json, as_csv=as_csv):
        _print(document, message.payload)
    if payload is not None:
        try:
            payload.write_bytes(message.payload)
        except OSError as error:
            raise CommandError(f"{payload} cannot be written: {error.strerror}") from error
        remark(f"payload written to {shown(str(payload))}")


def _document(message: RejectedMessage) -> RejectedMessageDetailsDocument:
    fields = RejectedMessageDetailsDocument.model_fields.keys() & vars(message).keys()
    told = {name: getattr(message, name) for name in fields}
    return RejectedMessageDetailsDocument(**told, payload_bytes=len(message.payload))


def _print(document: RejectedMessageDetailsDocument, payload: bytes) -> None:
    table = plain_table(f"Rejected message {document.id}")
    table.show_header = False
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    times = f"in all {document.times_received} times, last {moment(document.last_received_at)}"
    for name, value in (
        ("topic", document.topic),
        ("reason", document.reason),
        ("bytes", f"{document.payload_bytes:,}"),
        ("begins with", repr(payload[:60])),
        ("content type", document.content_type or "not set"),
        ("payload_sha256", document.payload_sha256),
        ("received", f"{moment(document.received_at)}; {times}"),
        *(("error", f"{'.'.join(map(str, error.loc))}: {error.msg}") for error in document.errors),
    ):
        table.add_row(name, shown(value))
    print_table(table)
    if document.traceback:
        traceback = "\n".join(plain(line) for line in document.traceback.splitlines())
        console.print(traceback, highlight=False, markup=False, soft_wrap=True)
