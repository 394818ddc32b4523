"""Everything that can go wrong, one function each, and a seeded order in which it does.

Each fault begins, lasts, and is over when its function returns; a schedule may have two at once.
"""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.faults.chaos import republish
from tests.faults.world import KEEPALIVE_S, Rig, World

type Strike = Callable[[World, random.Random], Awaitable[None]]

LONGER_THAN_KEEPALIVE_S = 1.5 * KEEPALIVE_S + 1
"""After this the broker has given up on a client."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong, and which parts of the world it has for itself meanwhile."""

    strike: Strike
    needs: frozenset[str]


FAULTS: dict[str, Fault] = {}


def fault(name: str, *needs: str) -> Callable[[Strike], Strike]:
    def register(strike: Strike) -> Strike:
        FAULTS[name] = Fault(strike, frozenset(needs))
        return strike

    return register


# --- the daemon ----------------------------------------------------------------------------------------------


@fault("daemon killed", "daemon")
async def daemon_killed(world: World, chance: random.Random) -> None:
    with world.down("daemon"):
        await asyncio.to_thread(world.daemon.kill)
        await asyncio.sleep(chance.choice([0, 0, 1.0]))
        await asyncio.to_thread(world.daemon.start, wait=False)


@fault("daemon killed again and again", "daemon")
async def daemon_killed_often(world: World, chance: random.Random) -> None:
    for _ in range(4):
        await daemon_killed(world, chance)
        await asyncio.sleep(chance.uniform(1.0, 3.0))


@fault("daemon restarted", "daemon")
async def daemon_restarted(world: World, chance: random.Random) -> None:
    with world.down("daemon"):
        await world.stop_daemon()
        await asyncio.to_thread(world.daemon.start, wait=False)


@fault("daemon frozen", "daemon")
async def daemon_frozen(world: World, chance: random.Random) -> None:
    await world.until_ready()
    with world.down("daemon"):
        await _frozen([world.daemon.pid], LONGER_THAN_KEEPALIVE_S)


# --- the broker ----------------------------------------------------------------------------------------------


@fault("broker killed", "broker")
async def broker_killed(world: World, chance: random.Random) -> None:
    if chance.random() < 0.5:
        world.broker.save()
        await asyncio.sleep(chance.uniform(0.0, 1.0))
    await asyncio.to_thread(world.broker.kill)
    await asyncio.sleep(chance.uniform(0.0, 2.0))
    await asyncio.to_thread(world.broker.start)


@fault("broker killed, its disk lost", "broker")
async def broker_killed_and_forgetful(world: World, chance: random.Random) -> None:
    await asyncio.to_thread(world.broker.kill)
    world.broker.forget()
    await asyncio.to_thread(world.broker.start)


@fault("broker restarted", "broker")
async def broker_restarted(world: World, chance: random.Random) -> None:
    await asyncio.to_thread(world.broker.stop)
    await asyncio.sleep(chance.uniform(0.0, 2.0))
    await asyncio.to_thread(world.broker.start)


@fault("broker restarted without its file", "broker")
async def broker_restarted_and_forgetful(world: World, chance: random.Random) -> None:
    await asyncio.to_thread(world.broker.stop)
    world.broker.forget()
    await asyncio.to_thread(world.broker.start)


@fault("broker frozen", "broker")
async def broker_frozen(world: World, chance: random.Random) -> None:
    world.broker.freeze()
    try:
        await asyncio.sleep(LONGER_THAN_KEEPALIVE_S)
    finally:
        world.broker.thaw()


# --- the database --------------------------------------------------------------------------------------------


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
    table = chance.choice(["laps", "telemetry"])
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


# --- the rigs ------------------------------------------------------------------------------------------------


@fault("rig killed", "rigs")
async def rig_killed(world: World, chance: random.Random) -> None:
    for rig in chance.sample(world.rigs, k=min(2, len(world.rigs))):
        with world.down(rig.name):
            await asyncio.to_thread(rig.kill)
            rig.start()
        await asyncio.sleep(chance.uniform(0.0, 1.0))


@fault("rig frozen", "rigs")
async def rig_frozen(world: World, chance: random.Random) -> None:
    rigs: list[Rig] = chance.sample(world.rigs, k=min(2, len(world.rigs)))
    with world.down(*(rig.name for rig in rigs)):
        await _frozen([rig.pid for rig in rigs], LONGER_THAN_KEEPALIVE_S)


# --- the network ---------------------------------------------------------------------------------------------


@fault("sockets cut", "network")
async def sockets_cut(world: World, chance: random.Random) -> None:
    for _ in range(3):
        world.to_broker.cut()
        await asyncio.sleep(chance.uniform(0.2, 1.5))


