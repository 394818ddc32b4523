"""What is stored: does it come in, is it whole, is it backed up, and is there room for more?"""

import ipaddress
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from racing_coach_core.findings import Report
from racing_coach_server.backup.records import last_backup
from racing_coach_server.config import Settings
from racing_coach_server.database.engine import Database, create_engine
from racing_coach_server.database.server import data_directory
from racing_coach_server.rejected.models import RejectedMessage
from racing_coach_server.telemetry.reading import StoredLaps
from racing_coach_server.telemetry.schemas import StoredLap
from racing_coach_server.telemetry.search.service import LapSearch

_COUNTED: Final = 200
"""Laps whose frames are counted; `racing-coach restore --verify-only` looks at all."""

_OLD_BACKUP: Final = timedelta(days=7)
_LITTLE_ROOM: Final = 0.1
_CLOCKS_S: Final = 2.0
"""Apart by more, times of laps and of the database cannot be compared."""

_CLOCK: Final = text("select clock_timestamp()")
_ENCRYPTED: Final = text("select coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false)")


async def examine_laps(settings: Settings, report: Report) -> None:
    """Look at what a migrated database holds. One that is not reached was reported before."""
    database = Database(create_engine(settings.database, pool_size=1, application="racing-coach doctor"))
    try:
        async with database.transaction() as session:
            laps = (await LapSearch(session).page(limit=_COUNTED)).laps
            _last(laps, report)
            await _whole(session, laps, report)
            await _rejected(session, report)
            await _backup(session, report)
            await _room(session, report)
            await _clock(session, report)
            await _tls(session, settings, report)
    finally:
        await database.close()


def _last(laps: Sequence[StoredLap], report: Report) -> None:
    if not laps:
        report.advice("last lap", "no lap is stored", "publish one: `racing-coach-rig publish FILE`")
        return
    report.good("last lap", f"received {_ago(laps[0].received_at)} ago, from {laps[0].rig_id}")


async def _whole(session: AsyncSession, laps: Sequence[StoredLap], report: Report) -> None:
    """Whether laps have as many frames as they came with: a restore by hand may have doubled or dropped some."""
    counted = await StoredLaps(session).count_frames([lap.lap_id for lap in laps])
    wrong = [lap for lap in laps if counted.get(lap.lap_id, 0) != lap.frame_count]
    subject = "frames"
    if wrong:
        first = wrong[0]
        report.bad(
            subject,
            f"{len(wrong)} of the last {len(laps)} laps do not have the frames that they came with; lap "
            f"{first.lap_id} has {counted.get(first.lap_id, 0):,} of {first.frame_count:,}",
            "restore a backup into another database with `racing-coach restore`, which looks at every lap",
        )
    elif laps:
        of_how_many = f"the last {len(laps)} laps" if len(laps) > 1 else "the last lap"
        report.good(subject, f"{of_how_many}: as many as came")


async def _rejected(session: AsyncSession, report: Report) -> None:
    now = datetime.now(UTC)
    hour, day = (
        func.count().filter(RejectedMessage.last_received_at > now - span)
        for span in (timedelta(hours=1), timedelta(days=1))
    )
    total, in_hour, in_day = (await session.execute(select(func.count(RejectedMessage.id), hour, day))).one()
    found = f"{total:,} kept; {in_day:,} came in the last day, {in_hour:,} in the last hour"
    if in_hour:
        report.advice("rejected", found, "`racing-coach rejected list` says why, and which rig sends them")
    else:
        report.good("rejected", found if total else "none")


async def _backup(session: AsyncSession, report: Report) -> None:
    last = await last_backup(session)
    remedy = "`racing-coach backup FOLDER`, from a timer, onto another disk"
    if last is None:
        report.advice("backup", "none was made by `racing-coach backup`", remedy)
        return
    came = "1 lap" if last.laps_since == 1 else f"{last.laps_since:,} laps"
    found = f"{_ago(last.taken_at)} old, {came} came since; {last.place}"
    if last.laps_since and datetime.now(UTC) - last.taken_at > _OLD_BACKUP:
        report.advice("backup", found, remedy)
    else:
        report.good("backup", found)


async def _room(session: AsyncSession, report: Report) -> None:
    directory = await data_directory(session)
    if directory is None:
        report.advice("disk", "the database's disk is not seen from here", "watch it on the database's machine")
        return
    usage = shutil.disk_usage(directory)
    found = f"{usage.free / 2**30:,.1f} GiB of {usage.total / 2**30:,.1f} free in {directory}"
    if usage.free < _LITTLE_ROOM * usage.total:
        report.advice("disk", found, "make room: a database without any stops, and laps wait on the rigs")
    else:
        report.good("disk", found)


async def _clock(session: AsyncSession, report: Report) -> None:
    before = datetime.now(UTC)
    there: datetime = (await session.execute(_CLOCK)).scalar_one()
    after = datetime.now(UTC)
    apart_s = max((before - there).total_seconds(), (there - after).total_seconds(), 0.0)
    if apart_s > _CLOCKS_S:
        report.advice(
            "clock", f"the database's is {apart_s:.1f} s apart from this machine's", "run an NTP client on both"
        )
    else:
        report.good("clock", "the database's and this machine's agree")


async def _tls(session: AsyncSession, settings: Settings, report: Report) -> None:
    """Whether passwords and laps go over a network in the clear."""
    url, tls = settings.database.sqlalchemy_url, settings.mqtt.tls
    is_encrypted: bool = (await session.execute(_ENCRYPTED)).scalar_one()
    for name, host, encrypted, remedy in (
        ("database", url.host, is_encrypted, "add ?sslmode=require to RACING_COACH_DATABASE__URL"),
        (
            "broker",
            settings.mqtt.host,
            tls.context() is not None,
            "set RACING_COACH_MQTT__TLS__CA_FILE and the port",
        ),
    ):
        subject = f"TLS to the {name}"
        if encrypted:
            report.good(subject, "yes")
        elif host is None or host.startswith("/") or _is_here(host):
            report.good(subject, "not needed on this machine")
        else:
            report.advice(subject, f"no: passwords and laps go to {host} in the clear", remedy)


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _ago(at: datetime) -> str:
    """How long ago, roughly.

    >>> _ago(datetime.now(UTC) - timedelta(minutes=95))
    '1 h'
    """
    seconds = max(0, int((datetime.now(UTC) - at).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
