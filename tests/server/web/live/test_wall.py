"""What is on the pit wall, and what is told of it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from racing_coach_core.messages import DaemonState, DatabaseHealth, Heartbeat, LapAccounts, MqttHealth, RigStatus
from racing_coach_core.web_laps import WebDocument
from racing_coach_core.web_live import DaemonDocument, RigDocument, RigEvent, RigLap
from racing_coach_server.web.live.wall import Wall

NOW = datetime.now(UTC)


LAP = RigLap(
    lap_id=UUID(int=1),
    session_id=UUID(int=2),
    lap_number=1,
    lap_time=80.0,
    is_valid=True,
    received_at=NOW,
    answer_ms=None,
    is_best=False,
    delta_s=None,
    coaching=None,
)


def rig(name: str, **fields: object) -> RigDocument:
    about = dict.fromkeys(RigDocument.model_fields) | {"rig_id": name, "laps": [LAP]}
    return RigDocument.model_validate(about | fields)


def heartbeat(instance: str = "main", **fields: object) -> Heartbeat:
    values = {
        "instance": instance,
        "version": "1",
        "timestamp": NOW,
        "uptime_s": 1.0,
        "status": "healthy",
        "mqtt": MqttHealth(connected_since=NOW, reconnects=0),
        "database": DatabaseHealth(status="healthy", latency_ms=1.0),
        "laps": LapAccounts(),
        "frames_stored": 0,
        "rss_bytes": 1,
    }
    return Heartbeat.model_validate(values | fields)


def state(instance: str = "main", *, online: bool = True) -> DaemonState:
    return DaemonState(online=online, instance=instance, version="1", timestamp=NOW, heartbeat_interval_s=1.0)


class Told:
    """What a wall tells."""

    def __init__(self) -> None:
        self.events: list[tuple[str, WebDocument]] = []
        self.wall = Wall(lambda kind, document: self.events.append((kind, document)))

    def kinds(self) -> list[str]:
        kinds = [kind for kind, _ in self.events]
        self.events.clear()
        return kinds


@pytest.fixture
def told() -> Told:
    told = Told()
    told.wall.put_broker(None)
    told.events.clear()
    return told


def test_a_rig_is_told_of_when_something_changed(told: Told) -> None:
    """The same again is no news."""
    told.wall.put_rigs({"a": rig("a", driver="d")}, {})
    told.wall.put_rigs({"a": rig("a", driver="d")}, {})
    assert told.kinds() == ["rig"]
    told.wall.put_rigs({"a": rig("a", driver="e")}, {"a": ("lap", None)})
    ((_, event),) = told.events
    assert isinstance(event, RigEvent)
    assert (event.cause, event.rig.driver) == ("lap", "e")


def test_whether_a_rig_is_there_is_not_known_without_the_broker(told: Told) -> None:
    """It is not said to be online because it was when the broker went; what it said is good again when it is back."""
    told.wall.put_rigs({"a": rig("a")}, {})
    assert told.wall.put_status("a", RigStatus(online=True, timestamp=NOW))
    assert told.wall.rigs["a"].online is True

    told.wall.put_broker("away")
    assert told.wall.rigs["a"].online is None
    told.wall.put_rigs({"a": rig("a", driver="d")}, {})
    assert told.wall.rigs["a"].online is None

    told.wall.put_broker(None)
    assert told.wall.rigs["a"].online is True


def test_what_was_away_from_the_start_is_said_to_be_away() -> None:
    """Not to be connected to for ever; and once is enough."""
    told = Told()
    began = told.wall.broker.since
    for _ in range(2):
        told.wall.put_broker("away")
        told.wall.put_database("away")
    assert told.kinds() == ["source", "source"]
    assert (told.wall.broker.message, told.wall.database.message) == ("away", "away")
    assert told.wall.broker.since == began


def test_a_rig_of_which_nothing_is_left_is_taken_off(told: Told) -> None:
    """Its laps were erased, and it is not there; one that is there stays, with nothing."""
    for name in ("gone", "there"):
        told.wall.put_rigs({name: rig(name)}, {})
    told.wall.put_status("there", RigStatus(online=True, timestamp=NOW))
    told.kinds()

    told.wall.put_rigs(
        {"gone": rig("gone", laps=[]), "there": rig("there", laps=[]), "never": rig("never", laps=[])}, {}
    )

    assert told.kinds() == ["snapshot", "rig"]
    assert [one.rig_id for one in told.wall.document().rigs] == ["there"]


def test_a_rig_that_comes_online_is_asked_for(told: Told) -> None:
    """One that says it is off and never drove is nobody's business."""
    assert not told.wall.put_status("new", RigStatus(online=True, timestamp=NOW))
    assert told.wall.put_status("old", RigStatus(online=False, timestamp=NOW))
    assert told.kinds() == []


def test_what_a_broker_or_database_said_stays_with_the_daemon(told: Told) -> None:
    """A heartbeat's words on its trouble hold addresses and names of users."""
    secret = 'password authentication failed for user "racing_coach" at 10.0.0.7'
    told.wall.put_heartbeat(
        heartbeat(
            mqtt=MqttHealth(connected_since=None, reconnects=1, message=secret),
            database=DatabaseHealth(status="unhealthy", latency_ms=None, message=secret),
        )
    )
    ((_, event),) = told.events
    assert isinstance(event, DaemonDocument)
    assert "10.0.0.7" not in told.wall.document().model_dump_json()
    assert event.heartbeat is not None
    assert event.heartbeat.database.status == "unhealthy"
    assert event.heartbeat.database.message is not None


def test_a_daemon_that_is_silent_is_late(told: Told) -> None:
    """After three heartbeats that did not come; one that said farewell is not."""
    told.wall.put_state(state())
    told.wall.put_heartbeat(heartbeat())
    assert not told.wall.daemon_documents[0].is_late

    told.wall.daemons["main"].heard_at = datetime.now(UTC) - timedelta(seconds=3.5)
    assert told.wall.daemon_documents[0].is_late
    told.wall.put_state(state(online=False))
    assert not told.wall.daemon_documents[0].is_late
    assert not told.wall.daemon_documents[0].online


def test_what_is_held_is_bounded(told: Told) -> None:
    """Whoever names rigs and daemons without end."""
    for number in range(3_000):
        told.wall.put_status(f"rig-{number}", RigStatus(online=True, timestamp=NOW))
        told.wall.put_rigs({f"rig-{number}": rig(f"rig-{number}")}, {})
        told.wall.put_state(state(f"daemon-{number}"))

    assert len(told.wall.statuses) == len(told.wall.rigs) == 2_000
    assert len(told.wall.daemons) == 200
