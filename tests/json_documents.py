"""Random JSON documents around a lap: right, nearly right and broken in every way, as bytes."""

import copy
import json
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

from racing_coach_core.channels import CHANNELS
from tests.laps import frame_json, lap_json

MAX_DEPTH: Final = 150
"""jiter, which pydantic reads with, refuses documents nested deeper than 200; RFC 8259 lets a reader set its limit."""


@dataclass(frozen=True)
class Token:
    """A value as it stands in the text, such as `1e400`, which no Python value becomes."""

    text: str


class Twice(dict[str, Any]):
    """An object in which one more pair follows, of a name that may be there already."""

    pair: tuple[str, Any]


def render(value: Any, *, ascii_only: bool = True, space: str = "") -> str:
    """A document as text."""

    def text(part: Any) -> str:
        match part:
            case Token():
                return part.text
            case dict():
                pairs = [*part.items(), *([part.pair] if isinstance(part, Twice) else [])]
                return "{" + f",{space}".join(f"{text(k)}:{space}{text(v)}" for k, v in pairs) + "}"
            case list():
                return "[" + f",{space}".join(map(text, part)) + "]"
            case _:
                return json.dumps(part, ensure_ascii=ascii_only, allow_nan=False)

    return text(value)


NUMBERS = [
    *("0", "-0", "-0.0", "1", "1.0", "1e2", "1E+2", "0.1e-7", "1e400", "-1e400", "1E-400", "1e38", "3e39", "-2"),
    *("3.4028235677973362e38", "3.4028235677973366e38", "1.7976931348623157e308", "1.7976931348623159e308"),
    *("32767", "32768", "-32769", "2147483647", "2147483648", "4294967295", "4294967296", "9223372036854775807"),
    *("9223372036854775808", "18446744073709551616", "123456789012345678901234567890", "1" + "0" * 320),
    *("0.30000000000000004", "2.2250738585072011e-308", "1.00000005960464477539062500001", "7.0064923216240862e-46"),
]
NO_JSON = ["01", "+1", ".5", "1.", "1e", "0x1", "'a'", '"a\nb"', '"\\x41"', '"\\u12"', "nul", "True", "", "{,}", "[1,]"]
STRINGS = [
    *('""', '"x"', '"1"', '"1.5"', '"\\ud83d\\ude00"', '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"a\\u0000b"'),
    *(
        '"true"',
        '"' + "x" * 64 + '"',
        '"' + "x" * 257 + '"',
        '"\\u00e9\\n\\/"',
        '"7b2c3f9e-3c1b-4b0a-9b8e-0f6a3d1b2c4d"',
    ),
    *('"7b2c3f9e3c1b4b0a9b8e0f6a3d1b2c4d"', '"{7b2c3f9e-3c1b-4b0a-9b8e-0f6a3d1b2c4d}"', '"urn:uuid:7b2c3f9e"'),
]
TIMESTAMPS = [
    *("2026-05-01T12:00:00Z", "2026-05-01 12:00:00.1234567", "2026-02-30T00:00:00", "2026-01-01T24:00:00"),
    *("2026-05-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-05-01T12:00:60Z"),
    *("2026-05-01T12:00:00+14:59", "2026-05-01T12:00:00+15:00", "2026-05-01T12:00:00-0000", "2026-05-01T12:00Z"),
    *(
        "1969-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-05-01T12:00:00.Z",
        "2026-5-1T1:2:3",
    ),
]
_PLAIN = [None, True, False, [], {}, [[]], [None], {"left": 1}, {"LF": 80.5}, {"LF": {"left": 80.5}}, [1.5, 2.5]]

