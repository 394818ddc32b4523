"""How a lap may be written."""

from enum import StrEnum


class Encoding(StrEnum):
    """How a lap is written."""

    JSON = "json"
    ARROW = "arrow"
