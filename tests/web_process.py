"""The pages as a real process.

    with WebProcess(broker, database_url) as web:               # started, and listening on web.url
        httpx.get(f"{web.url}/api/v1/health")
        web.kill()
        web.start()                                             # at the same address

It logs in to the broker as monitoring, and never migrates: a daemon, or the fixture `database_url`, has done that.
"""

from collections.abc import Mapping

from racing_coach_demo.processes import free_port
from tests.daemon import DaemonProcess
from tests.infra import MONITORING, Broker

PASSWORD = "a password for the pages"


class WebProcess(DaemonProcess):
    """`racing-coach web` in a process of its own.

    Args:
        broker: what it listens to.
        database_url: what it reads; of any driver.
        settings: further variables, without their prefix: `{"WEB__PASSWORD": PASSWORD}`.
        environment: further variables, whole.
    """

    ready_event = "serving pages"

    def __init__(
        self,
        broker: Broker,
        database_url: str,
        *,
        settings: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.port = free_port()
        super().__init__(
            broker,
            database_url,
            settings={"WEB__PORT": self.port, **(settings or {})},
            environment={**broker.environment(MONITORING), **(environment or {})},
        )
        self.command = [self.command[0], "web"]

    @property
    def url(self) -> str:
        """Where the pages are, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"
