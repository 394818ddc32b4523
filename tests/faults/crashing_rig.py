"""The rig, except that it dies at one step: `python -m tests.faults.crashing_rig STEP TIME ...`."""

import asyncio
import sys
from collections.abc import Callable
from functools import partial

import paho.mqtt.client as paho

from racing_coach_core.mqtt import Connection
from racing_coach_rig import outbox
from racing_coach_rig.outbox import Outbox
from racing_coach_rig.publisher import Publisher
from tests.faults.crash import dies_after, dies_before
from tests.faults.rig_process import main, parse


def _a_lap(_client: object, topic: str, *_: object) -> bool:
    return topic.endswith("/laps")


def _an_answer(_database: object, name: str, *_: object) -> bool:
    return name in {"stored", "duplicate"}


STEPS: dict[str, Callable[..., None]] = {
    "spooling, not committed": partial(dies_after, Outbox, "_make_room"),
    "spooled": partial(dies_after, Outbox, "spool"),
    "noted as sent": partial(dies_after, Outbox, "sent"),
    "published": partial(dies_after, paho.Client, "publish", when=_a_lap),
    "the broker has it": partial(dies_after, Connection, "publish", when=_a_lap),
    "answer received": partial(dies_before, Publisher, "_take_answer"),
    "answer written, not committed": partial(dies_after, outbox, "_count", when=_an_answer),
    "answered and deleted": partial(dies_after, Outbox, "answered"),
    "answer acknowledged": partial(dies_after, Connection, "acknowledge"),
}

if __name__ == "__main__":
    _, step, time, *sys.argv[1:] = sys.argv
    STEPS[step](time=int(time))
    asyncio.run(main(parse()))
