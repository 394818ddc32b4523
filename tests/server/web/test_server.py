"""The process: where it may listen, and how it ends."""

import socket

import httpx
import pytest
from tests.infra import Broker
from tests.server.web.conftest import NOWHERE, web_settings
from tests.waiting import TIMEOUT_S, eventually
from tests.web_process import PASSWORD, WebProcess

from racing_coach_server.exceptions import CommandError, ConfigurationError
from racing_coach_server.web.server import check_reach, listening, url_of


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "pit.example", "127.0.0.1.example"])
def test_other_machines_need_a_password(broker: Broker, host: str) -> None:
    """Without one it does not start, and says which variable; with one it does."""
    with pytest.raises(ConfigurationError, match="RACING_COACH_WEB__PASSWORD"):
        check_reach(web_settings(broker, host=host))
    check_reach(web_settings(broker, host=host, password=PASSWORD))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_this_machine_needs_none(broker: Broker, host: str) -> None:
    check_reach(web_settings(broker, host=host))


def test_a_password_that_is_guessed_at_once_is_none(broker: Broker) -> None:
    with pytest.raises(ValueError, match="at least 8 characters"):
        web_settings(broker, password="1234567")


def test_an_address_that_is_taken_is_one_clear_error(broker: Broker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = web_settings(broker, port=other.getsockname()[1])
        with pytest.raises(CommandError, match="RACING_COACH_WEB__PORT"), listening(settings):
            pass


def test_where_it_is(broker: Broker) -> None:
    """As one would write it into a browser."""
    assert url_of(web_settings(broker)) == "http://127.0.0.1:8077/"
    assert url_of(web_settings(broker, host="::1", port=80)) == "http://[::1]:80/"


async def test_it_starts_while_broker_and_database_are_away_and_ends_when_told(broker: Broker) -> None:
    """Pages and `systemctl status` are there and say what is not; SIGTERM ends it at once, event streams too."""
    with WebProcess(broker, NOWHERE) as web:
        health = httpx.get(f"{web.url}/api/v1/health").json()
        with httpx.stream("GET", f"{web.url}/api/v1/events", timeout=TIMEOUT_S) as stream:
            assert next(stream.iter_lines()).startswith("retry")
            await eventually(lambda: any("STATUS=the database is not reached" in said for said in web.notified))
            assert web.stop() == 0
        assert "stopped" in {line["event"] for line in web.log}
        assert [line for line in web.log if line.get("level") == "error" and "Traceback" in str(line)] == []
    assert not health["sources"]["database"]["reachable"]
    assert health["status"] == "degraded"