_nested = st.integers(1, MAX_DEPTH).map(lambda depth: Token("[" * depth + "]" * depth))
_odd = st.one_of(
    st.sampled_from(NUMBERS).map(Token),
    st.sampled_from(STRINGS).map(Token),
    st.sampled_from(TIMESTAMPS),
    st.sampled_from(_PLAIN),
    st.sampled_from(NO_JSON).map(Token),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**70), 2**70),
    st.text(max_size=20),
    _nested,
)
_good = st.sampled_from([0, 1, -1.5, 2.25, 3e38, None])


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """A lap as existing clients send it, with up to three things in it that are odd, or broken."""
    document = _document(draw)
    for _ in range(draw(st.sampled_from([0, 1, 1, 2, 3]))):
        document = _with_oddity(draw, document)
    text = render(document, ascii_only=draw(st.booleans()), space=draw(st.sampled_from(["", " ", "\n\t", "\r\n"])))
    payload = text.encode("utf-8", "surrogatepass")
    return draw(_damaged(payload)) if draw(st.integers(0, 7)) == 0 else payload


def _document(draw: st.DrawFn) -> dict[str, Any]:
    count = draw(st.integers(1, 4))
    document = lap_json(count)
    if draw(st.booleans()):
        document["lap_id"] = str(draw(st.uuids()))
    for channel in draw(st.lists(st.sampled_from(CHANNELS), max_size=5, unique=True)):
        if channel.name in frame_json():
            continue
        for frame in document["lap"]["frames"]:
            *parents, leaf = channel.json_path
            for parent in parents:
                frame = frame.setdefault(parent, {})
            frame[leaf] = draw(_good) if channel.minimum is None else draw(st.sampled_from([0, 1, 3, None]))
    return document


def _with_oddity(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    """The document with one place changed: another value, none, twice, or one more."""
    document = copy.deepcopy(document)
    node: Any = document
    # Walks in from the top; half of the time into the frames.
    while True:
        inner = [key for key, value in _items(node) if isinstance(value, dict | list) and value]
        if not inner or draw(st.integers(0, 3)) == 0:
            break
        node = (
            node["lap"]
            if node is document and draw(st.booleans()) and "lap" in inner
            else node[draw(st.sampled_from(inner))]
        )
    keys = [key for key, _ in _items(node)]
    odd = draw(_odd)
    if isinstance(node, list):
        node[draw(st.integers(0, len(node) - 1))] = odd
        return document
    match draw(st.sampled_from(["set", "set", "set", "delete", "twice", "more", "channel"])):
        case "delete" if keys:
            del node[draw(st.sampled_from(keys))]
        case "twice" if keys and node is not document:
            _put_twice(document, node, (draw(st.sampled_from(keys)), odd))
        case "more":
            node[draw(st.sampled_from(["x", "LF", "left", "frames", "speed", "gear", "\u00e9", "lap_id"]))] = odd
        case "channel":
            node[draw(st.sampled_from(CHANNELS)).json_path[0]] = odd
        case _ if keys:
            node[draw(st.sampled_from(keys))] = odd
        case _:
            node["x"] = odd
    return document


def _items(node: Any) -> list[tuple[Any, Any]]:
    return list(node.items()) if isinstance(node, dict) else list(enumerate(node))


def _put_twice(within: Any, node: dict[str, Any], pair: tuple[str, Any]) -> None:
    for key, value in _items(within):
        if value is node:
            within[key] = Twice(node)
            within[key].pair = pair
        elif isinstance(value, dict | list):
            _put_twice(value, node, pair)


@st.composite
def _damaged(draw: st.DrawFn, payload: bytes) -> bytes:
    at = draw(st.integers(0, len(payload) - 1))
    match draw(st.sampled_from(["replace", "replace", "insert", "delete", "cut", "append"])):
        case "replace":
            return (
                payload[:at]
                + draw(
                    st.sampled_from(
                        [
                            b"{",
                            b"}",
                            b"[",
                            b"]",
                            b'"',
                            b",",
                            b":",
                            b"0",
                            b" ",
                            b"e",
                            b"\\",
                            b"\x00",
                            b"\xff",
                            b"\xc3",
                            b"\xed\xa0\x80",
                        ]
                    )
                )
                + payload[at + 1 :]
            )
        case "insert":
            return payload[:at] + draw(st.binary(min_size=1, max_size=3)) + payload[at:]
        case "delete":
            return payload[:at] + payload[at + 1 :]
        case "cut":
            return payload[:at]
        case _:
            return payload + draw(st.sampled_from([b" ", b"\n", b"{}", b"x", b"\x00", b"null", b","]))