@fault("sockets cut in mid-payload", "network")
async def sockets_cut_in_mid_payload(world: World, chance: random.Random) -> None:
    cuts = world.to_broker.cuts
    world.to_broker.cut_after(chance.randrange(10_000, 140_000))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(6):
            while world.to_broker.cuts - cuts < len(world.rigs):
                await asyncio.sleep(0.1)


@fault("network silent", "network")
async def network_held(world: World, chance: random.Random) -> None:
    world.to_broker.hold()
    try:
        await asyncio.sleep(LONGER_THAN_KEEPALIVE_S)
    finally:
        world.to_broker.release()


@fault("connections half open, what they held comes late", "network")
async def half_open(world: World, chance: random.Random) -> None:
    stranded = world.to_broker.strand()
    await asyncio.sleep(LONGER_THAN_KEEPALIVE_S + 4)
    for link in stranded:
        link.flowing.set()
    await asyncio.sleep(1)


# --- what the broker may do by itself ------------------------------------------------------------------------


@fault("laps delivered again", "broker")
async def duplicates(world: World, chance: random.Random) -> None:
    await republish(world.broker.broker, chance, shuffled=False)


@fault("laps delivered again out of order", "broker")
async def reordered(world: World, chance: random.Random) -> None:
    await republish(world.broker.broker, chance, shuffled=True)


# --- several at once -----------------------------------------------------------------------------------------


@fault("everything killed at once", "daemon", "broker", "database", "rigs")
async def everything_killed(world: World, chance: random.Random) -> None:
    names = [rig.name for rig in world.rigs]
    with world.down("daemon", *names):
        kills = [world.daemon.kill, world.broker.kill, world.database.kill, *(rig.kill for rig in world.rigs)]
        chance.shuffle(kills)
        await asyncio.gather(*(asyncio.to_thread(kill) for kill in kills))
        await asyncio.gather(asyncio.to_thread(world.broker.start), asyncio.to_thread(world.database.start))
        await asyncio.to_thread(world.daemon.start, wait=False)
        for rig in world.rigs:
            rig.start()


@fault("daemon killed while the database is gone", "daemon", "database")
async def killed_in_outage(world: World, chance: random.Random) -> None:
    await asyncio.to_thread(world.database.stop)
    await asyncio.sleep(2)
    await daemon_killed(world, chance)
    await asyncio.sleep(chance.uniform(1.0, 4.0))
    await asyncio.to_thread(world.database.start)


@fault("daemon restarted while the database is gone", "daemon", "database")
async def restarted_in_outage(world: World, chance: random.Random) -> None:
    await asyncio.to_thread(world.database.stop)
    await asyncio.sleep(2)
    await daemon_restarted(world, chance)
    await asyncio.sleep(chance.uniform(1.0, 4.0))
    await asyncio.to_thread(world.database.start)


@fault("network cut while the database is gone", "network", "database")
async def cut_in_outage(world: World, chance: random.Random) -> None:
    await asyncio.to_thread(world.database.stop)
    await asyncio.sleep(1)
    for _ in range(3):
        await asyncio.sleep(1)
        world.to_broker.cut()
    await asyncio.to_thread(world.database.start)


# --- the order -----------------------------------------------------------------------------------------------


async def run_schedule(
    world: World, chance: random.Random, faults: Iterable[str], said: Callable[[str], None] = lambda _: None
) -> None:
    """Faults with moments of peace between them; two at once where they strike at different parts of the world."""
    waiting = list(faults)
    busy: set[str] = set()

    async def strike(name: str, own_chance: random.Random, pause_s: float) -> None:
        said(name)
        await FAULTS[name].strike(world, own_chance)
        world.faults[name] = world.faults.get(name, 0) + 1
        await asyncio.sleep(pause_s)

    async def one_after_another(longest_pause_s: float) -> None:
        while waiting:
            name = next((name for name in waiting if not FAULTS[name].needs & busy), None)
            if name is None:
                await asyncio.sleep(0.1)
                continue
            waiting.remove(name)
            needs = FAULTS[name].needs
            busy.update(needs)
            await world.until_answered_more()
            await strike(name, random.Random(chance.random()), chance.uniform(0.5, longest_pause_s))
            busy.difference_update(needs)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(one_after_another(longest_pause_s=2.5))
        tasks.create_task(one_after_another(longest_pause_s=8))


def each_once(chance: random.Random) -> list[str]:
    """Every kind of fault once, in an order of chance."""
    names = sorted(FAULTS)
    chance.shuffle(names)
    return names


async def _frozen(pids: list[int], seconds: float) -> None:
    async with _stopped(pids):
        await asyncio.sleep(seconds)


@asynccontextmanager
async def _stopped(pids: list[int]) -> AsyncIterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
