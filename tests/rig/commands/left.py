"""What a command leaves in its outbox."""

from tests.rig.rig_program import RigProgram

from racing_coach_rig.config import OutboxSettings
from racing_coach_rig.outbox.entry import State
from racing_coach_rig.outbox.outbox import Outbox


def waiting(program: RigProgram) -> int:
    """How many laps wait in its outbox."""
    with Outbox(OutboxSettings(path=program.outbox_path)) as outbox:
        return outbox.contents().waiting


def rejected(program: RigProgram) -> int:
    """How many laps are kept there that were rejected."""
    with Outbox(OutboxSettings(path=program.outbox_path)) as outbox:
        return len(outbox.entries(State.REJECTED))
