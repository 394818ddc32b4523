"""Reads a file without ever holding more of it than is allowed."""

import stat
from pathlib import Path

from racing_coach_rig.exceptions import FileAccessError, SourceError


def check_regular(path: Path) -> int:
    """The size in bytes of a file that can be read to an end.

    Raises:
        FileAccessError: the system refuses to say.
        SourceError: a folder, a pipe or a device; to open one of these could take for ever.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise FileAccessError(path, error) from error
    if stat.S_ISDIR(found.st_mode):
        raise SourceError(path, "cannot be read: Is a directory")
    if not stat.S_ISREG(found.st_mode):
        raise SourceError(path, "cannot be read: it is no file but a pipe or a device")
    return found.st_size


def read_bounded(path: Path, limit: int) -> bytes:
    """All of a file.

    Args:
        path: the file.
        limit: bytes. The size is looked at before anything is read, and a file that grows meanwhile is refused too.

    Raises:
        FileAccessError: the system refuses.
        SourceError: larger than `limit`, or no file.
    """
    size = check_regular(path)
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1) if size <= limit else b""
    except OSError as error:
        raise FileAccessError(path, error) from error
    if size > limit or len(content) > limit:
        raise SourceError(path, f"is too large for one lap: {max(size, len(content)):,} bytes of at most {limit:,}")
    return content
