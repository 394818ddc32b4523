"""The doctor tries what others could do, against our broker and against brokers that let them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from tests.infra import Broker
from tests.server.support import app_settings
from tests.servers import MosquittoProcess

from racing_coach_core.findings import Finding, Report
from racing_coach_server.config import Settings
from racing_coach_server.doctor.strangers import examine_strangers

pytestmark = pytest.mark.mosquitto

type Examine = Callable[..., object]


def settings_for(broker: Broker, **more: object) -> Settings:
    """The daemon's settings, with the password of a rig for the doctor."""
    assert broker.passwords is not None
    rig = {"rig_username": "rig-1", "rig_password": broker.passwords["rig-1"], "rig_port": broker.rigs_port}
    return app_settings(broker, "postgresql://nobody@127.0.0.1:1/none", doctor=rig, **more)  # type: ignore[arg-type]


async def findings(settings: Settings) -> dict[str, Finding]:
    """What is found, by subject."""
    report = Report()
    await examine_strangers(settings, report)
    return {finding.subject: finding for finding in report.findings}


@pytest.fixture
def one_listener(need_mosquitto: None) -> Iterator[Callable[[str], Broker]]:
    """Brokers on which daemon and rigs come in at one and the same port."""
    with ExitStack() as brokers:

        def start(option: str) -> Broker:
            process = MosquittoProcess(settings={"use_username_as_clientid": option})
            brokers.enter_context(process)
            broker = process.broker
            return Broker(
                broker.host, broker.port, broker.kind, broker.version, broker.passwords, rigs_port=broker.port
            )

        yield start


async def test_nothing_is_open_at_our_broker(mosquitto_broker: Broker) -> None:
    """With our configuration a rig gets at nobody's session; the daemon's two connections stand."""
    found = await findings(settings_for(mosquitto_broker))

    assert {subject: finding.verdict for subject, finding in found.items()} == {
        "strangers": "good",
        "two connections": "good",
        "client ids": "good",
        "shared groups": "good",
    }
    assert "cannot take another user's session" in found["client ids"].found


async def test_a_daemon_at_the_rigs_listener_is_bad(one_listener: Callable[[str], Broker]) -> None:
    """As after an upgrade of the broker's configuration alone: each of its connections would end the other."""
    found = await findings(settings_for(one_listener("true")))

    assert found["two connections"].verdict == "bad"
    assert "RACING_COACH_MQTT__PORT" in found["two connections"].remedy


@pytest.mark.parametrize(("client_id", "verdict"), [(None, "advice"), ("racing-coach-main", "bad")])
async def test_sessions_that_a_rig_can_take_are_found(
    one_listener: Callable[[str], Broker], client_id: str | None, verdict: str
) -> None:
    """On a broker that binds client ids to nobody; worse where the daemon's own is one that can be guessed."""
    settings = settings_for(one_listener("false"), mqtt={"client_id": client_id})

    found = await findings(settings)

    assert found["client ids"].verdict == verdict
    assert "takes the session" in found["client ids"].found


async def test_a_group_that_a_rig_can_join_is_told(mosquitto_broker: Broker) -> None:
    """mosquitto lets a rig join whatever group it can name, so the name that the daemon uses cannot be guessed."""
    settings = settings_for(mosquitto_broker, delivery={"shared_group": "daemons"})

    found = await findings(settings)

    assert "ours cannot be guessed" in found["shared groups"].found
    assert settings.shared_group is not None
    assert settings.shared_group.startswith("daemons-")


async def test_without_a_rigs_password_that_is_said(mosquitto_broker: Broker) -> None:
    """What was not tried is no good finding."""
    settings = app_settings(mosquitto_broker, "postgresql://nobody@127.0.0.1:1/none")

    assert (await findings(settings))["rigs"].verdict == "advice"
