"""A stored lap with the range of each channel. Apart from the list of laps, which does without Arrow."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from racing_coach_core.channels import CHANNELS, Channel
from racing_coach_core.stored_documents import ChannelDocument, LapDetailsDocument
from racing_coach_server.commands.lap_documents import lap_values
from racing_coach_server.telemetry.schemas import StoredLap


def lap_details(lap: StoredLap, frames: pa.RecordBatch) -> LapDetailsDocument:
    """A lap, and the range of each of its channels."""
    ranges = [found for channel in CHANNELS if (found := _range(channel, frames)) is not None]
    return LapDetailsDocument(**lap_values(lap), payload_sha256=lap.payload_sha256, channels=ranges)


def _range(channel: Channel, frames: pa.RecordBatch) -> ChannelDocument | None:
    column = frames.column(channel.name)
    values = len(column) - column.null_count
    if not values:
        return None
    extremes: dict[str, Any] = pc.min_max(column).as_py()  # type: ignore[assignment]  # the stubs take it for a list
    lowest, highest = (_plain(extremes[which]) for which in ("min", "max"))
    return ChannelDocument(name=channel.name, unit=channel.unit, lowest=lowest, highest=highest, frames=values)


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
