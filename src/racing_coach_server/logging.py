"""structlog: JSON lines for the journal, readable on a terminal."""

import contextlib
import functools
import logging
import sys
from typing import Any

import structlog

from racing_coach_server.config import LogSettings


class _Lines:
    """Lines of one module, written without the detour over `logging`, which takes as long again.

    As there, one thread writes at a time, and a line that cannot be written is lost and holds nobody up: laps are
    stored while a disk for logs is full.

    Args:
        handler: of the libraries' lines, which go to the same place.
        name: of the module.
    """

    def __init__(self, handler: "logging.StreamHandler[Any]", name: str) -> None:
        self.name = name
        self._handler = handler

    def msg(self, line: str) -> None:
        """Write one."""
        self._handler.acquire()
        try:
            with contextlib.suppress(OSError, ValueError):
                self._handler.stream.write(f"{line}\n")
        finally:
            self._handler.release()

    debug = info = warning = error = critical = msg


def configure_logging(settings: LogSettings) -> None:
    """Send every log line, the libraries' too, through structlog to standard error."""
    as_json = settings.format == "json" or (settings.format == "auto" and not sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if as_json:
        shared.append(structlog.processors.format_exc_info)
    # Not rich's tracebacks: those with the values of every frame keep the event loop for seconds.
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    level = logging.getLevelNamesMapping()[settings.level]
    structlog.configure(
        processors=[*shared, renderer],
        logger_factory=functools.partial(_Lines, handler),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # aiomqtt logs paho's every packet; Alembic tells of every context.
    logging.getLogger("mqtt").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.WARNING)
