"""The daemon, except that it dies at one step: `python -m tests.faults.crashing_daemon STEP TIME`."""

import sys
from collections.abc import Callable
from functools import partial

import paho.mqtt.client as paho

from racing_coach_core.mqtt.connection import Connection
from racing_coach_server.analytics.lap_analysis.analyst import Analyst
from racing_coach_server.coaching.followers import LapCoach
from racing_coach_server.commands.serve import serve
from racing_coach_server.following.work import Work
from racing_coach_server.messaging.dispatcher import Dispatcher
from racing_coach_server.messaging.router import Route
from racing_coach_server.telemetry.handlers import LapHandler
from racing_coach_server.telemetry.service import TelemetryService
from tests.faults.crash import dies_after, dies_before


def _to_a_rig(_client: object, topic: str, *_: object) -> bool:
    return "/acks/" in topic


def _holds(mark: bytes) -> Callable[..., bool]:
    return lambda _handler, message: mark in message.payload


DEADLY = b"deadly"
"""A payload that holds it ends the daemon while it is read, as a bug in a library written in C would."""
READING: dict[str, Callable[..., None]] = {
    "reading": lambda time: dies_before(LapHandler, "read", when=_holds(DEADLY), time=time)
}

STEPS: dict[str, Callable[..., None]] = {
    "received": partial(dies_before, Dispatcher, "_commit"),
    "session and lap written": partial(dies_after, TelemetryService, "_insert_lap"),
    "all written, not committed": partial(dies_after, Route, "handle"),
    "committed": partial(dies_after, Dispatcher, "_commit"),
    "answer on its way": partial(dies_after, paho.Client, "publish", when=_to_a_rig),
    "answered": partial(dies_after, Dispatcher, "_answer"),
    "acknowledged": partial(dies_after, Connection, "acknowledge"),
}


def _by(follower: str) -> Callable[..., bool]:
    return lambda work, _event: work._follower.name == follower


COACHING_STEPS: dict[str, Callable[..., None]] = {
    "analysed, not committed": partial(dies_after, Analyst, "analyse"),
    "analysis committed": partial(dies_after, Work, "do", when=_by("lap_analysis")),
    "comparison committed": partial(dies_after, Work, "do", when=_by("comparison")),
    "coaching committed, not published": partial(dies_before, Work, "publish", when=_by("coaching")),
    "published, not recorded": partial(dies_before, LapCoach, "published"),
}
"""What is done for a lap after it is answered."""


def main() -> None:
    (STEPS | COACHING_STEPS | READING)[sys.argv[1]](time=int(sys.argv[2]))
    serve()


if __name__ == "__main__":
    main()
