"""Laps that wait, for tests of the daemon."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers import PostgresProcess


@contextmanager
def frozen(process: PostgresProcess) -> Iterator[None]:
    process.freeze()
    try:
        yield
    finally:
        process.thaw()
