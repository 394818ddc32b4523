"""A table full of laps, as a service of many drivers has it: a few tracks and cars are everybody's, most are rare."""

from typing import Final

FILL: Final = """
insert into track_sessions (id, rig_id, track_id, track_name, track_config_name, car_id, car_name, driver_id,
        driver_name, track_type)
    select ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 'rig-' || n % 500,
        'track-' || floor(40 * power(random(), 3)), 'Track', 'config-' || n % 3,
        'car-' || case when n % 1000 = 1 then 'rare' else floor(60 * power(random(), 3))::text end, 'Car',
        'driver-' || n % 1000, 'Driver', 'road course'
    from generate_series(1, {sessions}) n;
insert into laps (id, track_session_id, rig_id, lap_number, lap_time, is_valid, frame_count, payload_sha256,
        content_sha256, encoding, received_at, created_at, driven_at, track_id, track_config_name, car_id, driver)
    select gen_random_uuid(), s.id, s.rig_id, n, 70 + 60 * random(), n % 7 > 0, 5000, repeat('a', 64),
        sha256('a'), 'arrow', at, at, at - random() * interval '1 day', s.track_id, s.track_config_name, s.car_id,
        s.driver_id
    from generate_series(1, {laps}) n, lateral (select now() - n * interval '70 s' as at) stamps,
        lateral (select * from track_sessions s
            where s.id = ('00000000-0000-0000-0000-' || lpad(least(1 + n / 25, {sessions})::text, 12, '0'))::uuid) s;
analyze;
"""
