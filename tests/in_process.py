"""A command of the project in the test's own process: its real entry point, without the seconds that its imports take."""

import contextlib
import io
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import structlog

_CONFIGURED_LOGGERS = ("", "mqtt", "alembic")


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said on standard output and standard error."""

    code: int
    output: str
    errors: str
    raw: bytes = b""
    """Standard output, byte by byte."""


def run_here(main: Callable[[], None], *words: str | Path, environment: Mapping[str, str], cwd: Path) -> Done:
    """Run an entry point to its end, with these arguments and nothing but these variables.

    It has a thread of its own, so a caller on an event loop may wait for it, there or in another thread. One at a
    time: output, environment and directory are the whole process's.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="command") as thread:
        return thread.submit(_run, main, [str(word) for word in words], environment, cwd).result()


def _run(main: Callable[[], None], words: list[str], environment: Mapping[str, str], cwd: Path) -> Done:
    raw, errors = io.BytesIO(), io.StringIO()
    output = io.TextIOWrapper(raw, encoding="utf-8", newline="\n", write_through=True)
    with (
        patch.dict(os.environ, environment, clear=True),
        patch.object(sys, "argv", [main.__module__, *words]),
        patch.object(sys, "stdin", io.StringIO()),
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
        _logging_of_its_own(),
    ):
        code = _exit_code(main)
    return Done(code, raw.getvalue().decode(errors="backslashreplace"), errors.getvalue(), raw.getvalue())


def _exit_code(main: Callable[[], None]) -> int:
    """What the interpreter would make of how it ends; a failure that it would show with a traceback is the test's."""
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


@contextlib.contextmanager
def _logging_of_its_own() -> Iterator[None]:
    """Take back how it configures logging. The tests' own loggers must not be bound to it for good."""
    configure, ours = structlog.configure, structlog.get_config()

    def uncached(**options: Any) -> None:
        configure(**{**options, "cache_logger_on_first_use": False})

    loggers = [logging.getLogger(name) for name in _CONFIGURED_LOGGERS]
    before = [(logger, logger.level, logger.handlers.copy()) for logger in loggers]
    with patch.object(structlog, "configure", uncached):
        try:
            yield
        finally:
            configure(**ours)
            for logger, level, handlers in before:
                logger.setLevel(level)
                logger.handlers = handlers
