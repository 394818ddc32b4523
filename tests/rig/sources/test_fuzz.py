"""Whatever is in a file: laps that are laps, or an error that is the file's."""

import contextlib
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs
from tests.rig.sources.garage61.exports import lap_rows, text
from tests.rig.sources.iracing.ibt_writer import drive, ibt_bytes, laps_of

from racing_coach_core.codecs.decode import encode_lap, wire_payload
from racing_coach_core.codecs.encoding import Encoding
from racing_coach_core.validation import check_frames
from racing_coach_rig.exceptions import FileAccessError, SourceError
from racing_coach_rig.sources.garage61.export import read_garage61
from racing_coach_rig.sources.iracing.ibt import read_ibt
from racing_coach_rig.sources.lap_file import read_lap_file
from racing_coach_rig.sources.read_file import read_file
from racing_coach_rig.sources.result import SourceResult
from racing_coach_rig.sources.simulator import Simulator

LAP = next(Simulator(seed=1, track="pennywell").laps(1))
INTEGERS = [0, 1, -1, 2**15, 2**16 - 1, 2**31 - 1, -(2**31), 2**32 - 1, 2**30, 112, 144]
PATCHES = st.one_of(
    st.integers(0, 7).map(lambda bit: bit),
    st.sampled_from(INTEGERS).map(lambda value: struct.pack("<q", value)[:4]),
    st.sampled_from([float("nan"), float("inf"), 1e300, -1e300, 5e-324]).map(lambda value: struct.pack("<d", value)),
    st.sampled_from(
        [b"\0" * 8, b"\xff" * 8, b"nan", b"inf", b"-", b",", b"\n", b'"', b"1e999", b"{", b"[", b"&a", b"*a"]
    ),
    st.binary(min_size=1, max_size=12),
)

FILES: dict[str, tuple[bytes, Callable[[Path], SourceResult]]] = {
    "recording.ibt": (ibt_bytes(drive(laps_of(2, 40))), read_ibt),
    "export.csv": (text(lap_rows(60)).encode(), read_garage61),
    "lap.json": (encode_lap(LAP, Encoding.JSON)[:60_000], read_lap_file),
    "lap.arrow": (encode_lap(LAP, Encoding.ARROW), read_lap_file),
    "lap.zst": (wire_payload(LAP, Encoding.JSON).content, read_lap_file),
}


def mutated(content: bytes, data: st.DataObject) -> bytes:
    """The content with a few bytes overwritten, inserted or cut, more often at its head, where the layout is."""
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        near = data.draw(st.sampled_from([160, 4096, len(changed)]))
        at = data.draw(st.integers(0, max(0, min(near, len(changed)) - 1)))
        patch = data.draw(PATCHES)
        if isinstance(patch, int):
            changed[at : at + 1] = bytes([(changed[at] if changed else 0) ^ (1 << patch)])
        elif data.draw(st.booleans()):
            changed[at : at + len(patch)] = patch
        else:
            changed[at:at] = patch
    if data.draw(st.integers(0, 9)) == 0:
        del changed[data.draw(st.integers(0, len(changed))) :]
    return bytes(changed)


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_mutated_file_gives_laps_or_an_error_of_its_own(tmp_path: Path, name: str, data: st.DataObject) -> None:
    """No other error leaves a reader, and a lap that does has passed the daemon's own checks."""
    content, read = FILES[name]
    path = tmp_path / name
    path.write_bytes(mutated(content, data))
    try:
        result = read(path)
    except FileAccessError:
        raise
    except SourceError:
        return
    for lap in result.laps:
        assert check_frames(lap.frames) == []


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=400), name=st.sampled_from([*FILES, "lap", "lap.txt"]))
def test_any_bytes_give_laps_or_an_error_of_their_own(tmp_path: Path, content: bytes, name: str) -> None:
    """Whatever the file is called."""
    path = tmp_path / name
    path.write_bytes(content)
    with contextlib.suppress(SourceError), capture_logs() as logs:
        read_file(path)
    assert logs == [], "an error that the readers do not know"
