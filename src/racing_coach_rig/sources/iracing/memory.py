"""The shared memory in which a running iRacing keeps its newest ticks."""

import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import irsdk  # type: ignore[import-untyped]  # pyirsdk has no types
import numpy as np
import structlog
from numpy.lib import recfunctions

from racing_coach_rig.sources.iracing.reach import memory_of
from racing_coach_rig.sources.iracing.records import (
    Records,
    missing_variables,
    read_header,
    record_type,
    session_codes,
)
from racing_coach_rig.sources.iracing.session_info import SessionInfo, read_session_info
from racing_coach_rig.sources.labels import UNKNOWN

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some frames in a row.

    Attributes:
        connection: another number each time the simulator was found.
        records: only the wanted variables, closely packed.
        wall_clock: when the last of them was read, s since 1970.
        info: the session info that belongs to them.
    """

    connection: int
    records: Records
    wall_clock: float
    info: SessionInfo


class SharedMemory:
    """The shared memory of a running simulator.

    pyirsdk hands out one variable at a time, of the newest tick only. Whole records of every tick that is still
    there are in the header's buffers.
    """

    def __init__(self, ir: Any, header: Any, record: np.dtype[Any]) -> None:
        self._ir = ir
        self._buffers = header.var_buf
        self._record = record
        self._tick: int | None = None
        self._session_code: int | None = None
        self._info = SessionInfo()

    @classmethod
    def find(cls, memory_file: Path | None) -> "SharedMemory | None":
        """The simulator if it runs."""
        if memory_file is None and not _is_listening():
            return None
        ir = irsdk.IRSDK()
        try:
            if ir.startup(test_file=memory_file and str(memory_file)) and ir.is_connected:
                memory = memory_of(ir)
                header = read_header(memory)
                record = record_type(memory, header)
                if not missing_variables(record.names):
                    return cls(ir, header, record)
        except (OSError, ValueError, struct.error) as error:
            # Half written while the simulator starts: it is there at the next look.
            log.debug("simulator not ready", error=str(error))
        ir.shutdown()
        return None

    def new_records(self) -> list[bytes] | None:
        """The ticks that were not seen yet, oldest first, or None when the simulator is gone."""
        if not self._ir.is_connected:
            return None
        buffers = sorted(((each.tick_count, each) for each in self._buffers), key=lambda pair: pair[0])
        newest = buffers[-1][0]
        if self._tick is None:
            self._tick = newest  # The first look only says where the ticks are: they may stand still.
        if newest < self._tick:
            return None
        records: list[bytes] = []
        for tick, buffer in buffers:
            if tick > self._tick and (record := _read_whole(buffer, tick)):
                records.append(record)
        self._tick = newest
        return records

    def batch(self, records: list[bytes], connection: int) -> Batch:
        """Ticks as a batch, with the session info, which is read anew in another session."""
        packed = recfunctions.repack_fields(np.frombuffer(b"".join(records), self._record))
        session_code = int(session_codes(packed[-1:])[0])
        if session_code != self._session_code or UNKNOWN in {self._info.track_id, self._info.car_id}:
            self._info, self._session_code = read_session_info(self._ir), session_code
        return Batch(connection, packed, time.time(), self._info)

    def close(self) -> None:
        """Let go of the shared memory."""
        self._ir.shutdown()


def _read_whole(buffer: Any, tick: int) -> bytes | None:
    """The record of a tick, None when the simulator wrote to the buffer in the meantime.

    It raises `tick_count_begin` before it writes and `tick_count` after; old versions leave the first at 0.
    """
    buffer.freeze()
    record = bytes(buffer.get_memory())
    buffer.unfreeze()
    torn = buffer.tick_count != tick or buffer.tick_count_begin not in {0, tick}
    return None if torn else record


def _is_listening() -> bool:
    """Whether iRacing's web server is up. pyirsdk asks it too, but prints a line each time it is not."""
    url = urlsplit(irsdk.SIM_STATUS_URL)
    try:
        with socket.create_connection((url.hostname, url.port), timeout=1):
            return True
    except OSError:
        return False
