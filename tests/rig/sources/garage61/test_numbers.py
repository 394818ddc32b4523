"""Text becomes numbers, exactly; anything else becomes an error that says what to do."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rig.sources.garage61.exports import HEADER, lap_rows, row, text

from racing_coach_core.channels import LAP_SCHEMA
from racing_coach_rig.exceptions import SourceError
from racing_coach_rig.sources.garage61.export import read_garage61

coordinates = st.floats(-180, 180, allow_nan=False)


reals = st.floats(-1e6, 1e6, allow_nan=False, width=32)


@given(st.lists(st.tuples(coordinates, reals), min_size=50, max_size=60))
def test_numbers_are_exact(tmp_path_factory: pytest.TempPathFactory, values: list[tuple[float, float]]) -> None:
    """Coordinates are the file's to the last bit of 64, all others to the last bit of 32."""
    count = len(values)
    rows = [row((i + 0.5) / count, Lat=repr(lat), Speed=repr(speed)) for i, (lat, speed) in enumerate(values)]
    path = tmp_path_factory.mktemp("exact") / "lap.csv"
    path.write_text(text(rows))
    frames = read_garage61(path).laps[0].frames
    assert frames.column("latitude").to_pylist() == [lat for lat, _ in values]
    assert frames.column("speed").to_pylist() == [speed for _, speed in values]


def test_columns_go_by_name(path: Path) -> None:
    """Another order, further columns, and columns that older exports lack make no difference."""
    path.write_text(text(lap_rows()))
    whole = read_garage61(path).laps[0].frames
    names = HEADER.split(",")
    kept = [n for n in reversed(names) if n not in {"YawRate", "DRSActive"}]
    lines = [[*(cells[names.index(n)] for n in kept), "whatever", '"a, b"'] for cells in lap_rows()]
    path.write_text(text(lines, ",".join([*kept, "P2PActive", "Notes"])))
    frames = read_garage61(path).laps[0].frames
    assert frames.column("yaw_rate").null_count == frames.num_rows
    others = [n for n in LAP_SCHEMA.names if n != "yaw_rate"]
    assert frames.select(others).equals(whole.select(others))


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_line_ends_and_byte_order_mark_do_not_matter(path: Path, newline: str, bom: str) -> None:
    """Spreadsheets on Windows add both when they save the file."""
    path.write_bytes((bom + text(lap_rows(), newline=newline)).encode())
    assert read_garage61(path).laps[0].frames.num_rows == 300


def test_an_empty_cell_of_an_optional_column_is_null(path: Path) -> None:
    """No value is not zero."""
    rows = lap_rows()
    rows[7][HEADER.split(",").index("RPM")] = ""
    rows[8][HEADER.split(",").index("Gear")] = ""
    path.write_text(text(rows))
    frames = read_garage61(path).laps[0].frames
    assert frames.column("rpm").to_pylist()[6:9] == [np.float32(6989.3467), None, np.float32(6989.3467)]
    assert frames.column("gear").to_pylist()[7:10] == [5, None, 5]


def replaced(at: int, name: str, cell: str) -> str:
    rows = lap_rows()
    rows[at][HEADER.split(",").index(name)] = cell
    return text(rows)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        (HEADER + "\n", "has column names but no rows"),
        (HEADER, "has column names but no rows"),
        (text(lap_rows()).replace("LapDistPct", "Distance"), "lacks the column LapDistPct"),
        (text(lap_rows()).replace("Brake", "B").replace("Speed", "V"), "lacks the column Speed, Brake"),
        (text(lap_rows()).replace("Clutch", "Brake"), "has the column Brake twice"),
        (replaced(3, "Throttle", "full"), "row 5, column Throttle: 'full' is not a number"),
        (replaced(0, "Yaw", "1,5").replace("1,5", '"1,5"'), "row 2, column Yaw: '1,5' is not a number"),
        (replaced(299, "Speed", ""), "row 301, column Speed: is empty"),
        (replaced(3, "Speed", "nan"), "frames.3.speed: must be a finite number"),
        (replaced(3, "Speed", "1e39"), "frames.3.speed: must be a finite number"),
        (replaced(3, "Gear", "5.5"), "cannot be stored"),
        (replaced(3, "Gear", "70000"), "cannot be stored"),
        (text(lap_rows()[:10]) + "1,2,3\n", "row 12 has 3 cells where the header has 18"),
        (text(lap_rows()[150:]), "holds no complete lap: it begins at 50.2% of the lap"),
        (text(lap_rows()[:150]), "holds no complete lap: it ends at 49.8% of the lap"),
        (text(lap_rows()[:90] + lap_rows()[120:]), "from row 91 to the next it jumps from 29.8% to 40.2%"),
        (text(lap_rows() + lap_rows()), "from row 301 to the next it jumps from 99.8% to 0.2%"),
    ],
    ids=lambda value: None if "\n" in value or not value else value[:40],
)
def test_what_is_wrong_is_said(path: Path, content: str, reason: str) -> None:
    """The error names file, row and column where there is one."""
    path.write_text(content)
    with pytest.raises(SourceError) as caught:
        read_garage61(path)
    assert reason in caught.value.reason
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfeS\x00p\x00", b"PK\x03\x04\x00\x00", b"\x80\x81\x82\n\x00"])
def test_other_files_are_refused(path: Path, content: bytes) -> None:
    """UTF-16, a spreadsheet, noise: an error and not a crash."""
    path.write_bytes(content)
    with pytest.raises(SourceError):
        read_garage61(path)


def test_a_broken_cell_encoding_is_refused(path: Path) -> None:
    """Bytes in the rows that are no UTF-8."""
    path.write_bytes(text(lap_rows()).encode().replace(b"0.7342188", b"0.73\xff188", 1))
    with pytest.raises(SourceError):
        read_garage61(path)
