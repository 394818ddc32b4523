"""PUBACKs leave in the order in which messages came (MQTT 5, 4.6), whatever order the work ends in."""

from collections import deque

from racing_coach_core.mqtt import Delivery


class OrderedAcks:
    """The deliveries of one connection that are not acknowledged yet, oldest first."""

    def __init__(self) -> None:
        self._waiting: deque[Delivery] = deque()
        self._done: set[int] = set()

    def took(self, delivery: Delivery) -> None:
        """A delivery was taken in hand, in the order of receipt."""
        self._waiting.append(delivery)

    def done(self, delivery: Delivery) -> None:
        """A delivery's work is committed and answered: acknowledge it as soon as those before it are.

        Raises:
            ConnectionLostError: the connection is gone; the broker will send the messages again.
        """
        self._done.add(id(delivery))
        while self._waiting and id(self._waiting[0]) in self._done:
            head = self._waiting.popleft()
            self._done.remove(id(head))
            head.acknowledge()

    def __len__(self) -> int:
        return len(self._waiting)
