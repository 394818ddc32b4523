"""By which names the pages may be called.

A page from elsewhere can give its own name the address 127.0.0.1 (DNS rebinding): then the browser takes this server
for that page's, and its scripts read all that is here. They cannot change the name that the browser says it called, so
any name but our own is refused.
"""

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from racing_coach_server.web.problems import problem
from racing_coach_server.web_settings import WebSettings

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


def allowed_names(settings: WebSettings) -> frozenset[str] | None:
    """The names that are taken; None for all.

    Behind a password nothing is to be had by rebinding, for no cookie is sent to another name: then all names are
    taken, unless some are configured.
    """
    configured = {name.strip().lower() for name in settings.names.split(",") if name.strip()}
    if not configured and settings.password is not None:
        return None
    return frozenset(configured | _LOOPBACK | {_written(settings.host)})


def name_of(host: str) -> str:
    """The name in a Host header, without its port.

    >>> name_of("LocalHost:8077"), name_of("[::1]:8077"), name_of("pit.example")
    ('localhost', '[::1]', 'pit.example')
    """
    name, _, port = host.lower().rpartition(":")
    return name if name and port.isdigit() else host.lower()


def _written(host: str) -> str:
    """An address as a browser writes it."""
    return f"[{host}]" if ":" in host else host.lower()


class Names:
    """Refuses what was called by another name."""

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app = app
        self._names = allowed_names(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] == "http" and self._names is not None:
            called = name_of(Headers(scope=scope).get("host", ""))
            if called not in self._names:
                words = "These pages are not called by this name; RACING_COACH_WEB__NAMES lists those that they are."
                await problem(421, "not_allowed", words)(scope, receive, send)
                return
        await self._app(scope, receive, send)
