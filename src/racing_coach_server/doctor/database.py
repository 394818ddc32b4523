"""Does the database keep what it acknowledges, and can we write to it?"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from racing_coach_server.config import Settings
from racing_coach_server.database.engine import create_engine
from racing_coach_server.database.faults import in_words
from racing_coach_server.database.init_db import current_revision, head_revision
from racing_coach_server.doctor.report import Report

_SUBJECT = "database"
_LOOKED_AT = 1_000
_WITHOUT_FRAMES = text(f"""
    select id from (select * from laps order by received_at desc limit {_LOOKED_AT}) lap
    where frame_count <> coalesce(
        (select sum(frame_count) from frame_blocks where lap_id = lap.id),
        (select count(*) from telemetry where lap_id = lap.id)
    )
""")  # noqa: S608 (a number of ours)
_HAS_LZ4 = text("select 'lz4' = any(enumvals) from pg_settings where name = 'default_toast_compression'")
_CLIENTS = "select count(*) from pg_stat_activity where backend_type = 'client backend'"


async def examine_database(settings: Settings, report: Report) -> None:
    """Connect, and look at what durability and capacity rest on."""
    engine = create_engine(settings.database, pool_size=2, application="racing-coach doctor")
    try:
        async with engine.connect() as connection:
            await _server(connection, report)
            await _durability(connection, report)
            await _capacity(connection, settings, report)
            revision = await current_revision(engine)
            await _schema(revision, report)
            if revision == head_revision():
                await _frames(connection, report)
    except Exception as error:  # noqa: BLE001 (whatever it is, it is the finding)
        report.bad(
            _SUBJECT,
            f"{settings.database.where} not reached: {in_words(error)}",
            "check RACING_COACH_DATABASE__URL, and that the server runs and lets us in (pg_hba.conf)",
        )
    finally:
        await engine.dispose()


async def _show(connection: AsyncConnection, name: str) -> str:
    return str((await connection.execute(text(f"show {name}"))).scalar_one())


async def _server(connection: AsyncConnection, report: Report) -> None:
    report.good(_SUBJECT, f"PostgreSQL {await _show(connection, 'server_version')} answers")
    if await _show(connection, "transaction_read_only") == "on":
        report.bad("writable", "the database is read-only", "point RACING_COACH_DATABASE__URL at the primary")
    else:
        report.good("writable", "yes")


async def _durability(connection: AsyncConnection, report: Report) -> None:
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        value = await _show(connection, name)
        if value == "off":
            report.bad(name, "off: a lap that was answered `success` may be gone after a crash", f"set {name} = on")
        else:
            report.good(name, value)


async def _capacity(connection: AsyncConnection, settings: Settings, report: Report) -> None:
    limit = int(await _show(connection, "max_connections"))
    used = int((await connection.execute(text(_CLIENTS))).scalar_one())
    needs = settings.delivery.concurrency + 1 + settings.followers.connections
    if used + needs > limit:
        report.advice(
            "connections",
            f"{used} of {limit} in use, the daemon wants {needs}",
            "raise max_connections or lower RACING_COACH_DELIVERY__CONCURRENCY",
        )
    else:
        report.good("connections", f"{used} of {limit} in use, the daemon wants {needs}")


async def _frames(connection: AsyncConnection, report: Report) -> None:
    """Whether laps have the frames that they were stored with, and are in the form of this version."""
    short = (await connection.execute(_WITHOUT_FRAMES)).scalars().all()
    if short:
        report.bad(
            "frames",
            f"{len(short)} of the newest {_LOOKED_AT:,} laps have not the frames that came, such as lap {short[0]}",
            "restore them from a backup; `racing-coach laps show` tells what was stored",
        )
    else:
        report.good("frames", f"the newest {_LOOKED_AT:,} laps have all of theirs")
    if not (await connection.execute(_HAS_LZ4)).scalar_one():
        report.advice(
            "lz4",
            "this PostgreSQL is built without it: frames are not compressed, and take half as much room again",
            "take one that has it, as all the usual packages do, before many laps are stored",
        )
    if (await connection.execute(text("select to_regclass('telemetry_rows')"))).scalar() is not None:
        report.advice(
            "old laps",
            "laps of an older version are stored in the form of that version, and take twice the room",
            "`racing-coach db convert`, beside the daemon",
        )


async def _schema(current: str | None, report: Report) -> None:
    head = head_revision()
    if current == head:
        report.good("schema", f"revision {current}")
    else:
        report.bad("schema", f"revision {current}, this version needs {head}", "run `racing-coach db upgrade`")
