"""What a backup says of itself, in `backup.json`: written last, so that a folder that has it is whole."""

import os
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field, ValidationError

from racing_coach_server.backup.exceptions import NoBackupError

NAME: Final = "backup.json"
DUMP: Final = "database"
"""pg_dump's directory, beside it."""
BEGUN: Final = "unfinished"
"""A file that is there while a backup is made."""


class Manifest(BaseModel):
    """One backup."""

    format: int = Field(default=1, ge=1, le=1)
    taken_at: datetime = Field(description="the moment whose state it is")
    racing_coach: str = Field(description="the version that made it")
    revision: str = Field(description="of the schema")
    postgresql: int = Field(description="the server's major version")
    timescaledb: str | None = Field(description="the extension's version, null if it keeps no table")
    laps: int
    frames: int
    database_bytes: int = Field(description="of the database, with its indexes")


def read_manifest(folder: Path) -> Manifest:
    """What a finished backup says of itself.

    Raises:
        NoBackupError: there is none.
    """
    try:
        return Manifest.model_validate_json((folder / NAME).read_bytes())
    except FileNotFoundError:
        why = "was begun and not finished" if (folder / BEGUN).exists() else f"has no {NAME}"
        raise NoBackupError(f"{folder} is no backup: it {why}; make one with `racing-coach backup`") from None
    except OSError as error:
        raise NoBackupError(f"{folder / NAME} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise NoBackupError(
            f"{folder / NAME} is not one that this version knows: {error.errors()[0]['msg']}"
        ) from error


def readable(folder: Path) -> str:
    """Where pg_dump's directory is.

    Raises:
        NoBackupError: this user may not read it; pg_restore would say that it is no archive.
    """
    archive = folder / DUMP
    try:
        is_readable = all(os.access(path, os.R_OK) for path in archive.iterdir())
    except FileNotFoundError:
        raise NoBackupError(f"{folder} is no backup: it has no folder {DUMP!r}; copy all of it") from None
    except PermissionError:
        is_readable = False
    if not is_readable:
        raise NoBackupError(
            f"{archive} may not be read by this user (number {os.geteuid()}): it is of the one who copied it; restore "
            "as that user, with compose by `--user`, or give the folder to this one"
        )
    return str(archive)
