"""Text that PostgreSQL takes, whatever a sender has written."""

import hashlib
from typing import Final

MAX_TEXT: Final = 4_000
"""Characters of a reason that quotes what was sent."""

_MAX_INDEXED: Final = 1_000
"""Bytes; PostgreSQL's btree takes 2,704 for all columns of a row together."""
_SHOWN: Final = 200


def storable(text: str, limit: int | None = None) -> str:
    """Text without what PostgreSQL's text and jsonb refuse, U+0000 and lone surrogates, both written out as escapes.

    Args:
        text: may quote what a sender has sent.
        limit: most characters, so that no sender fills a table; None for text of a known size.
    """
    clean = text.replace("\0", "\\x00").encode(errors="backslashreplace").decode()
    return clean if limit is None or len(clean) <= limit else f"{clean[:limit]}…"


def indexable(text: str) -> str:
    """Text that fits an index: the beginning and a hash of a longer one, such as a topic of 60 KB."""
    clean = storable(text)
    if len(clean.encode()) <= _MAX_INDEXED:
        return clean
    return f"{clean[:_SHOWN]}… sha256:{hashlib.sha256(clean.encode()).hexdigest()}"
