"""What the outbox says of itself."""

from collections.abc import Callable
from types import SimpleNamespace

from tests.rig.outbox.laps import answer, spool

from racing_coach_rig.outbox.accounts import Accounts
from racing_coach_rig.outbox.outbox import Outbox


def test_the_accounts_say_what_was_done(outbox: Outbox, open_outbox: Callable[..., Outbox]) -> None:
    """Spooled, sent and each kind of answer are counted, and the counts outlive the laps and the program."""
    entries = [spool(outbox, number) for number in range(5)]
    for entry in entries:
        outbox.sent(entry.seq, again_at=0, trouble=None)
    outbox.sent(entries[0].seq, again_at=0, trouble=None)
    for entry, status in zip(entries, ("success", "success", "duplicate", "rejected"), strict=False):
        outbox.answered(answer(entry, status))
    outbox.drop_rejected()
    outbox.close()
    assert open_outbox().accounts() == Accounts(spooled=5, sent=6, stored=2, duplicate=1, rejected=1)


def test_the_contents_say_how_it_stands(outbox: Outbox, clock: SimpleNamespace) -> None:
    """What waits, since when, what was rejected, and how much disk that takes."""
    first = spool(outbox, 1)
    clock.value += 10
    second = spool(outbox, 2)
    contents = outbox.contents()
    assert (contents.waiting, contents.rejected, contents.bytes) == (2, 0, first.payload_bytes + second.payload_bytes)
    assert contents.oldest_waiting_at == first.spooled_at
    outbox.answered(answer(first, "rejected"))
    assert (outbox.contents().waiting, outbox.contents().rejected) == (1, 1)
    assert outbox.contents().oldest_waiting_at == second.spooled_at
