"""The web process: listens, serves, and ends when it is told to."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from typing import Final

import structlog
import uvicorn
from fastapi import FastAPI

from racing_coach_server.config import Settings
from racing_coach_server.exceptions import CommandError, ConfigurationError
from racing_coach_server.sd_notify import notify, watchdog_interval
from racing_coach_server.service_status import ServiceStatus
from racing_coach_server.web.app import create_app
from racing_coach_server.web.security.connections import Connection, give_up_when_nothing_is_taken
from racing_coach_server.web.site import Site
from racing_coach_server.web.warming import warm_up

log = structlog.stdlib.get_logger(__name__)

_BACKLOG: Final = 128
_GRACE_S: Final = 3
_MOST_AT_ONCE: Final = 2_000
"""Open connections; one that is over is told to come back."""


async def serve_pages(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        ConfigurationError: other machines could reach it, and there is no password.
        CommandError: the address cannot be listened on.
    """
    check_reach(settings)
    with listening(settings) as listener:
        app = create_app(settings)
        server = _Server(_configuration(app, settings), app.state.site, url_of(settings))
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, server.stop)
        watchdog = asyncio.create_task(_watchdog(), name="watchdog")
        try:
            await server.serve(sockets=[listener])
        finally:
            watchdog.cancel()
            for signum in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(signum)
    log.info("stopped")


def check_reach(settings: Settings) -> None:
    """See that nobody elsewhere reads without a password.

    Raises:
        ConfigurationError: somebody could.
    """
    if not settings.web.is_for_this_machine_only and settings.web.password is None:
        raise ConfigurationError(
            f"RACING_COACH_WEB__HOST: other machines reach {settings.web.host}, so RACING_COACH_WEB__PASSWORD must be "
            "set; without one it serves 127.0.0.1 only"
        )


def url_of(settings: Settings) -> str:
    """Where the pages are."""
    host = settings.web.host
    shown = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(host, host)  # noqa: S104 (a comparison)
    scheme = "https" if settings.web.cert_file is not None else "http"
    return f"{scheme}://{f'[{shown}]' if ':' in shown else shown}:{settings.web.port}/"


@contextlib.contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """The socket.

    Raises:
        CommandError: the address cannot be listened on.
    """
    host, port = settings.web.host, settings.web.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise CommandError(
            f"{host}:{port} cannot be listened on: {os.strerror(error.errno or 0)}; "
            "another RACING_COACH_WEB__PORT may be free"
        ) from error
    with listener:
        give_up_when_nothing_is_taken(listener)
        yield listener


class _Server(uvicorn.Server):
    """uvicorn, with our signals; event streams end first, or it would wait for them."""

    def __init__(self, config: uvicorn.Config, site: Site, url: str) -> None:
        super().__init__(config)
        self._site = site
        self._url = url
        self._warming: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """Take nothing more, finish what is begun, end."""
        log.info("stopping")
        notify("STOPPING=1")
        self._site.feed.close()
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, and say so."""
        await super().startup(sockets)
        if self.started:
            log.info("serving pages", url=self._url)
            ServiceStatus(f"serving {self._url}", self._site.troubles).ready()
            self._warming = asyncio.create_task(warm_up(self._site), name="warm up")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End."""
        if self._warming is not None:
            self._warming.cancel()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve_pages`."""
        yield


def _configuration(app: FastAPI, settings: Settings) -> uvicorn.Config:
    web = settings.web
    return uvicorn.Config(
        app,
        loop="none",
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=web.proxies,
        ssl_certfile=web.cert_file,
        ssl_keyfile=web.key_file,
        limit_concurrency=_MOST_AT_ONCE,
        timeout_graceful_shutdown=_GRACE_S,
    )


async def _watchdog() -> None:
    interval = watchdog_interval()
    while interval is not None:
        notify("WATCHDOG=1")
        await asyncio.sleep(interval.total_seconds())
