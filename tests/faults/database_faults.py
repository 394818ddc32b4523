"""A database that is gone, stands still, refuses, or loses its connections."""

import asyncio
import random

from tests.faults.fault import LONGER_THAN_KEEPALIVE_S, fault
from tests.faults.world import World


@fault("database killed", "database")
async def database_killed(world: World, chance: random.Random) -> None:
    await asyncio.to_thread(world.database.kill)
    await asyncio.sleep(chance.uniform(0.0, 2.0))
    await asyncio.to_thread(world.database.start)


@fault("database stopped for a while", "database")
async def database_stopped(world: World, chance: random.Random) -> None:
    await asyncio.to_thread(world.database.stop)
    await asyncio.sleep(chance.uniform(5.0, 12.0))
    await asyncio.to_thread(world.database.start)


@fault("database frozen", "database")
async def database_frozen(world: World, chance: random.Random) -> None:
    world.database.freeze()
    try:
        await asyncio.sleep(LONGER_THAN_KEEPALIVE_S)
    finally:
        world.database.thaw()


@fault("database read-only", "database")
async def database_read_only(world: World, chance: random.Random) -> None:
    await world.sql("alter system set default_transaction_read_only = on", "select pg_reload_conf()")
    try:
        await asyncio.sleep(chance.uniform(3.0, 6.0))
    finally:
        await world.sql(
            "set default_transaction_read_only = off",
            "alter system reset default_transaction_read_only",
            "select pg_reload_conf()",
        )


@fault("database connections terminated", "database")
async def database_connections_terminated(world: World, chance: random.Random) -> None:
    for _ in range(6):
        await world.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name like 'racing-coach%' and pid <> pg_backend_pid()"
        )
        await asyncio.sleep(chance.uniform(0.1, 0.8))


@fault("database slow", "database")
async def database_slow(world: World, chance: random.Random) -> None:
    await world.sql(
        "create or replace function slowly() returns trigger language plpgsql as"
        " $$ begin perform pg_sleep(1.0); return new; end $$",
        "create or replace trigger slowly before insert on laps for each row execute function slowly()",
    )
    try:
        await asyncio.sleep(chance.uniform(4.0, 7.0))
    finally:
        await world.sql("drop trigger if exists slowly on laps")


@fault("database in trouble of every kind", "database")
async def database_in_trouble(world: World, chance: random.Random) -> None:
    """Disk full, deadlock, serialization failure, too many connections, lock, cancelled, shutdown, I/O error."""
    await world.sql(
        "create or replace function in_trouble() returns trigger language plpgsql as $$"
        " declare codes text[] = '{53100,40P01,40001,53300,55P03,57014,57P01,58030}';"
        " begin if random() < 0.7 then"
        " raise exception 'in trouble' using errcode = codes[1 + floor(random() * 8)::int];"
        " end if; return new; end $$",
        "create or replace trigger in_trouble after insert on laps for each row execute function in_trouble()",
    )
    try:
        await asyncio.sleep(chance.uniform(3.0, 6.0))
    finally:
        await world.sql("drop trigger if exists in_trouble on laps")


@fault("database tables locked", "database")
async def database_locked(world: World, chance: random.Random) -> None:
    table = chance.choice(["laps", "frame_blocks"])
    seconds = chance.uniform(4.0, 12.0)
    await world.sql(f"begin; lock table {table} in access exclusive mode; select pg_sleep({seconds}); commit")


@fault("database connections cut", "database")
async def database_connections_cut(world: World, chance: random.Random) -> None:
    for _ in range(3):
        world.to_database.cut_after(chance.randrange(1, 200_000))
        await asyncio.sleep(chance.uniform(0.2, 1.0))
        world.to_database.cut()


@fault("database connections gone silent", "database")
async def database_connections_stranded(world: World, chance: random.Random) -> None:
    stranded = world.to_database.strand()
    await asyncio.sleep(LONGER_THAN_KEEPALIVE_S)
    for link in stranded:
        link.cut()
