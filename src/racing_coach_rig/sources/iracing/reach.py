"""What is private to pyirsdk and yet used, and why.

A release that moves it fails tests/rig/sources/iracing/test_reach.py, and the linter keeps the reach out of every other
file.

`IRSDK._shared_mem` is the simulator's memory, mapped. pyirsdk hands out one variable of the newest tick at a time; we
want every tick that is still there, whole.
"""

from typing import Any


def memory_of(ir: Any) -> Any:
    """The memory that a started `irsdk.IRSDK` has open, which may be a file's."""
    return ir._shared_mem
