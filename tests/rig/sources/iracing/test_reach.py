"""What is private to pyirsdk is where we look for it."""

from pathlib import Path

import irsdk
from tests.rig.sources.iracing.ibt_writer import SharedMemory, record_dtype, session_info

from racing_coach_rig.sources.iracing.reach import memory_of
from racing_coach_rig.sources.iracing.records import read_header, record_type


def test_shared_mem_is_still_there(tmp_path: Path) -> None:
    """A release that moves or removes `_shared_mem` fails here, by its name: it is the memory, whole."""
    assert hasattr(irsdk.IRSDK(), "_shared_mem"), "_shared_mem is gone; it is the simulator's memory, mapped"
    SharedMemory(tmp_path / "memory", record_dtype(), session_info()).close()
    ir = irsdk.IRSDK()
    ir.startup(test_file=str(tmp_path / "memory"))
    try:
        memory = memory_of(ir)
        assert record_type(memory, read_header(memory)).itemsize == record_dtype().itemsize
    finally:
        ir.shutdown()
