"""What is on the pit wall at this moment. Nobody waits here: what is known is put in, and what changed is told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal
from uuid import UUID

from racing_coach_core.messages import DaemonState, Heartbeat, RigStatus
from racing_coach_core.web_laps import WebDocument
from racing_coach_core.web_live import (
    DaemonDocument,
    PitWall,
    RejectedEvent,
    RejectionDocument,
    RigDocument,
    RigEvent,
    SourceDocument,
    Sources,
)
from racing_coach_server.config import VERSION

type Tell = Callable[[str, WebDocument], None]
"""Told of an event: its kind, and its document."""

type Cause = Literal["lap", "coaching", "status"]

_LATE: Final = 3.0
"""Intervals without a heartbeat after which one is missed."""
_INTERVAL_S: Final = 10.0
_MOST_RIGS: Final = 2_000
_MOST_DAEMONS: Final = 200
_HIDDEN: Final = "not reached; the daemon's log says why"


@dataclass(slots=True)
class _Daemon:
    state: DaemonState | None = None
    heartbeat: Heartbeat | None = None
    heard_at: datetime | None = None


@dataclass(slots=True)
class Wall:
    """Rigs, daemons, rejections, and whether broker and database are there.

    Attributes:
        tell: is told of every change.
    """

    tell: Tell
    rigs: dict[str, RigDocument] = field(default_factory=dict)
    statuses: dict[str, RigStatus] = field(default_factory=dict)
    daemons: dict[str, _Daemon] = field(default_factory=dict)
    rejected: Sequence[RejectionDocument] = ()
    broker: SourceDocument = field(default_factory=lambda: _unreached("Connecting to the broker."))
    database: SourceDocument = field(default_factory=lambda: _unreached("Connecting to the database."))

    # --- what is put in --------------------------------------------------------------------------------------

    def put_rigs(self, found: Mapping[str, RigDocument], causes: Mapping[str, tuple[Cause, UUID | None]]) -> None:
        """Rigs as the database has them; told of are those that changed."""
        for name, document in found.items():
            rig = self._with_status(document)
            if not rig.laps and not rig.online:
                self._take_off(name)
                continue
            if self.rigs.get(name) == rig or (name not in self.rigs and len(self.rigs) >= _MOST_RIGS):
                continue
            self.rigs[name] = rig
            cause, lap_id = causes.get(name, ("status", None))
            self.tell("rig", RigEvent(cause=cause, lap_id=lap_id, rig=rig))

    def put_status(self, name: str, status: RigStatus) -> bool:
        """What a rig says. Returns whether it is on the wall already, or what it drove is to be asked for."""
        if name not in self.statuses and len(self.statuses) >= _MOST_RIGS:
            return True
        before = self.statuses.get(name)
        self.statuses[name] = status
        if name not in self.rigs:
            return not status.online
        if before != status:
            self._tell_status(name)
        return True

    def put_state(self, state: DaemonState) -> None:
        """What a daemon says of being there."""
        daemon = self._daemon(state.instance)
        if daemon is not None and daemon.state != state:
            daemon.state = state
            self.tell("daemon", self._daemon_document(state.instance, daemon))

    def put_heartbeat(self, heartbeat: Heartbeat) -> None:
        """How a daemon is."""
        daemon = self._daemon(heartbeat.instance)
        if daemon is not None:
            daemon.heartbeat, daemon.heard_at = without_errors(heartbeat), datetime.now(UTC)
            self.tell("daemon", self._daemon_document(heartbeat.instance, daemon))

    def put_rejected(self, rejected: Sequence[RejectionDocument]) -> None:
        """The messages that were rejected last, newest first."""
        if rejected != self.rejected:
            self.rejected = rejected
            if rejected:
                self.tell("rejected", RejectedEvent(rejected=list(rejected), newest=rejected[0]))

    def put_broker(self, message: str | None) -> None:
        """Whether the broker is reached: with a message it is not."""
        before = self.broker
        if message != before.message:
            self.broker = _after(before, message)
            self.tell("source", self.sources)
        if self.broker.reachable != before.reachable:
            for name in self.statuses:
                if name in self.rigs:
                    self._tell_status(name)

    def put_database(self, message: str | None) -> None:
        """Whether the database is reached: with a message it is not."""
        if message != self.database.message:
            self.database = _after(self.database, message)
            self.tell("source", self.sources)

    # --- what is shown ---------------------------------------------------------------------------------------

    @property
    def sources(self) -> Sources:
        """Whether broker and database are there."""
        return Sources(broker=self.broker, database=self.database)

    @property
    def daemon_documents(self) -> list[DaemonDocument]:
        """Every daemon, by name."""
        return [self._daemon_document(name, daemon) for name, daemon in sorted(self.daemons.items())]

    def document(self) -> PitWall:
        """All of it."""
        return PitWall(
            version=VERSION,
            made_at=datetime.now(UTC),
            rigs=[rig for _, rig in sorted(self.rigs.items())],
            daemons=self.daemon_documents,
            rejected=list(self.rejected),
            sources=self.sources,
        )

    def _take_off(self, name: str) -> None:
        """A rig of which nothing is left is not shown any more; all who look are told by all that is."""
        if self.rigs.pop(name, None) is not None:
            self.tell("snapshot", self.document())

    def _with_status(self, rig: RigDocument) -> RigDocument:
        status = self.statuses.get(rig.rig_id) if self.broker.reachable else None
        told: dict[str, object] = {"online": None, "online_since": None}
        if status is not None:
            told = {"online": status.online, "online_since": status.timestamp}
        return rig.model_copy(update=told)

    def _tell_status(self, name: str) -> None:
        self.rigs[name] = rig = self._with_status(self.rigs[name])
        self.tell("rig", RigEvent(cause="status", lap_id=None, rig=rig))

    def _daemon(self, instance: str) -> _Daemon | None:
        if instance not in self.daemons and len(self.daemons) >= _MOST_DAEMONS:
            return None
        return self.daemons.setdefault(instance, _Daemon())

    def _daemon_document(self, instance: str, daemon: _Daemon) -> DaemonDocument:
        said = daemon.state or daemon.heartbeat
        assert said is not None  # or there would be no such daemon
        age_s = None if daemon.heard_at is None else (datetime.now(UTC) - daemon.heard_at).total_seconds()
        interval_s = (daemon.state.heartbeat_interval_s if daemon.state is not None else None) or _INTERVAL_S
        online = daemon.state is None or daemon.state.online
        return DaemonDocument(
            instance=instance,
            online=online,
            version=said.version,
            said_at=max(each.timestamp for each in (daemon.state, daemon.heartbeat) if each is not None),
            heartbeat=daemon.heartbeat,
            heartbeat_age_s=age_s,
            heartbeat_interval_s=interval_s,
            is_late=online and age_s is not None and age_s > _LATE * interval_s,
        )


def without_errors(heartbeat: Heartbeat) -> Heartbeat:
    """A heartbeat without what broker and database said themselves: that is for the operator."""
    mqtt, database = (
        each if each.message is None else each.model_copy(update={"message": _HIDDEN})
        for each in (heartbeat.mqtt, heartbeat.database)
    )
    return heartbeat.model_copy(update={"mqtt": mqtt, "database": database})


def _after(before: SourceDocument, message: str | None) -> SourceDocument:
    """What is said of a source now; away is away since it was, whatever is said of it."""
    is_same = before.reachable == (message is None)
    since = before.since if is_same else datetime.now(UTC)
    return SourceDocument(reachable=message is None, since=since, message=message)


def _unreached(message: str) -> SourceDocument:
    return SourceDocument(reachable=False, since=datetime.now(UTC), message=message)
