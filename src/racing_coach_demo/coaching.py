"""What the coach told each driver of the demo, beside what is true."""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from racing_coach_core.track_maps import TrackMapDocument
from racing_coach_demo.drive import Sent
from racing_coach_demo.habits import simulator_of, truth_of
from racing_coach_rig.sending.coaching import in_words
from racing_coach_server.analytics.comparison.references import ReferenceService
from racing_coach_server.analytics.track_maps.schemas import as_document
from racing_coach_server.analytics.track_maps.service import TrackMapService
from racing_coach_server.database.engine import Database


async def choose_reference(database: Database, clean: list[Sent], others: Iterable[int], seed: int) -> None:
    """Have the drivers of other rigs compared with the best of the clean laps, as `references set` does."""
    spoken = [lap for lap in clean if lap.said is not None]
    if not spoken:
        return
    best = min(spoken, key=lambda lap: lap.lap.lap_time or float("inf"))
    async with database.transaction() as session:
        for number in others:
            driver = simulator_of(number, seed).session.driver_id
            assert driver is not None
            await ReferenceService(session).choose(best.lap.lap_id, driver)


async def show_coaching(console: Console, database: Database, sent: list[Sent], seed: int) -> None:
    """The coach's last words to each rig."""
    track_map = await _map(database, sent[0])
    table = Table(title="What the coach said of each driver's last lap")
    table.add_column("rig")
    table.add_column("driver")
    table.add_column("what is true", overflow="fold")
    table.add_column("what the coach said", overflow="fold")
    for rig in dict.fromkeys(lap.rig for lap in sent):
        last = [lap for lap in sent if lap.rig == rig][-1]
        truth = truth_of(int(rig.removeprefix("rig-")), seed, last.lap.lap_number, track_map)
        cost = "" if truth.cost_s is None else f"; it cost {truth.cost_s:.2f} s"
        said = "nothing came" if last.said is None else "\n".join(in_words(last.said))
        table.add_row(rig, last.driver, escape(truth.text) + cost, escape(said))
    console.print(table)


async def _map(database: Database, lap: Sent) -> TrackMapDocument | None:
    session_frame = lap.lap.session
    async with database.transaction() as session:
        maps = TrackMapService(session)
        record = await maps.current(session_frame.track_id, session_frame.track_config_name)
        return None if record is None else as_document(record)
