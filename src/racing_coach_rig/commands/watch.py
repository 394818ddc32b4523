"""Reads the laps of files as they come into folders, and as they grow."""

import asyncio
import time
from pathlib import Path
from typing import Final

import structlog
from watchfiles import Change, awatch

from racing_coach_rig.commands.feed import Feed
from racing_coach_rig.exceptions import FileAccessError, OutboxError, SourceError
from racing_coach_rig.sources.read_file import read_file

log = structlog.stdlib.get_logger(__name__)

SUFFIXES: Final = frozenset({".csv", ".ibt", ".json", ".arrow", ".gz", ".zst"})
_LOOK_MS: Final = 500
_GATHER_MS: Final = 3_000
"""Changes that follow each other closely are one, for so long."""
_REST: Final = 20
"""A file that grows is read again after so many times as long as reading it took. iRacing writes an .ibt for as long as
one drives, hundreds of megabytes, on the machine that must not miss a frame."""

type _Identity = tuple[int, int] | None


async def watch(feed: Feed, folders: list[Path]) -> None:
    """Read what is in the folders now, and every file that comes or grows, until cancelled.

    A folder that is removed is waited for. The system watches the folder and not its name, so one that was made again
    is watched anew.
    """
    while True:
        identities = await asyncio.to_thread(_identities, folders)
        there = [folder for folder, identity in identities.items() if identity is not None]
        for folder in identities.keys() - there:
            log.warning("a watched folder is not there", folder=str(folder))
        if there:
            await _watch_until_replaced(feed, there, identities)
        else:
            await _until_changed(identities)


async def _watch_until_replaced(feed: Feed, folders: list[Path], identities: dict[Path, _Identity]) -> None:
    looked = False
    log.info(
        "watching", folders=[str(folder) for folder in folders], next="a lap comes with each file that comes or grows"
    )
    changed: set[Path] = set()
    rests_until: dict[Path, float] = {}
    async for changes in awatch(
        *folders, debounce=_GATHER_MS, step=_LOOK_MS, rust_timeout=_LOOK_MS, yield_on_timeout=True, recursive=True
    ):
        changed |= {Path(name) for change, name in changes if change is not Change.deleted}
        if not looked:
            # Not before the watch is set up, or a file that comes in between would never be seen.
            changed |= await asyncio.to_thread(_not_read_yet, feed, folders)
            looked = True
        changed = {path for path in changed if path.suffix.lower() in SUFFIXES}
        for path in sorted(path for path in changed if rests_until.get(path, 0.0) <= time.monotonic()):
            changed.remove(path)
            began = time.monotonic()
            await _read(feed, path)
            ended = time.monotonic()
            rests_until[path] = ended + _REST * (ended - began)
        if await asyncio.to_thread(_identities, list(identities)) != identities:
            return


def _not_read_yet(feed: Feed, folders: list[Path]) -> set[Path]:
    """What is in the folders, without the files that were read as they are, which are told of in one line."""
    there = {path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES}
    known = {path for path in there if _is_known(feed, path)}
    if known:
        log.info("files that were read before: their laps are stored, or on disk to be sent", files=len(known))
    return there - known


def _is_known(feed: Feed, path: Path) -> bool:
    try:
        stat = path.stat()
    except OSError:
        return False
    return not feed.outbox.files.is_new(path, stat.st_size, stat.st_mtime_ns)


async def _until_changed(identities: dict[Path, _Identity]) -> None:
    while await asyncio.to_thread(_identities, list(identities)) == identities:
        await asyncio.sleep(_LOOK_MS / 1000)


def _identities(folders: list[Path]) -> dict[Path, _Identity]:
    """Which folder each name stands for now."""
    return {folder: _identity(folder) for folder in folders}


def _identity(folder: Path) -> _Identity:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


async def _read(feed: Feed, path: Path) -> None:
    files = feed.outbox.files
    try:
        stat = path.stat()
        state = (path, stat.st_size, stat.st_mtime_ns)
        if not await asyncio.to_thread(files.is_new, *state):
            return
        try:
            result = await asyncio.to_thread(read_file, path, feed.labels)
        except FileAccessError:
            raise
        except SourceError as error:
            log.warning("a file gave no lap; it is not read again until it changes", path=str(path), reason=str(error))
            await asyncio.to_thread(files.was_read, *state)
            return
        kept = [await feed.put(lap) for lap in result.laps]
        if all(kept):
            # Else the file is looked at again with the next start.
            await asyncio.to_thread(files.was_read, *state)
    except (FileAccessError, OutboxError, OSError) as error:
        log.warning("a file could not be read, it is tried again when it changes", reason=str(error))
        return
    for refused in result.refused:
        log.info("frames without a lap", path=str(path), reason=refused.reason, frames=refused.frames)
