"""`racing-coach laps show`: one lap."""

from rich.table import Column
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.lap_times import format_lap_time
from racing_coach_core.stored_documents import ChannelDocument, LapDetailsDocument
from racing_coach_server.commands.lap_details import lap_details
from racing_coach_server.commands.lap_ids import LapArgument, find_lap
from racing_coach_server.commands.output import (
    CsvOption,
    JsonOption,
    one_form,
    plain_table,
    print_for_programs,
    print_table,
)
from racing_coach_server.commands.runner import reading
from racing_coach_server.commands.text import driver, measured, moment, shown, track
from racing_coach_server.config import Settings
from racing_coach_server.telemetry.reading import StoredLaps
from racing_coach_server.telemetry.schemas import StoredLap


def show_lap(lap_id: LapArgument, as_json: JsonOption = False, as_csv: CsvOption = False) -> None:
    """Show one lap: what is known of it, and the range of each channel. With --csv the channels, a line each."""
    one_form(as_json=as_json, as_csv=as_csv)

    async def work(session: AsyncSession, _: Settings) -> tuple[StoredLap, LapDetailsDocument]:
        stored = await find_lap(session, lap_id)
        return stored, lap_details(stored, await StoredLaps(session).columns(stored.lap_id))

    stored, document = reading(work)
    if not print_for_programs(document, ChannelDocument, document.channels, as_json=as_json, as_csv=as_csv):
        _print(stored, document)


def _print(stored: StoredLap, document: LapDetailsDocument) -> None:
    about = plain_table("")
    about.show_header = False
    for name in ("", ""):
        about.columns.append(Column(name, overflow="fold"))
    for name, value in _about(stored, document):
        about.add_row(name, shown(value))
    print_table(about)
    ranges = plain_table("Channels")
    ranges.add_column("channel", no_wrap=True)
    for name in ("lowest", "highest"):
        ranges.add_column(name, justify="right", no_wrap=True)
    ranges.add_column("unit", overflow="fold")
    ranges.add_column("frames", justify="right", no_wrap=True)
    for channel in document.channels:
        if isinstance(channel.lowest, str):
            continue  # when it was driven is said above
        lowest, highest = (measured(value, channel.unit) for value in (channel.lowest, channel.highest))
        ranges.add_row(channel.name, lowest, highest, channel.unit, f"{channel.frames:,}")
    print_table(ranges)


def _about(stored: StoredLap, document: LapDetailsDocument) -> list[tuple[str, str]]:
    """What is known of the lap, in words."""
    driven = [] if stored.driven_at == stored.received_at else [("driven", moment(stored.driven_at))]
    return [
        ("lap_id", str(stored.lap_id)),
        ("lap", str(stored.lap_number)),
        ("lap time", format_lap_time(stored.lap_time)),
        ("session_id", str(stored.session.session_id)),
        ("driver", driver(stored)),
        ("rig", stored.rig_id),
        ("track", f"{track(stored)}, id {stored.session.track_id}"),
        ("car", f"{stored.session.car_name}, id {stored.session.car_id}"),
        ("valid", "yes" if stored.is_valid else "no"),
        ("frames", f"{stored.frame_count:,}"),
        *driven,
        ("received", moment(stored.received_at)),
        ("stored", moment(stored.stored_at)),
        ("payload_sha256", document.payload_sha256),
    ]
