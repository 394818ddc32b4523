"""The picture of a lap."""

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from matplotlib import image

from racing_coach_core.lap import Lap
from racing_coach_demo.picture.lap import SIZE_PX, lap_picture
from racing_coach_rig.sources.simulator import Simulator


@pytest.fixture(scope="module")
def lap() -> Lap:
    return next(Simulator(seed=1, track="pennywell").laps(1))


def without(frames: pa.RecordBatch, *names: str) -> pa.RecordBatch:
    """The same frames with these channels null."""
    arrays = [
        pa.nulls(frames.num_rows, field.type) if field.name in names else array
        for field, array in zip(frames.schema, frames.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=frames.schema)


def pixels(frames: pa.RecordBatch | pa.Table, path: Path) -> npt.NDArray[np.float32]:
    """Draw, read back and check the size: rows, columns and RGB from 0 to 1."""
    lap_picture(frames, path, title="A lap")
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    drawn = image.imread(path)[:, :, :3]
    assert drawn.shape == (SIZE_PX[1], SIZE_PX[0], 3)
    return drawn


def map_colours(drawn: npt.NDArray[np.float32]) -> int:
    """How many strongly coloured pixels there are where the map is."""
    height, width, _ = drawn.shape
    part = drawn[int(0.13 * height) : int(0.82 * height), : int(0.43 * width)]
    return int(np.count_nonzero(np.ptp(part, axis=2) > 0.4))


def test_draws_map_and_panels(lap: Lap, tmp_path: Path) -> None:
    """A lap becomes a PNG of the stated size, with a coloured map on the left and lines on the right."""
    drawn = pixels(lap.frames, tmp_path / "lap.png")
    assert map_colours(drawn) > 2000
    right = drawn[:, drawn.shape[1] // 2 :]
    assert np.count_nonzero(right.min(axis=2) < 0.9) > 20_000


def test_takes_a_table(lap: Lap, tmp_path: Path) -> None:
    """Frames in several chunks give the same picture as in one."""
    lap_picture(lap.frames, tmp_path / "batch.png", title="A lap")
    chunks = pa.Table.from_batches([lap.frames.slice(0, 100), lap.frames.slice(100)])
    lap_picture(chunks, tmp_path / "table.png", title="A lap")
    one, other = (hashlib.sha256((tmp_path / name).read_bytes()) for name in ("batch.png", "table.png"))
    assert one.digest() == other.digest()


def test_says_that_there_is_no_position(lap: Lap, tmp_path: Path) -> None:
    """Without latitude and longitude there are words in place of the map, and the panels all the same."""
    drawn = pixels(without(lap.frames, "latitude", "longitude"), tmp_path / "lap.png")
    assert map_colours(drawn) == 0
    assert np.count_nonzero(drawn[500:560, 200:700] < 0.7) > 200


def test_draws_what_is_known_of_the_position(lap: Lap, tmp_path: Path) -> None:
    """Frames without a position are left out of the map."""
    latitude = lap.frames.column("latitude").to_numpy().copy()
    latitude[100:200] = np.nan
    index = lap.frames.schema.get_field_index("latitude")
    frames = lap.frames.set_column(index, lap.frames.schema.field(index), pa.array(latitude, from_pandas=True))
    assert map_colours(pixels(frames, tmp_path / "lap.png")) > 2000


@pytest.mark.parametrize(
    "names", [("lap_distance",), ("gear",), ("steering_angle",), ("gear", "steering_angle", "lap_distance")]
)
def test_does_without_optional_channels(lap: Lap, tmp_path: Path, names: tuple[str, ...]) -> None:
    """A lap without distance, gear or steering is drawn with what it has, null or not there at all."""
    assert map_colours(pixels(without(lap.frames, *names), tmp_path / "null.png")) > 2000
    assert map_colours(pixels(pa.Table.from_batches([lap.frames]).drop([*names]), tmp_path / "gone.png")) > 2000


def test_draws_a_car_that_stands_still(lap: Lap, tmp_path: Path) -> None:
    """A single frame, and a car that does not move, are drawn too."""
    pixels(lap.frames.slice(0, 1), tmp_path / "one.png")
    still = pa.Table.from_batches([lap.frames.slice(0, 1)] * 5)
    pixels(still, tmp_path / "still.png")


def test_leaves_matplotlibs_global_state_alone(lap: Lap, tmp_path: Path) -> None:
    """Pictures may be drawn in any thread: pyplot knows nothing of them."""
    from matplotlib import _pylab_helpers

    lap_picture(lap.frames, tmp_path / "lap.png", title="A lap")
    assert _pylab_helpers.Gcf.get_num_fig_managers() == 0
