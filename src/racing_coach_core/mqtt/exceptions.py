"""What can go wrong between us and the broker, each told apart by what to do about it."""

from typing import Final

from racing_coach_core.exceptions import Fault, RacingCoachError

_NOT_AUTHORIZED: Final = 0x87
_BAD_CREDENTIALS: Final = 0x86
_CREDENTIALS: Final = frozenset({_BAD_CREDENTIALS, _NOT_AUTHORIZED, 4, 5})
_STAYS: Final = _CREDENTIALS | {0x84, 0x85, 0x8A, 0x8C}
"""What no waiting heals; also the protocol's version, the client id, a ban, the authentication (MQTT 5, 3.2.2.2)."""
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
    │   ├── SessionTakenOverError another client came with our client id
    │   └── UntrustedBrokerError  TLS: it is not the broker that we trust
    ├── PublishRefusedError       a negative PUBACK
    └── PacketTooLargeError       larger than the broker takes; it would end the connection

    Attributes:
        heals: whether it may go away by itself; if not, somebody has to change a setting, here or at the broker.
    """

    fault = Fault.WORLD
    heals: bool = True


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
        self.heals = code not in _STAYS
        if code in _CREDENTIALS:
            hint = "; check RACING_COACH_MQTT__USERNAME, RACING_COACH_MQTT__PASSWORD and the broker's access list"
            if missing:
                hint = f"; no {missing} is set"
        super().__init__(f"the broker refused {what}: {reason} (0x{code:02x}){hint}")
        self.what = what
        self.code = code


class ConnectionLostError(BrokerError):
    """The connection ended, or never came to be."""


class UntrustedBrokerError(ConnectionLostError):
    """TLS cannot tell that this is the broker."""

    heals = False

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(
            f"the broker at {where} is not trusted: {reason}; RACING_COACH_MQTT__TLS__CA_FILE names the authority that"
            " signed its certificate, and RACING_COACH_MQTT__HOST must be a name or address that stands in it"
        )
        self.where = where
        self.reason = reason


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
        self.heals = code not in _STAYS


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
