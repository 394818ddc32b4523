"""How the rig's commands log."""

import logging
import sys

import structlog


def configure_logging(level: int) -> None:
    """Log to standard error: readable on a terminal, JSON elsewhere.

    Args:
        level: of `logging`; nothing below it is said.
    """
    plain = (structlog.processors.format_exc_info, structlog.processors.JSONRenderer())
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *((structlog.dev.ConsoleRenderer(),) if sys.stderr.isatty() else plain),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.getLogger("mqtt").setLevel(logging.ERROR)
