"""Who is to blame for a failure, and how often a message may fail before it is set aside."""

import traceback
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from racing_coach_core.exceptions import Fault
from racing_coach_server.database.faults import fault_of, in_words, is_want_of_memory, may_be_poison
from racing_coach_server.database.text import MAX_TEXT, storable
from racing_coach_server.messaging.messages import Failure

_MAX_TRACEBACK: Final = 100_000


class Blame(Enum):
    """Who is to blame."""

    SENDER = auto()
    """It is of no use to try again."""
    WORLD = auto()
    """The message waits until the world is better, for as long as it takes."""
    PERHAPS_POISON = auto()
    """The world, or a message that kills its own database connection."""
    MEMORY = auto()
    """There was no memory: a moment's trouble, or a message that asks for too much."""
    BUG = auto()
    """We are, and a bug may pass."""


def blame_of(error: BaseException, *, in_the_middle: bool) -> Blame:
    """Who is to blame for a failure.

    Args:
        error: what was raised.
        in_the_middle: whether the work had got as far as a connection to the database.
    """
    match fault_of(error):
        case Fault.SENDER:
            return Blame.SENDER
        case Fault.BUG:
            return Blame.BUG
        case Fault.WORLD if is_want_of_memory(error):
            return Blame.MEMORY
        case Fault.WORLD:
            return Blame.PERHAPS_POISON if in_the_middle and may_be_poison(error) else Blame.WORLD


@dataclass(slots=True)
class Tries:
    """How many failures of either kind one piece of work may still have."""

    bugs: int
    poison: int

    def use(self, blame: Blame) -> bool:
        """Count a failure. Returns whether to try again."""
        match blame:
            case Blame.SENDER:
                return False
            case Blame.WORLD:
                return True
            case Blame.BUG:
                self.bugs -= 1
                return self.bugs > 0
            case Blame.MEMORY | Blame.PERHAPS_POISON:
                self.poison -= 1
                return self.poison > 0


def failure_of(error: Exception, blame: Blame) -> Failure:
    """What is said to the sender and kept for the operator."""
    if blame is not Blame.SENDER:
        return Failure(
            f"the server failed on this message ({type(error).__name__}); it is kept, and the operator can replay it",
            traceback=traceback_of(error),
        )
    words = str(error) if hasattr(error, "fault") else f"the database refused it: {in_words(error)}"
    details = tuple(replace(each, msg=storable(each.msg, MAX_TEXT)) for each in getattr(error, "errors", ()))
    return Failure(storable(words, MAX_TEXT), details)


def traceback_of(error: BaseException) -> str:
    """The traceback as it can be stored."""
    return storable("".join(traceback.format_exception(error)), _MAX_TRACEBACK)
