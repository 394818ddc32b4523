"""Laps that say little or nothing, through the whole way: a reason, no exception, no advice made up."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pytest
from tests.daemon import DaemonProcess
from tests.infra import Broker
from tests.lap_client import LapClient
from tests.server.coaching.driving import channel, coached, renumbered, stint, with_channels
from tests.server.support import Stored

from racing_coach_analysis.corners import LAPS_FOR_MAP
from racing_coach_core.channels import CHANNELS
from racing_coach_core.coaching import Silence
from racing_coach_core.lap import Lap, frames_from_columns

GOOD = LAPS_FOR_MAP
REQUIRED = {one.name for one in CHANNELS if one.required}
OPTIONAL = [one.name for one in CHANNELS if not one.required]
COORDINATES = ("latitude", "longitude")


def only(lap: Lap, names: set[str]) -> Lap:
    columns = {name: lap.frames.column(name) for name in names | REQUIRED}
    return replace(lap, frames=frames_from_columns(columns, lap.frames.num_rows))


def at_rate(lap: Lap, frames: int) -> Lap:
    """The lap recorded so often that it has so many frames."""
    before, after = np.arange(lap.frames.num_rows), np.linspace(0, lap.frames.num_rows - 1, frames)
    floats = {one.name for one in CHANNELS if pa.types.is_floating(one.type)} & (REQUIRED | {*COORDINATES})
    columns = {name: np.interp(after, before, channel(lap, name)) for name in floats}
    columns["lap_number"] = np.full(frames, lap.lap_number)
    stamps = lap.frames.column("timestamp").take(pa.array(after.astype(int)))
    return replace(lap, frames=frames_from_columns({**columns, "timestamp": stamps}, frames))


def standing(lap: Lap) -> Lap:
    still = {name: np.full(lap.frames.num_rows, channel(lap, name)[0]) for name in ("lap_distance_pct", *COORDINATES)}
    return with_channels(lap, **still, speed=np.zeros(lap.frames.num_rows))


def backwards(lap: Lap) -> Lap:
    names = ("lap_distance_pct", *COORDINATES)
    return with_channels(lap, **{name: channel(lap, name)[::-1].copy() for name in names})


def stuck(lap: Lap) -> Lap:
    place = channel(lap, "lap_distance_pct").copy()
    place[len(place) // 2 :] = place[len(place) // 2]
    return with_channels(lap, lap_distance_pct=place)


@dataclass(frozen=True)
class Case:
    """A way to spoil a lap, and why nothing is said of it; no reason is needed where enough of the lap is left."""

    spoil: Callable[[Lap], Lap]
    silence: Silence | None


CASES = {
    "half of the channels": Case(lambda lap: only(lap, set(OPTIONAL[::2])), None),
    "the other half": Case(lambda lap: only(lap, set(OPTIONAL[1::2])), None),
    "required channels only": Case(lambda lap: only(lap, set()), None),
    "no coordinates": Case(lambda lap: only(lap, set(OPTIONAL) - {*COORDINATES}), None),
    "60,000 frames": Case(lambda lap: at_rate(lap, 60_000), None),
    "3 frames": Case(lambda lap: replace(lap, frames=lap.frames.slice(0, 3)), Silence.NOT_A_WHOLE_LAP),
    "1 frame": Case(lambda lap: replace(lap, frames=lap.frames.slice(0, 1)), Silence.NOT_A_WHOLE_LAP),
    "no lap time": Case(lambda lap: replace(lap, lap_time=None), None),
    "a standstill": Case(standing, Silence.NOT_A_WHOLE_LAP),
    "driven backwards": Case(backwards, Silence.NOT_A_WHOLE_LAP),
    "LapDistPct stuck": Case(stuck, Silence.NOT_A_WHOLE_LAP),
    "speed of a rocket": Case(lambda lap: with_channels(lap, speed=channel(lap, "speed") * 1e6), None),
    "in the pits": Case(lambda lap: with_channels(lap, on_pit_road=np.ones(lap.frames.num_rows, bool)), Silence.PIT),
}


@pytest.fixture(scope="module")
def driven(broker: Broker, shared_daemon: DaemonProcess) -> list[Lap]:
    """Good laps, so that the track has its corners and the driver a reference, and one that is not sent."""
    *laps, last = stint(GOOD + 1)

    async def drive() -> None:
        async with LapClient(broker, "rig-1") as rig:
            for lap in laps:
                await coached(rig, lap)

    asyncio.run(drive())
    return [*laps, last]


@pytest.mark.parametrize("name", CASES)
async def test_a_spoilt_lap_is_answered_with_a_reason(
    shared_daemon: DaemonProcess, driven: list[Lap], rig: LapClient, shared_stored: Stored, name: str
) -> None:
    """Nothing is made up of it, no follower fails, and the next lap is answered and coached."""
    case, number = CASES[name], 100 + 2 * [*CASES].index(name)
    lap = renumbered(case.spoil(driven[-1]), number)

    said = await coached(rig, lap)
    after = await coached(rig, renumbered(driven[-1], number + 1))

    assert said.advice == []
    assert said.silence or said.praise
    assert said.silence is None or said.silence_text
    if case.silence is not None:
        assert said.silence is case.silence, said.silence_text
    assert after.reference is not None
    assert [line for line in shared_daemon.log if line.get("level") in {"error", "critical"}] == []
    row = (await shared_stored.query("select status from coaching where lap_id = $1", lap.lap_id))[0]
    assert row["status"] == "done"


async def test_a_spoilt_lap_is_nobodys_reference(
    shared_daemon: DaemonProcess, driven: list[Lap], rig: LapClient, shared_stored: Stored
) -> None:
    """However short its time: what is not a whole lap is not what others are held against."""
    names = ("3 frames", "a standstill", "driven backwards", "LapDistPct stuck", "in the pits")
    for number, name in enumerate(names, 200):
        lap = renumbered(CASES[name].spoil(driven[-1]), number)
        await coached(rig, replace(lap, lap_time=1.0))
    said = await coached(rig, renumbered(driven[-1], 300))

    assert said.reference is not None
    assert said.reference.lap_time > 1.0
    assert await shared_stored.value("select count(*) from lap_analyses where is_reference and lap_time = 1.0") == 0


async def test_the_first_lap_of_a_track_has_no_reference(
    shared_daemon: DaemonProcess, driven: list[Lap], rig: LapClient
) -> None:
    """Of a track that nobody has driven, the coach says that there is nothing to compare with."""
    session = driven[-1].session.model_copy(update={"track_id": "terra-incognita", "session_id": uuid.uuid4()})
    said = await coached(rig, replace(driven[-1], session=session, lap_id=uuid.uuid4()))

    assert (said.silence, said.reference, said.advice) == (Silence.NO_REFERENCE, None, [])
    assert said.silence_text


async def test_a_reference_of_another_configuration_is_none(
    shared_daemon: DaemonProcess, driven: list[Lap], rig: LapClient, shared_stored: Stored
) -> None:
    """Even where a driver's choice says so: the same track in another configuration is another track."""
    session = driven[-1].session.model_copy(update={"track_config_name": "Reverse", "session_id": uuid.uuid4()})
    await shared_stored.query(
        "insert into chosen_references (driver, track_id, track_config_name, car_id, lap_id)"
        " select driver, track_id, 'Reverse', car_id, lap_id from lap_analyses where lap_id = $1",
        driven[0].lap_id,
    )
    said = await coached(rig, replace(driven[-1], session=session, lap_id=uuid.uuid4()))

    assert (said.silence, said.reference, said.advice) == (Silence.NO_REFERENCE, None, [])
    assert not shared_daemon.logged("a follower failed")
