"""A database as a service of some years has it: laps, each analysed, compared and spoken of. Only frames are missing.

A few tracks and cars are everybody's, most are rare. What is measured in a lap is left out too: it lies outside of its
row (TOAST), and no query that looks for laps reads it.
"""

import asyncpg

DRIVERS = 2_000
TRACKS = 40
LAPS_OF_A_SESSION = 25

_SESSION = "('00000000-0000-4000-8000-' || lpad(({})::text, 12, '0'))::uuid"

_SESSIONS = f"""
insert into track_sessions (id, rig_id, track_id, track_name, track_config_name, car_id, car_name, driver_id,
        driver_name, track_type)
    select {_SESSION.format("n")}, 'rig-' || n % {DRIVERS} / 4, 'track-' || floor({TRACKS} * power(random(), 3)),
        'Track', case n % 3 when 0 then 'config-1' end, 'car-' || floor(60 * power(random(), 3)), 'Car',
        'driver-' || n % {DRIVERS}, 'Driver ' || n % {DRIVERS}, 'road course'
    from generate_series(1, 1 + $1::int / {LAPS_OF_A_SESSION}) n
"""
_LAPS = f"""
insert into laps (id, track_session_id, rig_id, lap_number, lap_time, is_valid, frame_count, payload_sha256,
        content_sha256, encoding, received_at, created_at, driven_at, track_id, track_config_name, car_id, driver)
    select gen_random_uuid(), s.id, s.rig_id, n % {LAPS_OF_A_SESSION}, 70 + 60 * random(), n % 7 > 0, 5000,
        repeat('a', 64), sha256(int4send(n)), 'arrow', at, at, at, s.track_id, coalesce(s.track_config_name, ''),
        s.car_id, s.driver_id
    from generate_series(0, $1::int - 1) n
        cross join lateral (select now() - interval '1 hour' - ($1::int - n) * interval '30 s' as at) stamps
        join track_sessions s on s.id = {_SESSION.format(f"1 + n / {LAPS_OF_A_SESSION}")}
"""
_MAPS = f"""
insert into track_maps (track_id, track_config_name, revision, source, corners, laps_used)
    select 'track-' || n, config, 1, 'found', '[]', 5
    from generate_series(0, {TRACKS} - 1) n, (values (''), ('config-1')) configs (config)
"""
_MADE = (
    """
insert into lap_analyses (lap_id, version, status, track_id, track_config_name, car_id, driver, driven_at, lap_time,
        is_reference, is_wet, track_map_id, created_at)
    select l.id, 1, 'done', l.track_id, l.track_config_name, l.car_id, l.driver, l.driven_at, l.lap_time, l.is_valid,
        random() < 0.1, m.id, l.created_at
    from laps l join track_maps m using (track_id, track_config_name)
""",
    """
insert into lap_comparisons (lap_id, version, status, analysed_at, reference_lap_id, rule, delta_s, created_at)
    select lap_id, 1, 'done', created_at,
        first_value(lap_id) over (partition by driver, track_id, track_config_name, car_id order by lap_time),
        'own_best', 1.0, created_at
    from lap_analyses
""",
    """
insert into coaching (lap_id, version, status, rig_id, compared_at, message, published_at, created_at)
    select c.lap_id, 1, 'done', l.rig_id, c.created_at, jsonb_build_object('lap_id', l.id, 'session_id',
        l.track_session_id, 'lap_number', l.lap_number, 'lap_time', l.lap_time, 'driver_id', l.driver, 'created_at',
        c.created_at, 'delta_s', c.delta_s, 'advice', '[]'::jsonb), c.created_at, c.created_at
    from lap_comparisons c join laps l on l.id = c.lap_id
""",
    """
insert into chosen_references (driver, track_id, track_config_name, car_id, lap_id)
    select distinct on (driver, track_id, track_config_name, car_id) driver, track_id, track_config_name, car_id, lap_id
    from lap_analyses where is_reference and hashtext(driver) % 20 = 0
""",
    """
insert into rejected_messages (topic, reason, errors, payload, payload_sha256, received_at, last_received_at,
        times_received)
    select 'racing-coach/v1/rigs/rig-' || n % 500 || '/cars/car-1/laps', 'no lap', '[]', '', md5(n::text), now(),
        now(), 1
    from generate_series(1, 20000) n
""",
)


async def fill(connection: asyncpg.Connection, laps: int) -> None:
    """Fill an empty database with the product's schema."""
    await connection.execute("set synchronous_commit = off")
    await connection.execute(_SESSIONS.replace("$1", str(laps)))
    await connection.execute(_LAPS.replace("$1", str(laps)))
    await connection.execute(_MAPS)
    for statement in _MADE:
        await connection.execute(statement, timeout=1800)
    await connection.execute("vacuum analyze", timeout=1800)
