"""Does the database keep what it acknowledges, and can we write to it?"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from racing_coach_core.findings import Report
from racing_coach_server.config import Settings
from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.database.faults import in_words
from racing_coach_server.database.init_db import current_revision, head_revision
from racing_coach_server.database.replica import Lag, lag_of
from racing_coach_server.database.server import has_lz4
from racing_coach_server.doctor.form import examine_form

_SUBJECT = "database"
_REPLICA = "read replica"
_CLIENTS = "select count(*) from pg_stat_activity where backend_type = 'client backend'"


async def examine_database(settings: Settings, report: Report) -> bool:
    """Connect, and look at what durability and capacity rest on.

    Returns:
        whether it has this version's tables, so that what is in them can be looked at.
    """
    engine = create_engine(settings.database, pool_size=2, application="racing-coach doctor")
    try:
        async with engine.connect() as connection:
            await _server(connection, report)
            await _durability(connection, report)
            await _capacity(connection, settings, report)
            await _unfinished_restore(connection, report)
            await examine_form(connection, report)
            await _form(connection, report)
        return _schema(await current_revision(engine), report)
    except Exception as error:  # noqa: BLE001 (whatever it is, it is the finding)
        report.bad(
            _SUBJECT,
            f"{settings.database.where} not reached: {in_words(error)}",
            "check RACING_COACH_DATABASE__URL, and that the server runs and lets us in (pg_hba.conf)",
        )
        return False
    finally:
        await engine.dispose()


async def examine_replica(settings: Settings, report: Report) -> None:
    """The read replica, where there is one: whether it is one, and how far it is behind."""
    if settings.database.read_url is None:
        return
    where = settings.database.for_reading
    engine = create_engine(where, pool_size=1, application="racing-coach doctor", is_read_only=True)
    try:
        async with Database(engine).transaction() as session:
            lag = await lag_of(session)
    except Exception as error:  # noqa: BLE001 (whatever it is, it is the finding)
        remedy = "check RACING_COACH_DATABASE__READ_URL; laps are stored all the same"
        report.bad(_REPLICA, f"{where.where} not reached: {in_words(error)}", remedy)
    else:
        _lag(lag, report)
    finally:
        await engine.dispose()


def _lag(lag: Lag | None, report: Report) -> None:
    if lag is None:
        remedy = "it may be read from all the same; point RACING_COACH_DATABASE__READ_URL at a standby to relieve it"
        report.advice(_REPLICA, "the server is no replica", remedy)
    elif not lag.is_fed:
        report.bad(_REPLICA, str(lag), "look at primary_conninfo on the replica, and at pg_stat_replication")
    else:
        report.good(_REPLICA, str(lag))


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


async def _unfinished_restore(connection: AsyncConnection, report: Report) -> None:
    restoring = (await connection.execute(text("select current_setting('timescaledb.restoring', true)"))).scalar()
    if restoring == "on":
        report.bad(
            "restore",
            "TimescaleDB is as it is in the middle of a restore, and does no work in the background",
            "run `racing-coach restore` again, or as a superuser `select timescaledb_post_restore()`",
        )


async def _form(connection: AsyncConnection, report: Report) -> None:
    """Whether frames are stored as this version would store them on a server that can do all of it."""
    if not await has_lz4(connection):
        report.advice(
            "lz4",
            "this PostgreSQL is built without it: a frame takes 292 bytes, where it would be 128 to 228",
            "take one that has it, as all the usual packages do, before many laps are stored",
        )
    if (await connection.execute(text("select to_regclass('telemetry_rows')"))).scalar() is not None:
        report.advice(
            "old laps",
            "laps of an older version are stored in the form of that version, and take two to three times the room",
            "`racing-coach db convert`, beside the daemon",
        )


def _schema(current: str | None, report: Report) -> bool:
    head = head_revision()
    if current == head:
        report.good("schema", f"revision {current}")
        return True
    remedy = "start the daemon, or run `racing-coach db upgrade`"
    report.bad("schema", f"revision {current}, this version needs {head}", remedy)
    return False
