"""What can go wrong between us and the broker, each told apart by what to do about it."""

from typing import Final

from racing_coach_core.exceptions import Fault, RacingCoachError

_NOT_AUTHORIZED: Final = 0x87
_BAD_CREDENTIALS: Final = 0x86
_CREDENTIALS: Final = frozenset({_BAD_CREDENTIALS, _NOT_AUTHORIZED, 4, 5})
_IN_WORDS: Final = {
    0x10: "nobody is subscribed to the topic",
    0x80: "the broker gives no reason",
    0x83: "the broker refuses it for a reason of its own",
    0x87: "not authorised: the broker's access list does not let this user publish there",
    0x90: "the broker does not accept the topic name",
    0x91: "the packet identifier is in use",
    0x97: "the broker's quota is used up",
    0x99: "the broker does not accept the payload's format",
}


class BrokerError(RacingCoachError):
    """The broker, or the way to it, is in trouble.

    BrokerError
    ├── BrokerRefusedError        CONNACK or SUBACK with a reason: wrong password, not allowed
    ├── ConnectionLostError       the connection ended
    │   └── SessionTakenOverError another client came with our client id
    ├── PublishRefusedError       a negative PUBACK
    └── PacketTooLargeError       larger than the broker takes; it would end the connection
    """

    fault = Fault.WORLD


class BrokerRefusedError(BrokerError):
    """The broker answered, and said no."""

    def __init__(self, what: str, code: int, reason: str, *, missing: str | None = None) -> None:
        """Say what to do.

        Args:
            what: was refused.
            code: CONNACK's or SUBACK's.
            reason: the code in words.
            missing: the credentials that are not set at all.
        """
        hint = ""
        if self.is_about_credentials(code):
            hint = "; check RACING_COACH_MQTT__USERNAME, RACING_COACH_MQTT__PASSWORD and the broker's access list"
            if missing:
                hint = f"; no {missing} is set"
        super().__init__(f"the broker refused {what}: {reason} (0x{code:02x}){hint}")
        self.what = what
        self.code = code

    @staticmethod
    def is_about_credentials(code: int) -> bool:
        """Whether it is user, password or access list that the broker does not like: waiting heals none of them."""
        return code in _CREDENTIALS


class ConnectionLostError(BrokerError):
    """The connection ended, or never came to be."""


class SessionTakenOverError(ConnectionLostError):
    """Another client connected with the same client id."""

    def __init__(self, client_id: str) -> None:
        super().__init__(
            f"another client connected with the client id {client_id!r} and took over the session; "
            "give each daemon its own RACING_COACH_MQTT__CLIENT_ID or stop the other one"
        )
        self.client_id = client_id


class PublishRefusedError(BrokerError):
    """The broker acknowledged a message with a reason code that means: not accepted."""

    def __init__(self, topic: str, code: int) -> None:
        super().__init__(f"publishing to {topic!r} was refused: {reason_in_words(code)} (0x{code:02x})")
        self.topic = topic
        self.code = code


class PacketTooLargeError(BrokerError):
    """The broker said at connect that it takes no packet of this size."""

    fault = Fault.SENDER

    def __init__(self, topic: str, size: int, limit: int) -> None:
        super().__init__(
            f"a message of {size:,} bytes for {topic!r} is larger than the {limit:,} bytes the broker takes; "
            "raise max_packet_size in its configuration"
        )
        self.topic = topic
        self.size = size
        self.limit = limit


def reason_in_words(code: int) -> str:
    """What an MQTT 5 reason code of a PUBACK means."""
    return _IN_WORDS.get(code, "the broker refused it")
