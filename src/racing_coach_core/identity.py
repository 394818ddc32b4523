"""What makes two laps the same lap."""

import hashlib
import uuid


def lap_id_for(session_id: uuid.UUID, lap_number: int) -> uuid.UUID:
    """The identity of a lap that came without one: UUIDv5 (RFC 9562) of session and lap number."""
    return uuid.uuid5(session_id, str(lap_number))


def payload_sha256(payload: bytes | bytearray | memoryview) -> str:
    """SHA-256 of the bytes on the wire, in hex: how a rig recognises the answer to what it sent."""
    return hashlib.sha256(payload).hexdigest()
