"""PUBACKs leave in the order in which messages came (MQTT 5, 4.6), whatever order the work ends in."""

from collections import deque

from racing_coach_core.mqtt.delivery import Receipt


class OrderedAcks:
    """The messages of one connection that are not acknowledged yet, oldest first."""

    def __init__(self) -> None:
        self._waiting: deque[Receipt] = deque()
        self._done: set[Receipt] = set()

    def took(self, receipt: Receipt) -> None:
        """A message was taken in hand, in the order of receipt."""
        self._waiting.append(receipt)

    def done(self, receipt: Receipt) -> None:
        """A message is committed and answered: acknowledge it as soon as those before it are.

        Raises:
            ConnectionLostError: the connection is gone; the broker will send the messages again.
        """
        self._done.add(receipt)
        while self._waiting and self._waiting[0] in self._done:
            head = self._waiting.popleft()
            self._done.remove(head)
            head.acknowledge()

    def __len__(self) -> int:
        return len(self._waiting)
