"""Pydantic's errors in the project's words."""

from typing import Final

from pydantic import ValidationError

from racing_coach_core.exceptions import ErrorDetail
from racing_coach_core.validation import MAX_ERRORS

_SHOWN: Final = 60


def details_of(error: ValidationError, prefix: tuple[str | int, ...] = ()) -> list[ErrorDetail]:
    """The first errors, each with where it is, what it should be and what it was."""
    return [
        ErrorDetail((*prefix, *item["loc"]), _message(item["msg"], item["type"], item.get("input")))
        for item in error.errors(include_url=False, include_context=False)[:MAX_ERRORS]
    ]


def _message(msg: str, kind: str, value: object) -> str:
    if kind == "missing":
        return "is required"
    if isinstance(value, dict | list):
        return msg
    shown = repr(value)
    return f"{msg}, got {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '…'}"
