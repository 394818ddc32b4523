"""The best lap of each driver on one track in one car, by steps through an index: from each driver to the next one.

`select distinct on` would go through all laps that were driven there. PostgreSQL has no such step of its own (its wiki
calls it "loose index scan").
"""

from sqlalchemy import CTE, ColumnElement, FromClause, Text, literal, select, true
from sqlalchemy.orm import aliased

from racing_coach_server.telemetry.models import LapRecord


def best_of_drivers(track_id: str, track_config_name: str | None, car_id: str) -> CTE:
    """The id and time of the fastest valid lap of each driver; on each configuration of the track, if none is given."""
    if track_config_name is None:
        configs = _configs(track_id)
    else:
        configs = select(literal(track_config_name, Text).label("track_config_name")).cte("configs")

    def fastest(config: ColumnElement[str], after: ColumnElement[str] | None = None) -> FromClause:
        lap = aliased(LapRecord)
        laps = select(lap.id, lap.lap_time, lap.track_config_name, lap.driver).where(
            lap.track_id == track_id,
            lap.track_config_name == config,
            lap.car_id == car_id,
            lap.is_valid,
            lap.lap_time.is_not(None),
        )
        if after is not None:
            laps = laps.where(lap.driver > after)
        return laps.order_by(lap.driver, lap.lap_time, lap.id).limit(1).lateral()

    first = fastest(configs.c.track_config_name)
    each = select(first).select_from(configs.join(first, true())).cte("each", recursive=True)
    following = fastest(each.c.track_config_name, each.c.driver)
    return each.union_all(select(following).select_from(each.join(following, true())))


def _configs(track_id: str) -> CTE:
    """The configurations of a track of which there are laps."""
    name, lap = LapRecord.track_config_name, aliased(LapRecord)
    first = select(name).where(LapRecord.track_id == track_id).order_by(name).limit(1).subquery()
    configs = select(first).cte("configs", recursive=True)
    following = (
        select(lap.track_config_name)
        .where(lap.track_id == track_id, lap.track_config_name > configs.c.track_config_name)
        .order_by(lap.track_config_name)
        .limit(1)
        .lateral()
    )
    return configs.union_all(select(following).select_from(configs.join(following, true())))
