"""A lap from the bytes on the wire: unwrap, tell the encoding, decode, validate."""

from dataclasses import dataclass

from racing_coach_core.codecs import arrow, json
from racing_coach_core.codecs.compression import Buffer, Compression, compress, decompress, detect
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.codecs.limits import PayloadLimits
from racing_coach_core.exceptions import (
    ContentTypeError,
    MalformedPayloadError,
    PayloadTooLargeError,
    UnknownEncodingError,
)
from racing_coach_core.identity import payload_sha256
from racing_coach_core.lap import Lap

_ZSTD = "application/zstd"
_SAYS_NOTHING = {"application/octet-stream"}
_ENCODING_TYPES = {json.CONTENT_TYPE: Encoding.JSON, arrow.CONTENT_TYPE: Encoding.ARROW}
_WRAPPER_TYPES = {
    "application/gzip": Compression.GZIP,
    "application/x-gzip": Compression.GZIP,
    _ZSTD: Compression.ZSTD,
}
CONTENT_TYPES = {encoding: name for name, encoding in _ENCODING_TYPES.items()}
"""Of laps as `encode_lap` writes them."""


@dataclass(frozen=True, slots=True)
class DecodedLap:
    """A lap and how it came."""

    lap: Lap
    encoding: Encoding
    compression: Compression


def decode_lap(payload: Buffer, *, content_type: str | None = None, limits: PayloadLimits | None = None) -> DecodedLap:
    """Decode and validate one lap payload, in whichever encoding it is.

    Args:
        payload: the MQTT payload.
        content_type: the MQTT 5 content type; where it is set it must agree with the bytes.
        limits: `PayloadLimits()` if not given.

    Raises:
        PayloadError: what is wrong with it; its leaves say which kind.
    """
    limits = limits or PayloadLimits()
    if len(payload) > limits.wire_bytes:
        raise PayloadTooLargeError("the payload in bytes", len(payload), limits.wire_bytes)
    compression = detect(payload)
    content = decompress(payload, compression, limits.decoded_bytes)
    encoding = _encoding(content)
    _check_content_type(content_type, encoding, compression)
    decode = json.decode_json if encoding is Encoding.JSON else arrow.decode_arrow
    return DecodedLap(decode(content, limits), encoding, compression)


def encode_lap(lap: Lap, encoding: Encoding) -> bytes:
    """Encode a lap for the wire."""
    return arrow.encode_arrow(lap) if encoding is Encoding.ARROW else json.encode_json(lap)


@dataclass(frozen=True, slots=True)
class WirePayload:
    """A lap as it is published, with its MQTT content type."""

    content: bytes
    content_type: str

    @property
    def sha256(self) -> str:
        """How the answer to it is known."""
        return payload_sha256(self.content)


def wire_payload(lap: Lap, encoding: Encoding) -> WirePayload:
    """Encode a lap to be published.

    JSON is compressed: a lap of three minutes would be over the limit on the wire. Arrow's buffers are already.
    """
    content = encode_lap(lap, encoding)
    if encoding is Encoding.JSON:
        return WirePayload(compress(content), _ZSTD)
    return WirePayload(content, CONTENT_TYPES[encoding])


def _encoding(content: Buffer) -> Encoding:
    head = bytes(content[:64])
    if head.startswith(arrow.MAGIC):
        return Encoding.ARROW
    if head.lstrip(b" \t\r\n").startswith(b"{"):
        return Encoding.JSON
    if not head:
        raise MalformedPayloadError("the payload is empty")
    raise UnknownEncodingError(f"neither a JSON object nor an Arrow stream: the payload begins with {head[:16]!r}")


def _check_content_type(content_type: str | None, encoding: Encoding, compression: Compression) -> None:
    if content_type is None:
        return
    essence = content_type.partition(";")[0].strip().lower()
    if essence in _SAYS_NOTHING:
        return
    if _ENCODING_TYPES.get(essence) is encoding:
        return
    if _WRAPPER_TYPES.get(essence, Compression.NONE) is compression is not Compression.NONE:
        return
    raise ContentTypeError(content_type, f"{encoding} (compression: {compression})")
