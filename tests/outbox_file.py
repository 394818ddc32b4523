"""A rig's outbox from outside, as no program of ours would change it."""

import sqlite3
from contextlib import closing
from pathlib import Path


def alter(outbox: Path, statement: str, *arguments: object) -> None:
    """Run one statement on the file, and commit."""
    # As a context manager a connection ends its transaction only, and stays open.
    with closing(sqlite3.connect(outbox)) as connection, connection:
        connection.execute(statement, arguments)
