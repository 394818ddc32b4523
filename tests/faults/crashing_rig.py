"""The rig, except that it dies at one step: `python -m tests.faults.crashing_rig STEP TIME ...`."""

import sys
from collections.abc import Callable
from functools import partial

import paho.mqtt.client as paho

from racing_coach_core.mqtt.connection import Connection
from racing_coach_rig.outbox import answers
from racing_coach_rig.outbox.outbox import Outbox
from racing_coach_rig.sending.answers import Answers
from tests.faults import rig_process
from tests.faults.crash import dies_after, dies_before


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
    "answer received": partial(dies_before, Answers, "_take"),
    "answer written, not committed": partial(dies_after, answers, "count", when=_an_answer),
    "answered and deleted": partial(dies_after, Outbox, "answered"),
    "answer acknowledged": partial(dies_after, Connection, "acknowledge"),
}


def main() -> None:
    _, step, time, *sys.argv[1:] = sys.argv
    STEPS[step](time=int(time))
    rig_process.main()


if __name__ == "__main__":
    main()
