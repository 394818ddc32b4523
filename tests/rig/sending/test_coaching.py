"""The coach's words reach the rig, and cannot disturb its sending."""

import uuid
from datetime import UTC, datetime

from tests.infra import Broker
from tests.rig.sending.publishing import all_stored, publishing, settings_for, spool
from tests.scripted_daemon import ScriptedDaemon
from tests.waiting import eventually

from racing_coach_core.coaching import Advice, Cause, Coaching, Silence
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sending.coaching import in_words


def word(**fields: object) -> Coaching:
    return Coaching.model_validate(
        {
            "lap_id": uuid.uuid4(),
            "session_id": uuid.uuid4(),
            "lap_number": 3,
            "lap_time": 80.0,
            "driver_id": None,
            "created_at": datetime.now(UTC),
            **fields,
        }
    )


ADVICE = Advice(
    key="T5:brake_later",
    corner=5,
    corner_name=None,
    cause=Cause.BRAKE_LATER,
    at_pct=0.3,
    at_m=1200.0,
    from_pct=0.28,
    to_pct=0.4,
    loss_s=0.2,
    gain_s=0.18,
    gain_s_low=0.1,
    confidence=0.97,
    laps_seen=4,
    laps_looked_at=5,
    evidence={"brake_onset_m": (1188.0, 1200.0)},
    text="Turn 5: brake 12 m later; 0.18 s",
)


async def test_what_the_coach_says_is_kept_by_lap(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """Advice as it was sent; and of a lap that is spoken of again, the newer word."""
    said = word(advice=[ADVICE])
    again = said.model_copy(update={"advice": [], "silence": Silence.NO_SIGNIFICANT_LOSS, "silence_text": "Fine."})
    async with (
        ScriptedDaemon(mosquitto_broker, rig) as daemon,
        publishing(settings_for(mosquitto_broker, rig), outbox) as publisher,
    ):
        await eventually(lambda: publisher.connected)
        await daemon.publish_coaching("sim-gt3", said.model_dump_json().encode())
        await eventually(lambda: publisher.ear.said)
        assert publisher.ear.said[said.lap_id] == said
        await daemon.publish_coaching("sim-gt3", again.model_dump_json().encode())
        await eventually(lambda: publisher.ear.said[said.lap_id] == again)

    assert in_words(said) == ["Turn 5: brake 12 m later; 0.18 s"]
    assert in_words(again) == ["Fine."]


async def test_rubbish_from_the_coach_disturbs_nothing(mosquitto_broker: Broker, outbox: Outbox, rig: str) -> None:
    """Words that cannot be read, or are far too long, are left alone; laps are sent and answered as before."""
    async with (
        ScriptedDaemon(mosquitto_broker, rig) as daemon,
        publishing(settings_for(mosquitto_broker, rig), outbox) as publisher,
    ):
        await eventually(lambda: publisher.connected)
        for payload in (b"", b"{", b"\xff", b"[]", b'{"advice": 1}', b" " * (2 << 20)):
            await daemon.publish_coaching("sim-gt3", payload)
        spool(outbox, 1, 2)
        await eventually(lambda: all_stored(outbox) and len(outbox.entries()) == 2)
        assert publisher.ear.said == {}
