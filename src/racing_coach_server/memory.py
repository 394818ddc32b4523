"""What becomes of memory that was freed.

Every lap needs some megabytes for a moment: the payload, its columns, the blocks. The GNU C library gives such memory
back to the system as soon as it is free, and the next lap pays for every page anew: 1,000 pages and a millisecond,
where that was measured (decision 44). So some of it is kept.
"""

import ctypes
import sys
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
"""Numbers of `mallopt` (malloc.h); a C library that knows neither does nothing."""

_KEPT: Final = 64 << 20
"""Free bytes at the end of each thread's heap above which they are given back."""
_OWN_MAPPING: Final = 32 << 20
"""A piece of so many bytes gets memory of its own, which is given back at once. It cannot be more; no lap that a driver
drove takes as much."""


def keep_freed_memory() -> None:
    """Have freed memory kept for the next lap, where the C library is told so in this way."""
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
        mallopt(_M_MMAP_THRESHOLD, _OWN_MAPPING)
